"""Checks of Linux namespaces, id mappings, time offsets and sysctl (runtime-spec config-linux.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ocivalidate.bundle.idmaps import END_OF_IDS, overlaps
from ocivalidate.bundle.paths import not_absolute
from ocivalidate.bundle.process import repeated
from ocivalidate.bundle.registry import CONFIG
from ocivalidate.bundle.values import CLOCKS, LINUX_NAMESPACES, in_open_list
from ocivalidate.rules.checks import CheckContext, Node, Violation
from ocivalidate.rules.remedies import written

PATH = "runtime/config-linux.namespaces.path.absolute"
TYPE = "runtime/config-linux.namespaces.type.values"
UNIQUE = "runtime/config-linux.namespaces.type.unique"
PATH_TYPE = "safety/config.namespaces.path-type"
USER_UNMAPPED = "safety/config.namespaces.user-without-mappings"
CLOCK = "runtime/config-linux.timeOffsets.clock"
NO_TIME = "safety/config.timeOffsets.no-time-namespace"
NANOSECS = "safety/config.timeOffsets.nanosecs"
OFFSET = "safety/config.timeOffsets.range"
SHARED_UTS = {
    "hostname": "safety/config.hostname.shared-uts",
    "domainname": "safety/config.domainname.shared-uts",
}
NAME_LENGTH = {"hostname": "safety/config.hostname.length", "domainname": "safety/config.domainname.length"}
NO_USER = "safety/config.idMappings.no-user-namespace"
JOINED = "safety/config.idMappings.joined-user-namespace"
UNPAIRED = "safety/config.idMappings.unpaired"
OVERLAP = "safety/config.idMappings.overlap"
EMPTY_RANGE = "safety/config.idMappings.empty-range"
OVERFLOW = "safety/config.idMappings.range-overflow"
TOO_MANY = "safety/config.idMappings.too-many"
SYSCTL_SHARED = "safety/config.sysctl.shared-namespace"
SYSCTL_GLOBAL = "safety/config.sysctl.not-namespaced"
SYSCTL_MEMBER = "safety/config.sysctl.has-a-member"

MAPPINGS = ("/linux/uidMappings", "/linux/gidMappings")
MAPPINGS_OF_MOUNTS = ("/mounts/*/uidMappings", "/mounts/*/gidMappings")
# include/uapi/linux/utsname.h, __NEW_UTS_LEN.
_LONGEST_NAME = 64
# include/linux/user_namespace.h, UID_GID_MAP_MAX_EXTENTS.
_MOST_RANGES = 340
# kernel/time/namespace.c, timens_set_vdso_data() and its kin: KTIME_SEC_MAX either way, and no clock beyond half of it.
_LEAST_OFFSET, _MOST_OFFSET = -(2**63 // 10**9), 2**63 // 10**9 // 2
# Names that other tools use for the same namespaces.
_OTHER_NAMES = {"net": "network", "mnt": "mount"}
_PROC_NAMESPACE = r"/proc/[^/]+/ns/([a-z]+)(?:_for_children)?"
_BY_FILE = {"net": "network", "mnt": "mount"}
# Prefixes of sysctl names, and the type of the namespace that holds them (namespaces(7), ipc_namespaces(7)).
_SYSCTL_NAMESPACES = (
    ("net.", "network"),
    ("fs.mqueue.", "ipc"),
    ("kernel.msg", "ipc"),
    ("kernel.sem", "ipc"),
    ("kernel.shm", "ipc"),
    ("kernel.auto_msgmni", "ipc"),
    ("kernel.hostname", "uts"),
    ("kernel.domainname", "uts"),
    ("user.", "user"),
)
# Parameters that a member of the configuration sets too.
_MEMBERS = {"kernel.hostname": "hostname", "kernel.domainname": "domainname"}


def namespace(context: CheckContext, kind: str) -> Node | None:
    """The first entry of ``linux.namespaces`` of this type, new or joined."""
    return next((entry for entry in context.root.each("linux", "namespaces") if entry.text("type") == kind), None)


def lacks_namespace(context: CheckContext, kind: str) -> bool:
    """Whether the container certainly has no namespace of this type: an entry of unknown type may be meant for it."""
    types = context.once("types of namespaces", lambda: _types(context))
    return types is not None and kind not in types


def _types(context: CheckContext) -> frozenset[str] | None:
    """The types of ``linux.namespaces``, or ``None`` when there may be others."""
    entries = context.root.children_if_all_sound("linux", "namespaces")
    types = {None} if entries is None else {entry.text("type") for entry in entries}
    known = {name for name in types if name is not None and name in LINUX_NAMESPACES}
    return frozenset(known) if known == types else None


@CONFIG.check("/linux/namespaces/*/path", PATH)
def namespace_path_is_absolute(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """An empty path does not count; the schema covers it."""
    yield from not_absolute(node, PATH)


@CONFIG.check("/linux/namespaces/*/type", TYPE)
def namespace_type_is_known(node: Node, context: CheckContext) -> Iterator[Violation]:
    """An open list: kernels add namespace types."""
    for violation in in_open_list(node, context, TYPE, LINUX_NAMESPACES):
        meant = _OTHER_NAMES.get(node.value)
        yield violation._replace(hint=f"did you mean {meant}?", remedy=written(meant)) if meant else violation


@CONFIG.check("/linux/namespaces", UNIQUE)
def namespace_types_are_unique(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """A runtime has to refuse a type that is listed twice."""
    yield from repeated(node, "type", UNIQUE)


@CONFIG.check("/linux/namespaces/*", PATH_TYPE)
def namespace_path_fits_the_type(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """Only paths below /proc show their type."""
    match = re.fullmatch(_PROC_NAMESPACE, node.text("path") or "")
    kind = node.text("type")
    if match and kind and _BY_FILE.get(match[1], match[1]) != kind:
        yield node.breaks(
            PATH_TYPE, f"{node.place} joins a namespace of another type", got=match[0], want=f"a {kind} namespace"
        )


@CONFIG.check("/linux/namespaces/*", USER_UNMAPPED)
def new_user_namespace_has_mappings(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Without mappings only the overflow user exists in it."""
    linux = context.root.get("linux")
    if node.text("type") != "user" or node.text("path") or linux is None:
        return
    if not linux.has("uidMappings") and not linux.has("gidMappings"):
        yield node.breaks(USER_UNMAPPED, "a new user namespace has no uidMappings and gidMappings", got="")


@CONFIG.check("/linux/timeOffsets/*", CLOCK)
def clock_is_known(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """time_namespaces(7)."""
    if node.name not in CLOCKS:
        message = f"{node.name} is not a clock of a time namespace"
        yield node.breaks(CLOCK, message, got=node.name, want="monotonic or boottime", at_name=True)


@CONFIG.check("/linux/timeOffsets/*/nanosecs", NANOSECS)
def nanoseconds_are_below_a_second(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """time_namespaces(7)."""
    value = node.number()
    if value is not None and value >= 10**9:
        yield node.breaks(NANOSECS, f"{node.place} is a second or more", want="0 to 999999999")


@CONFIG.check("/linux/timeOffsets/*/secs", OFFSET)
def offset_is_in_range(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """time_namespaces(7): ERANGE. How far back a clock may go depends on its value at that time."""
    value = node.number()
    if value is not None and not _LEAST_OFFSET <= value <= _MOST_OFFSET:
        yield node.breaks(OFFSET, f"{node.place} is out of range", want=f"{_LEAST_OFFSET} to {_MOST_OFFSET}")


@CONFIG.check("/linux/timeOffsets", NO_TIME)
def time_offsets_have_a_namespace(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Offsets can only be set in a new namespace."""
    entry = namespace(context, "time")
    if node.value and (lacks_namespace(context, "time") or (entry is not None and entry.text("path"))):
        yield node.breaks(NO_TIME, "linux.timeOffsets is set, but the container has no new time namespace", got="")


@CONFIG.check(("/hostname", "/domainname"), *SHARED_UTS.values())
def name_has_a_uts_namespace(node: Node, context: CheckContext) -> Iterator[Violation]:
    """In a container that shares the host's namespace, the host would be renamed; most runtimes refuse.

    Without a Linux section there is no namespace either, but a virtual machine has its own kernel.
    """
    if context.on("vm") and not context.root.has("linux"):
        return
    if node.value and context.on("linux") and lacks_namespace(context, "uts"):
        clause = SHARED_UTS[node.name]
        yield node.breaks(clause, f"{node.name} is set, but the container has no UTS namespace of its own")


@CONFIG.check(("/hostname", "/domainname"), *NAME_LENGTH.values())
def name_is_short_enough(node: Node, context: CheckContext) -> Iterator[Violation]:
    """sethostname(2) and setdomainname(2) return EINVAL."""
    length = len(node.value.encode("utf-8", "surrogatepass"))
    if context.on("linux") and length > _LONGEST_NAME:
        message = f"{node.name} is longer than the kernel accepts"
        yield node.breaks(NAME_LENGTH[node.name], message, got=f"{length} bytes", want=f"at most {_LONGEST_NAME}")


@CONFIG.check(MAPPINGS, NO_USER, UNPAIRED)
def mappings_belong_to_a_user_namespace(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Runtimes refuse or ignore mappings that no namespace can use."""
    twin = "gidMappings" if node.name == "uidMappings" else "uidMappings"
    linux = context.root.get("linux")
    if linux is not None and node.value and not linux.has(twin):
        yield node.breaks(UNPAIRED, f"{node.place} is set without {twin}", got="")
    told = node.name == "gidMappings" and context.root.each("linux", "uidMappings")
    if node.value and not told and lacks_namespace(context, "user"):
        yield node.breaks(NO_USER, f"{node.place} is set without a user namespace", got="")


@CONFIG.check("/linux/namespaces", JOINED)
def joined_user_namespace_keeps_its_mappings(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A note only: older runtimes required mappings beside the path, so engines write them."""
    entry = namespace(context, "user")
    if entry is None or not entry.text("path"):
        return
    for name in ("uidMappings", "gidMappings"):
        if context.root.each("linux", name):
            message = f"linux.{name} is set, but the container joins a user namespace, which already has mappings"
            yield entry.breaks(JOINED, message, got="")
            return


@CONFIG.check((*MAPPINGS, *MAPPINGS_OF_MOUNTS), TOO_MANY)
def mapping_has_few_ranges(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """user_namespaces(7)."""
    if len(node.value) > _MOST_RANGES:
        message, got = f"{node.place} has more ranges than the kernel accepts", str(len(node.value))
        yield node.breaks(TOO_MANY, message, got=got, want=f"at most {_MOST_RANGES}")


@CONFIG.check(MAPPINGS, OVERLAP)
def mappings_do_not_overlap(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """user_namespaces(7)."""
    yield from overlaps(node, OVERLAP)


@CONFIG.check(tuple(f"{path}/*" for path in (*MAPPINGS, *MAPPINGS_OF_MOUNTS)), EMPTY_RANGE, OVERFLOW)
def mapping_is_a_range(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """user_namespaces(7)."""
    size = node.number("size")
    if size == 0:
        yield node.breaks(EMPTY_RANGE, f"{node.place} maps no ids", got="size 0", want="a size of at least 1")
    for member in ("containerID", "hostID"):
        start = node.number(member)
        if start is not None and size and start + size > END_OF_IDS:
            message = f"{node.place} extends beyond the last id"
            yield node.breaks(
                OVERFLOW, message, got=f"{member} {start}, size {size}", want=f"an end of at most {END_OF_IDS}"
            )
            break


@CONFIG.check("/linux/sysctl/*", SYSCTL_SHARED, SYSCTL_GLOBAL)
def sysctl_belongs_to_the_container(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A kernel parameter outside the container's namespaces belongs to the host."""
    name = _dotted(node.name)
    kind = next((kind for start, kind in _SYSCTL_NAMESPACES if name.startswith(start)), None)
    if kind is None:
        message = f"{name} is a parameter of the host, not of a namespace"
        yield node.breaks(
            SYSCTL_GLOBAL, message, hint="runtimes refuse it or change the setting on the host", at_name=True
        )
    elif lacks_namespace(context, kind):
        message = f"{name} is set, but the container has no {kind} namespace of its own"
        yield node.breaks(SYSCTL_SHARED, message, at_name=True)


@CONFIG.check("/linux/sysctl/*", SYSCTL_MEMBER)
def sysctl_has_no_member_of_its_own(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Runtimes always refuse kernel.hostname, and some refuse kernel.domainname beside domainname."""
    member = _MEMBERS.get(_dotted(node.name))
    if member == "hostname" or (member and context.root.has(member)):
        message = f"{node.name} sets what the member {member} is for"
        yield node.breaks(SYSCTL_MEMBER, message, want=f"the member {member}", at_name=True)


def _dotted(name: str) -> str:
    """sysctl(8): names may be written with slashes; the first separator tells which."""
    slash, dot = name.find("/"), name.find(".")
    if slash != -1 and (dot == -1 or slash < dot):
        return name.translate({ord("/"): ".", ord("."): "/"})
    return name
