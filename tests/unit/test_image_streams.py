"""Gzip, zstd and plain streams: what comes out, what is wrong, and that the size of the chunks changes neither."""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable

import pytest

from fixtures.layouts import tars, zstd_bomb
from ocivalidate.image.layers.buffers import CHUNK
from ocivalidate.image.layers.compression import Compression, detect, inflate
from ocivalidate.image.layers.limits import DEFAULT
from ocivalidate.image.layers.problems import Kind
from tests.blobs import inflated, pull

DATA = random.Random(1).randbytes(3000) + b"text " * 4000  # noqa: S311  # sample data
CHUNKS = (1, 2, 3, 7, 1000, CHUNK)


@pytest.mark.parametrize(
    ("start", "found"),
    [
        (b"\x1f\x8b\x08\x00", Compression.GZIP),
        (b"\x28\xb5\x2f\xfd", Compression.ZSTD),
        (b"\x5f\x2a\x4d\x18", Compression.ZSTD),
        (b"\xfd7zXZ\x00", Compression.XZ),
        (b"BZh9", Compression.BZIP2),
        (b"etc/motd", Compression.NONE),
        (b"", Compression.NONE),
        (b"\x1f", Compression.NONE),
    ],
)
def test_the_first_bytes_tell_the_compression(start: bytes, found: Compression) -> None:
    assert detect(start) is found


@pytest.mark.parametrize("size", CHUNKS)
@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize(
    "blob",
    [
        pytest.param(tars.gzip(DATA), id="gzip"),
        pytest.param(tars.gzip(DATA, members=5), id="members"),
        pytest.param(tars.gzip(b"") + tars.gzip(DATA) + tars.gzip(b""), id="empty members"),
        pytest.param(tars.gzip(DATA, level=0), id="stored"),
        pytest.param(tars.gzip(DATA, header=b"\x1f\x8b\x08\x1c\0\0\0\0\0\xff\x02\x00abname\0comment\0"), id="fields"),
        pytest.param(tars.zstd(DATA), id="zstd"),
        pytest.param(tars.zstd(DATA, frames=4, skippable=True), id="frames"),
        pytest.param(tars.zstd(DATA, checksum=False), id="no checksum"),
        pytest.param(DATA, id="plain"),
    ],
)
def test_sound_streams_come_out_whole(blob: bytes, size: int, *, exact: bool) -> None:
    assert inflated(blob, size, exact=exact) == (DATA, ())


@pytest.mark.parametrize("size", CHUNKS)
@pytest.mark.parametrize("compress", [tars.gzip, tars.zstd])
def test_what_follows_a_stream_is_told_from_it(compress: Callable[[bytes], bytes], size: int) -> None:
    blob = compress(DATA)
    for rest, kind in ((bytes(700), Kind.STREAM_TRAILING_ZEROS), (b"\x28\xb5\x00", Kind.STREAM_TRAILING_BYTES)):
        out, problems = inflated(blob + rest, size)
        assert out == DATA
        assert [(problem.kind, problem.offset) for problem in problems] == [(kind, len(blob))]
        assert problems[0].message.startswith(str(len(rest)))


@pytest.mark.parametrize("size", CHUNKS)
@pytest.mark.parametrize("compress", [tars.gzip, tars.zstd])
def test_a_stream_that_was_cut_anywhere_is_truncated(compress: Callable[[bytes], bytes], size: int) -> None:
    blob = compress(DATA)
    for length in (*range(6, 40), len(blob) // 2, *range(len(blob) - 12, len(blob))):
        out, problems = inflated(blob[:length], size)
        assert DATA.startswith(out)
        assert [problem.kind for problem in problems] == [Kind.STREAM_TRUNCATED]


def test_a_second_stream_that_was_cut_is_truncated_and_not_trailing() -> None:
    for blob in (tars.gzip(DATA), tars.zstd(DATA)):
        _out, problems = inflated(blob + blob[:20])
        assert [problem.kind for problem in problems] == [Kind.STREAM_TRUNCATED]


def test_the_standard_library_agrees_on_what_it_reads() -> None:
    blob = gzip.compress(DATA, 9, mtime=1)
    assert inflated(blob + blob)[0] == gzip.decompress(blob + blob)


@pytest.mark.parametrize(("position", "word"), [(8, "CRC-32"), (4, "length")])
def test_the_reason_names_checksum_and_length_apart(position: int, word: str) -> None:
    blob = bytearray(tars.gzip(DATA))
    blob[-position] ^= 1
    assert [word in problem.message for problem in inflated(bytes(blob))[1]] == [True]


def test_no_step_inflates_more_than_a_chunk() -> None:
    for blob in (tars.gzip(bytes(1 << 26)), zstd_bomb(1 << 26)):
        stream = inflate(detect(blob), pull(blob, CHUNK), DEFAULT)
        assert 0 < max(len(stream.read()) for _turn in range(5)) <= CHUNK
