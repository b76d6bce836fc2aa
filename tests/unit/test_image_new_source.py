"""A source of a new kind needs nothing but itself: here files in memory, whose streams cannot seek."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from fixtures.layouts import (
    BROKEN,
    GOOD,
    Artifact,
    Entry,
    Image,
    Index,
    Layer,
    Layout,
    blob_path,
    docker_save,
    folder,
    hardlink,
    tar,
)
from ocivalidate.errors import Unreadable
from ocivalidate.image.api import ImageOptions, check_image
from ocivalidate.image.found import ImageFilter
from ocivalidate.image.sources import source as sources
from ocivalidate.image.sources.archives import read_index
from ocivalidate.rules.findings import ExitCode, Report, exit_code

SIZE, CONTENT = "image/descriptor.size.matches", "image/image-layout.blobs.content-matches"


class OneWay:
    """A stream that gives a few bytes at a time, and none of them twice."""

    def __init__(self, data: bytes) -> None:
        self._left = memoryview(data)

    def readinto(self, buffer: memoryview, /) -> int:
        count = min(len(buffer), len(self._left), 4093)
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count

    def seekable(self) -> bool:
        return False

    def seek(self, _offset: int, _whence: int = 0, /) -> int:
        raise AssertionError("nobody may seek here")

    def close(self) -> None:
        self._left = memoryview(b"")


class Bucket(sources.Source):
    """The new source: objects by their paths."""

    form = "bucket"

    def __init__(self, files: Mapping[str, bytes], *roots: str) -> None:
        self.name = "bucket://images"
        self._files = files
        self._roots = roots
        self.opened: list[str] = []

    def entry(self, path: str) -> sources.Entry | None:
        if path in self._files:
            return sources.Entry(sources.FILE, len(self._files[path]))
        # A bucket has no empty folders.
        return (
            sources.Entry(sources.FOLDER)
            if (path == "blobs" and sources.INDEX_JSON in self._files) or self.children(path)
            else None
        )

    def children(self, path: str) -> list[str]:
        start = f"{path}/" if path else ""
        return sorted({name[len(start) :].split("/")[0] for name in self._files if name.startswith(start)})

    def open(self, path: str) -> OneWay:
        self.opened.append(path)
        if path not in self._files:
            raise Unreadable(f"{path}: no such object")
        return OneWay(self._files[path])

    def roots(self) -> tuple[str, ...]:
        return self._roots or super().roots()


def seen(report: Report) -> Any:
    """What a user sees, but for how the source calls its files."""
    findings = [(found.clause.id, found.message, found.got, found.want, found.more) for found in report.findings]
    places = [(found.location.pointer, found.location.line, found.location.member) for found in report.findings]
    outcomes = {result.clause.id: result.outcome for result in report.results if not _of_folders(result.clause.id)}
    return sorted(zip(findings, places, strict=True), key=repr), outcomes, report.facts, report.problem


def _of_folders(clause: str) -> bool:
    """What only a folder of a file system gives occasion to."""
    return clause == "safety/image.link-out"


def files_of(target: Path) -> dict[str, bytes]:
    return {str(file.relative_to(target)): file.read_bytes() for file in target.rglob("*") if file.is_file()}


def both(layout: Layout, path: Path, **options: Any) -> tuple[Report, Report]:
    target = layout.write(path / "image")
    given = ImageOptions(**options)
    return check_image(str(target), options=given), check_image(Bucket(files_of(target)), options=given)


PASSWD = tar([folder("etc/"), Entry("etc/passwd", b"x:x:1:1::/:\n")])
LAYOUTS: dict[str, Callable[[], Layout]] = {
    **GOOD,
    **{f"layer {name}": lambda make=make: Layout(Index((Image((make(),)),))) for name, make in BROKEN.items()},  # type: ignore[misc]  # bound now
    "a hard link to another layer": lambda: _layers(tar([Entry("a")]), tar([hardlink("b", "a")])),
    "a hard link to nothing": lambda: _layers(tar([Entry("a")]), tar([hardlink("b", "c")])),
    "a file below a file": lambda: _layers(tar([Entry("a")]), tar([Entry("a/b")])),
    "a user by name": lambda: Layout(
        Index(
            (
                Image(
                    (Layer(tar([folder("etc/"), Entry("etc/passwd", b"x:x:1:1::/:\n")])),),
                    config={"config": {"User": "x"}},
                ),
            )
        )
    ),
    "a user whom nobody knows": lambda: Layout(Index((Image(config={"config": {"User": "x"}}),))),
    "an artifact": lambda: Layout(Index((Artifact(subject=Image(name=None)),))),
    "a wrong size": lambda: Layout(Index((Image(edit_descriptor=lambda found: found.update(size=3)),))),
    "an index in an index": lambda: Layout(Index((Index((Image(name=None),), name="all"),))),
}


def _layers(*tars: bytes) -> Layout:
    return Layout(Index((Image([Layer(data) for data in tars]),)))


@pytest.mark.parametrize("name", LAYOUTS)
def test_it_is_judged_as_a_folder_is(name: str, tmp_path: Path) -> None:
    one, other = both(LAYOUTS[name](), tmp_path)
    assert seen(one) == seen(other)
    assert all(found.location.file.startswith("bucket://images:") for found in other.findings)


@pytest.mark.parametrize("options", [{"complete": True}, {"orphans": False}, {"wanted": ImageFilter(refs=("latest",))}])
def test_with_options_too(options: dict[str, Any], tmp_path: Path) -> None:
    layout = LAYOUTS["a wrong size"]()
    layout.files["blobs/sha256/" + "0" * 64] = b"nobody's"
    del layout.files[blob_path(layout.manifest()[1]["layers"][0])]
    one, other = both(layout, tmp_path, **options)
    assert seen(one) == seen(other)


@pytest.mark.parametrize("old", [True, False])
def test_what_docker_save_writes(old: bool, tmp_path: Path) -> None:  # noqa: FBT001
    target = tmp_path / "saved.tar"
    target.write_bytes(docker_save(GOOD["uncompressed"](), old=old))
    with target.open("rb") as file:
        found = read_index(file.fileno(), ImageOptions().layer_limits)
        data = target.read_bytes()
    files = {
        path: data[entry.offset : entry.offset + entry.size]
        for path, entry in found.entries.items()
        if entry.kind in (sources.FILE, sources.LINK)
    }
    report = check_image(Bucket(files))
    assert (report.problem, report.findings, exit_code([report])) == ("", (), ExitCode.CONFORMS)
    assert len(report.facts["images"]) == 1


def test_what_is_no_image_is_not_judged() -> None:
    report = check_image(Bucket({"readme": b"hello"}))
    assert (report.subject, exit_code([report])) == ("bucket://images", ExitCode.COULD_NOT_JUDGE)
    assert "the bucket has neither" in report.problem


def blobs_of(layout: Layout) -> dict[str, bytes]:
    return {path: data for path, data in layout.files.items() if path.startswith("blobs/")}


def root_of(layout: Layout) -> str:
    return blob_path(json.loads(layout.files["index.json"])["manifests"][0])


@pytest.mark.parametrize("nested", [False, True])
def test_it_may_begin_at_a_manifest_or_an_index(nested: bool) -> None:  # noqa: FBT001
    """As a registry does, where nothing stands above them."""
    images = (Image(name=None), Image((Layer(tar([Entry("x")])),), name=None))
    layout = Layout(Index((Index(images, name="all") if nested else Image(),)))
    root = root_of(layout)
    report = check_image(Bucket(blobs_of(layout), root))
    assert (report.problem, report.findings, exit_code([report])) == ("", (), ExitCode.CONFORMS)
    assert len(report.facts["images"]) == (2 if nested else 1)
    # Nobody says that there is a layout, so that nothing of one is missed, and no blob is of nobody.
    assert {result.outcome.value for result in report.results if "image-layout.oci-layout" in result.clause.id} == {
        "skip"
    }


def test_what_it_begins_at_is_verified() -> None:
    layout = Layout(Index((Image(),)))
    files, root = blobs_of(layout), root_of(layout)
    files[root] += b" "
    report = check_image(Bucket(files, root))
    assert [found.clause.id for found in report.findings] == [CONTENT]
    assert report.findings[0].hint.startswith("referenced by bucket://images")


def test_descriptors_below_it_are_judged() -> None:
    layout = Layout(Index((Image(edit_manifest=lambda manifest: manifest["config"].update(size=9)),)))
    report = check_image(Bucket(blobs_of(layout), root_of(layout)))
    assert [(found.clause.id, found.location.pointer) for found in report.findings] == [(SIZE, "/config/size")]


def test_several_roots() -> None:
    layout = Layout(Index((Image(), Image((Layer(tar([Entry("x")])),), name="other"))))
    paths = [blob_path(entry) for entry in json.loads(layout.files["index.json"])["manifests"]]
    report = check_image(Bucket(blobs_of(layout), *paths))
    assert (report.findings, len(report.facts["images"])) == ((), 2)


def test_a_root_that_is_not_there_leaves_nothing_to_judge() -> None:
    report = check_image(Bucket({"blobs/sha256/x": b""}, "blobs/sha256/" + "0" * 64))
    assert exit_code([report]) is ExitCode.COULD_NOT_JUDGE


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_its_blobs_are_verified_here_where_no_other_process_can_open_them(kind: str) -> None:
    layout = LAYOUTS["a file below a file"]()
    executor: Executor = (
        ThreadPoolExecutor(2) if kind == "threads" else ProcessPoolExecutor(1, mp_context=get_context("spawn"))
    )
    with executor:
        report = check_image(Bucket(layout.files), options=ImageOptions(executor=executor))
    assert seen(report) == seen(check_image(Bucket(layout.files)))
    assert report.findings


def test_nothing_is_opened_twice_that_is_fine() -> None:
    bucket = Bucket(GOOD["gzip"]().files)
    assert not check_image(bucket).findings
    assert sorted(bucket.opened) == sorted(set(bucket.opened))
