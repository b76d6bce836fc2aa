"""Walks of the plan, kept for the judging as far as memory allows; what is not kept is walked over again."""

from __future__ import annotations

from ocivalidate.audit.repository import RepositorySource
from ocivalidate.audit.rows import Unit
from ocivalidate.image.found import WalkResult

# Characters of documents. What they mean takes several times as much memory.
_MOST = 2 << 20
# What a descriptor takes that leads to no document.
_EACH = 256
# Images may share what takes long to walk over, and as many as somebody likes: bytes of documents that are walked over
# in any case, and how often all may be, on average. Hundreds of small referrers may have one large subject.
_LEAST, _TIMES = 1 << 30, 512
TOO_MUCH = "not walked over: too many images share too many documents"


class Walks:
    """Walks by (repository, digest), each taken once."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], tuple[RepositorySource | None, WalkResult, int]] = {}
        self._size = 0
        self._walked = self._distinct = 0

    def count(self, size: int, *, new: bool) -> None:
        """Count a document of an image; ``new``: no other image had it."""
        self._walked += size
        self._distinct += size if new else 0

    @property
    def are_spent(self) -> bool:
        """Whether images share so much that no more of them are walked over."""
        return self._walked > _LEAST + _TIMES * self._distinct

    def keep(self, unit: Unit, source: RepositorySource, found: WalkResult) -> None:
        """Keep a walk, if there is room. The source of a layout is opened again."""
        size = sum(len(read.document.text) for read in found.documents.values()) + _EACH * len(found.references)
        if self._size + size <= _MOST:
            self._size += size
            self._kept[unit.repository, unit.digest] = source if unit.digest else None, found, size

    def clear(self) -> None:
        """Keep none of them: something that they saw is not there."""
        self._kept.clear()
        self._size = 0

    def take(self, unit: Unit) -> tuple[RepositorySource | None, WalkResult | None]:
        """The walk over an image or a layout, if it was kept, and its source, if that needs not be opened."""
        source, found, size = self._kept.pop((unit.repository, unit.digest), (None, None, 0))
        self._size -= size
        return source, found
