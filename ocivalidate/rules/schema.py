"""The annotated JSON Schemas.

One source per document type, from which the schema of each specification release is derived.

A node of ``schemas/<specification>/<kind>.json`` is plain JSON Schema 2020-12 plus

``x-clause``
    the id of the member that the node describes, without its last part; one that starts with ``.`` is appended to the
    ``x-clause`` of the member around it (shared ``$defs`` use this). A wrong type or an integer out of its range breaks
    ``<x-clause>.type``, an absent member ``<x-clause>.required``.
``x-clauses``
    further keywords of the node (``enum``, ``pattern``, ``minItems`` …) and the clause that each one breaks. ``type``
    stands in for ``<x-clause>.type``, and ``null`` for a null in place of a value of the right type.
``x-since``, ``x-until``
    the first and the last release that has the member.
``x-required``
    ``true``, or ``{"until": release}`` for a member that later became optional.
``x-open``, ``x-closed``
    an object in which unknown members are fine (``"typos"``: fine too, unless they look like a typing error of a known
    one), or a document in which they break the clause named.
``x-defs``
    at the top: another source file, whose ``$defs`` can be used too.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ocivalidate import resources
from ocivalidate.jsontext.pointers import Path, place_at, pointer_to
from ocivalidate.keeping import Counts
from ocivalidate.rules.clauses import RELEASES
from ocivalidate.rules.fitting import Fault, Shape, Walk, broken_keyword, in_release, is_required
from ocivalidate.vocabulary.wording import excerpt

# Document type → its source file. The part before the slash is the specification.
KINDS: Mapping[str, str] = {
    "runtime-config": "runtime/config.json",
    "runtime-state": "runtime/state.json",
    "runtime-features": "runtime/features.json",
    "image-layout": "image/layout.json",
    "image-index": "image/index.json",
    "image-manifest": "image/manifest.json",
    "image-config": "image/config.json",
    "image-descriptor": "image/descriptor.json",
}
DIALECT = "https://json-schema.org/draft/2020-12/schema"

_TYPE_NAMES: Mapping[str, str] = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "a boolean",
    "array": "an array",
    "object": "an object",
    "null": "null",
}

Node = dict[str, Any]


def specification(kind: str) -> str:
    """The specification (``runtime`` or ``image``) that a document type belongs to."""
    return KINDS[kind].partition("/")[0]


def releases(kind: str) -> tuple[str, ...]:
    """The releases for which a schema of this document type can be derived."""
    return RELEASES[specification(kind)]


@functools.cache
def everything(kind: str) -> Node:
    """The schema of all releases together: ``$ref`` inlined, clauses absolute, version annotations kept."""
    source = resources.read_json("schemas", KINDS[kind])
    shared = resources.read_json("schemas", source["x-defs"])["$defs"] if "x-defs" in source else {}
    return _expand(source, shared | source.get("$defs", {}), source["x-clause"])


def unknown_member_policy(kind: str) -> bool | str:
    """Whether a document of this type may have members that the specification does not define.

    ``"typos"``: any that does not look like a typing error.
    """
    found: bool | str = everything(kind).get("x-open", False)
    return found


def _expand(node: Node, definitions: Mapping[str, Node], around: str) -> Node:
    """A copy of ``node`` that needs no ``$defs``; every node inside a member carries the clause of that member."""
    if "$ref" in node:
        definition = definitions[node["$ref"].removeprefix("#/$defs/")]
        node = {**definition, **{key: value for key, value in node.items() if key != "$ref"}}
    clause = absolute(node.get("x-clause", around), around)
    expanded = {key: value for key, value in node.items() if key not in ("$defs", "$schema", "x-defs")}
    expanded["x-clause"] = clause
    if "x-clauses" in node:
        expanded["x-clauses"] = {key: absolute(value, clause) for key, value in node["x-clauses"].items()}
    if "properties" in node:
        expanded["properties"] = {
            name: _expand(child, definitions, clause) for name, child in node["properties"].items()
        }
    for keyword in ("items", "additionalProperties"):
        if keyword in node:
            expanded[keyword] = _expand(node[keyword], definitions, clause)
    return expanded


def absolute(clause: str, around: str) -> str:
    """The id that ``x-clause`` or ``x-clauses`` give, in a member whose own clause is ``around``."""
    return around + clause if clause.startswith(".") else clause


@functools.cache
def derive(kind: str, release: str) -> Node:
    """The schema of one release, with our annotations.

    Plain 2020-12 for any validator that ignores unknown keywords.
    """
    return _only(everything(kind), release)


def _only(node: Node, release: str) -> Node:
    derived = {key: value for key, value in node.items() if key not in ("x-since", "x-until", "x-required")}
    if "properties" in node:
        members = {name: child for name, child in node["properties"].items() if in_release(child, release)}
        derived["properties"] = {name: _only(child, release) for name, child in members.items()}
        required = [name for name, child in members.items() if is_required(child, release)]
        if required:
            derived["required"] = required
    for keyword in ("items", "additionalProperties"):
        if keyword in node:
            derived[keyword] = _only(node[keyword], release)
    return derived


class SchemaError(NamedTuple):
    """One way in which a document breaks its schema.

    ``keyword`` is the JSON Schema keyword; ``path`` leads to the value, for ``required`` to what lacks the member.
    """

    clause: str
    path: Path
    keyword: str
    message: str
    got: str
    want: str

    @property
    def pointer(self) -> str:
        """The pointer to the value."""
        return pointer_to(self.path)


@functools.cache
def shape(kind: str, release: str) -> Shape:
    """What a document of this type is held against in a release."""
    return Shape(everything(kind), release)


def validate(kind: str, release: str, value: Any, *, most: int | None = None) -> Iterator[SchemaError]:
    """The ways in which ``value`` breaks the schema of the release, one per defect; ``most`` of each kind."""
    yield from _told(shape(kind, release), value, None, most)


def violations(node: Node, value: Any, path: Path = None) -> Iterator[SchemaError]:
    """The ways in which ``value``, to which ``path`` leads, breaks a node of a schema, one per defect."""
    yield from _told(Shape(node, None), value, path)


def fault(node: Node, release: str, value: Any, path: Path) -> str:
    """What is wrong with the value of a member in the first release that has it, or ``""``."""
    return next((error.message for error in _told(Shape(node, release), value, path, 1)), "")


def _told(whole: Shape, value: Any, path: Path, most: int | None = None) -> Iterator[SchemaError]:
    walk = Walk(Counts(most))
    walk.value(whole, value, path)
    yield from map(error_of, walk.faults)


def error_of(fault: Fault) -> SchemaError:
    """A fault in words."""
    node, keyword, path = fault.shape.node, broken_keyword(fault), fault.path
    if keyword == "required":
        clause = f"{node['properties'][fault.name]['x-clause']}.required"
        message = f"{place_at(path, fault.name)} is missing"
        return SchemaError(clause, path, keyword, message, "", f"a member {fault.name}")
    named = node.get("x-clauses", {})
    told = named.get("null" if keyword == "type" and fault.value is None and "null" in named else keyword)
    # Every keyword that is not about the type names its clause; a test on the sources holds that.
    clause = f"{node['x-clause']}.type" if told is None else told
    message = f"{place_at(path)} {_BROKEN_KEYWORDS[keyword]}"
    if keyword == "type":
        message = f"{place_at(path)} is not {type_text(node['type'])}"
    return SchemaError(clause, path, keyword, message, excerpt(fault.value), _want(node, keyword))


# What breaking a keyword means; a number that breaks minimum or maximum is out of range.
_BROKEN_KEYWORDS = {
    "type": "has the wrong type",
    "minimum": "is out of range",
    "maximum": "is out of range",
    "enum": "is not one of the values that the specification lists",
    "pattern": "does not have the form that the specification defines",
    "minItems": "has no entry",
    "minLength": "is empty",
}


def _want(node: Node, keyword: str) -> str:
    if keyword == "enum":
        return " or ".join(excerpt(value) for value in node["enum"])
    if keyword in ("minimum", "maximum"):
        return f"{node['minimum']} to {node['maximum']}"
    if keyword == "type":
        return type_text(node["type"])
    if keyword == "minLength":
        return "a string that is not empty"
    if keyword == "minItems":
        return "at least one entry"
    return str(node[keyword])


def type_text(types: str | list[str]) -> str:
    """A JSON type, or several, in words: ``an integer``."""
    return " or ".join(_TYPE_NAMES[name] for name in ([types] if isinstance(types, str) else types))


def judged_by(walk: Walk) -> set[str]:
    """The clauses of the schema that a document gave occasion to judge."""
    judged = {clause for seen in walk.seen for clause in _own_clauses(seen.node)}
    for opened in walk.opened:
        judged.update(f"{opened.members[name].node['x-clause']}.required" for name in opened.required)
    return judged


def _own_clauses(node: Node) -> Iterator[str]:
    """The clauses that a value which this node describes can break."""
    named = node.get("x-clauses", {})
    if "type" not in named:
        yield f"{node['x-clause']}.type"
    yield from named.values()


class Patterns:
    """The pattern of a place: its pointer, with ``*`` for what a document may choose, and ``**`` for what is unknown.

    There are no more of them than the schema has nodes.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind
        # By the id of a path, which lives as long as it stands here.
        self._known: dict[int, tuple[Path, Node | None, str]] = {}
        self._entries: dict[int, tuple[Path, str]] = {}

    def of(self, path: Path) -> str:
        """The pattern of where a path leads."""
        if path is None:
            return ""
        around, token = path
        if not isinstance(token, int):
            return self._below(*self._at(around), token)[1]
        # All entries of an array have one.
        known = self._entries.get(id(around))
        if known is None or known[0] is not around:
            known = self._entries[id(around)] = around, self._below(*self._at(around), token)[1]
        return known[1]

    def _at(self, path: Path) -> tuple[Node | None, str]:
        new: list[tuple[Path, str | int]] = []
        while path is not None and id(path) not in self._known:
            new.append(path)
            path = path[0]
        found: tuple[Node | None, str] = self._known[id(path)][1:] if path is not None else (everything(self._kind), "")
        for step in reversed(new):
            found = self._below(*found, step[1])
            self._known[id(step)] = (step, *found)
        return found

    @staticmethod
    def _below(node: Node | None, pattern: str, token: str | int) -> tuple[Node | None, str]:
        if node is None:
            return None, pattern
        if isinstance(token, int):
            return (node["items"], f"{pattern}/*") if "items" in node else (None, f"{pattern}/**")
        if token in node.get("properties", {}):
            return node["properties"][token], f"{pattern}/{token}"
        if "additionalProperties" in node:
            return node["additionalProperties"], f"{pattern}/*"
        return None, f"{pattern}/**"


def clause_ids(kind: str) -> set[str]:
    """Every clause that the schema of this document type can judge, in any release."""
    ids: set[str] = set()
    _collect(everything(kind), ids)
    return ids


def _collect(node: Node, ids: set[str]) -> None:
    ids.update(_own_clauses(node))
    for child in node.get("properties", {}).values():
        if child.get("x-required"):
            ids.add(f"{child['x-clause']}.required")
        _collect(child, ids)
    for keyword in ("items", "additionalProperties"):
        if keyword in node:
            _collect(node[keyword], ids)
