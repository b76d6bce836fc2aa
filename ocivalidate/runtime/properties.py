"""The properties of ``config.json`` on Linux, and which of them cases set and observe.

"All of the properties configured … MUST be applied" (runtime.md, create) covers every leaf of the schema. The list
is generated from the schema. A property that no case observes has a reason in ``conformance/properties.toml``.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ocivalidate import resources
from ocivalidate.rules.clauses import load
from ocivalidate.rules.schema import everything
from ocivalidate.vocabulary.versions import holds

# The clause broken by a property that was not applied: process belongs to the environment of lifecycle step 2,
# everything else is applied by create.
APPLIES_CONFIG = "runtime/runtime.create.applies-config"
CREATES_ENVIRONMENT = "runtime/runtime.lifecycle.create-env"
_OTHERS = ("windows", "solaris", "vm", "zos", "freebsd")
# Members of shared objects that only Windows has.
_WINDOWS = ("/process/commandLine", "/process/user/username")


@dataclass(frozen=True, slots=True)
class Property:
    """A leaf of the schema.

    ``pointer`` has ``*`` for the entries of an array and the names of a map: ``/process/rlimits/*/soft``. An array of
    plain values is one leaf. ``since`` and ``until`` are the releases that have it.
    """

    pointer: str
    since: str | None = None
    until: str | None = None

    def holds_in(self, release: str) -> bool:
        """Whether this release has the property."""
        return holds(release, self.since, self.until)


@functools.cache
def properties() -> tuple[Property, ...]:
    """Every property that applies on Linux, in the order of the schema."""
    root = everything("runtime-config")["properties"]
    return tuple(leaf for name, node in root.items() if name not in _OTHERS for leaf in _leaves(node, f"/{name}"))


def _leaves(
    node: Mapping[str, Any], pointer: str, since: str | None = None, until: str | None = None
) -> Iterator[Property]:
    clause = load("runtime").get(f"{node.get('x-clause', '')}.type")
    if clause is not None and not clause.concerns({"linux"}):
        return
    since, until = node.get("x-since", since), node.get("x-until", until)
    below = list(_below(node, pointer))
    for place, child in below:
        yield from _leaves(child, place, since, until)
    if not below and pointer not in _WINDOWS:
        yield Property(pointer, since, until)


def _below(node: Mapping[str, Any], pointer: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The members and entries of a node with their pointers; empty for a leaf."""
    for name, child in node.get("properties", {}).items():
        yield f"{pointer}/{name}", child
    free = node.get("additionalProperties")
    if isinstance(free, dict):
        yield f"{pointer}/*", free
    entries = node.get("items", {})
    if "properties" in entries:
        yield f"{pointer}/*", entries


@functools.cache
def by_pointer() -> Mapping[str, Property]:
    """The properties by their pointers."""
    return {leaf.pointer: leaf for leaf in properties()}


def in_release(pointer: str, release: str) -> bool:
    """Whether a release has the property at ``pointer``. Raises :class:`KeyError` if no release has it."""
    return by_pointer()[pointer].holds_in(release)


def property_clause(pointer: str) -> str:
    """The clause that is broken when the property at ``pointer`` is not applied."""
    return CREATES_ENVIRONMENT if pointer == "/process" or pointer.startswith("/process/") else APPLIES_CONFIG


def full_id(clause: str) -> str:
    """The id of a clause with its family; cases leave out the family ``runtime``."""
    return clause if "/" in clause else f"runtime/{clause}"


def reasons() -> dict[str, str]:
    """Why no case observes a property, by pointer."""
    file = resources.folder("conformance") / "properties.toml"
    if not file.is_file():
        return {}
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    return {entry["pointer"]: entry["reason"] for entry in table.get("unobserved", ())}
