"""The positions of a few values in a JSON text: one pass that skips everything else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from json.scanner import make_scanner

from ocivalidate.jsontext.positions import INDEX, Place
from ocivalidate.jsontext.syntax import WHITE_SPACE

_WHITE = re.compile(f"[{WHITE_SPACE}]*+").match
_NEXT = re.compile(f"[{WHITE_SPACE}]*+(?:,[{WHITE_SPACE}]*+)?").match
_COLON = re.compile(f"[{WHITE_SPACE}]*+:[{WHITE_SPACE}]*+").match
# Strings are matched so that brackets in them do not count.
_BRACKET = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[{]|[\]}]', re.DOTALL)
_DEEPER = {"[": 1, "{": 1, "]": -1, "}": -1}
# Numbers are not parsed: some have more digits than Python accepts.
_decode = make_scanner(json.JSONDecoder(parse_int=len, parse_float=len))  # type: ignore[arg-type]  # typeshed has it wrong


class _Wanted:
    """A value that is wanted, or that holds one which is. ``members`` and ``entries``: those inside, as it may be."""

    __slots__ = ("entries", "members", "place")

    def __init__(self) -> None:
        self.place: Place | None = None
        self.members: dict[str, _Wanted] = {}
        self.entries: dict[int, _Wanted] = {}

    def below(self, token: str) -> _Wanted:
        """What is wanted inside, by member name or index."""
        found = self.members.get(token)
        if found is None:
            found = self.members[token] = _Wanted()
            if INDEX.fullmatch(token):
                self.entries[int(token)] = found
        return found

    def drop_of_others(self) -> None:
        """Drop what was found in other members of the same name: the last one counts, and its place is the one kept."""
        row = [self]
        while row:
            around = row.pop()
            for inner in around.members.values():
                if not (around.place and inner.place and _is_within(inner.place.value, around.place.value)):
                    inner.place = None
                row.append(inner)


def _is_within(inner: tuple[int, int], outer: tuple[int, int]) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


class _Open:
    """An array or object that is being walked through."""

    __slots__ = ("index", "name", "start", "wanted")

    def __init__(self, wanted: _Wanted, start: int, name: tuple[int, int] | None) -> None:
        self.wanted = wanted
        self.start = start
        self.name = name
        self.index = -1


def places_of(text: str, ways: Iterable[tuple[str, ...]]) -> dict[tuple[str, ...], Place | None]:
    """The places to which these member names and array indexes lead in a text that is JSON; ``None`` where none is.

    Of members that share a name the last one counts. The places have nothing inside.
    """
    root = _Wanted()
    found: dict[tuple[str, ...], _Wanted] = {}
    for way in ways:
        if way not in found:
            wanted = root
            for token in way:
                wanted = wanted.below(token)
            found[way] = wanted
    _find(text, root)
    root.drop_of_others()
    return {way: wanted.place for way, wanted in found.items()}


def _find(text: str, root: _Wanted) -> None:
    """Note the place of everything that is wanted."""
    around: list[_Open] = []
    wanted: _Wanted | None = root
    position, name = _WHITE(text, 0).end(), None  # type: ignore[union-attr]  # it matches always
    while True:
        if wanted is not None:
            if wanted.members and text[position] in "[{":
                around.append(_Open(wanted, position, name))
                position += 1
            else:
                start, position = position, _end(text, position)
                wanted.place = Place((start, position), name)
        if not around:
            return
        inside = around[-1]
        step = _entry if text[inside.start] == "[" else _member
        wanted, position, name = step(text, position, inside)
        if wanted is None:
            around.pop()
            inside.wanted.place = Place((inside.start, position), inside.name)


_Step = tuple[_Wanted | None, int, tuple[int, int] | None]


def _entry(text: str, position: int, inside: _Open) -> _Step:
    """The next entry that is wanted, and where it starts; or where the array ends."""
    entries = inside.wanted.entries
    while True:
        position = _NEXT(text, position).end()  # type: ignore[union-attr]  # it matches always
        if text[position] == "]":
            return None, position + 1, None
        inside.index += 1
        if inside.index in entries:
            return entries[inside.index], position, None
        position = _end(text, position)


def _member(text: str, position: int, inside: _Open) -> _Step:
    """The next member that is wanted, where it starts, and where its name stands; or where the object ends."""
    members = inside.wanted.members
    while True:
        start = _NEXT(text, position).end()  # type: ignore[union-attr]  # it matches always
        if text[start] == "}":
            return None, start + 1, None
        name, end = _decode(text, start)
        position = _COLON(text, end).end()  # type: ignore[union-attr]  # the text is JSON
        if name in members:
            return members[name], position, (start, end)
        position = _end(text, position)


def _end(text: str, start: int) -> int:
    """Where the value that starts here ends."""
    try:
        return int(_decode(text, start)[1])
    except RecursionError:
        depth = 0
        for match in _BRACKET.finditer(text, start):
            depth += _DEEPER.get(text[match.start()], 0)
            if not depth:
                return match.end()
        raise
