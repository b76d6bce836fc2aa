"""The part of a source line that a finding shows: at most so wide, with the place it speaks of in sight."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from ocivalidate.report.columns import column
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


def excerpt(text: str, column: int, end_column: int | None, width: int = WIDTH) -> Excerpt:
    """The part of ``text`` around the code points from ``column`` to before ``end_column``, at most ``width`` wide.

    What is cut off at an end is told by ``…``, which comes on top.
    """
    start = min(max(column - 1, 0), len(text))
    end = max(start + 1, (end_column or 0) - 1)
    first = _first(text, start, width)
    shown = _fitting(_sized(text[first : first + width]), width)
    before = "…" if first else ""
    after = "…" if first + len(shown) < len(text) else ""
    widths = [width for _piece, width in shown]
    return Excerpt(
        before + "".join(piece for piece, _columns in shown) + after,
        len(before) + sum(widths[: start - first]),
        max(sum(widths[start - first : end - first]), 1),
    )


def _first(text: str, start: int, most: int) -> int:
    """The first code point to show: that of the line when all of it fits, else a little before the marked part."""
    if len(text) <= most and sum(width for _piece, width in _sized(text)) <= most:
        return 0
    first = start
    # What the rest of the line leaves free is for what stands before.
    rest = sum(width for _piece, width in _sized(text[start : start + most]))
    lead = room = max(min(_LEAD, most // 3), most - rest)
    for _piece, width in reversed(_sized(text[max(0, start - lead) : start])):
        room -= width
        if room < 0:
            break
        first -= 1
    return first


def _fitting(sized: list[tuple[str, int]], most: int) -> list[tuple[str, int]]:
    """As many from the front as fit into ``most`` columns."""
    totals = itertools.accumulate(width for _piece, width in sized)
    return [item for item, total in zip(sized, totals, strict=True) if total <= most]


def _sized(text: str) -> list[tuple[str, int]]:
    """Each code point as shown, and how many terminal columns that takes."""
    sized = []
    for letter, piece in zip(text, pieces(text), strict=True):
        shown = _TAB if letter == "\t" else piece
        sized.append((shown, column(shown) if len(shown) == 1 else len(shown)))
    return sized
