"""Where the time of a case goes: calls of the runtime, waiting for containers; the rest is the harness's own.

And how long each operation of the runtime takes.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """The seconds covered by at least one of these spans: threads of a case may call and wait at the same time."""
    seconds, until = 0.0, float("-inf")
    for begin, end in sorted(spans):
        seconds += max(0.0, end - max(begin, until))
        until = max(until, end)
    return seconds


OPERATIONS = ("create", "start", "state", "kill", "delete")
"""The operations whose time is told, in the order of a container's life."""
_MOST_TAKEN = 20_000  # of one operation: more change nothing


class Spread(NamedTuple):
    """How long calls took, in seconds: ``low`` and ``high`` are the quartiles."""

    calls: int
    median: float
    low: float
    high: float


def spread(seconds: Sequence[float]) -> Spread:
    """The spread of at least one time. A quartile between two of them is interpolated."""
    times = sorted(seconds)

    def at(part: float) -> float:
        place = part * (len(times) - 1)
        below = int(place)
        above = min(below + 1, len(times) - 1)
        return round(times[below] + (times[above] - times[below]) * (place - below), 6)

    return Spread(len(times), at(0.5), at(0.25), at(0.75))


@dataclass(slots=True)
class CallTimes:
    """The spans, on the clock of ``time.monotonic``, in which a case called its runtime and waited.

    ``operations``: how many seconds each call of an operation took that did what it was asked, and by itself: without
    a wrapper around the runtime, and not held back by the case.
    """

    calls: list[tuple[float, float]] = field(default_factory=list)
    waits: list[tuple[float, float]] = field(default_factory=list)
    operations: dict[str, list[float]] = field(default_factory=dict)

    def calling(self) -> contextlib.AbstractContextManager[None]:
        """Record the time of the body as a call of the runtime."""
        return _noting(self.calls)

    def waiting(self) -> contextlib.AbstractContextManager[None]:
        """Record the time of the body as waiting."""
        return _noting(self.waits)

    def took(self, operation: str, seconds: float) -> None:
        """Record how long an operation took; other commands of a runtime are none."""
        if operation in OPERATIONS:
            self.operations.setdefault(operation, []).append(seconds)

    @property
    def called(self) -> float:
        """Seconds during which a call of the runtime ran."""
        return covered(self.calls)

    @property
    def waited(self) -> float:
        """Seconds of waiting alone."""
        return covered([*self.calls, *self.waits]) - self.called


@contextlib.contextmanager
def _noting(spans: list[tuple[float, float]]) -> Iterator[None]:
    begin = time.monotonic()
    try:
        yield
    finally:
        spans.append((begin, time.monotonic()))


class Times:
    """The times of all cases of a run."""

    def __init__(self) -> None:
        self._taken: dict[str, list[float]] = {}

    def add(self, operations: Mapping[str, Sequence[float]]) -> None:
        """Take those of a case."""
        for operation, seconds in operations.items():
            taken = self._taken.setdefault(operation, [])
            taken += seconds[: _MOST_TAKEN - len(taken)]

    @property
    def spreads(self) -> dict[str, Spread]:
        """The spread of each operation that was seen."""
        return {operation: spread(self._taken[operation]) for operation in OPERATIONS if operation in self._taken}
