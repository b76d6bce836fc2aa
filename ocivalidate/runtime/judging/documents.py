"""Judging a file of facts against a ``config.json``: the library call behind ``ocivalidate judge``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ocivalidate.bundle import sources
from ocivalidate.bundle.options import DocumentOptions
from ocivalidate.errors import Unreadable
from ocivalidate.jsontext.documents import Document, read_document
from ocivalidate.keeping import Counts
from ocivalidate.rules import schema
from ocivalidate.rules.clauses import Clause, Selection, load, settled
from ocivalidate.rules.findings import Location, Report
from ocivalidate.rules.judge import located
from ocivalidate.rules.ledger import Ledger, Place, together
from ocivalidate.runtime.inside.facts import Facts, find_facts
from ocivalidate.runtime.inside.probe import MARK
from ocivalidate.runtime.judging.judgements import Judgement, property_of
from ocivalidate.runtime.judging.rules import judge, wanted_paths
from ocivalidate.runtime.properties import property_clause
from ocivalidate.runtime.verdicts import shown
from ocivalidate.system.arguments import StrPath, at_least_one, given, path_text
from ocivalidate.vocabulary.versions import RUNTIME_CHOICES, RUNTIME_RELEASES, judged_by, noted

SPECIFICATION = "runtime-spec"
KIND = "runtime-config"


def check_facts(
    config: StrPath, facts: StrPath, selection: Selection | None = None, options: DocumentOptions | None = None
) -> Report:
    """Judge what a probe saw in a container against the config of that container (runtime-spec config.md).

    ``config``: a bundle folder, a ``config.json`` or ``-``; ``facts``: a file with the output of the probe, or ``-``.
    ``selection`` as for ``check_bundle``; the platform is linux. ``options``: how both are read. There is a result for
    each place in the config and each clause on it. Unusable input gives a report with a ``problem``. Raises as
    ``check_bundle`` does.
    """
    config, facts = path_text(config, "config"), path_text(facts, "facts")
    selection = settled(selection, SPECIFICATION, RUNTIME_CHOICES, ("linux",))
    max_size = given(options, DocumentOptions, "options").max_size
    at_least_one(max_size, "max_size")
    subject = f"{facts} against {config}"
    try:
        document = read_config(config, max_size)
        seen = _read_facts(facts, max_size)
        release = selection.spec_version or _release(document)
        _refuse_invalid(document, release)
    except Unreadable as problem:
        return Report("judge", subject, SPECIFICATION, problem=str(problem))
    judgements = judge(document.value, seen, release)
    return _report(subject, document, release, judgements, selection)


def read_config(path: str, max_size: int = sources.MAX_SIZE) -> Document:
    """The ``config.json`` at a path. Raises :class:`Unreadable`."""
    try:
        source = sources.bundle_source(path, max_size)
    except Unreadable as problem:
        raise Unreadable(f"{path}: {problem}") from problem
    if source.data is None:
        raise Unreadable(f"there is no {source.name}")
    document = read_document(source.data, source.name)
    if not isinstance(document.value, dict):
        raise Unreadable(f"{source.name} is not a JSON object")
    return document


def paths_for(path: str, max_size: int = sources.MAX_SIZE) -> list[str]:
    """The paths that a probe must look at for the config at a path. Raises :class:`Unreadable`."""
    document = read_config(path, max_size)
    _refuse_invalid(document, _release(document))
    return wanted_paths(document.value)


def _read_facts(path: str, max_size: int) -> Mapping[str, Any]:
    try:
        source = sources.file_source(path, max_size)
    except Unreadable as problem:
        raise Unreadable(f"{path}: {problem}") from problem
    text = (source.data or b"").decode("utf-8", "replace")
    found = find_facts(f"{text}\n") or _whole(text)
    if found is None:
        raise Unreadable(f"{source.name} does not contain the output of ocivalidate probe")
    return found.looks()


def _whole(text: str) -> Facts | None:
    """The facts in a document that was formatted over several lines."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    records = value.get(MARK) if isinstance(value, dict) else None
    return Facts(tuple(records)) if isinstance(records, list) else None


def _release(document: Document) -> str:
    written = document.value.get("ociVersion")
    return judged_by(written if isinstance(written, str) else None, RUNTIME_RELEASES).release


def _refuse_invalid(document: Document, release: str) -> None:
    """Rules assume that the config has passed its schema. Raises :class:`Unreadable`."""
    error = next(iter(schema.validate(KIND, release, document.value, most=1)), None)
    if error is not None:
        where = error.pointer or "the document"
        raise Unreadable(f"{document.name} is not valid ({where}: {error.message}); see ocivalidate bundle")


def _report(
    subject: str, document: Document, release: str, judgements: list[Judgement], selection: Selection
) -> Report:
    places: dict[str, list[Judgement]] = {}
    for judgement in judgements:
        places.setdefault(judgement.pointer, []).append(judgement)
    counts = Counts(selection.most)
    ledgers = [_ledger(document, pointer, here, release, selection, counts) for pointer, here in places.items()]
    written = document.value.get("ociVersion")
    note = noted(release, "" if written == release else f"the document says {written}")
    verdicts = together(ledgers)
    return Report("judge", subject, SPECIFICATION, release, note, ("linux",), "", *verdicts, file=document.name)


def _ledger(
    document: Document, pointer: str, judgements: list[Judgement], release: str, selection: Selection, counts: Counts
) -> Ledger:
    """The results for one place of a config."""
    asked = {clause.id: clause for clause in map(_clause, judgements)}
    clauses = {key: clause for key, clause in asked.items() if clause.holds_in(release) and selection.wants(clause)}
    ledger = Ledger(clauses, selection, pointer=pointer, counts=counts)
    place = Place(document.name, pointer, lambda: _location(document, pointer))
    for judgement in judgements:
        clause = _clause(judgement).id
        if judgement.held is None:
            ledger.leave_open(clause, judgement.reason)
        elif judgement.held:
            ledger.judged(clause)
        else:
            got, want = shown(judgement.got), shown(judgement.want)
            ledger.add(clause, place, judgement.message, kind=property_of(pointer), got=got, want=want)
    return ledger


def _location(document: Document, pointer: str) -> Location:
    span = document.span(pointer) if pointer else None
    return located(document.name, pointer or None, span, document)


def _clause(judgement: Judgement) -> Clause:
    return load("runtime")[judgement.clause or property_clause(property_of(judgement.pointer))]
