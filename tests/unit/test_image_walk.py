"""The walk over an image yields facts: what is where, and who leads to it; it judges nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fixtures.layouts import Artifact, Image, Index, Layer, Layout, blob_path, docker_save, to_json
from ocivalidate.errors import NotMeant
from ocivalidate.image.found import ImageFilter, WalkResult
from ocivalidate.image.limits import Limits
from ocivalidate.image.roots import walk_image
from ocivalidate.image.sources.opening import open_source
from ocivalidate.image.sources.source import FILE, INDEX_JSON, OTHER
from ocivalidate.jsontext.documents import Noting

Json = dict[str, Any]
ALL, LIMITS = ImageFilter(), Limits()
NONE = Layer(compression="none")


def walked(target: Path, wanted: ImageFilter = ALL, limits: Limits = LIMITS) -> WalkResult:
    with open_source(str(target), limits) as source:
        return walk_image(source, wanted, limits, lambda _kind: Noting())


def entries(layout: Layout) -> list[Json]:
    found: list[Json] = json.loads(layout.files[INDEX_JSON])["manifests"]
    return found


def test_what_is_in_an_image(tmp_path: Path) -> None:
    layout = Layout(Index((Image(),)))
    manifest_path, manifest = layout.manifest()
    found = walked(layout.write(tmp_path))
    config_path, layer_path = blob_path(manifest["config"]), blob_path(manifest["layers"][0])
    assert set(found.references) == {manifest_path, config_path, layer_path}
    assert set(found.contents) == {manifest_path, config_path}
    assert set(found.documents) == {
        ("oci-layout", "image-layout"),
        (INDEX_JSON, "image-index"),
        (manifest_path, "image-manifest"),
        (config_path, "image-config"),
    }
    assert {path: blob.layer for path, blob in found.blobs.items()} == {layer_path: True}
    assert found.blobs_read == len(found.contents)
    assert found.is_layout
    assert found.names == ["latest"]
    entry = found.entries[layer_path]
    assert entry is not None
    assert (entry.kind, entry.size) == (FILE, manifest["layers"][0]["size"])


def test_every_reference_is_kept_whatever_it_says(tmp_path: Path) -> None:
    layout = Layout(Index((Image(),)))
    other = {
        "size": 1,
        "mediaType": "application/x",
        "platform": {"os": "x", "architecture": "y"},
        "artifactType": "a/b",
    }
    layout.edit(INDEX_JSON, lambda index: index["manifests"].append(index["manifests"][0] | other))
    path = blob_path(entries(layout)[0])
    found = walked(layout.write(tmp_path))
    one, two = found.references[path]
    assert (one.size, two.size) == (len(layout.files[path]), 1)
    assert (two.media_type, two.platform, two.artifact_type) == ("application/x", other["platform"], "a/b")
    assert found.contents[path].size == len(layout.files[path])
    assert len(found.images) == 1


def test_a_document_of_two_types_is_there_as_both(tmp_path: Path) -> None:
    layout = Layout(Index((Image(),)))
    image = entries(layout)[0]
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": image["digest"], "size": image["size"]}
    artifact = Artifact(edit_manifest=lambda manifest: manifest.update(config=config)).add_to(layout)
    layout.edit(INDEX_JSON, lambda index: index["manifests"].insert(0, artifact))
    found = walked(layout.write(tmp_path))
    path = blob_path(image)
    assert {kind for at, kind in found.documents if at == path} == {"image-config", "image-manifest"}
    manifest = found.read_of(path, "image-manifest")
    assert manifest is not None
    assert manifest.kind == "image-manifest"
    assert found.read_of(path, "image-index") is None


def spoil(layout: Layout, path: str) -> None:
    layout.files[path] += b" "


def remove(layout: Layout, path: str) -> None:
    del layout.files[path]


def replace(layout: Layout, path: str) -> None:
    data = b"[1]"
    entry = layout.add(data, "application/vnd.oci.image.manifest.v1+json")
    del layout.files[path]
    layout.edit(INDEX_JSON, lambda index: index.update(manifests=[entry]))


@pytest.mark.parametrize(
    ("change", "reason"), [(spoil, "does not match its digest"), (replace, "is not a JSON object"), (remove, "")]
)
def test_what_nothing_is_believed_of(change: Callable[[Layout, str], None], reason: str, tmp_path: Path) -> None:
    layout = Layout(Index((Image(),)))
    change(layout, blob_path(entries(layout)[0]))
    found = walked(layout.write(tmp_path))
    assert list(found.spoilt.values()) == ([reason] if reason else [])
    assert len(found.absent) == (0 if reason else 1)
    assert (found.images, found.blobs) == ([], {})


def test_where_it_stopped(tmp_path: Path) -> None:
    deep = Index((Index((Index((Image(name=None),), name=None),), name=None),), name="deep")
    found = walked(Layout(Index((deep,))).write(tmp_path / "deep"), limits=Limits(depth=1))
    assert [message for _path, message in found.exceeded] == ["indexes are nested more than 1 deep"]
    large = Layout(Index((Image(),))).write(tmp_path / "large")
    size = (large / INDEX_JSON).stat().st_size
    found = walked(large, limits=Limits(document=size))
    assert [path in found.spoilt for path, _message in found.exceeded] == [True]
    many = Layout(Index([Image((Layer(bytes([number]) * 1024),), name=f"n{number}") for number in range(5)]))
    found = walked(many.write(tmp_path / "many"), limits=Limits(documents=5))
    assert found.exceeded == [("", "more than 5 documents")]


def test_what_is_no_file(tmp_path: Path) -> None:
    layout = Layout(Index((Image(),)))
    path = blob_path(layout.manifest()[1]["layers"][0])
    target = layout.write(tmp_path)
    (target / path).unlink()
    (target / path).symlink_to("nowhere")
    found = walked(target)
    entry = found.entries[path]
    assert entry is not None
    assert entry.kind == OTHER
    assert (found.blobs, found.absent) == ({}, {})


def test_only_what_is_wanted_is_walked_over(tmp_path: Path) -> None:
    arm = Image((Layer(bytes(1024)),), name="arm", platform={"architecture": "arm64", "os": "linux"})
    target = Layout(Index((Image(), arm))).write(tmp_path)
    for wanted in (ImageFilter(refs=("arm",)), ImageFilter(platforms=("linux/arm64",))):
        found = walked(target, wanted)
        assert [image.manifest.name for image in found.images] == ["arm"]
        assert found.names == ["arm", "latest"]
        assert found.matched


def test_an_archive_of_docker_save(tmp_path: Path) -> None:
    (tmp_path / "saved.tar").write_bytes(docker_save(Layout(Index((Image((NONE,)),))), old=True))
    found = walked(tmp_path / "saved.tar")
    assert not found.is_layout
    assert found.saved is not None
    (image,) = found.saved.manifest.images
    named, computed = found.saved.configs[image.config]
    assert named == computed
    assert [reference.path for reference in found.images[0].layers] == list(image.layers)
    assert found.names == ["example:latest"]


def test_what_is_no_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(to_json({"schemaVersion": 2, "config": {}, "layers": []}))
    with pytest.raises(NotMeant):
        walked(tmp_path)
