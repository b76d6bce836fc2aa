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
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ocivalidate import resources
from ocivalidate.clauses import RELEASES, load
from ocivalidate.fitting import fits
from ocivalidate.pointers import below, place, pointer_of
from ocivalidate.versions import holds
from ocivalidate.wording import excerpt

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


def openness(kind: str) -> bool | str:
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
    clause = _absolute(node.get("x-clause", around), around)
    expanded = {key: value for key, value in node.items() if key not in ("$defs", "$schema", "x-defs")}
    expanded["x-clause"] = clause
    if "x-clauses" in node:
        expanded["x-clauses"] = {key: _absolute(value, clause) for key, value in node["x-clauses"].items()}
    if "properties" in node:
        expanded["properties"] = {
            name: _expand(child, definitions, clause) for name, child in node["properties"].items()
        }
    for keyword in ("items", "additionalProperties"):
        if keyword in node:
            expanded[keyword] = _expand(node[keyword], definitions, clause)
    return expanded


def _absolute(clause: str, around: str) -> str:
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
        required = [name for name, child in members.items() if _is_required(child, release)]
        if required:
            derived["required"] = required
    for keyword in ("items", "additionalProperties"):
        if keyword in node:
            derived[keyword] = _only(node[keyword], release)
    return derived


def in_release(node: Node, release: str) -> bool:
    """Whether the member that this node of :func:`everything` describes exists in the release."""
    return holds(release, node.get("x-since"), node.get("x-until"))


def _is_required(node: Node, release: str) -> bool:
    required = node.get("x-required", False)
    return holds(release, None, required["until"]) if isinstance(required, dict) else bool(required)


def standalone(kind: str, release: str) -> Node:
    """The schema of one release as a document of its own for editors and other validators.

    No annotations of ours, but descriptions.
    """
    body = _described(derive(kind, release))
    title = f"{body.pop('title')}, {specification(kind)}-spec {release}"
    return {"$schema": DIALECT, "title": title, **body}


def _described(node: Node) -> Node:
    described = {key: value for key, value in node.items() if not key.startswith("x-")}
    clause = load().get(f"{node['x-clause']}.type")
    if clause is not None and "$comment" not in described:
        described["description"] = f"{clause.summary}."
        described["$comment"] = f"{node['x-clause']} ({clause.document}#{clause.anchor})"
    if "properties" in node:
        described["properties"] = {name: _described(child) for name, child in node["properties"].items()}
    for keyword in ("items", "additionalProperties"):
        if keyword in node:
            inner = _described(node[keyword])
            # The text of an element is that of its member: saying it twice helps nobody.
            inner.pop("description", None)
            inner.pop("$comment", None)
            described[keyword] = inner
    return described


class SchemaError(NamedTuple):
    """One way in which a document breaks its schema.

    ``keyword`` is the JSON Schema keyword; ``name`` the missing member of ``required``.
    """

    clause: str
    pointer: str
    keyword: str
    message: str
    got: str
    want: str


def validate(kind: str, release: str, value: Any) -> Iterator[SchemaError]:
    """The ways in which ``value`` breaks the schema of the release, one per defect, in no particular order."""
    yield from violations(derive(kind, release), value)


def violations(node: Node, value: Any, pointer: str = "") -> Iterator[SchemaError]:
    """The ways in which ``value``, which stands at ``pointer``, breaks a node of a schema, one per defect."""
    if fits(node, value):
        return
    from jsonschema import Draft202012Validator  # costs more than all the rest of a run: only where it is needed

    errors: dict[str, list[Any]] = {}
    for error in Draft202012Validator(node).iter_errors(value):
        errors.setdefault(pointer + pointer_of(*error.absolute_path), []).append(error)
    for place_of_errors, group in errors.items():
        yield from _distinct(place_of_errors, group)


def _distinct(pointer: str, group: list[Any]) -> Iterator[SchemaError]:
    """One defect is told once: a value of a wrong type breaks whatever else its node asks for too."""
    wrong_type = [error for error in group if error.validator == "type"]
    if wrong_type:
        yield _error(pointer, wrong_type[0])
        return
    required = [error for error in group if error.validator == "required"]
    if required:
        yield from _missing(pointer, required[0])
    others = [error for error in group if error.validator != "required"]
    if others:
        yield _error(pointer, others[0])


def _missing(pointer: str, error: Any) -> Iterator[SchemaError]:
    for name in error.validator_value:
        if name not in error.instance:
            clause = f"{error.schema['properties'][name]['x-clause']}.required"
            yield SchemaError(clause, pointer, "required", f"{place(pointer, name)} is missing", "", f"a member {name}")


def _error(pointer: str, error: Any) -> SchemaError:
    node = error.schema
    keyword = error.validator
    named = node.get("x-clauses", {})
    clause = named.get("null" if keyword == "type" and error.instance is None and "null" in named else keyword)
    if clause is None:
        # Every keyword that is not about the type names its clause; a test on the sources holds that.
        clause = f"{node['x-clause']}.type"
    return SchemaError(
        clause, pointer, keyword, _message(place(pointer), error), excerpt(error.instance), _want(node, keyword)
    )


# What breaking a keyword other than type means; a number that breaks minimum or maximum is out of range.
_BROKEN_KEYWORDS = {
    "minimum": "is out of range",
    "maximum": "is out of range",
    "enum": "is not a value that the specification lists",
    "pattern": "is not of the form that the specification gives",
    "minItems": "has no entry",
    "minLength": "is empty",
}


def _message(where: str, error: Any) -> str:
    if error.validator == "type":
        return f"{where} is not {type_text(error.validator_value)}"
    return f"{where} {_BROKEN_KEYWORDS[error.validator]}"


def _want(node: Node, keyword: str) -> str:
    if keyword == "enum":
        return " or ".join(excerpt(value) for value in node["enum"])
    if keyword in ("minimum", "maximum"):
        return f"{node['minimum']} to {node['maximum']}"
    if keyword == "type":
        return type_text(node["type"])
    if keyword == "minLength":
        return "a text that is not empty"
    if keyword == "minItems":
        return "at least one entry"
    return str(node[keyword])


def type_text(types: str | list[str]) -> str:
    """A JSON type, or several, in words: ``an integer``."""
    return " or ".join(_TYPE_NAMES[name] for name in ([types] if isinstance(types, str) else types))


@dataclass(slots=True)
class Visit:
    """What a walk over a document saw: ``judged``, the clauses of the schema that the document gave occasion to judge.

    ``strangers``, the members that the release does not have.
    """

    judged: set[str] = field(default_factory=set)
    strangers: list[Stranger] = field(default_factory=list)


class Stranger(NamedTuple):
    """A member that the release does not know.

    ``node``: its node in another release, if one has it; ``siblings``: the names known there; ``extensible``: whether
    anybody may add members there; ``fault``: what is wrong with its value by the first release that has it.
    """

    pointer: str
    name: str
    node: Node | None
    siblings: tuple[str, ...]
    extensible: bool = False
    fault: str = ""


def visit(kind: str, release: str, value: Any) -> Visit:
    """Walk over a document along the schema of all releases."""
    seen = Visit()
    _visit(everything(kind), release, value, "", seen)
    return seen


def _visit(node: Node, release: str, value: Any, pointer: str, seen: Visit) -> None:
    seen.judged.update(_own_clauses(node))
    # Of an object that stands where none may, only the type is wrong.
    if isinstance(value, dict) and "object" in node["type"]:
        _visit_members(node, release, value, pointer, seen)
    elif isinstance(value, list) and "items" in node:
        for index, item in enumerate(value):
            _visit(node["items"], release, item, f"{pointer}/{index}", seen)


def _own_clauses(node: Node) -> Iterator[str]:
    """The clauses that a value which this node describes can break."""
    named = node.get("x-clauses", {})
    if "type" not in named:
        yield f"{node['x-clause']}.type"
    yield from named.values()


def _visit_members(node: Node, release: str, value: dict[str, Any], pointer: str, seen: Visit) -> None:
    members: dict[str, Node] = node.get("properties", {})
    for child in members.values():
        if in_release(child, release) and _is_required(child, release):
            seen.judged.add(f"{child['x-clause']}.required")
    for name, member in value.items():
        known = members.get(name, node.get("additionalProperties"))
        if known is not None and in_release(known, release):
            _visit(known, release, member, below(pointer, name), seen)
        elif node.get("x-open") is not True:
            siblings = tuple(key for key, other in members.items() if in_release(other, release))
            extensible = node.get("x-open") == "typos"
            place_of_it = below(pointer, name)
            fault = _fault(known, member, place_of_it)
            seen.strangers.append(Stranger(place_of_it, name, known, siblings, extensible, fault))


def _fault(node: Node | None, value: Any, pointer: str) -> str:
    since = node.get("x-since") if node else None
    if node is None or since is None:
        return ""
    return next((error.message for error in violations(_only(node, since), value, pointer)), "")


def integers_written_as_floats(kind: str, release: str, value: Any) -> Iterator[tuple[str, float]]:
    """The pointers and values of numbers such as ``1.0`` or ``1e3`` where the release wants an integer."""
    return _floats(derive(kind, release), value, "")


def _floats(node: Node, value: Any, pointer: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, float):
        if value.is_integer() and "integer" in node.get("type", ""):
            yield pointer, value
    elif isinstance(value, dict):
        members = node.get("properties", {})
        for name, member in value.items():
            child = members.get(name, node.get("additionalProperties"))
            if child is not None:
                yield from _floats(child, member, below(pointer, name))
    elif isinstance(value, list) and "items" in node:
        for index, item in enumerate(value):
            yield from _floats(node["items"], item, f"{pointer}/{index}")


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
