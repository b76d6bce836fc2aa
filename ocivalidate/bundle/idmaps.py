"""Ranges of id mappings (runtime-spec config-linux.md#user-namespace-mappings, user_namespaces(7))."""

from __future__ import annotations

from collections.abc import Iterator

from ocivalidate.rules.checks import Node, Violation

# The kernel keeps the last 32-bit id for "no id", and refuses a range that reaches it.
END_OF_IDS = 2**32 - 1
_SIDES = (("containerID", "in the container"), ("hostID", "on the host"))


def overlaps(mappings: Node, clause: str) -> Iterator[Violation]:
    """A violation for each entry whose range starts inside that of another, in the container or on the host."""
    for member, where in _SIDES:
        ranges = sorted(_ranges(mappings, member), key=lambda item: (item[0], item[1]))
        reached, owner = -1, None
        for start, size, entry in ranges:
            if start < reached and owner is not None:
                later, earlier = sorted((entry, owner), key=lambda node: int(node.name), reverse=True)
                message = f"{later.place} overlaps {earlier.place} {where}"
                yield later.breaks(clause, message, got=f"{member} {later.number(member)}, size {later.number('size')}")
            if start + size > reached:
                reached, owner = start + size, entry


def _ranges(mappings: Node, member: str) -> Iterator[tuple[int, int, Node]]:
    for entry in mappings.children():
        start, size = entry.number(member), entry.number("size")
        if start is not None and size:
            yield start, size, entry
