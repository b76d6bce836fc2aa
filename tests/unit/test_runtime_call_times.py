"""Where the time of a case goes."""

from __future__ import annotations

from statistics import quantiles

import pytest
from hypothesis import given, strategies as st

from ocivalidate.runtime.driving.call_times import CallTimes, Spread, Times, covered, spread


@pytest.mark.parametrize(
    ("spans", "seconds"),
    [
        ([], 0),
        ([(1, 3)], 2),
        ([(1, 3), (5, 6)], 3),
        ([(1, 3), (2, 6)], 5),
        ([(2, 3), (1, 6)], 5),
        ([(1, 3), (1, 3), (3, 4)], 3),
    ],
)
def test_what_overlaps_counts_once(spans: list[tuple[float, float]], seconds: float) -> None:
    assert covered(spans) == seconds


def test_who_waits_while_the_runtime_runs_does_not_only_wait() -> None:
    call_times = CallTimes(calls=[(0, 4), (2, 5)], waits=[(3, 7), (8, 9)])
    assert (call_times.called, call_times.waited) == (5, 3)


def test_a_body_that_fails_has_taken_its_time() -> None:
    call_times = CallTimes()
    with pytest.raises(ValueError, match="no"), call_times.calling():
        raise ValueError("no")
    with call_times.waiting():
        pass
    assert len(call_times.calls) == len(call_times.waits) == 1


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        ([2], (1, 2, 2, 2)),
        ([3, 1], (2, 2, 1.5, 2.5)),
        ([5, 1, 3, 2, 4], (5, 3, 2, 4)),
        ([1.0] * 7, (7, 1, 1, 1)),
    ],
)
def test_a_spread_is_a_median_between_quartiles(seconds: list[float], told: Spread) -> None:
    assert spread(seconds) == told


@given(st.lists(st.floats(0, 1e5), min_size=1))
def test_a_spread_agrees_with_the_library(seconds: list[float]) -> None:
    found = spread(seconds)
    wanted = quantiles(seconds, n=4, method="inclusive") if len(seconds) > 1 else seconds * 3
    assert (found.low, found.median, found.high) == pytest.approx(wanted, abs=1e-5)
    assert found.low <= found.median <= found.high


def test_only_operations_are_timed_in_the_order_of_a_life() -> None:
    times = Times()
    for _case in range(2):
        call_times = CallTimes()
        for command in ("delete", "create", "features", "create"):
            call_times.took(command, 1.0)
        times.add(call_times.operations)
    assert {operation: one.calls for operation, one in times.spreads.items()} == {"create": 4, "delete": 2}
    assert [*times.spreads] == ["create", "delete"]


def test_so_many_times_of_a_run_are_enough() -> None:
    times = Times()
    for _case in range(3):
        times.add({"state": [1.0] * 9_000})
    assert times.spreads["state"].calls == 20_000
