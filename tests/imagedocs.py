"""Judging image documents in tests: which findings a document gets, in short."""

from __future__ import annotations

import copy
import json
from typing import Any

from ocivalidate.image.documents.registry import load_checks
from ocivalidate.image.documents.subjects import SUBJECTS
from ocivalidate.jsontext.documents import read_document
from ocivalidate.jsontext.pointers import parse_pointer
from ocivalidate.rules.checks import CheckContext, Node
from ocivalidate.rules.clauses import Selection, load
from ocivalidate.rules.findings import Finding
from ocivalidate.rules.judge import active_clauses, judge
from ocivalidate.rules.ledger import Ledger, Verdicts
from ocivalidate.rules.witnesses import base_document
from ocivalidate.vocabulary.versions import IMAGE_RELEASES, NEXT

NEWEST = IMAGE_RELEASES[-1]
REMOVED = object()
Told = list[tuple[str, str, str]]


def release_of(clause_id: str) -> str:
    """The newest release, or the draft for a clause that no release has yet."""
    return NEXT if load()[clause_id].since == NEXT else NEWEST


def verdicts(kind: str, data: bytes, release: str = NEWEST, selection: Selection | None = None) -> Verdicts:
    """What judging a document of this type gives."""
    load_checks()
    selection = selection or Selection()
    subject = SUBJECTS[kind]
    clauses = active_clauses(subject, release, frozenset(), selection)
    ledger = Ledger(clauses, selection)
    judge(subject, read_document(data), CheckContext(Node(None), release), ledger)
    return ledger.verdicts()


def findings(kind: str, data: bytes, release: str = NEWEST, selection: Selection | None = None) -> tuple[Finding, ...]:
    """The findings on a document of this type."""
    return verdicts(kind, data, release, selection).findings


def told(kind: str, document: Any, release: str = NEWEST) -> Told:
    """Severity, clause (without ``image/``) and pointer of each finding on a document, sorted by pointer."""
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    found = findings(kind, data, release)
    parts = [(one.severity.value, one.clause.id.removeprefix("image/"), one.location.pointer or "") for one in found]
    return sorted(parts, key=lambda part: (part[2], part[1]))


def changed(base: str, *changes: tuple[str, Any]) -> Any:
    """A copy of ``fixtures/bases/<base>.json`` with other values at these pointers; ``REMOVED`` takes a member away."""
    document = copy.deepcopy(base_document(f"{base}.json"))
    for pointer, value in changes:
        *outer, last = parse_pointer(pointer)
        inner = document
        for token in outer:
            inner = inner[int(token) if isinstance(inner, list) else token]
        key = int(last) if isinstance(inner, list) else last
        if value is REMOVED:
            del inner[key]
        else:
            inner[key] = value
    return document
