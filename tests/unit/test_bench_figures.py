"""The arithmetic of measurements: spreads, ratios of pairs, and when a difference is one."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction

import pytest

from ocivalidate.bench.figures import CONFIDENCE, outer, ratio, rounds_needed, spread
from ocivalidate.bench.turns import orders, phases


def test_a_spread_is_median_and_quartiles() -> None:
    found = spread([4.0, 1.0, 3.0, 2.0, 5.0])
    assert (found.low, found.median, found.high) == (2.0, 3.0, 4.0)
    assert found.values == (4.0, 1.0, 3.0, 2.0, 5.0)


def test_a_spread_of_one_value_is_that_value() -> None:
    found = spread([0.25])
    assert (found.low, found.median, found.high) == (0.25, 0.25, 0.25)


@pytest.mark.parametrize("rounds", range(1, 9))
def test_the_interval_is_that_of_coins(rounds: int) -> None:
    # Of every way in which values can fall on the two sides of the true median, how many leave it outside.
    ways = [sum(sides) for sides in itertools.product((0, 1), repeat=rounds)]
    for rank in range(1, rounds // 2 + 1):
        outside = Fraction(sum(low < rank or rounds - low < rank for low in ways), len(ways))
        assert outer(rounds, float(outside)) >= rank
        assert outer(rounds, float(outside) * 0.999) < rank


def test_less_and_more() -> None:
    slow = [10.0 + number / 10 for number in range(20)]
    fast = [value / 2 for value in slow]
    less, more = ratio(fast, slow), ratio(slow, fast)
    assert less is not None
    assert more is not None
    assert (less.median, less.low, less.high, less.verdict) == (0.5, 0.5, 0.5, "less")
    assert (more.median, more.verdict) == (2.0, "more")


def test_what_slows_both_of_a_round_down_is_no_difference() -> None:
    # Rounds that take from one to twenty times as long, and a difference of one part in ten within each.
    machine = [1.0 + number for number in range(20)]
    found = ratio([1.1 * value for value in machine], machine)
    assert found is not None
    assert found.verdict == "more"
    assert found.median == pytest.approx(1.1)


def test_few_rounds_tell_no_difference() -> None:
    found = ratio([1.0] * 5, [100.0] * 5)
    assert found is not None
    assert (found.median, found.low, found.high, found.verdict) == (0.01, None, None, "too few rounds")


@pytest.mark.parametrize("comparisons", [1, 18, 300])
def test_so_many_rounds_are_needed(comparisons: int) -> None:
    needed = rounds_needed(comparisons)
    for rounds, told in ((needed - 1, "too few rounds"), (needed, "less")):
        found = ratio([1.0] * rounds, [2.0] * rounds, comparisons)
        assert found is not None
        assert found.verdict == told


def test_nothing_beside_nothing_has_no_ratio() -> None:
    assert ratio([0.0, 1.0], [0.0, 0.0]) is None


def test_a_runtime_beside_itself_shows_no_difference() -> None:
    # Times as machines give them: a floor, a long tail, and a load that comes and goes.
    chance = random.Random(20)  # noqa: S311  # samples, no secret

    def table() -> bool:
        load = [1 + chance.random() for _ in range(20)]
        pairs = (
            [[each * chance.lognormvariate(0, 0.4) for each in load] for _runtime in range(2)] for _row in range(18)
        )
        ratios = [ratio(one, other, 18) for one, other in pairs]
        return all(found is not None and found.verdict == "no difference seen" for found in ratios)

    tables = [table() for _ in range(100)]
    # Nine of a thousand may err; of a hundred, more than four would be a wonder.
    assert tables.count(False) <= (1 - CONFIDENCE) * 100 + 3


@pytest.mark.parametrize("runtimes", [1, 2, 3, 5])
def test_each_is_as_often_before_any_other_as_after_it(runtimes: int) -> None:
    rounds = [*itertools.islice(orders(runtimes, 7), 40)]
    assert all(sorted(order) == [*range(runtimes)] for order in rounds)
    for one, other in itertools.combinations(range(runtimes), 2):
        assert sum(order.index(one) < order.index(other) for order in rounds) == 20


def test_a_seed_says_the_order() -> None:
    first, second, other = ([*itertools.islice(orders(2, seed), 40)] for seed in (1, 1, 2))
    assert first == second != other
    assert {(0, 1), (1, 0)} == {*first[::2]}


def test_the_phase_with_several_containers_can_be_left_out() -> None:
    assert "parallel" in phases(4)
    assert phases(0) == ("alone", "cold", "memory")
