"""Reads the records of pax extension headers (POSIX pax): ``length key=value newline``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ocivalidate.errors import Malformed
from ocivalidate.image.layers.readers import PAX, SOLARIS, SPARSE_NAME, Said
from ocivalidate.image.layers.sparse import form_of

_LENGTH = re.compile(rb"([0-9]{1,10}) ")
_INTEGER = re.compile(rb"[0-9]{1,30}")
_TIME = re.compile(rb"-?[0-9]{1,30}(?:\.[0-9]*)?")
_NUMBERS = {
    b"size": _INTEGER,
    b"uid": _INTEGER,
    b"gid": _INTEGER,
    b"mtime": _TIME,
    b"atime": _TIME,
    b"ctime": _TIME,
    b"GNU.sparse.size": _INTEGER,
    b"GNU.sparse.realsize": _INTEGER,
}
_TIMES = frozenset((b"mtime", b"atime", b"ctime"))
_SPARSE = b"GNU.sparse."
_XATTRS = (b"SCHILY.xattr.", b"LIBARCHIVE.xattr.")
# Keys that belong to one entry: readers treat them differently in a global header.
SINGULAR = frozenset({b"path", b"linkpath", b"size"})
# Texts in which Go does not accept a NUL byte.
_TEXTS = frozenset({b"path", b"linkpath", b"uname", b"gname"})


@dataclass(slots=True)
class Extension:
    """What extension headers say about the next entry, as Go reads them. ``None``: nothing.

    Of several pax headers only the last counts, and a global header discards those before it.
    """

    path: bytes | None = None
    sparse_name: bytes | None = None
    link: bytes | None = None
    long_name: bytes | None = None
    long_link: bytes | None = None
    size: int | None = None
    real_size: int = 0
    # Whether it is marked as sparse, and where Go finds the map: without one Go does not treat it as sparse.
    sparse: bool = False
    sparse_form: str = ""
    xattrs: int = 0
    # Numeric attributes that need no value in the tar header.
    attributes: dict[bytes, bytes] = field(default_factory=dict)
    # All records of pax headers, in order.
    records: list[tuple[bytes, bytes]] = field(default_factory=list)
    # All of these headers, in order: other readers use them differently.
    said: list[Said] = field(default_factory=list)
    # The offset of the first of these headers, and their total size.
    start: int = 0
    payload: int = 0

    def without_pax(self) -> Extension:
        """The same without the values from pax headers."""
        return Extension(
            long_name=self.long_name, long_link=self.long_link, said=self.said, start=self.start, payload=self.payload
        )

    def forgotten(self) -> Extension:
        """Empty, but for what other readers remember."""
        return Extension(said=self.said, start=self.start, payload=self.payload)


def records(payload: bytes) -> list[tuple[bytes, bytes]]:
    """The keys and values of a pax header, in order. Raises :class:`Malformed`."""
    found: list[tuple[bytes, bytes]] = []
    position = 0
    while position < len(payload):
        match = _LENGTH.match(payload, position)
        if match is None:
            raise Malformed("a record does not begin with its length and a space")
        end = position + int(match[1])
        if end > len(payload):
            raise Malformed("a record is longer than the header")
        if end <= match.end() or payload[end - 1] != 0x0A:
            raise Malformed("a record does not end in a newline")
        key, equals, value = payload[match.end() : end - 1].partition(b"=")
        if not equals or not key:
            raise Malformed("a record has no key before '='")
        found.append((key, value))
        position = end
    return found


def taken(extension: Extension, kind: bytes, found: list[tuple[bytes, bytes]]) -> Extension:
    """What the records of a header of this type say about the next entry, as Go reads them.

    Raises :class:`Malformed` for an invalid number.
    """
    extension.said.append(Said(kind, records=found))
    if kind == SOLARIS and extension.sparse_form:
        raise Malformed("a header of type X stands between an entry and the records that make it sparse")
    if kind != PAX:
        return extension.forgotten()
    extension = extension.without_pax()
    apply(extension, found)
    return extension


def nul_faults(found: list[tuple[bytes, bytes]]) -> list[str]:
    """Faults of NUL bytes in records: Go refuses the whole archive, other readers cut the value or ignore it."""
    faults: dict[str, None] = {}
    for key, value in found:
        shown = repr(key.decode("utf-8", "backslashreplace")[:200])
        if b"\0" in key or (key.startswith(_XATTRS[1]) and b"%00" in key):
            faults[f"the name {shown} of an extended attribute or pax record has a NUL byte"] = None
        elif key in _TEXTS and b"\0" in value:
            faults[f"the pax record {shown} has a NUL byte: {value.decode('utf-8', 'backslashreplace')[:200]!r}"] = None
    return list(faults)


def is_of_one_entry(key: bytes) -> bool:
    """Whether a record can only be true of a single entry."""
    return key in SINGULAR or key.startswith(_SPARSE)


def odd_numbers(kind: bytes, found: list[tuple[bytes, bytes]]) -> list[str]:
    """The numbers that only Go accepts: without a value, or invalid in a header of another type than ``x``."""
    return sorted({key.decode() for key, value in found if (not value or kind != PAX) and _is_bad_number(key, value)})


def _is_bad_number(key: bytes, value: bytes) -> bool:
    pattern = _NUMBERS.get(key)
    if pattern is None:
        return False
    # Go refuses an archive with a number beyond 64 bits; an id that is too large is reported as such.
    return not pattern.fullmatch(value) or (key in _TIMES and abs(int(value.partition(b".")[0])) >= 1 << 63)


def apply(extension: Extension, found: list[tuple[bytes, bytes]]) -> None:
    """Apply records to the next entry. An empty value removes a record.

    Raises :class:`Malformed` for an invalid number.
    """
    extension.records += found
    for key, value in found:
        if value and _is_bad_number(key, value):
            raise Malformed(f"the value of {key.decode('ascii')} is not a number")
        if key in SINGULAR:
            _singular(extension, key, value)
        elif key.startswith(_SPARSE):
            _sparse(extension, key, value)
        elif key.startswith(_XATTRS):
            extension.xattrs += 1
        elif key in _NUMBERS:
            extension.attributes[key] = value
    extension.sparse_form = form_of(found) if extension.sparse else ""


def _singular(extension: Extension, key: bytes, value: bytes) -> None:
    if key == b"path":
        extension.path = value or None
    elif key == b"linkpath":
        extension.link = value or None
    else:
        extension.size = int(value) if value else None


def _sparse(extension: Extension, key: bytes, value: bytes) -> None:
    extension.sparse = True
    if key == SPARSE_NAME:
        extension.sparse_name = value or None
    elif key in _NUMBERS:
        extension.real_size = max(extension.real_size, int(value or b"0"))
