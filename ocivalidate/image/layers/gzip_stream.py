"""Inflates gzip (RFC 1952): any number of members, each with its checksum and length, and trailing bytes.

``isal`` is twice as fast as the standard library's ``zlib``, but its errors are less exact. So the caller uses it
first, and reads the blob again with zlib if isal reports anything.
"""

from __future__ import annotations

import importlib
import zlib
from typing import Protocol, cast

from ocivalidate.image.layers.buffers import CHUNK, Chunk, Pull
from ocivalidate.image.layers.limits import KIB
from ocivalidate.image.layers.problems import Kind, Problem

# Input per step: its output mostly fits into one chunk, so that no remainder is copied.
_STEP = 128 * KIB
_MAGIC = b"\x1f\x8b"
# Feed headers whole where possible: isal misreads optional fields that arrive in pieces.
_HEADER = 1024
_DEFLATE, _RESERVED_FLAGS = 8, 0xE0
_GZIP_FORMAT = 31
_CHECKS = {
    "incorrect data check": "the CRC-32 in the gzip trailer does not match the inflated bytes",
    "incorrect length check": "the length in the gzip trailer does not match the inflated bytes",
}


class _Inflater(Protocol):
    """The part of zlib's and isal's decompression objects that is used here."""

    eof: bool
    unused_data: bytes
    unconsumed_tail: bytes

    def decompress(self, data: Chunk, max_length: int, /) -> bytes: ...


class _Library(Protocol):
    error: type[Exception]

    def decompressobj(self, wbits: int, /) -> _Inflater: ...


def fast_library() -> _Library | None:
    """The module of ``isal`` that replaces zlib, if it is installed."""
    try:
        return cast("_Library", importlib.import_module("isal.isal_zlib"))
    except ImportError:
        return None


class GzipStream:
    """A gzip stream being inflated: see :class:`ocivalidate.image.layers.compression.Stream`."""

    def __init__(self, pull: Pull, *, exact: bool = True) -> None:
        self._pull = pull
        self._library = (None if exact else fast_library()) or cast("_Library", zlib)
        self._problems: list[Problem] = []
        self._chunk: Chunk = b""
        self._next = 0
        # Offset of the chunk in the source.
        self._base = 0
        self._member: _Inflater | None = None
        self._member_start = 0
        self._tail: bytes = b""
        self._ended = False

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The problems so far."""
        return tuple(self._problems)

    def read(self) -> bytes:
        """The next inflated bytes."""
        while not self._ended:
            if self._member is None:
                self._begin()
                continue
            try:
                data = self._step(self._member)
            except self._library.error as error:
                self._fail(str(error))
                return b""
            if data:
                return data
        return b""

    def _step(self, member: _Inflater) -> bytes:
        if self._tail:
            data = member.decompress(self._tail, CHUNK)
        else:
            if self._next >= len(self._chunk):
                self._load()
            step = self._chunk[self._next : self._next + _STEP]
            self._next += len(step)
            data = member.decompress(step, CHUNK)
            if not step and not data and not member.eof:
                self._end(Kind.STREAM_TRUNCATED, "the gzip stream ends inside a member", self._offset)
        self._tail = member.unconsumed_tail
        if member.eof:
            # All unused bytes belong to the current step, because a member first takes what the previous one left.
            self._next -= len(member.unused_data)
            self._tail = b""
            self._member = None
        return data

    def _begin(self) -> None:
        """Find the next member, or the end of the stream."""
        self._fill(_HEADER)
        head = bytes(self._chunk[self._next : self._next + 4])
        if head.startswith(_MAGIC):
            if len(head) == 4 and (head[2] != _DEFLATE or head[3] & _RESERVED_FLAGS):
                what = "has reserved flags set" if head[2] == _DEFLATE else "is not compressed with deflate"
                self._end(Kind.STREAM_CORRUPT, f"a gzip member {what}", self._offset)
                return
            self._member_start = self._offset
            self._member = self._library.decompressobj(_GZIP_FORMAT)
        else:
            self._finish()

    def _finish(self) -> None:
        """Read what follows the last member."""
        start, only_zeros = self._offset, True
        while self._next < len(self._chunk):
            only_zeros = only_zeros and is_zero(self._chunk[self._next :])
            self._next = len(self._chunk)
            self._load()
        count = self._offset - start
        if count:
            kind = Kind.STREAM_TRAILING_ZEROS if only_zeros else Kind.STREAM_TRAILING_BYTES
            what = f"{count} zero bytes follow" if only_zeros else f"{count} bytes that are not a gzip member follow"
            self._problems.append(Problem(kind, f"{what} the gzip stream", start))
        self._ended = True

    @property
    def _offset(self) -> int:
        return self._base + self._next

    def _load(self) -> None:
        self._base += len(self._chunk)
        self._next = 0
        self._chunk = self._pull()

    def _fill(self, count: int) -> None:
        """Have ``count`` bytes at hand unless the source ends first."""
        while len(self._chunk) - self._next < count:
            rest = bytes(self._chunk[self._next :])
            self._base += self._next
            self._next = 0
            more = self._pull()
            self._chunk = more if not rest else rest + bytes(more)
            if not more:
                return

    def _fail(self, error: str) -> None:
        for words, message in _CHECKS.items():
            if words in error:
                self._end(Kind.STREAM_CHECKSUM, message, self._member_start)
                return
        reason = error.partition(": ")[2] or error
        message = f"the gzip member at byte {self._member_start} cannot be inflated: {reason}"
        self._end(Kind.STREAM_CORRUPT, message, self._member_start)

    def _end(self, kind: Kind, message: str, offset: int) -> None:
        self._problems.append(Problem(kind, message, offset))
        self._ended = True


def is_zero(data: Chunk) -> bool:
    """Whether all of these bytes are zero."""
    return bytes(data) == bytes(len(data))
