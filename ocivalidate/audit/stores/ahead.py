"""Asks a registry for several tags at a time, and knows which of them stand for lists of referrers."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from ocivalidate.audit.store import Link
from ocivalidate.registry.names import referrers_tag

_AT_ONCE: Final = 8
_MOST_FALLBACKS: Final = 100_000
_FALLBACK: Final = re.compile(r"[a-z0-9+._-]+-[0-9a-f]{16,64}")
_Asked = TypeVar("_Asked")
_Found = TypeVar("_Found")


class Several:
    """Some threads that wait for answers."""

    def __init__(self) -> None:
        self._pool: ThreadPoolExecutor | None = None

    def in_order(self, ask: Callable[[_Asked], _Found], every: Iterable[_Asked]) -> Iterator[_Found]:
        """What comes of each, in their order; a few are asked ahead. Raises what one of them raised."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_AT_ONCE, "ocivalidate-ask")
        waiting: deque[Future[_Found]] = deque()
        try:
            for one in every:
                waiting.append(self._pool.submit(ask, one))
                if len(waiting) >= 2 * _AT_ONCE:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


class Fallbacks:
    """The tags of the repository that was listed last which stand for lists of referrers."""

    def __init__(self) -> None:
        self._repository = ""
        self._digests: dict[str, str] | None = None

    def begin(self, repository: str) -> None:
        """Begin with a repository."""
        self._repository, self._digests = repository, {}

    def take(self, link: Link) -> None:
        """Learn a tag of it."""
        if self._digests is None or not _FALLBACK.fullmatch(link.tag):
            return
        self._digests[link.tag] = link.digest
        if len(self._digests) > _MOST_FALLBACKS:
            self._digests = None

    def of(self, repository: str, digest: str) -> str | None:
        """The digest of the list for a manifest, empty if there is none; ``None`` if nobody knows."""
        if repository != self._repository or self._digests is None:
            return None
        return self._digests.get(referrers_tag(digest), "")
