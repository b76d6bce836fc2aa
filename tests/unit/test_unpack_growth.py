"""Unpacking takes time and memory that grow no faster than the image, whatever is large in it."""

from __future__ import annotations

import gc
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from benchmarks.unpack_growth import DIMENSIONS, Dimension
from fixtures.layouts import Entry, tars
from ocivalidate.errors import UnpackError
from ocivalidate.image.layers.stack import Unwritable
from ocivalidate.unpack import UnpackOptions, unpack_image
from ocivalidate.unpack.folders import Tree
from ocivalidate.unpack.inroot import read_lines
from ocivalidate.unpack.removal import Trash
from tests.unit.unpacking import image, unpack

# Twice the input costs twice the time; what it costs before and a busy machine take the rest.
MOST = 3.0
# Below that the clock tells nothing.
SHORTEST = 0.1
# Some have an entry many times.
REPEATED = ("image/layer.no-duplicate-paths",)
MEMORY = "/dev/shm"  # noqa: S108  # a tmpfs on every Linux; a folder of our own is made in it


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where there is one: disks differ in what a folder costs."""
    if not os.access(MEMORY, os.W_OK):
        yield tmp_path
        return
    with TemporaryDirectory(prefix="ocivalidate-test-", dir=MEMORY) as folder:
        yield Path(folder)
        # Deeper than what the standard library removes.
        subprocess.run(["rm", "-rf", f"{folder}/bundle"], check=False)


def seconds(dimension: Dimension, number: int, work: Path) -> float:
    """CPU seconds that unpacking takes, and removing what it made."""
    source = str(dimension.make(number).write(work / "image"))
    unpack_image(source, str(work / "bundle"), UnpackOptions(ignore=REPEATED))
    gc.collect()
    start = time.process_time()
    unpack_image(source, str(work / "bundle"), UnpackOptions(force=True, ignore=REPEATED))
    spent = time.process_time() - start
    for name in ("image", "bundle"):
        subprocess.run(["rm", "-rf", str(work / name)], check=True)
    return spent


@pytest.mark.parametrize("dimension", DIMENSIONS.values(), ids=DIMENSIONS)
def test_twice_as_much_takes_twice_as_long(work: Path, dimension: Dimension) -> None:
    # A busy machine makes any one measurement longer, and none shorter.
    once, twice = 1e9, 1e9
    for _time in range(4):
        once = min(once, seconds(dimension, dimension.size, work))
        twice = min(twice, seconds(dimension, 2 * dimension.size, work))
        if twice < MOST * max(once, SHORTEST):
            return
    pytest.fail(f"{dimension.size}: {once:.2f} s, twice as much: {twice:.2f} s")


def test_a_fault_below_many_levels_leaves_nothing(work: Path) -> None:
    deep = Entry("x", pax={"path": "/".join("d" * 2000) + "/"}, type="5")
    with pytest.raises(UnpackError):
        unpack(image([deep], [tars.hardlink("h", "nothing")]), work)
    assert os.listdir(work) == ["image"]


def test_an_interrupt_below_many_levels_leaves_nothing(work: Path) -> None:
    deep = Entry("x", pax={"path": "/".join("d" * 2000) + "/"}, type="5")
    source = str(image([deep], *([Entry("f", b"x")] for _layer in range(5))).write(work / "image"))
    told = 0

    def stop(_done: int, _total: int) -> None:
        nonlocal told
        told += 1
        if told > 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unpack_image(source, str(work / "bundle"), progress=stop)
    assert told > 3
    assert os.listdir(work) == ["image"]


@pytest.mark.parametrize("rootless", [True, False])
def test_folders_that_nobody_may_enter_at_any_depth(work: Path, *, rootless: bool) -> None:
    paths = ["/".join("d" * level) for level in range(1, 300)]
    entries = [Entry("x", type="5", mode=0o000, pax={"path": f"{path}/"}) for path in paths]
    unpack(image(entries), work, rootless=rootless)
    assert (work / "bundle/rootfs/d").stat().st_mode & 0o777 == 0
    unpack_image(str(work / "image"), str(work / "bundle"), UnpackOptions(force=True, ignore=REPEATED))


@pytest.mark.parametrize("folder", ["/" + "x" * 5000, "x" * 300, "/" + "d/" * 3000], ids=["long", "name", "deep"])
def test_a_working_folder_that_no_process_can_enter(work: Path, folder: str) -> None:
    done = unpack(image([Entry("f")], WorkingDir=folder), work)
    assert all(len(note) < 500 for note in done.notes)


def test_folders_have_a_limit(tmp_path: Path) -> None:
    root, trash = (_opened(tmp_path / name) for name in ("root", "bin"))
    tree = Tree(root, Trash(trash), most=5)
    tree.enter(b"a/b/c/d/e")
    with pytest.raises(Unwritable, match="more than 5 directories"):
        tree.enter(b"a/b/c/d/f")
    tree.close()
    os.close(root)
    os.close(trash)


def _opened(folder: Path) -> int:
    folder.mkdir()
    return os.open(folder, os.O_RDONLY)


LINES = {
    "a long line": (b"x" * 101, "/passwd of the image has a line of more than 100 bytes"),
    "a large file": (b"x\n" * 501, "more than 1000 bytes"),
}


@pytest.mark.parametrize(("data", "reason"), LINES.values(), ids=LINES)
def test_files_of_the_image_are_read_up_to_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, reason: str
) -> None:
    monkeypatch.setattr("ocivalidate.image.layers.users.LARGEST", 1000)
    monkeypatch.setattr("ocivalidate.image.layers.users.LONGEST_LINE", 100)
    (tmp_path / "passwd").write_bytes(data)
    root = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(UnpackError, match=reason):
            list(read_lines(root, "passwd"))
        (tmp_path / "passwd").write_bytes(b"x\n" * 500)
        assert len(list(read_lines(root, "passwd"))) == 500
        (tmp_path / "a").symlink_to("b/../" * 800 + "a")
        assert list(read_lines(root, "a")) == []
    finally:
        os.close(root)
