"""What a scan of a layer's tar saw, as plain data."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import NamedTuple

from ocivalidate.image.layers.problems import Kind, Problem


@dataclass(frozen=True, slots=True)
class Hardlink:
    """A hard link whose target did not come before it in its layer: a lower layer must have it.

    ``target`` is normalised. ``later``: the target comes after the link.
    """

    member: str
    target: str
    offset: int
    later: bool = False


class Used(NamedTuple):
    """The paths of one layer that the other layers of an image depend on, as sorted hashes.

    ``solid``: paths of entries that are not directories; ``above``: directories that hold entries; ``folders`` counts
    these and those with an entry of their own. Only hashes with the same ``key`` can be compared.
    """

    solid: array[int]
    above: array[int]
    folders: int
    key: bytes = b""


@dataclass(frozen=True, slots=True)
class TarFacts:
    """The result of a scan.

    ``entries`` counts members, without extension headers, ``types`` the same by type; ``content`` is the sum of their
    sizes as archived; ``size`` is the length of the tar. ``hardlinks`` are the first of the ``hardlinks_unknown`` whose
    target must be in a lower layer. ``ended``: everything up to the end-of-archive marker could be read. ``problems``
    are those kept, ``counts`` how many there were of each kind. ``used`` is set on request.
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
    used: Used | None = None
