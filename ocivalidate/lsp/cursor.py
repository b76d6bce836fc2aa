"""What stands at a place in a text that somebody is typing: it need not be JSON yet.

Whatever a text is, this is one pass over its tokens, which gives up after a number of them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import NamedTuple

# A string that is not closed ends with its line.
_TOKEN = re.compile(r'"(?:[^"\\\r\n]|\\.)*+"?|[{}\[\],:]|[^\s{}\[\],:"]+')
_MOST_TOKENS = 400_000
_DEEPEST = 512
_CLOSES = {"}": "{", "]": "["}

Way = tuple[str | int, ...]


class Cursor(NamedTuple):
    """What stands, or could stand, at a place.

    ``way`` leads to the object whose member is named there (``is_name``), or to the value there. ``start`` and ``end``
    are the token that the place is in, or the place itself twice; ``text`` is that token, decoded. ``others`` are the
    names that the object has elsewhere. ``colon``: one follows.
    """

    way: Way
    is_name: bool
    start: int
    end: int
    text: str
    others: frozenset[str] = frozenset()
    colon: bool = False


@dataclass(slots=True)
class _Frame:
    """An object or array that is open. ``wants``: ``name``, ``colon``, ``value`` or ``comma``."""

    bracket: str
    way: Way
    wants: str
    key: str | int = 0
    names: list[tuple[str, int]] = field(default_factory=list)
    # How many frames are open up to the innermost of each bracket, itself included.
    depths: dict[str, int] = field(default_factory=dict)

    def inner(self) -> Way:
        """The way to the value that comes next."""
        return self.way if self.bracket == "" else (*self.way, self.key)


def cursor(text: str, offset: int) -> Cursor | None:
    """What stands at an offset; ``None`` where that cannot be told."""
    frames = [_Frame("", (), "value")]
    found: tuple[_Frame, Cursor] | None = None
    depth = 0
    for number, token in enumerate(_TOKEN.finditer(text)):
        start, end, written = token.start(), token.end(), token[0]
        if number > _MOST_TOKENS or len(frames) > _DEEPEST:
            break
        if found is None and (start >= offset or (end >= offset and written not in "{}[],:")):
            inside = start < offset or (start == offset and written[0] not in "{}[],:")
            found, depth = _at(frames[-1], (start, end) if inside else (offset, offset), text), len(frames)
        if len(frames) < depth:
            break  # The object that the place is in has ended.
        _step(frames, written, start)
    if found is None:
        found = _at(frames[-1], (offset, offset), text)
    frame, there = found
    if not there.is_name:
        return None if frame.wants == "colon" and there.start == there.end else there
    others = frozenset(name for name, start in frame.names if start != there.start)
    return there._replace(others=others, colon=re.compile(r"\s*:").match(text, there.end) is not None)


def _at(frame: _Frame, place: tuple[int, int], text: str) -> tuple[_Frame, Cursor]:
    written = text[slice(*place)]
    is_name = frame.bracket == "{" and (frame.wants in ("name", "comma"))
    way = frame.way if is_name else frame.inner()
    return frame, Cursor(way, is_name, *place, _decoded(written))


def _step(frames: list[_Frame], token: str, start: int) -> None:
    """Go on by one token; what stands where it may not is taken for what it looks most like."""
    frame = frames[-1]
    if token in _CLOSES:
        depth = frame.depths.get(_CLOSES[token], 0)
        if depth:
            del frames[depth - 1 :]
            frames[-1].wants = "comma"
    elif token in "{[":
        inner = frame.inner()
        frame.wants = "comma"
        depths = {**frame.depths, token: len(frames) + 1}
        frames.append(_Frame(token, inner, "name" if token == "{" else "value", depths=depths))
    elif token == ",":
        if frame.bracket == "[" and isinstance(frame.key, int):
            frame.key += 1
        frame.wants = "name" if frame.bracket == "{" else "value"
    elif token == ":":
        frame.wants = "value"
    elif frame.bracket == "{" and frame.wants in ("name", "comma", "colon"):
        frame.key, frame.wants = _decoded(token), "colon"
        frame.names.append((frame.key, start))
    else:
        frame.wants = "comma"


def _decoded(token: str) -> str:
    if not token.startswith('"'):
        return token
    try:
        return str(json.loads(token))
    except ValueError:
        return token.strip('"')
