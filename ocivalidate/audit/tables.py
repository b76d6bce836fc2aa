"""The file in which an audit keeps what grows with the registry: tables of SQLite, so that memory stays flat.

Only this process writes it, and it goes away with it. One connection, one lock: several threads use it.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, NoReturn, TypeVar

from ocivalidate.errors import CannotJudge

PAGE = 1000
_T = TypeVar("_T")
_TABLES = """
CREATE TABLE held(path TEXT PRIMARY KEY, digest TEXT, size INT, repository TEXT, listed INT, used INT DEFAULT 0,
                  layer INT DEFAULT 0, diffs TEXT DEFAULT '', done INT DEFAULT 0, judged INT DEFAULT 0) WITHOUT ROWID;
CREATE INDEX held_digest ON held(digest);
CREATE TABLE missed(path TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE facts(path TEXT PRIMARY KEY, facts BLOB) WITHOUT ROWID;
CREATE TABLE documents(path TEXT PRIMARY KEY, data BLOB, packed INT) WITHOUT ROWID;
CREATE TABLE trails(path TEXT PRIMARY KEY, trail BLOB) WITHOUT ROWID;
CREATE TABLE links(repository TEXT, kind TEXT, tag TEXT, digest TEXT, path TEXT);
CREATE INDEX links_repository ON links(repository, kind, digest);
CREATE TABLE units(number INTEGER PRIMARY KEY, repository TEXT, digest TEXT, old INT DEFAULT 0, problem TEXT DEFAULT '',
                   UNIQUE(repository, digest));
CREATE TABLE left_open(repository TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE named(repository TEXT, digest TEXT, manifest INT, PRIMARY KEY(repository, digest)) WITHOUT ROWID;
CREATE TABLE absent(repository TEXT, digest TEXT, clause TEXT, key BLOB, PRIMARY KEY(repository, digest, clause))
    WITHOUT ROWID;
CREATE INDEX absent_digest ON absent(digest);
CREATE TABLE odd(path TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE findings(number INTEGER PRIMARY KEY, key BLOB UNIQUE, finding BLOB, wound TEXT);
CREATE TABLE breaks(finding INT, repository TEXT, name TEXT, PRIMARY KEY(finding, repository, name)) WITHOUT ROWID;
CREATE TABLE states(repository TEXT, name TEXT, digest TEXT, state TEXT, PRIMARY KEY(repository, name)) WITHOUT ROWID;
"""
_FAST = "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE; PRAGMA cache_size=-16384;"


class Tables:
    """The tables of one audit. ``path``: where to keep them (default: a temporary file, in the folder for such)."""

    def __init__(self, path: str = "") -> None:
        self._lock = threading.RLock()
        self._failed = ""
        try:
            self._base = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._base.executescript(_FAST + _TABLES)
            # Nobody else reads it, so that nothing is ever to be committed.
            self._base.execute("BEGIN")
        except sqlite3.DatabaseError as error:
            self._fail(error)

    def _fail(self, error: sqlite3.DatabaseError) -> NoReturn:
        """Say in a line that nothing can be kept, from then on for good: what is in the file may be half of it."""
        self._failed = f"the file of what an audit reads cannot be used: {error}; TMPDIR says where it is"
        raise CannotJudge(self._failed) from error

    def _done(self, do: Callable[..., _T], *values: Any) -> _T:
        """Do something in the file. Raises :class:`CannotJudge`."""
        with self._lock:
            if self._failed:
                raise CannotJudge(self._failed)
            try:
                return do(*values)
            except sqlite3.DatabaseError as error:
                self._fail(error)

    def close(self) -> None:
        """Let go of it."""
        self._base.close()

    def do(self, statement: str, *values: Any) -> sqlite3.Cursor:
        """Execute a statement. Raises :class:`CannotJudge` where the disk is full, or fails."""
        return self._done(self._base.execute, statement, values)

    def do_each(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Execute a statement for each row, some at a time."""
        ahead = iter(rows)
        while page := [*islice(ahead, PAGE)]:
            self._done(self._base.executemany, statement, page)

    def rows(self, question: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        """The rows of an answer, some at a time, so that the book may be written meanwhile."""
        answer = self.do(question, *values)
        while True:
            page = self._done(answer.fetchmany, PAGE)
            if not page:
                return
            yield from page

    def one(self, question: str, *values: Any) -> Any:
        """The first value of the only row of an answer; ``None`` if there is none."""
        row = self.do(question, *values).fetchone()
        return row[0] if row else None
