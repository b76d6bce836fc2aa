"""Where the time of a case goes: calls of the runtime, waiting for containers; the rest is the harness's own."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """The seconds covered by at least one of these spans: threads of a case may call and wait at the same time."""
    seconds, until = 0.0, float("-inf")
    for begin, end in sorted(spans):
        seconds += max(0.0, end - max(begin, until))
        until = max(until, end)
    return seconds


@dataclass(slots=True)
class CallTimes:
    """The spans, on the clock of ``time.monotonic``, in which a case called its runtime and waited."""

    calls: list[tuple[float, float]] = field(default_factory=list)
    waits: list[tuple[float, float]] = field(default_factory=list)

    def calling(self) -> contextlib.AbstractContextManager[None]:
        """Record the time of the body as a call of the runtime."""
        return _noting(self.calls)

    def waiting(self) -> contextlib.AbstractContextManager[None]:
        """Record the time of the body as waiting."""
        return _noting(self.waits)

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
