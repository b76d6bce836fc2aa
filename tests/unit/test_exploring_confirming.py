"""What was seen once is tried again, and what shows now and then is not given a cause that is chance."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, strategies as st

from ocivalidate.runtime.exploring.confirming import ALWAYS, Rate, Shows, confirm, settled
from ocivalidate.runtime.exploring.shrinking import Budget, shrink

Numbers = tuple[int, ...]
MANY = tuple(range(20))


def fewest(whole: Numbers, shows: Shows[Numbers]) -> Numbers:
    return tuple(shrink(whole, lambda some: shows(tuple(some)), Budget(60)))


def now_and_then(needed: set[int], share: float, seed: int) -> Shows[Numbers]:
    dice = random.Random(seed)  # noqa: S311  # nothing secret
    return lambda some: needed <= {*some} and dice.random() < share


@pytest.mark.parametrize(
    ("shown", "answers", "rate", "told"),
    [
        (1, (True, True), Rate(3, 3), ""),
        (1, (True, False), Rate(2, 3), "shows in 2 of 3 tries"),
        (1, (False, False, False, True), Rate(2, 5), "shows in 2 of 5 tries"),
        (1, (False,) * 5, Rate(1, 6), "shows in 1 of 6 tries"),
        (0, (True, True, True), Rate(3, 3), ""),
        (0, (False, False, True, False, True), Rate(2, 5), "shows in 2 of 5 tries"),
        (0, (False,) * 6, Rate(0, 6), "shows in 0 of 6 tries"),
    ],
)
def test_how_often_it_shows(shown: int, answers: tuple[bool, ...], rate: Rate, told: str) -> None:
    asked = iter(answers)
    found = confirm(lambda: next(asked), shown)
    assert (found, str(found), [*asked]) == (rate, told, [])
    assert found.confirmed == (rate.shown > 1)


def test_what_always_shows_is_asked_once_and_what_rarely_shows_often() -> None:
    assert (ALWAYS.patience, Rate(3, 3).patience) == (1, 1)
    assert Rate(2, 3).patience < Rate(2, 5).patience <= Rate(1, 6).patience <= 12


@given(st.sets(st.sampled_from(MANY), max_size=4))
def test_what_always_shows_is_shrunk_to_what_it_needs(needed: set[int]) -> None:
    found, rate = settled(MANY, lambda some: needed <= {*some}, fewest)
    assert {*found} == needed or (not needed and len(found) == 1)
    assert rate.steady


def test_what_never_shows_again_keeps_all_of_it_and_says_so() -> None:
    found, rate = settled(MANY, lambda _some: False, fewest)
    assert (found, str(rate), rate.confirmed) == (MANY, "shows in 1 of 6 tries", False)


@pytest.mark.parametrize("share", [0.9, 0.6, 0.5, 0.35])
def test_what_shows_now_and_then_hardly_ever_gets_a_cause_that_is_chance(share: float) -> None:
    """Of 200 that are confirmed nearly all have what they need and nothing else; none lacks anything of it."""
    needed, right, confirmed = {4, 13}, 0, 0
    for seed in range(200):
        found, rate = settled(MANY, now_and_then(needed, share, seed), fewest)
        assert needed <= {*found}
        if rate.confirmed and found != MANY:
            confirmed += 1
            right += {*found} == needed
    assert confirmed >= 100
    assert right >= 0.85 * confirmed


def test_an_accident_while_shrinking_is_not_told_as_the_cause() -> None:
    """What it was shrunk to never shows when it is tried with patience: all of it is told."""
    found, rate = settled(MANY, lambda some: some == MANY, lambda whole, _shows: whole[:1])
    assert (found, rate) == (MANY, Rate(3, 3))
