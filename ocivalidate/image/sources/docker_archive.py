"""Archives of ``docker save`` in their old form, as crane, jib, kaniko, Bazel and Nix write them too.

A manifest.json with the paths of configs and layers, and no descriptors at all: nothing gives a layer a media type, so
its bytes alone say how it is compressed, whatever its name. moby's ``image/tarexport`` is what reads the form.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from ocivalidate import meanings
from ocivalidate.errors import NotMeant, TooLarge, Unreadable
from ocivalidate.image.collect import Collector
from ocivalidate.image.documents import kinds
from ocivalidate.image.found import ImageFilter
from ocivalidate.image.graph import Image, Reference
from ocivalidate.image.limits import Limits
from ocivalidate.image.names import meant
from ocivalidate.image.sources.archives import normal_path
from ocivalidate.image.sources.source import FILE, INDEX_JSON, LINK, MANIFEST_JSON, Source
from ocivalidate.image.walk import CONTENT, LIMIT, Examiner
from ocivalidate.jsontext.documents import Document, read_document
from ocivalidate.jsontext.pointers import parse_pointer
from ocivalidate.rules.findings import Location
from ocivalidate.vocabulary import digests
from ocivalidate.vocabulary.wording import shortened

AMBIGUOUS = "safety/image.archive.ambiguous"
_CONFIG = "application/vnd.docker.container.image.v1+json"
# docker names a config by its digest and .json, go-containerregistry by its digest alone, with the algorithm.
_CONFIG_NAME = re.compile(r"(?:(?P<algorithm>[a-z0-9]+):)?(?P<encoded>[a-f0-9]{64,128})(?:\.json)?")
_BLOB = re.compile(r"blobs/([^/]+)/([^/]+)")
_IMAGE_ID = "sha256"
_READ = ("config", "repotags", "layers")
_SHOWN = 60
# How many tokens the pointer of a member of an entry has.
_IN_ENTRY = 2


class Saved(NamedTuple):
    """One image of the archive: its place in manifest.json, the path of its config, names, and paths of its layers."""

    number: int
    config: str
    names: tuple[str, ...]
    layers: tuple[str, ...]


def enter(source: Source, examiner: Examiner, collector: Collector, wanted: ImageFilter, limits: Limits) -> None:
    """Put the wanted images of the archive into what the examiner found; there are no descriptors to start from.

    Raises :class:`Unreadable` when manifest.json is not what ``docker save`` writes.
    """
    document = _document(source, examiner, limits)
    images = _images(document.value, source)
    _judge_names(document, examiner, collector)
    names = {name for image in images for name in image.names}
    examiner.found.names = sorted(names)
    chosen = meant(wanted.refs, names)
    configs = _Configs(source, examiner, collector, limits)
    for image in images:
        if wanted.refs and not chosen.intersection(image.names):
            continue
        if len(examiner.found.images) >= limits.documents:
            collector.add(LIMIT, Location(source.name), f"more than {limits.documents} images")
            return
        config = configs.at(image.config)
        manifest = _manifest(image, config.platform)
        if any(examiner.chosen((manifest,))):
            found, reference = Image(manifest), _reference(image, "config", "Config", _CONFIG, image.config)
            found.config_reference = reference
            found.layers = [
                _reference(image, "layer", f"Layers/{number}", "", path, number)
                for number, path in enumerate(image.layers)
            ]
            examiner.enter_saved_image(found)
            found.config_reference = reference._replace(digest=config.digest)


def is_there(source: Source, limits: Limits) -> bool:
    """Whether there is a manifest.json of ``docker save``, and no other file of this name."""
    entry = source.entry(MANIFEST_JSON)
    if entry is None or entry.kind not in (FILE, LINK) or entry.size > limits.document:
        return False
    return is_manifest_json(read_document(source.read(MANIFEST_JSON, limits.document)).value)


def compare(source: Source, examiner: Examiner, collector: Collector, limits: Limits) -> None:
    """Compare the manifest.json beside an index.json with what that leads to: some readers go by the one or the other.

    What cannot be read as one of ``docker save`` is any file. Of manifests that are absent one may have that config.
    """
    found = examiner.found
    if any(reference.kind in ("index", "manifest") for every in found.absent.values() for reference in every):
        return
    if found.spoilt or not is_there(source, limits):
        return
    try:
        images = _images(_document(source, examiner, limits).value, source)
    except Unreadable:
        return
    collector.judged(AMBIGUOUS)
    known = {image.config_reference.digest for image in found.images if image.config_reference is not None}
    if any(digest is None or digests.unverifiable(digest) for digest in known):
        return
    algorithms = {digest.algorithm for digest in known if digest is not None}
    read: dict[str, bool] = {}
    for image in images:
        if image.config not in read:
            read[image.config] = _is_one_of(known, algorithms, image.config, source, limits)
        if not read[image.config]:
            place = Location(examiner.shown(MANIFEST_JSON), f"/{image.number}/Config")
            message = (
                f"{MANIFEST_JSON} leads to an image that {INDEX_JSON} does not lead to: readers take one or the other"
            )
            collector.add(AMBIGUOUS, place, message, got=shortened(image.config, _SHOWN))


def _is_one_of(
    known: set[digests.Digest | None], algorithms: set[str], path: str, source: Source, limits: Limits
) -> bool:
    """Whether a config is one of those with these digests. One that is not there leads nowhere."""
    entry = source.entry(path)
    if entry is None or entry.kind not in (FILE, LINK) or entry.size > limits.document:
        return True
    data = source.read(path, limits.document)
    return not known.isdisjoint(digests.of(data, algorithm) for algorithm in algorithms)


# --- manifest.json


def _document(source: Source, examiner: Examiner, limits: Limits) -> Document:
    data = source.read(MANIFEST_JSON, limits.document + 1)
    if len(data) > limits.document:
        raise TooLarge(f"{MANIFEST_JSON} has more than {limits.document} bytes (--max-size)")
    document = read_document(data, examiner.shown(MANIFEST_JSON))
    if not document.usable:
        raise Unreadable(f"{MANIFEST_JSON} is not one of docker save: {document.problems[0].message}")
    return document


def is_manifest_json(value: Any) -> bool:
    """Whether a JSON value is what stands in a manifest.json of ``docker save``."""
    entry = value[0] if isinstance(value, list) and value else None
    return isinstance(entry, dict) and {"config", "layers"} <= set(_members(entry))


def _images(value: Any, source: Source) -> list[Saved]:
    """The images that manifest.json names; those that it names twice, once.

    Raises :class:`Unreadable` when it names none, or is none.
    """
    if value is None or value == []:
        raise Unreadable(f"{MANIFEST_JSON} names no image")
    if kinds.guess(value) == kinds.MANIFEST:
        raise NotMeant(meanings.instead("layout", "directory"))
    if not isinstance(value, list):
        raise Unreadable(f"{MANIFEST_JSON} is not one of docker save: no array")
    files = _Files(source)
    found: dict[tuple[str, tuple[str, ...]], Saved] = {}
    for number, entry in enumerate(value):
        image = _saved(number, entry, files)
        known = found.setdefault((image.config, image.layers), image)
        if known is not image:
            found[image.config, image.layers] = known._replace(names=(*dict.fromkeys(known.names + image.names),))
    return list(found.values())


def _saved(number: int, entry: Any, files: _Files) -> Saved:
    members = _members(entry) if isinstance(entry, dict) else {}
    config, names, layers = (members.get(name) for name in _READ)
    if not isinstance(config, str) or not config:
        raise Unreadable(f"{MANIFEST_JSON} is not one of docker save: entry {number} has no Config")
    for name, value in (("RepoTags", names), ("Layers", layers)):
        if not (value is None or (isinstance(value, list) and all(isinstance(text, str) for text in value))):
            raise Unreadable(
                f"{MANIFEST_JSON} is not one of docker save: {name} of entry {number} is no array of strings"
            )
    return Saved(number, files.at(config), tuple(names or ()), tuple(map(files.at, layers or ())))


def _members(entry: dict[str, Any]) -> dict[str, Any]:
    """The members by their names in lower case: Go, in which readers are written, takes any case, and the last."""
    return {name.casefold(): value for name, value in entry.items()}


class _Files:
    """What stands at a path, by one path however many links lead to it: else a few bytes would be read many times."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._first: dict[int, str] = {}

    def at(self, path: str) -> str:
        """The path by which a file of the archive was named first."""
        # No path at all is what builders write for a layer that docker has already: to Go it is ".", where no layer is.
        path = normal_path(path) or path or "."
        entry = self._source.entry(path)
        # In a folder nothing has an offset.
        return self._first.setdefault(entry.offset, path) if entry is not None and entry.offset else path


def _judge_names(document: Document, examiner: Examiner, collector: Collector) -> None:
    """Members that differ by case are one to docker, and others to readers that know the names by their case."""
    collector.judged(AMBIGUOUS)
    file = examiner.shown(MANIFEST_JSON)
    for problem in document.problems:
        place = parse_pointer(problem.pointer)
        if problem.kind == "duplicate-name" and len(place) == _IN_ENTRY and place[-1].casefold() in _READ:
            message = f"a member stands twice in an object: {shortened(place[-1], _SHOWN)}"
            collector.add(AMBIGUOUS, Location(file, f"/{place[0]}"), message)
    for number, entry in enumerate(document.value):
        seen: dict[str, str] = {}
        for name in entry:
            first = seen.setdefault(name.casefold(), name)
            if first is not name and name.casefold() in _READ:
                message = f"two members differ by case alone: {shortened(first, _SHOWN)} and {shortened(name, _SHOWN)}"
                collector.add(AMBIGUOUS, Location(file, f"/{number}"), message)


# --- Configs


class _Config(NamedTuple):
    """The digest of a config, which is its ImageID, and the platform that it names; ``None`` where it is not there."""

    digest: digests.Digest | None = None
    platform: dict[str, Any] | None = None


class _Configs:
    """The configs of an archive, each read once however many images share it."""

    def __init__(self, source: Source, examiner: Examiner, collector: Collector, limits: Limits) -> None:
        self._source = source
        self._examiner = examiner
        self._collector = collector
        self._limit = limits.document
        self._known: dict[str, _Config] = {}

    def at(self, path: str) -> _Config:
        """What is at this path. A name that is the digest of something else is told."""
        if path not in self._known:
            entry = self._source.entry(path)
            sound = entry is not None and entry.kind in (FILE, LINK) and entry.size <= self._limit
            self._known[path] = self._read(path) if sound else _Config()
        return self._known[path]

    def _read(self, path: str) -> _Config:
        data = self._source.read(path, self._limit)
        value = read_document(data).value
        platform = {name: value[name] for name in _PLATFORM if name in value} if isinstance(value, dict) else None
        named = _digest_in(path)
        if named is None or digests.unverifiable(named):
            return _Config(digests.of(data, _IMAGE_ID), platform)
        return _Config(self._compared(path, named, digests.of(data, named.algorithm)), platform)

    def _compared(self, path: str, named: digests.Digest, computed: digests.Digest) -> digests.Digest:
        self._collector.judged(CONTENT)
        if named != computed:
            place = Location(self._examiner.shown(path), digest=str(named))
            message = "the name of a config is not the digest of its content"
            self._collector.add(CONTENT, place, message, got=str(computed), want=str(named))
        return computed


_PLATFORM = ("os", "architecture", "variant")


def _digest_in(path: str) -> digests.Digest | None:
    """The digest that the name of a config says."""
    match = _CONFIG_NAME.fullmatch(path.rpartition("/")[2])
    if match is None:
        return None
    blob = _BLOB.fullmatch(path)
    algorithm = match["algorithm"] or (blob[1] if blob else _IMAGE_ID)
    return digests.parse(f"{algorithm}:{match['encoded']}")


# --- References


def _manifest(image: Saved, platform: dict[str, Any] | None) -> Reference:
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
        at=MANIFEST_JSON,
        platform=platform,
        name=name,
    )


def _reference(image: Saved, role: str, member: str, media_type: str, path: str, number: int = 0) -> Reference:
    """A path as a descriptor. Of a layer its diffID alone is known, unless it stands where blobs of a layout do."""
    blob = _BLOB.fullmatch(path) if role == "layer" else None
    digest = digests.parse(f"{blob[1]}:{blob[2]}") if blob else None
    pointer = f"/{image.number}/{member}"
    return Reference(MANIFEST_JSON, pointer, role, media_type, digest, None, role, 0, number, at=path)
