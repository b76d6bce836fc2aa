"""Drawing configs: first such that any two values of any two features meet, then at random. Pure.

A draw is a level for each feature: the name of a value, or ``ABSENT``. Which draw has which number depends on the seed
and on what there is to draw from, and on nothing else.
"""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ocivalidate.runtime.exploring.features import ABSENT, Feature
from ocivalidate.runtime.exploring.table import KEPT_APART, Apart

Draw = Mapping[str, str]
"""Feature → level, in the order of the table, without those that are absent."""
_TRIES = 12  # orders in which a row is filled, of which the best counts
_DENSITIES = (0.08, 0.2, 0.45, 0.8)  # how many of the features a random config has


@dataclass(frozen=True, slots=True)
class Levels:
    """What there is to draw from: features with the levels that they can have.

    ``apart``: feature → other feature → for each level of the first, a mask of the levels of the other that fit.
    """

    names: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    fitting: tuple[tuple[tuple[int, ...], ...], ...]

    @classmethod
    def of(cls, features: Sequence[Feature], rows: Sequence[Apart] = KEPT_APART) -> Levels:
        """The levels of some features."""
        names = tuple(feature.name for feature in features)
        levels = tuple((ABSENT, *(value.name for value in feature.values)) for feature in features)
        fitting = tuple(
            tuple(_masks(names[one], levels[one], names[other], levels[other], rows) for other in range(len(names)))
            for one in range(len(names))
        )
        return cls(names, levels, fitting)

    def draw(self, chosen: Sequence[int]) -> dict[str, str]:
        """A draw from the numbers of levels."""
        picked = zip(self.names, self.levels, chosen, strict=True)
        return {name: levels[number] for name, levels, number in picked if number}

    def candidates(self, feature: int, chosen: Mapping[int, int]) -> list[int]:
        """The levels of a feature that fit those chosen for others."""
        mask = (1 << len(self.levels[feature])) - 1
        for other, level in chosen.items():
            mask &= self.fitting[other][feature][level]
        return [level for level in range(len(self.levels[feature])) if mask >> level & 1]

    def pairs(self) -> dict[tuple[int, int], dict[int, int]]:
        """Every pair of levels of two features that may meet: features → level of the first → mask of the second."""
        every = range(len(self.names))
        return {
            (one, other): dict(enumerate(self.fitting[one][other])) for one, other in itertools.combinations(every, 2)
        }


def _masks(
    one: str, levels: Sequence[str], other: str, others: Sequence[str], rows: Sequence[Apart]
) -> tuple[int, ...]:
    about = [row for row in rows if {row.feature, row.other} == {one, other}]
    return tuple(
        sum(
            1 << number
            for number, at in enumerate(others)
            if not any(row.meets({one: level, other: at}) for row in about)
        )
        for level in levels
    )


class Pairs:
    """The pairs of levels that no draw has had so far."""

    def __init__(self, levels: Levels) -> None:
        self._levels = levels
        self._open = levels.pairs()
        self.left = sum(mask.bit_count() for masks in self._open.values() for mask in masks.values())

    def _bit(self, one: int, at: int, other: int, there: int) -> int:
        if one > other:
            one, at, other, there = other, there, one, at
        return self._open[one, other][at] >> there & 1

    def gain(self, feature: int, level: int, chosen: Mapping[int, int]) -> int:
        """How many open pairs a level makes with those chosen."""
        return sum(self._bit(feature, level, other, there) for other, there in chosen.items())

    def first_open(self, order: Sequence[tuple[int, int]]) -> tuple[int, int, int, int] | None:
        """Two features and levels of an open pair; ``None`` if there is none."""
        for one, other in order:
            for at, mask in self._open[one, other].items():
                if mask:
                    return one, at, other, (mask & -mask).bit_length() - 1
        return None

    def close(self, chosen: Mapping[int, int]) -> None:
        """Take note of a draw."""
        for one, other in itertools.combinations(sorted(chosen), 2):
            if self._bit(one, chosen[one], other, chosen[other]):
                self._open[one, other][chosen[one]] ^= 1 << chosen[other]
                self.left -= 1


@functools.lru_cache(maxsize=4)
def covering(levels: Levels, seed: int) -> tuple[tuple[int, ...], ...]:
    """Draws in which any two levels of two features meet that may: as numbers of levels."""
    pairs, rows = Pairs(levels), []
    dice = random.Random(f"pairs {seed}")  # noqa: S311  # no secret: it is to be the same again
    while pairs.left:
        row = _best_row(levels, pairs, dice)
        pairs.close(row)
        rows.append(tuple(row[number] for number in range(len(levels.names))))
    return tuple(rows)


def _best_row(levels: Levels, pairs: Pairs, dice: random.Random) -> dict[int, int]:
    keys = [*itertools.combinations(range(len(levels.names)), 2)]
    start = pairs.first_open(dice.sample(keys, len(keys)))
    best: tuple[int, dict[int, int]] = (-1, {})
    # Late rows have few pairs to find: more tries would find no better ones.
    for _ in range(_TRIES if pairs.left > len(keys) else 2):
        row: dict[int, int] = {} if start is None else {start[0]: start[1], start[2]: start[3]}
        gained = 1
        for feature in dice.sample(range(len(levels.names)), len(levels.names)):
            if feature not in row:
                gained += _add(levels, pairs, feature, row, dice)
        best = max(best, (gained, row), key=lambda one: one[0])
    return best[1]


def _add(levels: Levels, pairs: Pairs, feature: int, row: dict[int, int], dice: random.Random) -> int:
    """Give a feature the level that makes most open pairs, and return how many."""
    fit = levels.candidates(feature, row)
    gains = {level: pairs.gain(feature, level, row) for level in fit}
    most = max(gains.values())
    row[feature] = dice.choice([level for level, gain in gains.items() if gain == most])
    return most


def _random(levels: Levels, dice: random.Random) -> tuple[int, ...]:
    density = dice.choice(_DENSITIES)
    row: dict[int, int] = {}
    for feature in dice.sample(range(len(levels.names)), len(levels.names)):
        fit = levels.candidates(feature, row)
        there = [level for level in fit if level]
        wanted = there and (0 not in fit or dice.random() < density)
        row[feature] = dice.choice(there) if wanted else 0
    return tuple(row[number] for number in range(len(levels.names)))


def draw(levels: Levels, seed: int, number: int) -> dict[str, str]:
    """The draw of this number, from 0: of those that cover all pairs, or after these a random one."""
    rows = covering(levels, seed)
    if number < len(rows):
        return levels.draw(rows[number])
    dice = random.Random(f"config {seed} {number}")  # noqa: S311  # no secret: it is to be the same again
    return levels.draw(_random(levels, dice))
