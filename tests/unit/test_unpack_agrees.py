"""``image`` and ``unpack`` say the same of layers, whatever they make one upon the other.

A hazard is a clause to both, with exit code 1, and nothing is left; what nothing forbids is unpacked.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from fixtures.layouts import BROKEN, LIMITS, WITNESSES, Entry, Layer, Layout, tars
from fixtures.layouts.build import Image, Index
from fixtures.layouts.tars import folder, hardlink, symlink, whiteout
from ocivalidate import check_image
from ocivalidate.errors import UnpackError
from ocivalidate.image.api import ImageOptions
from ocivalidate.image.layers.limits import LayerLimits
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import ExitCode, exit_code
from ocivalidate.rules.refusals import Refused
from ocivalidate.unpack import UnpackOptions, unpack_image
from tests.unit.unpacking import image, rootfs, unpack

Layers = list[list[Entry]]

# Clauses on blobs that nothing refers to.
APART = frozenset({"image/image-layout.blobs.name-charset", "image/image-layout.blobs.directory-per-algorithm"})

PARENT, LINK_TARGET, NAME = "safety/layer.parent", "safety/layer.link-target", "safety/layer.name"
THROUGH, ATTRIBUTE = "safety/layer.through-link", "safety/layer.attribute-form"
BASE = [folder("usr/lib/"), Entry("usr/lib/so", b"so"), symlink("lib", "usr/lib"), folder("a/"), Entry("a/x", b"x")]
CHAIN = [symlink(f"l{number}", f"l{number + 1}") for number in range(41)]


def long(path: str, **more: object) -> Entry:
    return Entry("x", pax={"path": path}, **more)  # type: ignore[arg-type]  # members of an entry


# Layers, the clause that they break, and why nobody can unpack them.
REFUSED: dict[str, tuple[Layers, str]] = {
    # Nothing can stand in what is no directory (open(2): ENOTDIR).
    "below a file of the same layer": ([[Entry("a"), Entry("a/b")]], PARENT),
    "a file above what stands in it": ([[Entry("a/b/c"), Entry("a")]], PARENT),
    "a link above what stands in it": ([[Entry("a/b/c"), symlink("a", "d")]], PARENT),
    "below a file of a lower layer": ([[Entry("a")], [Entry("a/b")]], PARENT),
    "below a FIFO of the layer before the last": ([[Entry("a", type="6")], [], [folder("a/b/c/")]], PARENT),
    "below a hard link of a lower layer": ([[Entry("f"), hardlink("a", "f")], [Entry("a/b")]], PARENT),
    "below a link to a file": ([[Entry("f"), symlink("a", "f")], [Entry("a/b")]], PARENT),
    "below a file where a link leads": ([[*BASE, Entry("usr/lib/f")], [Entry("lib/f/x")]], PARENT),
    "below a directory that became a file": ([BASE, [Entry("a")], [Entry("a/y")]], PARENT),
    # path_resolution(7): ELOOP after 40 links.
    "through a link to itself": ([[symlink("a", "a")], [Entry("a/b")]], PARENT),
    "through two links to each other": ([[symlink("a", "b"), symlink("b", "a")], [Entry("a/b")]], PARENT),
    "through 41 links": ([CHAIN, [Entry("l0/x")]], PARENT),
    # The root of a bundle is a directory (runtime-spec config.md: root.path).
    "the root becomes a link": ([[symlink("./", "/etc"), Entry("x")]], PARENT),
    "the root becomes a file": ([[Entry("a/..")]], PARENT),
    "the root becomes a hard link": ([BASE, [hardlink(".", "a/x")]], PARENT),
    "the root becomes a hard link to itself": ([BASE, [hardlink("/", ".")]], PARENT),
    # link(2): ENOENT, and EPERM for directories.
    "a hard link to a whiteout": ([BASE, [Entry("a/.wh.x"), hardlink("b", "a/.wh.x")]], LINK_TARGET),
    "a hard link to an opaque whiteout": (
        [BASE, [Entry("a/.wh..wh..opq"), hardlink("b", "a/.wh..wh..opq")]],
        LINK_TARGET,
    ),
    "a hard link to what an upper layer removed": ([BASE, [whiteout("a/x")], [hardlink("b", "a/x")]], LINK_TARGET),
    "a hard link to what its directory took along": ([BASE, [whiteout("a")], [hardlink("b", "a/x")]], LINK_TARGET),
    "a hard link to what an opaque whiteout hid": (
        [BASE, [Entry("a/.wh..wh..opq"), Entry("a/y")], [hardlink("b", "a/x")]],
        LINK_TARGET,
    ),
    "a hard link to what a file replaced": ([BASE, [Entry("a")], [hardlink("b", "a/x")]], LINK_TARGET),
    "a hard link to a directory below": ([BASE, [hardlink("b", "a")]], LINK_TARGET),
    "a hard link to a directory that no entry is for": ([[Entry("d/e/f")], [hardlink("b", "d/e")]], LINK_TARGET),
    "a hard link through a link to nothing": ([[symlink("l", "nowhere")], [hardlink("b", "l/x")]], LINK_TARGET),
    "a hard link in the place of its target's directory": ([BASE, [hardlink("a", "a/x")]], LINK_TARGET),
    # limits.h: NAME_MAX is 255, PATH_MAX is 4096 with the NUL.
    "a name of 256 bytes": ([[long("d/" + "n" * 256)]], NAME),
    "a directory of 256 bytes": ([[long("n" * 256 + "/x")]], NAME),
    "a link to a path that is too long": ([[Entry("l", type="2", pax={"linkpath": "d/" * 2048})]], NAME),
    "through a link to a name that is too long": (
        [[Entry("l", type="2", pax={"linkpath": "n" * 256})], [Entry("l/x")]],
        NAME,
    ),
    # An entry ends up elsewhere than its own layer says.
    "a link that its layer went through becomes a directory": ([BASE, [Entry("lib/x"), folder("lib/")]], THROUGH),
    "a link that its layer went through is hidden": ([BASE, [Entry("lib/x"), whiteout("lib")]], THROUGH),
    "what holds such a link is hidden": (
        [[symlink("p/l", "/d"), folder("d/")], [Entry("p/l/x"), whiteout("p")]],
        THROUGH,
    ),
    "through a hard link to a link": ([[symlink("s", "/"), hardlink("l", "s"), Entry("l/x")]], THROUGH),
    "through a hard link to a link of a lower layer": ([BASE, [hardlink("l", "lib"), Entry("l/x")]], PARENT),
    # setxattr(2): EINVAL.
    "an attribute without a name": ([[Entry("f", pax={"SCHILY.xattr.user.": "1"})]], ATTRIBUTE),
    "capabilities that are none": ([[Entry("f", pax={"SCHILY.xattr.security.capability": "all"})]], ATTRIBUTE),
    # mknod(2): EINVAL.
    "a device of no driver": ([[Entry("d", type="3", device=(4096, 0))]], "safety/layer.device-number"),
    "a directory twice, with slashes at its end": (
        [[folder("d//"), Entry("d", b"1")]],
        "image/layer.no-duplicate-paths",
    ),
    "a whiteout that is a hard link to a file": (
        [[Entry("a")], [Entry("f", b"f"), hardlink(".wh.a", "f")]],
        "image/layer.whiteout.empty-file",
    ),
    "a whiteout that is a hard link to nothing": (
        [[Entry("a")], [hardlink(".wh.a", "f")]],
        "image/layer.whiteout.empty-file",
    ),
    # image-spec layer.md: MUST NOT include duplicate entries.
    "a path twice": ([[Entry("f", b"1"), Entry("f", b"2")]], "image/layer.no-duplicate-paths"),
}

# Layers, and files that are there in the end; a path that begins with ! is not there.
TAKEN: dict[str, tuple[Layers, dict[str, bytes | None]]] = {
    "a whiteout below what is a file now": ([BASE, [Entry("a", b"f")], [whiteout("a/x")]], {"a": b"f"}),
    "a whiteout below a file of its own layer": ([BASE, [Entry("a", b"f"), whiteout("a/x")]], {"a": b"f"}),
    "an opaque whiteout below a file": ([[Entry("f", b"f")], [Entry("f/.wh..wh..opq")]], {"f": b"f"}),
    "a whiteout through links in a circle": ([[symlink("l", "l")], [whiteout("l/x/y")]], {}),
    "a whiteout below a name that is too long": (
        [[Entry("l", type="2", pax={"linkpath": "n" * 256})], [whiteout("l/x")]],
        {},
    ),
    "what AUFS left": ([BASE, [Entry(".wh..wh.plnk"), Entry(".wh..wh.aufs")]], {"a/x": b"x", ".wh..wh.plnk": None}),
    # As docker writes the whiteouts of files that were one inode.
    "a whiteout that is a hard link to a whiteout": (
        [[Entry("a"), Entry("d/b")], [whiteout("a"), hardlink("d/.wh.b", ".wh.a")]],
        {"a": None, "d/b": None},
    ),
    "a whiteout that is a hard link to a later one": (
        [[Entry("a"), Entry("b")], [hardlink(".wh.a", "/.wh.b"), whiteout("b")]],
        {"a": None, "b": None},
    ),
    "a hard link through a link of a lower layer": ([BASE, [hardlink("so2", "lib/so")]], {"so2": b"so"}),
    "a hard link through an absolute link": (
        [[*BASE, symlink("m", "/lib")], [hardlink("so2", "m/so")]],
        {"so2": b"so", "usr/lib/so": b"so"},
    ),
    "a hard link to a symbolic link": ([BASE, [hardlink("l", "lib")], [Entry("l/new", b"1")]], {"usr/lib/new": b"1"}),
    "a hard link over its own target": ([BASE, [hardlink("usr/lib/so", "lib/so")]], {"usr/lib/so": b"so"}),
    "a file of a lower layer becomes a directory": ([[Entry("a")], [folder("a/"), Entry("a/b", b"1")]], {"a/b": b"1"}),
    "a file goes and a directory comes": ([[Entry("a")], [whiteout("a"), Entry("a/b", b"1")]], {"a/b": b"1"}),
    "a directory becomes a file": ([BASE, [Entry("a", b"1")]], {"a": b"1", "a/x": None}),
    "a link becomes a directory": ([BASE, [folder("lib/"), Entry("lib/x", b"1")]], {"lib/x": b"1", "usr/lib/x": None}),
    "a link to nothing makes directories": ([[symlink("l", "d/e")], [Entry("l/x", b"1")]], {"d/e/x": b"1"}),
    "through 40 links": ([CHAIN[1:], [folder("l41/"), Entry("l1/x", b"1")]], {"l41/x": b"1"}),
    "a name of 255 bytes": ([[long("d/" + "n" * 255, content=b"1")]], {"d/" + "n" * 255: b"1"}),
    "below a type that nothing is made of": ([[Entry("v", type="V"), Entry("v/x", b"1")]], {"v/x": b"1"}),
    "a label in the place of the root": ([[Entry("./", type="V"), Entry("x", b"1")]], {"x": b"1"}),
    "slashes at the end": ([[folder("d//"), Entry("d/x", b"1"), folder("e///")]], {"d/x": b"1"}),
    "the same layer twice": ([BASE, [whiteout("a/x")], BASE], {"a/x": b"x"}),
}


def judged(layout: Layout, work: Path, limits: LayerLimits | None = None) -> tuple[int, list[str]]:
    """What ``image`` says, in an exit code and the clauses of errors."""
    source = layout.write(work / "judged")
    report = check_image(str(source), options=ImageOptions(layer_limits=limits or LayerLimits()))
    errors = [finding.clause.id for finding in report.findings if finding.severity is Severity.ERROR]
    return exit_code([report]), errors


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
@pytest.mark.parametrize(("layers", "clause"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_unpacked_is_an_error_of_the_image(
    layers: Layers, clause: str, compression: str, tmp_path: Path
) -> None:
    layout = image(*layers, compression=compression)
    assert judged(layout, tmp_path) == (ExitCode.FINDINGS, [clause])
    with pytest.raises(Refused) as caught:
        unpack(layout, tmp_path)
    assert [finding.clause.id for finding in caught.value.findings] == [clause]
    assert sorted(os.listdir(tmp_path)) == ["image", "judged"]


@pytest.mark.parametrize(("layers", "files"), TAKEN.values(), ids=TAKEN)
def test_what_nothing_forbids_is_unpacked(layers: Layers, files: dict[str, bytes | None], tmp_path: Path) -> None:
    layout = image(*layers)
    assert judged(layout, tmp_path) == (ExitCode.CONFORMS, [])
    unpack(layout, tmp_path)
    for path, content in files.items():
        place = rootfs(tmp_path) / path
        assert (place.read_bytes() if place.is_file() else None) == content, path
        assert content is not None or not os.path.lexists(place)


def test_an_entry_that_cannot_be_written_is_told_with_its_layer_and_path(tmp_path: Path) -> None:
    layout = image([Entry("a")], [Entry("b"), Entry("a/b/c"), Entry("a/d")])
    source = str(layout.write(tmp_path / "image"))
    report = check_image(source)
    _path, manifest = layout.manifest()
    errors = [found for found in report.findings if found.severity is Severity.ERROR]
    assert {found.location.digest for found in errors} == {manifest["layers"][1]["digest"]}
    assert [(found.location.member, found.message) for found in errors] == [
        (path, "a on its path is not a directory in this layer or those below") for path in ("a/b/c", "a/d")
    ]
    with pytest.raises(Refused, match="layer 1 is not unpacked") as caught:
        unpack_image(source, str(tmp_path / "bundle"), UnpackOptions())
    assert [found.location for found in caught.value.findings] == [errors[0].location]


def test_directories_are_counted_in_all_layers_together(tmp_path: Path) -> None:
    layers = [[Entry(f"{name}/{number}/f") for number in range(3)] for name in "ab"]
    limits = LayerLimits(entries=7)
    assert judged(image(*layers), tmp_path, limits) == (ExitCode.FINDINGS, ["safety/layer.limit"])
    with pytest.raises(Refused) as caught:
        unpack(image(*layers), tmp_path, layer_limits=limits)
    assert [finding.clause.id for finding in caught.value.findings] == ["safety/layer.limit"]
    (tmp_path / "again").mkdir()
    unpack(image(*layers), tmp_path / "again", layer_limits=LayerLimits(entries=8))


@pytest.mark.parametrize("clause", ["image/layer.no-duplicate-paths", "safety/layer.through-link"])
def test_an_error_that_is_ignored_does_not_keep_the_image_back(clause: str, tmp_path: Path) -> None:
    entries = [Entry("f", b"1"), Entry("f", b"2")] if "paths" in clause else [symlink("l", "d"), Entry("l/x", b"2")]
    done = unpack(image(entries), tmp_path, ignore=(clause,))
    assert done.findings == ()
    assert (rootfs(tmp_path) / ("f" if "paths" in clause else "d/x")).read_bytes() == b"2"


def test_an_error_of_a_document_keeps_the_image_back(tmp_path: Path) -> None:
    broken = Image((Layer(),), edit_manifest=lambda manifest: manifest.update(schemaVersion=3))
    with pytest.raises(Refused) as caught:
        unpack(Layout(Index((broken,))), tmp_path)
    assert {finding.clause.id for finding in caught.value.findings} == {"image/manifest.schemaVersion.is-2"}


def test_a_descriptor_that_leads_out_is_a_fault_of_the_image(tmp_path: Path) -> None:
    leads_out = Image((Layer(),), edit_descriptor=lambda found: found.update(digest="sha256:../../etc/passwd"))
    layout = Layout(Index((leads_out,)))
    assert judged(layout, tmp_path) == (ExitCode.FINDINGS, ["image/descriptor.digest.grammar"])
    with pytest.raises(Refused):
        unpack(layout, tmp_path)


def test_attributes_of_a_directory_that_is_hidden_do_not_come_back(tmp_path: Path) -> None:
    for number, upper in enumerate(([Entry("d/e/new"), whiteout("d/e")], [Entry("d/e/new"), Entry("d/.wh..wh..opq")])):
        work = tmp_path / str(number)
        work.mkdir()
        unpack(image([folder("d/e/", mode=0o700, mtime=5)], upper), work)
        status = (rootfs(work) / "d/e").stat()
        assert (status.st_mode & 0o777, status.st_mtime) == (0o755, 0)


def test_many_images_of_the_same_layers_are_looked_at_a_bounded_number_of_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ocivalidate.image import stacks

    monkeypatch.setattr(stacks, "_ALWAYS", 0)
    reads: list[int] = []
    inner = stacks.Replayer

    def counted(*arguments: Any) -> stacks.Replayer:
        reads.append(1)
        return inner(*arguments)

    monkeypatch.setattr(stacks, "Replayer", counted)
    upper = [Layer(tars.tar([Entry("lib/x"), Entry("many", str(number).encode())])) for number in range(2)]
    base = Layer(tars.tar(BASE))
    images = [
        Image((base, *upper[: number % 3]), name=str(number), config={"author": str(number)}) for number in range(40)
    ]
    report = check_image(str(Layout(Index(images)).write(tmp_path / "image")))
    assert report.findings == ()
    # One stack without a second look, two with one.
    assert len(reads) == 2 + 3


def agreement(source: str, work: Path, limits: LayerLimits) -> tuple[int, set[str], int, set[str]]:
    """Exit code and clauses of errors, by ``image`` and by ``unpack``."""
    report = check_image(source, options=ImageOptions(layer_limits=limits))
    errors = {finding.clause.id for finding in report.findings if finding.severity is Severity.ERROR}
    options = UnpackOptions(layer_limits=limits, rootless=os.geteuid() != 0)
    try:
        unpack_image(source, str(work / "bundle"), options)
    except Refused as problem:
        return exit_code([report]), errors, ExitCode.FINDINGS, {finding.clause.id for finding in problem.findings}
    except UnpackError:
        return exit_code([report]), errors, ExitCode.COULD_NOT_JUDGE, set()
    return exit_code([report]), errors, ExitCode.CONFORMS, set()


@pytest.mark.parametrize("name", BROKEN)
def test_broken_layers_are_broken_to_both(name: str, tmp_path: Path) -> None:
    source = str(Layout(Index((Image((BROKEN[name](),)),))).write(tmp_path / "image"))
    code, errors, found, clauses = agreement(source, tmp_path, LayerLimits(**LIMITS.get(name, {})))
    assert (found, clauses) == (code, errors)


@pytest.mark.parametrize("clause", sorted(WITNESSES))
def test_broken_layouts_are_broken_to_both(clause: str, tmp_path: Path) -> None:
    """What is about blobs that no image has, or must be asked for, or is about one that is not there is not."""
    witness = WITNESSES[clause]
    if witness.options or clause in APART:
        pytest.skip("about more than the image that is unpacked")
    code, errors, found, _clauses = agreement(str(witness.breaks(tmp_path / "image")), tmp_path, LayerLimits())
    if errors:
        assert (found, code) == (ExitCode.FINDINGS, ExitCode.FINDINGS)
