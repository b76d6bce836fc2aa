"""The maps of sparse files: which regions of a file are stored, and where.

Old GNU tar has four regions in the header and 21 in each block after it; in pax headers they are records (0.0, 0.1), or
numbers at the start of the content, one per line (1.0): GNU manual, "Storing Sparse Files".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ocivalidate.errors import Malformed
from ocivalidate.image.layers.header import BLOCK, is_blank, number

_REGION = 24
_IN_HEADER = (386, 4, 482)
_IN_BLOCK = (0, 21, 504)
# Enough for a file of 64 GiB in which every other block of 128 KiB is a hole.
MOST_REGIONS = 1 << 18
_LONGEST_NUMBER = 19
_MALFORMED = "the map of a sparse file is malformed"
_MAP, _LISTED = b"GNU.sparse.map", (b"GNU.sparse.offset", b"GNU.sparse.numbytes")
# Where pax headers put the map of a sparse file: in records, or in the content.
IN_RECORDS, IN_CONTENT = "in records", "in content"
_VERSIONS = {(b"0", b"0"): IN_RECORDS, (b"0", b"1"): IN_RECORDS, (b"1", b"0"): IN_CONTENT}

Regions = list[tuple[int, int]]
"""Offset and length of each stored region, in order."""


class SparseMap:
    """The map read so far. ``more``: a further block of it follows. ``fault``: what is wrong with it, if anything.

    ``regions``: offset and length of what is stored.
    """

    # The map comes before the content.
    used = 0

    def __init__(self, header: bytes) -> None:
        self.fault = ""
        self.real_size = 0
        self.regions: list[tuple[int, int]] = []
        self._end = 0
        self._stored = 0
        try:
            self.real_size = number(header[483:495], "real size")
        except Malformed as error:
            self.fault = str(error)
        self.more = self._read(header, *_IN_HEADER)

    def extend(self, block: bytes) -> None:
        """Read a further block."""
        self.more = self._read(block, *_IN_BLOCK)

    def finish(self, size: int) -> None:
        """Judge the whole map of a file that has ``size`` bytes in the archive."""
        if self.fault:
            return
        if self._stored != size:
            self.fault = f"the regions hold {self._stored} bytes, but the entry has {size}"
        elif self._end > self.real_size:
            self.fault = "a region ends beyond the end of the file"

    def _read(self, block: bytes, start: int, count: int, flag: int) -> bool:
        for position in range(start, start + count * _REGION, _REGION):
            region = block[position : position + _REGION]
            if is_blank(region):
                break
            try:
                offset, length = number(region[:12], "region offset"), number(region[12:], "region length")
            except Malformed as error:
                self.fault = self.fault or str(error)
                break
            if offset < self._end or length < 0:
                self.fault = self.fault or "the regions overlap or are not in order"
            if len(self.regions) < MOST_REGIONS:
                self.regions.append((offset, length))
            else:
                self.fault = self.fault or f"there are more than {MOST_REGIONS} regions"
            self._end = max(self._end, offset + length)
            self._stored += length
        return block[flag] != 0


class PaxSparse(NamedTuple):
    """The size of a file, and its stored regions.

    ``None``: its content, of ``stored`` bytes, begins with the map.
    """

    real_size: int
    regions: Regions | None
    stored: int = 0


def form_of(found: Sequence[tuple[bytes, bytes]]) -> str:
    """Where Go finds the map of a sparse file; empty: to Go the file is not sparse, whatever the records say."""
    records = dict(found)
    version = records.get(b"GNU.sparse.major", b""), records.get(b"GNU.sparse.minor", b"")
    if version != (b"", b""):
        return _VERSIONS.get(version, "")
    return IN_RECORDS if records.get(_MAP) or not records.keys().isdisjoint(_LISTED) else ""


def pax_sparse(found: list[tuple[bytes, bytes]], stored: int) -> PaxSparse:
    """The sparse file that pax records describe, with this many bytes in the archive, as Go reads them.

    Raises :class:`Malformed`.
    """
    records = dict(found)
    size = int(records.get(b"GNU.sparse.size") or records.get(b"GNU.sparse.realsize") or stored)
    if form_of(found) == IN_CONTENT:
        return PaxSparse(size, None, stored)
    listed = [(key, value) for key, value in found if key in _LISTED]
    texts = [value for _key, value in listed]
    if any(key != _LISTED[number % 2] for number, (key, _value) in enumerate(listed)):
        raise Malformed(_MALFORMED)
    if not listed and records.get(_MAP):
        texts = records[_MAP].split(b",")
    if len(texts) > 2 * MOST_REGIONS or len(texts) != 2 * _number(records.get(b"GNU.sparse.numblocks", b"")):
        raise Malformed(_MALFORMED)
    return PaxSparse(size, regions([_number(text) for text in texts], size), stored)


def judge_pax(found: list[tuple[bytes, bytes]], size: int, *, content: bool = True) -> InlineMap | None:
    """Judge the map in pax records for content of this size; return one that is still to come.

    ``content``: the entry has a type with content. Raises :class:`Malformed`.
    """
    if not content:
        raise Malformed("an entry without content is marked as sparse")
    sparse = pax_sparse(found, size)
    if sparse.regions is None:
        return InlineMap(sparse.real_size, size)
    judge_stored(sparse.regions, size)
    return None


def regions(numbers: list[int], size: int) -> Regions:
    """The regions of a file of this size. Raises :class:`Malformed` where they overlap or end after it."""
    found = list(zip(numbers[::2], numbers[1::2], strict=False))
    end = 0
    for offset, length in found:
        if offset < end:
            raise Malformed(_MALFORMED)
        end = offset + length
    if len(numbers) % 2 or end > size:
        raise Malformed(_MALFORMED)
    return found


def judge_stored(found: Regions, size: int) -> None:
    """Check that the regions add up to the stored bytes. Raises :class:`Malformed`."""
    if sum(length for _offset, length in found) != size:
        raise Malformed(_MALFORMED)


class InlineMap:
    """The map at the start of content of ``size`` bytes, like :class:`SparseMap` for header blocks.

    ``used``: how many bytes of the content it takes, in whole blocks.
    """

    def __init__(self, real_size: int, size: int) -> None:
        self.fault = "" if size else "a sparse file has no map"
        self.more = size > 0
        self.used = 0
        self.regions: Regions = []
        self.real_size = real_size
        self._size = size
        self._numbers: list[int] = []
        self._count = -1
        self._partial = b""

    def extend(self, block: bytes) -> None:
        """Read the next block."""
        self.used += BLOCK
        try:
            self._read(block)
        except Malformed as problem:
            self.fault, self.more = str(problem), False

    def finish(self, size: int) -> None:
        """Judge the whole map of a file that has ``size`` bytes in the archive."""

    def _read(self, block: bytes) -> None:
        *lines, self._partial = (self._partial + block).split(b"\n")
        for line in lines:
            if self._count < 0:
                self._count = 2 * _number(line)
                if self._count > 2 * MOST_REGIONS:
                    raise Malformed(_MALFORMED)
            elif len(self._numbers) < self._count:
                self._numbers.append(_number(line))
        if len(self._numbers) == self._count:
            self.more = False
            self.regions = regions(self._numbers, self.real_size)
            judge_stored(self.regions, self._size - self.used)
        elif len(self._partial) > _LONGEST_NUMBER or self.used >= self._size:
            raise Malformed(_MALFORMED)


def _number(text: bytes) -> int:
    if not text.isdigit() or len(text) > _LONGEST_NUMBER:
        raise Malformed(_MALFORMED)
    return int(text)
