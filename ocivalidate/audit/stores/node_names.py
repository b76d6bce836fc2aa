"""What a node names: images by namespace, and the blobs that each namespace holds; in a temporary file, as it grows."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator

_TABLES = """
PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;
CREATE TABLE namespace(name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE image(namespace TEXT, name TEXT, digest TEXT, PRIMARY KEY(namespace, name)) WITHOUT ROWID;
CREATE TABLE blob(namespace TEXT, digest TEXT, PRIMARY KEY(namespace, digest)) WITHOUT ROWID;
"""
_PAGE = 500


class NodeNames:
    """The book of it, for several threads at a time. ``known``: what names blobs was there, and was read."""

    def __init__(self) -> None:
        self.known = False
        self._lock = threading.Lock()
        self._base = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._base.executescript(_TABLES)

    def _do(self, statement: str, *values: object) -> list[tuple[str, ...]]:
        with self._lock:
            return self._base.execute(statement, values).fetchall()

    def put_namespace(self, name: str) -> None:
        """There is a namespace."""
        self._do("INSERT OR IGNORE INTO namespace VALUES(?)", name)

    def put_image(self, namespace: str, name: str, digest: str) -> None:
        """There is an image; ``digest`` is empty if it has none."""
        self._do("INSERT OR IGNORE INTO image VALUES(?, ?, ?)", namespace, name, digest)

    def put_blob(self, namespace: str, digest: str) -> None:
        """A namespace holds a blob."""
        self._do("INSERT OR IGNORE INTO blob VALUES(?, ?)", namespace, digest)

    def namespaces(self) -> Iterator[str]:
        """All namespaces."""
        last = ""
        while page := self._do("SELECT name FROM namespace WHERE name > ? ORDER BY name LIMIT ?", last, _PAGE):
            yield from (name for (name,) in page)
            last = page[-1][0]

    def images(self, namespace: str) -> Iterator[tuple[str, str]]:
        """The images of a namespace, and their digests."""
        question, last = "SELECT name, digest FROM image WHERE namespace = ? AND name > ? ORDER BY name LIMIT ?", ""
        while page := self._do(question, namespace, last, _PAGE):
            yield from ((name, digest) for name, digest in page)
            last = page[-1][0]

    def blobs(self, namespace: str) -> Iterator[str]:
        """The digests of the blobs of a namespace."""
        question, last = "SELECT digest FROM blob WHERE namespace = ? AND digest > ? ORDER BY digest LIMIT ?", ""
        while page := self._do(question, namespace, last, _PAGE):
            yield from (digest for (digest,) in page)
            last = page[-1][0]

    def holds(self, namespace: str, digest: str) -> bool:
        """Whether a namespace holds a blob."""
        return bool(self._do("SELECT 1 FROM blob WHERE namespace = ? AND digest = ?", namespace, digest))

    def close(self) -> None:
        """Let go of it."""
        with self._lock:
            self._base.close()
