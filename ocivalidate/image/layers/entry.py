"""Judges one entry of a tar by itself: its names, its type, its attributes, the records of its pax header."""

from __future__ import annotations

from collections.abc import Container, Iterable

from ocivalidate.errors import Malformed
from ocivalidate.image.layers import pax
from ocivalidate.image.layers.header import is_blank, is_odd, number
from ocivalidate.image.layers.paths import BLOCK_DEVICE, CHARACTER, KNOWN, SYMLINK
from ocivalidate.image.layers.problems import Kind, Problems, shown
from ocivalidate.image.layers.readers import GLOBAL, SOLARIS

_DEVICES = {CHARACTER: "character", BLOCK_DEVICE: "block"}
_ATTRIBUTES = (("mode", slice(0, 8)), ("uid", slice(8, 16)), ("gid", slice(16, 24)))
_NO_ID = 0xFFFFFFFF
# NAME_MAX, and PATH_MAX without the NUL, the limit of symlink(2).
LONGEST_NAME, _LONGEST_TARGET = 255, 4095
# The range of device numbers: 12 and 20 bits (makedev(3), and mknod(2) of Linux).
_MOST_MAJOR, _MOST_MINOR = (1 << 12) - 1, (1 << 20) - 1


def judge_names(name: bytes, link: bytes, kind: bytes, longest: int, offset: int, problems: Problems) -> None:
    """Judge the name and the link target of an entry."""
    if not name:
        problems.add(Kind.NAME_EMPTY, "the entry has an empty name", offset, name)
    if len(name) > LONGEST_NAME and (size := max(map(len, name.split(b"/")))) > LONGEST_NAME:
        message = f"a path component has {size} bytes, more than {LONGEST_NAME}"
        problems.add(Kind.NAME_LONG, message, offset, name)
    if kind == SYMLINK and longest >= len(link) > _LONGEST_TARGET:
        message = f"the link target has {len(link)} bytes, more than {_LONGEST_TARGET}"
        problems.add(Kind.NAME_LONG, message, offset, name)
    for what, text in (("path", name), ("link target", link)):
        if len(text) > longest:
            problems.add(Kind.LIMIT_PATH, f"the {what} has {len(text)} bytes, more than {longest}", offset, name)
        if not _is_utf8(text):
            problems.add(Kind.NAME_NOT_UTF8, f"the {what} is not UTF-8", offset, name)


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def judge_type(name: bytes, kind: bytes, block: bytes, offset: int, problems: Problems) -> None:
    """Judge the type of an entry whose header is ``block``."""
    if kind in _DEVICES:
        try:
            major, minor = number(block[329:337], "devmajor"), number(block[337:345], "devminor")
        except Malformed as error:
            problems.add(Kind.HEADER_NUMBER, str(error), offset, name)
            return
        what = f"{_DEVICES[kind]} device {major}:{minor}"
        if not (0 <= major <= _MOST_MAJOR and 0 <= minor <= _MOST_MINOR):
            message = f"the {what} is out of range: want major 0 to {_MOST_MAJOR}, minor 0 to {_MOST_MINOR}"
            problems.add(Kind.DEVICE_NUMBER, message, offset, name)
            return
        overlay = ", which overlayfs takes for a whiteout" if (kind, major, minor) == (CHARACTER, 0, 0) else ""
        problems.add(Kind.DEVICE, f"the entry is a {what}{overlay}", offset, name)
    elif kind not in KNOWN:
        problems.add(Kind.TYPE_UNKNOWN, f"the entry has the type {shown(kind)!r}", offset, name)


def attribute_faults(owner: bytes, mtime: bytes, given: Container[bytes]) -> list[tuple[Kind, str]]:
    """What is wrong with mode, uid and gid (``owner``) and mtime; ``given``: set by an extension header."""
    fields = (*((key, owner[part]) for key, part in _ATTRIBUTES), ("mtime", mtime))
    found = number_faults(fields)
    for key, field in fields[1:3]:
        fault = None if key.encode() in given else owner_fault(key, _value(field, key))
        found += [fault] if fault else []
    blank = (key for key, field in fields if is_blank(field) and key.encode() not in given)
    return found + [(Kind.ATTRIBUTE_BLANK, f"the {key} field is blank") for key in blank]


def owner_fault(key: str, value: int) -> tuple[Kind, str] | None:
    """What is wrong with a user or group id; the largest 32-bit value means "none" to the kernel."""
    if 0 <= value < _NO_ID:
        return None
    return Kind.OWNER_RANGE, f"the {key} is {value}, want 0 to {_NO_ID - 1}"


def _value(field: bytes, key: str) -> int:
    """A number, or 0 for one that cannot be parsed, which is reported elsewhere."""
    try:
        return number(field, key)
    except Malformed:
        return 0


def number_faults(fields: Iterable[tuple[str, bytes]]) -> list[tuple[Kind, str]]:
    """What is wrong with numeric fields, each with its name."""
    found: list[tuple[Kind, str]] = []
    for key, field in fields:
        try:
            number(field, key)
        except Malformed as error:
            found.append((Kind.HEADER_NUMBER, str(error)))
            continue
        if is_odd(field):
            found.append((Kind.READERS_DIFFER, f"the {key} field has bytes besides its number, and readers differ"))
    return found


def judge_records(kind: bytes, records: list[tuple[bytes, bytes]], start: int, problems: Problems) -> None:
    """Judge the records of an extension header of this type."""
    for message in pax.nul_faults(records):
        problems.add(Kind.NAME_NUL, message, start)
    if odd := pax.odd_numbers(kind, records):
        message = f"a pax header has no number for {', '.join(odd)}, which only some readers accept"
        problems.add(Kind.READERS_DIFFER, message, start)
    if kind == SOLARIS:
        problems.add(Kind.TYPE_UNKNOWN, "the extension header has the type 'X', which Go reads as an entry", start)
    if kind == GLOBAL:
        # GNU tar skips blanks before a key.
        keys = sorted({shown(key) for key, _value in records if pax.is_of_one_entry(key.lstrip(b" \t"))})
        if keys:
            message = f"a global header sets {', '.join(keys)}, which only some readers apply"
            problems.add(Kind.PAX_GLOBAL, message, start)
