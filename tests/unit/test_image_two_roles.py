"""A document that descriptors reach in two roles is held to each of them as what it is there.

Whether it is called a manifest here and a config there, the first to reach it decides nothing for the others.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fixtures.layouts import Artifact, Image, Index, Layer, Layout, to_json
from ocivalidate.image.api import check_image
from ocivalidate.rules.findings import Report

Json = dict[str, Any]
SIZE, MEDIA_TYPE = "image/descriptor.size.matches", "safety/image.media-type.matches"
OCI = "application/vnd.oci.image."


def told(report: Report, *clauses: str) -> list[tuple[str, str, str]]:
    """File, pointer and clause of the findings on these clauses."""
    return sorted(
        (found.location.file.rpartition("/")[2][:12], found.location.pointer or "", found.clause.id)
        for found in report.findings
        if found.clause.id in clauses
    )


def entries(layout: Layout) -> list[Json]:
    found: list[Json] = json.loads(layout.files["index.json"])["manifests"]
    return found


def with_config(layout: Layout, config: Json) -> Json:
    """Add an artifact whose config is a given blob; its descriptor."""
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{OCI}manifest.v1+json",
        "artifactType": "application/vnd.example",
        "config": config,
        "layers": [layout.add(b"{}", "application/vnd.oci.empty.v1+json")],
    }
    return layout.add(to_json(manifest), f"{OCI}manifest.v1+json")


@pytest.mark.parametrize("first", [True, False])
def test_a_manifest_that_another_calls_its_config_is_still_a_manifest(first: bool, tmp_path: Path) -> None:  # noqa: FBT001
    layout = Layout(Index((Image(),)))
    image = entries(layout)[0]
    config = {"mediaType": f"{OCI}config.v1+json", "digest": image["digest"], "size": image["size"]}
    other = with_config(layout, config)
    layout.edit("index.json", lambda index: index["manifests"].insert(0 if first else 1, other))
    report = check_image(str(layout.write(tmp_path / "image")))
    assert told(report, MEDIA_TYPE, SIZE) == []
    assert len(report.facts["images"]) == 2


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("wrong", ["config", "manifest"])
def test_the_size_that_each_of_them_says(wrong: str, first: bool, tmp_path: Path) -> None:  # noqa: FBT001
    layout = Layout(Index((Image(),)))
    image = entries(layout)[0]
    config = {"mediaType": f"{OCI}config.v1+json", "digest": image["digest"], "size": image["size"]}
    if wrong == "config":
        config["size"] += 1
    other = with_config(layout, config)

    def edit(index: Json) -> None:
        if wrong == "manifest":
            index["manifests"][0]["size"] += 1
        index["manifests"].insert(0 if first else 1, other)

    layout.edit("index.json", edit)
    report = check_image(str(layout.write(tmp_path / "image")))
    place = "/config/size" if wrong == "config" else f"/manifests/{1 if first else 0}/size"
    assert [(pointer, clause) for _file, pointer, clause in told(report, MEDIA_TYPE, SIZE)] == [(place, SIZE)]


@pytest.mark.parametrize("size", [0, 3])
@pytest.mark.parametrize("media_type", [f"{OCI}config.v1+json", f"{OCI}layer.v1.tar", "application/x"])
@pytest.mark.parametrize("first", [True, False])
def test_a_manifest_that_is_a_layer_too(first: bool, media_type: str, size: int, tmp_path: Path) -> None:  # noqa: FBT001
    layout = Layout(Index((Image(),)))
    image = entries(layout)[0]
    layer = {"mediaType": media_type, "digest": image["digest"], "size": image["size"] + size}
    artifact = Artifact("application/vnd.example", edit_manifest=lambda manifest: manifest.update(layers=[layer]))
    found = artifact.add_to(layout)
    layout.edit("index.json", lambda index: index["manifests"].insert(0 if first else 1, found))
    report = check_image(str(layout.write(tmp_path / "image")))
    told_sizes = [pointer for _file, pointer, _clause in told(report, SIZE, MEDIA_TYPE)]
    assert told_sizes == (["/layers/0/size"] if size else [])


@pytest.mark.parametrize("first", [True, False])
def test_a_config_that_is_a_subject_too(first: bool, tmp_path: Path) -> None:  # noqa: FBT001
    """An image's config is no manifest, whoever names it as a subject; its size counts there too."""
    layout = Layout(Index((Image((Layer(),)),)))
    _path, manifest = layout.manifest()
    subject = {
        "mediaType": f"{OCI}manifest.v1+json",
        "digest": manifest["config"]["digest"],
        "size": manifest["config"]["size"] + 1,
    }
    artifact = Artifact("application/vnd.example", edit_manifest=lambda found: found.update(subject=subject))
    found = artifact.add_to(layout)
    layout.edit("index.json", lambda index: index["manifests"].insert(0 if first else 1, found))
    report = check_image(str(layout.write(tmp_path / "image")))
    assert [pointer for _file, pointer, _clause in told(report, SIZE)] == ["/subject/size"]
    assert "/config/size" not in [pointer for _file, pointer, _clause in told(report, SIZE, MEDIA_TYPE)]
