"""Records of files that anybody may have written: kept records, and JSON reports.

Sizes are bounded, and whatever is not as ``schemas/output/results.json`` says is one line.
"""

from __future__ import annotations

import json
import os
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from ocivalidate.bundle.sources import read_file
from ocivalidate.errors import Unreadable
from ocivalidate.programme.members import Members
from ocivalidate.programme.record import (
    FILE,
    OLD_SCHEMA,
    SCHEMA,
    Host,
    Outcome,
    Record,
    Said,
    Suite,
    Timing,
    content_digest,
    order,
)
from ocivalidate.programme.reports import REPORT_SCHEMA, records_of_report
from ocivalidate.report.escape import visible
from ocivalidate.runtime.driving.call_times import OPERATIONS
from ocivalidate.vocabulary.wording import bytes_in_words, excerpt

__all__ = ["read_any", "read_record", "read_records", "record_in", "records_of_report"]

MOST_PACKED, MOST_BYTES = 1 << 20, 8 << 20
"""The most bytes of a record in its file, and unpacked."""
_MOST_REPORT = 64 << 20
MOST_RESULTS = 50_000
_OUTCOMES = ("pass", "fail", "skip", "error")
_DIGEST = re.compile(r"(sha256:[0-9a-f]{64})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CLAUSE = re.compile(r"[a-z]+/[!-~]{1,200}")


def read_record(path: str | os.PathLike[str]) -> Record:
    """The record in a file ``results.json``, or ``results.json.gz``. Raises :class:`Unreadable`, with its path."""
    name = os.fspath(path)
    try:
        return record_in(document_in(read_file(name, MOST_BYTES)))
    except Unreadable as problem:
        raise Unreadable(f"{visible(name)}: {problem}") from problem


def read_any(path: str | os.PathLike[str]) -> list[Record]:
    """The records in a file: a record that was kept, or a JSON report. Raises :class:`Unreadable`, with its path."""
    name = os.fspath(path)
    try:
        document = document_in(read_file(name, _MOST_REPORT))
        return records_of_report(document) if document.get("schema") == REPORT_SCHEMA else [record_in(document)]
    except Unreadable as problem:
        raise Unreadable(f"{visible(name)}: {problem}") from problem


def read_records(folder: str | os.PathLike[str]) -> list[Record]:
    """The records below a folder such as ``results/``, in order. Raises :class:`Unreadable` for the first bad one."""
    return sorted(map(read_record, sorted(Path(folder).glob(f"*/*/{FILE}"))), key=order)


def document_in(data: bytes) -> dict[str, Any]:
    """The JSON object in the bytes of a file, compressed or not. Raises :class:`Unreadable`."""
    text = unpacked(data) if data[:2] == b"\x1f\x8b" else data
    try:
        found = json.loads(text.decode(), object_pairs_hook=_unique, parse_constant=_no_number)
    except RecursionError:
        raise Unreadable("not a record of a run: nested too deeply") from None
    except ValueError as problem:
        raise Unreadable(f"not a record of a run: not JSON: {visible(str(problem), 100)}") from problem
    if not isinstance(found, dict):
        raise Unreadable(f"not a record of a run: wanted an object, got {excerpt(found)}")
    return found


def unpacked(data: bytes) -> bytes:
    """The content of one gzip member, all of it and nothing behind. Raises :class:`Unreadable`."""
    if len(data) > MOST_PACKED:
        raise Unreadable(f"too large: wanted at most {bytes_in_words(MOST_PACKED)}")
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        text = inflate.decompress(data, MOST_BYTES + 1)
    except zlib.error as problem:
        raise Unreadable("not a record of a run: what is compressed in it is damaged") from problem
    if len(text) > MOST_BYTES:
        raise Unreadable(f"too large: wanted at most {bytes_in_words(MOST_BYTES)} unpacked")
    if not inflate.eof:
        raise Unreadable("not a record of a run: it was cut off")
    if inflate.unused_data:
        raise Unreadable("not a record of a run: something follows its end")
    return text


def record_in(data: Mapping[str, Any]) -> Record:
    """The record that a document is. Raises :class:`Unreadable`."""
    if data.get("schema") == OLD_SCHEMA:
        return _old(Members(data, ""))
    if data.get("schema") != SCHEMA:
        raise Unreadable(f"not a record of a run: wanted the schema {SCHEMA}, got {excerpt(data.get('schema'))}")
    record = _record(Members(data, ""))
    try:
        digest = content_digest(data)
    except ValueError:  # a half of a pair of surrogates
        raise Unreadable("not a record of a run: a text in it is not Unicode") from None
    if data["digest"] != digest:
        raise Unreadable("edited: its content does not have the digest that it says")
    return record


def _record(data: Members) -> Record:
    runtime, suite = data.inner("runtime"), data.inner("suite")
    record = Record(
        name=data.text("name"),
        version=data.text("version"),
        said=Said(runtime.text("name"), runtime.text("version")),
        claim=runtime.text("claim"),
        digest=runtime.text("digest", _DIGEST),
        source=runtime.text("source"),
        release=data.text("release"),
        suite=Suite(suite.text("version"), suite.text("revision", _DIGEST), suite.count("cases")),
        host=_host(data.inner("host")),
        date=data.text("date", _DATE),
        submitter=data.text("submitter"),
        command=data.texts("command"),
        outcomes=tuple(_outcomes(data.inner("results"))),
        timings=_timings(data.inner("timings")),
    )
    _hold_counts(data.inner("counts"), record)
    for name in ("schema", "digest"):
        data.text(name)
    for each in (data, runtime, suite):
        each.done()
    return record


def _host(data: Members) -> Host:
    host = Host(
        kernel=data.text("kernel"),
        machine=data.text("machine"),
        cgroup_mode=data.text("cgroup_mode"),
        controllers=data.texts("controllers"),
        lsms=data.texts("lsms"),
        root=data.flag("root"),
        own_kernel=data.flag("own_kernel"),
        sandbox=data.text("sandbox"),
    )
    data.done()
    return host


def _hold_counts(data: Members, record: Record) -> None:
    """Refuse counts that are not those of the results."""
    for name in _OUTCOMES:
        if (told := data.count(name)) != record.counts[name]:
            data.refuse(name, f"{record.counts[name]}, as there are results", told)
    data.done()


def _timings(data: Members) -> dict[str, Timing]:
    found = {}
    for name, one in data.each():
        if name not in OPERATIONS:
            data.refuse(name, f"one of {', '.join(OPERATIONS)}", name)
        found[name] = Timing(one.count("count"), one.seconds("median"), one.seconds("low"), one.seconds("high"))
        one.done()
        if not found[name].low <= found[name].median <= found[name].high or not found[name].count:
            data.refuse(name, "a median between its quartiles", [found[name].median])
    return found


def _outcomes(data: Members) -> Iterator[Outcome]:
    number = 0
    for case, clauses in data.each():
        for clause, told in clauses.each():
            number += 1
            if number > MOST_RESULTS:
                raise Unreadable(f"not a record of a run: wanted at most {MOST_RESULTS} results")
            yield _outcome(case, clause, told, clauses)


def _outcome(case: str, clause: str, told: Members, clauses: Members) -> Outcome:
    if not _CLAUSE.fullmatch(clause):
        clauses.refuse(clause, "the id of a clause", clause)
    outcome = told.text("outcome")
    if outcome not in _OUTCOMES:
        told.refuse("outcome", f"one of {', '.join(_OUTCOMES)}", outcome)
    said = told.texts("said", [])
    if bool(said) is (outcome == "pass"):
        told.refuse("said", "nothing of a pass, and something of all else", [*said])
    found = Outcome(case, clause, outcome, said, told.text("got", default=""), told.text("want", default=""))
    told.done()
    return found


def _old(data: Members) -> Record:
    """A record of the first form, which did not know the digest of the program, its suite and how long things took."""
    runtime, suite, host = data.inner("runtime"), data.inner("suite"), data.inner("host")
    subject, said = data.text("subject"), Said(runtime.text("name"), runtime.text("version"))
    name, _, version = subject.partition("@")
    return Record(
        name=name,
        version=version,
        said=said,
        claim=runtime.text("claim"),
        release=data.text("release"),
        source=data.text("source"),
        suite=Suite(suite.text("version"), "", suite.count("cases")),
        host=Host(
            kernel=host.text("kernel"),
            machine=host.text("machine"),
            cgroup_mode=host.text("cgroup_mode"),
            controllers=host.texts("controllers"),
            lsms=host.texts("lsms"),
            root=host.flag("root"),
        ),
        date=data.text("date", _DATE),
        outcomes=tuple(_old_outcomes(data.inner("results"))),
    )


def _old_outcomes(data: Members) -> Iterator[Outcome]:
    for case, clauses in data.each():
        for clause in clauses.names():
            outcome, *said = clauses.texts(clause) or ("",)
            if outcome not in _OUTCOMES:
                clauses.refuse(clause, f"one of {', '.join(_OUTCOMES)}", outcome)
            yield Outcome(case, clause, outcome, tuple(said))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands in an object twice")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")
