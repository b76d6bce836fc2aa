"""Printing lines for people: coloured, and fitted to the terminal, if one reads them."""

from __future__ import annotations

from collections.abc import Iterable

from ocivalidate.cli.screen import Screen
from ocivalidate.cli.streams import print_pieces
from ocivalidate.report.columns import column, columns
from ocivalidate.report.fitting import fitted
from ocivalidate.report.painting import Line, painted


def print_lines(lines: Iterable[Line], seen: Screen, hang: int = 4) -> None:
    """Print lines; those that follow one that was broken begin with ``hang`` spaces."""
    fitting = (row for line in lines for row in fitted(line, seen.width, hang))
    print_pieces(painted(fitting, seen.colours, links=seen.links))


def clipped(line: Line, width: int) -> Line:
    """A line that stays one: what is too wide for the terminal (0: for none) ends in ``…``."""
    if not width or sum(columns(text) for text, _style in line) <= width:
        return line
    kept: Line = []
    room = width - 1
    for text, style in line:
        for end, letter in enumerate(text):
            room -= column(letter)
            if room < 0:
                return [*kept, (text[:end] + "…", style)]
        kept.append((text, style))
    return kept
