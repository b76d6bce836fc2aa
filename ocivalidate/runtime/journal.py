"""What an exploration has judged so far, in a file, so that it can go on where it was stopped.

The first line is the request; each other one has all results of one config. A line that was not written to its end is
passed over. What the values of single features come to is not kept: it is asked again, as the configs depend on it.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from ocivalidate.bundle.sources import read_file
from ocivalidate.errors import ProtocolError, Unreadable, UsageError
from ocivalidate.rules.findings import Outcome, Result
from ocivalidate.runtime.protocol import Request, read, read_event, write

_KEPT = "explore."
"""Begins the ids of the cases of which results are kept."""
_MOST_BYTES = 1 << 30


class Journal:
    """A journal at ``path``, of what ``request`` asks for; ``results`` are those that it has already.

    Raises :class:`UsageError` for a file that is none, or that is one of another run.
    """

    def __init__(self, path: str, request: Request) -> None:
        self._path = path
        self._planned: Counter[str] = Counter()
        self._open: dict[str, list[Result]] = {}
        self.results: tuple[Result, ...] = ()
        head = write(_identity(request))
        # What would wait for another end, or is written elsewhere.
        if os.path.lexists(path) and not os.path.isfile(path):
            raise UsageError(f"{path}: not a journal of an exploration: not a regular file")
        if os.path.exists(path) and os.path.getsize(path):
            self.results = self._read(head, request.explore)
            # The last line may have been cut.
            self._append(b"" if self._ends_in_a_line() else b"\n")
        else:
            self._append(head)

    @property
    def done(self) -> tuple[str, ...]:
        """The ids of the cases of which it has the results."""
        return tuple(dict.fromkeys(result.case for result in self.results))

    def plan(self, results: Sequence[tuple[str, str]]) -> None:
        """Take note of how many results each case will have."""
        self._planned = Counter(case for case, _clause in results)

    def take(self, result: Result) -> None:
        """Keep a result, as soon as all of its case are there. What could not be judged is tried again."""
        if not result.case.startswith(_KEPT):
            return
        some = self._open.setdefault(result.case, [])
        some.append(replace(result, dump=""))
        if len(some) < self._planned[result.case]:
            return
        del self._open[result.case]
        if not any(one.outcome is Outcome.ERROR for one in some):
            self._append(json.dumps([write(one).decode() for one in some]).encode() + b"\n")

    def _append(self, data: bytes) -> None:
        """Add something to the file, in one call. Raises :class:`UsageError`."""
        try:
            with open(self._path, "ab", buffering=0) as file:
                file.write(data)
        except OSError as problem:
            raise UsageError(f"{self._path}: cannot be written: {problem.strerror}") from problem

    def _ends_in_a_line(self) -> bool:
        with open(self._path, "rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read() == b"\n"

    def _read(self, head: bytes, count: int) -> tuple[Result, ...]:
        try:
            first, *lines = read_file(self._path, _MOST_BYTES).split(b"\n")
            request = read(first)
        except (Unreadable, ProtocolError) as problem:
            raise UsageError(f"{self._path}: not a journal of an exploration: {problem}") from problem
        if not isinstance(request, Request) or write(_identity(request)) != head:
            raise UsageError(f"{self._path}: the journal of another run: of other options, or another runtime")
        # A case once, as two runs may have written, and none that this run does not have.
        cases: dict[str, list[Result]] = {}
        for results in filter(None, map(_results_in, lines)):
            if _number(results[0].case) <= count:
                cases.setdefault(results[0].case, results)
        return tuple(result for results in cases.values() for result in results)


def _number(case: str) -> int:
    digits = case.removeprefix(_KEPT)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else sys.maxsize


def _identity(request: Request) -> Request:
    """What has to be the same in a run that goes on: not how many configs, and not how and where it runs."""
    return replace(request, explore=1, done=(), jobs=None, dump_dir=None, require=())


def _results_in(line: bytes) -> list[Result]:
    try:
        events = [read_event(text.encode()) for text in json.loads(line or b"[]")]
    except (ValueError, TypeError, AttributeError, ProtocolError):
        return []
    return [event for event in events if isinstance(event, Result)]
