"""How far an audit is, as numbers and in words: bytes, rate, blobs, time left. Nothing here prints."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from ocivalidate.vocabulary.wording import bytes_in_words

# The rate is that of so many seconds: long enough for large blobs, short enough to follow a registry that slows down.
_WINDOW = 60.0
_APART = 1.0
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


class Progress(NamedTuple):
    """What was verified so far, and what there is: bytes and blobs. ``read``: the bytes that were read here for it.

    ``total`` and ``all_blobs`` are -1 as long as nobody can say. What is known from before is done, and was not read.
    """

    done: int
    total: int
    blobs: int
    all_blobs: int
    read: int = 0


class Meter:
    """Makes lines of progress; ``clock`` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()
        self.last = Progress(0, 0, 0, 0)

    def take(self, progress: Progress) -> None:
        """Take note of how far it is now."""
        now = self._clock()
        self.last = progress
        if self._seen and now - self._seen[-1][0] < _APART:
            return
        self._seen.append((now, progress.read))
        while len(self._seen) > 2 and now - self._seen[0][0] > _WINDOW:
            self._seen.popleft()

    @property
    def rate(self) -> float:
        """Bytes a second of late; 0 if nobody can say yet."""
        if not self._seen:
            return 0.0
        since, read = self._seen[0]
        seconds = self._clock() - since
        return max(0.0, (self.last.read - read) / seconds) if seconds >= _APART else 0.0

    @property
    def left(self) -> float | None:
        """Seconds until all is read at this rate; ``None`` if nobody can say."""
        left = max(0, self.last.total - self.last.done)
        return left / self.rate if self.rate > 0 and self.last.total >= 0 else None

    def line(self) -> str:
        """How far it is, in words."""
        last, rate, left = self.last, self.rate, self.left
        listed = last.total >= 0
        share = f" ({100 * last.done // last.total}%)" if last.total > 0 else ""
        parts = [
            bytes_in_words(last.done) + (f" of {bytes_in_words(last.total)}{share}" if listed else ""),
            f"{bytes_in_words(int(rate))}/s" if rate else "",
            f"{last.blobs:,}" + (f" of {last.all_blobs:,} blobs" if last.all_blobs >= 0 else " blobs, still listing"),
            "" if left is None else f"{time_in_words(left)} left",
        ]
        return ", ".join(filter(None, parts))


def time_in_words(seconds: float) -> str:
    """A time with its two largest units: ``2 d 3 h``, ``5 min 20 s``."""
    left = max(1, round(seconds))
    parts: list[tuple[int, str]] = []
    for size, name in _UNITS:
        number, left = divmod(left, size)
        if number or parts:
            parts.append((number, name))
    return " ".join(f"{number} {name}" for number, name in parts[:2] if number)
