"""Features of control groups: ``linux.resources`` and ``linux.cgroupsPath``."""

from __future__ import annotations

from typing import Any

from ocivalidate.runtime.exploring.features import Feature, Setting, Value

_MIB = 1 << 20
_RESOURCES = "/linux/resources"
PATH = "/linux/cgroupsPath"
_DENY = {"allow": False, "access": "rwm"}
_ALLOW = {"allow": True, "access": "rwm"}
_OURS = {"type": "c", "major": 1600}


def _limit(section: str, **values: dict[str, Any]) -> tuple[Value, ...]:
    return tuple(
        Value(name, tuple(Setting(f"{_RESOURCES}/{section}/{member}", given) for member, given in members.items()))
        for name, members in values.items()
    )


def _feature(name: str, section: str, controller: str, *needs: str, **values: dict[str, Any]) -> Feature:
    return Feature(name, _limit(section, **values), (), ("root", "isolation", f"controller:{controller}", *needs))


FEATURES = (
    _feature("cpu-shares", "cpu", "cpu", some={"shares": 517}, more={"shares": 3000}),
    _feature("cpu-quota", "cpu", "cpu", half={"quota": 55_000, "period": 110_000}, more={"quota": 250_000}),
    _feature("cpuset", "cpu", "cpuset", first={"cpus": "0"}, memory={"mems": "0"}, both={"cpus": "0", "mems": "0"}),
    _feature(
        "memory-limit",
        "memory",
        "memory",
        some={"limit": 200 * _MIB},
        reserved={"limit": 240 * _MIB, "reservation": 100 * _MIB},
        swap={"limit": 200 * _MIB, "swap": 260 * _MIB},
    ),
    _feature("swappiness", "memory", "memory", "cgroup:v1", none={"swappiness": 0}, some={"swappiness": 77}),
    _feature("oom-killer", "memory", "memory", "cgroup:v1", off={"disableOOMKiller": True}),
    _feature("pids", "pids", "pids", some={"limit": 157}, unlimited={"limit": -1}),
    _feature("network-class", "network", "net_cls", "cgroup:v1", some={"classID": 0x100001}),
    _feature("huge-pages", "hugepageLimits", "hugetlb", two={"-": {"pageSize": "2MB", "limit": 4 * _MIB}}),
    Feature(
        "device-rules",
        tuple(
            Value(name, (Setting(f"{_RESOURCES}/devices", rules),))
            for name, rules in (
                ("allowed", [_DENY, {"allow": True, **_OURS, "minor": 1, "access": "rw"}]),
                # Version 1 of control groups takes back only what was allowed by itself.
                ("read", [_DENY, {**_ALLOW, **_OURS, "minor": 2}, {**_DENY, **_OURS, "minor": 2, "access": "w"}]),
                ("denied", [_ALLOW, {"allow": False, **_OURS, "minor": 1, "access": "w"}]),
            )
        ),
        needs=("root", "isolation", "controller:devices", "cap:MKNOD"),
    ),
    Feature(
        "unified",
        (Value("some", (Setting(f"{_RESOURCES}/unified", {"pids.max": "157", "memory.low": str(8 * _MIB)}),)),),
        needs=("root", "isolation", "cgroup:v2", "controller:memory", "controller:pids"),
    ),
    Feature(
        "group-path",
        (
            Value("deeper", (Setting(PATH, "{group}/{id}-above/deeper"),)),
            Value("relative", (Setting(PATH, "{name}"),)),
        ),
        ("runtime/config-linux.cgroupsPath.absolute-from-mount",),
    ),
)
