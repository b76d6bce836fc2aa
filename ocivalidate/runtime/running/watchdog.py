"""A watchdog over a run: what is not done long after its time hangs; the watchdog reports where.

Every wait of ours is bounded, and a case has a deadline. Still, the kernel may not return from a system call, and a
user's case may wait in any way. Threads cannot be ended, but the process can, so the watchdog only reports.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass

GRACE = 60.0
"""Seconds after the timeout of a case within which cleaning up must be done."""
_HEARTBEAT = 5.0
_FRAMES = 6


@dataclass(frozen=True, slots=True)
class Watched:
    """Work of a thread; ``until`` is on the clock of ``time.monotonic``."""

    name: str
    thread: int
    seconds: float
    until: float

    def words(self) -> str:
        """The message if it is not done in time."""
        return f"{self.name} made no progress for {self.seconds:.0f} s, in {stack(self.thread)}"


class Watchdog:
    """Calls ``overdue`` once for each work that is not done in time, and ``alive`` every few seconds."""

    def __init__(self, overdue: Callable[[Watched], None], alive: Callable[[], None] = lambda: None) -> None:
        self._overdue = overdue
        self._alive = alive
        self._watched: set[Watched] = set()
        self._lock = threading.Lock()
        self._done = threading.Event()

    @contextlib.contextmanager
    def over(self, name: str, seconds: float) -> Iterator[None]:
        """Watch the body, which must be done within ``seconds``."""
        one = Watched(name, threading.get_ident(), seconds, time.monotonic() + seconds)
        with self._lock:
            self._watched.add(one)
        try:
            yield
        finally:
            with self._lock:
                self._watched.discard(one)

    @contextlib.contextmanager
    def awake(self, pause: float = 0.5) -> Iterator[None]:
        """Run the watchdog during the body, checking every ``pause`` seconds."""
        threading.Thread(target=self._look, args=(pause,), daemon=True, name="watchdog").start()
        try:
            yield
        finally:
            self._done.set()

    def _look(self, pause: float) -> None:
        said = time.monotonic()
        while not self._done.wait(pause):
            now = time.monotonic()
            if now >= said + _HEARTBEAT:
                said = now
                self._alive()
            with self._lock:
                late = {one for one in self._watched if one.until < now}
                self._watched -= late
            for one in sorted(late, key=lambda each: each.until):
                self._overdue(one)


def stack(thread: int) -> str:
    """The stack of a thread in one line, innermost call first."""
    frame = sys._current_frames().get(thread)  # noqa: SLF001  # the documented way to see the stack of another thread
    if frame is None:
        return "a thread that has ended"
    places = [f"{place.name} ({place.filename.rpartition('/')[2]}:{place.lineno})" for place in _places(frame)]
    return " of ".join(places)


def _places(frame: object) -> list[traceback.FrameSummary]:
    return list(reversed(traceback.extract_stack(frame)))[:_FRAMES]  # type: ignore[arg-type]  # it is a frame
