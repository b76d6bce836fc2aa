"""How far an audit is, in words."""

from __future__ import annotations

import pytest

from ocivalidate.audit.showing import Meter, Progress, time_in_words

MIB = 1 << 20


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_line_says_bytes_rate_blobs_and_time_left(clock: Clock) -> None:
    meter = Meter(clock)
    meter.take(Progress(0, 1000 * MIB, 0, 2000))
    clock.now = 10
    meter.take(Progress(100 * MIB, 1000 * MIB, 150, 2000, 100 * MIB))
    assert meter.line() == "100 MiB of 1000 MiB (10%), 10 MiB/s, 150 of 2,000 blobs, 1 min 30 s left"


def test_what_was_known_before_counts_for_no_rate(clock: Clock) -> None:
    meter = Meter(clock)
    meter.take(Progress(500 * MIB, 1000 * MIB, 1000, 2000))
    clock.now = 10
    meter.take(Progress(600 * MIB, 1000 * MIB, 1100, 2000, 100 * MIB))
    assert meter.rate == 10 * MIB


def test_nothing_is_guessed_at_the_start(clock: Clock) -> None:
    meter = Meter(clock)
    assert meter.line() == "0 bytes of 0 bytes, 0 of 0 blobs"
    meter.take(Progress(5, 10, 1, 2, 5))
    assert meter.line() == "5 bytes of 10 bytes (50%), 1 of 2 blobs"


def test_no_time_is_guessed_while_a_registry_is_still_listed(clock: Clock) -> None:
    meter = Meter(clock)
    meter.take(Progress(0, -1, 0, -1))
    clock.now = 10
    meter.take(Progress(100 * MIB, -1, 150, -1, 100 * MIB))
    assert meter.line() == "100 MiB, 10 MiB/s, 150 blobs, still listing"
    meter.take(Progress(100 * MIB, 1000 * MIB, 150, -1, 100 * MIB))
    assert meter.line() == "100 MiB of 1000 MiB (10%), 10 MiB/s, 150 blobs, still listing, 1 min 30 s left"


def test_the_rate_follows_what_happens_of_late(clock: Clock) -> None:
    meter, read = Meter(clock), 0
    for second in range(400):
        clock.now = second
        read += 100 * MIB if second < 200 else MIB
        meter.take(Progress(read, 1 << 50, 0, 0, read))
    assert meter.rate == pytest.approx(MIB, rel=0.01)


def test_a_registry_that_stands_still_gives_no_time(clock: Clock) -> None:
    meter = Meter(clock)
    for second in range(100):
        clock.now = second
        meter.take(Progress(5, 10, 1, 2, 5))
    assert meter.left is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "1 s"),
        (59.7, "1 min"),
        (90, "1 min 30 s"),
        (3600, "1 h"),
        (3661, "1 h 1 min"),
        (90000, "1 d 1 h"),
        (1e9, "11574 d 1 h"),
    ],
)
def test_times(seconds: float, words: str) -> None:
    assert time_in_words(seconds) == words
