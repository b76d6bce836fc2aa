"""Documents: a JSON text read strictly, with the position of every member.

Python's decoder alone is too lenient for a validator: it accepts repeated names (the last wins silently), ``NaN``, lone
surrogates, numbers that overflow, and byte order marks. Here a text is decoded at most twice: first by the C decoder,
with hooks that notice anything unusual, and only then by our own scanner, which knows what is wrong and where.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from ocivalidate.errors import OciValidateError
from ocivalidate.jsontext.integers import integer, real, too_long
from ocivalidate.jsontext.pointers import Path, parse_pointer
from ocivalidate.jsontext.problems import MISSING, Problem

if TYPE_CHECKING:
    from ocivalidate.jsontext.positions import Lines, Place, Span

__all__ = ["MAX_DEPTH", "MISSING", "Document", "Noting", "Problem", "read_document"]


MAX_DEPTH: Final = 512
"""The maximum nesting depth. Published OCI documents have less than 20 levels."""


@dataclass(frozen=True, eq=False)
class Document:
    """A JSON text, what it means, and what is wrong with it.

    ``name`` is how it is shown: a path, or ``-``. ``text`` is ``""`` when the bytes are not UTF-8. ``value`` is
    ``MISSING`` when the text is not JSON. Numbers keep their notation: ``1.0`` and ``1e3`` are ``float``, ``1`` is
    ``int``; ``1e-400`` is ``integers.Inexact``, which is no integer. ``1e400`` is infinite, an integer of more than
    4,300 digits is ``integers.HUGE`` or its negative; the last of several members of one name wins.
    """

    name: str
    text: str = field(repr=False)
    value: Any = field(repr=False)
    problems: tuple[Problem, ...] = ()
    _foreseen: dict[tuple[str, ...], Place | None] = field(default_factory=dict, init=False, repr=False)

    @property
    def usable(self) -> bool:
        """Whether there is a value that can be judged further."""
        return self.value is not MISSING

    def span(self, pointer: str, *, key: bool = False) -> Span | None:
        """Where the value to which ``pointer`` leads stands, or its member name in quotes (``key``).

        ``None`` when there is no such value, or it has no name (an array element, the whole document). Raises
        ``ValueError`` when ``pointer`` is no JSON pointer.
        """
        return self.span_of(parse_pointer(pointer), key=key)

    def span_of(self, tokens: Sequence[str | int], *, key: bool = False) -> Span | None:
        """:meth:`span` for the member names and array indexes on the way to the value."""
        place = self.place_of(tokens)
        offsets = place and (place.name if key else place.value)
        return self._lines.span(*offsets) if offsets else None

    def place_of(self, tokens: Sequence[str | int]) -> Place | None:
        """The offsets of the value to which these member names and indexes lead, and of its name."""
        way = tuple(map(str, tokens))
        return self._foreseen[way] if way in self._foreseen else self._places and self._places.find(way)

    def foresee(self, ways: Iterable[Sequence[str | int]]) -> None:
        """Find where the values to which these member names and indexes lead stand, before :meth:`span_of` is asked.

        Otherwise it has to make an index of everything.
        """
        from ocivalidate.jsontext.wanted import places_of

        if self.usable:
            self._foreseen.update(places_of(self.text, (tuple(map(str, way)) for way in ways)))

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
        from ocivalidate.jsontext.positions import places

        return places(self.text) if self.usable else None

    @cached_property
    def _lines(self) -> Lines:
        from ocivalidate.jsontext.positions import Lines

        return Lines(self.text)


class Noting(NamedTuple):
    """Which problems of a text are noted.

    ``pattern`` gives the pattern of a place; of each kind at the places of one pattern the first ``most`` are noted
    (``None``: all), and the others counted.
    """

    pattern: Callable[[Path], str] = lambda _path: ""
    most: int | None = None


def read_document(
    data: bytes, name: str = "-", *, max_depth: int = MAX_DEPTH, noting: Callable[[], Noting] = Noting
) -> Document:
    """Read a JSON text strictly (RFC 8259, UTF-8 without a byte order mark). Never raises for what the bytes hold.

    ``max_depth`` is the maximum nesting depth of arrays and objects. ``noting`` is called when something is
    wrong.
    """
    text, problem = _text_of(data)
    if problem is not None:
        return Document(name, text, MISSING, (problem,))
    value = _read_quickly(text, max_depth)
    if value is not MISSING:
        return Document(name, text, value)
    from ocivalidate.jsontext.diagnose import DiagnosingReader

    reader = DiagnosingReader(text, max_depth, *noting())
    value = reader.read()
    return Document(name, text, value, tuple(reader.problems))


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


class _OddError(OciValidateError, ValueError):
    """Something that the careful way must look at."""


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _OddError
    return members


def _finite(literal: str) -> float:
    number = real(literal)
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
