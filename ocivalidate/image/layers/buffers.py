"""The chunks in which streams are read, and reusable memory for them."""

from __future__ import annotations

from collections.abc import Callable

from ocivalidate.image.layers.limits import MIB

CHUNK = MIB

Chunk = bytes | memoryview
# Returns the next bytes of the source, empty at its end. A chunk is valid until the next call.
Pull = Callable[[], Chunk]


def _never() -> bool:
    return False


class Ring:
    """``count`` buffers of ``size`` bytes, allocated when first needed.

    While nothing is ``busy`` with earlier chunks, the same buffer is returned each time, which keeps it in the CPU
    cache.
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
