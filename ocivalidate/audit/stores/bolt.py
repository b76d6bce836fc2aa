"""Reads buckets of a bolt database, which a hostile file may only pretend to be: nothing in it is believed.

The form (go.etcd.io/bbolt, ``page.go``, ``bucket.go``): pages, two of which tell where the root is; the one with the
higher number and a right checksum counts. A page is an array of elements: keys with the pages below them, or keys with
values; a value may be a bucket again, on pages of its own or within the value.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ocivalidate.errors import OciValidateError

_HEADER = struct.Struct("<QHHI")
_META = struct.Struct("<IIIIQQQQQ")
_SUM = struct.Struct("<Q")
_BRANCH_ELEMENT, _LEAF_ELEMENT = struct.Struct("<IIQ"), struct.Struct("<IIII")
_BUCKET = struct.Struct("<QQ")
_BRANCH, _LEAF, _METAPAGE = 1, 2, 4
_MAGIC, _VERSION = 0xED0CDAED, 2
_PAGE_SIZES = tuple(1 << power for power in range(9, 17))
_LARGEST_PAGE, _DEEPEST = 16 << 20, 40
# The first pages of the tree are read more than once.
_SPARE = 16 << 20


class Damaged(OciValidateError):
    """The file is no bolt database, or not a sound one."""


class Bucket(NamedTuple):
    """A bucket: the number of its root page, or the page itself if it is within a value."""

    page: int
    inline: bytes = b""


class Bolt:
    """A database. ``read(offset, length)`` gives bytes of the file, which has ``size``. Raises :class:`Damaged`."""

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        self._read = read
        metas = [meta for meta in map(self._meta, (0, *_PAGE_SIZES)) if meta]
        if not metas:
            raise Damaged("it is no bolt database")
        self.transaction, self._page_size, root = max(metas)
        self.root = Bucket(root)
        self._budget = 2 * size + _SPARE

    def _meta(self, offset: int) -> tuple[int, int, int] | None:
        """Transaction, page size and root page by a meta page; ``None`` if there is no right one."""
        data = self._read(offset, _HEADER.size + _META.size + _SUM.size)
        if len(data) < _HEADER.size + _META.size + _SUM.size or not _HEADER.unpack_from(data)[1] & _METAPAGE:
            return None
        body = data[_HEADER.size :][: _META.size]
        magic, version, page_size, _flags, root, _sequence, _free, _high, transaction = _META.unpack(body)
        right = _SUM.unpack_from(data, _HEADER.size + _META.size)[0] == _fnv(body)
        if magic != _MAGIC or version != _VERSION or page_size not in _PAGE_SIZES or not right:
            return None
        return transaction, page_size, root

    def items(self, bucket: Bucket) -> Iterator[tuple[bytes, bytes | Bucket]]:
        """The keys of a bucket, each with its value or the bucket that it is. Raises :class:`Damaged`."""
        return self._items(bucket.inline or self._page(bucket.page), 0)

    def get(self, bucket: Bucket, key: bytes) -> bytes | Bucket | None:
        """The value of a key; ``None`` if there is none."""
        return next((value for name, value in self.items(bucket) if name == key), None)

    def below(self, bucket: Bucket, *keys: bytes) -> Bucket | None:
        """The bucket that keys lead to, one in the other."""
        for key in keys:
            found = self.get(bucket, key)
            if not isinstance(found, Bucket):
                return None
            bucket = found
        return bucket

    def _items(self, page: bytes, depth: int) -> Iterator[tuple[bytes, bytes | Bucket]]:
        _number, flags, count, _overflow = _header(page)
        form = _BRANCH_ELEMENT if flags & _BRANCH else _LEAF_ELEMENT
        if not flags & (_BRANCH | _LEAF) or depth > _DEEPEST or _HEADER.size + count * form.size > len(page):
            raise Damaged("a page of it is neither a branch nor a leaf")
        left = len(page)
        for index in range(count):
            start = _HEADER.size + index * form.size
            element = form.unpack_from(page, start)
            if flags & _BRANCH:
                yield from self._items(self._page(element[2]), depth + 1)
                continue
            what, position, key_size, value_size = element
            left -= key_size + value_size
            middle = start + position + key_size
            if left < 0 or middle + value_size > len(page):
                raise Damaged("an element of it is larger than its page")
            value = page[middle : middle + value_size]
            yield page[start + position : middle], _bucket(value) if what & 1 else value

    def _page(self, number: int) -> bytes:
        head = self._read(number * self._page_size, _HEADER.size)
        own, _flags, _count, overflow = _header(head)
        length = (overflow + 1) * self._page_size
        if own != number or length > _LARGEST_PAGE:
            raise Damaged("a page of it is not where it should be")
        self._budget -= length
        if self._budget < 0:
            raise Damaged("its pages lead back to each other")
        page = self._read(number * self._page_size, length)
        if len(page) < length:
            raise Damaged("it ends too early")
        return page


def _header(page: bytes) -> tuple[int, int, int, int]:
    if len(page) < _HEADER.size:
        raise Damaged("it ends too early")
    number, flags, count, overflow = _HEADER.unpack_from(page)
    return number, flags, count, overflow


def _bucket(value: bytes) -> Bucket:
    if len(value) < _BUCKET.size:
        raise Damaged("a bucket of it is too short")
    page, _sequence = _BUCKET.unpack_from(value)
    inline = value[_BUCKET.size :] if page == 0 else b""
    if page == 0 and len(inline) < _HEADER.size:
        raise Damaged("a bucket of it is too short")
    return Bucket(page, inline)


def _fnv(data: bytes) -> int:
    """The FNV-1a hash of 64 bits."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value
