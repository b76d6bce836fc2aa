"""Where everything in a JSON text stands: a strict scanner without recursion, an index of places, lines and columns."""

from __future__ import annotations

import json
import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from ocivalidate.errors import Malformed
from ocivalidate.jsontext.integers import integer, real
from ocivalidate.jsontext.syntax import (
    AFTER_ELEMENT,
    AFTER_MEMBER,
    COLON,
    ELEMENT,
    END,
    MEMBER,
    NAME,
    VALUE,
    WHITE_SPACE,
    bad_string,
    misplaced,
)

Event = tuple[str, int, int, Any]
"""One step through a text: what it is, the offsets where it starts and ends (exclusive), and its decoded value.

What it is: ``{``, ``[``, ``}``, ``]``, ``name``, ``string``, ``number`` or ``literal``. A bracket has none (``None``).
"""

_WHITE = f"[{WHITE_SPACE}]*+"
_VALUE = (
    r'(?:(?P<string>"[^"\\\x00-\x1f]*")|(?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)'
    r'|(?P<open>[\[{])|(?P<literal>true|false|null)(?!\w)|(?P<odd_string>"))'
)
_NAME = rf'(?:(?P<name>"[^"\\\x00-\x1f]*"){_WHITE}:|(?P<odd_name>"))'

# What may stand where. An odd string or name needs a closer look: it has escapes, is malformed, or lacks its colon.
_GRAMMAR = {
    VALUE: _VALUE,
    ELEMENT: rf"{_VALUE}|(?P<close>\])",
    MEMBER: rf"{_NAME}|(?P<close>\}})",
    COLON: r"(?P<colon>:)",
    AFTER_ELEMENT: rf",{_WHITE}{_VALUE}|(?P<close>\])",
    AFTER_MEMBER: rf",{_WHITE}{_NAME}|(?P<close>\}})",
    END: r"(?P<end>\Z)",
}
_MATCH = {wanted: re.compile(f"{_WHITE}(?:{pattern})").match for wanted, pattern in _GRAMMAR.items()}
_FIRST = {"[": ELEMENT, "{": MEMBER}
_AFTER = {"[": AFTER_ELEMENT, "{": AFTER_MEMBER}
_AFTER_COMMA = {AFTER_ELEMENT: VALUE, AFTER_MEMBER: NAME}
_COMMA = re.compile(f"{_WHITE},")

# RFC 6901, section 4: no leading zero. No array has more elements than 18 digits can count.
INDEX = re.compile("0|[1-9][0-9]{0,17}")

_decode = json.JSONDecoder().raw_decode


def scan(text: str) -> Iterator[Event]:
    """Walk through a JSON text, strictly after RFC 8259 and to any depth.

    Raises ``Malformed`` where the text stops being JSON. What the grammar allows is passed on: repeated names, lone
    surrogates and numbers of any size are for the caller to judge.
    """
    after = [END]  # what is wanted after the text's value and, innermost last, after each member of the open containers
    position, wanted = 0, VALUE
    while True:
        match = _MATCH[wanted](text, position)
        if match is None:
            raise _fault(text, position, wanted)
        kind = str(match.lastgroup)
        start, end = match.span(kind)
        position = match.end()
        value = None
        if kind in _DECODE:
            value = _DECODE[kind](text[start:end])
            wanted = VALUE if kind == "name" else after[-1]
        elif kind == "open":
            kind = text[start]
            after.append(_AFTER[kind])
            wanted = _FIRST[kind]
        elif kind == "close":
            kind = text[start]
            after.pop()
            wanted = after[-1]
        elif kind in _ODD:
            value, position = _string(text, start)
            end = position
            kind, wanted = _ODD[kind], COLON if kind == "odd_name" else after[-1]
        elif kind == "colon":
            wanted = VALUE
            continue
        else:
            return
        yield kind, start, end, value


def _fault(text: str, position: int, wanted: str) -> Malformed:
    comma = _COMMA.match(text, position) if wanted in _AFTER_COMMA else None
    return misplaced(text, comma.end(), _AFTER_COMMA[wanted]) if comma else misplaced(text, position, wanted)


def _string(text: str, start: int) -> tuple[str, int]:
    """The string that opens at ``start``, decoded, and where it ends."""
    try:
        value, end = _decode(text, start)
    except json.JSONDecodeError:
        raise bad_string(text, start) from None
    return str(value), end


def _number(literal: str) -> int | float:
    return integer(literal) if literal.lstrip("-").isdecimal() else real(literal)


# How the literals of the grammar that need no closer look become values.
_UNQUOTED = itemgetter(slice(1, -1))
_DECODE: dict[str, Callable[[str], Any]] = {
    "name": _UNQUOTED,
    "string": _UNQUOTED,
    "number": _number,
    "literal": {"true": True, "false": False, "null": None}.get,
}
_ODD = {"odd_name": "name", "odd_string": "string"}


@dataclass(slots=True)
class Place:
    """Where a value, and its member name when it has one, stand in a text: offsets, ends exclusive, quotes included."""

    value: tuple[int, int]
    name: tuple[int, int] | None
    inner: dict[str, Place] | list[Place | int] | None = None

    def find(self, tokens: Sequence[str]) -> Place | None:
        """The place to which these member names and array indexes (a parsed JSON pointer) lead from here."""
        place: Place | None = self
        for token in tokens:
            if place is None or place.inner is None:
                return None
            place = place.inner.get(token) if isinstance(place.inner, dict) else _element(place.inner, token)
        return place


# Of what has nothing inside, an array of hundreds of thousands may hold one number each: start and end.
_HALF = 32


def _element(elements: list[Place | int], token: str) -> Place | None:
    index = int(token) if INDEX.fullmatch(token) else len(elements)
    if index >= len(elements):
        return None
    found = elements[index]
    return found if isinstance(found, Place) else Place((found >> _HALF, found & (1 << _HALF) - 1), None)


def places(text: str) -> Place:
    """The place of the whole document, with the places of all its members inside.

    Raises ``Malformed`` if the text is not JSON. Of members that share a name the last is kept, as in the parsed value.
    """
    name, named = "", None
    whole: list[Place | int] = []
    outer = [Place((0, len(text)), None, whole)]
    for kind, start, end, value in scan(text):
        if kind == "name":
            name, named = value, (start, end)
        elif kind in "}]":
            closed = outer.pop()
            closed.value = (closed.value[0], end)
            around = outer[-1].inner
            if not closed.inner and isinstance(around, list):
                around[-1] = closed.value[0] << _HALF | end
        else:
            inner = outer[-1].inner
            if isinstance(inner, list) and kind not in "{[":
                inner.append(start << _HALF | end)
                continue
            place = Place((start, end), named)
            if isinstance(inner, dict):
                inner[name] = place
            elif inner is not None:
                inner.append(place)
            if kind in "{[":
                place.inner = {} if kind == "{" else []
                outer.append(place)
            named = None
    return _element(whole, "0") or Place((0, 0), None)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text. Lines and columns count from 1, columns in code points; the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


class Lines:
    """The lines of a text. Only a line feed ends a line; a carriage return before it belongs to the line end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = array("Q", [0])
        self._starts.extend(match.end() for match in re.finditer("\n", text))
        # The line that was asked for last: findings on one long line are to share it.
        self._last = 0, ""

    def __len__(self) -> int:
        return len(self._starts)

    def span(self, start: int, end: int) -> Span:
        """The lines and columns of the stretch from offset ``start`` to ``end`` (exclusive)."""
        return Span(*self._position(start), *self._position(end))

    def line(self, number: int) -> str:
        """The text of a line, without its end. Raises ``IndexError`` when there is no such line."""
        if not 1 <= number <= len(self._starts):
            raise IndexError(f"line {number} of {len(self._starts)}")
        if self._last[0] != number:
            end = self._starts[number] - 1 if number < len(self._starts) else len(self._text)
            self._last = number, self._text[self._starts[number - 1] : end].removesuffix("\r")
        return self._last[1]

    def _position(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1
