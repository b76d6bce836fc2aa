"""What the walk over an image looks for, and what it finds: facts alone, which are judged afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from ocivalidate.image.documents import kinds
from ocivalidate.image.documents.reading import Read
from ocivalidate.image.graph import Image, Reference
from ocivalidate.image.layers.blob import BlobFacts
from ocivalidate.image.sources.docker_archive import SavedImages
from ocivalidate.image.sources.source import INDEX_JSON, OCI_LAYOUT, Entry
from ocivalidate.rules.checks import Node
from ocivalidate.vocabulary import digests


class ImageFilter(NamedTuple):
    """Which part of an image is to be looked at: by name, by platform (``os/architecture[/variant]``); empty: all."""

    refs: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()

    @property
    def all(self) -> bool:
        """Whether nothing is left out."""
        return not self.refs and not self.platforms


@dataclass(slots=True)
class Blob:
    """A blob that is to be hashed, and opened if it is a ``layer``."""

    path: str
    size: int
    digest: digests.Digest | None
    layer: bool = False
    diff_algorithms: set[str] = field(default_factory=set)


class Saved(NamedTuple):
    """A ``manifest.json`` of ``docker save``: its images, and of the configs they name the digests, by path.

    Of a config the first is the digest that its name says, ``None`` where that says none which can be compared.
    """

    manifest: SavedImages
    configs: dict[str, tuple[digests.Digest | None, digests.Digest]]


@dataclass(slots=True)
class WalkResult:
    """What the walk found, by path.

    ``references``: every descriptor that leads there. ``entries``: what stands there, ``None`` for nothing.
    ``documents``: those that were read, by path and type; one that descriptors take for two types is there twice.
    ``contents``: of the documents that were read as blobs, what is known of their bytes; ``blobs``: what is still to be
    read. ``absent``: which of the descriptors are of what is not there. ``manifests``: the images, each once.
    ``spoilt``: why a document was not read, so that nothing below it is judged. ``exceeded``: at which limits the walk
    stopped, and at which path if at one. ``indexes``: those whose entries were followed. ``contradicted``: the config
    of an image that no index gives a platform says another than the wanted one. ``is_layout``: it started at
    ``index.json``; ``saved``: it took in the images of an archive of ``docker save``.
    """

    images: list[Image] = field(default_factory=list)
    references: dict[str, list[Reference]] = field(default_factory=dict)
    entries: dict[str, Entry | None] = field(default_factory=dict)
    documents: dict[tuple[str, str], Read] = field(default_factory=dict)
    contents: dict[str, BlobFacts] = field(default_factory=dict)
    blobs: dict[str, Blob] = field(default_factory=dict)
    absent: dict[str, list[Reference]] = field(default_factory=dict)
    manifests: dict[str, Image] = field(default_factory=dict)
    spoilt: dict[str, str] = field(default_factory=dict)
    exceeded: list[tuple[str, str]] = field(default_factory=list)
    indexes: set[str] = field(default_factory=set)
    names: list[str] = field(default_factory=list)
    matched: bool = False
    contradicted: bool = False
    is_layout: bool = False
    saved: Saved | None = None

    def read_of(self, path: str, *types: str) -> Read | None:
        """The document at a path, read as the first of these types that it was read as; without any, as whatever."""
        wanted = types or (*kinds.DOCUMENTS.values(), kinds.LAYOUT)
        return next((read for kind in wanted if (read := self.documents.get((path, kind))) is not None), None)

    def root_of(self, path: str) -> Node | None:
        """The root of a document that was read; ``None`` when it was not, or has nothing in it to follow."""
        read = self.read_of(path)
        return read.root if read else None

    @property
    def blobs_read(self) -> int:
        """How many of the documents that were read are blobs."""
        return len({path for path, _kind in self.documents} - {INDEX_JSON, OCI_LAYOUT})
