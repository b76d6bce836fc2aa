from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest

from tests.imagedocs import REMOVED, Told, changed, told

DIGEST = "descriptor.digest."
SHA256 = ("note", f"{DIGEST}use-sha256", "/config/digest")


def in_manifest(digest: Any) -> Told:
    return told("image-manifest", changed("image-manifest", ("/config/digest", digest)))


def test_the_base_is_sound() -> None:
    assert told("image-descriptor", changed("image-descriptor")) == []


@pytest.mark.parametrize(
    ("digest", "clause"),
    [
        ("", "grammar"),
        ("sha256", "grammar"),
        ("sha256:", "grammar"),
        (":" + "a" * 64, "grammar"),
        ("SHA256:" + "a" * 64, "grammar"),
        ("sha256:" + "a" * 64 + "\n", "grammar"),
        ("sha256+:" + "a" * 64, "grammar"),
        ("sha256:" + "a" * 63 + "/", "grammar"),
        ("sha256:../../../etc/passwd", "grammar"),
        ("sha256:" + "a" * 63, "sha256-format"),
        ("sha256:" + "a" * 65, "sha256-format"),
        ("sha256:" + "g" * 64, "sha256-format"),
        ("sha256:" + "A" * 63, "sha256-format"),
        ("sha256:" + "A" * 64, "sha256-no-uppercase"),
        ("sha256:" + "a" * 63 + "F", "sha256-no-uppercase"),
    ],
)
def test_broken_digests(digest: str, clause: str) -> None:
    assert in_manifest(digest) == [("error", DIGEST + clause, "/config/digest")]


@pytest.mark.parametrize(
    ("digest", "expected"),
    [
        ("sha256:" + "0a" * 32, []),
        ("sha512:" + "0a" * 64, [SHA256]),
        ("sha512:" + "0a" * 32, [("error", f"{DIGEST}sha512-format", "/config/digest"), SHA256]),
        ("sha512:" + "0A" * 64, [("error", f"{DIGEST}sha512-no-uppercase", "/config/digest"), SHA256]),
        ("blake3:" + "0a" * 32, [SHA256]),
        ("blake3:" + "0A" * 32, [SHA256, ("warning", "safety/image.digest.blake3-format", "/config/digest")]),
        ("md5:d41d8cd98f00b204e9800998ecf8427e", [("warning", f"{DIGEST}use-sha256", "/config/digest")]),
        ("sha256+b64u:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g", [("warning", f"{DIGEST}use-sha256", "/config/digest")]),
        (7, [("error", f"{DIGEST}type", "/config/digest")]),
    ],
)
def test_algorithms(digest: Any, expected: Told) -> None:
    assert in_manifest(digest) == expected


@pytest.mark.parametrize("place", ["/layers/1", "/config"])
def test_descriptors_are_judged_wherever_they_stand(place: str) -> None:
    document = changed("image-manifest", (f"{place}/digest", "x"), (f"{place}/size", -1), (f"{place}/mediaType", ""))
    expected = [
        ("error", f"{DIGEST}grammar", f"{place}/digest"),
        ("error", "descriptor.mediaType.rfc6838", f"{place}/mediaType"),
        ("error", "descriptor.size.type", f"{place}/size"),
    ]
    found = [one for one in told("image-manifest", document) if one[0] == "error"]
    assert found == expected


@pytest.mark.parametrize("kind", ["image-index", "image-manifest"])
def test_the_subject_is_a_descriptor(kind: str) -> None:
    base = {"image-index": "image-index", "image-manifest": "image-artifact"}[kind]
    document = changed(base, ("/subject/size", REMOVED))
    assert told(kind, document) == [("error", "descriptor.size.required", "/subject")]


@pytest.mark.parametrize(
    ("size", "clause"),
    [
        (0, None),
        (2**63 - 1, None),
        (2**63, "type"),
        (-1, "type"),
        ("28", "type"),
        (28.5, "type"),
        (None, "type"),
        (True, "type"),
    ],
)
def test_sizes(size: Any, clause: str | None) -> None:
    document = changed("image-manifest", ("/config/size", size))
    assert told("image-manifest", document) == (
        [("error", f"descriptor.size.{clause}", "/config/size")] if clause else []
    )


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.com/a", []),
        ("http://example.com", []),
        ("ftp://example.com", [("warning", "descriptor.urls.http-https", "/urls/0")]),
        ("example.com/a", [("error", "descriptor.urls.rfc3986", "/urls/0")]),
        ("https://example.com/a b", [("error", "descriptor.urls.rfc3986", "/urls/0")]),
        ("", [("error", "descriptor.urls.rfc3986", "/urls/0")]),
        (None, [("error", "descriptor.urls.type", "/urls/0")]),
    ],
)
def test_urls(url: Any, expected: Told) -> None:
    assert told("image-descriptor", changed("image-descriptor", ("/urls/0", url))) == expected


NOTE = b'{"note": "Low tide at dawn."}'


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.parametrize(
    ("data", "clause"),
    [
        (encoded(NOTE), None),
        (encoded(NOTE).rstrip("="), "base64"),
        (encoded(NOTE)[:8] + "\n" + encoded(NOTE)[8:], "base64"),
        ("", "identical"),
        (encoded(NOTE[:-1]), "identical"),
        (encoded(NOTE.swapcase()), "identical"),
        (None, "type"),
    ],
)
def test_embedded_data(data: Any, clause: str | None) -> None:
    expected = [("error", f"descriptor.data.{clause}", "/data")] if clause else []
    assert told("image-descriptor", changed("image-descriptor", ("/data", data))) == expected


def test_embedded_data_by_another_algorithm() -> None:
    sha512 = f"sha512:{hashlib.sha512(NOTE).hexdigest()}"
    unknown = "multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8"
    assert told("image-descriptor", changed("image-descriptor", ("/digest", sha512))) == [
        ("note", f"{DIGEST}use-sha256", "/digest")
    ]
    assert told("image-descriptor", changed("image-descriptor", ("/digest", unknown))) == [
        ("warning", f"{DIGEST}use-sha256", "/digest")
    ]


def test_of_a_broken_digest_only_the_size_is_compared() -> None:
    assert told("image-descriptor", changed("image-descriptor", ("/digest", "x"))) == [
        ("error", f"{DIGEST}grammar", "/digest")
    ]
    assert told("image-descriptor", changed("image-descriptor", ("/digest", "x"), ("/size", 7))) == [
        ("error", "descriptor.data.identical", "/data"),
        ("error", f"{DIGEST}grammar", "/digest"),
    ]


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ([], False),
        ([("/config/digest", f"sha512:{hashlib.sha512(b'{}').hexdigest()}")], False),
        ([("/config/digest", "other:abc")], False),
        ([("/config/size", 3)], True),
        ([("/config/digest", f"sha256:{hashlib.sha256(b'').hexdigest()}"), ("/config/size", 0)], True),
        ([("/config/digest", f"sha256:{'0' * 64}")], True),
    ],
)
def test_the_empty_descriptor(changes: list[tuple[str, Any]], broken: bool) -> None:  # noqa: FBT001 - a column of the table
    document = changed("image-artifact", ("/config/data", REMOVED), *changes)
    expected = [("error", "manifest.empty-descriptor.content", "/config")] if broken else []
    assert [one for one in told("image-manifest", document) if one[0] == "error"] == expected


@pytest.mark.parametrize("name", ["data", "artifactType"])
def test_members_that_came_later_are_not_judged_by_earlier_rules(name: str) -> None:
    document = changed("image-descriptor", (f"/{name}", "no good"))
    others = [other for other in ("data", "artifactType") if other != name]
    assert told("image-descriptor", document, "1.0.2") == [
        ("warning", "lint/members.too-new", f"/{other}") for other in sorted([name, *others])
    ]
