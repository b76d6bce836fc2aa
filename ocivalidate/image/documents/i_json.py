"""I-JSON (RFC 7493), as the draft after image-spec 1.1.1 has it (considerations.md#json): numbers and characters."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ocivalidate.image.documents.registry import on_every_document
from ocivalidate.jsontext.integers import HUGE, too_long
from ocivalidate.jsontext.pointers import Path, place_at, tokens_of
from ocivalidate.rules.checks import CheckContext, Node, Violation
from ocivalidate.vocabulary.wording import excerpt, shortened

NUMBERS = "image/considerations.i-json.numbers"
NONCHARACTERS = "image/considerations.i-json.noncharacters"

# The last two code points of each of the 17 planes, and 32 in the middle of the first.
_NONCHARACTER = re.compile(
    "[\ufdd0-\ufdef" + "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(17)) + "]"
)
# Zero in any notation.
_ZERO = re.compile(r"-?[0.]+(?:[eE].*)?")


@on_every_document(NUMBERS)
def numbers_fit_a_double(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A reader may store every number as a double: one that a double cannot represent changes its value.

    Numbers too long to be read here are reported as problems of the text.
    """
    numbers = [(path, value) for path, value in _values(node.value) if _is_number(value)]
    literals = _literals(context.text, [path for path, value in numbers if isinstance(value, float) or _is_huge(value)])
    for path, value in numbers:
        literal = literals.get(path) or str(value)
        if not _fits(literal):
            yield Violation(
                NUMBERS, path, f"{place_at(path)} is a number that a double cannot represent", got=shortened(literal)
            )


@on_every_document(NONCHARACTERS)
def text_has_no_noncharacter(node: Node, context: CheckContext) -> Iterator[Violation]:
    """They are for internal use; some readers replace them, and some refuse the text."""
    if context.text and "\\u" not in context.text and _NONCHARACTER.search(context.text) is None:
        return
    for path, value in _values(node.value):
        if isinstance(value, str):
            yield from _noncharacters(value, path, at_name=False)
        elif isinstance(value, dict):
            for name in value:
                yield from _noncharacters(name, (path, name), at_name=True)


def _noncharacters(text: str, path: Path, *, at_name: bool) -> Iterator[Violation]:
    found = _NONCHARACTER.search(text)
    if found is not None:
        what = "has a name with" if at_name else "has"
        message = f"{place_at(path)} {what} U+{ord(found[0]):04X}, which is not a character"
        yield Violation(NONCHARACTERS, path, message, got=excerpt(text), at_name=at_name)


def _values(root: Any) -> Iterator[tuple[Path, Any]]:
    """Every value in a document with the path to it, in the order of the text."""
    left: list[tuple[Path, Any]] = [(None, root)]
    while left:
        path, value = left.pop()
        yield path, value
        if isinstance(value, dict):
            left += [((path, name), member) for name, member in reversed(value.items())]
        elif isinstance(value, list):
            left += [((path, index), value[index]) for index in reversed(range(len(value)))]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) != math.inf


def _is_huge(value: float) -> bool:
    """Whether a value may be a placeholder for one that was not read."""
    return abs(value) == HUGE


def _literals(text: str, paths: list[Path]) -> dict[Path, str]:
    """The notation of numbers with a fraction or an exponent, which the value alone does not show."""
    from ocivalidate.jsontext.wanted import places_of

    ways = {path: tuple(map(str, tokens_of(path))) for path in paths}
    found = places_of(text, ways.values()) if ways else {}
    places = {path: found[way] for path, way in ways.items()}
    return {path: text[slice(*place.value)] if place else "0" for path, place in places.items()}


def _fits(literal: str) -> bool:
    """Whether the nearest double equals the number, or has it as its shortest representation.

    True for a number reported as too long to be read.
    """
    if (literal.lstrip("-").isdecimal() and too_long(literal)) or _ZERO.fullmatch(literal):
        return True
    number = float(literal)
    if number in (0, math.inf, -math.inf):
        return False
    return Decimal(literal) in (Decimal(number), Decimal(repr(number)))
