"""What the schemas say of a place: which members and values it may have, and what is asked of them."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from typing import Any

from ocivalidate.lsp.cursor import Way
from ocivalidate.printed import standalone
from ocivalidate.rules.clauses import load
from ocivalidate.rules.schema import everything, type_text
from ocivalidate.vocabulary.versions import RUNTIME_RELEASES

_REFERENCE = re.compile(r"(\S+) \(.*\)")

Node = dict[str, Any]


@functools.lru_cache(maxsize=16)
def _schema(kind: str, release: str) -> Node:
    return standalone(kind, release)


def node_at(kind: str, release: str, way: Way) -> Node | None:
    """What the schema of a release says of a place; ``None`` where it says nothing."""
    return _below(_schema(kind, release), way)


def _below(node: Any, way: Way) -> Node | None:
    for token in way:
        if not isinstance(node, dict):
            return None
        if isinstance(token, int):
            node = node.get("items")
        else:
            node = node.get("properties", {}).get(token) or node.get("additionalProperties")
    return node if isinstance(node, dict) else None


def members_at(kind: str, release: str, way: Way) -> Iterator[tuple[str, Node, bool]]:
    """The members that an object at a place may have, in the order of the specification, and whether it must."""
    node = node_at(kind, release, way) or {}
    required = node.get("required", ())
    for name, inner in node.get("properties", {}).items():
        yield name, inner, name in required


def values_at(kind: str, release: str, way: Way) -> list[str]:
    """The values that a place may have, as JSON, where the specification lists them."""
    node = node_at(kind, release, way) or {}
    if kind.startswith("runtime-") and way in (("ociVersion",), ("ociVersionMin",), ("ociVersionMax",)):
        return [json.dumps(one) for one in reversed(RUNTIME_RELEASES)]
    values = node.get("enum") or node.get("examples") or ([True, False] if node.get("type") == "boolean" else [])
    return [json.dumps(value) for value in values]


def type_of(node: Node) -> str:
    """The type of a member in words, or ``""``."""
    return type_text(node["type"]) if "type" in node else ""


def sentences(node: Node) -> list[str]:
    """What the clauses say of a member, one after another, without what the schema is named for."""
    found = re.split(r"(?<=\.) (?=[A-Za-z])", str(node.get("description", "")))
    return [one for one in found if one]


def clause_of(node: Node) -> str:
    """The beginning of the ids of the clauses on a member, or ``""``."""
    found = _REFERENCE.match(str(node.get("$comment", "")))
    return found[1] if found else ""


def about(node: Node, release: str) -> list[tuple[str, str, str]]:
    """Level, summary and id of the clauses on a member that hold in a release."""
    begin = f"{clause_of(node)}."
    return [
        (str(clause.level), clause.summary, clause.id)
        for name in _ids(clause_of(node))
        if (clause := load()[name]).holds_in(release) and "." not in name.removeprefix(begin)
    ]


@functools.lru_cache(maxsize=256)
def _ids(begin: str) -> tuple[str, ...]:
    return tuple(name for name in load() if name.startswith(f"{begin}.")) if begin else ()


def elsewhere(kind: str, way: Way) -> Node | None:
    """A member that another release has, as the schema of all releases describes it."""
    return _below(everything(kind), way)
