"""Checks of manifests and indexes."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.imagedocs import REMOVED, Told, changed, told

OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker.distribution."
CONFIG = f"{OCI}config.v1+json"
EMPTY = {
    "mediaType": "application/vnd.oci.empty.v1+json",
    "digest": f"sha256:{hashlib.sha256(b'{}').hexdigest()}",
    "size": 2,
}
COVER = {"mediaType": "application/vnd.example.cover.v1+json", "digest": f"sha256:{'0a' * 32}", "size": 7}
NOTHING = {"mediaType": "text/plain", "digest": f"sha256:{hashlib.sha256(b'').hexdigest()}", "size": 0}


def manifest(*changes: tuple[str, Any], release: str = "1.1.1") -> Told:
    return told("image-manifest", changed("image-manifest", *changes), release)


def artifact(*changes: tuple[str, Any]) -> Told:
    return told("image-manifest", changed("image-artifact", *changes))


def index(*changes: tuple[str, Any], release: str = "1.1.1") -> Told:
    return told("image-index", changed("image-index", *changes), release)


@pytest.mark.parametrize(
    ("kind", "clause", "value"),
    [
        ("image-manifest", "manifest", f"{OCI}index.v1+json"),
        ("image-manifest", "manifest", f"{DOCKER}manifest.list.v2+json"),
        ("image-manifest", "manifest", f"{DOCKER}manifest.v1+prettyjws"),
        ("image-manifest", "manifest", ""),
        ("image-index", "image-index", f"{OCI}manifest.v1+json"),
        ("image-index", "image-index", f"{DOCKER}manifest.v2+json"),
    ],
)
def test_media_types_of_others(kind: str, clause: str, value: str) -> None:
    assert told(kind, changed(kind, ("/mediaType", value))) == [("error", f"{clause}.mediaType.value", "/mediaType")]


@pytest.mark.parametrize("release", ["1.0.0", "1.0.1"])
def test_media_types_by_the_first_releases(release: str) -> None:
    assert manifest(("/mediaType", "a/b"), release=release) == [("error", "manifest.mediaType.reserved", "/mediaType")]
    assert manifest(("/mediaType", REMOVED), release=release) == []


def test_media_types_of_docker() -> None:
    assert manifest(("/mediaType", f"{DOCKER}manifest.v2+json"), ("/layers/0/mediaType", "a/b")) == []
    document = changed(
        "image-index", ("/mediaType", f"{DOCKER}manifest.list.v2+json"), ("/manifests/3/mediaType", "a/b")
    )
    assert told("image-index", document) == []


@pytest.mark.parametrize("value", [1, 3, 0, -2, 2.5])
def test_schema_versions(value: float) -> None:
    clause = "type" if value == 2.5 else "is-2"
    assert manifest(("/schemaVersion", value)) == [("error", f"manifest.schemaVersion.{clause}", "/schemaVersion")]
    assert index(("/schemaVersion", value)) == [("error", f"image-index.schemaVersion.{clause}", "/schemaVersion")]


def test_a_float_that_is_an_integer() -> None:
    assert manifest(("/schemaVersion", 2.0)) == [("warning", "lint/json.integer-notation", "/schemaVersion")]


@pytest.mark.parametrize("value", ["", "logbook", "a/b; c=d", "a/b/c"])
def test_artifact_types(value: str) -> None:
    assert artifact(("/artifactType", value)) == [("error", "manifest.artifactType.rfc6838", "/artifactType")]
    assert index(("/artifactType", value)) == [("error", "image-index.artifactType.rfc6838", "/artifactType")]


def test_an_empty_config_needs_an_artifact_type() -> None:
    expected = [("error", "manifest.artifactType.with-empty-config", "")]
    assert artifact(("/artifactType", REMOVED)) == expected
    assert artifact(("/artifactType", None)) == [("error", "manifest.artifactType.type", "/artifactType")]
    without = changed("image-artifact", ("/artifactType", REMOVED), ("/subject", REMOVED), ("/config/data", REMOVED))
    del without["layers"][0]["data"]
    assert told("image-manifest", without, "1.0.2") == []


@pytest.mark.parametrize(
    ("layers", "severity"),
    [
        ([{**COVER, "mediaType": "application/vnd.example.page"}], "error"),
        (
            [{**COVER, "mediaType": "application/vnd.example.page"}, {**COVER, "mediaType": f"{OCI}layer.v1.tar"}],
            "error",
        ),
        ([], "error"),
        ([{**COVER, "mediaType": f"{OCI}layer.v1.tar+gzip"}], "warning"),
    ],
)
def test_an_artifact_with_the_config_of_an_image(layers: list[Any], severity: str) -> None:
    found = artifact(("/config", {**COVER, "mediaType": CONFIG}), ("/layers", layers))
    assert (severity, "manifest.artifact.config-mediaType", "/config/mediaType") in found
    assert [one for one in found if one[0] != "note"] == [
        (severity, "manifest.artifact.config-mediaType", "/config/mediaType")
    ]


@pytest.mark.parametrize(
    ("config", "layers", "expected"),
    [
        (EMPTY, [EMPTY], []),
        (EMPTY, [COVER], []),
        (COVER, [COVER], []),
        (COVER, [EMPTY], [("note", "manifest.artifact.no-files", "/layers")]),
        (EMPTY, [NOTHING], [("note", "manifest.artifact.single-layer", "/layers/0")]),
        (EMPTY, [NOTHING, NOTHING], []),
        (EMPTY, [], [("warning", "manifest.layers.non-empty", "/layers")]),
        ({**EMPTY, "mediaType": "a/b"}, [COVER], [("note", "manifest.artifact.no-config", "/config/digest")]),
    ],
)
def test_parts_of_an_artifact(config: Any, layers: list[Any], expected: Told) -> None:
    assert artifact(("/config", config), ("/layers", layers)) == expected


def test_layers_of_an_image() -> None:
    assert manifest(("/layers", [])) == [("note", "manifest.layers.non-empty", "/layers")]
    assert manifest(("/layers", []), release="1.0.2") == []
    for known in ("layer.v1.tar", "layer.v1.tar+zstd"):
        assert manifest(("/layers/0/mediaType", OCI + known)) == []
    expected = [("note", "manifest.layers.mediaType.portable", "/layers/0/mediaType")]
    assert manifest(("/layers/0/mediaType", f"{OCI}layer.v1.tar+gzip+encrypted")) == expected


@pytest.mark.parametrize(("release", "told_by"), [("1.1.1", "media-types"), ("1.1.0", "media-types"), ("1.0.2", "")])
def test_nondistributable_layers(release: str, told_by: str) -> None:
    found = manifest(("/layers/0/mediaType", f"{OCI}layer.nondistributable.v1.tar+gzip"), release=release)
    assert found == ([("warning", f"{told_by}.nondistributable-deprecated", "/layers/0/mediaType")] if told_by else [])


def test_the_config_of_an_image() -> None:
    expected = [("note", "manifest.config.mediaType.portable-image", "/config/mediaType")]
    assert manifest(("/config/mediaType", "application/vnd.buildkit.cacheconfig.v0")) == expected
    assert manifest(("/config/mediaType", "a/b"), ("/layers/0/mediaType", "a/b")) == []
    empty = [("/config/digest", EMPTY["digest"]), ("/config/size", 2)]
    assert manifest(*empty) == [("warning", "manifest.config.unique-imageid", "/config/digest")]
    assert manifest(*empty, release="1.1.0") == []


def test_documents_that_could_be_either() -> None:
    assert manifest(("/manifests", [])) == [("error", "safety/image.manifest.ambiguous", "")]
    assert index(("/config", {}), ("/layers", [])) == [("error", "safety/image.index.ambiguous", "")]


def test_what_is_missing() -> None:
    assert told("image-manifest", {}) == [
        ("error", "manifest.config.required", ""),
        ("error", "manifest.layers.required", ""),
        ("note", "manifest.mediaType.used", ""),
        ("error", "manifest.schemaVersion.required", ""),
    ]
    assert told("image-index", {}) == [
        ("error", "image-index.manifests.required", ""),
        ("note", "image-index.mediaType.used", ""),
        ("error", "image-index.schemaVersion.required", ""),
    ]


@pytest.mark.parametrize("document", [None, [], "x", 7, True])
@pytest.mark.parametrize("kind", ["image-manifest", "image-index", "image-config", "image-descriptor", "image-layout"])
def test_what_is_no_object(kind: str, document: Any) -> None:
    clause = {"image-config": "config", "image-manifest": "manifest", "image-descriptor": "descriptor"}.get(kind, kind)
    clause = "image-layout.oci-layout" if kind == "image-layout" else clause
    assert told(kind, document) == [("error", f"{clause}.type", "")]


def test_entries_of_an_index() -> None:
    assert index(("/manifests", [])) == []
    assert index(("/manifests/1/platform", REMOVED)) == [("note", "descriptor.platform.for-manifests", "/manifests/1")]
    assert index(("/manifests/1/platform", REMOVED), ("/manifests/1/artifactType", "a/b")) == []
    expected = [("note", "image-index.manifests.mediaType.portable", "/manifests/3/mediaType")]
    assert index(("/manifests/3/mediaType", "application/xml")) == expected
    assert (
        index(("/manifests/3/mediaType", "no type"))
        == [
            *expected,
            ("error", "descriptor.mediaType.rfc6838", "/manifests/3/mediaType"),
        ][::-1]
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [("artifactTyp", "misspelled"), ("layer", "misspelled"), ("com.example", None), ("extra", None)],
)
def test_members_that_nobody_knows(name: str, expected: str | None) -> None:
    found = [("warning", f"lint/members.{expected}", f"/{name}")] if expected else []
    assert manifest((f"/{name}", 1)) == found


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"imageLayoutVersion": "1.0.0"}, []),
        ({"imageLayoutVersion": "1.0.0", "extra": [1]}, []),
        ({}, [("error", "image-layout.oci-layout.imageLayoutVersion.required", "")]),
        (
            {"imageLayoutVersion": 1},
            [("error", "image-layout.oci-layout.imageLayoutVersion.type", "/imageLayoutVersion")],
        ),
        ({"imageLayoutVersion": "1.0"}, [("error", "image-layout.oci-layout.version-value", "/imageLayoutVersion")]),
        ({"imageLayoutVersion": "1.1.0"}, [("error", "image-layout.oci-layout.version-value", "/imageLayoutVersion")]),
    ],
)
def test_oci_layout(document: Any, expected: Told) -> None:
    assert told("image-layout", document) == expected
