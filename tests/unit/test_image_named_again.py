"""A document or a blob that is named again is held to each descriptor, whichever came first.

descriptor.md, of `size`: "This REQUIRED property specifies the size, in bytes, of the raw content." It is said of every
descriptor, and so are the properties below.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from fixtures.layouts import Artifact, Image, Index, Layer, Layout
from fixtures.layouts.build import blob_path, docker_save
from ocivalidate.image.api import ImageOptions, check_image
from ocivalidate.image.found import ImageFilter
from ocivalidate.image.sources.source import FolderSource
from ocivalidate.rules.findings import ExitCode, Report, exit_code

Json = dict[str, Any]
SIZE, MEDIA_TYPE = "image/descriptor.size.matches", "safety/image.media-type.matches"
PLATFORM, ARTIFACT_TYPE = "safety/image.platform.matches", "image/descriptor.artifactType.equals-config-mediaType"
GZIP, TAR = "image/layer.gzip.payload", "image/layer.tar-packaged"
OCI = "application/vnd.oci.image."

# What a second descriptor says otherwise, and the clause that it breaks.
OF_MANIFESTS: dict[str, tuple[Json, str]] = {
    "size": ({"size": 1}, SIZE),
    "a longer size": ({"size": 1 << 40}, SIZE),
    "Docker's type": ({"mediaType": "application/vnd.docker.distribution.manifest.v2+json"}, MEDIA_TYPE),
    "the type of an index": ({"mediaType": f"{OCI}index.v1+json"}, MEDIA_TYPE),
    "a type of its own": ({"mediaType": "application/octet-stream"}, MEDIA_TYPE),
    "architecture": ({"platform": {"architecture": "arm64", "os": "linux"}}, PLATFORM),
    "os": ({"platform": {"architecture": "amd64", "os": "freebsd"}}, PLATFORM),
    "artifactType": ({"artifactType": "application/vnd.other"}, ARTIFACT_TYPE),
    "data": ({"data": "e30="}, "image/descriptor.data.identical"),
    "annotations": ({"annotations": {"a.b": 1}}, "image/annotations.key-value-strings"),
}


def judged(layout: Layout, path: Path, **options: Any) -> Report:
    return check_image(str(layout.write(path / "image")), options=ImageOptions(**options))


def told(report: Report) -> list[tuple[str, str]]:
    """Clause and pointer of what a user sees."""
    found = [(found.clause.id, found.location.pointer or "") for found in report.findings if found.severity != "note"]
    return sorted(found, key=lambda one: (one[1], one[0]))


def with_entries(layout: Layout, change: Callable[[list[Json]], object]) -> Layout:
    """The layout with other entries in its index.json."""
    layout.edit("index.json", lambda index: change(index["manifests"]))
    return layout


def again(entries: list[Json], number: int, at: int, changes: Json) -> None:
    entries.insert(at, copy.deepcopy(entries[number]) | changes)


def more_often(entries: list[Json], times: int) -> None:
    for size in range(times):
        again(entries, 0, 1, {"size": size})


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("name", OF_MANIFESTS)
def test_a_manifest_named_again(name: str, at: int, tmp_path: Path) -> None:
    changes, clause = OF_MANIFESTS[name]
    layout = with_entries(Layout(Index((Image(),))), lambda entries: again(entries, 0, at, changes))
    found = told(judged(layout, tmp_path))
    assert [one for one, _pointer in found] == [clause]
    assert found[0][1].startswith(f"/manifests/{at}/")


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize(("changes", "clause"), [({"size": 1}, SIZE), (OF_MANIFESTS["Docker's type"][0], MEDIA_TYPE)])
def test_an_index_named_again(changes: Json, clause: str, at: int, tmp_path: Path) -> None:
    layout = with_entries(
        Layout(Index((Index((Image(name=None),), name="all"),))), lambda entries: again(entries, 0, at, changes)
    )
    assert told(judged(layout, tmp_path)) == [(clause, f"/manifests/{at}/{next(iter(changes))}")]


@pytest.mark.parametrize("first", [False, True])
def test_a_config_named_again_by_another_manifest(first: bool, tmp_path: Path) -> None:  # noqa: FBT001
    other = Image(edit_manifest=lambda manifest: manifest["config"].update(size=7))
    images = (other, Image()) if first else (Image(), other)
    assert told(judged(Layout(Index(images)), tmp_path)) == [(SIZE, "/config/size")]


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize(
    ("changes", "clause"),
    [
        ({"size": 7}, SIZE),
        ({"mediaType": f"{OCI}layer.v1.tar"}, TAR),
        ({"mediaType": f"{OCI}layer.v1.tar+zstd"}, "image/layer.zstd.payload"),
    ],
)
def test_a_layer_named_twice(changes: Json, clause: str, first: bool, tmp_path: Path) -> None:  # noqa: FBT001
    number = 0 if first else 1
    layers = [Layer(), Layer()]
    layers[number] = Layer(edit_descriptor=lambda found: found.update(changes))
    found = told(judged(Layout(Index((Image(layers),))), tmp_path))
    assert found == [(clause, f"/layers/{number}/{next(iter(changes))}")]


def test_a_subject_of_another_size(tmp_path: Path) -> None:
    image = Image()
    artifact = Artifact(
        "application/vnd.example.sbom",
        subject=Image(name=None),
        edit_manifest=lambda manifest: manifest["subject"].update(size=3),
    )
    assert told(judged(Layout(Index((image, artifact))), tmp_path)) == [(SIZE, "/subject/size")]
    (tmp_path / "other").mkdir()
    assert told(judged(Layout(Index((artifact, image))), tmp_path / "other")) == [(SIZE, "/subject/size")]


def test_across_nested_indexes(tmp_path: Path) -> None:
    wrong = Image(name=None, edit_descriptor=lambda found: found.update(size=5))
    layout = Layout(Index((Image(), Index((Image(name=None), Index((wrong,))), name="deep"))))
    assert told(judged(layout, tmp_path)) == [(SIZE, "/manifests/0/size")]


def two_names(tmp_path: Path) -> Path:
    layout = Layout(
        Index((Image(name="right"), Image(name="wrong", edit_descriptor=lambda found: found.update(size=5))))
    )
    return layout.write(tmp_path / "image")


@pytest.mark.parametrize(("name", "number"), [("right", 0), ("wrong", 1)])
def test_what_is_chosen_is_judged_though_the_other_came_first(name: str, number: int, tmp_path: Path) -> None:
    report = check_image(str(two_names(tmp_path)), options=ImageOptions(ImageFilter(refs=(name,))))
    assert len(told(report)) == number


def test_what_is_chosen_by_platform_is_judged_though_the_other_came_first(tmp_path: Path) -> None:
    arm = {"platform": {"architecture": "arm64", "os": "linux"}, "size": 5}
    layout = with_entries(Layout(Index((Image(),))), lambda entries: again(entries, 0, 1, arm))
    report = judged(layout, tmp_path, wanted=ImageFilter(platforms=("linux/arm64",)))
    assert {one for one, _pointer in told(report)} == {SIZE, PLATFORM}


def test_the_same_bytes_by_two_algorithms_are_two_blobs(tmp_path: Path) -> None:
    wrong = Image(algorithm="sha512", edit_descriptor=lambda found: found.update(size=5))
    report = judged(Layout(Index((Image(), wrong))), tmp_path)
    assert told(report) == [(SIZE, "/manifests/1/size")]
    assert len(report.facts["images"]) == 2


def test_a_digest_in_upper_case_is_no_second_name(tmp_path: Path) -> None:
    def upper(entries: list[Json]) -> None:
        again(entries, 0, 1, {"digest": "sha256:" + entries[0]["digest"].partition(":")[2].upper()})

    report = judged(with_entries(Layout(Index((Image(),))), upper), tmp_path)
    assert told(report) == [("image/descriptor.digest.sha256-no-uppercase", "/manifests/1/digest")]


def test_images_of_docker_save_that_share_what_they_have(tmp_path: Path) -> None:
    layout = Layout(Index((Image((Layer(compression="none"),)),)))
    data = docker_save(layout, old=True)
    target = tmp_path / "saved.tar"
    target.write_bytes(data)
    report = check_image(str(target))
    assert (told(report), exit_code([report])) == ([], ExitCode.CONFORMS)


def test_blobs_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    real = FolderSource.open

    def counted(self: FolderSource, path: str) -> Any:
        read.append(path)
        return real(self, path)

    monkeypatch.setattr(FolderSource, "open", counted)
    layout = Layout(Index((Image((Layer(), Layer())), Index((Image(name=None),)))))
    many = with_entries(layout, lambda entries: more_often(entries, 10))
    judged(many, tmp_path)
    assert sorted(read) == sorted(set(read))


def test_a_damaged_manifest_is_told_once_however_often_it_is_named(tmp_path: Path) -> None:
    layout = with_entries(Layout(Index((Image(),))), lambda entries: more_often(entries, 3))
    path = blob_path(json.loads(layout.files["index.json"])["manifests"][0])
    layout.files[path] = layout.files[path][:-1] + b" "
    report = judged(layout, tmp_path)
    assert [one for one, _pointer in told(report)] == ["image/image-layout.blobs.content-matches"]


def test_a_link_that_is_named_twice_is_told_once(tmp_path: Path) -> None:
    target = Layout(Index((Image((Layer(), Layer())), Index((Image(name=None),))))).write(tmp_path / "image")
    blob = target / blob_path(Layout(Index((Image(),))).manifest()[1]["layers"][0])
    blob.rename(target / "moved")
    blob.symlink_to("../../moved")
    assert [one for one, _pointer in told(check_image(str(target)))] == ["safety/image.blob.link"]


def test_an_absent_layer_is_absent_though_it_may_be_for_another(tmp_path: Path) -> None:
    """One manifest says that it is fetched from elsewhere, the other does not."""
    foreign = Layer(media_type=f"{OCI}layer.nondistributable.v1.tar+gzip")
    layout = Layout(Index((Image((foreign,)), Image((Layer(),), name="other"))))
    del layout.files[blob_path(layout.manifest()[1]["layers"][0])]
    report = judged(layout, tmp_path, complete=True)
    assert "safety/image.blob.absent" in [one for one, _pointer in told(report)]


NAMES = sorted(OF_MANIFESTS)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.sampled_from([None, *NAMES]), min_size=1, max_size=6), right=st.integers(0, 5))
def test_any_number_of_names_in_any_order(
    names: list[str | None], right: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What is told of an entry does not depend on the others, if one of them leads to the document as what it is."""
    names.insert(min(right, len(names)), None)

    def every(entries: list[Json]) -> None:
        entries[:] = [entries[0] | (OF_MANIFESTS[name][0] if name else {}) for name in names]

    report = judged(with_entries(Layout(Index((Image(),))), every), tmp_path_factory.mktemp("again"))
    wanted = [(f"/manifests/{number}", OF_MANIFESTS[name][1]) for number, name in enumerate(names) if name]
    found = [("/".join(pointer.split("/")[:3]), clause) for clause, pointer in told(report)]
    assert sorted(found) == sorted(wanted)


@pytest.mark.parametrize(
    "media_type", ["application/octet-stream", f"{OCI}manifest.v1+JSON", f"{OCI}layer.v1.tar", f"{OCI}config.v1+json"]
)
@pytest.mark.parametrize("times", [1, 2])
def test_a_manifest_is_one_whatever_its_only_descriptor_calls_it(times: int, media_type: str, tmp_path: Path) -> None:
    image = Image(edit_manifest=lambda manifest: manifest["layers"][0].update(size=1))
    layout = with_entries(Layout(Index((image,))), lambda entries: entries[0].update(mediaType=media_type))
    with_entries(layout, lambda entries: entries.extend(copy.deepcopy(entries) * (times - 1)))
    wanted = [(MEDIA_TYPE, f"/manifests/{number}/mediaType") for number in range(times)]
    assert told(judged(layout, tmp_path)) == [(SIZE, "/layers/0/size"), *wanted]


def test_what_states_that_it_is_something_else_may_be_listed(tmp_path: Path) -> None:
    for number, content in enumerate((b"{", b"{}", b'{"mediaType":"application/x","config":{}}', b'{"mediaType":1}')):
        layout = Layout()
        entry = layout.add(content, "application/x")
        with_entries(layout, lambda entries, entry=entry: entries.append(entry))  # type: ignore[misc]  # bound now
        assert not told(judged(layout, tmp_path / str(number)))
