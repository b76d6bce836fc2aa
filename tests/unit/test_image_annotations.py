from __future__ import annotations

from typing import Any

import pytest

from tests.imagedocs import Told, changed, told

PREFIX = "org.opencontainers.image."


def on_manifest(key: str, value: Any) -> Told:
    return told("image-manifest", changed("image-manifest", (f"/annotations/{key.replace('/', '~1')}", value)))


def broken(severity: str, clause: str, key: str) -> Told:
    return [(severity, f"annotations.{clause}", f"/annotations/{key}")]


@pytest.mark.parametrize(
    "key", ["com.example.key", "buildkit/createdat", "a.b", "org.opencontainersx.key", "org.example/x"]
)
def test_keys_that_are_fine(key: str) -> None:
    assert on_manifest(key, "") == []


@pytest.mark.parametrize("key", ["", "key", "KEY_1", "a-b"])
def test_keys_without_a_domain(key: str) -> None:
    assert on_manifest(key, "x") == broken("warning", "key-reverse-domain", key)


@pytest.mark.parametrize(
    ("key", "clause"),
    [
        ("org.opencontainers", "org-opencontainers-reserved"),
        ("org.opencontainers.", "org-opencontainers-reserved"),
        ("org.opencontainers.runtime.x", "org-opencontainers-reserved"),
        ("org.opencontainers.image", "org-opencontainers-reserved"),
        (f"{PREFIX}x", "org-opencontainers-image-reserved"),
        (f"{PREFIX}Created", "org-opencontainers-image-reserved"),
    ],
)
def test_reserved_keys(key: str, clause: str) -> None:
    assert on_manifest(key, "x") == broken("warning", clause, key)


@pytest.mark.parametrize(
    "key",
    [
        f"{PREFIX}architecture",
        f"{PREFIX}exposedPorts",
        f"{PREFIX}vendor",
        f"{PREFIX}enc.pubopts",
        "org.opencontainers.artifact.created",
        "org.opencontainers.referrers.filtersApplied",
    ],
)
def test_keys_that_some_specification_defines(key: str) -> None:
    assert on_manifest(key, "x") == []


@pytest.mark.parametrize(
    ("value", "fine"), [("2026-01-31T23:59:59Z", True), ("", True), ("2026-01-31", False), ("now", False)]
)
def test_created(value: str, fine: bool) -> None:  # noqa: FBT001 - a column of the table
    key = f"{PREFIX}created"
    assert on_manifest(key, value) == ([] if fine else broken("error", "created.rfc3339", key))


@pytest.mark.parametrize("name", ["url", "documentation", "source"])
@pytest.mark.parametrize(
    ("value", "severity"),
    [
        ("https://example.com/a#b", None),
        ("", None),
        ("ssh://git@example.com/a.git", None),
        ("git@example.com:a/b.git", "warning"),
        ("example.com/a", "warning"),
        ("https://例え.example/", "warning"),
        ("see the manual", "error"),
        ("<https://example.com>", "error"),
        ("a\tb", "error"),
    ],
)
def test_links(name: str, value: str, severity: str | None) -> None:
    key = PREFIX + name
    assert on_manifest(key, value) == (broken(severity, f"{name}.url", key) if severity else [])


def test_licenses() -> None:
    key = f"{PREFIX}licenses"
    assert on_manifest(key, "Apache-2.0 AND MIT") == []
    assert on_manifest(key, "") == []
    assert on_manifest(key, "Apache License 2.0") == broken("warning", "licenses.spdx", key)


@pytest.mark.parametrize(
    ("value", "clause"),
    [
        ("", None),
        ("latest", None),
        ("v1.0.0-vendor.0", None),
        ("a--b", None),
        ("docker.io/library/alpine:3.20", None),
        ("a+b@c", None),
        ("a---b", "grammar"),
        ("a_-b", "grammar"),
        ("a//b", "grammar"),
        ("/a", "grammar"),
        ("a/", "grammar"),
        ("-a", "grammar"),
        ("a.", "grammar"),
        ("a b", "charset"),
        ("a~b", "charset"),
        ("ä", "charset"),
        ("a\n", "charset"),
    ],
)
def test_ref_names(value: str, clause: str | None) -> None:
    pointer = f"/manifests/0/annotations/{PREFIX}ref.name"
    expected = [("warning", f"annotations.ref-name.{clause}", pointer)] if clause else []
    assert told("image-index", changed("image-index", (pointer, value))) == expected


@pytest.mark.parametrize(
    ("kind", "place"),
    [("image-manifest", ""), ("image-manifest", "/layers/1"), ("image-index", "")],
)
def test_ref_names_elsewhere_are_a_note(kind: str, place: str) -> None:
    pointer = f"{place}/annotations/{PREFIX}ref.name"
    found = told(kind, changed(kind, (pointer, "a b")))
    assert found == [("note", "annotations.ref-name.only-index-json", pointer)]


@pytest.mark.parametrize(
    ("value", "fine"),
    [("", True), ("sha256:" + "0a" * 32, True), ("other:abc", True), ("0a" * 32, False), ("sha256:0a", False)],
)
def test_base_digests(value: str, fine: bool) -> None:  # noqa: FBT001 - a column of the table
    key = f"{PREFIX}base.digest"
    assert on_manifest(key, value) == ([] if fine else broken("error", "base-digest.digest", key))


@pytest.mark.parametrize(
    ("value", "clause"),
    [
        ("", None),
        ("scratch", None),
        ("docker.io/library/alpine:3.20", None),
        ("localhost/base", None),
        ("registry:5000/a/b__c/d--e:T_1.x@sha256:" + "0a" * 32, None),
        ("[2001:db8::1]:5000/a", None),
        ("alpine", "fully-qualified"),
        ("library/alpine:3", "fully-qualified"),
        ("alpine:3", "fully-qualified"),
        ("docker.io/Library/alpine", "format"),
        ("docker.io/a:", "format"),
        ("docker.io/a b", "format"),
        ("https://docker.io/a", "format"),
        ("docker.io/a@sha256:short", "format"),
    ],
)
def test_base_names(value: str, clause: str | None) -> None:
    key = f"{PREFIX}base.name"
    assert on_manifest(key, value) == (broken("warning", f"base-name.{clause}", key) if clause else [])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({}, []),
        (None, [("error", "annotations.absent-or-empty", "/annotations")]),
        ([], [("error", "annotations.map", "/annotations")]),
        ({"a.b": None}, [("error", "annotations.value-present", "/annotations/a.b")]),
        ({"a.b": 1}, [("error", "annotations.key-value-strings", "/annotations/a.b")]),
        ({"a.b": {"c": "d"}}, [("error", "annotations.key-value-strings", "/annotations/a.b")]),
        ({"a": 1}, [("error", "annotations.key-value-strings", "/annotations/a")]),
    ],
)
@pytest.mark.parametrize("kind", ["image-manifest", "image-index", "image-descriptor"])
def test_types(kind: str, value: Any, expected: Told) -> None:
    assert told(kind, changed(kind, ("/annotations", value))) == expected


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (None, []),
        ({}, []),
        ({"maintainer": ""}, [("note", "annotations.key-reverse-domain", "/config/Labels/maintainer")]),
        ({f"{PREFIX}ref.name": "ubuntu", f"{PREFIX}created": "yesterday"}, []),
        (
            {"org.opencontainers.x": ""},
            [("warning", "annotations.org-opencontainers-reserved", "/config/Labels/org.opencontainers.x")],
        ),
        ({"a.b": None}, [("error", "config.config.Labels.annotation-rules", "/config/Labels/a.b")]),
        ({"a.b": 1}, [("error", "config.config.Labels.annotation-rules", "/config/Labels/a.b")]),
        ([], [("error", "config.config.Labels.type", "/config/Labels")]),
    ],
)
def test_labels(labels: Any, expected: Told) -> None:
    assert told("image-config", changed("image-config", ("/config/Labels", labels))) == expected


def test_repeated_keys() -> None:
    layers = b'"layers": [], "config": {"mediaType": "a/b", "digest": "sha256:%b", "size": 1}' % (b"0a" * 32)
    text = b'{"schemaVersion": 2, %b, "annotations": {"a.b": "1", "a.b": "1"}, "x": 1, "x": 2}' % layers
    errors = [one for one in told("image-manifest", text) if one[0] == "error"]
    assert errors == [
        ("error", "annotations.key-unique", "/annotations/a.b"),
        ("error", "considerations.json.no-duplicate-names", "/x"),
    ]
