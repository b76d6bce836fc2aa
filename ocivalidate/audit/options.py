"""How an audit is done: what of a store is judged, within which limits, and how its long part is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import NamedTuple

from ocivalidate.audit.executors import Stopping, Workers
from ocivalidate.audit.journal import Journal
from ocivalidate.audit.pace import Pace
from ocivalidate.audit.sharding import Shard
from ocivalidate.audit.showing import Progress
from ocivalidate.image.layers.limits import DEFAULT, LayerLimits
from ocivalidate.image.limits import Limits
from ocivalidate.registry.options import RegistryOptions

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


class Work(NamedTuple):
    """How the long part of an audit is done, the verification of all blobs.

    ``workers`` do it, which the caller keeps (default: threads), as fast as ``pace`` allows. ``journal``: what is in it
    is known, unless it is older than ``recheck`` seconds, and what becomes known is put into it. ``shard``: the share
    of the blobs that is verified here; what the others hold stays unknown. ``progress`` is called several times a
    second. ``stopping`` ends the work early, from any thread or signal handler: what is known by then is judged.
    """

    workers: Workers | None = None
    pace: Pace | None = None
    journal: Journal | None = None
    recheck: int | None = None
    shard: Shard | None = None
    progress: Callable[[Progress], None] | None = None
    stopping: Stopping | None = None

    @property
    def is_stopped(self) -> bool:
        """Whether somebody has asked for an early end."""
        return self.stopping is not None and self.stopping.asked.is_set()

    def is_ours(self, digest: str) -> bool:
        """Whether a blob is to be verified here."""
        return self.shard is None or self.shard.has(digest)
