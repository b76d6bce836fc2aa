"""Exploring a runtime: valid configs that nobody wrote, drawn, run, judged, and shrunk to what a failure takes.

Three kinds of cases are made for a run. ``parts.NAME`` gives the runtime each value of one feature alone: what it
refuses or does wrong then is told there, and left out of all that follows. ``explore.00001`` and so on are configs with
many features at once, of which each was accepted alone: what comes of them is news. ``lives.00001`` and so on are
sequences of operations, valid and invalid. Cases of another kind are a module beside these, and a line in
:func:`cases`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ocivalidate.runtime.cases import Case
    from ocivalidate.runtime.exploring.offers import Lacking
    from ocivalidate.runtime.run_context import RunContext


def cases(stage: RunContext, count: int, seed: int, lacking: Lacking, *, done: Collection[str] = ()) -> Sequence[Case]:
    """The cases that explore a runtime: ``count`` configs, drawn by ``seed``, without those that are ``done``.

    ``lacking``: what says which need a host does not meet.
    """
    from ocivalidate.runtime.exploring import living
    from ocivalidate.runtime.exploring.exploration import Exploration

    exploration = Exploration(stage, count, seed, lacking)
    drawn = [*living.cases(stage, count, seed), *exploration.configs()]
    return [*exploration.parts(), *(case for case in drawn if case.id not in done)]


def names(count: int) -> Iterator[str]:
    """The ids that the cases of any run may have that draws ``count`` configs and lives."""
    from ocivalidate.runtime.exploring.exploration import config_name, part_names
    from ocivalidate.runtime.exploring.lives import life_name

    yield from part_names()
    yield from map(config_name, range(count))
    yield from map(life_name, range(count))
