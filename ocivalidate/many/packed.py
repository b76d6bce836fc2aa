"""Reports as bytes, to go from one process to another and to take little memory.

Most results say nothing but how a clause fared, and the same in many reports: each such row of results is sent once,
and held once. Clauses go by their ids.
"""

from __future__ import annotations

import io
import pickle
from dataclasses import replace
from operator import attrgetter
from typing import Any

from ocivalidate.rules.clauses import Clause, load
from ocivalidate.rules.findings import Outcome, Report, Result

# clause, outcome, reason, case, seconds, dump, pointer: a result without findings.
_Row = tuple[str, Outcome, str, str, float | None, str, str | None]
_Shape = tuple[_Row | None, ...]
# The results without findings, with a gap for each of the others.
_Plain = tuple[Result | None, ...]
_ROW = attrgetter("clause.id", "outcome", "reason", "case", "seconds", "dump", "pointer")


class Packer:
    """Makes bytes of reports, for one :class:`Unpacker`, which gets them in the same order."""

    def __init__(self) -> None:
        self._shapes: dict[_Shape, int] = {}

    def pack(self, report: Report) -> bytes:
        """A report as bytes."""
        shape = tuple(None if result.findings else _ROW(result) for result in report.results)
        is_new = shape not in self._shapes
        number = self._shapes.setdefault(shape, len(self._shapes))
        plain = tuple(None if result.findings else result for result in report.results) if is_new else None
        rest = [result for result in report.results if result.findings]
        stream = io.BytesIO()
        _Pickler(stream, pickle.HIGHEST_PROTOCOL).dump((number, plain, rest, replace(report, results=())))
        return stream.getvalue()


class Results:
    """The results that reports share."""

    def __init__(self) -> None:
        self._known: dict[_Row, Result] = {}
        self._whole: dict[_Shape, _Plain] = {}

    def shared(self, results: _Plain) -> _Plain:
        """The same results, each of them held once, and the row of them too."""
        shape: _Shape = tuple(None if result is None else _ROW(result) for result in results)
        if shape not in self._whole:
            self._whole[shape] = tuple(
                None if result is None else self._known.setdefault(_ROW(result), result) for result in results
            )
        return self._whole[shape]


class Unpacker:
    """Makes reports of the bytes of one :class:`Packer`. ``results`` are shared with other unpackers."""

    def __init__(self, results: Results) -> None:
        self._results = results
        self._shapes: list[_Plain] = []

    def unpack(self, data: bytes) -> Report:
        """The report again."""
        number, plain, rest, report = _Unpickler(io.BytesIO(data)).load()
        if plain is not None:
            self._shapes.append(self._results.shared(plain))
        shared = self._shapes[number]
        if rest:
            others = iter(rest)
            shared = tuple(result or next(others) for result in shared)
        whole: Report = replace(report, results=shared)
        return whole


class _Pickler(pickle.Pickler):
    """What is unpickled was pickled by ourselves, in a process that we started."""

    def persistent_id(self, thing: Any) -> str | None:
        return thing.id if type(thing) is Clause and thing.id in load() else None


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, clause_id: str) -> Clause:
        return load()[clause_id]
