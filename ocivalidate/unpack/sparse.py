"""Sparse files: regions of content with holes between them, as GNU tar stores them in three ways."""

from __future__ import annotations

import os
from typing import NamedTuple

from ocivalidate.image.tarheader import BLOCK
from ocivalidate.image.tarsparse import MOST_REGIONS
from ocivalidate.unpack.errors import Refused

_LONGEST_MAP = 64 * MOST_REGIONS


class PaxSparse(NamedTuple):
    """Size of the file, and offset and length of each stored region; ``None``: the content begins with that map."""

    real_size: int
    regions: list[tuple[int, int]] | None


def pax_sparse(found: list[tuple[bytes, bytes]], records: dict[bytes, bytes]) -> PaxSparse:
    """What pax records say of a sparse file (GNU manual, "Storing Sparse Files"). Raises :class:`Refused`."""
    size = int(records.get(b"GNU.sparse.realsize") or records.get(b"GNU.sparse.size") or 0)
    if records.get(b"GNU.sparse.major") == b"1":
        return PaxSparse(size, None)
    if b"GNU.sparse.map" in records:
        numbers = _numbers(records[b"GNU.sparse.map"].split(b","))
    else:
        numbers = _numbers([value for key, value in found if key in (b"GNU.sparse.offset", b"GNU.sparse.numbytes")])
    return PaxSparse(size, _regions(numbers, size))


def _numbers(texts: list[bytes]) -> list[int]:
    if len(texts) > 2 * MOST_REGIONS or not all(text.isdigit() and len(text) < 20 for text in texts):
        raise Refused("the map of a sparse file is malformed")
    return [int(text) for text in texts]


def _regions(numbers: list[int], size: int) -> list[tuple[int, int]]:
    regions = list(zip(numbers[::2], numbers[1::2], strict=False))
    end = 0
    for offset, length in regions:
        if offset < end:
            raise Refused("the map of a sparse file is malformed")
        end = offset + length
    if len(numbers) % 2 or end > size:
        raise Refused("the map of a sparse file is malformed")
    return regions


class SparseWriter:
    """Writes the stored regions of an open file at their places. What was not written is a hole."""

    def __init__(self, descriptor: int, sparse: PaxSparse) -> None:
        self._descriptor = descriptor
        self._size = sparse.real_size
        self._map = b"" if sparse.regions is None else None
        self._regions = list(reversed(sparse.regions or []))
        os.ftruncate(descriptor, sparse.real_size)

    def write(self, data: memoryview) -> None:
        """Take the next stored bytes. Raises :class:`Refused` when there are more than the map says."""
        if self._map is not None:
            data = self._read_map(data)
        while data:
            if not self._regions:
                raise Refused("the map of a sparse file is malformed")
            offset, length = self._regions.pop()
            part = data[:length]
            written = os.pwrite(self._descriptor, part, offset) if part else 0
            data = data[written:]
            if written < length:
                self._regions.append((offset + written, length - written))

    def finish(self) -> None:
        """That was all. Raises :class:`Refused` when the map says that there is more."""
        if self._map is not None or any(length for _offset, length in self._regions):
            raise Refused("the map of a sparse file is malformed")

    def _read_map(self, data: memoryview) -> memoryview:
        """Take the map at the start of the content: numbers, one a line, filled up to whole blocks."""
        self._map = (self._map or b"") + bytes(data)
        count, newline, rest = self._map.partition(b"\n")
        wanted = _numbers([count])[0] if newline else 0
        if wanted > MOST_REGIONS or len(self._map) > _LONGEST_MAP:
            raise Refused("the map of a sparse file is malformed")
        if not newline or rest.count(b"\n") < 2 * wanted:
            return memoryview(b"")
        lines = self._map.split(b"\n", 2 * wanted + 1)
        used = sum(len(line) + 1 for line in lines[: 2 * wanted + 1])
        end = -(-used // BLOCK) * BLOCK
        if len(self._map) < end:
            return memoryview(b"")
        self._regions = list(reversed(_regions(_numbers(lines[1 : 2 * wanted + 1]), self._size)))
        content, self._map = memoryview(self._map)[end:], None
        return content
