"""Manifests of schema 1, from before image-spec: no image to judge, but their layers are held for them."""

from __future__ import annotations

from typing import NamedTuple

from ocivalidate.errors import Unreadable
from ocivalidate.image import signed
from ocivalidate.image.layers.blob import BlobFacts
from ocivalidate.image.sources.source import BLOBS, Source
from ocivalidate.jsontext.documents import read_document
from ocivalidate.vocabulary import digests

# Registries take no larger ones.
_LARGEST = 4 << 20


class OldManifest(NamedTuple):
    """The digests of its layers, each once. ``facts``: of its bytes, where signatures are in them."""

    layers: tuple[str, ...]
    facts: BlobFacts | None = None


def read(source: Source, path: str) -> OldManifest | None:
    """The manifest of schema 1 at a path; ``None`` for anything else, and for what cannot be read."""
    entry = source.entry(path)
    if entry is None or entry.size > _LARGEST:
        return None
    try:
        data = source.read(path, _LARGEST + 1)
    except Unreadable:
        return None
    # Every manifest is asked, and nearly all say no without being parsed. An escape may spell the name.
    if b"fsLayers" not in data and b"\\" not in data:
        return None
    value = read_document(data).value
    if not isinstance(value, dict) or value.get("schemaVersion") != 1 or "fsLayers" not in value:
        return None
    listed = value["fsLayers"] if isinstance(value["fsLayers"], list) else []
    named = (str(layer.get("blobSum", "")) for layer in listed if isinstance(layer, dict))
    layers = tuple(dict.fromkeys(str(found) for text in named if (found := digests.parse(text))))
    return OldManifest(layers, _facts_of_signed(data, path))


def _facts_of_signed(data: bytes, path: str) -> BlobFacts | None:
    digest = digests.parse(path.removeprefix(f"{BLOBS}/").replace("/", ":", 1))
    if digest is None or digests.unverifiable(digest) or signed.unsigned(data) is data:
        return None
    return BlobFacts(len(data), (signed.digest_of(data, digest),))
