"""The registries of checks on image documents, one for each document type.

Descriptors and annotations occur in several types of document, so their checks are bound to all of these places at
once.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable

from ocivalidate.rules.checks import CheckContext, CheckFunction, Node, Registry

LAYOUT = Registry()
INDEX = Registry()
MANIFEST = Registry()
CONFIG = Registry()
DESCRIPTOR = Registry()
REGISTRIES = (LAYOUT, INDEX, MANIFEST, CONFIG, DESCRIPTOR)

# Type of document → where its descriptors are.
_DESCRIPTORS = (
    (INDEX, ("/manifests/*", "/subject")),
    (MANIFEST, ("/config", "/layers/*", "/subject")),
    (DESCRIPTOR, ("",)),
)

# Importing a check module registers its checks.
CHECK_MODULES = (
    "annotations",
    "canonical",
    "configs",
    "descriptors",
    "histories",
    "i_json",
    "indexes",
    "manifests",
    "platforms",
)

Decorator = Callable[[CheckFunction], CheckFunction]


def on_every_document(*clauses: str) -> Decorator:
    """Bind the decorated function to the root of every type of document."""

    def bind(function: CheckFunction) -> CheckFunction:
        for registry in REGISTRIES:
            registry.check("", *clauses)(function)
        return function

    return bind


def on_descriptors(below: str, *clauses: str) -> Decorator:
    """Bind the decorated function to every descriptor, or to a place in it (``/digest``)."""

    def bind(function: CheckFunction) -> CheckFunction:
        for registry, places in _DESCRIPTORS:
            registry.check(tuple(f"{place}{below}" for place in places), *clauses)(function)
        return function

    return bind


def on_annotations(key: str, *clauses: str) -> Decorator:
    """Bind the decorated function to the annotation ``key`` (``*``: every one) of documents and of descriptors."""

    def bind(function: CheckFunction) -> CheckFunction:
        on_descriptors(f"/annotations/{key}", *clauses)(function)
        for registry in (INDEX, MANIFEST):
            registry.check(f"/annotations/{key}", *clauses)(function)
        return function

    return bind


def parent(node: Node, context: CheckContext) -> Node:
    """The object or array that contains a node."""
    return context.root.at(node.path[0] if node.path else None)


@functools.cache
def load_checks() -> None:
    """Fill the registries. Costs nothing from the second call on."""
    for name in CHECK_MODULES:
        importlib.import_module(f"ocivalidate.image.documents.{name}")
