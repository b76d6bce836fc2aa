"""What in a value does not fit a schema, found in one walk that takes little time for each value.

A schema is made into shapes once: what a value is held against is then ready to be looked up. A validator for any
schema takes fifty times as long for each violation, and a hostile document has hundreds of thousands: so the walk finds
where something is wrong, and jsonschema says what, of those violations that are kept (:func:`broken_keyword`).
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from ocivalidate.jsontext.integers import HUGE, Inexact
from ocivalidate.jsontext.pointers import Path
from ocivalidate.keeping import Counts
from ocivalidate.vocabulary.versions import holds

Node = dict[str, Any]

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float, Inexact),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
_SURROGATE = re.compile("[\ud800-\udfff]")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _enum(listed: list[Any], value: Any) -> bool:
    # True equals 1 in Python but not in JSON.
    return any(entry == value and isinstance(entry, bool) == isinstance(value, bool) for entry in listed)


def _pattern(pattern: str, value: Any) -> bool:
    return not isinstance(value, str) or _compiled(pattern).search(value) is not None


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


_TESTS: Mapping[str, Callable[[Any, Any], bool]] = {
    "enum": _enum,
    "minimum": lambda least, value: not _is_number(value) or value >= least,
    "maximum": lambda most, value: not _is_number(value) or value <= most,
    "pattern": _pattern,
    "minLength": lambda least, value: not isinstance(value, str) or len(value) >= least,
    "minItems": lambda least, value: not isinstance(value, list) or len(value) >= least,
}
KEYWORDS: Final = frozenset({"type", "required", "properties", "additionalProperties", "items", *_TESTS})
"""Every keyword that is known here; a test on the schemas holds that they use no other."""


class Shape:
    """A node of a schema in one release.

    ``members`` are those that the release has, ``others`` what any other member is to be, ``absent`` the nodes of
    members that the release does not have.
    """

    __slots__ = ("absent", "integer", "items", "members", "node", "others", "required", "tests", "types", "validator")

    def __init__(self, node: Node, release: str | None) -> None:
        names = node.get("type", list(_TYPES))
        self.node = node
        self.types = {kind for name in ([names] if isinstance(names, str) else names) for kind in _TYPES[name]}
        # 1.0 is an integer in JSON Schema.
        self.integer = "integer" in names and float not in self.types
        self.tests = [(keyword, _TESTS[keyword], node[keyword]) for keyword in node if keyword in _TESTS]
        children: dict[str, Node] = node.get("properties", {})
        known = {name: child for name, child in children.items() if in_release(child, release)}
        self.absent = {name: child for name, child in children.items() if name not in known}
        self.members = {name: Shape(child, release) for name, child in known.items()}
        self.required = node.get("required") or [name for name in known if is_required(known[name], release)]
        self.others = Shape(node["additionalProperties"], release) if "additionalProperties" in node else None
        self.items = Shape(node["items"], release) if "items" in node else None
        # What jsonschema makes of the node by itself, once it is asked.
        self.validator: Any = None


def in_release(node: Node, release: str | None) -> bool:
    """Whether the member that a node describes is one of the release (``None``: of any)."""
    return release is None or holds(release, node.get("x-since"), node.get("x-until"))


def is_required(node: Node, release: str | None) -> bool:
    """Whether the member that a node describes has to be there in the release (``None``: never)."""
    required = node.get("x-required", False)
    if release is None:
        return False
    return holds(release, None, required["until"]) if isinstance(required, dict) else bool(required)


class Fault(NamedTuple):
    """One way in which a value breaks its shape.

    ``keyword`` is that of JSON Schema; ``name`` the missing member of ``required``.
    """

    shape: Shape
    keyword: str
    path: Path
    value: Any
    name: str = ""

    @property
    def kind(self) -> tuple[Shape, str, str, bool]:
        """What it has in common with others: the place in the schema, and what is wrong there."""
        return self.shape, self.keyword, self.name, self.value is None


def broken_keyword(fault: Fault) -> str:
    """The keyword that a value breaks, as jsonschema has it for the node alone, without its members and entries.

    A wrong type counts before all else that the value breaks too. Raises ``AssertionError`` where jsonschema finds
    nothing wrong, which the tests rule out.
    """
    shape = fault.shape
    if shape.validator is None:
        from jsonschema import Draft202012Validator

        own = {keyword: wanted for keyword, wanted in shape.node.items() if keyword == "type" or keyword in _TESTS}
        shape.validator = Draft202012Validator(own | {"required": shape.required})
    found = [error.validator for error in shape.validator.iter_errors(_alone(shape, fault.value))]
    if not found:
        raise AssertionError(f"jsonschema finds no fault in what breaks {fault.keyword}")
    if "type" in found:
        return "type"
    return fault.keyword if fault.keyword in found else str(found[0])


def _alone(shape: Shape, value: Any) -> Any:
    """A value without what is in it, but for what its own node asks of that: jsonschema shows all of it in messages."""
    if isinstance(value, dict):
        return {name: None for name in shape.required if name in value}
    if isinstance(value, list):
        return [None] * min(len(value), shape.node.get("minItems", 0))
    return value


class Walk:
    """One walk over a value.

    ``counts`` says which faults and undefined members are kept. ``odd``: the document has values that stand for none,
    and which are told as problems of the text.
    """

    def __init__(self, counts: Counts, *, odd: bool = False) -> None:
        self._counts = counts
        self._odd = odd
        self.faults: list[Fault] = []
        self.broken: dict[int, set[str | int]] = {}
        self.seen: set[Shape] = set()
        self.opened: set[Shape] = set()

    def undefined(self, shape: Shape, path: Path, name: str, value: Any) -> None:
        """What to do with a member that the shape does not have: nothing, here."""

    def whole_float(self, shape: Shape, path: Path, value: float) -> None:
        """What to do with an integer that is not written as one: nothing, here."""

    def value(self, shape: Shape, value: Any, path: Path = None) -> bool:
        """Walk over a value; whether it is sound, be its members what they are."""
        self.seen.add(shape)
        kind = type(value)
        if self._odd and _is_odd(value):
            return False
        if kind not in shape.types and not (kind is float and shape.integer and value.is_integer()):
            self._fault(Fault(shape, "type", path, value))
            return False
        sound = True
        if shape.tests:
            failed = next((keyword for keyword, test, wanted in shape.tests if not test(wanted, value)), None)
            if failed is not None:
                self._fault(Fault(shape, failed, path, value))
                sound = False
        if kind is dict:
            self._members(shape, value, path)
        elif kind is list:
            self._entries(shape, value, path)
        elif kind is float and shape.integer and sound:
            self.whole_float(shape, path, value)
        return sound

    def _members(self, shape: Shape, value: dict[str, Any], path: Path) -> None:
        self.opened.add(shape)
        for name in shape.required:
            if name not in value:
                self._fault(Fault(shape, "required", path, value, name))
        for name, member in value.items():
            child = shape.members.get(name)
            if child is None:
                child = None if name in shape.absent else shape.others
                if child is None:
                    if shape.node.get("x-open") is not True:
                        self.broken.setdefault(id(value), set()).add(name)
                        self.undefined(shape, path, name, member)
                    continue
            if (self._odd and _is_odd(name)) or not self.value(child, member, (path, name)):
                self.broken.setdefault(id(value), set()).add(name)

    def _entries(self, shape: Shape, value: list[Any], path: Path) -> None:
        items = shape.items
        if items is not None:
            walk = self.value
            unsound = {index for index, entry in enumerate(value) if not walk(items, entry, (path, index))}
            if unsound:
                self.broken[id(value)] = unsound  # type: ignore[assignment]  # of an array all keys are numbers

    def _fault(self, fault: Fault) -> None:
        if self._counts.keep(fault.kind):
            self.faults.append(fault)


def _is_odd(value: Any) -> bool:
    """Whether a value stands for one that cannot be: a text with half a surrogate pair, a number out of all bounds."""
    if isinstance(value, str):
        return _SURROGATE.search(value) is not None
    if isinstance(value, float):
        return math.isinf(value)
    return isinstance(value, int) and abs(value) >= HUGE
