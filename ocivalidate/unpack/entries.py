"""The entries of a layer with everything to write, streamed from its tar.

The same pass judges them. This is the scanner of ``ocivalidate image``, so headers are parsed once and in one way.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from ocivalidate.errors import Malformed
from ocivalidate.image.layers import header, pax
from ocivalidate.image.layers.buffers import Chunk
from ocivalidate.image.layers.limits import LayerLimits
from ocivalidate.image.layers.paths import REGULAR, SPARSE, normalise
from ocivalidate.image.layers.problems import Kind, shown
from ocivalidate.image.layers.readers import Names
from ocivalidate.image.layers.scan import TarScanner, kind_of
from ocivalidate.image.layers.sparse import InlineMap, PaxSparse, SparseMap, pax_sparse
from ocivalidate.image.layers.stack import Fault, Unwritable
from ocivalidate.image.layers.xattrs import xattrs
from ocivalidate.unpack.attributes import BILLION, Attributes, seconds

_CACHED = 20_000
_OWNER, _MTIME = slice(100, 124), slice(136, 148)
_MAJOR, _MINOR = slice(329, 337), slice(337, 345)


class Entry(NamedTuple):
    """One entry. ``path`` is normalised, with the root empty; ``link`` is as in the layer.

    ``size``: of the file as written. ``sparse``: the map of its content, if it is sparse.
    """

    path: bytes
    kind: bytes
    link: bytes
    size: int
    attributes: Attributes
    device: tuple[int, int] = (0, 0)
    sparse: PaxSparse | None = None


class Content(Protocol):
    """Receives the content of an entry."""

    def write(self, data: memoryview) -> None:
        """Take the next bytes."""

    def close(self) -> None:
        """The content is complete."""

    def abandon(self) -> None:
        """Give up: the rest will not come."""


class Sink(Protocol):
    """Receives the entries of a layer."""

    def add(self, entry: Entry, whole: memoryview | None) -> Content | None:
        """Take an entry, with its content if all of it is at hand; else return what receives the content.

        Raises :class:`Unwritable`.
        """


class LayerReader(TarScanner):
    """Reads a tar and hands its entries to a sink, up to the first problem of a ``fatal`` kind.

    ``fault``: the name of an entry that the sink could not write, and why.
    """

    def __init__(self, limits: LayerLimits, sink: Sink, fatal: frozenset[Kind]) -> None:
        super().__init__(limits)
        self._sink: Sink | None = sink
        self._fatal = fatal
        self.fault: tuple[str, Fault] | None = None
        self._told = 0
        self._chunk = memoryview(b"")
        self._chunk_start = 0
        # What receives the content at the start of the next chunks, and how much of it is left.
        self._content_sink: Content | None = None
        self._left = 0
        self._path = b""
        self._said: pax.Extension | None = None
        self._waiting: Entry | None = None
        self._owners: dict[bytes, tuple[int, int, int]] = {}
        self._times: dict[bytes, int] = {}

    def feed(self, chunk: Chunk) -> None:
        """Take the next bytes."""
        view = memoryview(chunk)
        self._chunk, self._chunk_start = view, self._size
        if self._left:
            self._pour(view[: self._left])
        super().feed(view)
        self._chunk = memoryview(b"")

    def abandon(self) -> None:
        """Give up a file whose content will not come."""
        if self._content_sink is not None:
            self._content_sink.abandon()
        self._content_sink, self._left, self._sink = None, 0, None

    @property
    def unwritten(self) -> bool:
        """Whether a problem ended the writing, so that the layer is incomplete."""
        return self.fault is not None or not self._fatal.isdisjoint(self._problems.counts)

    def _pour(self, data: memoryview) -> None:
        self._left -= len(data)
        if self._content_sink is None:
            return
        try:
            self._content_sink.write(data)
            if not self._left:
                self._close()
        except Unwritable as problem:
            self._fail(problem)

    def _close(self) -> None:
        whole, self._content_sink = self._content_sink, None
        if whole is not None:
            whole.close()

    def _fail(self, problem: Unwritable) -> None:
        """Write nothing more: the current entry cannot be written."""
        if self._content_sink is not None:
            self._content_sink.abandon()
        self.fault, self._sink, self._content_sink = (shown(self._path), problem.fault), None, None

    def _extended(self, said: pax.Extension, own: Names, kind: bytes, size: int) -> tuple[bytes, bytes, int]:
        self._said = said
        return super()._extended(said, own, kind, size)

    def _entry(self, name: bytes, kind: bytes, link: bytes, size: int, block: bytes) -> None:
        said, self._said = self._said, None
        # A sparse file begins inside the call, once its map has been read.
        self._waiting = self._described(name, kind, link, size, block, said) if kind == SPARSE else None
        start = self._next
        super()._entry(name, kind, link, size, block)
        if kind == SPARSE or self._is_over():
            return
        kind = kind_of(name, kind)
        self._begin(self._described(name, kind, link, size, block, said), start, size if kind == REGULAR else 0)

    def _sparse_block(self, found: SparseMap | InlineMap, name: bytes, size: int, block: bytes = b"") -> None:
        start = self._next
        super()._sparse_block(found, name, size, block)
        if found.more or self._is_over() or self._waiting is None:
            return
        sparse = PaxSparse(found.real_size, found.regions)
        entry = self._waiting._replace(kind=REGULAR, size=found.real_size, sparse=sparse)
        self._begin(entry, start, size)

    def _is_over(self) -> bool:
        """Whether writing has to stop, which new problems may cause."""
        if self._problems.total != self._told:
            self._told = self._problems.total
            if not self._fatal.isdisjoint(self._problems.counts):
                self._sink = None
        return self._sink is None or self._stopped

    def _begin(self, entry: Entry, start: int, size: int) -> None:
        if self._sink is None:
            return
        position = start - self._chunk_start
        here = self._chunk[position : position + size]
        whole = len(here) == size and entry.sparse is None
        self._path = entry.path
        try:
            self._content_sink = self._sink.add(entry, here if whole else None)
            if not size and not whole:
                self._close()
        except Unwritable as problem:
            self._fail(problem)
        if size and not whole:
            self._left = size
            self._pour(here)

    def _described(
        self, name: bytes, kind: bytes, link: bytes, size: int, block: bytes, said: pax.Extension | None
    ) -> Entry:
        path = name[:-1] if name[-1:] == b"/" else name
        if b"/." in path or b"//" in path or path[:1] in b"./" or path[-1:] == b"/":
            path = normalise(path).text
        mode, uid, gid = self._owner(block[_OWNER])
        mtime = self._time(block[_MTIME])
        attributes = Attributes(mode & 0o7777, uid, gid, mtime, mtime)
        device = (_number(block[_MAJOR]), _number(block[_MINOR])) if kind in (b"3", b"4") else (0, 0)
        sparse = None
        if said is not None and said.records:
            records = dict(said.records)
            attributes = _from_records(attributes, records)
            if said.sparse_form and kind == REGULAR:
                sparse = pax_sparse(said.records, size)
                size = sparse.real_size
        return Entry(path, kind, link, size, attributes, device, sparse)

    def _owner(self, field: bytes) -> tuple[int, int, int]:
        found = self._owners.get(field)
        if found is None:
            found = (_number(field[:8]), _number(field[8:16]), _number(field[16:]))
            if len(self._owners) < _CACHED:
                self._owners[field] = found
        return found

    def _time(self, field: bytes) -> int:
        found = self._times.get(field)
        if found is None:
            found = seconds(_number(field) * BILLION)
            if len(self._times) < _CACHED:
                self._times[field] = found
        return found


def _number(field: bytes) -> int:
    """A numeric field; one that cannot be parsed is already a problem."""
    try:
        return header.number(field, "")
    except Malformed:
        return 0


def _from_records(attributes: Attributes, records: dict[bytes, bytes]) -> Attributes:
    """The attributes as the records of a pax header change them."""
    uid, gid = records.get(b"uid"), records.get(b"gid")
    mtime, atime = records.get(b"mtime"), records.get(b"atime")
    modified = _nanoseconds(mtime) if mtime else attributes.mtime
    return Attributes(
        attributes.mode,
        int(uid) if uid else attributes.uid,
        int(gid) if gid else attributes.gid,
        modified,
        _nanoseconds(atime) if atime else modified,
        tuple(xattrs(records.items()).items()),
    )


def _nanoseconds(text: bytes) -> int:
    """A decimal number of seconds, exactly: digits beyond the nanosecond are cut off."""
    whole, _point, fraction = text.partition(b".")
    sign = -1 if whole.startswith(b"-") else 1
    return seconds(sign * (abs(int(whole)) * BILLION + int(fraction[:9].ljust(9, b"0") or b"0")))
