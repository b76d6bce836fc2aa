"""Checks of z/OS (runtime-spec config-zos.md; devices were part of it from 1.1.0 to 1.2.0)."""

from __future__ import annotations

from collections.abc import Iterator

from ocivalidate.bundle.devices import missing_numbers, same_nodes
from ocivalidate.bundle.paths import not_absolute
from ocivalidate.bundle.process import repeated
from ocivalidate.bundle.registry import CONFIG
from ocivalidate.bundle.values import ZOS_NAMESPACES, in_open_list
from ocivalidate.rules.checks import CheckContext, Node, Violation

TYPE_VALUES = "runtime/config-zos.namespaces.type.values"
TYPE_UNIQUE = "runtime/config-zos.namespaces.no-duplicate-type"
PATH_ABSOLUTE = "runtime/config-zos.namespaces.path.absolute"
NUMBERS = {
    "major": "runtime/config-zos.devices.major.required-unless-p",
    "minor": "runtime/config-zos.devices.minor.required-unless-p",
}
NODE_UNIQUE = "runtime/config-zos.devices.no-duplicate-node"


@CONFIG.check("/zos/namespaces/*/type", TYPE_VALUES)
def namespace_type_is_known(node: Node, context: CheckContext) -> Iterator[Violation]:
    """The list has grown on Linux, and z/OS follows it."""
    yield from in_open_list(node, context, TYPE_VALUES, ZOS_NAMESPACES)


@CONFIG.check("/zos/namespaces", TYPE_UNIQUE)
def namespace_types_are_unique(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A runtime has to refuse a type that is listed twice."""
    yield from repeated(node, "type", TYPE_UNIQUE)


@CONFIG.check("/zos/namespaces/*/path", PATH_ABSOLUTE)
def namespace_path_is_absolute(node: Node, context: CheckContext) -> Iterator[Violation]:
    """An empty path does not count; the schema covers it."""
    yield from not_absolute(node, PATH_ABSOLUTE, context.platforms)


@CONFIG.check("/zos/devices/*", *NUMBERS.values())
def device_has_its_numbers(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A FIFO has none; a device whose type is unknown is not judged."""
    yield from missing_numbers(node, NUMBERS)


@CONFIG.check("/zos/devices", NODE_UNIQUE)
def device_nodes_are_unique(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A runtime has to refuse a device that is listed twice."""
    yield from same_nodes(node, NODE_UNIQUE)
