"""How tar readers understand one entry: the rules in which they differ, as tables and a function per reader.

Container engines read layers with Go's ``archive/tar``: its reading is what we judge and unpack. Where GNU tar,
libarchive or CPython's ``tarfile`` read another path or link target, one layer gives two trees, and a hazard may hide
in the one that nobody looked at. So every other reading is judged too. The tests compare these rules with the real
readers.

==========================  ==================  ==========  ==================  ================
header form                 Go                  GNU tar     libarchive          CPython
==========================  ==================  ==========  ==================  ================
prefix, ``ustar`` NUL       joined              joined      joined              joined
prefix, GNU magic           joined if no times  ignored     ignored             joined
prefix, other ``ustar``     ignored             ignored     joined              joined
prefix, no magic            ignored             ignored     ignored             joined
several pax headers         the last alone      the last    the last            first record won
long name and pax path      long name           pax path    the first header    the first header
two long names              the last            the last    the last            the first
empty long name             ignored             empty name  empty name          empty name
empty pax path              takes it back       empty name  ignored             empty name
global between them         forgets the others  no effect   no effect           no effect
Solaris ``X``               an entry            pax header  pax header          pax header
file whose name ends in /   a file              a folder    a folder            a file
sparse name without a map   ignored             its name    its name            its name
blanks before a pax key     of the key          ignored     of the key          of the key
==========================  ==================  ==========  ==================  ================
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from ocivalidate.image.layers.paths import same_path
from ocivalidate.image.layers.problems import shown

LONG_NAME, LONG_LINK, PAX, SOLARIS, GLOBAL = b"L", b"K", b"x", b"X", b"g"
PAX_FORMS = frozenset((PAX, SOLARIS))
SPARSE_NAME = b"GNU.sparse.name"
# Keys that make an entry sparse, or change its size, for readers other than Go.
_SPARSE, _SIZES = b"GNU.sparse.", frozenset((b"SCHILY.realsize", b"SUN.holesdata"))

POSIX, GNU, OTHER_USTAR, NO_MAGIC = "posix", "gnu", "other ustar", "no magic"
# The magics with which a reader joins prefix and name. For GNU headers Go has another rule: see _go_joins.
_JOINS: Mapping[str, frozenset[str]] = {
    "Go": frozenset((POSIX,)),
    "GNU tar": frozenset((POSIX,)),
    "libarchive": frozenset((POSIX, OTHER_USTAR)),
    "CPython": frozenset((POSIX, GNU, OTHER_USTAR, NO_MAGIC)),
}
_LINKS = frozenset((b"1", b"2"))
_SINGULAR = frozenset((b"path", b"linkpath", b"size"))
_OCTAL = re.compile(rb"[ \0]*[0-7]*[ \0]*(?:\0.*)?", re.DOTALL)


class Said(NamedTuple):
    """One extension header: its type, the text of a long name or link, or the records of a pax header."""

    kind: bytes
    text: bytes = b""
    records: Sequence[tuple[bytes, bytes]] = ()


class Names(NamedTuple):
    """The path and the link target of an entry, as one reader sees them."""

    path: bytes
    link: bytes


class Header(NamedTuple):
    """The names in the tar header itself. ``magic``: magic and version; texts end before their first NUL."""

    name: bytes
    prefix_field: bytes
    magic: bytes
    link: bytes


class Compared(NamedTuple):
    """How readers other than Go see one entry. ``difference``: the first, in words; ``others``: names that differ."""

    difference: str = ""
    others: tuple[Names, ...] = ()


def form_of(magic: bytes) -> str:
    """The form of a header, by its magic and version."""
    if magic[:6] == b"ustar\0":
        return POSIX
    if magic == b"ustar  \0":
        return GNU
    return OTHER_USTAR if magic[:5] == b"ustar" else NO_MAGIC


def go_name(header: Header) -> bytes:
    """The name in a header, as Go reads it."""
    joins = _go_joins(header.prefix_field) if form_of(header.magic) == GNU else form_of(header.magic) in _JOINS["Go"]
    return _joined(header) if joins else header.name


def compared(header: Header, said: Sequence[Said], ours: Names, kind: bytes) -> Compared:
    """Compare how Go and other readers understand a header and the extension headers before it."""
    if not _may_differ(header, said):
        return Compared(_folder_difference(header, ours, kind))
    others: dict[Names, None] = {}
    difference = _folder_difference(header, ours, kind)
    for reader, read in _OTHERS.items():
        names = read(header, _base(reader, header), said)
        renamed = not same_path(names.path, ours.path)
        if renamed or (kind in _LINKS and names.link != ours.link):
            what, own, other = ("path", ours.path, names.path) if renamed else ("target", ours.link, names.link)
            difference = difference or f"Go reads its {what} as {shown(own)!r}, {reader} as {shown(other)!r}"
            others[names] = None
    return Compared(difference or _count_difference(said), tuple(others))


def _may_differ(header: Header, said: Sequence[Said]) -> bool:
    if header.prefix_field[0] and form_of(header.magic) != POSIX:
        return True
    if len(said) != 1:
        return bool(said)
    (one,) = said
    if one.kind in (LONG_NAME, LONG_LINK):
        return not one.text
    return one.kind == SOLARIS or any(
        key.startswith((_SPARSE, b" ", b"\t")) or key in _SIZES or (key in _SINGULAR and not value)
        for key, value in one.records
    )


def _folder_difference(header: Header, ours: Names, kind: bytes) -> str:
    """Without a type a trailing slash makes a directory: of the full name, or for CPython of the name in the header."""
    if kind == b"\0" and header.name.endswith(b"/") != ours.path.endswith(b"/"):
        return "only its header name or only its full name makes it a directory, and readers differ in which they use"
    return ""


def _count_difference(said: Sequence[Said]) -> str:
    headers = [one for one in said if one.kind in PAX_FORMS]
    if len(headers) > 1:
        return "several pax headers precede it, and readers differ in which of them they apply"
    keys = [key for one in said for key, _value in one.records]
    for key in keys:
        if key in _SIZES or key.startswith(_SPARSE):
            return f"the pax record {shown(key)} makes it a sparse file for some readers, but not for Go"
        if key.strip(b" \t") == b"size" and key != b"size":
            return "GNU tar takes its size from a pax record that Go ignores, because a blank precedes the key"
    if any(key == b"size" for one in headers for key, _value in one.records) and said[-1] is not headers[-1]:
        return "a pax header that only some readers apply gives it another size"
    return ""


def _base(reader: str, header: Header) -> bytes:
    return _joined(header) if form_of(header.magic) in _JOINS[reader] else header.name


def _joined(header: Header) -> bytes:
    prefix = header.prefix_field.partition(b"\0")[0]
    return prefix + b"/" + header.name if prefix else header.name


def _go_joins(field: bytes) -> bool:
    """GNU headers have two times in place of the prefix. If these are not times, Go reads an ASCII prefix."""
    times = [field[:12], field[12:24]]
    malformed = any(time[0] and not time[0] & 0x80 and not _OCTAL.fullmatch(time) for time in times)
    return malformed and field.partition(b"\0")[0].isascii()


def _last_pax(said: Sequence[Said]) -> Said | None:
    return next((one for one in reversed(said) if one.kind in PAX_FORMS), None)


def _last_text(said: Sequence[Said], kind: bytes) -> bytes | None:
    return next((one.text for one in reversed(said) if one.kind == kind), None)


def _gnu_tar(header: Header, base: bytes, said: Sequence[Said]) -> Names:
    last = _last_pax(said)
    # Blanks before a key are not part of it.
    records = {key.lstrip(b" \t"): value for key, value in last.records} if last else {}

    def chosen(key: bytes, kind: bytes, own: bytes) -> bytes:
        long = _last_text(said, kind)
        return records.get(key, own if long is None else long)

    sparse = records.get(SPARSE_NAME)
    return Names(sparse or chosen(b"path", LONG_NAME, base), chosen(b"linkpath", LONG_LINK, header.link))


def _libarchive(header: Header, base: bytes, said: Sequence[Said]) -> Names:
    """A header is applied after the entry that follows it was read, so the first header wins."""
    names, last = Names(base, header.link), _last_pax(said)
    for one in reversed(said):
        if one.kind == LONG_NAME:
            names = names._replace(path=_last_text(said, LONG_NAME) or b"")
        elif one.kind == LONG_LINK:
            names = names._replace(link=_last_text(said, LONG_LINK) or b"")
        elif one is last:
            names = _with_records(names, one.records, empty_counts=False)
    return names


def _cpython(header: Header, base: bytes, said: Sequence[Said]) -> Names:
    """As libarchive, but each header is applied by itself."""
    names = Names(base, header.link)
    for one in reversed(said):
        if one.kind == LONG_NAME:
            names = names._replace(path=one.text)
        elif one.kind == LONG_LINK:
            names = names._replace(link=one.text)
        elif one.kind in PAX_FORMS:
            names = _with_records(names, one.records, empty_counts=True)
    return names


def _with_records(names: Names, records: Sequence[tuple[bytes, bytes]], *, empty_counts: bool) -> Names:
    found = dict(records)
    path, link = found.get(SPARSE_NAME) or found.get(b"path"), found.get(b"linkpath")
    if path is not None and (path or empty_counts):
        names = names._replace(path=path)
    if link is not None and (link or empty_counts):
        names = names._replace(link=link)
    return names


_OTHERS: Mapping[str, Callable[[Header, bytes, Sequence[Said]], Names]] = {
    "GNU tar": _gnu_tar,
    "libarchive": _libarchive,
    "CPython": _cpython,
}
