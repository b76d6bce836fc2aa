"""A polite limit on how many bytes a second an audit reads, over all of its threads and processes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ocivalidate.errors import OciValidateError
from ocivalidate.image.layers.blob import Opener, Readable

# So long may a reader that was idle read without waiting, and so long does one read last: short enough to end at once.
_BURST = 0.1
_SMALLEST = 4096
_TICK = 0.1


class Stopped(OciValidateError):
    """Ends a pass that waits for its turn."""


class Pace:
    """Lets at most ``rate`` bytes a second pass, whoever asks.

    Whoever has read pays for it with time before it reads on: so blobs of a few bytes cost no more than their bytes.
    Over any ``s`` seconds at most ``rate * (s + 0.1)`` bytes pass, and one read (:attr:`most`) of each thread.

    In another process it is the pace of that process, at its share of the rate: ``shares`` is how many there are.
    """

    def __init__(self, rate: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self.shares = 1
        self._clock = clock
        self._lock = threading.Lock()
        self._next = clock()
        self._stopped = threading.Event()

    @property
    def most(self) -> int:
        """How many bytes one read may take."""
        return max(_SMALLEST, int(self.rate * _BURST))

    def owed(self, count: int) -> float:
        """Take note of ``count`` bytes that were read; return how many seconds to wait for that."""
        with self._lock:
            now = self._clock()
            self._next = max(self._next, now - _BURST) + count / self.rate
            return max(0.0, self._next - now)

    def pay(self, count: int) -> None:
        """Wait for the ``count`` bytes that were read.

        Raises :class:`Stopped` when :meth:`stop` is called meanwhile.
        """
        left = self.owed(count)
        end = self._clock() + left
        while left > 0:
            if self._stopped.wait(min(left, _TICK)):
                raise Stopped
            left = end - self._clock()

    def begin(self) -> None:
        """Allow waits again, after :meth:`stop`."""
        self._stopped.clear()

    def stop(self) -> None:
        """End every wait, in this process."""
        self._stopped.set()

    def __reduce__(self) -> tuple[Any, ...]:
        return _of_this_process, (max(1, self.rate // self.shares),)


_here: Pace | None = None
_making = threading.Lock()


def _of_this_process(rate: int) -> Pace:
    """The one pace that all requests of another process share here; the last of them says how fast."""
    global _here  # noqa: PLW0603  # requests come one by one, and have nothing else in common
    with _making:
        if _here is None:
            _here = Pace(rate)
        _here.rate = rate
        return _here


@dataclass(frozen=True, slots=True)
class Paced:
    """Opens a blob that is read no faster than ``pace`` allows."""

    opener: Opener
    pace: Pace

    def __call__(self) -> Readable:
        """Open it. Raises what its opener raises."""
        return _PacedFile(self.opener(), self.pace)


class _PacedFile:
    """A file that is read at a pace; what a server said beside it stays its own."""

    def __init__(self, file: Readable, pace: Pace) -> None:
        self._file = file
        self._pace = pace

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Read what the pace allows at a time."""
        count = self._file.readinto(memoryview(buffer)[: self._pace.most])
        if count:
            self._pace.pay(count)
        return count

    def close(self) -> None:
        """Close it."""
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
