"""Where a bundle may stand and what ``--force`` may replace: nothing else is ever touched."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fixtures.layouts import Entry
from ocivalidate.cli import main
from ocivalidate.errors import UnpackError
from ocivalidate.unpack import UnpackOptions, unpack_image
from ocivalidate.unpack.convert import convert
from tests.trees import look
from tests.unit.unpacking import image

PARTS = {"whole": [], "rootfs": ["--rootfs-only"], "config": ["--config-only"]}
# How the folder that holds the image, the canary and the working directory `work/here` may be named from there.
BAD_NAMES = ("", ".", "./", "..", "../", "../..", "/", "//", "/.", "./.", "here/..", "sub/.", "sub/..", "sub/../", "x/")


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    work = tmp_path / "work"
    here = work / "here"
    (here / "sub").mkdir(parents=True)
    (here / "sub/file").write_text("canary")
    (here / "file").write_text("canary")
    image([Entry("etc/motd", b"hello\n")]).write(work / "image")
    archive = image([Entry("etc/motd", b"hello\n")]).archive()
    (work / "holder").mkdir()
    (work / "holder/image.tar").write_bytes(archive)
    monkeypatch.chdir(here)
    yield work
    assert (here / "sub/file").read_text() == "canary"
    assert main(["image", "-q", str(work / "image"), str(work / "holder/image.tar")]) == 0


def refused(work: Path, capsys: pytest.CaptureFixture[str], source: str, target: str, *options: str) -> str:
    """Unpack, see it refused with nothing touched; the one line."""
    before = look(work)
    capsys.readouterr()
    assert main(["unpack", source, target, *options]) == 2
    assert look(work) == before
    said = capsys.readouterr().err
    assert said.count("\n") == 1, said
    return said


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("target", [name for name in BAD_NAMES if name != "x/"])
def test_a_path_without_a_name(work: Path, capsys: pytest.CaptureFixture[str], target: str, part: list[str]) -> None:
    assert "name a directory to create" in refused(work, capsys, "../image", target, "--force", *part)


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
@pytest.mark.parametrize(
    "target", ["../image", "../image/", "../image/blobs", "../image/new", "../image/blobs/sha256/new", "../link/new"]
)
def test_a_bundle_in_the_image(work: Path, capsys: pytest.CaptureFixture[str], target: str, part: list[str]) -> None:
    (work / "link").symlink_to("image")
    assert "inside the image" in refused(work, capsys, "../image", target, "--force", *part)
    assert "inside the image" in refused(work, capsys, "../link", target, "--force", *part)


@pytest.mark.parametrize("source", ["image", "linked", "holder/image.tar"])
def test_a_bundle_that_would_replace_the_image(
    work: Path, capsys: pytest.CaptureFixture[str], source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What would be replaced looks like a bundle, and the image is in it."""
    outer = work / "outer"
    (outer / "rootfs").mkdir(parents=True)
    (outer / "config.json").write_text(json.dumps({"ociVersion": "1.0.0"}))
    (work / source.split("/", maxsplit=1)[0] if source != "linked" else work / "image").rename(outer / "rootfs/kept")
    (work / "linked").symlink_to("outer/rootfs/kept")
    inside = {"image": "outer/rootfs/kept", "linked": "linked", "holder/image.tar": "outer/rootfs/kept/image.tar"}
    monkeypatch.chdir(work)
    try:
        for part in ([], ["--rootfs-only"]):
            assert "contains the image" in refused(work, capsys, inside[source], "outer", "--force", *part)
        assert "the image" in refused(work, capsys, inside[source], "outer/rootfs", "--force")
    finally:
        (outer / "rootfs/kept").rename(
            work / source.split("/", maxsplit=1)[0] if source != "linked" else work / "image"
        )


def test_the_image_on_standard_input(
    work: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    outer = work / "outer"
    (outer / "rootfs").mkdir(parents=True)
    (outer / "config.json").write_text(json.dumps({"ociVersion": "1.0.0"}))
    (outer / "rootfs/image.tar").write_bytes((work / "holder/image.tar").read_bytes())
    saved = os.dup(0)
    try:
        with (outer / "rootfs/image.tar").open() as file:
            monkeypatch.setattr("sys.stdin", file)
            os.dup2(file.fileno(), 0)
            assert "contains the image" in refused(work, capsys, "-", "../outer", "--force")
    finally:
        os.dup2(saved, 0)
        os.close(saved)


@pytest.mark.parametrize("target", ["../outer", "../outer/", "../../work/outer", "../alias/outer"])
def test_the_working_directory(
    work: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    (work / "outer/rootfs").mkdir(parents=True)
    (work / "alias").symlink_to(".")
    monkeypatch.chdir(work / "outer" if "work" not in target else work / "outer/rootfs")
    target = f"../{target}" if "work" in target else target
    assert "the working directory" in refused(work, capsys, str(work / "image"), target, "--force")


def a_bundle(folder: str) -> None:
    """A bundle of ours."""
    assert main(["unpack", "-q", "../image", folder]) == 0


def put(path: str, text: str = "{}") -> None:
    """A file and the folders above it."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


def link(to: str, path: str) -> None:
    """A symbolic link and the folders above it."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).symlink_to(to)


# What stands at `b`: what is done in the working directory to put it there.
STRANGE: dict[str, list[partial[None]]] = {
    "a project": [partial(put, "b/rootfs/x"), partial(put, "b/Dockerfile")],
    "a bundle and more": [partial(a_bundle, "b"), partial(put, "b/umoci.json")],
    "a hidden file": [partial(put, "b/.hidden")],
    "a config.json of something else": [partial(put, "b/config.json", '{"auths": {}}')],
    "a list": [partial(put, "b/config.json", '["ociVersion"]')],
    "no JSON": [partial(put, "b/config.json", "ociVersion")],
    "deep JSON": [partial(put, "b/config.json", "[" * 100_000)],
    "a version that is none": [partial(put, "b/config.json", '{"ociVersion": 1}')],
    "a config.json that is a folder": [partial(put, "b/config.json/x")],
    "a config.json that is a link": [
        partial(put, "c", '{"ociVersion": "1.0.0"}'),
        partial(link, "../c", "b/config.json"),
    ],
    "a config.json that is a FIFO": [partial(os.mkdir, "b"), partial(os.mkfifo, "b/config.json")],
    "a rootfs that is a link": [partial(put, "r/x"), partial(link, "../r", "b/rootfs")],
    "a rootfs that is a file": [partial(put, "b/rootfs")],
    "a folder": [partial(os.makedirs, "b/other")],
    "a layout": [partial(os.rename, "../image", "b"), partial(os.symlink, "here/b", "../image")],
    "a link to a bundle": [partial(a_bundle, "c"), partial(link, "c", "b")],
    "a link to an empty folder": [partial(os.mkdir, "c"), partial(link, "c", "b")],
    "a link that leads nowhere": [partial(link, "nothing", "b")],
    "a FIFO": [partial(os.mkfifo, "b")],
    "a file": [partial(put, "b")],
}


@pytest.mark.parametrize("name", STRANGE)
def test_what_is_no_bundle_is_not_replaced(work: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    for step in STRANGE[name]:
        step()
    said = "image" if name == "a layout" else "there is"
    for target in ("b", "b/", "./b//"):
        assert said in refused(work, capsys, "../image", target, "--force")


@pytest.mark.parametrize("paths", [("b/rootfs/x", "b/README"), ("b/rootfs",)])
def test_a_rootfs_that_is_not_ours(work: Path, capsys: pytest.CaptureFixture[str], paths: tuple[str, ...]) -> None:
    for path in paths:
        put(path)
    assert "there is" in refused(work, capsys, "../image", "b", "--force", "--rootfs-only")


@pytest.mark.usefixtures("work")
def test_what_looks_like_a_bundle_is_replaced() -> None:
    before: list[list[partial[None]]] = [
        [partial(os.mkdir, "b")],
        [],
        [partial(put, "b/rootfs/x"), partial(os.unlink, "b/config.json")],
        [partial(put, "b/config.json", '{"ociVersion": "1.0.2-dev"}')],
    ]
    for steps in before:
        for step in steps:
            step()
        assert main(["unpack", "-q", "../image", "b/", "--force"]) == 0
        assert sorted(os.listdir("b")) == ["config.json", "rootfs"]
        assert sorted(os.listdir("b/rootfs")) == ["etc"]
    assert sorted(os.listdir(".")) == ["b", "file", "sub"]


@pytest.mark.usefixtures("work")
def test_parts_beside_what_others_put_there() -> None:
    """Only the part itself is replaced, so what stands beside it is no hindrance."""
    a_bundle("b")
    put("b/mine", "mine")
    for part in ("--rootfs-only", "--config-only"):
        assert main(["unpack", "-q", "../image", "b", "--force", part]) == 0
    assert Path("b/mine").read_text() == "mine"


@pytest.mark.usefixtures("work")
@pytest.mark.parametrize("exchange", [True, False])
@pytest.mark.parametrize("part", PARTS)
def test_what_comes_meanwhile_is_not_lost(monkeypatch: pytest.MonkeyPatch, part: str, *, exchange: bool) -> None:
    """Somebody puts something of theirs at the target while the layers are written."""
    if not exchange:
        monkeypatch.setattr("ocivalidate.unpack.staging.exchange", lambda *_arguments: False)
    a_bundle("b")
    place = {"whole": "b", "rootfs": "b/rootfs", "config": "b/config.json"}[part]

    def come(_done: int, _total: int) -> None:
        if Path(place).exists() and not Path("gone").exists():
            Path(place).rename("gone")
            put(f"{place}/mine" if part != "config" else place, "mine")

    options = UnpackOptions(force=True, rootfs=part != "config", config=part != "rootfs")
    if part == "config":
        monkeypatch.setattr("ocivalidate.unpack.api.convert", during(come))
    with pytest.raises(UnpackError, match="not replaced: there is now"):
        unpack_image("../image", "b", options, progress=come)
    assert (Path(place) if part == "config" else Path(place) / "mine").read_text() == "mine"
    assert not list(Path.cwd().glob("**/.ocivalidate-*"))


def during(come: Callable[[int, int], object]) -> Callable[..., object]:
    """The conversion, with something that happens meanwhile."""

    def converting(*arguments: Any) -> object:
        come(0, 0)
        return convert(*arguments)

    return converting


@pytest.mark.usefixtures("work")
def test_a_config_that_comes_meanwhile_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocivalidate.unpack.api.convert", during(lambda *_numbers: put("b/config.json", "mine")))
    with pytest.raises(UnpackError, match="file exists"):
        unpack_image("../image", "b", UnpackOptions(rootfs=False))
    assert Path("b/config.json").read_text() == "mine"


@pytest.mark.usefixtures("work")
@pytest.mark.usefixtures("work")
@pytest.mark.parametrize("tail", ["notes", "0123456789abcdef", "00000000-0123456789abcdef"])
def test_folders_with_such_a_name_are_not_swept(tail: str) -> None:
    name = f".ocivalidate-unpack-{tail}"
    put(f"{name}/notes", "mine")
    assert main(["unpack", "-q", "../image", "b"]) == 0
    assert Path(f"{name}/notes").read_text() == "mine"
