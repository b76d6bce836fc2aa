"""What an exploration has judged so far, in a file, so that it can go on where it was stopped.

The first line is the request, the second one says which program was judged; each other one has all results of one
config or life. A line that was not written to its end is passed over. What the values of single features come to is
not kept: it is asked again, as the configs depend on it. One run at a time has a journal.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ocivalidate.bundle.sources import read_file
from ocivalidate.errors import ProtocolError, Unreadable, UsageError
from ocivalidate.rules.findings import Outcome, Result
from ocivalidate.runtime.protocol import Request, RuntimeFacts, read_event, write

_KEPT = ("explore.", "lives.")
"""Begin the ids of the cases of which results are kept: those of configs, and those of lives."""
_MOST_BYTES = 1 << 30
_SUITE, _REQUEST, _PROGRAM = "ocivalidate", "request", "runtime"


class Journal:
    """A journal at ``path``, of what ``request`` asks for; ``results`` are those that it has already.

    It is locked until it is closed. Raises :class:`UsageError` for a file that is none, one of another run or of
    another version of ours, and one that another run has.
    """

    def __init__(self, path: str, request: Request) -> None:
        self._path = path
        self._planned: Counter[str] = Counter()
        self._open: dict[str, list[Result]] = {}
        self._judged: dict[str, str] | None = None
        self.results: tuple[Result, ...] = ()
        # What would wait for another end, or is written elsewhere.
        if os.path.lexists(path) and not os.path.isfile(path):
            raise UsageError(f"{path}: not a journal of an exploration: not a regular file")
        self._file = self._locked()
        try:
            if os.path.getsize(path):
                self.results = self._read(_head(request), request.explore)
                # The last line may have been cut.
                self._append(b"" if self._ends_in_a_line() else b"\n")
            else:
                self._append(_head(request))
        except BaseException:
            self.close()
            raise

    def _locked(self) -> io.FileIO:
        """The file, which no other run may have."""
        import fcntl  # absent on systems where cases can only be listed

        try:
            file = open(self._path, "ab", buffering=0)  # noqa: SIM115  # it is kept open, and locked
        except OSError as problem:
            raise UsageError(f"{self._path}: cannot be written: {problem.strerror}") from problem
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            file.close()
            raise UsageError(f"{self._path}: another run is writing this journal") from problem
        except OSError as problem:
            file.close()
            raise UsageError(f"{self._path}: cannot be locked: {problem.strerror}") from problem
        return file

    def close(self) -> None:
        """Let another run have it."""
        self._file.close()

    def begin(self, runtime: RuntimeFacts) -> None:
        """Take note of the program that is judged. Raises :class:`UsageError` if another one was."""
        judged = {"version": runtime.version, "digest": runtime.digest}
        if self._judged is None:
            self._append(json.dumps({_PROGRAM: judged}).encode() + b"\n")
        elif self._judged != judged:
            was, now = self._judged, judged
            what = (
                f"it is version {now['version'] or 'unknown'} now, and was {was['version'] or 'unknown'}"
                if was["version"] != now["version"]
                else "it was built anew since"
            )
            raise UsageError(f"{self._path}: the journal of another build of this runtime: {what}")
        self._judged = judged

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
            self._file.write(data)
        except OSError as problem:
            raise UsageError(f"{self._path}: cannot be written: {problem.strerror}") from problem

    def _ends_in_a_line(self) -> bool:
        with open(self._path, "rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read() == b"\n"

    def _read(self, head: bytes, count: int) -> tuple[Result, ...]:
        try:
            first, *lines = read_file(self._path, _MOST_BYTES).split(b"\n")
        except Unreadable as problem:
            raise UsageError(f"{self._path}: not a journal of an exploration: {problem}") from problem
        given, wanted = _members_in(first), _members_in(head)
        if _REQUEST not in given:
            raise UsageError(f"{self._path}: not a journal of an exploration: its first line is no request")
        if given.get(_SUITE) != wanted[_SUITE]:
            said = f"kept by version {given.get(_SUITE)}, and this is {wanted[_SUITE]}"
            raise UsageError(f"{self._path}: the journal of another version of ocivalidate: {said}")
        if given != wanted:
            raise UsageError(f"{self._path}: the journal of another run: of other options, or another runtime")
        self._judged = next(filter(None, map(_program_in, lines)), None)
        # A case once, and none that this run does not have.
        cases: dict[str, list[Result]] = {}
        for results in filter(None, map(_results_in, lines)):
            if _number(results[0].case) <= count:
                cases.setdefault(results[0].case, results)
        # Without a word on the program, nobody knows what they are about.
        return tuple(result for results in cases.values() for result in results) if self._judged is not None else ()


def _head(request: Request) -> bytes:
    return json.dumps({_SUITE: _version(), _REQUEST: json.loads(write(_identity(request)))}).encode() + b"\n"


def _version() -> str:
    from importlib import metadata  # of no use to most runs

    try:
        return metadata.version("ocivalidate")
    except metadata.PackageNotFoundError:
        return "unknown"


def _members_in(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line or b"null")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _program_in(line: bytes) -> dict[str, str] | None:
    """The program that a line names: anybody may have written it."""
    found = _members_in(line).get(_PROGRAM)
    if not isinstance(found, dict) or {*found} != {"version", "digest"}:
        return None
    return found if all(isinstance(text, str) for text in found.values()) else None


def _number(case: str) -> int:
    digits = next((case.removeprefix(kind) for kind in _KEPT if case.startswith(kind)), "")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else sys.maxsize


def _identity(request: Request) -> Request:
    """What has to be the same in a run that goes on: not how many configs, and not how and where it runs."""
    return replace(request, explore=1, done=(), jobs=None, dump_dir=None, require=())


def _results_in(line: bytes) -> list[Result]:
    try:
        events = [read_event(text.encode()) for text in json.loads(line or b"[]")]
    except (ValueError, TypeError, AttributeError, ProtocolError):
        return []
    results = [event for event in events if isinstance(event, Result) and event.outcome is not Outcome.ERROR]
    # All that is in a line is of one case, each clause once, and could be judged: that is what is written.
    one_case = len({result.case for result in results}) == 1
    once = len({result.clause.id for result in results}) == len(events)
    return results if one_case and once else []
