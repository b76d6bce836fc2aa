"""Inflates zstd (RFC 8878): any number of frames, including skippable ones, and trailing bytes."""

from __future__ import annotations

from collections.abc import Callable

from ocivalidate.image.layers.buffers import CHUNK, Chunk, Pull, Ring
from ocivalidate.image.layers.gzip_stream import is_zero
from ocivalidate.image.layers.problems import Kind, Problem
from ocivalidate.image.layers.zstd_frames import ZstdFrames

_SMALLEST_WINDOW = 1024


class _Frames:
    """The input of the library: the bytes that belong to frames, and nothing after them."""

    def __init__(self, pull: Pull, window: int) -> None:
        self._pull = pull
        self.walk = ZstdFrames(window)
        self.rest = b""
        self._ended = False

    def read(self, _size: int, /) -> Chunk:
        """The next bytes of frames, of any size; empty at their end."""
        while not self._ended:
            more = self._pull()
            if not more:
                self._ended = True
                self.walk.finish()
                return b""
            chunk = self.rest + bytes(more) if self.rest else more
            taken = self.walk.feed(memoryview(chunk))
            # A copy: the next pull may overwrite the chunk.
            self.rest = bytes(chunk[taken:])
            self._ended = self.walk.end is not None or self.walk.problem is not None
            if taken:
                return chunk[:taken]
        return b""


class ZstdStream:
    """A zstd stream being inflated: see :class:`ocivalidate.image.layers.compression.Stream`.

    ``buffer`` provides memory for each chunk; without it, the same memory is reused.
    """

    def __init__(self, pull: Pull, window: int, buffer: Callable[[], memoryview] | None = None) -> None:
        import zstandard

        self._pull = pull
        self._error: type[Exception] = zstandard.ZstdError
        self._problems: list[Problem] = []
        self._source = _Frames(pull, window)
        library = zstandard.ZstdDecompressor(max_window_size=max(window, _SMALLEST_WINDOW))
        self._reader = library.stream_reader(self._source, read_size=CHUNK, read_across_frames=True)  # type: ignore[arg-type]  # it calls read() only
        self._buffer = buffer or Ring(CHUNK).next
        self._ended = False

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The problems so far."""
        return tuple(self._problems)

    def read(self) -> Chunk:
        """The next inflated bytes."""
        if self._ended:
            return b""
        buffer = self._buffer()
        try:
            count = self._reader.readinto(buffer)
        except self._error as error:
            self._fail(str(error))
            return b""
        if not count:
            self._finish()
        return buffer[:count]

    def _finish(self) -> None:
        self._ended = True
        walk = self._source.walk
        if walk.problem is not None:
            self._problems.append(walk.problem)
        elif self._source.rest and walk.end is not None:
            self._trailing(walk.end)

    def _trailing(self, end: int) -> None:
        """Read what follows the last frame."""
        count, only_zeros = 0, True
        rest: Chunk = self._source.rest
        while rest:
            count += len(rest)
            only_zeros = only_zeros and is_zero(rest)
            rest = self._pull()
        kind = Kind.STREAM_TRAILING_ZEROS if only_zeros else Kind.STREAM_TRAILING_BYTES
        what = f"{count} zero bytes follow" if only_zeros else f"{count} bytes that are not a zstd frame follow"
        self._problems.append(Problem(kind, f"{what} the zstd stream", end))

    def _fail(self, error: str) -> None:
        self._ended = True
        if self._source.walk.problem is not None:
            self._problems.append(self._source.walk.problem)
            return
        reason = error.partition("error: ")[2] or error
        if "checksum" in reason:
            kind, message = Kind.STREAM_CHECKSUM, "the checksum of a zstd frame does not match the inflated bytes"
        else:
            kind, message = Kind.STREAM_CORRUPT, f"a zstd frame cannot be inflated: {reason}"
        self._problems.append(Problem(kind, message, self._source.walk.frame_start))
