"""Colours for TAP that a terminal shows. Harnesses read it plain, so nothing else ever gets them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ocivalidate.report.painting import Line, painted

_POINT = re.compile(r"(not ok|ok)( \d+ - )(.*?)( # (?:SKIP|TODO)\b.*)?", re.DOTALL)


def coloured(text: str, colours: int) -> str:
    """Whole lines of TAP with colours: 16, or 256; 0 for none."""
    return "".join(painted(map(_line, text.splitlines()), colours)) if colours and text else text


def _line(line: str) -> Line:
    point = _POINT.fullmatch(line)
    if point:
        verdict, number, description, directive = point[1], point[2], point[3], point[4] or ""
        # What is to be done some day is no failure of today.
        style = ("good" if verdict == "ok" else "error") if not directive else ""
        return [(verdict, style), (f"{number}{description}", ""), (directive, _directive_style(directive))]
    if line.startswith("Bail out!"):
        return [(line, "error")]
    return [(line, _style(line))]


def _directive_style(directive: str) -> str:
    return "note" if "# SKIP" in directive[:7] else "warning"


def _style(line: str) -> str:
    if line.startswith("  message: "):
        return "strong"
    # Comments and diagnostics stand back behind the points.
    return "frame" if line.startswith(("#", "  ---", "  ...")) else ""


def pieces(made: Iterator[str], colours: int) -> Iterator[str]:
    """The same for pieces that may end within a line."""
    if not colours:
        yield from made
        return
    rest = ""
    for piece in made:
        whole, newline, rest = (rest + piece).rpartition("\n")
        yield coloured(whole + newline, colours)
    yield coloured(rest, colours)
