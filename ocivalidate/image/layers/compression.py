"""One streaming interface over gzip, zstd and uncompressed bytes.

Bytes are pulled from a source chunk by chunk and come out in chunks of at most :data:`CHUNK` bytes, so that a bomb
never inflates further than one chunk beyond the point where the reader stops. The first bytes determine the
compression, never a media type.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from ocivalidate.image.layers.buffers import Chunk, Pull
from ocivalidate.image.layers.limits import LayerLimits
from ocivalidate.image.layers.problems import Kind, Problem


class Compression(StrEnum):
    """How bytes are compressed. ``XZ`` and ``BZIP2`` are recognised to name them; no layer media type allows them."""

    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"
    XZ = "xz"
    BZIP2 = "bzip2"


_MAGIC = (
    (b"\x1f\x8b", Compression.GZIP),
    (b"\x28\xb5\x2f\xfd", Compression.ZSTD),
    (b"\xfd7zXZ\x00", Compression.XZ),
    (b"BZh", Compression.BZIP2),
)
_SKIPPABLE_ZSTD = b"\x2a\x4d\x18"


def detect(start: bytes | memoryview) -> Compression:
    """The compression of a blob by its first bytes (six are enough)."""
    head = bytes(start[:6])
    if head[1:4] == _SKIPPABLE_ZSTD and head[0] & 0xF0 == 0x50:
        return Compression.ZSTD
    return next((found for magic, found in _MAGIC if head.startswith(magic)), Compression.NONE)


class Stream(Protocol):
    """A stream being inflated."""

    def read(self) -> Chunk:
        """The next inflated bytes, at most :data:`CHUNK`; empty at the end, or after a problem that ends the stream.

        At a regular end, every byte of the source has been read. A chunk is valid until the next call.
        """

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The problems of the stream so far; offsets count compressed bytes."""


class PlainStream:
    """Uncompressed bytes, unchanged."""

    problems: tuple[Problem, ...] = ()

    def __init__(self, pull: Pull) -> None:
        self._pull = pull

    def read(self) -> Chunk:
        """The next bytes of the source."""
        return self._pull()


class UnknownStream:
    """A stream in an unsupported compression: it yields nothing."""

    def __init__(self, found: Compression) -> None:
        message = f"the layer is compressed with {found}, which no layer media type allows"
        self.problems: tuple[Problem, ...] = (Problem(Kind.STREAM_UNKNOWN, message, 0),)

    def read(self) -> Chunk:
        """Nothing."""
        return b""


def inflate(
    found: Compression,
    pull: Pull,
    limits: LayerLimits,
    *,
    exact: bool = True,
    buffer: Callable[[], memoryview] | None = None,
) -> Stream:
    """The decompressed stream of the bytes from ``pull``, for the compression that :func:`detect` found.

    With ``exact=False`` gzip is inflated by the fastest library installed: if it reports a problem, only a second pass
    with ``exact=True`` shows whether there really is one, and which.
    """
    if found is Compression.GZIP:
        from ocivalidate.image.layers.gzip_stream import GzipStream

        return GzipStream(pull, exact=exact)
    if found is Compression.ZSTD:
        from ocivalidate.image.layers.zstd_stream import ZstdStream

        return ZstdStream(pull, limits.window, buffer)
    return PlainStream(pull) if found is Compression.NONE else UnknownStream(found)
