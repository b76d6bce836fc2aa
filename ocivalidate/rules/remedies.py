"""What would mend a violation, where there is one safe answer: said where the violation is found, in terms of members.

Which bytes of the document that changes is said by ``rules/fixing.py``; whether anything else would be found then, by
``fixes/choosing.py``. A remedy is only a candidate until both agreed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ocivalidate.jsontext.pointers import Path
from ocivalidate.vocabulary.spelling import meant

# An integer as JSON has it; a leading zero may mean octal digits.
_DIGITS = re.compile("-?[1-9][0-9]{0,19}|0")
_FLAGS = {"true": True, "false": False}
# People write modes and masks in octal digits: the digits alone do not say which number is meant.
_OCTAL = ("fileMode", "umask")


class Rename(NamedTuple):
    """The member gets another name, unless its object has one of that name, or several that may mean it."""

    name: str


class Write(NamedTuple):
    """The value becomes another one, ``literal`` as JSON; at ``others`` too, where the same has to change with it."""

    literal: str
    others: tuple[Path, ...] = ()


class Drop(NamedTuple):
    """The entry goes, as an earlier one of the same array says the same."""


class DropRepeated(NamedTuple):
    """The member goes, if the first of its name in the object has the same value."""


class WriteInteger(NamedTuple):
    """The number is written without a fraction and an exponent, if that is exactly the same number."""


Remedy = Rename | Write | Drop | DropRepeated | WriteInteger


def written(value: str) -> Write:
    """A string in place of another."""
    return Write(json.dumps(value))


def near(value: Any, known: Iterable[Any]) -> str:
    """The one of the known values that a text must mean, or ``""``."""
    return meant(value, (name for name in known if isinstance(name, str))) if isinstance(value, str) else ""


def as_scalar(value: Any, node: Mapping[str, Any], path: Path) -> Write | None:
    """A string of digits as the number, ``true`` or ``false`` as the boolean, where such a one is wanted."""
    if not isinstance(value, str) or path is None:
        return None
    types = node.get("type", ())
    wanted = {types} if isinstance(types, str) else {*types}
    if "boolean" in wanted and value in _FLAGS and not wanted & {"integer", "number"}:
        return Write(value)
    fits = wanted & {"integer", "number"} and "boolean" not in wanted
    if not fits or _DIGITS.fullmatch(value) is None or path[1] in _OCTAL:
        return None
    number = int(value)
    return Write(value) if node.get("minimum", number) <= number <= node.get("maximum", number) else None


def same(first: Any, second: Any) -> bool:
    """Whether two values are one, be their members in any order. Numbers of different notation are not."""
    return json.dumps(first, sort_keys=True) == json.dumps(second, sort_keys=True)
