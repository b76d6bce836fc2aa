"""Nothing of the size of a storage is kept: a listing of any length takes the memory of a short one."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from ocivalidate.audit.store import Store
from ocivalidate.audit.stores.bare import BareStore
from ocivalidate.audit.stores.files import FILE, FOLDER, Entry
from ocivalidate.audit.stores.layouts import LayoutsStore
from ocivalidate.audit.stores.tree import TreeStore
from ocivalidate.audit.stores.zot import ZotStore


class Many:
    """A storage with as many entries below each folder as one likes, none of which exists."""

    name = "many"
    remote = False

    def __init__(self, number: int, form: str, size: int = 1) -> None:
        self.number = number
        self.form = form
        self.size = size

    def walk(self, path: str, enter: Any = None) -> Iterator[Entry]:  # noqa: ARG002
        for number in range(0 if path.endswith("/tags") else self.number):
            encoded = f"{number:064x}"
            parts = {"shard": encoded[:2], "hex": encoded, "number": number}
            name = self.form.format(**parts)
            yield Entry(f"{path}/{name}", FILE, self.size)

    def look(self, path: str) -> Entry | None:
        return Entry(path, FOLDER)

    def contents(self, paths: Any, limit: int) -> Iterator[tuple[str, bytes | None]]:  # noqa: ARG002
        for path in paths:
            yield path, f"sha256:{path[-69:-5]}".encode()

    def close(self) -> None:
        pass


def peak(listing: Iterator[Any]) -> tuple[int, int]:
    """How many there are, and the most memory that they took."""
    tracemalloc.start()
    try:
        count = sum(1 for _one in listing)
        return count, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def tree(number: int) -> Iterator[Any]:
    return TreeStore(Many(number, "sha256/{shard}/{hex}/data")).blobs()  # type: ignore[arg-type]  # not all of it


def odd(number: int) -> Iterator[Any]:
    store = TreeStore(Many(number, "{number}"))  # type: ignore[arg-type]  # not all of it
    yield from store.blobs()
    yield from store.oddities()


def bare(number: int) -> Iterator[Any]:
    return BareStore(Many(number, "sha256/{hex}")).blobs()  # type: ignore[arg-type]  # not all of it


def layouts(number: int) -> Iterator[Any]:
    return _listed(LayoutsStore(Many(number, "{number}/index.json")), number)  # type: ignore[arg-type]  # not all of it


def links(number: int) -> Iterator[Any]:
    return TreeStore(Many(number, "sha256/{hex}/link")).links("x")  # type: ignore[arg-type]  # not all of it


def placeholders(number: int) -> Iterator[Any]:
    store = ZotStore(Many(number, "sha256/{hex}", 0))  # type: ignore[arg-type]  # not all of it
    for digest, entry in store.blob_files("x"):
        store.whereabouts.stands_in(entry.path, digest, "x")
    return store.oddities()


def _listed(store: Store, _number: int) -> Iterator[Any]:
    return store.repositories()


@pytest.mark.parametrize(
    ("listing", "number"), [(tree, 600), (odd, 1200), (bare, 600), (layouts, 600), (links, 300), (placeholders, 600)]
)
def test_a_long_listing_takes_the_memory_of_a_short_one(listing: Any, number: int) -> None:
    _few, small = peak(listing(number))
    _many, large = peak(listing(3 * number))
    assert large < small + 100_000
