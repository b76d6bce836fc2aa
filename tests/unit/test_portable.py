"""What stands in for functions that only some systems have does the same as they do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ocivalidate.system import portable

DATA = bytes(range(256)) * 64


@pytest.fixture(params=["ours", "the fallback"])
def opened(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A file of ``DATA``, on a system with ``pread`` and on one without."""
    if request.param == "the fallback":
        monkeypatch.setattr(portable, "_HAS_PREAD", False)
        monkeypatch.setattr(portable, "_HAS_PREADV", False)
    (tmp_path / "file").write_bytes(DATA)
    descriptor = os.open(tmp_path / "file", portable.READ)
    yield descriptor
    os.close(descriptor)


@pytest.mark.parametrize(("size", "offset"), [(10, 0), (300, 250), (10, len(DATA) - 3), (10, len(DATA)), (0, 5)])
def test_a_part_of_a_file_is_read(opened: int, size: int, offset: int) -> None:
    want = DATA[offset : offset + size]
    assert portable.read_at(opened, size, offset) == want
    buffer = bytearray(size)
    assert portable.read_into(opened, memoryview(buffer), offset) == len(want)
    assert buffer == want + bytes(size - len(want))


def test_threads_that_read_one_file_do_not_disturb_each_other(opened: int) -> None:
    places = [(place * 37) % (len(DATA) - 64) for place in range(2000)]
    with ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(lambda place: portable.read_at(opened, 64, place), places))
    assert parts == [DATA[place : place + 64] for place in places]


def test_flags_that_are_not_known_ask_for_nothing() -> None:
    assert portable.flags("O_NOT_KNOWN O_EXCL") == os.O_EXCL
