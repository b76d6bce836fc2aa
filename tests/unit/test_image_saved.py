"""What ``docker save`` writes, and whoever writes its form: judged as docker takes it, and unpacked as docker loads it.

No document of image-spec speaks of this form. Its clauses on layers, configs and diffIDs hold; those on media types say
nothing, as nothing gives a layer one.
"""

from __future__ import annotations

import json
import os
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from fixtures.layouts import (
    Entry,
    Image,
    Index,
    Layer,
    Layout,
    blob_path,
    docker_save,
    folder,
    hardlink,
    symlink,
    tar,
    tars,
)
from fixtures.layouts.build import to_json
from ocivalidate.errors import UnpackError
from ocivalidate.image.api import ImageOptions, check_image
from ocivalidate.image.found import ImageFilter
from ocivalidate.image.limits import Limits
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import ExitCode, Report, exit_code
from ocivalidate.rules.refusals import Refused
from ocivalidate.unpack import UnpackOptions, unpack_image
from tests.saved import NOTHING, ONE, TWO, Part, Saved, archive, sha256

CONTENT = "image/image-layout.blobs.content-matches"
REPEATED = "safety/image.archive.repeated"
AMBIGUOUS = "safety/image.archive.ambiguous"


def write(data: bytes, work: Path) -> str:
    path = work / "saved.tar"
    path.write_bytes(data)
    return str(path)


def told(report: Report) -> list[str]:
    return sorted({found.clause.id for found in report.findings if found.severity.rank >= Severity.WARNING.rank})


def unpacked(source: str, work: Path, **options: Any) -> list[str]:
    """The files of the root file system."""
    unpack_image(source, str(work / "bundle"), UnpackOptions(rootless=os.geteuid() != 0, **options))
    rootfs = work / "bundle" / "rootfs"
    return sorted(str(path.relative_to(rootfs)) for path in rootfs.rglob("*") if not path.is_dir())


def two(**members: Any) -> Saved:
    return Saved((Part(ONE, "1/layer.tar"), Part(TWO, "2/layer.tar")), **members)


def linked(*links: Entry) -> bytes:
    """Two layers whose files are links to others of the archive."""
    image = Saved((Part(ONE, "1/layer.tar", there=False), Part(TWO, "2/layer.tar", there=False)))
    return archive(image, files={f"{sha256(ONE)}.tar": ONE, f"{sha256(TWO)}.tar": TWO}, more=links)


V1 = {"1/VERSION": b"1.0", "1/json": b'{"id":"1"}', "repositories": b'{"app":{"latest":"1"}}'}
EMPTY = Saved((), config={"rootfs": {"type": "layers", "diff_ids": []}})
JIB = ("config", "repoTags", "layers")
# Name → the archive, and the files that docker makes of it.
GOOD: dict[str, tuple[bytes, list[str]]] = {
    "docker before 25": (archive(two(), files=V1), ["one", "two"]),
    "crane": (archive(Saved((Part(name=f"{sha256(ONE)}.tar.gz", compression="gzip"),), named="sha256:{}")), ["one"]),
    "jib": (archive(Saved((Part(name="a.tar.gz", compression="gzip"),), named="config.json"), names=JIB), ["one"]),
    "names in capitals": (archive(two(), names=("CONFIG", "REPOTAGS", "LAYERS")), ["one", "two"]),
    "gzip named .tar": (archive(Saved((Part(compression="gzip"),))), ["one"]),
    "zstd named .tar": (archive(Saved((Part(compression="zstd"),))), ["one"]),
    "zstd named .gz": (archive(Saved((Part(name="a.tar.gz", compression="zstd"),))), ["one"]),
    "plain named .gz": (archive(Saved((Part(name="a.tar.gz"),))), ["one"]),
    "mixed": (archive(Saved((Part(ONE, "a", "gzip"), Part(TWO, "b"), Part(NOTHING, "c", "zstd")))), ["one", "two"]),
    "no tags": (archive(two(tags=None)), ["one", "two"]),
    "empty tags": (archive(two(tags=())), ["one", "two"]),
    "parent": (archive(two(entry={"Parent": "sha256:" + "0" * 64})), ["one", "two"]),
    "layer sources": (
        archive(two(entry={"LayerSources": {f"sha256:{sha256(ONE)}": {"mediaType": "a/b", "size": 1, "digest": "x"}}})),
        ["one", "two"],
    ),
    "no layers": (archive(EMPTY), []),
    "layers null": (archive(Saved((), config=EMPTY.config, entry={"Layers": None})), []),
    "dot in front": (archive(Saved((Part(name="./a/layer.tar"),), named="./{}.json")), ["one"]),
    "symbolic links": (
        linked(symlink("1/layer.tar", f"../{sha256(ONE)}.tar"), symlink("2/layer.tar", f"../{sha256(TWO)}.tar")),
        ["one", "two"],
    ),
    "hard links": (
        linked(hardlink("1/layer.tar", f"{sha256(ONE)}.tar"), hardlink("2/layer.tar", f"{sha256(TWO)}.tar")),
        ["one", "two"],
    ),
    "one layer twice": (archive(Saved((Part(NOTHING, "a"), Part(ONE, "b"), Part(NOTHING, "a")))), ["one"]),
    "named like blobs": (archive(Saved((Part(name=f"blobs/sha256/{sha256(ONE)}"),), named="blobs/sha256/{}")), ["one"]),
    "one image twice": (archive(two(), two(tags=("other:1",))), ["one", "two"]),
    "more files": (archive(two(), files={"README": b"x", "a/b/c": b""}, more=[folder("empty/")]), ["one", "two"]),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_docker_loads_is_silent_and_unpacked(name: str, tmp_path: Path) -> None:
    data, files = GOOD[name]
    source = write(data, tmp_path)
    report = check_image(source)
    assert (report.problem, told(report), exit_code([report])) == ("", [], ExitCode.CONFORMS)
    assert "incomplete" not in report.facts
    assert unpacked(source, tmp_path) == files


def test_the_image_id_is_the_digest_of_the_config_whatever_its_name(tmp_path: Path) -> None:
    image = two(named="config.json")
    report = check_image(write(archive(image), tmp_path))
    (found,) = report.facts["images"]
    assert found["image_id"] == f"sha256:{sha256(image.document())}"
    assert all("media_type" not in layer for layer in found["layers"])


@pytest.mark.parametrize("named", ["{}.json", "sha256:{}", "{}", "blobs/sha256/{}"])
def test_a_config_that_is_not_what_its_name_says_is_told_and_followed(named: str, tmp_path: Path) -> None:
    """And so is what is wrong with the layers below it."""
    image = Saved((Part(ONE),), named=named.format("0" * 64), config={"rootfs": {"type": "layers", "diff_ids": []}})
    source = write(archive(image), tmp_path)
    report = check_image(source)
    assert told(report) == ["image/config.rootfs.diff_ids.order", CONTENT]
    assert report.facts["images"][0]["image_id"] == f"sha256:{sha256(image.document())}"
    with pytest.raises(Refused, match="not unpacked"):
        unpacked(source, tmp_path)


def test_a_config_that_several_images_share_is_told_once(tmp_path: Path) -> None:
    wrong = "0" * 64 + ".json"
    images = [
        Saved((Part(ONE),), (f"app:{number}",), wrong, entry={"Layers": ["layer.tar"] * number}) for number in (1, 2, 3)
    ]
    report = check_image(write(archive(*images), tmp_path))
    assert [found.clause.id for found in report.findings].count(CONTENT) == 1


def test_what_has_many_names_is_read_once(tmp_path: Path) -> None:
    """Else a small archive with many links would cost as if it were many archives."""
    links = [hardlink(f"{number}/{name}", name) for number in range(50) for name in ("c.json", "layer.tar")]
    rows = [{"Config": f"{number}/c.json", "Layers": [f"{number}/layer.tar"] * number} for number in range(50)]
    report = check_image(write(archive(Saved(named="c.json"), more=links, manifest=rows), tmp_path))
    assert (report.facts["documents"], report.facts["blobs"], len(report.facts["images"])) == (1, 1, 50)


def test_there_is_a_limit_of_images(tmp_path: Path) -> None:
    rows = [{"Config": "c.json", "Layers": ["layer.tar"] * number} for number in range(9)]
    source = write(archive(Saved(named="c.json"), manifest=rows), tmp_path)
    report = check_image(source, options=ImageOptions(limits=Limits(documents=5)))
    assert "safety/image.limit" in told(report)
    assert len(report.facts["images"]) == 5


def test_a_layer_that_stands_where_a_blob_does_is_held_to_its_name(tmp_path: Path) -> None:
    report = check_image(write(archive(Saved((Part(ONE, f"blobs/sha256/{sha256(TWO)}"),))), tmp_path))
    assert told(report) == [CONTENT]


def test_diff_ids_are_compared_whatever_the_compression(tmp_path: Path) -> None:
    rootfs = {"type": "layers", "diff_ids": [f"sha256:{sha256(TWO)}"]}
    source = write(archive(Saved((Part(ONE, "a.tar.gz", "gzip"),), config={"rootfs": rootfs})), tmp_path)
    assert told(check_image(source)) == ["image/config.diffID.uncompressed-tar"]
    with pytest.raises(Refused):
        unpacked(source, tmp_path)


# --- manifest.json

# Name → manifest.json, and why it is none.
UNREADABLE = {
    "null": (b"null", "manifest.json names no image"),
    "empty": (b"[]", "manifest.json names no image"),
    "an object": (b"{}", "manifest.json is not one of docker save: it is not an array"),
    "a null in it": (b"[null]", "manifest.json is not one of docker save: entry 0 has no Config"),
    "no config": (b'[{"Layers":[]}]', "manifest.json is not one of docker save: entry 0 has no Config"),
    "a config of the wrong type": (b'[{"Config":1}]', "manifest.json is not one of docker save: entry 0 has no Config"),
    "layers that are none": (
        b'[{"Config":"c","Layers":{}}]',
        "manifest.json is not one of docker save: Layers of entry 0 is not an array of strings",
    ),
    "tags that are none": (
        b'[{"Config":"c","RepoTags":"a"}]',
        "manifest.json is not one of docker save: RepoTags of entry 0 is not an array of strings",
    ),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_manifest_json_that_is_none_is_one_line(name: str, tmp_path: Path) -> None:
    text, problem = UNREADABLE[name]
    source = write(archive(manifest=text), tmp_path)
    report = check_image(source)
    assert (report.problem, exit_code([report])) == (problem, ExitCode.COULD_NOT_JUDGE)
    with pytest.raises(UnpackError, match=problem.replace("[", r"\[")):
        unpacked(source, tmp_path)


def test_a_manifest_json_that_is_no_json_says_why(tmp_path: Path) -> None:
    report = check_image(write(archive(manifest=b"[{"), tmp_path))
    assert report.problem.startswith("manifest.json is not one of docker save: ")


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (
            b'[{"Config":"%b","Layers":["a"],"layers":["layer.tar"]}]',
            "two members differ only in case: Layers and layers",
        ),
        (b'[{"Config":"%b","Layers":["a"],"Layers":["layer.tar"]}]', "a member occurs twice in an object: Layers"),
    ],
)
def test_members_that_readers_take_for_one_another_are_told(text: bytes, seen: str, tmp_path: Path) -> None:
    """Docker takes the last, and so do we."""
    image = Saved()
    report = check_image(write(archive(image, manifest=text % image.path.encode()), tmp_path))
    assert [(found.clause.id, found.message) for found in report.findings] == [(AMBIGUOUS, seen)]
    assert "incomplete" not in report.facts


def test_of_many_such_members_some_are_listed(tmp_path: Path) -> None:
    row = b'{"Config":"c.json","config":"c.json","Layers":["layer.tar"],"Layers":["layer.tar"],"X":1,"x":2,"y":1,"y":2}'
    source = write(archive(Saved(named="c.json"), manifest=b"[%b]" % b",".join([row] * 50)), tmp_path)
    report = check_image(source)
    assert (len(report.findings), sum(1 + found.more for found in report.findings)) == (20, 100)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["Config", "config", "Layers", "LAYERS", "RepoTags", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(
    JSON | st.lists(st.dictionaries(st.sampled_from(["Config", "Layers", "RepoTags"]), JSON, max_size=3), max_size=3)
)
def test_whatever_manifest_json_holds_is_a_verdict_or_a_line(value: Any) -> None:
    with tempfile.TemporaryDirectory() as work:
        source = write(archive(files={"a": b"{}", "b": ONE}, manifest=json.dumps(value).encode()), Path(work))
        report = check_image(source)
        assert report.problem or report.facts["images"]
        assert "\n" not in report.problem


def test_a_path_that_stands_twice_is_told_and_the_last_counts(tmp_path: Path) -> None:
    report = check_image(write(archive(Saved(), more=[Entry("layer.tar", TWO)]), tmp_path))
    assert told(report) == ["image/config.diffID.uncompressed-tar", REPEATED]


def test_a_path_that_stands_twice_with_the_same_bytes_matters_to_nobody(tmp_path: Path) -> None:
    source = write(archive(Saved(), more=[Entry("layer.tar", ONE)]), tmp_path)
    report = check_image(source)
    assert [(found.clause.id, found.severity) for found in report.findings] == [(REPEATED, Severity.NOTE)]
    assert unpacked(source, tmp_path) == ["one"]


# --- What is not there


def test_a_layer_that_is_not_there_is_said(tmp_path: Path) -> None:
    source = write(archive(Saved((Part(ONE), Part(TWO, "gone", there=False)))), tmp_path)
    report = check_image(source)
    assert (told(report), exit_code([report])) == ([], ExitCode.CONFORMS)
    assert report.facts["incomplete"] == "1 of 3 blobs absent, not verified"
    with pytest.raises(UnpackError, match="layer 1 is absent: gone"):
        unpacked(source, tmp_path)


@pytest.mark.parametrize("name", ["", "/", "."])
def test_a_layer_without_a_path_is_absent(name: str, tmp_path: Path) -> None:
    """Builders leave the path out for layers that they know docker to have."""
    image = Saved((Part(ONE), Part(TWO, there=False)))
    row = {**image.row(), "Layers": [image.parts[0].name, name]}
    source = write(archive(image, manifest=[row], files={image.parts[0].name: ONE}), tmp_path)
    report = check_image(source)
    assert (told(report), exit_code([report])) == ([], ExitCode.CONFORMS)
    assert report.facts["incomplete"] == "1 of 3 blobs absent, not verified"
    with pytest.raises(UnpackError, match="layer 1 is absent: "):
        unpacked(source, tmp_path)


@pytest.mark.parametrize("path", ["../c.json", "/etc/passwd", "nothing", "a/"])
def test_an_image_without_its_config_cannot_be_judged(path: str, tmp_path: Path) -> None:
    source = write(archive(Saved(named=path, there=False)), tmp_path)
    assert exit_code([check_image(source)]) is ExitCode.COULD_NOT_JUDGE
    with pytest.raises(UnpackError, match="is absent"):
        unpacked(source, tmp_path)


# --- Choosing

ARM = {"architecture": "arm64", "os": "linux", "variant": "v8"}
SEVERAL = (
    Saved((Part(ONE, "1.tar"),), ("docker.io/library/app:latest", "app:1")),
    Saved((Part(TWO, "2.tar"),), ("other:latest",), config=ARM),
    Saved((Part(ONE, "1.tar"), Part(TWO, "2.tar")), None),
)


@pytest.mark.parametrize(
    ("ref", "files"),
    [("app:1", ["one"]), ("app", ["one"]), ("docker.io/library/app:latest", ["one"]), ("other", ["two"])],
)
def test_a_name_chooses_as_docker_reads_it(ref: str, files: list[str], tmp_path: Path) -> None:
    source = write(archive(*SEVERAL), tmp_path)
    assert len(check_image(source, options=ImageOptions(ImageFilter((ref,)))).facts["images"]) == 1
    assert unpacked(source, tmp_path, ref=ref) == files


def test_a_platform_chooses_by_the_configs(tmp_path: Path) -> None:
    source = write(archive(*SEVERAL), tmp_path)
    report = check_image(source, options=ImageOptions(ImageFilter((), ("linux/arm64",))))
    assert [image["name"] for image in report.facts["images"]] == ["other:latest"]
    assert unpacked(source, tmp_path, platform="linux/arm64/v8") == ["two"]


def test_a_choice_that_means_nothing_is_no_pass(tmp_path: Path) -> None:
    source = write(archive(*SEVERAL), tmp_path)
    for wanted in (ImageFilter(("nobody",)), ImageFilter((), ("linux/s390x",))):
        report = check_image(source, options=ImageOptions(wanted))
        assert report.problem.startswith("no image matches that name and platform; the names are: app:1, docker.io")


def test_several_images_are_all_judged_and_none_is_unpacked_unasked(tmp_path: Path) -> None:
    source = write(archive(*SEVERAL), tmp_path)
    report = check_image(source)
    assert (told(report), len(report.facts["images"])) == ([], 3)
    with pytest.raises(UnpackError, match="3 images match"):
        unpacked(source, tmp_path)


# --- Layouts that docker saves, with a manifest.json beside


def of_platforms(*there: str) -> tuple[Layout, list[str]]:
    """An index of three platforms, with the blobs of those alone that are named; the names of their files."""
    images = [
        Image((Layer(tar([Entry(name, b"x")])),), None, {"architecture": name, "os": "linux"})
        for name in ("amd64", "arm64", "s390x")
    ]
    notes = {"io.containerd.image.name": "docker.io/library/app:latest", "org.opencontainers.image.ref.name": "latest"}
    layout = Layout(Index((Index(tuple(images), edit_descriptor=lambda found: found.update(annotations=notes)),)))
    _path, index = layout.manifest()
    for descriptor in index["manifests"]:
        if descriptor["platform"]["architecture"] not in there:
            manifest = layout.files.pop(blob_path(descriptor))
            layout.files = {
                path: data for path, data in layout.files.items() if path.rpartition("/")[2] not in str(manifest)
            }
    return layout, list(there)


def of_json(layout: Layout) -> bytes:
    """The layout with the manifest.json that docker writes for the first image that is there."""
    _path, index = layout.manifest()
    manifest = next(blob_path(one) for one in index["manifests"] if blob_path(one) in layout.files)
    value = json.loads(layout.files[manifest])
    row = {
        "Config": blob_path(value["config"]),
        "RepoTags": ["app:latest"],
        "Layers": [blob_path(one) for one in value["layers"]],
    }
    return tar(
        Entry(path, data) for path, data in {**layout.files, "manifest.json": json.dumps([row]).encode()}.items()
    )


@pytest.mark.parametrize(
    "choice",
    [{}, {"ref": "app"}, {"ref": "latest"}, {"ref": "docker.io/library/app:latest"}, {"platform": "linux/arm64"}],
)
def test_an_index_of_absent_platforms_is_incomplete_and_no_error(choice: dict[str, str], tmp_path: Path) -> None:
    """image-layout.md: the blobs directory MAY be missing referenced blobs."""
    layout, files = of_platforms("arm64")
    source = write(of_json(layout), tmp_path)
    wanted = ImageFilter(tuple(filter(None, [choice.get("ref")])), tuple(filter(None, [choice.get("platform")])))
    report = check_image(source, options=ImageOptions(wanted))
    assert (report.problem, told(report), exit_code([report])) == ("", [], ExitCode.CONFORMS)
    if not choice.get("platform"):
        assert report.facts["incomplete"].endswith("blobs absent, not verified; missing: linux/amd64, linux/s390x")
    assert unpacked(source, tmp_path, **choice) == files


def test_a_platform_that_is_absent_cannot_be_judged(tmp_path: Path) -> None:
    layout, _files = of_platforms("arm64")
    source = write(of_json(layout), tmp_path)
    report = check_image(source, options=ImageOptions(ImageFilter((), ("linux/s390x",))))
    assert exit_code([report]) is ExitCode.COULD_NOT_JUDGE
    with pytest.raises(UnpackError, match=r"the manifest sha256:[0-9a-f]* for linux/s390x is absent"):
        unpacked(source, tmp_path, platform="linux/s390x")


def test_complete_asks_for_the_absent_platforms_too(tmp_path: Path) -> None:
    layout, _files = of_platforms("arm64")
    report = check_image(write(of_json(layout), tmp_path), options=ImageOptions(complete=True))
    assert (told(report), exit_code([report])) == (["safety/image.blob.absent"], ExitCode.FINDINGS)


def test_of_several_platforms_that_whose_layers_are_there_is_unpacked(tmp_path: Path) -> None:
    """As where manifests and configs of all were fetched, and the layers of one."""
    layout, _files = of_platforms("amd64", "arm64")
    _path, index = layout.manifest()
    path = blob_path(next(one for one in index["manifests"] if one["platform"]["architecture"] == "amd64"))
    for layer in json.loads(layout.files[path])["layers"]:
        del layout.files[blob_path(layer)]
    assert unpacked(write(of_json(layout), tmp_path), tmp_path) == ["arm64"]


def test_several_platforms_that_are_all_there_are_to_be_chosen_from(tmp_path: Path) -> None:
    layout, _files = of_platforms("amd64", "arm64", "s390x")
    source = write(of_json(layout), tmp_path)
    with pytest.raises(UnpackError, match="3 images match"):
        unpacked(source, tmp_path)


@pytest.mark.parametrize("platform", ["linux/amd64", "linux/amd64/v1"])
def test_of_an_image_without_a_platform_in_the_index_its_config_tells(platform: str, tmp_path: Path) -> None:
    """As skopeo and buildah write layouts."""
    source = str(Layout(Index((Image(platform=None),))).write(tmp_path / "layout"))
    report = check_image(source, options=ImageOptions(ImageFilter((), (platform,))))
    assert (report.problem, exit_code([report])) == ("", ExitCode.CONFORMS)
    assert unpacked(source, tmp_path, platform=platform) == ["etc/motd"]


def test_nobody_is_given_an_image_for_another_platform(tmp_path: Path) -> None:
    source = str(Layout(Index((Image(platform=None),))).write(tmp_path / "layout"))
    report = check_image(source, options=ImageOptions(ImageFilter((), ("linux/arm64",))))
    assert report.problem == "no image matches that name and platform; the names are: latest"
    with pytest.raises(UnpackError, match="no image matches that name and platform"):
        unpacked(source, tmp_path, platform="linux/arm64")


@pytest.mark.parametrize("docker", [False, True])
def test_both_forms_in_one_archive_are_a_layout(docker: bool, tmp_path: Path) -> None:  # noqa: FBT001
    layer = Layer(ONE, "none" if not docker else "gzip")
    layout = Layout(Index((Image((layer,), docker=docker),)))
    source = write(docker_save(layout), tmp_path)
    report = check_image(source)
    assert (report.problem, told(report), exit_code([report])) == ("", [], ExitCode.CONFORMS)
    assert unpacked(source, tmp_path) == ["one"]


@pytest.mark.parametrize("manifests", [[], None])
def test_an_index_that_names_nothing_leaves_it_to_manifest_json(manifests: list[object] | None, tmp_path: Path) -> None:
    """As docker save writes of images without a name; docker loads what manifest.json names."""
    layout = Layout(Index((Image((Layer(ONE, "none"),)),)))
    with tarfile.open(fileobj=BytesIO(docker_save(layout))) as read:
        manifest = read.extractfile("manifest.json").read()  # type: ignore[union-attr]  # it is there
    layout.edit("index.json", lambda index: index.update(manifests=manifests))
    layout.files["manifest.json"] = manifest
    source = write(layout.archive(), tmp_path)
    report = check_image(source)
    assert told(report) == ([] if manifests == [] else ["image/image-index.manifests.type"])
    assert report.facts["images"][0]["layers"][0]["diff_id"] == f"sha256:{sha256(ONE)}"
    # What is an error is unpacked when it is ignored.
    assert unpacked(source, tmp_path, ignore=("image/image-index.manifests.type",)) == ["one"]


def test_a_layout_that_names_nothing_beside_another_manifest_json(tmp_path: Path) -> None:
    layout = Layout(Index(()))
    layout.files["manifest.json"] = b'{"name": "a web application"}'
    assert exit_code([check_image(str(layout.write(tmp_path / "layout")))]) is ExitCode.CONFORMS


def test_the_helpers_write_what_tarfile_reads() -> None:
    with tarfile.open(fileobj=BytesIO(GOOD["crane"][0])) as read:
        assert read.getnames()[-1] == "manifest.json"


def test_a_manifest_json_beside_an_index_json_leads_to_the_same_image(tmp_path: Path) -> None:
    layout = Layout(Index((Image(),)))
    other = Layout(Index((Image(config={"author": "another"}),)))
    _path, manifest = other.manifest()
    config = blob_path(manifest["config"])
    entry: dict[str, Any] = {"Config": "copy.json", "RepoTags": ["a:1"], "Layers": []}
    saved = layout.files | {"copy.json": layout.files[blob_path(layout.manifest()[1]["config"])]}
    cases = {
        "the same": (saved, [entry], []),
        "another": (saved | {config: other.files[config]}, [entry, entry | {"Config": config}], ["/1/Config"]),
        "one that is not there": (saved, [entry | {"Config": "gone.json"}], []),
        "any other file": (saved, {"Config": config}, []),
    }
    for name, (files, value, wanted) in cases.items():
        path = tmp_path / f"{name}.tar"
        path.write_bytes(tars.tar(Entry(at, data) for at, data in (files | {"manifest.json": to_json(value)}).items()))
        found = [one for one in check_image(str(path)).findings if one.clause.id == "safety/image.archive.ambiguous"]
        assert [one.location.pointer for one in found] == wanted, name
