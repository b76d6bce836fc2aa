"""Layers that try to get out of the folder: a canary beside the target is never touched."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import pytest

from fixtures.layouts import Entry, Layout, tars
from ocivalidate.errors import UnpackError
from ocivalidate.unpack.extract import Extractor
from tests.trees import Node, look
from tests.unit.unpacking import image, unpack

Layers = tuple[list[Entry | bytes], ...]

# Where the canary is, as seen from the root file system while it is staged, and from the one in its place.
UP = ("../canary", "../../canary", "../../../canary", "../../../../canary")


class Seen(NamedTuple):
    """What is not to change of a file, its inode and times of reading aside from the content."""

    node: Node
    inode: int
    ctime: int


def seen(folder: Path) -> dict[str, Seen]:
    """All that is to stay as it is."""
    found = {}
    for path, node in look(folder).items():
        status = os.lstat(folder / path)
        found[path] = Seen(node, status.st_ino, status.st_ctime_ns)
    return found


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "work" / "canary"
    (folder / "sub").mkdir(parents=True)
    (folder / "file").write_text("canary")
    (folder / "sub" / "file").write_text("canary")
    os.symlink("file", folder / "link")
    os.utime(folder / "file", (1, 2))
    before = seen(folder)
    yield folder
    assert seen(folder) == before
    # What was not moved into its place is gone.
    assert {*os.listdir(folder.parent)} <= {"canary", "image", "bundle"}
    if (folder.parent / "bundle").exists():
        assert {*os.listdir(folder.parent / "bundle")} == {"rootfs", "config.json"}


# Ways to a place that `out` leads to.
ATTACKS: dict[str, Callable[[str], Layers]] = {
    "path": lambda out: ([Entry(f"{out}/file", b"bad")],),
    "folder": lambda out: ([tars.folder(f"{out}/", mode=0o777, mtime=1)],),
    "symlink-then-write": lambda out: ([tars.symlink("l", out), Entry("l/file", b"bad"), Entry("l/new", b"bad")],),
    "symlink-then-write-above": lambda out: (
        [tars.symlink("l", out)],
        [Entry("l/file", b"bad"), tars.folder("l/sub/", mode=0o777)],
    ),
    "symlink-then-whiteout": lambda out: ([tars.symlink("l", out)], [tars.whiteout("l/file"), tars.whiteout("l/sub")]),
    "symlink-then-opaque": lambda out: ([tars.symlink("l", out)], [Entry("l/.wh..wh..opq")]),
    "symlink-then-hardlink": lambda out: (
        [tars.symlink("l", out), tars.hardlink("h", "l/file"), Entry("h", b"bad", mode=0o777)],
    ),
    "hardlink": lambda out: ([tars.hardlink("h", f"{out}/file")], [Entry("h", b"bad")]),
    "hardlink-to-link": lambda out: (
        [tars.symlink("l", f"{out}/file"), tars.hardlink("h", "l"), Entry("h", b"bad", mode=0o777)],
    ),
    "write-over-symlink": lambda out: ([tars.symlink("l", f"{out}/file")], [Entry("l", b"bad", mode=0o777, uid=1)]),
    "folder-over-symlink": lambda out: (
        [tars.symlink("l", out)],
        [tars.folder("l/", mode=0o777, uid=1), Entry("l/file", b"bad")],
    ),
    "whiteout-path": lambda out: ([Entry("f")], [tars.whiteout(f"{out}/file"), tars.whiteout(out)]),
    "attributes-of-symlink": lambda out: (
        [Entry("l", type="2", link=out, mode=0o777, uid=1, mtime=1, pax={"SCHILY.xattr.user.x": "1"})],
    ),
    "chain": lambda out: (
        [tars.symlink("a/b", ".."), tars.symlink("c", "a/b/.."), tars.symlink("d", f"c/{out}")],
        [Entry("d/file", b"bad")],
    ),
    "root-is-symlink": lambda out: ([Entry("./", type="2", link=out), Entry("file", b"bad")],),
}


def hostile() -> Iterator[tuple[str, Layers]]:
    """Every attack: layers from the lowest."""
    yield from outwards()
    yield from odd()


def outwards() -> Iterator[tuple[str, Layers]]:
    """Ways to the canary."""
    for name, attack in ATTACKS.items():
        for number, out in enumerate(("@", *UP)):
            yield f"{name}-{number}", attack(out)


def odd() -> Iterator[tuple[str, Layers]]:
    """Names, links and numbers that nobody should have."""
    for kind, name in (("0", "file"), ("1", "hardlink"), ("2", "link"), ("3", "device"), ("6", "fifo")):
        yield f"root-is-{name}", ([Entry(".", type=kind, link="f"), Entry("f", b"x")],)
    for name in ("..", "../", ".", "./", "/", "//", "a/..", "a/../.."):
        yield f"name-{name}", ([Entry(name, b"bad"), tars.folder(name, mode=0o777)],)
    for hidden in (".", "..", ""):
        yield f"whiteout-{hidden or 'nothing'}", ([Entry("a/f")], [Entry(f"a/.wh.{hidden}"), Entry(f".wh.{hidden}")])
    yield "whiteout-folder", ([Entry("a")], [tars.folder(".wh.a/"), Entry(".wh.a/f", b"bad")])
    yield "whiteout-symlink", ([Entry("a")], [tars.symlink(".wh.a", "@"), Entry(".wh.a/file", b"bad")])
    yield "nul", ([Entry("x", b"bad", pax={"path": b"a\0b"}), Entry("y", type="2", pax={"linkpath": b"@\0b"})],)
    yield "nul-in-attribute", ([Entry("x", pax={b"SCHILY.xattr.user.a\0b": "1"})],)  # type: ignore[dict-item]  # as bytes
    yield "newline", ([Entry("a\nb", b"1"), tars.symlink("c\nd", "@"), Entry("\x1b[31m", b"2")],)
    yield "long-path", ([Entry("x", b"bad", pax={"path": "/".join(["d" * 200] * 20) + "/" + "e" * 76})],)
    yield "too-long-path", ([Entry("x", b"bad", pax={"path": "/".join(["d" * 200] * 21)})],)
    yield "too-long-name", ([Entry("x", b"bad", pax={"path": "e" * 4096})],)
    yield "too-long-link", ([Entry("x", type="2", pax={"linkpath": "../" * 3000 + "canary"})],)
    yield "case-pair", ([tars.symlink("L", "@"), Entry("l/file", b"bad"), Entry("A", b"1"), Entry("a", b"2")],)
    yield "levels", ([Entry("x", b"1", pax={"path": "/".join("d" * 300)}), tars.symlink("l", "/".join(["d"] * 300))],)
    yield "levels-of-links", ([tars.symlink(f"l{n}", f"l{n + 1}") for n in range(60)], [Entry("l0/file", b"bad")])
    yield "loop", ([tars.symlink("a", "b"), tars.symlink("b", "a")], [Entry("a/file", b"bad"), tars.whiteout("a/x")])
    yield "hardlink-self", ([Entry("f", b"1"), tars.hardlink("f", "f"), tars.hardlink("g", "g")],)
    yield "hardlink-folder", ([tars.folder("d/"), tars.hardlink("h", "d"), tars.hardlink("i", "")],)
    yield "hardlink-missing", ([tars.hardlink("h", "nothing/there")],)
    yield "file-in-the-way", ([Entry("a", b"1")], [Entry("a/b", b"2")])
    yield "owner-too-large", ([Entry("f", pax={"uid": "4294967295"})],)
    yield "owner-huge", ([Entry("f", pax={"uid": "9" * 29})],)
    yield "owner-negative", ([Entry("f", fields={108: tars.base256(-1, 8)})],)
    yield "time-huge", ([Entry("f", pax={"mtime": "9" * 30}), Entry("g", pax={"mtime": "-" + "9" * 30})],)
    yield "sparse-huge", ([Entry("f", pax={"GNU.sparse.map": "0,1", "GNU.sparse.size": "9" * 20})],)
    yield "fifo-then-write", ([Entry("p", type="6")], [Entry("p/file", b"bad")])
    yield "device-then-write", ([Entry("d", type="3", device=(1, 8)), Entry("d", b"bad")], [Entry("d", b"bad")])
    yield "acl", ([tars.folder("a/", pax={"SCHILY.xattr.system.posix_acl_default": b"bad"}), Entry("a/f")],)
    yield "unknown-type", ([Entry("a", b"x", type="Z", link="@"), Entry("b", b"x", type="V")],)
    yield "proc", ([tars.symlink("l", "/proc/self/cwd/canary")], [Entry("l/file", b"bad"), tars.whiteout("l/file")])


CORPUS = dict(hostile())


def aimed(entry: Entry | bytes, canary: Path) -> Entry | bytes:
    """The entry with the path of the canary filled in."""
    if isinstance(entry, bytes):
        return entry
    pax = None if entry.pax is None else {key: fill(value, canary) for key, value in entry.pax.items()}
    name, link = fill(entry.name, canary), fill(entry.link, canary)
    for key, text in (("path", name), ("linkpath", link)):
        if len(text) > 100:
            pax = {key: text, **(pax or {})}
    return replace(entry, name=name, link=link, pax=pax)


def fill(text: str | bytes, canary: Path) -> str | bytes:
    """The text with the path of the canary for every @."""
    return text.replace("@", str(canary)) if isinstance(text, str) else text.replace(b"@", os.fsencode(canary))


def test_the_corpus_is_large() -> None:
    assert len(CORPUS) > 25


@pytest.mark.parametrize("ignore", [(), ("safety/*",)], ids=["judged", "ignored"])
@pytest.mark.parametrize("layers", CORPUS.values(), ids=[repr(name)[1:-1] for name in CORPUS])
def test_the_canary_is_not_touched(canary: Path, layers: Layers, ignore: tuple[str, ...]) -> None:
    made = [[aimed(entry, canary) for entry in layer] for layer in layers]
    problem = attempt(image(*made), canary, ignore=ignore)
    assert "\n" not in problem
    assert (canary.parent / "bundle").exists() == (not problem)


def attempt(layout: Layout, canary: Path, **options: Any) -> str:
    """Unpack beside the canary; why that was not possible, or nothing."""
    try:
        unpack(layout, canary.parent, **options)
    except UnpackError as problem:
        return str(problem)
    return ""


@pytest.mark.parametrize("moment", [1, 10, 25])
def test_a_folder_swapped_for_a_symlink_meanwhile(canary: Path, monkeypatch: pytest.MonkeyPatch, moment: int) -> None:
    """The entry after ``moment`` others finds that the folder it goes to became a link to the canary."""
    count = 0
    add = Extractor.add

    def swapping(self: Extractor, entry: object, whole: object) -> object:
        nonlocal count
        count += 1
        if count == moment:
            staged = next(path for path in canary.parent.iterdir() if path.name.startswith(".ocivalidate-unpack-"))
            (staged / "bundle/rootfs/a/b").rename(staged / "bundle/rootfs/a/moved")
            (staged / "bundle/rootfs/a/b").symlink_to(canary)
        return add(self, entry, whole)  # type: ignore[arg-type]  # handed on

    monkeypatch.setattr(Extractor, "add", swapping)
    entries = [tars.folder("a/b/"), *(Entry(f"a/b/d{number}/file", b"bad") for number in range(20))]
    entries += [Entry(f"x{number}/file", b"bad") for number in range(70)]
    layout = image([Entry("a/b/first")], [*entries, Entry("a/b/file", b"bad"), tars.whiteout("a/b/first")])
    if moment == 1:
        layout = image([Entry("a/b/first"), Entry("a/b/sub/second")], [tars.whiteout("a/b"), Entry("a/b/file", b"bad")])
        count = -1
    with pytest.raises(UnpackError):
        unpack(layout, canary.parent)


def test_a_tree_that_another_process_swaps_all_the_time(canary: Path) -> None:
    """Whatever comes of it, the canary stays as it is, and the next run works."""
    swapper = os.fork()
    if swapper == 0:
        swap(canary)
    try:
        entries = [Entry(f"a/{number % 7}/{number % 89}/f{number}", b"bad") for number in range(900)]
        layout = image([tars.folder("a/"), *entries], [Entry("a/.wh..wh..opq"), Entry("a/file")])
        said = [attempt(layout, canary, force=True) for _time in range(3)]
    finally:
        os.kill(swapper, signal.SIGKILL)
        os.waitpid(swapper, 0)
    assert not any("\n" in problem for problem in said)
    assert attempt(layout, canary, force=True) == ""


def swap(canary: Path) -> NoReturn:
    """Put a link to the canary in the place of a folder that is being written, and the folder back, for ever."""
    while True:
        for staged in canary.parent.glob(".ocivalidate-unpack-*/bundle/rootfs/a"):
            with contextlib.suppress(OSError):
                staged.rename(staged.with_name("moved"))
                staged.symlink_to(canary)
                staged.unlink()
                staged.with_name("moved").rename(staged)
