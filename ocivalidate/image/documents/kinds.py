"""Which type of document a JSON value is, and whether it is Docker's own.

Docker's image manifest version 2, schema 2 has the same members as the documents of image-spec that grew out of it: a
manifest list is judged as an index, a manifest as a manifest, a configuration as a configuration. Such a document
states this in its ``mediaType``; the clauses on media types of image-spec then do not apply.
"""

from __future__ import annotations

from typing import Any

from ocivalidate.image.documents import media_types
from ocivalidate.rules.checks import Node

INDEX, MANIFEST, CONFIG = "image-index", "image-manifest", "image-config"
DESCRIPTOR, LAYOUT = "image-descriptor", "image-layout"

# The kind of blob by its media type → the type of document, if it is one.
DOCUMENTS = {"index": INDEX, "manifest": MANIFEST, "config": CONFIG}

# Members that only one type of document has, the surest first.
_TELLING = (
    ("imageLayoutVersion", LAYOUT),
    ("manifests", INDEX),
    ("layers", MANIFEST),
    ("rootfs", CONFIG),
    ("digest", DESCRIPTOR),
    ("config", MANIFEST),
    ("architecture", CONFIG),
    ("diff_ids", CONFIG),
)


def guess(value: Any) -> str | None:
    """The type of document (a key of ``schema.KINDS``) that a value looks like, or ``None``.

    Its own media type decides; without one, or in a descriptor, the members do.
    """
    if not isinstance(value, dict):
        return None
    stated = value.get("mediaType")
    kind = DOCUMENTS.get(media_types.kind_of(stated)) if isinstance(stated, str) else None
    if kind in (INDEX, MANIFEST) and "digest" not in value:
        return kind
    return next((kind for name, kind in _TELLING if name in value), None)


def stated(value: Any, kind: str) -> str:
    """The type of document as which to read a blob that a descriptor calls ``kind``.

    An index or a manifest says itself which of the two it is: by its media type, or else by members that only one of
    them has.
    """
    if kind not in (INDEX, MANIFEST) or not isinstance(value, dict):
        return kind
    media_type = value.get("mediaType")
    own = DOCUMENTS.get(media_types.kind_of(media_type)) if isinstance(media_type, str) else None
    if own in (INDEX, MANIFEST):
        return own
    lists, packs = "manifests" in value, "config" in value or "layers" in value
    return kind if lists == packs or "mediaType" in value else (INDEX if lists else MANIFEST)


def stated_kind(value: Any) -> str:
    """``index`` or ``manifest``, if the media type of a JSON value states it; else nothing."""
    media_type = value.get("mediaType") if isinstance(value, dict) else None
    kind = media_types.kind_of(media_type) if isinstance(media_type, str) and "digest" not in value else ""
    return kind if kind in ("index", "manifest") else ""


def is_docker(document: Node) -> bool:
    """Whether an index or a manifest states that it is Docker's. With a broken media type it may be."""
    if document.has("mediaType") and document.get("mediaType") is None:
        return True
    stated = document.text("mediaType") or ""
    return stated.startswith(media_types.DOCKER) and media_types.kind_of(stated) in ("index", "manifest")


def has_layers_of_an_image(manifest: Node) -> bool:
    """Whether there are layers, all with media types of image layers."""
    layers = manifest.elements("layers")
    return bool(layers) and all((layer.text("mediaType") or "") in media_types.LAYERS for layer in layers)


def misnames_its_config(manifest: Node) -> bool:
    """Whether a manifest of Docker is that of an image, although the media type of its config does not say so."""
    misnamed = manifest.text("config", "mediaType") in media_types.CONFIGS_MISNAMED
    return misnamed and is_docker(manifest) and has_layers_of_an_image(manifest)
