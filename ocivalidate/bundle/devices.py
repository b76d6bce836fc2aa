"""What is true of devices on every platform that has them: their numbers, and that none is listed twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ocivalidate.rules.checks import Node, Violation
from ocivalidate.rules.remedies import Drop, same

_FIFO = "p"


def missing_numbers(device: Node, clauses: Mapping[str, str]) -> Iterator[Violation]:
    """A violation for each number that is absent. A FIFO has none, and a device of an unknown type is not judged."""
    if device.text("type") in (None, _FIFO):
        return
    for name, clause in clauses.items():
        if not device.has(name):
            yield device.breaks(clause, f"{device.place}.{name} is missing", got="", want=f"a member {name}")


def same_nodes(devices: Node, clause: str) -> Iterator[Violation]:
    """A violation for each device that repeats an earlier one. ``u`` means the same as ``c``; a FIFO has no numbers."""
    first: dict[tuple[str, int, int], Node] = {}
    for device in devices.children():
        kind, major, minor = device.text("type"), device.number("major"), device.number("minor")
        if kind is None or kind == _FIFO or major is None or minor is None:
            continue
        earlier = first.setdefault(("c" if kind == "u" else kind, major, minor), device)
        if earlier is not device:
            message = f"{device.place} is the same device as {earlier.place}"
            remedy = Drop() if same(device.value, earlier.value) else None
            yield device.breaks(clause, message, got=f"{kind} {major}:{minor}", remedy=remedy)
