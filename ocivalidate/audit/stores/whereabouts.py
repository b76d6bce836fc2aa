"""Where the bytes of blobs are, and what links lead to, so that what was listed is not asked for again.

It grows with the storage, so it is in a temporary file that goes away by itself.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator

_TABLES = """
PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;
CREATE TABLE same(key TEXT PRIMARY KEY, path TEXT) WITHOUT ROWID;
CREATE TABLE content(digest TEXT PRIMARY KEY, path TEXT, size INT) WITHOUT ROWID;
CREATE TABLE link(repository TEXT, digest TEXT, target TEXT, PRIMARY KEY(repository, digest)) WITHOUT ROWID;
CREATE TABLE standing_in(path TEXT PRIMARY KEY, digest TEXT, repository TEXT) WITHOUT ROWID;
"""


class Whereabouts:
    """The book of it, for several threads at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._base = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._base.executescript(_TABLES)
        # Nobody else reads it, so that nothing is ever to be committed.
        self._base.execute("BEGIN")

    def first_name(self, key: str, path: str) -> str:
        """The path by which a file with several names is called: the first one that came."""
        with self._lock:
            self._base.execute("INSERT OR IGNORE INTO same VALUES(?, ?)", (key, path))
            found: str = self._base.execute("SELECT path FROM same WHERE key = ?", (key,)).fetchone()[0]
        return found

    def put(self, digest: str, path: str, size: int) -> None:
        """Here are bytes of a digest; the first place counts."""
        with self._lock:
            self._base.execute("INSERT OR IGNORE INTO content VALUES(?, ?, ?)", (digest, path, size))

    def content(self, digest: str) -> tuple[str, int] | None:
        """Path and size of the bytes of a digest."""
        with self._lock:
            row = self._base.execute("SELECT path, size FROM content WHERE digest = ?", (digest,)).fetchone()
        return row and (row[0], row[1])

    def put_link(self, repository: str, digest: str, target: str, *, first: bool) -> None:
        """A repository has a link with the name of a digest. ``first``: it counts before those that came or come."""
        how = "REPLACE" if first else "IGNORE"
        with self._lock:
            self._base.execute(f"INSERT OR {how} INTO link VALUES(?, ?, ?)", (repository, digest, target))

    def link(self, repository: str, digest: str) -> str:
        """What the link with the name of a digest leads to; empty if none is known."""
        question = "SELECT target FROM link WHERE repository = ? AND digest = ?"
        with self._lock:
            row = self._base.execute(question, (repository, digest)).fetchone()
        return row[0] if row else ""

    def stands_in(self, path: str, digest: str, repository: str) -> None:
        """A file without bytes stands in for a blob."""
        with self._lock:
            self._base.execute("INSERT OR IGNORE INTO standing_in VALUES(?, ?, ?)", (path, digest, repository))

    def nowhere(self) -> Iterator[tuple[str, str, str]]:
        """Path, digest and repository of those that stand in for bytes which are nowhere."""
        question = (
            "SELECT path, digest, repository FROM standing_in WHERE path > ? "
            "AND NOT EXISTS (SELECT 1 FROM content WHERE content.digest = standing_in.digest) ORDER BY path LIMIT 100"
        )
        last = ""
        while True:
            with self._lock:
                page = self._base.execute(question, (last,)).fetchall()
            if not page:
                return
            yield from page
            last = page[-1][0]

    def close(self) -> None:
        """Let go of it."""
        with self._lock:
            self._base.close()
