"""In which order runtimes take their turns. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator

PHASES = ("alone", "cold", "parallel", "memory")


def orders(runtimes: int, seed: int) -> Iterator[tuple[int, ...]]:
    """The order of the runtimes in one round after the other, without end.

    Rounds come in pairs: an order is drawn, and the next round has it backwards. So each is as often before any other
    as after it, and nobody can tell which comes first.
    """
    drawn = random.Random(seed)  # noqa: S311  # an order, no secret
    while True:
        order = tuple(drawn.sample(range(runtimes), runtimes))
        yield order
        yield order[::-1]


def phases(parallel: int) -> tuple[str, ...]:
    """The phases of a round, if so many containers live at a time in one of them."""
    return tuple(phase for phase in PHASES if phase != "parallel" or parallel)
