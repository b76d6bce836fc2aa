"""Lines fitted to the width of a terminal: broken between words, digests shortened."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ocivalidate.report.columns import columns
from ocivalidate.report.painting import Line

# Less is not enough for a column of text; a terminal that is narrower breaks the lines itself.
LEAST = 24
_DIGEST = re.compile(r"(?<=[:/])[0-9a-f]{32,128}(?![0-9a-zA-Z])")
_SHORT = 12
# Foreign text does not have it: visible() writes it as an escape.
_HELD = "\u00a0"


def fitted(line: Line, width: int, hang: int | Line = 4) -> Iterator[Line]:
    """The line, broken between words where it is wider than ``width`` (0: nowhere).

    The lines that follow begin with ``hang``, a number of spaces or what stands in front. What has no space in it is
    never broken: ids and paths are to be copied; nor is what :func:`together` made one word.
    """
    for row in _fitted(line, width, hang):
        yield [(text.replace(_HELD, " "), style) for text, style in row]


def together(text: str) -> str:
    """The text as one word, whose spaces hold: for what is to be copied as a whole. Only :func:`fitted` takes it."""
    return text.replace(" ", _HELD)


def _fitted(line: Line, width: int, hang: int | Line) -> Iterator[Line]:
    if not width or sum(columns(text) for text, _style in line) <= width:
        yield line
        return
    begin: Line = [(" " * hang, "")] if isinstance(hang, int) else hang
    least = sum(columns(text) for text, _style in begin)
    width = max(width, least + LEAST)
    row: Line = []
    used = 0
    for spaces, word in _words(line):
        size = sum(columns(text) for text, _style in word)
        if row and used + len(spaces) + size > width and used > least:
            yield row
            row, used = [*begin, *word], least + size
        else:
            row += [(spaces, ""), *word] if spaces else word
            used += len(spaces) + size
    yield row


def _words(line: Line) -> Iterator[tuple[str, Line]]:
    """The words of a line, each with the spaces before it; one may have several styles."""
    spaces, word = "", Line()
    for text, style in line:
        for part in re.findall(r" +|[^ ]+", text):
            if part[0] != " ":
                word.append((part, style))
            elif word:
                yield spaces, word
                spaces, word = part, Line()
            else:
                spaces += part
    if word:
        yield spaces, word


class Digests:
    """Shortens the digests in the texts of one finding, so that two that differ still do."""

    def __init__(self, texts: Iterable[str]) -> None:
        found = {digest for text in texts for digest in _DIGEST.findall(text)}
        lengths = range(_SHORT, 128, 4)
        self._length = next((size for size in lengths if len({one[:size] for one in found}) == len(found)), 128)

    def shortened(self, text: str) -> str:
        """The text with ``sha256:0123456789ab…`` in place of whole digests."""
        return _DIGEST.sub(self._short, text)

    def _short(self, digest: re.Match[str]) -> str:
        return digest[0] if len(digest[0]) <= self._length + 1 else f"{digest[0][: self._length]}…"
