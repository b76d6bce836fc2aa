"""Lists of CPUs and memory nodes, such as ``0-3,7`` (runtime-spec config-linux.md#cpu, cpuset(7))."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ocivalidate.rules.checks import Node, Violation
from ocivalidate.rules.clauses import Severity

_RANGE = r"([0-9]{1,9})(?:-([0-9]{1,9}))?"
# The kernel accepts more than the specification says: strides, names for the last CPU and for all, blanks at the ends.
_KERNEL_RANGE = r"(?:[0-9]{1,9}|N)(?:-(?:[0-9]{1,9}|N)(?::[0-9]{1,9}/[0-9]{1,9})?)?|all"

_BLANKS = " \t\n\r\v\f"


def list_form(node: Node, clause: str) -> Iterator[Violation]:
    """Judge a list of numbers and ranges. The empty string is fine: programs in Go write it for an unset list."""
    if node.value == "":
        return
    parts = node.value.split(",")
    want = "numbers and ranges separated by commas, such as 0-3,7"
    if all(_is_range(part) for part in parts):
        return
    if is_list(node.value):
        message = f"{node.place} is a list that the kernel accepts, but not in the form that the specification defines"
        yield node.breaks(clause, message, want=want, severity=Severity.WARNING)
    else:
        yield node.breaks(clause, f"{node.place} is not a list of numbers and ranges", want=want)


def is_list(text: str) -> bool:
    """Whether the kernel accepts a text as a list of numbers and ranges; an empty text is not one."""
    parts = text.strip(_BLANKS).split(",")
    return all(re.fullmatch(_KERNEL_RANGE, part) and not _runs_backwards(part) for part in parts)


def _is_range(part: str) -> bool:
    return re.fullmatch(_RANGE, part) is not None and not _runs_backwards(part)


def _runs_backwards(part: str) -> bool:
    match = re.fullmatch(_RANGE, part)
    return match is not None and match[2] is not None and int(match[2]) < int(match[1])
