"""Which document a text is, and what is found in it."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from ocivalidate import meanings
from ocivalidate.bundle.api import check_config, check_document
from ocivalidate.jsontext.documents import read_document
from ocivalidate.rules.clauses import Selection
from ocivalidate.rules.findings import Finding
from ocivalidate.rules.schema import everything, releases
from ocivalidate.vocabulary.versions import IMAGE_RELEASES, RUNTIME_RELEASES, holds, judged_by

CONFIG, STATE, FEATURES = "runtime-config", "runtime-state", "runtime-features"
LARGEST = 4 * 1024 * 1024
"""The largest text, in characters, that is judged while somebody types."""

# As these files are called, whatever is in them yet.
_NAMES = {"oci-layout": "image-layout"}
_VERSION = {CONFIG: "ociVersion", STATE: "ociVersion", FEATURES: "ociVersionMax"}
_MARK = re.compile(r'"(ociVersion|ociVersionMax|imageLayoutVersion)"\s*:')
_MARKED = {"ociVersion": CONFIG, "ociVersionMax": FEATURES, "imageLayoutVersion": "image-layout"}


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found in a text; ``kind`` is a key of ``schema.KINDS``, or ``""`` for a document of somebody else."""

    text: str
    kind: str
    findings: tuple[Finding, ...] = ()
    note: str = ""


def kind_of(uri: str, text: str, before: str = "") -> str:
    """The type of document that a text is, or ``""``. ``before``: what it was before it broke."""
    if len(text) > LARGEST:
        return before
    return _kind(uri, text, read_document(_bytes(text)).value, before)


def _kind(uri: str, text: str, value: Any, before: str) -> str:
    if isinstance(value, dict):
        found = meanings.of_value(value)
        return found or next((_MARKED[name] for name in _MARKED if name in value), "")
    if before:
        return before
    mark = _MARK.search(text)
    return _MARKED[mark[1]] if mark else _NAMES.get(posixpath.basename(unquote(urlsplit(uri).path)), "")


def release_of(kind: str, text: str) -> str:
    """The release by which a document is judged, also while it is no JSON."""
    known = RUNTIME_RELEASES if kind.startswith("runtime-") else IMAGE_RELEASES
    if kind not in _VERSION:
        return known[-1]
    found = re.search(rf'"{_VERSION[kind]}"\s*:\s*"([^"\\]{{0,80}})"', text)
    release = judged_by(found[1] if found else None, known).release
    first = everything(kind).get("x-since")
    if first is not None and not holds(release, first, None):
        release = str(first)
    return release if release in releases(kind) else known[-1]


def judge(uri: str, text: str, before: str = "") -> Judged:
    """Judge a text as it stands in an editor; nothing on this machine is looked at."""
    if len(text) > LARGEST:
        kind = before or _kind(uri, text[:_HEAD], None, "")
        return Judged(text, kind, note=f"more than {LARGEST:,} characters: too large to judge in an editor")
    data = _bytes(text)
    kind = _kind(uri, text, read_document(data).value, before)
    selection = Selection()
    if kind == CONFIG:
        report = check_config(data, selection, fixes=True)
        return Judged(text, kind, report.findings)
    return Judged(text, kind, check_document(kind, data).findings if kind in (STATE, FEATURES) else _image(kind, data))


_HEAD = 65_536


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _image(kind: str, data: bytes) -> tuple[Finding, ...]:
    if not kind.startswith("image-"):
        return ()
    from ocivalidate.image.documents.judging import judge_read
    from ocivalidate.image.documents.reading import read
    from ocivalidate.image.documents.registry import load_checks
    from ocivalidate.image.documents.subjects import SUBJECTS
    from ocivalidate.rules.judge import active_clauses, noting
    from ocivalidate.rules.ledger import Ledger

    load_checks()
    selection = Selection()
    found = read(data, "", kind, lambda of: noting(of, selection), own=False)
    ledger = Ledger(active_clauses(SUBJECTS[kind], IMAGE_RELEASES[-1], frozenset(), selection), selection)
    judge_read(found, IMAGE_RELEASES[-1], ledger)
    return ledger.findings()
