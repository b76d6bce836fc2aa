"""Archives of ``docker save`` in their old form.

A manifest.json with the paths of configs and layers, and no descriptors at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ocivalidate import digests
from ocivalidate.documents import read_document
from ocivalidate.image.archives import normal_path
from ocivalidate.image.examine import Examiner
from ocivalidate.image.graph import Image, Reference
from ocivalidate.image.limits import Limits
from ocivalidate.image.sources import Source, Unreadable

MANIFEST_JSON = "manifest.json"
_CONFIG_NAME = re.compile(r"([a-f0-9]{64})(?:\.json)?")
_CONFIG = "application/vnd.docker.container.image.v1+json"
_LAYER = "application/vnd.docker.image.rootfs.diff.tar"


def roots(source: Source, examiner: Examiner, refs: tuple[str, ...], limits: Limits) -> Iterator[Reference]:
    """Put the images of the archive into what the examiner found; there are no descriptors to start from.

    ``refs`` are the names that are wanted; none: all.

    Raises :class:`Unreadable` when manifest.json is not what ``docker save`` writes.
    """
    document = read_document(source.read(MANIFEST_JSON, limits.document), examiner.shown(MANIFEST_JSON))
    entries = document.value if document.usable else None
    if not isinstance(entries, list) or not all(_is_entry(entry) for entry in entries):
        raise Unreadable(f"{MANIFEST_JSON} is not one of docker save")
    examiner.found.names = sorted({name for entry in entries for name in entry.get("RepoTags") or []})
    for number, entry in enumerate(entries):
        names = entry.get("RepoTags") or [""]
        if refs and not set(refs) & set(names):
            continue
        examiner.found.matched = True
        examiner.enter_saved_image(_image(entry, number, names[0]))
    return iter(())


def _is_entry(entry: Any) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("Config"), str):
        return False
    layers, names = entry.get("Layers"), entry.get("RepoTags")
    return _is_texts(layers) and (names is None or _is_texts(names))


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _image(entry: dict[str, Any], number: int, name: str) -> Image:
    pointer = f"/{number}"
    manifest = Reference(MANIFEST_JSON, pointer, "manifest", "", None, None, "manifest", 0, at=MANIFEST_JSON, name=name)
    image = Image(manifest)
    image.config_reference = _reference(f"{pointer}/Config", "config", _CONFIG, entry["Config"], 0)
    image.layers = [
        _reference(f"{pointer}/Layers/{index}", "layer", _LAYER, path, index)
        for index, path in enumerate(entry["Layers"])
    ]
    return image


def _reference(pointer: str, role: str, media_type: str, path: str, index: int) -> Reference:
    """A path as a descriptor. The name of a config is its digest; a layer has none but its diffID."""
    at = normal_path(path) or path
    match = _CONFIG_NAME.fullmatch(at.rpartition("/")[2]) if role == "config" else None
    digest = digests.Digest("sha256", match[1]) if match else None
    return Reference(MANIFEST_JSON, pointer, role, media_type, digest, None, role, 0, index, at=at)
