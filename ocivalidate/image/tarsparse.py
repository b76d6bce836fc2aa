"""The map of a sparse file as old GNU tar writes it: four regions in the header, 21 in each block after it."""

from __future__ import annotations

from ocivalidate.image.tarheader import Malformed, is_blank, number

_REGION = 24
_IN_HEADER = (386, 4, 482)
_IN_BLOCK = (0, 21, 504)
# What a file of 64 GiB could have at most, every other of its 128 KiB blocks being a hole.
MOST_REGIONS = 1 << 18


class SparseMap:
    """The map read so far. ``more``: a further block of it follows. ``fault``: what is wrong with it, if anything.

    ``regions``: offset and length of what is stored.
    """

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
            self.fault = f"the regions have {self._stored} bytes and the entry {size}"
        elif self._end > self.real_size:
            self.fault = "a region ends after the file does"

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
