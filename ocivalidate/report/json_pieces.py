"""JSON written piece by piece, so that a report with a million findings is never one text in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ocivalidate.report.escape import json_shield

_STEP = "  "


class Opened(dict[str, Any]):
    """An object that is written member by member. Members that are iterators are arrays, made as they are written."""


def written(value: Any, indent: str = "") -> Iterator[str]:
    """The text of a value in ASCII, as ``json.dumps`` writes it with an indentation of 2, safe for log readers."""
    if isinstance(value, Opened):
        named = ((f"{json.dumps(name)}: ", member) for name, member in value.items())
        yield from _row("{", named, "}", indent)
    elif isinstance(value, Iterator):
        yield from _row("[", (("", entry) for entry in value), "]", indent)
    else:
        # A line break in a text is escaped: those that are left are the encoder's.
        yield json_shield(json.dumps(value, indent=len(_STEP))).replace("\n", f"\n{indent}")


def _row(first: str, parts: Iterator[tuple[str, Any]], last: str, indent: str) -> Iterator[str]:
    before = f"{first}\n{indent}{_STEP}"
    for head, value in parts:
        yield before + head
        yield from written(value, indent + _STEP)
        before = f",\n{indent}{_STEP}"
    yield f"\n{indent}{last}" if before[0] == "," else first + last
