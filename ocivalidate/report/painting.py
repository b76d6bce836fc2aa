"""Lines as text: plain, or with the colours and links of a terminal.

A line is a row of (text, style). A style is a name of ``STYLES``, ``""`` for none, and behind a space may stand the
address that the text leads to. Every colour is readable on black and on white.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

Line: TypeAlias = list[tuple[str, str]]

# Name → what turns it on, where there are 256 colours, which no theme changes, and where there are 16.
STYLES: Mapping[str, tuple[str, str]] = {
    "error": ("1;38;5;160", "1;31"),
    "warning": ("1;38;5;130", "1;35"),
    "note": ("1;38;5;31", "1;94"),
    "good": ("38;5;28", "1"),
    "bad": ("38;5;160", "31"),
    "frame": ("38;5;63", "94"),
    "strong": ("1", "1"),
    "name": ("1;38;5;31", "1;94"),
    "value": ("38;5;130", "35"),
}
MANY = 256


def plain(lines: Iterable[Line]) -> Iterator[str]:
    """Each line as text that ends in a newline."""
    return ("".join(text for text, _style in line).rstrip(" ") + "\n" for line in lines)


def painted(lines: Iterable[Line], colours: int, *, links: bool = False) -> Iterator[str]:
    """The same with colours: 16, or 256; 0 for none. ``links``: whether texts lead to their addresses (OSC 8)."""
    if not colours and not links:
        return plain(lines)
    return (_painted(line, colours, links=links) + "\n" for line in lines)


def _painted(line: Line, colours: int, *, links: bool) -> str:
    shown = []
    for text, style in _trimmed(line):
        name, _space, address = style.partition(" ")
        piece = text
        if links and address:
            piece = f"\x1b]8;;{address}\x1b\\{piece}\x1b]8;;\x1b\\"
        if colours and name:
            piece = f"\x1b[{STYLES[name][colours < MANY]}m{piece}\x1b[0m"
        shown.append(piece)
    return "".join(shown)


def _trimmed(line: Line) -> Line:
    """The line without spaces at its end."""
    kept = [*line]
    while kept:
        text, style = kept.pop()
        if text.rstrip(" "):
            return [*kept, (text.rstrip(" "), style)]
    return []
