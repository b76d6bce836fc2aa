"""Changes of a JSON text that leave every other character as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ocivalidate.jsontext.positions import scan
from ocivalidate.jsontext.syntax import WHITE_SPACE

_OPEN, _CLOSED = "{[", "}]"


class Edit(NamedTuple):
    """``text`` in place of what stands from offset ``start`` to ``end`` (exclusive)."""

    start: int
    end: int
    text: str


def removal(text: str, start: int, end: int) -> Edit | None:
    """Takes out what stands from ``start`` to ``end``, with the comma before it; ``None`` when there is no comma.

    What comes before keeps what stood behind it, so that a list over several lines stays one.
    """
    before = text[:start].rstrip(WHITE_SPACE)
    return Edit(len(before[:-1].rstrip(WHITE_SPACE)), end, "") if before.endswith(",") else None


class Member(NamedTuple):
    """A member in a text: its name, and where that and the value stand."""

    name: str
    named: tuple[int, int]
    value: tuple[int, int]


def members(text: str, start: int, end: int) -> Iterator[Member]:
    """The members of the object that stands from ``start`` to ``end``, repeated ones too. The text is JSON."""
    depth, name, named, begun = 0, "", (0, 0), 0
    for kind, first, last, value in scan(text[start:end]):
        if kind in _CLOSED:
            depth -= 1
            if depth == 1:
                yield Member(name, named, (begun, start + last))
            continue
        if depth == 1 and kind == "name":
            name, named = str(value), (start + first, start + last)
        elif kind in _OPEN:
            begun = start + first if depth == 1 else begun
            depth += 1
        elif depth == 1:
            yield Member(name, named, (start + first, start + last))


def says_the_same(text: str, first: tuple[int, int], second: tuple[int, int]) -> bool:
    """Whether two values in a text are the same, but for white space between what they are made of."""
    return _tokens(text[slice(*first)]) == _tokens(text[slice(*second)])


def _tokens(text: str) -> list[str]:
    return [text[start:end] for _kind, start, end, _value in scan(text)]
