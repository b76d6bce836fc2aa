"""The chunks in which streams are read, and memory for them that is used again and again."""

from __future__ import annotations

from collections.abc import Callable

from ocivalidate.image.layers.limits import MIB

CHUNK = MIB

Chunk = bytes | memoryview
# Gives the next bytes of the source, none of them at its end. A chunk is valid until the next call.
Pull = Callable[[], Chunk]


def _never() -> bool:
    return False


class Ring:
    """``count`` buffers of ``size`` bytes, made when they are first needed.

    As long as nobody is ``busy`` with earlier chunks, the same buffer is given each time, which keeps it in the
    processor's cache.
    """

    def __init__(self, size: int, count: int = 1, busy: Callable[[], bool] = _never) -> None:
        self._size = size
        self._buffers: list[memoryview | None] = [None] * count
        self._busy = busy
        self._turn = 0

    def next(self) -> memoryview:
        """A buffer to write into."""
        if self._busy():
            self._turn = (self._turn + 1) % len(self._buffers)
        buffer = self._buffers[self._turn]
        if buffer is None:
            buffer = self._buffers[self._turn] = memoryview(bytearray(self._size))
        return buffer
