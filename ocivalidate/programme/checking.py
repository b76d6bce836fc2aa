"""Checking a folder of records that anybody may have handed in: each fault in one line, with its file.

A record is complete, is what was written, tells of nobody, and stands where it belongs. What that proves, and what it
cannot, says docs/programme.md.
"""

from __future__ import annotations

import datetime as dt
import itertools
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from ocivalidate.errors import OciValidateError, Unreadable
from ocivalidate.programme import revisions
from ocivalidate.programme.expiry import CURRENT, age
from ocivalidate.programme.personal import found_in
from ocivalidate.programme.reading import MOST_PACKED, document_in, record_in, unpacked
from ocivalidate.programme.readme import NAME, readme
from ocivalidate.programme.record import FILE, Record, as_json, canonical, folder_of, order
from ocivalidate.report.escape import visible
from ocivalidate.system.beneath import Beneath, LeadsOut
from ocivalidate.system.reasons import reason
from ocivalidate.vocabulary.versions import RUNTIME_RELEASES
from ocivalidate.vocabulary.wording import bytes_in_words

MOST_RECORDS = 5_000
_MOST_NAMES = 1_000  # in one folder
_MOST_README = 1 << 20
_MOST_FAULTS = 5  # that are told of one record
_FILES = frozenset({FILE, NAME})
_MODES = ("v1", "v2", "hybrid", "none")
_FIRST = dt.date(2026, 1, 1)  # no record is older than the suite


class Fault(NamedTuple):
    """What is wrong with a file or a folder; ``path`` is relative to the folder of records."""

    path: str
    message: str


@dataclass(slots=True)
class Checked:
    """What a check came to: faults, notes on records that say too little of today, and the records that are sound."""

    faults: list[Fault] = field(default_factory=list)
    notes: list[Fault] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)


class _Wrong(OciValidateError):
    """What is wrong with a record, in the file ``name`` of its folder, or with the folder itself."""

    def __init__(self, name: str, *messages: str) -> None:
        super().__init__(messages[0])
        self.name = name
        self.messages = messages


def check(folder: str, today: dt.date) -> Checked:
    """Check the records in a folder such as ``results/``. Raises :class:`Unreadable` where there is no such folder."""
    found = Checked()
    try:
        with Beneath(folder) as below:
            for path in _folders(below, found):
                try:
                    record = _sound(below, path, today)
                except _Wrong as problem:
                    place = f"{path}/{problem.name}".rstrip("/")
                    found.faults += [Fault(place, message) for message in problem.messages]
                    continue
                found.records.append(record)
                if (how := age(record, today)).state != CURRENT:
                    found.notes.append(Fault(path, f"{how.state}: {how.reason}: run it again"))
    except OSError as problem:
        raise Unreadable(f"{visible(folder)}: {reason(problem)}") from problem
    if not found.records and not found.faults:
        raise Unreadable(f"{visible(folder)}: there is no record in it: wanted NAME/VERSION/{FILE}")
    found.records.sort(key=order)
    return found


def _folders(below: Beneath, found: Checked) -> Iterator[str]:
    """The folders of records: those in those of runtimes. Whatever else is there is a fault."""
    number = 0
    for name in _names(below, "", found):
        if name == NAME and _kind(below, name) == stat.S_IFREG:
            continue
        if _kind(below, name) != stat.S_IFDIR:
            found.faults.append(Fault(name, f"wanted a folder for a runtime, or {NAME}"))
            continue
        versions = _names(below, name, found)
        if not versions and name not in {fault.path for fault in found.faults[-1:]}:
            found.faults.append(Fault(name, "it is empty: wanted a folder for each version"))
        for version in versions:
            path = f"{name}/{version}"
            number += 1
            if number > MOST_RECORDS:
                raise Unreadable(f"wanted at most {MOST_RECORDS} records")
            if _kind(below, path) == stat.S_IFDIR:
                yield path
            else:
                found.faults.append(Fault(path, "wanted a folder for a version"))


def _names(below: Beneath, path: str, found: Checked) -> list[str]:
    """The names in a folder; none where there are too many."""
    names = below.names(path or ".")
    if len(names) <= _MOST_NAMES:
        return names
    found.faults.append(Fault(path or ".", f"wanted at most {_MOST_NAMES} names in it, got {len(names)}"))
    return []


def _kind(below: Beneath, path: str) -> int:
    """The type of what stands at a path, where no link leads to it; else 0."""
    try:
        look = below.look(path)
    except (OSError, ValueError, LeadsOut):
        return 0
    return 0 if look.linked else stat.S_IFMT(look.status.st_mode)


def _sound(below: Beneath, path: str, today: dt.date) -> Record:
    """The record in a folder. Raises :class:`_Wrong` for the first fault."""
    names = {*below.names(path)}
    for name in (FILE, NAME):
        if name not in names:
            raise _Wrong(name, "it is missing")
    if strange := sorted(names - _FILES):
        raise _Wrong(strange[0], f"wanted nothing but {FILE} and {NAME}")
    content = _read(below, path, FILE, MOST_PACKED)
    try:
        record = record_in(document_in(content))
        text = unpacked(content)
    except Unreadable as problem:
        raise _Wrong(FILE, str(problem)) from problem
    if text != canonical(as_json(record)) + b"\n":
        raise _Wrong(FILE, "edited: it is not written as --submit writes it")
    if told := list(itertools.islice(_problems(record, today), _MOST_FAULTS)):
        raise _Wrong(FILE, *told)
    if path != folder_of(record):
        raise _Wrong("", f"it has the record of {folder_of(record)}: wanted that name of the folder")
    if _read(below, path, NAME, _MOST_README) != readme(record, content).encode():
        raise _Wrong(NAME, f"edited: it is not what --submit writes beside this {FILE}")
    return record


def _read(below: Beneath, path: str, name: str, most: int) -> bytes:
    if below.is_link(f"{path}/{name}"):
        raise _Wrong(name, "it is a link: wanted a regular file")
    try:
        with os.fdopen(below.open(f"{path}/{name}"), "rb") as file:
            data = file.read(most + 1)
    except LeadsOut as problem:
        raise _Wrong(name, str(problem)) from problem
    except OSError as problem:
        raise _Wrong(name, reason(problem)) from problem
    if len(data) > most:
        raise _Wrong(name, f"too large: wanted at most {bytes_in_words(most)}")
    return data


def _problems(record: Record, today: dt.date) -> Iterator[str]:
    """What a record lacks, claims that cannot be, or tells of somebody."""
    yield from _absent(record)
    yield from _date_problems(record, today)
    yield from _suite_problems(record)
    for where, text in _texts(record):
        if told := found_in(text, address=where != "submitter"):
            yield f"{where}: wanted nothing that tells of a person or a machine, got {told}"


def _absent(record: Record) -> Iterator[str]:
    host = record.host
    wanted = {
        "name": record.name,
        "version": record.version,
        "runtime.digest": record.digest,
        "suite.revision": record.suite.revision,
        "suite.version": record.suite.version,
        "host.kernel": host.kernel,
        "host.machine": host.machine,
        "command": record.command,
    }
    yield from (f"{name}: wanted one, got nothing" for name, told in wanted.items() if not told)
    if host.cgroup_mode not in _MODES:
        yield f"host.cgroup_mode: wanted one of {', '.join(_MODES)}, got {visible(host.cgroup_mode, 40)}"
    if not record.counts.keys() & {"pass", "fail"}:
        yield "results: wanted some that pass or fail, got none"


def _date_problems(record: Record, today: dt.date) -> Iterator[str]:
    try:
        date = dt.date.fromisoformat(record.date)
    except ValueError:
        yield f"date: wanted a day of the calendar, got {record.date}"
        return
    # Somewhere it is tomorrow already.
    if not _FIRST <= date <= today + dt.timedelta(days=1):
        yield f"date: wanted a day from {_FIRST} to now, got {record.date}"


def _suite_problems(record: Record) -> Iterator[str]:
    """Whether it has just the results that its suite gives a runtime judged by its release."""
    suite = revisions.known(record.suite.revision)
    if suite is None:
        yield f"suite.revision: wanted this suite ({revisions.digest()[:23]}…) or one of conformance/revisions/"
        return
    if suite.version != record.suite.version:
        yield f"suite.version: wanted {suite.version}, as that revision has, got {visible(record.suite.version, 40)}"
    if record.release not in suite.results:
        yield f"release: wanted one of {', '.join(RUNTIME_RELEASES)}, got {visible(record.release, 40)}"
        return
    wanted = suite.results[record.release]
    found = {(one.case, one.clause) for one in record.outcomes}
    if missing := sorted(wanted - found):
        yield f"results: {len(missing)} are missing, the first: {' '.join(missing[0])}"
    if strange := sorted(found - wanted):
        yield f"results: {len(strange)} are of no case of that suite, the first: {visible(' '.join(strange[0]), 200)}"
    cases = len({case for case, _clause in wanted})
    if cases != record.suite.cases:
        yield f"suite.cases: wanted {cases}, got {record.suite.cases}"


def _texts(record: Record) -> Iterator[tuple[str, str]]:
    """Every text in which something could be told, and where it stands."""
    yield from (("name", record.name), ("version", record.version), ("runtime.name", record.said.name))
    yield from (("runtime.version", record.said.version), ("runtime.claim", record.claim))
    yield from (("submitter", record.submitter), ("runtime.source", record.source), ("host.kernel", record.host.kernel))
    yield from (("host.machine", record.host.machine), ("host.sandbox", record.host.sandbox))
    for words in (record.command, record.host.controllers, record.host.lsms):
        yield from (("command" if words is record.command else "host", word) for word in words)
    for one in record.outcomes:
        yield from ((f"results.{one.case}", text) for text in (*one.said, one.got, one.want))
