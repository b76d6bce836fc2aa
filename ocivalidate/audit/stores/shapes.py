"""How a tree of folders is made: a table of names, and what of it a path is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

Shape: TypeAlias = "Mapping[str, Shape | str]"
"""A folder: the names in it, each a folder again, or what kind of file it is. ``*`` is any other name."""

ANY = "*"
PASSED = "passed"
"""A folder that is there rightly, and whose content is not looked at."""


class Placed(NamedTuple):
    """What belongs at a path: a ``folder`` to go into, or what has the name ``kind``; empty if nothing does."""

    kind: str
    folder: bool = False


NOTHING = Placed("")


def place(shape: Shape, parts: Sequence[str]) -> Placed:
    """What belongs at a path."""
    here: Shape | str = shape
    for part in parts:
        if isinstance(here, str):
            return Placed(PASSED) if here == PASSED else NOTHING
        below = here.get(part, here.get(ANY))
        if below is None:
            return NOTHING
        here = below
    return Placed(here) if isinstance(here, str) else Placed("", folder=True)
