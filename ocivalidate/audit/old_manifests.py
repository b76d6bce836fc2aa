"""Manifests of schema 1, from before image-spec: no image to judge, but their layers are held for them."""

from __future__ import annotations

from typing import NamedTuple

from ocivalidate.errors import Unreadable
from ocivalidate.image.sources.source import Source
from ocivalidate.jsontext.documents import read_document
from ocivalidate.vocabulary import digests

# Registries take no larger ones.
_LARGEST = 4 << 20


class OldManifest(NamedTuple):
    """The digests of its layers, each once."""

    layers: tuple[str, ...]


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
    layers = value["fsLayers"] if isinstance(value["fsLayers"], list) else []
    named = (str(layer.get("blobSum", "")) for layer in layers if isinstance(layer, dict))
    return OldManifest(tuple(dict.fromkeys(str(found) for text in named if (found := digests.parse(text)))))
