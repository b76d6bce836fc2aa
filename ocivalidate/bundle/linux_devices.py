"""Checks of Linux devices and network devices (runtime-spec config-linux.md#devices, #network-devices)."""

from __future__ import annotations

from collections.abc import Iterator

from ocivalidate.bundle.devices import missing_numbers, same_nodes
from ocivalidate.bundle.linux_namespaces import lacks_namespace
from ocivalidate.bundle.paths import not_absolute
from ocivalidate.bundle.process import repeated
from ocivalidate.bundle.registry import CONFIG
from ocivalidate.rules.checks import CheckContext, Node, Violation
from ocivalidate.rules.clauses import Severity

REQUIRED = {
    "major": "runtime/config-linux.devices.major.required-unless-p",
    "minor": "runtime/config-linux.devices.minor.required-unless-p",
}
UNIQUE_NODE = "runtime/config-linux.devices.no-duplicate-node"
PATH = "runtime/config-linux.devices.path.absolute"
DUPLICATE_PATH = "safety/config.devices.duplicate-path"
NUMBER_RANGE = "safety/config.devices.number-range"
FILE_MODE = "safety/config.devices.fileMode"
NO_ACCESS = "safety/config.resources.devices.no-access"
NET_NAME = "safety/config.netDevices.name"
NET_CLASH = "safety/config.netDevices.name-clash"
NET_NAMESPACE = "safety/config.netDevices.no-network-namespace"

# include/linux/kdev_t.h: 12 bits for the major number, 20 for the minor one.
_LARGEST = {"major": 2**12 - 1, "minor": 2**20 - 1}
_RESOURCES = "/linux/resources/"
_THROTTLED = tuple(f"throttle{verb}{unit}Device" for verb in ("Read", "Write") for unit in ("Bps", "IOPS"))
_DEVICES = ("/linux/devices/*", *(f"{_RESOURCES}blockIO/{name}/*" for name in ("weightDevice", *_THROTTLED)))
# inode(7): the file type bits of a mode.
_TYPES = {"c": 0o020000, "u": 0o020000, "b": 0o060000, "p": 0o010000}
_MODE = 0o7777
# include/uapi/linux/if.h: IFNAMSIZ is 16 with the NUL at the end.
_LONGEST_NAME = 15


@CONFIG.check("/linux/devices/*", *REQUIRED.values())
def device_has_its_numbers(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """A FIFO has none."""
    yield from missing_numbers(node, REQUIRED)


@CONFIG.check(tuple(f"{device}/{name}" for device in _DEVICES for name in _LARGEST), NUMBER_RANGE)
def device_number_is_in_range(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """mknod(2) cannot make a device with another number."""
    value, largest = node.number(), _LARGEST[node.name]
    if value is not None and not 0 <= value <= largest:
        yield node.breaks(NUMBER_RANGE, f"{node.place} is not a valid device number", want=f"0 to {largest}")


@CONFIG.check(tuple(f"{_RESOURCES}devices/*/{name}" for name in _LARGEST), NUMBER_RANGE)
def number_in_a_rule_is_in_range(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """-1 means any number. Lower values are refused by cgroup v1, and runtimes read them as any number."""
    value = node.number()
    if value is not None and value < -1:
        message = f"{node.place} is not a valid device number"
        yield node.breaks(NUMBER_RANGE, message, want="0 or more, or -1 for any", severity=Severity.WARNING)


@CONFIG.check(f"{_RESOURCES}devices/*", NO_ACCESS)
def rule_says_what_it_is_about(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """The text makes access OPTIONAL, but runc requires it, and to the kernel a rule without it covers nothing."""
    if not node.has("access") or node.text("access") == "":
        yield node.breaks(
            NO_ACCESS, f"{node.place} does not say which access it is about", got="", want="one or more of r, w and m"
        )


@CONFIG.check("/linux/devices/*", FILE_MODE)
def mode_is_that_of_the_device(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """Some runtimes pass it to mknod(2) together with the type, others use the permissions alone."""
    mode, kind = node.number("fileMode"), _TYPES.get(node.text("type") or "")
    if mode is not None and kind is not None and mode & ~_MODE not in (0, kind):
        yield node.breaks(
            FILE_MODE, f"{node.place}.fileMode has bits beyond the permissions", got=str(mode), want=f"at most {_MODE}"
        )


@CONFIG.check("/linux/devices", UNIQUE_NODE)
def devices_are_unique(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """A runtime has to refuse a device that is listed twice."""
    yield from same_nodes(node, UNIQUE_NODE)


@CONFIG.check("/linux/devices/*/path", PATH)
def device_path_is_absolute(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """The text says "full path"."""
    yield from not_absolute(node, PATH)


@CONFIG.check("/linux/devices", DUPLICATE_PATH)
def device_paths_are_unique(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """A path can hold only one device."""
    yield from repeated(node, "path", DUPLICATE_PATH)


@CONFIG.check("/linux/netDevices/*", NET_NAME)
def network_device_is_named_well(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """net/core/dev.c, dev_valid_name(): both the name on the host and the one in the container.

    A template may end in %d.
    """
    if not _is_device_name(node.name):
        yield node.breaks(
            NET_NAME, f"{node.place} has a name that a network device cannot have", got=node.name, at_name=True
        )
    name = node.get("name")
    if name is not None and not _is_device_name(name.value):
        yield name.breaks(NET_NAME, f"{name.place} is not a valid network device name")


@CONFIG.check("/linux/netDevices", NET_CLASH)
def network_devices_do_not_clash(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """A device without a name keeps its name on the host; %d lets the kernel choose a free one."""
    first: dict[str, Node] = {}
    for device in node.children():
        name = device.text("name") or device.name
        if "%d" in name:
            continue
        if name in first:
            yield device.breaks(NET_CLASH, f"{device.place} gets the name of {first[name].place}", got=name)
        else:
            first[name] = device


@CONFIG.check("/linux/netDevices", NET_NAMESPACE)
def network_devices_have_a_namespace(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Devices are moved into the network namespace of the container; they are already in that of the host."""
    if node.value and lacks_namespace(context, "network"):
        yield node.breaks(
            NET_NAMESPACE, "linux.netDevices is set, but the container has no network namespace of its own", got=""
        )


def _is_device_name(name: str) -> bool:
    if name in ("", ".", "..") or len(name.encode("utf-8", "surrogatepass")) > _LONGEST_NAME:
        return False
    return not any(letter in "/:" or letter.isspace() for letter in name)
