"""How an audit is done: what of a store is judged, within which limits, and how its long part is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from ocivalidate.audit.book import Wanted
from ocivalidate.image.layers.blob import BlobFacts, BlobRequest
from ocivalidate.image.layers.limits import DEFAULT, LayerLimits
from ocivalidate.image.limits import Limits
from ocivalidate.registry.options import RegistryOptions

if TYPE_CHECKING:
    from concurrent.futures import Executor

# A repository may list more images than one layout does.
LIMITS = Limits(documents=1_000_000)


class AuditOptions(NamedTuple):
    """What to judge of a store, and how.

    ``repositories`` and ``tags``: patterns of names, such as ``library/*``; empty: all. With any of them nothing is
    said of what nothing refers to. ``book``: the file in which to keep what grows (default: a temporary one); it must
    not exist. ``limits`` and ``layer_limits`` are those of images; ``follow_links``: links in a folder may lead out.
    ``jobs``: the number of threads (default: one per core). ``registry``: how registries are reached.
    """

    repositories: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    jobs: int | None = None
    limits: Limits = LIMITS
    layer_limits: LayerLimits = DEFAULT
    follow_links: bool = False
    book: str = ""
    registry: RegistryOptions = RegistryOptions()

    @property
    def all(self) -> bool:
        """Whether everything is selected."""
        return not self.repositories and not self.tags

    def wants_repository(self, name: str) -> bool:
        """Whether a repository is selected."""
        return _is_one_of(name, self.repositories)

    def wants_tag(self, name: str) -> bool:
        """Whether a tag is selected."""
        return _is_one_of(name, self.tags)


def _is_one_of(name: str, patterns: Iterable[str]) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def _nothing(_wanted: Wanted, _request: BlobRequest) -> None:
    return None


def _forget(_wanted: Wanted, _facts: BlobFacts) -> None:
    pass


def _every(_wanted: Wanted) -> bool:
    return True


class Work(NamedTuple):
    """How the long part of an audit is done, the verification of all blobs.

    ``recall`` gives the facts of a blob that was verified before, if they say all that the request asks for; ``keep``
    gets every result, as it comes, in the thread of the caller; ``wants``: whether a blob is for us, or for another
    part of the same audit, so that its facts stay unknown here. ``executor`` does the work if there is one;
    ``progress`` is told the bytes that were read, and how many there are.
    """

    executor: Executor | None = None
    recall: Callable[[Wanted, BlobRequest], BlobFacts | None] = _nothing
    keep: Callable[[Wanted, BlobFacts], None] = _forget
    wants: Callable[[Wanted], bool] = _every
    progress: Callable[[int, int], None] | None = None
