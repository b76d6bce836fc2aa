"""What the checks of runtime-spec judge, where JSON Schema can say it too."""

from __future__ import annotations

from collections.abc import Iterator

from ocivalidate.bundle.features import SEMVER as FEATURES_SEMVER
from ocivalidate.bundle.hooks import PATH as HOOK_PATH
from ocivalidate.bundle.linux_cgroups import CPU_LISTS
from ocivalidate.bundle.linux_devices import REQUIRED
from ocivalidate.bundle.linux_misc import HIDDEN_PATHS
from ocivalidate.bundle.linux_namespaces import NAME_LENGTH
from ocivalidate.bundle.linux_seccomp import DEFAULT_ERRNO, ERRNO
from ocivalidate.bundle.mounts import PAIR
from ocivalidate.bundle.process import AFFINITY, ARGS, GID, UID
from ocivalidate.bundle.state import FORMS
from ocivalidate.bundle.values import LINUX_NAMESPACES, LINUX_RLIMITS, SECCOMP_ACTIONS, ZOS_NAMESPACES
from ocivalidate.bundle.vm import PATHS as VM_PATHS
from ocivalidate.bundle.windows import CPU_EXCLUSIVE, MAXIMUM_RANGE, SHARES_RANGE
from ocivalidate.bundle.zos import NUMBERS as ZOS_NUMBERS
from ocivalidate.printed.row import Keywords, Row, any_of, at_most_one, member_in, neither, required, whole
from ocivalidate.rules.schema import everything
from ocivalidate.vocabulary.versions import LONGEST_VERSION, SEMVER

# --- Which platforms a document is for, by its sections

_WINDOWS = required("windows")
_ON_POSIX = neither(_WINDOWS)
_BESIDES = any_of(*(required(name) for name in ("linux", "solaris", "vm", "zos", "freebsd")))
_WINDOWS_ALONE: Keywords = {"allOf": [_WINDOWS, {"not": _BESIDES}]}
_WINDOWS_TOO: Keywords = {"allOf": [_WINDOWS, _BESIDES]}
# No section at all means Linux, and so does a virtual machine alone.
ON_LINUX = any_of(required("linux"), neither(*(required(name) for name in ("windows", "solaris", "zos", "freebsd"))))
_ON_LINUX_NOT_WINDOWS: Keywords = {"allOf": [ON_LINUX, _ON_POSIX]}
ON_LINUX_NOT_SOLARIS: Keywords = {"allOf": [ON_LINUX, neither(required("solaris"))]}
_SOLARIS_ALONE: Keywords = {"allOf": [required("solaris"), _ON_POSIX, {"not": ON_LINUX}]}
_ELSEWHERE: Keywords = {"allOf": [neither(_WINDOWS, ON_LINUX, required("solaris"))]}
_PROCESS_CONTAINER: Keywords = {
    "allOf": [_WINDOWS_ALONE, {"not": {"properties": {"windows": required("hyperv")}}}],
}
_HYPERV: Keywords = {"allOf": [_WINDOWS_ALONE, {"properties": {"windows": required("hyperv")}}]}

# --- Forms of text

_POSIX_PATH = r"/[\s\S]*"
_WINDOWS_PATH = r"(?:[A-Za-z]:[\\/]|\\\\[^\\])[\s\S]*"
_DRIVE = "[A-Za-z]:"
_HEX = "[0-9A-Fa-f]"
_VOLUME = rf"\\\\\?\\[Vv][Oo][Ll][Uu][Mm][Ee]\{{{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}\}}\\?"
_BLOCK_DEVICES = tuple(
    f"resources/blockIO/{name}"
    for name in (
        "weightDevice",
        *(f"throttle{verb}{unit}Device" for verb in ("Read", "Write") for unit in ("Bps", "IOPS")),
    )
)
_NUMBER = "[0-9]{1,9}"
_CPUS = rf"(?:{_NUMBER}|N)(?:-(?:{_NUMBER}|N)(?::{_NUMBER}/{_NUMBER})?)?|all"
_SPACE = r"[ \t\n\r\u000b\u000c]*"
CPU_LIST = whole(rf"|{_SPACE}(?:{_CPUS})(?:,(?:{_CPUS}))*{_SPACE}")
_FILE_NAME = r"(?!\.{1,2}$(?!\n))[^/\u0000]+"
_DEVICE_NAME = r"(?!\.{1,2}$(?!\n))[^/: \t\n\r\u000b\u000c]{1,15}"
_ONE_LINE = r"[^\n]*"
# What is longer is no version to us either.
VERSION = whole(SEMVER.pattern) | {"maxLength": LONGEST_VERSION}
DATE = whole(
    r"|[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)"
    r"(?:\.[0-9]+)?(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_SIGNAL = r"|(?:SIG)?[A-Z][A-Z0-9]{1,9}(?:[+-][0-9]{1,2})?|[1-9][0-9]?"


def _paths(at: str, clause: str) -> Iterator[Row]:
    """A path that is absolute on the platforms of the document."""
    yield Row(clause, at, whole(_POSIX_PATH), _ON_POSIX)
    yield Row(clause, at, whole(_WINDOWS_PATH), _WINDOWS_ALONE)
    yield Row(clause, at, whole(f"{_POSIX_PATH}|{_WINDOWS_PATH}"), _WINDOWS_TOO)


def _common() -> Iterator[Row]:
    for name in everything("runtime-config")["properties"]:
        if name != "annotations":
            yield Row("safety/config.text.nul", f"/{name}", {"$ref": "#/$defs/without-nul"})
    yield Row("runtime/config.ociVersion.semver", "/ociVersion", VERSION)
    yield Row("runtime/config.root.required-non-windows", "", required("root"), _ON_POSIX)
    yield Row("runtime/config.root.path.directory-exists", "/root/path", {"minLength": 1}, _ON_POSIX)
    for name, clause in NAME_LENGTH.items():
        yield Row(clause, f"/{name}", {"maxLength": 64}, ON_LINUX)
    yield from _paths("/process/cwd", "runtime/config.process.cwd.absolute")
    for hook, clause in HOOK_PATH.items():
        yield from _paths(f"/hooks/{hook}/*/path", clause)
    for name, clause in (("uid", UID), ("gid", GID)):
        yield Row(clause, "/process/user", required(name), _ON_POSIX)
    yield Row(ARGS, "/process/args", {"minItems": 1}, _ON_POSIX, since="1.0.2")
    yield Row(ARGS, "/process/args", {"minItems": 1}, until="1.0.1")
    yield Row(
        "runtime/config.process.rlimits.type.unique", "/process/rlimits", at_most_one("type", sorted(LINUX_RLIMITS))
    )
    yield Row("runtime/config.annotations.key-non-empty", "/annotations", {"propertyNames": {"minLength": 1}})
    key = "org.opencontainers.image."
    yield Row("runtime/config.annotations.image-created.valid", "/annotations", {"properties": {f"{key}created": DATE}})
    stop = {"properties": {f"{key}stopSignal": whole(_SIGNAL)}}
    yield Row("runtime/config.annotations.image-stopSignal.valid", "/annotations", stop)


def _mounts() -> Iterator[Row]:
    at = "/mounts/*/destination"
    yield Row(
        "runtime/config.mounts.destination.absolute-linux-required", at, whole(_POSIX_PATH), _ON_LINUX_NOT_WINDOWS
    )
    yield Row("runtime/config.mounts.destination.absolute-other", at, whole(_POSIX_PATH), _ELSEWHERE)
    yield Row("runtime/config.mounts.destination.absolute-solaris", at, whole(_POSIX_PATH), _SOLARIS_ALONE)
    windows = f"{_WINDOWS_PATH}|{_DRIVE}"
    yield Row("runtime/config.mounts.destination.absolute-windows", at, whole(windows), _WINDOWS_ALONE)
    either = whole(f"{windows}|{_POSIX_PATH}")
    yield Row("runtime/config.mounts.destination.absolute-windows", at, either, _WINDOWS_TOO, until="1.1.0")
    yield Row(
        "runtime/config.mounts.destination.absolute-windows",
        at,
        either,
        {"allOf": [_WINDOWS_TOO, {"not": ON_LINUX}]},
        since="1.2.0",
    )
    for name, (twin, clause, _option) in PAIR.items():
        yield Row(clause, "/mounts/*", {"dependentRequired": {name: [twin]}}, ON_LINUX)
        for place in ("/mounts/*", "/linux"):
            # Clauses on Linux alone, wherever the mapping stands.
            yield Row("safety/config.idMappings.empty-range", f"{place}/{name}/*/size", {"minimum": 1}, ON_LINUX)
            yield Row("safety/config.idMappings.too-many", f"{place}/{name}", {"maxItems": 340}, ON_LINUX)


def _process() -> Iterator[Row]:
    score = {"minimum": -1000, "maximum": 1000}
    yield Row("safety/config.process.oomScoreAdj.range", "/process/oomScoreAdj", score, ON_LINUX)
    yield Row("safety/config.process.args.program", "/process/args", {"prefixItems": [{"minLength": 1}]}, ON_LINUX)
    for name in ("uid", "gid", "additionalGids/*"):
        yield Row("safety/config.process.user.no-id", f"/process/user/{name}", {"maximum": 2**32 - 2}, ON_LINUX)
    at = "/process/scheduler"
    yield Row("safety/config.process.scheduler.policy", f"{at}/policy", {"not": {"const": "SCHED_ISO"}}, ON_LINUX)
    real_time: Keywords = {
        "if": member_in("policy", "SCHED_FIFO", "SCHED_RR"),
        "then": {"properties": {"priority": {"minimum": 1, "maximum": 99}}, **required("priority")},
        "else": {"properties": {"priority": {"minimum": 0, "maximum": 0}}},
    }
    yield Row("safety/config.process.scheduler.priority", at, real_time, ON_LINUX)
    times = {"minimum": 1024, "maximum": 2**63 - 1}
    deadline: Keywords = {
        "if": member_in("policy", "SCHED_DEADLINE"),
        "then": {"properties": {"runtime": times, "deadline": times}, **required("runtime", "deadline")},
    }
    yield Row("safety/config.process.scheduler.deadline", at, deadline, ON_LINUX)
    for name, clause in AFFINITY.items():
        yield Row(clause, f"/process/execCPUAffinity/{name}", CPU_LIST, ON_LINUX)


def _linux() -> Iterator[Row]:
    yield Row(
        "runtime/config-linux.namespaces.type.unique",
        "/linux/namespaces",
        at_most_one("type", sorted(LINUX_NAMESPACES)),
    )
    yield Row("runtime/config-linux.namespaces.path.absolute", "/linux/namespaces/*/path", whole(_POSIX_PATH))
    for name, clause in HIDDEN_PATHS.items():
        yield Row(clause, f"/linux/{name}/*", whole(_POSIX_PATH))
    yield Row("runtime/config-linux.cgroupsPath.absolute-or-relative", "/linux/cgroupsPath", {"minLength": 1})
    numbers = {"if": member_in("type", "b", "c", "u"), "then": required("major", "minor")}
    for name, largest in (("major", 4095), ("minor", 1048575)):
        yield Row(REQUIRED[name], "/linux/devices/*", numbers)
        bounds = {"minimum": 0, "maximum": largest}
        for place in ("devices", *_BLOCK_DEVICES):
            yield Row("safety/config.devices.number-range", f"/linux/{place}/*/{name}", bounds)
    yield Row("safety/config.netDevices.name", "/linux/netDevices", {"propertyNames": whole(_DEVICE_NAME)})
    yield Row("safety/config.netDevices.name", "/linux/netDevices/*/name", whole(f"|{_DEVICE_NAME}"))
    yield Row("safety/config.timeOffsets.nanosecs", "/linux/timeOffsets/*/nanosecs", {"maximum": 10**9 - 1})
    offsets = {"minimum": -9223372036, "maximum": 4611686018}
    yield Row("safety/config.timeOffsets.range", "/linux/timeOffsets/*/secs", offsets)
    yield Row("runtime/config-linux.personality.flags.none", "/linux/personality/flags", {"maxItems": 0})
    yield Row("runtime/config-linux.intelRdt.memBwSchema.prefix", "/linux/intelRdt/memBwSchema", {"pattern": "^MB:"})
    yield Row("runtime/config-linux.intelRdt.memBwSchema.no-newline", "/linux/intelRdt/memBwSchema", whole(_ONE_LINE))
    yield Row("runtime/config-linux.intelRdt.schemata.no-newline", "/linux/intelRdt/schemata/*", whole(_ONE_LINE))
    yield Row("safety/config.intelRdt.closID", "/linux/intelRdt/closID", whole(r"|/|(?!\.{1,2}$(?!\n))[^/\n]+"))
    yield Row("runtime/config-linux.memoryPolicy.nodes.format", "/linux/memoryPolicy/nodes", CPU_LIST)
    modes = {
        "allOf": [
            {
                "if": member_in("mode", "MPOL_DEFAULT", "MPOL_LOCAL"),
                "then": {"properties": {"nodes": {"maxLength": 0}}},
            },
            {
                "if": member_in(
                    "mode", "MPOL_BIND", "MPOL_INTERLEAVE", "MPOL_WEIGHTED_INTERLEAVE", "MPOL_PREFERRED_MANY"
                ),
                "then": {"properties": {"nodes": {"minLength": 1}}, **required("nodes")},
            },
        ]
    }
    yield Row("runtime/config-linux.memoryPolicy.nodes.mode-rules", "/linux/memoryPolicy", modes)
    yield Row("safety/config.memoryPolicy.flags", "/linux/memoryPolicy", _policy_flags())


def _policy_flags() -> Keywords:
    static, relative = (_flag(f"MPOL_F_{name}_NODES") for name in ("STATIC", "RELATIVE"))
    nodes = {"properties": {"nodes": {"minLength": 1}}, **required("nodes")}
    alone = any_of(member_in("mode", "MPOL_LOCAL"), {"allOf": [member_in("mode", "MPOL_PREFERRED"), {"not": nodes}]})
    balanced = {"properties": {"mode": {"enum": ["MPOL_BIND", "MPOL_PREFERRED_MANY"]}}}
    return {
        "allOf": [
            {"not": {"allOf": [static, relative]}},
            {"if": any_of(static, relative), "then": {"not": alone}},
            {"if": _flag("MPOL_F_NUMA_BALANCING"), "then": balanced},
        ]
    }


def _flag(name: str) -> Keywords:
    return {"properties": {"flags": {"contains": {"const": name}}}, **required("flags")}


def _resources() -> Iterator[Row]:
    at = "/linux/resources"
    weights = any_of(required("weight"), required("leafWeight"))
    yield Row("runtime/config-linux.resources.blockIO.weightDevice.one-of", f"{at}/blockIO/weightDevice/*", weights)
    handles = any_of(required("hcaHandles"), required("hcaObjects"))
    yield Row("runtime/config-linux.resources.rdma.one-of", f"{at}/rdma/*", handles)
    for name, clause in CPU_LISTS.items():
        yield Row(clause, f"{at}/cpu/{name}", CPU_LIST)
    size = whole("[1-9][0-9]*[KMGTPE]B")
    yield Row("runtime/config-linux.resources.hugepageLimits.pageSize.format", f"{at}/hugepageLimits/*/pageSize", size)
    yield Row("runtime/config-linux.resources.unified.key", f"{at}/unified", {"propertyNames": whole(_FILE_NAME)})


def _seccomp() -> Iterator[Row]:
    at = "/linux/seccomp"
    without = sorted(set(SECCOMP_ACTIONS) - {"SCMP_ACT_ERRNO", "SCMP_ACT_TRACE"})
    for place, action, errno, clause in (
        ("", "defaultAction", "defaultErrnoRet", DEFAULT_ERRNO),
        ("/syscalls/*", "action", "errnoRet", ERRNO),
    ):
        said = {"if": member_in(action, *without), "then": {"not": required(errno)}}
        yield Row(clause, f"{at}{place}", said)
    metadata = {
        "if": {"properties": {"listenerMetadata": {"minLength": 1}}, **required("listenerMetadata")},
        "then": required("listenerPath"),
    }
    yield Row("runtime/config-linux.seccomp.listenerMetadata.needs-listenerPath", at, metadata)
    yield Row("safety/config.seccomp.arg-index", f"{at}/syscalls/*/args/*/index", {"maximum": 5})


def _windows() -> Iterator[Row]:
    root = any_of(required("root"), {"properties": {"windows": required("hyperv")}})
    yield Row("runtime/config.root.required-wcow", "", root, _WINDOWS)
    # Engines write an empty root where they mean none, which is a warning.
    none = {"properties": {"root": {"properties": {"path": {"maxLength": 0}}}}}
    yield Row("runtime/config.root.forbidden-hyperv", "", none, _HYPERV)
    yield Row("runtime/config.root.path.windows-volume-guid", "/root/path", whole(_VOLUME), _PROCESS_CONTAINER)
    yield Row(
        "runtime/config.root.readonly.windows-false", "/root/readonly", {"not": {"const": True}}, _PROCESS_CONTAINER
    )
    something = any_of(required("args"), required("commandLine"))
    yield Row("runtime/config.process.commandLine.required-without-args", "/process", something, _WINDOWS)
    at = "/windows/resources/cpu"
    for name, clause in (("shares", SHARES_RANGE), ("maximum", MAXIMUM_RANGE)):
        yield Row(clause, f"{at}/{name}", {"maximum": 10_000})
    set_one = {
        name: {"properties": {name: {"minimum": 1}}, **required(name)} for name in ("count", "shares", "maximum")
    }
    pairs = [{"allOf": [set_one[one], set_one[other]]} for one, other in _PAIRS]
    not_hyperv = {"not": {"properties": {"windows": required("hyperv")}}}
    yield Row(CPU_EXCLUSIVE, at, neither(*pairs), not_hyperv)


_PAIRS = (("count", "shares"), ("count", "maximum"), ("shares", "maximum"))


def _other_platforms() -> Iterator[Row]:
    for at, clause in VM_PATHS.items():
        yield Row(clause, at, whole(_POSIX_PATH), _ON_POSIX)
        yield Row(clause, at, whole(f"{_POSIX_PATH}|{_WINDOWS_PATH}"), _WINDOWS_TOO)
    yield Row(
        "runtime/config-solaris.cappedCPU.ncpus.format",
        "/solaris/cappedCPU/ncpus",
        whole(r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+"),
    )
    yield Row(
        "runtime/config-zos.namespaces.no-duplicate-type",
        "/zos/namespaces",
        at_most_one("type", sorted(ZOS_NAMESPACES)),
    )
    for form, when in ((_POSIX_PATH, _ON_POSIX), (f"{_POSIX_PATH}|{_WINDOWS_PATH}", _WINDOWS_TOO)):
        yield Row("runtime/config-zos.namespaces.path.absolute", "/zos/namespaces/*/path", whole(form), when)
    numbers = {"if": member_in("type", "b", "c", "u"), "then": required("major", "minor")}
    for clause in ZOS_NUMBERS.values():
        yield Row(clause, "/zos/devices/*", numbers)


def _state() -> Iterator[Row]:
    yield Row("runtime/runtime.state.bundle.absolute", "/bundle", whole(f"{_POSIX_PATH}|{_WINDOWS_PATH}"))
    for clause in FORMS:
        yield Row(clause, "/pid", {"minimum": 0})
    process = {"if": member_in("status", "created", "running"), "then": required("pid")}
    yield Row("runtime/runtime.state.pid.required-created-running-linux", "", process)


def _features() -> Iterator[Row]:
    for name, clause in FEATURES_SEMVER.items():
        yield Row(clause, f"/{name}", VERSION)
    keys = {"propertyNames": {"minLength": 1}}
    yield Row("runtime/features.annotations.key-non-empty", "/annotations", keys)


def _config() -> Iterator[Row]:
    parts = (_common, _mounts, _process, _linux, _resources, _seccomp, _windows, _other_platforms)
    for part in parts:
        yield from part()


RUNTIME_ROWS = {
    "runtime-config": tuple(_config()),
    "runtime-state": tuple(_state()),
    "runtime-features": tuple(_features()),
}
