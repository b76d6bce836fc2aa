"""The part of a source line that a finding shows: at most so wide, with the place it speaks of in sight."""

from __future__ import annotations

import itertools
import unicodedata
from dataclasses import dataclass

from ocivalidate.report.escape import pieces

WIDTH = 120
_LEAD = 40
_TAB = "    "


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A source line to show. ``indent`` is the width of what stands before the marked part, ``mark`` its own."""

    line: str
    indent: int
    mark: int


def excerpt(text: str, column: int, end_column: int | None) -> Excerpt:
    """The part of ``text`` around the code points from ``column`` to before ``end_column``, at most ``WIDTH`` wide."""
    start = min(max(column - 1, 0), len(text))
    end = max(start + 1, (end_column or 0) - 1)
    first = _first(text, start)
    shown = _fitting(_sized(text[first : first + WIDTH]))
    before = "…" if first else ""
    after = "…" if first + len(shown) < len(text) else ""
    widths = [width for _piece, width in shown]
    return Excerpt(
        before + "".join(piece for piece, _columns in shown) + after,
        len(before) + sum(widths[: start - first]),
        max(sum(widths[start - first : end - first]), 1),
    )


def _first(text: str, start: int) -> int:
    """The first code point to show: that of the line when all of it fits, else a little before the marked part."""
    if len(text) <= WIDTH and sum(width for _piece, width in _sized(text)) <= WIDTH:
        return 0
    first = start
    room = _LEAD
    for _piece, width in reversed(_sized(text[max(0, start - _LEAD) : start])):
        room -= width
        if room < 0:
            break
        first -= 1
    return first


def _fitting(sized: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """As many from the front as fit into ``WIDTH`` columns."""
    totals = itertools.accumulate(width for _piece, width in sized)
    return [item for item, total in zip(sized, totals, strict=True) if total <= WIDTH]


def _sized(text: str) -> list[tuple[str, int]]:
    """Each code point as shown, and how many terminal columns that takes."""
    sized = []
    for letter, piece in zip(text, pieces(text), strict=True):
        shown = _TAB if letter == "\t" else piece
        sized.append((shown, _width(shown) if len(shown) == 1 else len(shown)))
    return sized


def _width(letter: str) -> int:
    if unicodedata.category(letter) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in ("W", "F") else 1
