"""The arithmetic of measurements: spreads, ratios of pairs, and when a difference is one. Pure.

Two runtimes are measured in the same round, one right after the other, so what slows the machine down for a while slows
both. Of each round the ratio is taken, and of the ratios the median. Its interval is that of the order statistics: the
k-th least and the k-th greatest ratio have the true median between them unless fewer than k of the rounds
fell on one side of it, which a fair coin tells (David and Nagaraja, Order Statistics, 7.1). Nothing is assumed of how
times are distributed, and nothing is drawn at random.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

CONFIDENCE = 0.99
"""How sure all intervals of a report are together: of a hundred comparisons of a runtime with itself one errs."""

Verdict = Literal["less", "more", "no difference seen", "too few rounds"]


@dataclass(frozen=True, slots=True)
class Spread:
    """Some values of one kind: their median and quartiles, in the unit of the values, which are kept in order."""

    median: float
    low: float
    high: float
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Ratio:
    """How one runtime compares with another: below 1 is less.

    ``low`` and ``high``: what the true median is between; ``None`` if there are too few rounds to tell.
    """

    median: float
    low: float | None
    high: float | None
    verdict: Verdict


def spread(values: Sequence[float]) -> Spread:
    """The spread of one value at least."""
    low, median, high = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else (values[0],) * 3
    return Spread(median, low, high, tuple(values))


def ratio(values: Sequence[float], others: Sequence[float], comparisons: int = 1) -> Ratio | None:
    """How ``values`` compare with ``others``, those of the same rounds, in order.

    ``comparisons``: how many of these are told together, each of which gets its share of the doubt (Bonferroni). Rounds
    in which the other took nothing at all tell nothing of a ratio, and are left out; ``None`` if no other is left.
    """
    pairs = sorted(value / other for value, other in zip(values, others, strict=True) if other > 0)
    if not pairs:
        return None
    median = statistics.median(pairs)
    rank = outer(len(pairs), (1 - CONFIDENCE) / max(1, comparisons))
    if not rank:
        return Ratio(median, None, None, "too few rounds")
    low, high = pairs[rank - 1], pairs[-rank]
    return Ratio(median, low, high, "less" if high < 1 else "more" if low > 1 else "no difference seen")


def outer(rounds: int, doubt: float) -> int:
    """The greatest k for which the true median lies outside of the k-th least and greatest value in ``doubt`` at most.

    0 if there is none: then no interval of these values is sure enough.
    """
    outside, rank = 0.0, 0
    while rank < rounds // 2:
        outside += 2 * math.comb(rounds, rank) / 2**rounds
        if outside > doubt:
            break
        rank += 1
    return rank


def rounds_needed(comparisons: int) -> int:
    """The fewest rounds of which so many comparisons can be told."""
    return next(rounds for rounds in range(1, 1000) if outer(rounds, (1 - CONFIDENCE) / max(1, comparisons)))
