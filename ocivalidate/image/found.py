"""What the walk over an image looks for, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from ocivalidate.image.graph import Image, Reference
from ocivalidate.image.layers.blob import BlobFacts
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


@dataclass(slots=True)
class WalkResult:
    """What the walk found, by path.

    ``references``: every descriptor that leads there. ``contents``: of the documents that were read, what is known of
    their bytes; ``blobs``: what is still to be read. ``absent``: which of the descriptors are of what is not there.
    ``manifests``: the images, each once. ``spoilt``: why a document was not read, so that nothing below it is judged.
    ``unverified``: why content could not be compared with its digest. ``contradicted``: the config of an image that no
    index gives a platform says another than the wanted one.
    """

    images: list[Image] = field(default_factory=list)
    references: dict[str, list[Reference]] = field(default_factory=dict)
    contents: dict[str, BlobFacts] = field(default_factory=dict)
    blobs: dict[str, Blob] = field(default_factory=dict)
    absent: dict[str, list[Reference]] = field(default_factory=dict)
    manifests: dict[str, Image] = field(default_factory=dict)
    spoilt: dict[str, str] = field(default_factory=dict)
    unverified: dict[str, str] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    documents: int = 0
    matched: bool = False
    contradicted: bool = False
