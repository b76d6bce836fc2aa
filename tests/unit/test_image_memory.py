"""A process that judges many images keeps nothing of them, broken as they may be."""

from __future__ import annotations

import gc
import random
import tracemalloc
from collections.abc import Iterator

import pytest
import zstandard

from ocivalidate.image.layers.blob import BlobRequest, verify
from tests.blobs import opener

LETTERS = bytes(random.Random(1).choices(b"abcdefgh", k=400_000))  # noqa: S311  # sample data


def stream(window_log: int) -> bytes:
    parameters = zstandard.ZstdCompressionParameters(
        window_log=window_log, write_content_size=False, write_checksum=True
    )
    writer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return writer.compress(LETTERS) + writer.flush()


def broken(whole: bytes) -> Iterator[tuple[str, bytes]]:
    """Streams that are broken in each of the ways that the library or our walk over frames notices."""
    for place in (8, 12, 20, len(whole) // 2, len(whole) - 9):
        data = bytearray(whole)
        for offset in (0, 1, 7):
            data[place + offset] ^= 0x5A
        yield f"byte {place}", bytes(data)
    yield "cut off", whole[: len(whole) // 2]
    yield "checksum", whole[:-1] + bytes([whole[-1] ^ 1])
    yield "reserved bit", whole[:4] + b"\xff" + whole[5:]
    yield "dictionary", whole[:4] + b"\x01\x01\x01" + whole[5:]
    yield "window", whole[:5] + b"\xff" + whole[6:]
    yield "bytes after", whole + b"x" * 100_000
    yield "second frame", whole + whole[: len(whole) // 2]


@pytest.mark.parametrize("window_log", [17, 23])
def test_broken_layers_leave_nothing(window_log: int) -> None:
    streams = list(broken(stream(window_log)))

    def judge_all() -> None:
        for _name, data in streams:
            request = BlobRequest(opener(data), ("sha256",), layer=True, diff_algorithms=("sha256",), size=len(data))
            assert verify(request).problems

    judge_all()
    tracemalloc.start()
    try:
        judge_all()
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for _again in range(3):
            judge_all()
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    # One buffer of any of them would be a megabyte.
    assert grown < 200_000
