"""What we read from a tar is what Go reads, and where other readers read something else we say so.

The rule stands in ``ocivalidate/image/layers/readers.py``. Container engines use Go's reader, so that its tree is ours;
the PAX and ustar texts leave much of this open, and no sentence of the image specification decides it.
"""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest

from fixtures.layouts import Entry as Made, tars
from ocivalidate.image.layers.judging import BROKEN
from ocivalidate.image.layers.limits import DEFAULT
from ocivalidate.image.layers.problems import Kind
from ocivalidate.unpack.entries import Content, Entry, LayerReader
from tests.integration import tarreaders
from tests.integration.tarreaders import OTHERS, Read, Reading, by_go, go_reader, present_others
from tests.tarforms import FORMS, OLD_DOCKER, SPACED, archive, long_name, pax

pytestmark = pytest.mark.integration
__all__ = ["go_reader"]

TAR_FORM = "safety/layer.tar-form"
# Problems under which nobody promises anything of how readers go on.
_BREAKING = ("image/layer.tar-packaged", "safety/layer.name", "safety/layer.owner")
_BREAKS = frozenset(kind for kind in Kind if BROKEN.get(kind) and BROKEN[kind].clause in _BREAKING)
_ODD = frozenset(kind for kind in Kind if BROKEN.get(kind) and BROKEN[kind].clause == TAR_FORM)
_ODD |= {Kind.END_TRAILING, Kind.SPARSE}


class _Collector:
    def __init__(self) -> None:
        self.entries: list[Read] = []

    def add(self, entry: Entry, _whole: memoryview | None) -> Content | None:
        kind = entry.kind.decode("latin-1")
        self.entries.append(tarreaders.read(entry.path.decode(), kind, entry.link.decode(), entry.size))
        return None


def by_us(data: bytes) -> tuple[Reading, frozenset[Kind]]:
    sink = _Collector()
    reader = LayerReader(DEFAULT, sink, frozenset({Kind.SPARSE_MALFORMED}))
    reader.feed(data)
    found = frozenset(reader.finish().counts)
    return Reading(tuple(sink.entries), bool(found & _BREAKS)), found


def judge(data: bytes, path: Path, theirs: Reading) -> None:
    ours, problems = by_us(data)
    if theirs.refused:
        assert problems & _BREAKS, (theirs, ours)
    elif not ours.refused:
        assert ours.entries == theirs.entries, problems
    if problems & (_BREAKS | _ODD):
        return
    for name in present_others():
        assert OTHERS[name](path) == theirs, f"{name} reads it otherwise, and we say nothing"


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_read_as_go_reads_it_and_differences_are_told(form: str, go_reader: Path, tmp_path: Path) -> None:
    data, path = archive(FORMS[form]), tmp_path / "archive.tar"
    path.write_bytes(data)
    judge(data, path, by_go(go_reader, [path])[0])


def test_drawn_archives_are_read_as_go_reads_them(go_reader: Path, tmp_path: Path, fuzz_examples: int) -> None:
    draw = random.Random(20261127)  # noqa: S311  # the same archives in every run
    made = [archive(_drawn(draw)) for _ in range(max(200, fuzz_examples))]
    paths = [tmp_path / f"{number}.tar" for number in range(len(made))]
    for data, path in zip(made, paths, strict=True):
        path.write_bytes(data)
    theirs = itertools.chain.from_iterable(by_go(go_reader, paths[at : at + 500]) for at in range(0, len(paths), 500))
    for data, path, reading in zip(made, paths, theirs, strict=True):
        judge(data, path, reading)


_NAMES = ["n", "a/b", "./c", "d/", "e//f", "x" * 100]
_MAGICS = [tars.USTAR] * 6 + [tars.GNU] * 3 + [tars.V7, OLD_DOCKER, SPACED, b"ustar\0\0\0", b"ustar  x"]
_TEXTS = [b"p", b"p/q", b"00000000123\0", b"", b"/abs", b"\xc3\xa9"]
_NUMBERS = [b"", b"0000002 \0", b" 2\0", b"\0\0002\0", b"2\0x", b"zz\0", b"\x80\0\0\0\0\0\0\2", b"\xff" * 8]
_RECORDS = {
    "path": ["pp", "pp/", "", "é", "a\0b"],
    "linkpath": ["tt", "", "a\0b"],
    "size": ["0", "2", "", "x"],
    "uid": ["5", "x", ""],
    "mtime": ["1.5", "-3", "x"],
    "comment": ["c"],
    "GNU.sparse.name": ["sn", ""],
    "GNU.sparse.major": ["0", "1", ""],
    "GNU.sparse.minor": ["0", "1"],
    "GNU.sparse.map": ["0,2", "", "x"],
    "GNU.sparse.size": ["2", "5", ""],
    "GNU.sparse.realsize": ["2", "7"],
    "GNU.sparse.numblocks": ["0", "1"],
    "SCHILY.realsize": ["7"],
    " path": ["blank"],
    "SCHILY.xattr.user.a": ["v"],
}


def _drawn(draw: random.Random) -> list[Made | bytes]:
    made: list[Made | bytes] = []
    for _ in range(draw.randint(1, 3)):
        made += [_extension(draw) for _ in range(draw.choice([0, 0, 1, 1, 2, 3]))]
        made.append(_header(draw))
    return made


def _extension(draw: random.Random) -> bytes:
    kind = draw.choice("xxxxgXLLK")
    if kind in "LK":
        return long_name(draw.choice([b"long\0", b"long", b"\0", b"", b"lo\0ng", b"a/b\0"]), kind)
    keys = draw.sample(sorted(_RECORDS), draw.randint(0, 3))
    return pax(kind, **{key.replace(".", "__"): draw.choice(_RECORDS[key]) for key in keys})


def _header(draw: random.Random) -> Made:
    fields = {}
    if draw.random() < 0.4:
        fields[345] = draw.choice(_TEXTS)
    if draw.random() < 0.2:
        fields[draw.choice([100, 108, 116, 124, 136, 329, 337])] = draw.choice(_NUMBERS)
    kind = draw.choice("00000\0" + "12567ZD")
    content = b"xx" if kind in "0\0" and draw.random() < 0.5 else b""
    link = draw.choice(["n", "t/u"]) if kind in "12" else ""
    return Made(draw.choice(_NAMES), content, type=kind, link=link, magic=draw.choice(_MAGICS), fields=fields)
