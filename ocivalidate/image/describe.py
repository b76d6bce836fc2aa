"""The structure of an image, as plain JSON for reports: manifests, platforms, ImageID, ChainIDs, layers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from ocivalidate.image.found import WalkResult
from ocivalidate.image.graph import Image, Reference
from ocivalidate.image.layers.blob import BlobFacts
from ocivalidate.image.sources.source import INDEX_JSON


def describe(found: WalkResult, facts: dict[str, BlobFacts], *, whole: bool = True) -> dict[str, Any]:
    """The images that were found, with what is known of their blobs, and the digests that name them.

    ``whole``: all of the source was looked at, not only some images.
    """
    return {
        "digests": [*_digests(found, whole=whole)],
        "images": [_image(image, facts) for image in found.images],
        "documents": len(found.documents),
        "blobs": len(facts),
    }


def _digests(found: WalkResult, *, whole: bool) -> Iterator[dict[str, str]]:
    """What ``index.json`` leads to, and all manifests; of archives without such digests the configurations."""
    references = (one for several in found.references.values() for one in several) if whole else ()
    named = {str(one.digest): one.name for one in references if one.digest and one.file in (INDEX_JSON, "")}
    for image in found.images:
        leading = image.manifest if image.manifest.digest else image.config_reference
        if leading is not None and leading.digest:
            named.setdefault(str(leading.digest), image.manifest.name)
    yield from ({"name": name, "digest": digest} for digest, name in named.items())


def _image(image: Image, facts: dict[str, BlobFacts]) -> dict[str, Any]:
    described: dict[str, Any] = {"manifest": str(image.manifest.digest or image.manifest.path)}
    if image.manifest.name:
        described["name"] = image.manifest.name
    if image.config is not None:
        parts = [image.config.text(name) for name in ("os", "architecture", "variant")]
        described["platform"] = "/".join(part for part in parts if part)
    if image.config_reference is not None:
        described["config"] = str(image.config_reference.digest or image.config_reference.path)
        if image.has_filesystem_layers and image.config_reference.digest:
            # image-spec config.md: the ImageID is the digest of the configuration.
            described["image_id"] = described["config"]
    # Many images may share one config, which may have more diffIDs than there are layers.
    diff_ids = [str(entry.value) for entry in (image.diff_ids or [])[: len(image.layers)]]
    chain = chain_ids(diff_ids)
    described["layers"] = [_layer(layer, facts.get(layer.path), diff_ids, chain) for layer in image.layers]
    return described


def _layer(layer: Reference, facts: BlobFacts | None, diff_ids: list[str], chain: list[str]) -> dict[str, Any]:
    described: dict[str, Any] = {"media_type": layer.media_type} if layer.media_type else {}
    described["digest"] = str(layer.digest or layer.path)
    if layer.number < len(diff_ids):
        described |= {"diff_id": diff_ids[layer.number], "chain_id": chain[layer.number]}
    if facts is None:
        return described | {"absent": True}
    described["size"] = facts.size
    if facts.compression is not None:
        described |= {"compression": facts.compression.value, "inflated": facts.inflated}
    if facts.tar is not None:
        described["entries"] = facts.tar.entries
    return described


def chain_ids(diff_ids: list[str]) -> list[str]:
    """The ChainID of each layer applied to those below it (image-spec config.md#layer-chainid)."""
    chain: list[str] = []
    for diff_id in diff_ids:
        text = f"{chain[-1]} {diff_id}" if chain else ""
        chain.append(f"sha256:{hashlib.sha256(text.encode()).hexdigest()}" if chain else diff_id)
    return chain
