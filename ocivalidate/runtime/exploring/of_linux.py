"""Features of ``linux``, except control groups, and hooks."""

from __future__ import annotations

from typing import Any

from ocivalidate.runtime.case_helpers.filters import MARK
from ocivalidate.runtime.exploring.features import Feature, Place, Value, single, value
from ocivalidate.runtime.judging.outside import EXECUTED, INVOKED, JOINED, ORDER, STATE

_AVAILABLE = "runtime/config-linux.devices.available"
# Calls that a runtime makes for a container, and that no step of the probe needs.
_SET_UP = (
    "sched_setattr ioprio_set set_mempolicy sethostname setdomainname mount pivot_root setns unshare mknodat".split()
)


def _new(kind: str) -> Value:
    return value("new", (f"{Place.NAMESPACE}{kind}", ""))


def _joined(kind: str) -> Value:
    return value("joined", (f"{Place.NAMESPACE}{kind}", f"{{joined:{kind}}}"), clauses=[JOINED])


def _inherited(kind: str) -> Value:
    return value("inherited", (f"{Place.NAMESPACE}{kind}", None))


def _namespace(kind: str, *values: Value) -> Feature:
    needs = ("root", "isolation", f"namespace:{kind}")
    return Feature(f"namespace-{kind}", values, (), needs)


def _mapped(name: str, *ranges: tuple[int, int, int]) -> Value:
    maps = [dict(zip(("containerID", "hostID", "size"), one, strict=True)) for one in ranges]
    names = ("/linux/uidMappings", "/linux/gidMappings")
    return value(name, (f"{Place.NAMESPACE}user", ""), *((pointer, maps) for pointer in names))


def _offsets(name: str, **offsets: int) -> Value:
    clocks = {clock: {"secs": seconds, "nanosecs": 5} for clock, seconds in offsets.items()}
    return value(name, (f"{Place.NAMESPACE}time", ""), ("/linux/timeOffsets", clocks))


def _filter(name: str, *rules: dict[str, Any], **members: Any) -> Value:
    made = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": list(rules), **members}
    return value(name, ("/linux/seccomp", made))


def _rule(*names: str, action: str = "SCMP_ACT_ERRNO", **members: Any) -> dict[str, Any]:
    return {"names": list(names), "action": action, **members}


def _is(index: int, operator: str, given: int) -> dict[str, Any]:
    return {"index": index, "value": given, "op": f"SCMP_CMP_{operator}"}


def _of_network(name: str, parameter: str, text: str) -> Value:
    """A kernel parameter that needs a network namespace of the container's own."""
    return value(name, (f"{Place.NAMESPACE}network", ""), ("/linux/sysctl", {parameter: text}))


def _device(name: str, path: str, kind: str, **members: int) -> Value:
    return value(name, ("/linux/devices/-", {"path": path, "type": kind, **members}), needs=["cap:MKNOD"])


def _hooks(kind: str) -> Feature:
    place = f"{Place.HOOK}{kind}"
    values = (
        value("one", (place, {})),
        value("with-env", (place, {"env": ["KIND=hook", "EMPTY=", "LETTERS=zażółć"]})),
        value("two", (place, {}), (place, {"env": ["NUMBER=2"], "timeout": 3600})),
    )
    return Feature(f"hooks-{kind}", values, (INVOKED[kind], EXECUTED[kind], ORDER, STATE), ("root",))


FEATURES = (
    _namespace("network", _new("network"), _joined("network")),
    _namespace("uts", _inherited("uts"), _joined("uts")),
    _namespace("ipc", _inherited("ipc"), _joined("ipc")),
    _namespace("pid", _inherited("pid"), _joined("pid")),
    _namespace("cgroup", _new("cgroup"), _joined("cgroup")),
    _namespace(
        "user", _mapped("new", (0, 100_000, 65_536)), _mapped("two-ranges", (0, 100_000, 1000), (1000, 200_000, 64_536))
    ),
    _namespace("time", _new("time"), _offsets("later", monotonic=5000, boottime=70_000), _offsets("one", boottime=-1)),
    Feature(
        "root-propagation",
        single("/linux/rootfsPropagation", shared="shared", slave="slave", private="private", unbindable="unbindable"),
    ),
    Feature(
        "masked",
        single("/linux/maskedPaths", file=["/etc/secret"], folder=["/var/secret"], several=["/proc/keys", "/none"]),
        ("runtime/config-linux.maskedPaths.masked",),
    ),
    Feature(
        "protected",
        single("/linux/readonlyPaths", file=["/etc/kept"], folder=["/var/kept"], several=["/proc/sys", "/none"]),
        ("runtime/config-linux.readonlyPaths.readonly",),
    ),
    Feature(
        "sysctl-ipc",
        single("/linux/sysctl", removal={"kernel.shm_rmid_forced": "1"}, messages={"kernel.msgmax": "65000"}),
    ),
    Feature(
        "sysctl-net",
        (
            _of_network("ports", "net.ipv4.ip_unprivileged_port_start", "80"),
            _of_network("range", "net.ipv4.ip_local_port_range", "20000 30000"),
        ),
    ),
    Feature(
        "devices",
        (
            _device("char", "/dev/explored", "c", major=1, minor=5, fileMode=0o640, uid=7, gid=8),
            _device("fifo", "/dev/explored-fifo", "p", fileMode=0o622, uid=3, gid=4),
            _device("block", "/dev/explored-block", "b", major=1600, minor=2, fileMode=0o606, uid=0, gid=9),
            _device("elsewhere", "/dev/folder/deep/explored", "c", major=1, minor=7, fileMode=0o600),
        ),
        (_AVAILABLE,),
    ),
    Feature("personality", single("/linux/personality/domain", linux32="LINUX32", linux="LINUX")),
    Feature(
        "memory-policy",
        (
            *single("/linux/memoryPolicy", bind={"mode": "MPOL_BIND", "nodes": "0"}, local={"mode": "MPOL_LOCAL"}),
            value("interleave", ("/linux/memoryPolicy", {"mode": "MPOL_INTERLEAVE", "nodes": "0"})),
        ),
        needs=("root", "isolation", "numa"),
    ),
    Feature(
        "seccomp",
        (
            _filter("errno", _rule("getitimer", errnoRet=MARK)),
            _filter("default-errno", _rule("getitimer"), _rule("getpgid", "mq_unlink", errnoRet=MARK)),
            _filter(
                "arguments",
                _rule("getpriority", errnoRet=MARK, args=[_is(0, "EQ", 77)]),
                _rule("sched_get_priority_max", errnoRet=MARK, args=[_is(0, "GT", 50), _is(1, "NE", 3)]),
            ),
            _filter("set-up", _rule(*_SET_UP, errnoRet=MARK)),
            _filter("log", _rule("getitimer", action="SCMP_ACT_LOG"), _rule("getpgid", errnoRet=MARK)),
        ),
        needs=("root", "isolation", "seccomp:errno"),
    ),
    *map(_hooks, INVOKED),
)
