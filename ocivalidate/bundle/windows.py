"""Checks of Windows: root, mounts and process there (runtime-spec config.md), and its section (config-windows.md)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ocivalidate.bundle.paths import absolute_form, is_absolute
from ocivalidate.bundle.registry import CONFIG
from ocivalidate.bundle.values import DEVICE_ID_TYPES, in_open_list
from ocivalidate.rules.checks import CheckContext, Node, Violation
from ocivalidate.rules.clauses import Severity

ROOT_REQUIRED = "runtime/config.root.required-wcow"
ROOT_FORBIDDEN = "runtime/config.root.forbidden-hyperv"
VOLUME_GUID = "runtime/config.root.path.windows-volume-guid"
READONLY_FALSE = "runtime/config.root.readonly.windows-false"
DESTINATION_ABSOLUTE = "runtime/config.mounts.destination.absolute-windows"
NO_NESTING = "runtime/config.mounts.destination.no-nesting-windows"
COMMAND_LINE = "runtime/config.process.commandLine.required-without-args"
MUST_BE_SET = "runtime/config.windows.must-be-set"
SOURCE_LOCAL = "runtime/config.mounts.source.windows-local"
ID_TYPE = "runtime/config-windows.devices.idType.values"
CPU_EXCLUSIVE = "runtime/config-windows.resources.cpu.mutually-exclusive"
SHARES_RANGE = "runtime/config-windows.resources.cpu.shares.range"
MAXIMUM_RANGE = "runtime/config-windows.resources.cpu.maximum.range"
NETWORK_EXCLUSIVE = "runtime/config-windows.network.networkNamespace.exclusive"

# "Naming a Volume" in the documentation of Win32 has a backslash at the end; runtimes add it where it is left out.
_VOLUME_GUID_PATH = re.compile(
    r"\\\\\?\\Volume\{[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\}\\?", re.IGNORECASE | re.ASCII
)
# As a mount destination, a drive alone can only mean its root: a mount point has no current directory. Engines write
# it.
_DRIVE = r"[A-Za-z]:"
_LONG_PATH_PREFIX = "\\\\?\\"
# A server and a share; what follows \\\\. and \\\\? is on this host, except for the long form of a UNC path.
_UNC_PATH = re.compile(r"[\\/]{2}(?:\?\\UNC\\.|[^\\/.?])", re.IGNORECASE)
_DEVICE_PREFIX = "\\\\.\\"

_CPU_LIMITS = ("count", "shares", "maximum")
# Cycles per 10,000 cycles, and a weight of the same range.
_CPU_MOST = 10_000
_OTHER_NETWORK_MEMBERS = ("endpointList", "allowUnqualifiedDNSQuery", "DNSSearchList", "networkSharedContainerName")


def _windows_alone(context: CheckContext) -> bool:
    """Whether Windows is the only platform: Linux containers on Windows have a Linux root."""
    return context.platforms == {"windows"}


def _is_hyperv(context: CheckContext) -> bool:
    windows = context.root.get("windows")
    return windows is not None and windows.has("hyperv")


@CONFIG.check("", MUST_BE_SET)
def windows_section_is_there(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Windows is the only platform whose section is required."""
    if not node.has("windows"):
        yield node.breaks(MUST_BE_SET, "windows is missing", got="", want="a member windows")


@CONFIG.check("/windows", ROOT_REQUIRED)
def server_container_has_a_root(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A Windows Server Container is one without ``windows.hyperv``."""
    if not node.has("hyperv") and not context.root.has("root"):
        kind = "a Linux container on Windows" if context.on("linux") else "a Windows Server Container"
        message = f"root is missing: without windows.hyperv, {kind} needs one"
        other = next((name for name in node.value if name.lower() == "hyperv"), "")
        hint = f"windows.{other} is not windows.hyperv: most readers ignore it" if other else ""
        yield context.root.breaks(ROOT_REQUIRED, message, got="", want="a member root, or windows.hyperv", hint=hint)


@CONFIG.check("/windows/hyperv", ROOT_FORBIDDEN)
def hyperv_container_has_no_root(node: Node, context: CheckContext) -> Iterator[Violation]:
    """The root of a Hyper-V container is made of its layers alone."""
    root = context.root.get("root")
    if root is None or not _windows_alone(context):
        return
    # Engines written in Go write an empty root where they mean none.
    severity = Severity.WARNING if root.text("path") == "" else None
    message = "root is set, but windows.hyperv makes this a Hyper-V container"
    yield root.breaks(ROOT_FORBIDDEN, message, got="", severity=severity, at_name=True)


@CONFIG.check("/root/path", VOLUME_GUID)
def root_path_is_a_volume(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Not judged for a Hyper-V container, which must not have a root at all."""
    if _windows_alone(context) and not _is_hyperv(context) and not _VOLUME_GUID_PATH.fullmatch(node.value):
        want = "a path of the form \\\\?\\Volume{GUID}\\"
        yield node.breaks(VOLUME_GUID, "root.path is not a volume GUID path", want=want)


@CONFIG.check("/root/readonly", READONLY_FALSE)
def root_is_not_readonly(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Windows cannot make the root of a container read-only."""
    if _windows_alone(context) and not _is_hyperv(context) and node.value:
        message = "root.readonly is true, which Windows does not support"
        yield node.breaks(READONLY_FALSE, message, want="false, or leave it out")


@CONFIG.check("/mounts/*/destination", DESTINATION_ABSOLUTE)
def destination_is_absolute_on_windows(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A document for Linux too may use the form of either."""
    if is_absolute(node.value, context.platforms) or re.fullmatch(_DRIVE, node.value):
        return
    # Linux accepts relative destinations since 1.2.0, though they are deprecated.
    severity = Severity.WARNING if context.on("linux") and context.since("1.2.0") else None
    message = f"{node.place} is not an absolute path"
    yield node.breaks(DESTINATION_ABSOLUTE, message, want=absolute_form(context.platforms), severity=severity)


@CONFIG.check("/mounts/*/source", SOURCE_LOCAL)
def source_is_local(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A UNC path names a share of a server. Beside Linux, a path of Linux may start with two slashes."""
    if _UNC_PATH.match(node.value) and (_windows_alone(context) or node.value.startswith("\\")):
        yield node.breaks(SOURCE_LOCAL, f"{node.place} is a UNC path", want="a local folder, such as C:\\data")


@CONFIG.check("/windows/devices/*/idType", ID_TYPE)
def device_id_type_is_known(node: Node, context: CheckContext) -> Iterator[Violation]:
    """An open list: the text says what Windows supports today, and engines write more."""
    yield from in_open_list(node, context, ID_TYPE, DEVICE_ID_TYPES)


@CONFIG.check("/mounts", NO_NESTING)
def destinations_are_not_nested(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Only paths of Windows count: those of Linux containers on Windows may nest. Equal paths are not nested."""
    by_path: dict[tuple[str, ...], Node] = {}
    for mount in node.children():
        destination = mount.get("destination")
        if destination is not None and _is_folder_path(destination.value):
            by_path.setdefault(_components(destination.value), destination)
    around: list[tuple[str, ...]] = []
    # In this order, every path comes right after those that contain it.
    for path in sorted(by_path):
        while around and path[: len(around[-1])] != around[-1]:
            around.pop()
        if around:
            inner, outer = by_path[path], by_path[around[-1]]
            yield inner.breaks(NO_NESTING, f"{inner.place} lies inside {outer.place}, {outer.value}")
        around.append(path)


def _is_folder_path(path: str) -> bool:
    """Whether a destination is a path of Windows to a folder: pipes and other devices have flat names."""
    if path.startswith(_DEVICE_PREFIX):
        return False
    return is_absolute(path, {"windows"}) or re.fullmatch(_DRIVE, path) is not None


def _components(path: str) -> tuple[str, ...]:
    """The drive and the names of a path as Windows compares them: ignoring case and the kind of slash."""
    names: list[str] = []
    for name in path.lower().replace("/", "\\").removeprefix(_LONG_PATH_PREFIX).split("\\"):
        if name == "..":
            del names[-1:]
        elif name not in ("", "."):
            names.append(name)
    return tuple(names)


@CONFIG.check("/process", COMMAND_LINE)
def process_has_something_to_run(node: Node, context: CheckContext) -> Iterator[Violation]:
    """An empty args does not count as omitted."""
    if not node.has("args") and not node.has("commandLine"):
        message = "process has neither args nor commandLine"
        yield node.breaks(COMMAND_LINE, message, got="", want="a member commandLine or args")


@CONFIG.check("/windows/resources/cpu", CPU_EXCLUSIVE)
def cpu_is_limited_in_one_way(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A zero means unset: engines write it beside the limit that they mean."""
    limits = [name for name in _CPU_LIMITS if node.number(name)]
    given = limits + (["affinity"] if context.since("1.2.1") and node.each("affinity") else [])
    if len(given) <= 1:
        return
    # Engines combine the limits under Hyper-V isolation, and pin a container to processors beside a limit: both work.
    severity = Severity.WARNING if _is_hyperv(context) or len(limits) == 1 else None
    message = f"{node.place} has several settings, of which only one is allowed"
    yield node.breaks(CPU_EXCLUSIVE, message, got=" and ".join(given), want="one of them", severity=severity)


@CONFIG.check("/windows/resources/cpu/shares", SHARES_RANGE)
def cpu_shares_are_in_range(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Their type, a 16-bit integer, allows more."""
    yield from _at_most(node, SHARES_RANGE)


@CONFIG.check("/windows/resources/cpu/maximum", MAXIMUM_RANGE)
def cpu_maximum_is_in_range(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A percentage times 100, so at most 100 %."""
    yield from _at_most(node, MAXIMUM_RANGE)


def _at_most(node: Node, clause: str) -> Iterator[Violation]:
    if node.value > _CPU_MOST:
        yield node.breaks(clause, f"{node.place} is out of range", want=f"0 to {_CPU_MOST}")


@CONFIG.check("/windows/network/networkNamespace", NETWORK_EXCLUSIVE)
def network_namespace_stands_alone(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Members that are empty or false count as unset."""
    network = context.root.get("windows", "network")
    if network is None or not node.value:
        return
    others = [child.name for child in network.children() if child.name in _OTHER_NETWORK_MEMBERS and child.value]
    if others:
        # The example of the specification gives them all together: its text and its example disagree.
        message = f"{node.place} is set together with other network parameters"
        yield node.breaks(NETWORK_EXCLUSIVE, message, got=" and ".join(others), severity=Severity.WARNING)
