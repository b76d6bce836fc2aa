"""Writes sparse files: regions of content with holes between them."""

from __future__ import annotations

import os

from ocivalidate.image.layers.header import BLOCK
from ocivalidate.image.layers.judging import TAR
from ocivalidate.image.layers.sparse import InlineMap, PaxSparse, Regions
from ocivalidate.image.layers.stack import Fault, Unwritable


def unwritable(message: str) -> Unwritable:
    """The error for a malformed map, when writing the file."""
    return Unwritable(Fault(TAR, message))


class SparseWriter:
    """Writes the stored regions of an open file at their offsets. The rest is a hole."""

    def __init__(self, descriptor: int, sparse: PaxSparse) -> None:
        self._descriptor = descriptor
        self._stored = sparse.stored
        self._map = InlineMap(sparse.real_size, sparse.stored) if sparse.regions is None else None
        # A partial block of the map.
        self._partial = b""
        self._regions: Regions = list(reversed(sparse.regions or []))
        os.ftruncate(descriptor, sparse.real_size)

    def write(self, data: memoryview) -> None:
        """Take the next stored bytes. Raises :class:`Unwritable` when there are more than the map says."""
        if self._map is not None:
            data = self._read_map(self._map, data)
        while data:
            if not self._regions:
                raise unwritable("the map of a sparse file covers less than its content")
            offset, length = self._regions.pop()
            part = data[:length]
            written = os.pwrite(self._descriptor, part, offset) if part else 0
            data = data[written:]
            if written < length:
                self._regions.append((offset + written, length - written))

    def finish(self) -> None:
        """The content is complete. Raises :class:`Unwritable` when the map says that there is more."""
        if self._map is not None or any(length for _offset, length in self._regions):
            raise unwritable("the map of a sparse file covers more than its content")

    def _read_map(self, found: InlineMap, data: memoryview) -> memoryview:
        """Take the map at the start of the content; return what follows it."""
        while found.more:
            missing = BLOCK - len(self._partial)
            self._partial += bytes(data[:missing])
            data = data[missing:]
            if len(self._partial) < BLOCK:
                return data
            found.extend(self._partial)
            self._partial = b""
        if found.fault:
            raise unwritable(found.fault)
        self._regions = list(reversed(found.regions))
        self._map = None
        return data
