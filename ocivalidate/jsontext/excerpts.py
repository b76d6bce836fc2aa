"""Excerpts of JSON documents for people: a few lines that show some places, and what is around them."""

from __future__ import annotations

import json
from typing import Any

# The tokens of the pointer to a place in a document; AROUND at the end: what is there, its members cut short.
Place = tuple[str | None, ...]
AROUND = None

_OBJECT_CUT, _ARRAY_CUT = "{…}", "[…]"
_DEEPEST = 4
_MOST_LINES = 12
_LONGEST_LINE = 76


def cut(value: Any, places: list[Place]) -> Any:
    """What is at these places of a document, inside what is around them.

    Members and entries that lead to none of them are left out; strings as ``{…}`` stand for what is too long to show.
    """
    if () in places:
        return _cut_to_fit(value)
    inner: dict[str | None, list[Place]] = {}
    for place in places:
        inner.setdefault(place[0], []).append(place[1:])
    kept = {}
    for key, child in value.items() if isinstance(value, dict) else enumerate(value):
        if str(key) in inner:
            kept[key] = cut(child, inner[str(key)])
        elif AROUND in inner:
            kept[key] = _cut_short(child, 0)
    return kept if isinstance(value, dict) else _without_repeats(list(kept.values()))


def _cut_to_fit(value: Any) -> Any:
    """As much of a value as fits into a few lines: its own members at least."""
    for depth in range(_DEEPEST, 1, -1):
        shorter = _cut_short(value, depth)
        if pretty(shorter).count("\n") < _MOST_LINES:
            return shorter
    return _cut_short(value, 1)


def _cut_short(value: Any, depth: int) -> Any:
    """A value without what is in containers more than ``depth`` levels inside it."""
    if not value or not isinstance(value, (dict, list)):
        return value
    if depth == 0:
        return _OBJECT_CUT if isinstance(value, dict) else _ARRAY_CUT
    if isinstance(value, dict):
        return {name: _cut_short(member, depth - 1) for name, member in value.items()}
    return _without_repeats([_cut_short(entry, depth - 1) for entry in value])


def _without_repeats(entries: list[Any]) -> list[Any]:
    """The entries of an array, with one mark for several that are cut in a row."""
    marks = (_OBJECT_CUT, _ARRAY_CUT)
    return [entry for index, entry in enumerate(entries) if entry not in marks or entries[index - 1 : index] != [entry]]


def pretty(value: Any, indent: str = "") -> str:
    """JSON of which what fits on a line stands on one; what :func:`cut` left out shows as ``{…}`` and ``[…]``."""
    text = json.dumps(value, ensure_ascii=False)
    text = text.replace(f'"{_OBJECT_CUT}"', _OBJECT_CUT).replace(f'"{_ARRAY_CUT}"', _ARRAY_CUT)
    if not isinstance(value, (dict, list)) or len(indent) + len(text) <= _LONGEST_LINE:
        return text
    inner = f"{indent}  "
    if isinstance(value, dict):
        parts = [f"{json.dumps(key, ensure_ascii=False)}: {pretty(member, inner)}" for key, member in value.items()]
    else:
        parts = [pretty(entry, inner) for entry in value]
    start, end = "{}" if isinstance(value, dict) else "[]"
    return "".join([start, "\n", ",\n".join(inner + part for part in parts), "\n", indent, end])
