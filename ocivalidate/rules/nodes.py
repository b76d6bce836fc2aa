"""Where in the schemas a clause is judged: the nodes of their sources, with all clauses that each of them makes.

``schema.py`` writes out every ``$ref`` before it judges; here the nodes are walked where people find them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ocivalidate import resources
from ocivalidate.jsontext.pointers import below
from ocivalidate.rules.schema import KINDS, absolute


class Node(NamedTuple):
    """A clause, and the node that makes it: its file below ``schemas/``, and its pointer there."""

    clause: str
    file: str
    pointer: str


class _Place(NamedTuple):
    """A node of a source, and where it stands."""

    node: Mapping[str, Any]
    file: str
    pointer: str

    def child(self, *names: str) -> _Place:
        """What stands below it."""
        node, pointer = self.node, self.pointer
        for name in names:
            node, pointer = node[name], below(pointer, name)
        return _Place(node, self.file, pointer)


def nodes(kind: str) -> Iterator[Node]:
    """Every clause that the schema of a document type makes, each with its node; a node comes once for each clause."""
    source = _Place(resources.read_json("schemas", KINDS[kind]), KINDS[kind], "")
    definitions = {name: source.child("$defs", name) for name in source.node.get("$defs", {})}
    if "x-defs" in source.node:
        shared = _Place(resources.read_json("schemas", source.node["x-defs"]), source.node["x-defs"], "")
        definitions = {name: shared.child("$defs", name) for name in shared.node["$defs"]} | definitions
    yield from _walk(source, definitions, source.node["x-clause"])


def _walk(place: _Place, definitions: Mapping[str, _Place], around: str) -> Iterator[Node]:
    # What a node says itself counts before what it refers to.
    parts = [place]
    if "$ref" in place.node:
        parts.append(definitions[place.node["$ref"].removeprefix("#/$defs/")])
    naming = next((part for part in parts if "x-clause" in part.node), place)
    clause = absolute(naming.node.get("x-clause", around), around)
    named = next((part for part in parts if "x-clauses" in part.node), None)
    clauses = named.node["x-clauses"] if named else {}
    if "type" not in clauses:
        yield Node(f"{clause}.type", naming.file, naming.pointer)
    if named:
        yield from (Node(absolute(of, clause), named.file, named.pointer) for of in clauses.values())
    if any(part.node.get("x-required") for part in parts):
        yield Node(f"{clause}.required", naming.file, naming.pointer)
    holders = [part for part in parts if "properties" in part.node][:1]
    for holder in holders:
        for name in holder.node["properties"]:
            yield from _walk(holder.child("properties", name), definitions, clause)
    for keyword in ("items", "additionalProperties"):
        for holder in [part for part in parts if keyword in part.node][:1]:
            yield from _walk(holder.child(keyword), definitions, clause)
