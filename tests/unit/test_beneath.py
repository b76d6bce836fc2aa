"""Reading below a folder: links that stay inside are followed, those that lead out never are."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocivalidate.system import beneath
from ocivalidate.system.beneath import Beneath, LeadsOut

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="making links takes a privilege there")
SECRET = b"the secret"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with files and links, and a secret beside it."""
    inside = tmp_path / "inside"
    (inside / "a/b").mkdir(parents=True)
    (inside / "a/b/file").write_bytes(b"content")
    (tmp_path / "secret").write_bytes(SECRET)
    (tmp_path / "inside-too").mkdir()
    (tmp_path / "inside-too/file").write_bytes(SECRET)
    return inside


@pytest.fixture(params=["walking", "comparing"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to read, also where the system has the better one."""
    if request.param == "comparing":
        monkeypatch.setattr(beneath, "CAN_WALK", False)
    return str(request.param)


def read(folder: Path, path: str, *, follow: bool = False) -> bytes:
    with Beneath(str(folder), follow=follow) as below:
        below.look(path)
        with os.fdopen(below.open(path), "rb") as file:
            return file.read()


@pytest.mark.parametrize(
    "target",
    [
        "a/b/file",
        "./a/b/../b/file",
        "second",
        "HERE/a/b/file",
        "HERE/second",
        "../inside/a/b/file",
        "../alias/a/b/file",
    ],
)
def test_links_that_stay_inside_are_followed(target: str, folder: Path) -> None:
    (folder / "second").symlink_to("a/b/file")
    (folder.parent / "alias").symlink_to("inside")
    (folder / "link").symlink_to(target.replace("HERE", str(folder)))
    assert read(folder, "link") == b"content"
    with Beneath(str(folder)) as below:
        assert below.look("link").linked
        assert not below.look("a/b/file").linked


def test_folders_may_be_links_and_so_may_the_folder_itself(folder: Path) -> None:
    (folder / "b").symlink_to("a/b")
    (folder / "c").symlink_to("b")
    alias = folder.parent / "alias"
    alias.symlink_to(folder)
    assert read(alias, "c/file") == b"content"
    with Beneath(str(alias)) as below:
        assert below.names("c") == ["file"]
        assert below.names("") == ["a", "b", "c"]
        assert not below.look("c/file").linked


@pytest.mark.parametrize(
    "target",
    [
        *("../secret", "/proc/self/environ", "/etc/passwd", "a/../../secret", "a/b/../../../secret", "second"),
        *("up/secret", "../inside-too/file", "HERE/../secret", "HERE-too/file", "/"),
    ],
)
def test_links_that_lead_out_are_not_followed(target: str, folder: Path) -> None:
    (folder / "second").symlink_to("../secret")
    (folder / "up").symlink_to("..")
    (folder / "link").symlink_to(target.replace("HERE", str(folder)))
    with Beneath(str(folder)) as below:
        for act in (below.look, below.open, below.names):
            with pytest.raises(LeadsOut):
                act("link")


@pytest.mark.parametrize("path", ["../secret", "a/../../secret", "up/secret", "up", "a/b/../../../secret"])
def test_no_path_leads_out(path: str, folder: Path) -> None:
    (folder / "up").symlink_to("..")
    with Beneath(str(folder)) as below, pytest.raises(LeadsOut):
        below.open(path)


def test_what_leads_out_says_which_link_does(folder: Path, way: str) -> None:
    if way == "comparing":
        pytest.skip("there the path itself is named")
    (folder / "a/up").symlink_to("../../inside-too")
    with Beneath(str(folder)) as below, pytest.raises(LeadsOut) as told:
        below.open("a/up/file")
    assert (told.value.link, told.value.target) == ("a/up", "../../inside-too")


def test_all_is_followed_where_that_is_asked_for(folder: Path) -> None:
    (folder / "link").symlink_to("../secret")
    (folder / "up").symlink_to("..")
    assert read(folder, "link", follow=True) == SECRET
    with Beneath(str(folder), follow=True) as below:
        assert "secret" in below.names("up")


@pytest.mark.parametrize("path", ["loop", "gone", "dangling", "a/b/file/x", "a/b/file/..", "nul\0"])
def test_what_cannot_be_read_is_an_error(path: str, folder: Path) -> None:
    (folder / "loop").symlink_to("loop")
    (folder / "dangling").symlink_to("nothing")
    with Beneath(str(folder)) as below, pytest.raises((OSError, ValueError)):
        below.open(path)


def test_chained_links_end(folder: Path) -> None:
    for number in range(60):
        (folder / f"link{number}").symlink_to(f"link{number + 1}")
    (folder / "link60").symlink_to("../secret")
    with Beneath(str(folder)) as below:
        with pytest.raises((OSError, LeadsOut)):
            below.open("link0")
        assert below.look("a/b/file").status.st_size == len(b"content")


def test_a_path_through_many_folders_holds_few_open(folder: Path, way: str) -> None:
    deep = "d/" * 200
    os.makedirs(folder / deep)
    (folder / "link").symlink_to(deep + "../" * 200 + "a/b/file")
    if way == "walking":
        with Beneath(str(folder)) as below, pytest.raises(OSError, match="folders deep"):
            below.open("link")


def test_fifos_and_devices_are_not_opened(folder: Path) -> None:
    os.mkfifo(folder / "fifo")
    with Beneath(str(folder)) as below, pytest.raises(OSError, match="not a file"):
        below.open("fifo")


def test_no_descriptor_is_left(folder: Path) -> None:
    (folder / "out").symlink_to("a/../../secret")
    before = len(os.listdir("/dev/fd"))
    with Beneath(str(folder)) as below:
        for path in ("out", "a/b/file/x", "gone/x", "a/b/gone"):
            for _again in range(3):
                with pytest.raises((OSError, LeadsOut)):
                    below.open(path)
    assert len(os.listdir("/dev/fd")) == before


@pytest.fixture
def swapping(folder: Path) -> Iterator[None]:
    """Somebody who exchanges a file for a link out of the folder, again and again."""
    stop = threading.Event()

    def swap() -> None:
        link, file = folder / "link.new", folder / "file.new"
        while not stop.is_set():
            file.write_bytes(b"content")
            file.replace(folder / "a/b/file")
            link.symlink_to(folder.parent / "secret")
            link.replace(folder / "a/b/file")

    thread = threading.Thread(target=swap)
    thread.start()
    yield
    stop.set()
    thread.join()


@pytest.mark.usefixtures("swapping")
def test_who_changes_the_folder_meanwhile_wins_nothing(folder: Path, way: str) -> None:
    if way == "comparing":
        pytest.skip("no more than a comparison, which can be beaten in time")
    seen = set()
    with Beneath(str(folder)) as below:
        for _attempt in range(2000):
            try:
                with os.fdopen(below.open("a/b/file"), "rb") as file:
                    seen.add(file.read())
            except (OSError, LeadsOut):
                continue
    assert SECRET not in seen


def test_a_folder_is_listed_name_by_name_and_nothing_in_it_followed(folder: Path) -> None:
    (folder / "a/link").symlink_to("b")
    with Beneath(str(folder)) as below:
        listing = below.listing("a")
        try:
            assert sorted(item.name for item in listing) == ["b", "link"]
            with pytest.raises(OSError, match=r"."):
                listing.below("link")
            inner = listing.below("b")
            assert [(item.name, item.stat(follow_symlinks=False).st_size) for item in inner] == [("file", 7)]
            inner.close()
        finally:
            listing.close()
        with pytest.raises(OSError, match=r"."):
            below.listing("a/b/file")


def test_nothing_leads_out_of_a_folder_within_another_one(folder: Path) -> None:
    (folder / "a/b/up").symlink_to("../x")
    (folder / "a/x").write_bytes(SECRET)
    (folder / "a/b/in").symlink_to(folder / "a/b/file")
    with Beneath(str(folder)) as whole, whole.within("a/b") as part:
        assert part.names("") == ["file", "in", "up"]
        assert part.look("in").status.st_size == 7
        with pytest.raises(LeadsOut):
            part.look("up")
        with pytest.raises((OSError, LeadsOut)):
            whole.within("a/b/file")
    (folder / "out").symlink_to(folder.parent / "inside-too")
    with Beneath(str(folder)) as whole, pytest.raises(LeadsOut):
        whole.within("out")
