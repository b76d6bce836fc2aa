"""Headers of every form in which readers of tar are known to differ, or to agree although it looks odd."""

from __future__ import annotations

from fixtures.layouts import Entry, symlink, tars
from fixtures.layouts.tars import GNU, USTAR, V7, base256, pax_header, pax_records

OLD_DOCKER, NUL_VERSION, ODD_VERSION, SPACED = b"ustar\0 \0", b"ustar\0\0\0", b"ustar  x", b"ustar \0\0"
_PREFIX = {345: b"p"}
_BLOCK = bytes(range(256)) * 2


def pax(kind: str = "x", **records: str | bytes) -> bytes:
    return pax_header(pax_records({key.replace("__", "."): value for key, value in records.items()}), kind)


def long_name(text: bytes, kind: str = "L") -> bytes:
    return Entry("././@LongLink", text, type=kind, magic=GNU).to_bytes()


def _field(offset: int, value: bytes, content: bytes = b"") -> list[Entry | bytes]:
    return [Entry("n", content, fields={offset: value})]


_N = Entry("n")
_S = symlink("n", "t")

_S2 = Entry("n", b"xx")


def _sparse(**records: str) -> bytes:
    told = {"GNU.sparse.numblocks": "1", "GNU.sparse.size": "2", "GNU.sparse.map": "0,2"}
    return pax_header(pax_records(told | {key.replace("__", "."): value for key, value in records.items()}))


FORMS: dict[str, list[Entry | bytes]] = {
    "prefix": [Entry("n", magic=USTAR, fields=_PREFIX)],
    "prefix, old docker": [Entry("n", magic=OLD_DOCKER, fields=_PREFIX)],
    "prefix, NUL version": [Entry("n", magic=NUL_VERSION, fields=_PREFIX)],
    "prefix, GNU magic": [Entry("n", magic=GNU, fields=_PREFIX)],
    "prefix, GNU magic and a large uid": [Entry("n", magic=GNU, uid=3_000_000, fields=_PREFIX)],
    "prefix, GNU magic, not ASCII": [Entry("n", magic=GNU, fields={345: b"\xc3\xa9"})],
    "times of GNU": [Entry("n", magic=GNU, fields={345: b"00000000123\x0000000000456\0"})],
    "times of GNU, one of them none": [Entry("n", magic=GNU, fields={345: b"00000000123\0later"})],
    "prefix, odd version": [Entry("n", magic=ODD_VERSION, fields=_PREFIX)],
    "prefix, spaced magic": [Entry("n", magic=SPACED, fields=_PREFIX)],
    "prefix, no magic": [Entry("n", magic=V7, fields=_PREFIX)],
    "prefix of star": [Entry("n", fields={345: b"p".ljust(131, b"\0") + b"00000000123 00000000456 ", 508: b"tar\0"})],
    "prefix, empty name": [Entry("", fields=_PREFIX)],
    "prefix with a slash": [Entry("n", fields={345: b"p/"})],
    "absolute prefix": [Entry("n", fields={345: b"/p"})],
    "pax path": [pax(path="pp"), _N],
    "two pax headers, path in the first": [pax(path="pp"), pax(mtime="5"), _N],
    "two pax headers, path in both": [pax(path="p1"), pax(path="p2"), _N],
    "two pax headers, target in the first": [pax(linkpath="pp"), pax(mtime="5"), _S],
    "two pax headers, size in the first": [pax(size="512"), pax(mtime="5"), _N],
    "path twice in a pax header": [pax_header(pax_records({"path": "p1"}) + pax_records({"path": "p2"})), _N],
    "empty pax path": [pax(path=""), _N],
    "pax path taken back": [pax_header(pax_records({"path": "p1"}) + pax_records({"path": ""})), _N],
    "empty pax target": [pax(linkpath=""), _S],
    "long name, then pax path": [long_name(b"long\0"), pax(path="pp"), _N],
    "pax path, then long name": [pax(path="pp"), long_name(b"long\0"), _N],
    "long name, then other pax": [long_name(b"long\0"), pax(mtime="5"), _N],
    "other pax, then long name": [pax(mtime="5"), long_name(b"long\0"), _N],
    "two long names": [long_name(b"l1\0"), long_name(b"l2\0"), _N],
    "long name and prefix": [long_name(b"long\0"), Entry("n", fields=_PREFIX)],
    "long name without NUL": [long_name(b"long"), _N],
    "long name with NUL": [long_name(b"lo\0ng\0"), _N],
    "empty long name": [long_name(b"\0"), _N],
    "long name of no bytes": [long_name(b""), _N],
    "long target": [long_name(b"kk\0", "K"), _S],
    "long target, then pax": [long_name(b"kk\0", "K"), pax(linkpath="pp"), _S],
    "pax target, then long one": [pax(linkpath="pp"), long_name(b"kk\0", "K"), _S],
    "long target of a file": [long_name(b"kk\0", "K"), _N],
    "global path": [pax("g", path="gg"), _N],
    "global path, then pax path": [pax("g", path="gg"), pax(path="pp"), _N],
    "pax path, then global": [pax(path="pp"), pax("g", comment="c"), _N],
    "long name, then global": [long_name(b"long\0"), pax("g", comment="c"), _N],
    "global time": [pax("g", mtime="5"), _N],
    "Solaris path": [pax("X", path="pp"), _N],
    "Solaris time": [pax("X", mtime="5"), _N],
    "Solaris, then pax path": [pax("X", path="xx"), pax(path="pp"), _N],
    "NUL in a pax path": [pax(path=b"p\0p"), _N],
    "NUL in a pax target": [pax(linkpath=b"p\0p"), _S],
    "NUL in the name of an attribute": [pax_header(pax_records({"SCHILY.xattr.user.a\0b": "v"})), _N],
    "NUL in a key": [pax_header(pax_records({"comment\0b": "v"})), _N],
    "NUL in a user": [pax(uname=b"ro\0ot"), _N],
    "pax path that ends in a slash": [pax(path="pp/"), _N],
    "name that ends in a slash": [Entry("n/")],
    "name that ends in a slash, with content": [Entry("n/", b"xx")],
    "name that ends in a slash, no type": [Entry("n/", type="\0", magic=V7)],
    "name of 100 bytes": [Entry("a" * 100)],
    "folder with content": [Entry("d/", type="5", size=512)],
    "hard link with content": [_N, Entry("h", type="1", link="n", size=512)],
    "symbolic link with content": [Entry("s", type="2", link="n", size=512)],
    "FIFO with content": [Entry("s", type="6", size=512)],
    "contiguous file": [Entry("n", type="7")],
    **{f"type {kind}": [Entry("n", b"xx", type=kind)] for kind in "89ADNVZ"},
    "size with spaces": _field(124, b"     000002 ", b"xx"),
    "size after NUL": _field(124, b"\0\0\0\0\0\0\0\0\0002 \0", b"xx"),
    "size with a letter": _field(124, b"00000000002x", b"xx"),
    "two sizes": _field(124, b"0000002 0005", b"xx"),
    "size with more after its NUL": _field(124, b"0000002\x000005", b"xx"),
    "size of letters": _field(124, b"zzzzzzzzzzz\0"),
    "size with an eight": _field(124, b"00000000008\0"),
    "blank size": _field(124, bytes(12)),
    "size below zero": _field(124, base256(-1, 12)),
    "size in base 256": _field(124, base256(2, 12), b"xx"),
    "size with a minus": _field(124, b"-0000000001\0"),
    "size with a plus": _field(124, b"+0000000002\0", b"xx"),
    "uid of letters": _field(108, b"zzzzzzz\0"),
    "uid below zero": _field(108, b"\xff" * 8),
    "mode of letters": _field(100, b"zzzzzzz\0"),
    "time of letters": _field(136, b"zzzzzzzzzzz\0"),
    "time before 1970": _field(136, base256(-5, 12)),
    "device of letters": _field(329, b"zzzzzzz\0"),
    "device of letters, no magic": [Entry("n", magic=V7, fields={329: b"zzzzzzz\0"})],
    "gid with more after its NUL": _field(116, b"001\x00007\0"),
    "pax size": [pax(size="2"), Entry("n", b"xx", size=0)],
    "smaller pax size": [pax(size="0"), Entry("n", size=512)],
    "pax size with a space": [pax(size=" 2"), Entry("n", b"xx", size=0)],
    "pax size with a letter": [pax(size="2x"), Entry("n", b"xx")],
    "pax size below zero": [pax(size="-1"), Entry("n", b"xx")],
    "pax uid of letters": [pax(uid="zz"), _N],
    "pax time of letters": [pax(mtime="noon"), _N],
    "pax time of more than 64 bits": [pax(mtime="9223372036854775808"), _N],
    "pax access time of more than 64 bits": [pax(atime="-99999999999999999999.5"), _N],
    "pax time with an exponent": [pax(mtime="1e3"), _N],
    "pax length with zeros": [pax_header(b"0012 path=p\n"), _N],
    "pax length too long": [pax_header(b"99 path=pp\n"), _N],
    "pax length too short": [pax_header(b"5 path=pp\n"), _N],
    "pax record without newline": [pax_header(b"11 path=ppx"), _N],
    "pax record without key": [pax_header(b"6 =pp\n"), _N],
    "pax records and NULs": [pax_header(pax_records({"path": "pp"}) + b"\0\0"), _N],
    "no pax records": [pax_header(b""), _N],
    "sparse name alone": [pax(GNU__sparse__name="sn"), _N],
    "sparse name and size": [pax(GNU__sparse__name="sn", GNU__sparse__size="5"), _N],
    "sparse, of a version to come": [_sparse(GNU__sparse__major="2", GNU__sparse__minor="0"), _S2],
    "sparse, of half a version": [_sparse(GNU__sparse__major="1"), _S2],
    "sparse map": [_sparse(), _S2],
    "sparse map and version": [_sparse(GNU__sparse__major="0", GNU__sparse__minor="1"), _S2],
    "sparse map without its length": [pax(GNU__sparse__map="0,2", GNU__sparse__size="2"), _S2],
    "sparse map of another length": [_sparse(GNU__sparse__numblocks="2"), _S2],
    "sparse map of a FIFO": [_sparse(), Entry("n", type="6")],
    "sparse map for all": [pax("g", GNU__sparse__map="0,2", GNU__sparse__numblocks="1"), _S2],
    "sparse map before Solaris": [_sparse(), pax("X", mtime="5"), _N],
    "sparse size for all": [pax("g", GNU__sparse__size="7"), _S2],
    "size of star": [pax(SCHILY__realsize="7"), _S2],
    "blank before a path": [pax_header(b"11  path=p\n"), _N],
    "blank before a size": [pax_header(b"11  size=0\n"), _S2],
    "path in binary": [pax(hdrcharset="BINARY", path="pp"), _N],
    "entry after a zero block": [_N, bytes(512), Entry("m")],
    "entry after the end": [_N, bytes(1024), Entry("m")],
}


def archive(entries: list[Entry | bytes]) -> bytes:
    """A tar of these entries and of a plain one, by which a reader shows that it found its way."""
    return tars.tar([*entries, Entry("last")])
