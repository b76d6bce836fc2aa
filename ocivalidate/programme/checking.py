"""Checking a folder of records that anybody may have handed in: each fault in one line, with its file.

A record is complete, is what was written, tells of nobody, and stands where it belongs. What that proves, and what it
cannot, says docs/programme.md.
"""

from __future__ import annotations

import datetime as dt
import itertools
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ocivalidate.errors import OciValidateError, Unreadable
from ocivalidate.programme.expiry import CURRENT, age
from ocivalidate.programme.reading import MOST_PACKED, document_in, record_in, unpacked
from ocivalidate.programme.readme import NAME, readme
from ocivalidate.programme.record import FILE, GZIP_HEADER, Record, as_json, canonical, folder_of, order
from ocivalidate.programme.sound import problems
from ocivalidate.report.escape import visible
from ocivalidate.system.beneath import Beneath, LeadsOut
from ocivalidate.system.reasons import reason
from ocivalidate.vocabulary.wording import bytes_in_words

MOST_RECORDS = 5_000
_MOST_NAMES = 1_000  # in one folder
_MOST_README = 1 << 20
_MOST_FAULTS = 5  # that are told of one record
_FILES = frozenset({FILE, NAME})


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
            _refuse_inside(below, folder)
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


def _refuse_inside(below: Beneath, folder: str) -> None:
    """Refuse the folder of one record, or of one runtime: what it is called counts. Raises :class:`Unreadable`."""
    names = below.names(".")[:_MOST_NAMES]
    folders = [name for name in names if _kind(below, name) == stat.S_IFDIR]
    if not folders and FILE in names:
        wanted = "../.."
    elif folders and all(FILE in below.names(name) for name in folders):
        wanted = ".."
    else:
        return
    above = visible(os.path.join(folder, wanted))
    raise Unreadable(f"{visible(folder)}: wanted the folder that has NAME/VERSION/{FILE}: check {above}")


def _folders(below: Beneath, found: Checked) -> Iterator[str]:
    """The folders of records: those in those of runtimes. Whatever else is there is a fault."""
    number = 0
    for name in _alone(_names(below, "", found), "", found):
        if name == NAME and _kind(below, name) == stat.S_IFREG:
            continue
        if _kind(below, name) != stat.S_IFDIR:
            found.faults.append(Fault(name, f"wanted a folder for a runtime, or {NAME}"))
            continue
        versions = _names(below, name, found)
        if not versions and name not in {fault.path for fault in found.faults[-1:]}:
            found.faults.append(Fault(name, "it is empty: wanted a folder for each version"))
        for version in _alone(versions, f"{name}/", found):
            path = f"{name}/{version}"
            number += 1
            if number > MOST_RECORDS:
                raise Unreadable(f"wanted at most {MOST_RECORDS} records")
            if _kind(below, path) == stat.S_IFDIR:
                yield path
            else:
                found.faults.append(Fault(path, "wanted a folder for a version"))


def _alone(names: Sequence[str], folder: str, found: Checked) -> Iterator[str]:
    """The names, but for those which are those of others where systems do not tell capitals from small letters."""
    met: dict[str, str] = {}
    for name in names:
        other = met.setdefault(name.casefold(), name)
        if other == name:
            yield name
        else:
            found.faults.append(
                Fault(f"{folder}{name}", f"wanted a name that is not {visible(other)} in other letters")
            )


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
    # The header of gzip may have a name, a time and a comment.
    if not content.startswith(GZIP_HEADER) or text != canonical(as_json(record)) + b"\n":
        raise _Wrong(FILE, "edited: it is not written as --submit writes it")
    if told := list(itertools.islice(problems(record, today), _MOST_FAULTS)):
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
