"""Whether a value fits a schema, found out quickly.

Importing jsonschema costs more time than all the rest of a run, and most values are fine. So a walk with nothing but
the keywords that our schemas use says "fits" first; where it does not, jsonschema says why. A test holds that both
agree.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import Any

Node = Mapping[str, Any]


def fits(node: Node, value: Any) -> bool:
    """Whether ``value`` keeps all that ``node`` asks for, as JSON Schema 2020-12 has it."""
    return all(test(node[keyword], value) for keyword, test in _KEYWORDS if keyword in node) and _parts_fit(node, value)


def _parts_fit(node: Node, value: Any) -> bool:
    if isinstance(value, dict):
        members, others = node.get("properties", {}), node.get("additionalProperties")
        for name, member in value.items():
            child = members.get(name, others)
            if child is not None and not fits(child, member):
                return False
    elif isinstance(value, list) and "items" in node:
        return all(fits(node["items"], entry) for entry in value)
    return True


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_integer(value: Any) -> bool:
    # 1.0 is an integer in JSON Schema.
    return _is_number(value) and (isinstance(value, int) or value.is_integer())


_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": _is_integer,
    "number": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}


def _type(wanted: str | list[str], value: Any) -> bool:
    return any(_TYPES[name](value) for name in ([wanted] if isinstance(wanted, str) else wanted))


def _enum(listed: list[Any], value: Any) -> bool:
    # True equals 1 in Python, but not in JSON.
    return any(entry == value and isinstance(entry, bool) == isinstance(value, bool) for entry in listed)


def _pattern(pattern: str, value: Any) -> bool:
    return not isinstance(value, str) or _compiled(pattern).search(value) is not None


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


_KEYWORDS: tuple[tuple[str, Callable[[Any, Any], bool]], ...] = (
    ("type", _type),
    ("enum", _enum),
    ("minimum", lambda least, value: not _is_number(value) or value >= least),
    ("maximum", lambda most, value: not _is_number(value) or value <= most),
    ("pattern", _pattern),
    ("minLength", lambda least, value: not isinstance(value, str) or len(value) >= least),
    ("minItems", lambda least, value: not isinstance(value, list) or len(value) >= least),
    ("required", lambda names, value: not isinstance(value, dict) or all(name in value for name in names)),
)
KEYWORDS = frozenset(keyword for keyword, _test in _KEYWORDS) | {"properties", "additionalProperties", "items"}
"""Every keyword that :func:`fits` knows; a test on the schemas holds that they use no other."""
