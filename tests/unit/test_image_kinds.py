"""Telling documents apart, text that is no document, and canonical JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from ocivalidate.image.documents.kinds import guess
from ocivalidate.rules.clauses import Selection
from tests.imagedocs import findings, told

OCI = "application/vnd.oci.image."


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"imageLayoutVersion": "1.0.0"}, "image-layout"),
        ({"schemaVersion": 2, "manifests": []}, "image-index"),
        ({"schemaVersion": 2, "config": {}, "layers": []}, "image-manifest"),
        ({"schemaVersion": 2, "config": {}}, "image-manifest"),
        ({"rootfs": {}}, "image-config"),
        ({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {}}, "image-config"),
        ({"architecture": "amd64", "os": "linux"}, "image-config"),
        ({"mediaType": f"{OCI}manifest.v1+json", "digest": "x", "size": 1}, "image-descriptor"),
        ({"mediaType": f"{OCI}manifest.v1+json"}, "image-manifest"),
        ({"mediaType": f"{OCI}index.v1+json", "layers": []}, "image-index"),
        ({"mediaType": "application/vnd.docker.distribution.manifest.v2+json"}, "image-manifest"),
        ({"mediaType": "application/vnd.docker.distribution.manifest.list.v2+json"}, "image-index"),
        ({"mediaType": 7, "layers": []}, "image-manifest"),
        ({"mediaType": "a/b", "digest": "x"}, "image-descriptor"),
        ({}, None),
        ({"ociVersion": "1.0.0"}, None),
        ([], None),
        (None, None),
        ("manifests", None),
    ],
)
def test_guesses(value: Any, kind: str | None) -> None:
    assert guess(value) == kind


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        (b"", "considerations.json.syntax"),
        (b"{", "considerations.json.syntax"),
        (b"{} {}", "considerations.json.syntax"),
        (b"{'a': 1}", "considerations.json.syntax"),
        (b"\xef\xbb\xbf{}", "considerations.json.utf8"),
        (b'{"a": "\xff"}', "considerations.json.utf8"),
        ("{}".encode("utf-16"), "considerations.json.utf8"),
    ],
)
@pytest.mark.parametrize("kind", ["image-manifest", "image-index", "image-config", "image-descriptor", "image-layout"])
def test_texts_that_are_no_json(kind: str, text: bytes, clause: str) -> None:
    assert told(kind, text)[0][:2] == ("error", clause)


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        (b'{"imageLayoutVersion": "1.0.0", "x": 1e400}', "safety/json.number-range"),
        (b'{"imageLayoutVersion": "1.0.0", "x": "\\ud800"}', "safety/json.lone-surrogate"),
        (b'{"imageLayoutVersion": "1.0.0", "x": %b}' % (b"[" * 600 + b"]" * 600), "safety/json.depth"),
        (b'{"imageLayoutVersion": "1.0.0", "x": 1, "x": 1}', "considerations.json.no-duplicate-names"),
    ],
)
def test_json_that_readers_see_in_different_ways(text: bytes, clause: str) -> None:
    assert [one[:2] for one in told("image-layout", text)] == [("error", clause)]


CANONICAL = Selection(select=("image/considerations.canonical-json",))


def is_canonical(text: bytes) -> bool:
    return findings("image-layout", text, selection=CANONICAL) == ()


@pytest.mark.parametrize(
    "text",
    [
        '{"imageLayoutVersion":"1.0.0"}',
        "{}",
        '{"A":[],"a":[1,-1,true,false,null],"b":{"c":""}}',
        '{"a":"\\"\\\\/ä\u2028"}',
    ],
)
def test_canonical(text: str) -> None:
    assert is_canonical(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}',
        '{"a":1}\n',
        '{"b":1,"a":1}',
        '{"a":1.0}',
        '{"a":1e3}',
        '{"a":-0}',
        '{"a":"\\/"}',
        '{"a":"\\u0041"}',
        '{"a":[1, 2]}',
    ],
)
def test_not_canonical(text: str) -> None:
    assert not is_canonical(text.encode())


def test_canonical_json_is_judged_only_when_asked_for() -> None:
    assert told("image-layout", b'{ "imageLayoutVersion": "1.0.0" }') == []


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50)
@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_what_sorts_and_writes_compactly_is_canonical(value: dict[str, Any]) -> None:
    assert is_canonical(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())
