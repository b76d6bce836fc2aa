"""Where the time of a case goes."""

from __future__ import annotations

import pytest

from ocivalidate.runtime.driving.call_times import CallTimes, covered


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
