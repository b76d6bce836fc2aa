"""Walks over the frames of a zstd stream (RFC 8878) without inflating anything.

The library does not report an incomplete last frame or where a frame ended, and it allocates a window without asking.
This walk learns all of that from the frame and block headers in the compressed bytes.
"""

from __future__ import annotations

from collections.abc import Callable

from ocivalidate.image.layers.problems import Kind, Problem

_MAGIC = 0xFD2FB528
_SKIPPABLE = 0x184D2A50
_DICTIONARY_BYTES = (0, 1, 2, 4)
_RLE, _RESERVED = 1, 3
_BLOCK_HEADER = 3


class ZstdFrames:
    """The frames so far.

    ``frames`` and ``skippable`` count them; ``window`` is the largest that a frame needs. ``problem`` ended the walk
    early; ``end`` is where the last frame ended, once something other than a frame follows it. ``frame_start`` is where
    the current frame begins.
    """

    def __init__(self, window_limit: int) -> None:
        self.frames = 0
        self.skippable = 0
        self.window = 0
        self.problem: Problem | None = None
        self.end: int | None = None
        self._window_limit = window_limit
        self._fed = 0
        self.frame_start = 0
        self._inside = False
        # Content to skip; then ``_need`` bytes, some of which may already be held, go to ``_then``.
        self._skip = 0
        self._held = b""
        self._need = 0
        self._then: Callable[[bytes], None] = self._descriptor
        # From the header descriptor of the current frame.
        self._single = self._checksum = False
        self._dictionary_bytes = self._size_bytes = 0

    def feed(self, chunk: memoryview) -> int:
        """Take the next bytes; return how many of them belong to frames.

        If fewer than all, ``problem`` or ``end`` says why, or the chunk ends within a magic number, whose bytes must be
        fed again with the next ones.
        """
        size, position, start = len(chunk), 0, self._fed
        while position < size and self.problem is None:
            if self._skip:
                step = min(self._skip, size - position)
                self._skip -= step
                position += step
            elif self._need == _BLOCK_HEADER and not self._held and position + _BLOCK_HEADER <= size:
                position = self._blocks(chunk, position, size)
            elif self._inside:
                taken = bytes(chunk[position : position + self._need - len(self._held)])
                position += len(taken)
                self._take(taken)
            elif position + 4 > size or not self._frame(bytes(chunk[position : position + 4]), start + position):
                break
            else:
                position += 4
        self._fed = start + position
        return position

    def finish(self) -> None:
        """Signal that no more bytes will come."""
        if self.problem is not None or self.end is not None:
            return
        if self._inside or self._skip:
            self.problem = Problem(Kind.STREAM_TRUNCATED, "the last zstd frame is incomplete", self.frame_start)
        else:
            self.end = self._fed

    def _blocks(self, chunk: memoryview, position: int, size: int) -> int:
        """Skip all blocks whose header is in the chunk: the fast form of :meth:`_block`."""
        while position + _BLOCK_HEADER <= size:
            first = chunk[position]
            # Bit 0 is set in the last block of a frame; bits 1 and 2 are the type, raw or compressed here.
            if first & 7 not in {0, 4}:
                self._block(bytes(chunk[position : position + _BLOCK_HEADER]))
                return position + _BLOCK_HEADER
            position += _BLOCK_HEADER + ((first | chunk[position + 1] << 8 | chunk[position + 2] << 16) >> 3)
        if position > size:
            self._skip = position - size
            return size
        return position

    def _take(self, taken: bytes) -> None:
        self._held += taken
        if len(self._held) == self._need:
            header, self._held = self._held, b""
            self._then(header)

    def _expect(self, count: int, then: Callable[[bytes], None]) -> None:
        self._need, self._then = count, then

    def _frame(self, magic: bytes, start: int) -> bool:
        """Begin the frame with this magic number; false if there is no such frame."""
        number = int.from_bytes(magic, "little")
        if number == _MAGIC:
            self.frames += 1
            self._expect(1, self._descriptor)
        elif number & 0xFFFFFFF0 == _SKIPPABLE:
            self.skippable += 1
            self._expect(4, self._skippable_size)
        else:
            self.end = start
            return False
        self.frame_start, self._inside = start, True
        return True

    def _skippable_size(self, header: bytes) -> None:
        self._skip = int.from_bytes(header, "little")
        self._frame_ends()

    def _descriptor(self, header: bytes) -> None:
        flags = header[0]
        if flags & 8:
            self._stop(Kind.STREAM_CORRUPT, "a zstd frame header has a reserved bit set")
            return
        self._checksum = bool(flags & 4)
        self._single = bool(flags & 32)
        self._dictionary_bytes = _DICTIONARY_BYTES[flags & 3]
        self._size_bytes = 1 << (flags >> 6) if flags >> 6 or self._single else 0
        self._expect((not self._single) + self._dictionary_bytes + self._size_bytes, self._frame_header)

    def _frame_header(self, header: bytes) -> None:
        content = int.from_bytes(header[len(header) - self._size_bytes :], "little")
        if self._single:
            window = content + 256 if self._size_bytes == 2 else content
        else:
            base = 1 << (10 + (header[0] >> 3))
            window = base + base // 8 * (header[0] & 7)
        start = not self._single
        dictionary = int.from_bytes(header[start : start + self._dictionary_bytes], "little")
        self.window = max(self.window, window)
        if dictionary:
            self._stop(Kind.STREAM_DICTIONARY, f"a zstd frame needs the dictionary {dictionary}")
        elif window > self._window_limit:
            message = f"a zstd frame needs a window of {window} bytes, more than {self._window_limit}"
            self._stop(Kind.LIMIT_WINDOW, message)
        else:
            self._expect(_BLOCK_HEADER, self._block)

    def _block(self, header: bytes) -> None:
        number = int.from_bytes(header, "little")
        kind = number >> 1 & 3
        if kind == _RESERVED:
            self._stop(Kind.STREAM_CORRUPT, "a zstd block has a reserved type")
            return
        self._skip = 1 if kind == _RLE else number >> 3
        if number & 1:
            if self._checksum:
                self._skip += 4
            self._frame_ends()

    def _frame_ends(self) -> None:
        """The frame ends once the skipped bytes have passed."""
        self._inside = False
        self._need = 0

    def _stop(self, kind: Kind, message: str) -> None:
        self.problem = Problem(kind, message, self.frame_start)
