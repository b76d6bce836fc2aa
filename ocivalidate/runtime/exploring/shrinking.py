"""Shrinking what fails to what it takes to fail, as QuickXplain does (Junker 2004), with a bound. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Fails = Callable[[Sequence[Item]], bool]


class Budget:
    """How many more times something may be tried."""

    def __init__(self, most: int) -> None:
        self.left = most

    def spend(self) -> bool:
        """Whether there is one more try, which is then spent."""
        self.left -= 1
        return self.left >= 0


def shrink(items: Sequence[Item], fails: Fails[Item], budget: Budget) -> list[Item]:
    """The fewest of ``items``, in their order, that still fail: no single one of them can be left out.

    ``fails`` is true of all of them. It is asked for others as long as the budget lasts: for each that is kept, as
    often as ``items`` can be halved, and once more in the end. What is returned failed when it was asked for last.
    """
    kept = [*items]
    settled = 0  # how many at the end of what is kept are needed: the rest fails only with them
    while settled < len(kept):
        some = kept[len(kept) - settled :]
        if some and _still(some, fails, budget):
            kept = some
            break
        kept = _without_tail(kept, settled, fails, budget)
        settled += 1
        if budget.left <= 0:
            return kept
    return _one_by_one(kept, fails, budget)


def _without_tail(kept: list[Item], settled: int, fails: Fails[Item], budget: Budget) -> list[Item]:
    """The shortest beginning that fails with what is settled, by halving; its last item is then needed."""
    rest, needed = kept[: len(kept) - settled], kept[len(kept) - settled :]
    least, most = 1, len(rest)
    while least < most:
        middle = (least + most) // 2
        if _still([*rest[:middle], *needed], fails, budget):
            most = middle
        else:
            least = middle + 1
    return [*rest[:most], *needed]


def _one_by_one(kept: list[Item], fails: Fails[Item], budget: Budget) -> list[Item]:
    """Leave out what is not needed after all: what fails need not fail with more."""
    number = 0
    while number < len(kept) and len(kept) > 1:
        some = [*kept[:number], *kept[number + 1 :]]
        if _still(some, fails, budget):
            kept = some
        else:
            number += 1
    return kept


def _still(some: Sequence[Item], fails: Fails[Item], budget: Budget) -> bool:
    return budget.spend() and fails(some)
