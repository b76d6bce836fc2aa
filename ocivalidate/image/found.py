"""What the walk over an image looks for, and what it finds: facts only, which are judged afterwards."""

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
    """Which part of an image to judge: by name, by platform (``os/architecture[/variant]``); empty: all."""

    refs: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()

    @property
    def all(self) -> bool:
        """Whether everything is selected."""
        return not self.refs and not self.platforms


@dataclass(slots=True)
class Blob:
    """A blob to hash, and to open if it is a ``layer``."""

    path: str
    size: int
    digest: digests.Digest | None
    layer: bool = False
    diff_algorithms: set[str] = field(default_factory=set)


class Saved(NamedTuple):
    """A ``manifest.json`` of ``docker save``: its images, and the digests of their configs, by path.

    The first digest is the one in the name of the config, ``None`` if that has none that can be compared.
    """

    manifest: SavedImages
    configs: dict[str, tuple[digests.Digest | None, digests.Digest]]


@dataclass(slots=True)
class WalkResult:
    """What the walk found, by path.

    ``references``: every descriptor that leads there. ``entries``: what is there, ``None`` for nothing. ``documents``:
    those that were read, by path and type, so one that is referenced as two types is there twice. ``contents``: what is
    known of the bytes of documents that are blobs; ``blobs``: those still to be read. ``absent``: the descriptors whose
    target does not exist. ``manifests``: the images, each once. ``spoilt``: why a document was not read, so that
    nothing below it is judged. ``exceeded``: the limits at which the walk stopped, with the path if there is one.
    ``indexes``: those whose entries were followed. ``contradicted``: an image without a platform in an index has a
    config for another platform than the wanted one. ``is_layout``: the walk started at ``index.json``; ``saved``: it
    read the images of an archive of ``docker save``.
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
        """The document at a path, as the first of these types that it was read as; without types, as any."""
        wanted = types or (*kinds.DOCUMENTS.values(), kinds.LAYOUT)
        return next((read for kind in wanted if (read := self.documents.get((path, kind))) is not None), None)

    def root_of(self, path: str) -> Node | None:
        """The root of a document; ``None`` if it was not read, or has nothing in it to follow."""
        read = self.read_of(path)
        return read.root if read else None

    @property
    def blobs_read(self) -> int:
        """How many of the documents that were read are blobs."""
        return len({path for path, _kind in self.documents} - {INDEX_JSON, OCI_LAYOUT})
