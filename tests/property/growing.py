"""Documents to start from: those that the project has, and such as grow from its schemas."""

from __future__ import annotations

import functools
import random
from typing import Any

from ocivalidate import resources
from ocivalidate.jsontext.documents import read_document
from ocivalidate.rules import schema
from ocivalidate.rules.witnesses import apply, base_document, witnesses
from tests.property.trees import Members, Tree

# Document type → the member that says its version.
VERSION_MEMBERS = {"runtime-config": "ociVersion", "runtime-state": "ociVersion", "runtime-features": "ociVersionMax"}
WITNESS_KINDS = {"bundle": "runtime-config", "state": "runtime-state", "features": "runtime-features"}
# Names for the members of objects that take any.
MAP_NAMES = ["com.example.key", "org.opencontainers.image.os", "net.core.somaxconn", "monotonic", "eth0", "memory.high"]


@functools.cache
def bases(kind: str) -> tuple[Any, ...]:
    """The values of the valid documents of this type that the project has."""
    named = {"runtime-state": "state.json", "runtime-features": "features.json"}
    files = sorted((resources.folder("fixtures") / "bases").glob("*.json"))
    if kind in named:
        return (base_document(named[kind]),)
    others = (*named.values(), *(file.name for file in files if file.name.startswith("image-")))
    return tuple(base_document(file.name) for file in files if file.name not in others)


@functools.cache
def broken_bases(kind: str) -> tuple[Any, ...]:
    """The values of the documents that break one clause each, as far as they can be read."""
    texts = (
        apply(base_document(witness.base), witness.violates)
        for witness in witnesses().values()
        if WITNESS_KINDS.get(witness.kind) == kind
    )
    documents = [read_document(text) for text in texts]
    return tuple(document.value for document in documents if document.usable and not document.problems)


@functools.cache
def _known_values() -> dict[str, list[Any]]:
    """Member name → the values that it has in the valid documents, and in arrays those of the entries."""
    known: dict[str, list[Any]] = {}

    def gather(name: str, value: Any) -> None:
        if isinstance(value, dict):
            for inner, member in value.items():
                gather(inner, member)
        elif isinstance(value, list):
            for item in value:
                gather(name, item)
        else:
            known.setdefault(name, []).append(value)

    for kind in VERSION_MEMBERS:
        for base in bases(kind):
            gather("", base)
    return known


def grown(node: schema.Node, name: str, dice: random.Random, density: float) -> Tree:
    """A value that its schema node allows; of an object's optional members, a part of ``density``."""
    if "enum" in node:
        return dice.choice(node["enum"])
    types = node.get("type", "string")
    kind = types if isinstance(types, str) else dice.choice(types)
    if kind == "object":
        return _grown_object(node, dice, density)
    if kind == "array":
        count = dice.choice([1, 1, 2, 3])
        return [grown(node.get("items", {}), name, dice, density) for _ in range(count)]
    return _grown_scalar(kind, node, name, dice)


def _grown_object(node: schema.Node, dice: random.Random, density: float) -> Members:
    members = Members()
    for name, child in node.get("properties", {}).items():
        if child.get("x-required") or dice.random() < density:
            members.append((name, grown(child, name, dice, density)))
    if "additionalProperties" in node:
        for name in dice.sample(MAP_NAMES, k=dice.choice([0, 1, 2])):
            members.append((name, grown(node["additionalProperties"], name, dice, density)))
    return members


def _grown_scalar(kind: str, node: schema.Node, name: str, dice: random.Random) -> Any:
    if kind == "boolean":
        return dice.random() < 0.5
    if kind == "null":
        return None
    wanted = str if kind == "string" else int
    values = [value for value in _known_values().get(name, []) if type(value) is wanted]
    if values and dice.random() < 0.8:
        return dice.choice(values)
    if kind == "string":
        return dice.choice(["/a", "rwm", "0-1", "b"] if "pattern" not in node else ["rwm", "r"])
    return dice.choice([node.get("minimum", 0), node.get("maximum", 7), max(1, node.get("minimum", 1))])
