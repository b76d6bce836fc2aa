"""Documents: a JSON text read strictly, with the position of every member.

Python's decoder alone is too kind for a validator: it takes repeated names (the last wins in silence), ``NaN``, lone
surrogates, numbers that overflow, and byte order marks. Here a text is decoded twice at most. The quick way is the C
decoder, with hooks that notice anything odd. Only then does the careful way follow: our own scanner, which knows what
is wrong and where.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any, Final, NoReturn

from ocivalidate.pointers import parse_pointer, pointer_of
from ocivalidate.positions import MAX_DIGITS, Lines, Place, Span, integer, places, scan, too_long
from ocivalidate.syntax import Malformed


class Missing(Enum):
    """The type of ``MISSING``: the value of a text that has none (``None`` is the value of ``null``)."""

    MISSING = "missing"

    def __repr__(self) -> str:
        return self.name


MISSING: Final = Missing.MISSING

MAX_DEPTH: Final = 512
"""How many arrays and objects may stand inside each other. Published OCI documents have less than 20."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with the text itself.

    ``kind`` is ``encoding``, ``syntax`` or ``depth`` (then the document has no value), or ``duplicate-name``,
    ``number-range`` or ``lone-surrogate`` (then it has). ``message`` is one line of printable ASCII. ``pointer`` is the
    RFC 6901 pointer of the member that it concerns, ``""`` for the whole document; of two members of one name both have
    it, so only ``offset`` tells which is meant. ``offset`` counts characters in ``Document.text`` (``None``: the whole
    text) and ``length`` how many it covers, at least 1. ``got`` is a short excerpt of the text as it stands there
    (unescaped: whoever prints it escapes it), or of its bytes in hexadecimal.
    """

    kind: str
    message: str
    pointer: str
    offset: int | None
    length: int
    got: str = ""


@dataclass(frozen=True, eq=False)
class Document:
    """A JSON text, what it means, and what is wrong with it.

    ``name`` is how it is shown: a path, or ``-``. ``text`` is ``""`` when the bytes are not UTF-8. ``value`` is
    ``MISSING`` when the text is not JSON. Numbers keep their notation: ``1.0`` and ``1e3`` are ``float``, ``1`` is
    ``int``. ``1e400`` is infinite, an integer of more than 4,300 digits is ``positions.HUGE`` or its negative; the last
    of several members of one name wins.
    """

    name: str
    text: str = field(repr=False)
    value: Any = field(repr=False)
    problems: tuple[Problem, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether there is a value that can be judged further."""
        return self.value is not MISSING

    def span(self, pointer: str, *, key: bool = False) -> Span | None:
        """Where the value to which ``pointer`` leads stands, or its member name in quotes (``key``).

        ``None`` when there is no such value, or it has no name (an array element, the whole document). Raises
        ``ValueError`` when ``pointer`` is no JSON pointer.
        """
        tokens = parse_pointer(pointer)
        place = self._places.find(tokens) if self._places else None
        offsets = place and (place.name if key else place.value)
        return self._lines.span(*offsets) if offsets else None

    def where(self, problem: Problem) -> Span | None:
        """Where a problem of this document stands; ``None`` when it concerns the whole text."""
        return None if problem.offset is None else self.span_at(problem.offset, problem.length)

    def span_at(self, offset: int, length: int = 1) -> Span:
        """Lines and columns of ``length`` characters at ``offset``, which may be the very end of the text."""
        return self._lines.span(offset, offset + length)

    def line(self, number: int) -> str:
        """One line of the text (counted from 1) without its end. Raises ``IndexError`` when there is no such line."""
        return self._lines.line(number)

    @cached_property
    def _places(self) -> Place | None:
        return places(self.text) if self.usable else None

    @cached_property
    def _lines(self) -> Lines:
        return Lines(self.text)


def read_document(data: bytes, name: str = "-", *, max_depth: int = MAX_DEPTH) -> Document:
    """Read a JSON text strictly (RFC 8259, UTF-8 without a byte order mark). Never raises for what the bytes hold.

    ``max_depth`` is how many arrays and objects may stand inside each other.
    """
    text, problem = _text_of(data)
    if problem is not None:
        return Document(name, text, MISSING, (problem,))
    value = _read_quickly(text, max_depth)
    if value is not MISSING:
        return Document(name, text, value)
    careful = _CarefulReader(text, max_depth)
    value = careful.read()
    return Document(name, text, value, tuple(careful.problems))


# --- Encoding

# The longer marks first: that of UTF-32 starts with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "UTF-8"),
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def _text_of(data: bytes) -> tuple[str, Problem | None]:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            text = _decoded_or_empty(data) if mark == codecs.BOM_UTF8 else ""
            message = f"the text starts with a byte order mark of {encoding} (at byte 0); JSON is UTF-8 without one"
            return text, Problem("encoding", message, "", 0 if text else None, 1, mark.hex(" "))
    if data[:4].count(0) in (2, 3):
        message = "there are zero bytes among the first four: the text may be UTF-16 or UTF-32, and JSON is UTF-8"
        return "", Problem("encoding", message, "", None, 1, data[:4].hex(" "))
    try:
        return data.decode(), None
    except UnicodeDecodeError as error:
        message = f"the text is not valid UTF-8 at byte {error.start} ({error.reason})"
        return "", Problem("encoding", message, "", None, 1, data[error.start : error.end].hex(" "))


def _decoded_or_empty(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return ""


# --- The quick way

# Strings are matched so that brackets in them do not count. Possessive repeats remember no places to come back to, for
# which a long string of escapes would take gigabytes.
_BRACKET = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]|[\]}]', re.DOTALL)
_DEEPER = {"[": 1, "{": 1, "]": -1, "}": -1}
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


def _read_quickly(text: str, max_depth: int) -> Any:
    """The value of a text in which nothing is odd; ``MISSING`` when something is or may be."""
    if _SURROGATE_ESCAPE.search(text) or _is_deeper(text, max_depth):
        return MISSING
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        # The decoder may refuse any depth: in Python 3.11 its own and that of all its callers share one limit.
        return MISSING


def _is_deeper(text: str, limit: int) -> bool:
    if text.count("[") + text.count("{") <= limit:
        return False
    depth = 0
    for match in _BRACKET.finditer(text):
        depth += _DEEPER.get(text[match.start()], 0)
        if depth > limit:
            return True
    return False


class _OddError(ValueError):
    """Something that the careful way must look at."""


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _OddError
    return members


def _finite(literal: str) -> float:
    number = float(literal)
    if math.isinf(number):
        raise _OddError
    return number


def _short(literal: str) -> int:
    if too_long(literal):
        raise _OddError
    return integer(literal)


def _constant(_literal: str) -> NoReturn:
    raise _OddError


_DECODER = json.JSONDecoder(object_pairs_hook=_members, parse_float=_finite, parse_int=_short, parse_constant=_constant)


# --- The careful way

_SURROGATE = re.compile("[\ud800-\udfff]")
_PAIR_OR_LONE = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|(?P<lone>\\u[dD][89a-fA-F]..)|\\.", re.DOTALL)
_EXCERPT = 40

# Every problem is noted, unless the notes would fill the memory: a pointer may be as long as the text, and there may be
# as many problems as the text has members. In characters; each note counts as at least so many.
_ROOM_FOR_NOTES = 16_000_000
_LEAST_NOTE = 160


class _TooDeep(Malformed):
    """The arrays and objects around this place are more than we are asked to follow."""


class _CarefulReader:
    """Builds the value from the events of the scanner, and notes everything that is wrong on the way."""

    def __init__(self, text: str, max_depth: int) -> None:
        self.problems: list[Problem] = []
        self._text = text
        self._max_depth = max_depth
        self._room = _ROOM_FOR_NOTES
        self._whole: list[Any] = []  # receives the value of the text
        # The containers around the current value, innermost last.
        self._open: list[dict[str, Any] | list[Any]] = [self._whole]
        # For each of them the name of its current member ("" in an array).
        self._names: list[str] = [""]

    def read(self) -> Any:
        """The value, or ``MISSING`` with the one problem that makes the text unusable."""
        try:
            for kind, start, end, value in scan(self._text):
                if kind == "name":
                    self._name(start, end, value)
                elif kind in "}]":
                    self._open.pop()
                    self._names.pop()
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
        return self._whole[0]

    def _enter(self, bracket: str, offset: int) -> None:
        if len(self._open) > self._max_depth:
            raise _TooDeep(f"more than {self._max_depth} arrays and objects stand inside each other", offset)
        container: dict[str, Any] | list[Any] = {} if bracket == "{" else []
        self._put(container)
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
            self._note("lone-surrogate", "half of a surrogate pair stands alone: it is no character", *lone.span())
        elif isinstance(value, float) and math.isinf(value):
            self._note("number-range", "the number is too large for a double", start, end)
        elif kind == "number" and isinstance(value, int) and too_long(self._text[start:end]):
            self._note("number-range", f"the integer has more than {MAX_DIGITS:,} digits", start, end)

    def _note(self, kind: str, message: str, start: int, end: int) -> None:
        if self._room <= 0:
            return
        pointer = self._pointer()
        self._room -= len(pointer) + _LEAST_NOTE
        if self._room <= 0:
            message += "; anything wrong further on is not listed"
        self.problems.append(Problem(kind, message, pointer, start, end - start, self._excerpt(start, end)))

    def _pointer(self) -> str:
        inside = zip(self._open[1:], self._names[1:], strict=True)
        return pointer_of(*(name if isinstance(outer, dict) else len(outer) - 1 for outer, name in inside))

    def _excerpt(self, start: int, end: int) -> str:
        return self._text[start:end] if end - start <= _EXCERPT else self._text[start : start + _EXCERPT - 1] + "…"
