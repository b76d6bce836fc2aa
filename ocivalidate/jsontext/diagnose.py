"""Reading a JSON text in which something is odd: slower than the C decoder, but it knows what is wrong and where."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from ocivalidate.errors import Malformed
from ocivalidate.jsontext.integers import MAX_DIGITS, too_long
from ocivalidate.jsontext.pointers import Path, pointer_to
from ocivalidate.jsontext.positions import scan
from ocivalidate.jsontext.problems import MISSING, Problem
from ocivalidate.keeping import Counts

_SURROGATE = re.compile("[\ud800-\udfff]")
_PAIR_OR_LONE = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|(?P<lone>\\u[dD][89a-fA-F]..)|\\.", re.DOTALL)
_EXCERPT = 40

# What is to be noted is, unless the notes would fill the memory: a pointer may be as long as the text, and there may be
# as many problems as the text has members. In characters; each note counts as at least so many. Others are counted.
_ROOM_FOR_NOTES = 16_000_000
_LEAST_NOTE = 160


class _TooDeep(Malformed):
    """The arrays and objects around this place are more than we are asked to follow."""


class DiagnosingReader:
    """Builds the value from the events of the scanner, and notes everything that is wrong on the way."""

    def __init__(self, text: str, max_depth: int, pattern: Callable[[Path], str], most: int | None) -> None:
        self.problems: list[Problem] = []
        self._text = text
        self._max_depth = max_depth
        self._pattern = pattern
        self._counts = Counts(most)
        self._room = _ROOM_FOR_NOTES
        self._whole: list[Any] = []  # receives the value of the text
        # The containers around the current value, innermost last.
        self._open: list[dict[str, Any] | list[Any]] = [self._whole]
        # For each of them the name of its current member ("" in an array), and the path to it.
        self._names: list[str] = [""]
        self._paths: list[Path] = [None]

    def read(self) -> Any:
        """The value, or ``MISSING`` with the one problem that makes the text unusable."""
        try:
            for kind, start, end, value in scan(self._text):
                if kind == "name":
                    self._name(start, end, value)
                elif kind in "}]":
                    self._open.pop()
                    self._names.pop()
                    self._paths.pop()
                elif kind in "{[":
                    self._enter(kind, start)
                else:
                    self._put(value)
                    self._judge(kind, start, end, value)
        except Malformed as error:
            kind = "depth" if isinstance(error, _TooDeep) else "syntax"
            got = self._excerpt(error.offset, error.offset + error.length)
            self.problems = [Problem(kind, error.message, "", error.offset, error.length, got)]
            return MISSING
        self.problems = self._counted()
        return self._whole[0]

    def _enter(self, bracket: str, offset: int) -> None:
        if len(self._open) > self._max_depth:
            raise _TooDeep(f"more than {self._max_depth} levels of nested arrays and objects", offset)
        container: dict[str, Any] | list[Any] = {} if bracket == "{" else []
        self._put(container)
        self._paths.append(self._path())
        self._open.append(container)
        self._names.append("")

    def _put(self, value: Any) -> None:
        container = self._open[-1]
        if isinstance(container, dict):
            container[self._names[-1]] = value
        else:
            container.append(value)

    def _name(self, start: int, end: int, name: str) -> None:
        self._names[-1] = name
        if name in self._open[-1]:
            self._note("duplicate-name", "this member name is repeated in the same object", start, end)
        self._judge("string", start, end, name)

    def _judge(self, kind: str, start: int, end: int, value: Any) -> None:
        if kind == "string" and _SURROGATE.search(value):
            escapes = _PAIR_OR_LONE.finditer(self._text, start, end)
            lone = next(match for match in escapes if match["lone"])
            self._note("lone-surrogate", "half of a surrogate pair is not a character", *lone.span())
        elif isinstance(value, float) and math.isinf(value):
            self._note("number-range", "the number is too large for a double", start, end)
        elif kind == "number" and isinstance(value, int) and too_long(self._text[start:end]):
            self._note("number-range", f"the integer has more than {MAX_DIGITS:,} digits", start, end)

    def _note(self, kind: str, message: str, start: int, end: int) -> None:
        path = self._path()
        pattern = self._pattern(path)
        if not self._counts.keep((kind, pattern)) or self._room <= 0:
            return
        pointer = pointer_to(path)
        self._room -= len(pointer) + _LEAST_NOTE
        self.problems.append(Problem(kind, message, pointer, start, end - start, self._excerpt(start, end), pattern))

    def _counted(self) -> list[Problem]:
        """The problems, the last of each kind with how many more there are."""
        more = self._counts.left_out((problem.kind, problem.pattern) for problem in self.problems)
        return [
            problem._replace(more=more[number]) if number in more else problem
            for number, problem in enumerate(self.problems)
        ]

    def _path(self) -> Path:
        """The path to the current value."""
        if len(self._open) == 1:
            return None
        container = self._open[-1]
        return self._paths[-1], self._names[-1] if isinstance(container, dict) else len(container) - 1

    def _excerpt(self, start: int, end: int) -> str:
        return self._text[start:end] if end - start <= _EXCERPT else self._text[start : start + _EXCERPT - 1] + "…"
