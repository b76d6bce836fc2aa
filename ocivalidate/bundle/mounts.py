"""Checks of mounts (runtime-spec config.md#mounts); those of Windows and Solaris are in their own modules."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from ocivalidate.bundle.idmaps import overlaps
from ocivalidate.bundle.linux_namespaces import lacks_namespace, namespace
from ocivalidate.bundle.paths import not_absolute
from ocivalidate.bundle.registry import CONFIG
from ocivalidate.bundle.values import MOUNT_OPTIONS
from ocivalidate.rules.checks import CheckContext, Node, Violation
from ocivalidate.rules.clauses import Severity

ABSOLUTE_LINUX = "runtime/config.mounts.destination.absolute-linux"
ABSOLUTE_LINUX_REQUIRED = "runtime/config.mounts.destination.absolute-linux-required"
ABSOLUTE_OTHER = "runtime/config.mounts.destination.absolute-other"
PAIR = {
    "uidMappings": (
        "gidMappings",
        "runtime/config.mounts.uidMappings.with-gidMappings",
        "runtime/config.mounts.uidMappings.needs-idmap-option",
    ),
    "gidMappings": (
        "uidMappings",
        "runtime/config.mounts.gidMappings.with-uidMappings",
        "runtime/config.mounts.gidMappings.needs-idmap-option",
    ),
}
NEEDS_MAPPINGS = "runtime/config.mounts.options.idmap.needs-mappings"
BIND_TYPE = "safety/config.mounts.bind-type"
NO_TYPE = "safety/config.mounts.no-type"
BIND_DATA = "safety/config.mounts.bind-data"
NO_SOURCE = "safety/config.mounts.bind-without-source"
OVERLAP = "safety/config.mounts.idMappings.overlap"
OVER_ROOT = "safety/config.mounts.over-root"
INSIDE_PROC = "safety/config.mounts.inside-proc"
FOREIGN = "safety/config.mounts.foreign-namespace"

BIND_OPTIONS = frozenset({"bind", "rbind"})
_OTHER_THAN_MOUNTING = BIND_OPTIONS | {"remount"}
IDMAP_OPTIONS = frozenset({"idmap", "ridmap"})
# Further options of runtimes and engines for bind mounts; builders write an empty option.
_OWN_OPTIONS = frozenset({"copy-symlink", "dest-nofollow", "src-nofollow", "nobuildahbind", "z", "Z", "U", "O", ""})
# Types that are not file systems: bind is a flag, and none means nothing.
_NO_FILE_SYSTEM = (None, "", "none")
# File systems that show a namespace, and its type: namespaces(7).
_SHOWN = {"proc": "pid", "mqueue": "ipc", "sysfs": "network"}
# Where runc allows mounts in /proc: files that tools replace with their own, and those for checkpoints.
_IN_PROC = frozenset(
    "cpuinfo diskstats loadavg meminfo net/dev slabinfo stat swaps uptime sys/kernel/ns_last_pid "
    "sys/crypto/fips_enabled".split()
)
# Platforms that have their own rule for destinations.
_NAMED_PLATFORMS = ("linux", "windows", "solaris")


def is_bind(mount: Node) -> bool:
    """Whether a mount is a bind mount: it has bind or rbind among its options."""
    return mount.has("options") and not BIND_OPTIONS.isdisjoint(mount.texts("options"))


@CONFIG.check("/mounts/*/destination", ABSOLUTE_LINUX, ABSOLUTE_LINUX_REQUIRED)
def destination_is_absolute_on_linux(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Required until 1.1.0, advised since then: a relative destination is relative to the root of the container."""
    # Beside windows, a path of either form is fine; the rule of Windows covers the rest.
    if node.value.startswith("/") or context.on("windows"):
        return
    message = f"{node.place} is not an absolute path"
    clause = ABSOLUTE_LINUX if context.since("1.2.0") else ABSOLUTE_LINUX_REQUIRED
    yield node.breaks(clause, message, want="a path that starts with /")


@CONFIG.check("/mounts/*/destination", ABSOLUTE_OTHER)
def destination_is_absolute_elsewhere(node: Node, context: CheckContext) -> Iterator[Violation]:
    """FreeBSD and z/OS."""
    if not context.on(*_NAMED_PLATFORMS):
        yield from not_absolute(node, ABSOLUTE_OTHER)


@CONFIG.check("/mounts/*/destination", OVER_ROOT, INSIDE_PROC)
def destination_is_a_place_for_mounts(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Nothing is mounted over the root by runc from 1.5.0 on and by crun, and runc mounts little in /proc."""
    if not node.value or context.on("windows"):
        return
    place = posixpath.normpath(f"/{node.value}").lstrip("/")
    if not place:
        yield node.breaks(OVER_ROOT, f"{node.place} is the root of the container")
    elif place.startswith("proc/") and place.removeprefix("proc/") not in _IN_PROC:
        hint = "use linux.maskedPaths or linux.readonlyPaths to protect it"
        yield node.breaks(INSIDE_PROC, f"{node.place} is inside /proc", hint=hint)


@CONFIG.check(
    ("/mounts/*/uidMappings", "/mounts/*/gidMappings"),
    *(clause for _twin, *clauses in PAIR.values() for clause in clauses),
)
def mappings_are_complete(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Both mappings together, and the option that makes older runtimes refuse what they do not support."""
    twin, together, option = PAIR[node.name]
    mount = _mount_of(node, context)
    if not mount.has(twin):
        yield node.breaks(together, f"{node.place} is set without {twin}", got="")
    options = mount.children_if_all_sound("options")
    if options is not None and IDMAP_OPTIONS.isdisjoint(option.value for option in options):
        message = f"{node.place} is set without the option idmap or ridmap"
        yield node.breaks(option, message, got="", hint="older runtimes silently ignore the mapping")


@CONFIG.check(("/mounts/*/uidMappings", "/mounts/*/gidMappings"), OVERLAP)
def mappings_do_not_overlap(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """user_namespaces(7)."""
    yield from overlaps(node, OVERLAP)


@CONFIG.check("/mounts/*/options", NEEDS_MAPPINGS)
def idmap_has_something_to_map_by(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A mount without mappings uses those of the container's user namespace, if there is one."""
    mount = _mount_of(node, context)
    if IDMAP_OPTIONS.isdisjoint(node.texts()) or mount.has("uidMappings") or mount.has("gidMappings"):
        return
    if lacks_namespace(context, "user"):
        yield node.breaks(
            NEEDS_MAPPINGS,
            f"{node.place} requests an id-mapped mount, but there are no mappings and no user namespace",
            got="",
        )


@CONFIG.check("/mounts/*", NO_SOURCE)
def bind_mount_has_a_source(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """mount(2) refuses a bind mount without a source."""
    if is_bind(node) and (not node.has("source") or node.text("source") == ""):
        yield node.breaks(NO_SOURCE, f"{node.place} is a bind mount without a source", got="")


@CONFIG.check("/mounts/*", BIND_TYPE, NO_TYPE)
def mount_is_of_a_file_system(node: Node, context: CheckContext) -> Iterator[Violation]:
    """mount(2) returns ENODEV: no kernel has a file system called bind or none, or one without a name.

    The option makes a bind mount; its type is ignored. Engines of other platforms use types of their own.
    """
    options = node.children_if_all_sound("options")
    if context.on("windows", "vm") or options is None or (node.has("type") and node.get("type") is None):
        return
    if options and not _OTHER_THAN_MOUNTING.isdisjoint(option.value for option in options):
        return
    kind = node.text("type")
    if kind == "bind":
        hint = "add the option bind or rbind"
        yield node.breaks(BIND_TYPE, f"{node.place} is of type bind, but is not a bind mount", got='"bind"', hint=hint)
    elif kind in _NO_FILE_SYSTEM:
        message = f"{node.place} has neither a file system type nor the option bind"
        yield node.breaks(NO_TYPE, message, got="", hint="add a type, or the option bind or rbind")


@CONFIG.check("/mounts/*", FOREIGN)
def file_system_is_of_a_namespace_of_the_container(node: Node, context: CheckContext) -> Iterator[Violation]:
    """mount(2) returns EPERM if the namespace shown does not belong to the user namespace of the mounting process."""
    kind = node.text("type") or ""
    if kind not in _SHOWN:
        return
    options, user = (
        node.children_if_all_sound("options"),
        context.once("user namespace", lambda: namespace(context, "user")),
    )
    if options is None or user is None or user.has("path"):
        return
    if {"remount", *BIND_OPTIONS}.isdisjoint(option.value for option in options) and lacks_namespace(
        context, _SHOWN[kind]
    ):
        message = f"{node.place} is of type {kind}, but the container has no {_SHOWN[kind]} namespace of its own"
        hint = "in a new user namespace, bind-mount the one of the host"
        severity = Severity.WARNING if kind == "sysfs" else None
        yield node.breaks(FOREIGN, message, got=kind, hint=hint, severity=severity)


@CONFIG.check("/mounts/*", BIND_DATA)
def bind_mount_has_no_data(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """mount(2) ignores them for a bind mount; runc passed them on before 1.2.0, and refuses them since."""
    if not is_bind(node):
        return
    for option in node.each("options"):
        name, equals, _value = option.value.partition("=")
        known = name in IDMAP_OPTIONS if equals else option.value in MOUNT_OPTIONS | _OWN_OPTIONS
        if not known:
            yield option.breaks(BIND_DATA, f"{option.place} is a file system option, but {node.place} binds")


def _mount_of(member: Node, context: CheckContext) -> Node:
    """The mount that a member at ``/mounts/<index>/<member>`` belongs to."""
    return context.root.at(member.path[0] if member.path else None)
