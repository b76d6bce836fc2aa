"""Shrinking: the fewest that still fail, with few tries, whatever it is that fails."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st

from ocivalidate.runtime.exploring.shrinking import Budget, shrink

ITEMS = [*range(45)]


class Counted:
    """A predicate that counts how often it is asked."""

    def __init__(self, *groups: set[int]) -> None:
        self.groups = groups
        self.asked = 0
        self.last: list[int] = []

    def __call__(self, some: Sequence[int]) -> bool:
        self.asked += 1
        failed = any(group <= {*some} for group in self.groups)
        self.last = [*some] if failed else self.last
        return failed


@given(st.sets(st.sampled_from(ITEMS), min_size=1, max_size=4))
def test_what_is_needed_is_found_with_few_tries(needed: set[int]) -> None:
    fails = Counted(needed)
    assert shrink(ITEMS, fails, Budget(1000)) == sorted(needed)
    assert fails.asked <= 8 * len(needed) + len(needed)


@given(st.lists(st.sets(st.sampled_from(ITEMS), min_size=1, max_size=4), min_size=1, max_size=3))
def test_nothing_can_be_left_out_of_what_is_found(groups: list[set[int]]) -> None:
    fails = Counted(*groups)
    found = shrink(ITEMS, fails, Budget(1000))
    assert fails(found)
    assert not any(fails([one for one in found if one != left_out]) for left_out in found if len(found) > 1)


@pytest.mark.parametrize("most", [0, 1, 3, 7, 12])
def test_the_budget_is_kept_and_the_result_fails_all_the_same(most: int) -> None:
    fails = Counted({3, 17, 30})
    found = shrink(ITEMS, fails, Budget(most))
    assert fails.asked <= most
    assert {3, 17, 30} <= {*found}


def test_what_fails_only_without_something_is_shrunk_too() -> None:
    def fails(some: Sequence[int]) -> bool:
        return 5 in some and (9 not in some or len(some) > 30)

    found = shrink(ITEMS, fails, Budget(1000))
    assert found == [5]


def test_one_is_not_tried() -> None:
    fails = Counted({1})
    assert shrink([1], fails, Budget(10)) == [1]
    assert fails.asked <= 1
