"""What the walk over an image looks for, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from ocivalidate import digests
from ocivalidate.image.graph import Image, Reference


class Wanted(NamedTuple):
    """Which part of an image is to be looked at: by name, by platform (``os/architecture[/variant]``); empty: all."""

    refs: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()

    @property
    def all(self) -> bool:
        """Whether nothing is left out."""
        return not self.refs and not self.platforms


@dataclass(slots=True)
class Blob:
    """A blob that is to be hashed, and opened if it is a ``layer``.

    ``references`` lead to it; none for one that nothing refers to.
    """

    path: str
    size: int
    digest: digests.Digest | None
    layer: bool = False
    diff_algorithms: set[str] = field(default_factory=set)
    references: list[Reference] = field(default_factory=list)


@dataclass(slots=True)
class Found:
    """What the walk found."""

    images: list[Image] = field(default_factory=list)
    blobs: dict[str, Blob] = field(default_factory=dict)
    absent: dict[str, Reference] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    visited: set[str] = field(default_factory=set)
    documents: int = 0
    matched: bool = False
