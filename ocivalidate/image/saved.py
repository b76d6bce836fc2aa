"""The walk over an archive of ``docker save``, which has paths in place of descriptors."""

from __future__ import annotations

from typing import Any, NamedTuple

from ocivalidate import meanings
from ocivalidate.errors import NotMeant
from ocivalidate.image.documents import kinds
from ocivalidate.image.found import ImageFilter, Saved
from ocivalidate.image.graph import Image, Reference
from ocivalidate.image.limits import Limits
from ocivalidate.image.names import meant, position
from ocivalidate.image.sources import docker_archive
from ocivalidate.image.sources.docker_archive import IMAGE_ID, SavedImage, SavedImages
from ocivalidate.image.sources.source import FILE, LINK, MANIFEST_JSON, Source
from ocivalidate.image.walk import Walk
from ocivalidate.jsontext.documents import read_document
from ocivalidate.vocabulary import digests

_CONFIG = "application/vnd.docker.container.image.v1+json"
_PLATFORM = ("os", "architecture", "variant")


def enter(source: Source, walk: Walk, wanted: ImageFilter, limits: Limits) -> None:
    """Walk over the wanted images of the archive.

    Raises :class:`Unreadable` when manifest.json is not what ``docker save`` writes.
    """
    manifest = _read_images(source, limits)
    names = {name for image in manifest.images for name in image.names}
    found = walk.found
    found.names = sorted(names)
    chosen = meant(wanted.refs, names)
    configs = _Configs(source, limits)
    found.saved = Saved(manifest, configs.digests)
    number = position(wanted.refs)
    for at, image in enumerate(manifest.images):
        if at != number and wanted.refs and not chosen.intersection(image.names):
            continue
        if len(found.images) >= limits.documents:
            found.exceeded.append(("", f"more than {limits.documents} images"))
            break
        _enter_image(image, configs.at(image.config), walk)
    # Nothing is pending: everything was visited at once.
    walk.follow(())


def _read_images(source: Source, limits: Limits) -> SavedImages:
    try:
        return docker_archive.read_images(source, limits.document)
    except docker_archive.NotSaved as problem:
        # Tools that do not write a layout refer to an image manifest like this.
        if kinds.guess(problem.value) == kinds.MANIFEST:
            raise NotMeant(meanings.instead("layout", "directory")) from problem
        raise


class _Config(NamedTuple):
    """The digest of a config, which is the ImageID, and the platform that it names; ``None`` if it is absent."""

    digest: digests.Digest | None = None
    platform: dict[str, Any] | None = None


class _Configs:
    """The configs of an archive, each read once however many images share it."""

    def __init__(self, source: Source, limits: Limits) -> None:
        self._source = source
        self._limit = limits.document
        self._known: dict[str, _Config] = {}
        self.digests: dict[str, tuple[digests.Digest | None, digests.Digest]] = {}

    def at(self, path: str) -> _Config:
        """What is at this path."""
        if path not in self._known:
            entry = self._source.entry(path)
            sound = entry is not None and entry.kind in (FILE, LINK) and entry.size <= self._limit
            self._known[path] = self._read(path) if sound else _Config()
        return self._known[path]

    def _read(self, path: str) -> _Config:
        data = self._source.read(path, self._limit)
        value = read_document(data).value
        platform = {name: value[name] for name in _PLATFORM if name in value} if isinstance(value, dict) else None
        named = docker_archive.digest_of_config(path)
        if named is not None and digests.unverifiable(named):
            named = None
        computed = digests.of(data, named.algorithm if named else IMAGE_ID)
        self.digests[path] = named, computed
        return _Config(computed, platform)


def _enter_image(image: SavedImage, config: _Config, walk: Walk) -> None:
    manifest = _manifest(image, config.platform)
    if not any(walk.chosen((manifest,))):
        return
    found, reference = Image(manifest), _reference(image, "config", "Config", _CONFIG, image.config)
    found.config_reference = reference
    found.layers = [
        _reference(image, "layer", f"Layers/{number}", "", path, number) for number, path in enumerate(image.layers)
    ]
    walk.enter_saved_image(found)
    found.config_reference = reference._replace(digest=config.digest)


def _manifest(image: SavedImage, platform: dict[str, Any] | None) -> Reference:
    name = image.names[0] if image.names else ""
    return Reference(
        MANIFEST_JSON,
        f"/{image.number}",
        "manifest",
        "",
        None,
        None,
        "manifest",
        0,
        path_override=MANIFEST_JSON,
        platform=platform,
        name=name,
    )


def _reference(image: SavedImage, role: str, member: str, media_type: str, path: str, number: int = 0) -> Reference:
    """A path as a descriptor."""
    digest = docker_archive.digest_of_layer(path) if role == "layer" else None
    pointer = f"/{image.number}/{member}"
    return Reference(MANIFEST_JSON, pointer, role, media_type, digest, None, role, 0, number, path_override=path)
