"""Checks that the ids of a process and its mounts exist (user_namespaces(7), setresuid(2))."""

from __future__ import annotations

import bisect
import math
import re
from collections.abc import Iterator

from ocivalidate.bundle.idmaps import END_OF_IDS
from ocivalidate.bundle.registry import CONFIG
from ocivalidate.rules.checks import CheckContext, Node, Violation
from ocivalidate.rules.clauses import Severity

UNMAPPED = "safety/config.process.user.unmapped"
NO_ID = "safety/config.process.user.no-id"
OPTION = "safety/config.mounts.options.no-id"

# Where ids stand, and the mapping that has to contain them.
_USER = "/process/user"
_MAPPING_OF = {"uid": "uidMappings", "gid": "gidMappings", "additionalGids": "gidMappings"}
_IDS = (f"{_USER}/uid", f"{_USER}/gid", f"{_USER}/additionalGids/*")
# File systems that are mounted in the namespaces of the container and refuse an owner that is unmapped there.
_OWNED = frozenset({"tmpfs", "devpts"})
# login.defs(5), SUB_UID_MIN: lower ids are those of users, not ranges delegated to users.
_FIRST_OF_RANGES = 100_000
_OWNER = r"(uid|gid)=([0-9]{1,10})"


@CONFIG.check(_IDS, UNMAPPED, NO_ID)
def id_exists_in_the_container(node: Node, context: CheckContext) -> Iterator[Violation]:
    """setresuid(2), setresgid(2) and setgroups(2) return EINVAL for an id that the namespace does not map.

    The last 32-bit id means "no id": setgroups(2) refuses it. For the other two it means "unchanged", so the process
    would stay root.
    """
    number = int(node.value)
    if number == END_OF_IDS:
        yield node.breaks(
            NO_ID, f"{node.place} is not a usable id: system calls read it as no id", want=f"0 to {END_OF_IDS - 1}"
        )
        return
    member = _MAPPING_OF[node.pointer.split("/")[3]]
    if not _is_mapped(number, member, context):
        message = f"{node.place} is not in linux.{member}: there is no such id in the container"
        severity = Severity.NOTE if _maps_own_id_alone(member, context) else None
        yield node.breaks(UNMAPPED, message, want=f"an id that linux.{member} maps", severity=severity)


@CONFIG.check("/mounts/*", OPTION)
def owner_of_a_mount_exists(node: Node, context: CheckContext) -> Iterator[Violation]:
    """The kernel returns EINVAL for an owner that the namespace does not map, and for the id that means "no id"."""
    if node.text("type") not in _OWNED:
        return
    for option in node.each("options"):
        match = re.fullmatch(_OWNER, option.value)
        if match and not (int(match[2]) < END_OF_IDS and _is_mapped(int(match[2]), f"{match[1]}Mappings", context)):
            message = f"{option.place} names an owner that does not exist in the container"
            yield option.breaks(OPTION, message, want=f"an id that linux.{match[1]}Mappings maps")


def _is_mapped(number: int, member: str, context: CheckContext) -> bool:
    """Whether an id exists in the container; true where the document leaves it open."""
    ranges = context.once(("mapped", member), lambda: _mapped(member, context))
    if not ranges:
        return True
    before = bisect.bisect_right(ranges, (number, math.inf)) - 1
    return before >= 0 and number < ranges[before][1]


def _mapped(member: str, context: CheckContext) -> list[tuple[int, int]]:
    """The ids that exist in the container, as sorted ranges; ``None`` where the document leaves it open."""
    namespaces = context.root.children_if_all_sound("linux", "namespaces")
    users = [entry for entry in namespaces or () if entry.text("type") == "user"]
    if len(users) != 1 or users[0].has("path"):
        return []
    entries = context.root.children_if_all_sound("linux", member)
    joined: list[tuple[int, int]] = []
    ranges = [(entry.number("containerID"), entry.number("size")) for entry in entries or ()]
    sure = [(start, size) for start, size in ranges if start is not None and size is not None]
    if len(sure) < len(ranges):
        return []
    for start, size in sorted(sure):
        if joined and start <= joined[-1][1]:
            first, end = joined[-1]
            joined[-1] = (first, max(end, start + size))
        else:
            joined.append((start, start + size))
    return joined


def _maps_own_id_alone(member: str, context: CheckContext) -> bool:
    """Whether a mapping is the one that an unprivileged tool can make: of the id that it runs as alone.

    It keeps the user of the image, for the caller of the runtime to choose.
    """
    return context.once(("own id alone", member), lambda: _is_own_id_alone(member, context))


def _is_own_id_alone(member: str, context: CheckContext) -> bool:
    entries = context.root.each("linux", member)
    return (
        len(entries) == 1 and entries[0].number("size") == 1 and (entries[0].number("hostID") or 0) < _FIRST_OF_RANGES
    )
