"""XML written piece by piece, as ElementTree writes it with an indentation of 2."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

_STEP = "  "
# Line breaks and tabs are visible text before they come here.
_IN_TEXT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_IN_VALUE = _IN_TEXT | str.maketrans({'"': "&quot;"})


def leaf(name: str, attributes: Mapping[str, str], text: Iterable[str] = (), level: int = 0) -> Iterator[str]:
    """An element of text alone, whose lines come one by one; nothing is inside where there is no text."""
    yield f"\n{_STEP * level}{_opening(name, attributes)}"
    before = ">"
    for line in text:
        yield before + line.translate(_IN_TEXT)
        before = "\n"
    yield " />" if before == ">" else f"</{name}>"


def branch(name: str, attributes: Mapping[str, str], inner: Iterable[str], level: int = 0) -> Iterator[str]:
    """An element of others: ``inner`` are their pieces, each with the line break before it."""
    yield f"\n{_STEP * level}{_opening(name, attributes)}"
    empty = True
    for piece in inner:
        if empty:
            yield ">"
            empty = False
        yield piece
    yield " />" if empty else f"\n{_STEP * level}</{name}>"


def _opening(name: str, attributes: Mapping[str, str]) -> str:
    return f"<{name}" + "".join(f' {key}="{value.translate(_IN_VALUE)}"' for key, value in attributes.items())
