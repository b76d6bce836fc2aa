"""Archives of ``docker save`` in their old form, as crane, jib, kaniko, Bazel and Nix write them too.

A manifest.json has the paths of configs and layers, and there are no descriptors. So layers have no media type, and
only their bytes show how they are compressed, whatever their names. moby reads this form in ``image/tarexport``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from ocivalidate.errors import TooLarge, Unreadable
from ocivalidate.image.sources.archives import normal_path
from ocivalidate.image.sources.source import FILE, LINK, MANIFEST_JSON, Source
from ocivalidate.jsontext.documents import Document, read_document
from ocivalidate.vocabulary import digests

# The algorithm of an ImageID.
IMAGE_ID = "sha256"
# The members that matter.
MEMBERS = ("config", "repotags", "layers")
# docker names a config by its hex digest and .json, go-containerregistry by its digest with the algorithm.
_CONFIG_NAME = re.compile(r"(?:(?P<algorithm>[a-z0-9]+):)?(?P<encoded>[a-f0-9]{64,128})(?:\.json)?")
_BLOB = re.compile(r"blobs/([^/]+)/([^/]+)")


class SavedImage(NamedTuple):
    """One image of the archive: its index in manifest.json, the path of its config, its names, its layer paths."""

    number: int
    config: str
    names: tuple[str, ...]
    layers: tuple[str, ...]


class NotSaved(Unreadable):
    """A manifest.json that is not one of ``docker save``; ``value`` is its content."""

    def __init__(self, message: str, value: Any) -> None:
        super().__init__(message)
        self.value = value


class SavedImages(NamedTuple):
    """The content of a manifest.json; an image that it names twice appears once."""

    document: Document
    images: tuple[SavedImage, ...]


def read_images(source: Source, limit: int) -> SavedImages:
    """Read the manifest.json of ``docker save``, of at most ``limit`` bytes.

    Raises :class:`Unreadable` if it is invalid or names no image; :class:`NotSaved` if it is another document.
    """
    data = source.read(MANIFEST_JSON, limit + 1)
    if len(data) > limit:
        raise TooLarge(f"{MANIFEST_JSON} has more than {limit} bytes (--max-size)")
    document = read_document(data, source.shown(MANIFEST_JSON))
    if not document.usable:
        raise Unreadable(f"{MANIFEST_JSON} is not one of docker save: {document.problems[0].message}")
    return SavedImages(document, tuple(_images(document.value, source)))


def is_there(source: Source, limit: int) -> bool:
    """Whether there is a manifest.json of ``docker save``, rather than another file of this name."""
    entry = source.entry(MANIFEST_JSON)
    if entry is None or entry.kind not in (FILE, LINK) or entry.size > limit:
        return False
    return is_manifest_json(read_document(source.read(MANIFEST_JSON, limit)).value)


def is_manifest_json(value: Any) -> bool:
    """Whether a JSON value is the content of a manifest.json of ``docker save``."""
    entry = value[0] if isinstance(value, list) and value else None
    return isinstance(entry, dict) and {"config", "layers"} <= set(_members(entry))


def digest_of_config(path: str) -> digests.Digest | None:
    """The digest in the name of a config."""
    match = _CONFIG_NAME.fullmatch(path.rpartition("/")[2])
    if match is None:
        return None
    blob = _BLOB.fullmatch(path)
    algorithm = match["algorithm"] or (blob[1] if blob else IMAGE_ID)
    return digests.parse(f"{algorithm}:{match['encoded']}")


def digest_of_layer(path: str) -> digests.Digest | None:
    """The digest of a layer in the blobs of a layout; of any other layer only the diffID is known."""
    blob = _BLOB.fullmatch(path)
    return digests.parse(f"{blob[1]}:{blob[2]}") if blob else None


def _images(value: Any, source: Source) -> Iterable[SavedImage]:
    if value is None or value == []:
        raise Unreadable(f"{MANIFEST_JSON} names no image")
    if not isinstance(value, list):
        raise NotSaved(f"{MANIFEST_JSON} is not one of docker save: it is not an array", value)
    files = _Files(source)
    found: dict[tuple[str, tuple[str, ...]], SavedImage] = {}
    for number, entry in enumerate(value):
        image = _image(number, entry, files)
        known = found.setdefault((image.config, image.layers), image)
        if known is not image:
            found[image.config, image.layers] = known._replace(names=(*dict.fromkeys(known.names + image.names),))
    return found.values()


def _image(number: int, entry: Any, files: _Files) -> SavedImage:
    members = _members(entry) if isinstance(entry, dict) else {}
    config, names, layers = (members.get(name) for name in MEMBERS)
    if not isinstance(config, str) or not config:
        raise Unreadable(f"{MANIFEST_JSON} is not one of docker save: entry {number} has no Config")
    for name, value in (("RepoTags", names), ("Layers", layers)):
        if not (value is None or (isinstance(value, list) and all(isinstance(text, str) for text in value))):
            raise Unreadable(
                f"{MANIFEST_JSON} is not one of docker save: {name} of entry {number} is not an array of strings"
            )
    return SavedImage(number, files.at(config), tuple(names or ()), tuple(map(files.at, layers or ())))


def _members(entry: dict[str, Any]) -> dict[str, Any]:
    """The members by lower-case name: readers are written in Go, which accepts any case and uses the last member."""
    return {name.casefold(): value for name, value in entry.items()}


class _Files:
    """The entry at a path, under one path however many links lead to it, so that its bytes are read once."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._first: dict[int, str] = {}

    def at(self, path: str) -> str:
        """The path by which a file of the archive was first named."""
        # Builders write an empty path for a layer that docker already has: to Go it is ".", where there is no layer.
        path = normal_path(path) or path or "."
        entry = self._source.entry(path)
        # Files in a folder have no offset.
        return self._first.setdefault(entry.offset, path) if entry is not None and entry.offset else path
