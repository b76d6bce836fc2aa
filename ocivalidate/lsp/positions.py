"""Places in a text as editors count them: lines from 0, and columns in units of an encoding, mostly UTF-16."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from typing import NamedTuple

# Not U+2028 and the like, which stand in JSON strings.
_LINE_END = re.compile(r"\r\n|\n|\r")
_BEYOND = re.compile("[\U00010000-\U0010ffff]")


def _utf16(text: str) -> int:
    return len(text) + len(_BEYOND.findall(text))


def _utf8(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


_SIZES: dict[str, Callable[[str], int]] = {"utf-8": _utf8, "utf-16": _utf16, "utf-32": len}


class Point(NamedTuple):
    """A place: ``line`` and ``character`` count from 0."""

    line: int
    character: int


class Places:
    """The places in one text. ``encoding``: ``utf-8``, ``utf-16`` or ``utf-32``, as the editor and we agreed."""

    def __init__(self, text: str, encoding: str = "utf-16") -> None:
        self._text = text
        self._size = len if text.isascii() else _SIZES[encoding]
        self._starts = [0, *(found.end() for found in _LINE_END.finditer(text))]
        # Where findings count lines: a line feed alone ends one.
        self._fed = [0, *(found.end() for found in re.finditer("\n", text))]

    def point(self, offset: int) -> Point:
        """The place of an offset in code points."""
        offset = min(max(offset, 0), len(self._text))
        line = bisect_right(self._starts, offset) - 1
        return Point(line, self._size(self._text[self._starts[line] : offset]))

    def offset(self, line: int, character: int) -> int:
        """The offset of a place; of one that the text does not have, the nearest that it has before."""
        if line < 0:
            return 0
        if line >= len(self._starts):
            return len(self._text)
        start, end = self._starts[line], (*self._starts, len(self._text))[line + 1]
        row = self._text[start:end].rstrip("\r\n")
        if self._size is len:
            return start + min(max(character, 0), len(row))
        size = 0
        for number, letter in enumerate(row):
            size += self._size(letter)
            if size > character:
                return start + number
        return start + len(row)

    def of_line(self, line: int, column: int) -> int:
        """The offset of a line and a column as findings count them: from 1, in code points."""
        return self._fed[min(line, len(self._fed)) - 1] + column - 1
