"""What a row of the tables is: a piece of JSON Schema for one place, and the clause that it says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

Keywords = dict[str, Any]

WITHOUT_NUL = r"[^\u0000]*"
# The parts of printed schemas that others refer to.
DEFINITIONS: Mapping[str, Keywords] = {
    "without-nul": {
        "pattern": rf"^{WITHOUT_NUL}$(?!\n)",
        "items": {"$ref": "#/$defs/without-nul"},
        "additionalProperties": {"$ref": "#/$defs/without-nul"},
    }
}


class Row(NamedTuple):
    """A piece of a schema.

    ``clause`` is what it says, and bounds the releases that have it; ``at`` a pointer pattern (``/mounts/*/options``);
    ``says`` the keywords for what stands there; ``when`` a schema that the whole document has to fit for it (``None``:
    always); ``since`` and ``until`` bound it further.
    """

    clause: str
    at: str
    says: Keywords
    when: Keywords | None = None
    since: str | None = None
    until: str | None = None


def whole(pattern: str) -> Keywords:
    """A text of which the pattern matches the whole, in any dialect of regular expressions."""
    return {"pattern": rf"^(?:{pattern})$(?!\n)"}


def required(*names: str) -> Keywords:
    """An object that has all of these members."""
    return {"required": list(names)}


def any_of(*choices: Keywords) -> Keywords:
    """What fits one of several schemas at least."""
    return {"anyOf": list(choices)}


def neither(*choices: Keywords) -> Keywords:
    """What fits none of several schemas."""
    return {"not": any_of(*choices)}


def member_in(name: str, *values: str) -> Keywords:
    """An object with a member that has one of these values."""
    return {"properties": {name: {"enum": list(values)}}, **required(name)}


def at_most_one(member: str, values: list[str]) -> Keywords:
    """An array of objects in which no two have the same of these values in one member."""
    return {
        "allOf": [
            {
                "contains": {"properties": {member: {"const": value}}, **required(member)},
                "minContains": 0,
                "maxContains": 1,
            }
            for value in values
        ]
    }
