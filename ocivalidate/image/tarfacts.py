"""What a scan of a layer's tar saw, as plain data."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

from ocivalidate.image.problems import Kind, Problem


@dataclass(frozen=True, slots=True)
class Hardlink:
    """A hard link whose target did not stand before it in its layer: a lower layer must have it.

    ``target`` is normalised; ``key`` finds it among the :attr:`TarFacts.keys` of a lower layer.
    ``later``: the target stands after the link.
    """

    member: str
    target: str
    key: int
    offset: int
    later: bool = False


@dataclass(frozen=True, slots=True)
class TarFacts:
    """What a scan saw.

    ``entries`` counts members, without extension headers, ``types`` by type; ``content`` sums the sizes of their
    content as archived; ``size`` is the length of the tar. ``hardlinks`` are the first of the ``hardlinks_unknown``
    whose target must be in a lower layer. ``ended``: everything up to the end-of-archive marker could be read.
    ``problems`` are those kept, ``counts`` how many there were of each kind. ``keys`` are sorted hashes of all paths,
    where they were asked for; they compare only with those of the same process or of one forked from it.
    """

    entries: int = 0
    types: dict[str, int] = field(default_factory=dict)
    content: int = 0
    size: int = 0
    xattrs: int = 0
    whiteouts: int = 0
    opaque_whiteouts: int = 0
    hardlinks: tuple[Hardlink, ...] = ()
    hardlinks_unknown: int = 0
    ended: bool = False
    problems: tuple[Problem, ...] = ()
    counts: dict[Kind, int] = field(default_factory=dict)
    keys: array[int] | None = None
