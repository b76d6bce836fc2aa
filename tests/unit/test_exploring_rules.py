"""The rules by which drawn configs are judged beside those on what is seen from inside: pure, on facts made up here."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from ocivalidate.runtime.driving import configs
from ocivalidate.runtime.exploring.building import program
from ocivalidate.runtime.exploring.trying import of_another_kernel
from ocivalidate.runtime.inside.facts import Facts
from ocivalidate.runtime.judging import judge
from ocivalidate.runtime.judging.calls import number, tries
from ocivalidate.runtime.kernel.kernelnames import HARMLESS_CALLS

RELEASE = "1.3.0"
USUAL = "runtime/config-linux.default-filesystems"
HOST = {"mnt": "mnt:[1]", "net": "net:[1]", "uts": "uts:[1]", "pid": "pid:[1]", "ipc": "ipc:[1]", "user": "user:[1]"}
OWN = HOST | {"mnt": "mnt:[2]", "uts": "uts:[2]", "pid": "pid:[2]", "ipc": "ipc:[2]"}


def failed(config: Mapping[str, Any], facts: Mapping[str, Any]) -> list[str]:
    """The places, or the clauses where there is none, of what fails."""
    judged = judge(config, {"paths": {}, **facts}, RELEASE)
    # No container here has what every one has.
    return sorted({one.pointer or one.clause for one in judged if one.held is False} - {USUAL})


def held(config: Mapping[str, Any], facts: Mapping[str, Any]) -> set[str]:
    judged = judge(config, {"paths": {}, **facts}, RELEASE)
    return {one.pointer or one.clause for one in judged if one.held}


def with_members(**members: Any) -> dict[str, Any]:
    config = configs.base(RELEASE)
    config["mounts"] = []
    config["linux"] |= members
    return config


# --- namespaces

SEEN = {"namespaces": OWN, "host": {"namespaces": HOST, "joined": {}}}


def test_namespaces_are_as_they_are_asked_for() -> None:
    assert failed(with_members(), SEEN) == []
    joined = with_members(namespaces=[*configs.base(RELEASE)["linux"]["namespaces"], {"type": "network", "path": "/n"}])
    there = {"namespaces": OWN | {"net": "net:[7]"}, "host": {"namespaces": HOST, "joined": {"network": "net:[7]"}}}
    assert failed(joined, there) == []
    assert "/linux/namespaces/4" in held(joined, there)


@pytest.mark.parametrize(
    ("seen", "at"),
    [
        ({"uts": HOST["uts"]}, "/linux/namespaces/2"),
        ({"net": "net:[9]"}, "/linux/namespaces"),
    ],
)
def test_a_namespace_that_is_another_is_found(seen: dict[str, str], at: str) -> None:
    assert failed(with_members(), SEEN | {"namespaces": OWN | seen}) == [at]


def test_one_that_is_not_joined_is_found() -> None:
    config = with_members(namespaces=[{"type": "uts", "path": "/n"}])
    host = {"namespaces": OWN, "joined": {"uts": "uts:[5]"}}
    assert failed(config, {"namespaces": OWN, "host": host}) == ["/linux/namespaces/0"]


# --- control groups

GROUPS = {
    "unified": False,
    "paths": {"memory": "/a/b", "pids": "/a/b"},
    "files": {"memory": {"memory.limit_in_bytes": "209715200"}, "pids": {"pids.max": "157"}},
}
RESOURCES = {"memory": {"limit": 200 << 20}, "pids": {"limit": 157}}


def test_limits_stand_in_the_groups_at_the_path() -> None:
    config = with_members(resources=RESOURCES, cgroupsPath="/a/b")
    assert failed(config, {"groups": GROUPS}) == []
    assert {"/linux/resources/memory/limit", "/linux/cgroupsPath"} <= held(config, {"groups": GROUPS})
    other = copy.deepcopy(GROUPS)
    other["files"]["pids"]["pids.max"] = "max"  # type: ignore[index]  # the object above
    assert failed(config, {"groups": other}) == ["/linux/resources/pids/limit"]
    assert failed(with_members(resources=RESOURCES, cgroupsPath="/a"), {"groups": GROUPS}) == ["/linux/cgroupsPath"]
    assert failed(with_members(resources=RESOURCES, cgroupsPath="b"), {"groups": GROUPS}) == []


# --- hooks and annotations

STATE = {"id": "one", "bundle": "/b", "annotations": {"a": "b"}}


def hook(kind: str = "createRuntime", at: int = 0, **members: Any) -> dict[str, Any]:
    own = OWN if kind in ("createContainer", "startContainer") else HOST
    ran = {"kind": kind, "number": at, "argv": ["x"], "environ": ["A=b"], "namespaces": own, "state": STATE}
    return ran | members


HOOKED = with_members() | {
    "hooks": {
        "createRuntime": [{"path": "/x", "args": ["x"], "env": ["A=b"]}] * 2,
        "startContainer": [{"path": "/x", "args": ["x"], "env": ["A=b"]}],
    }
}
ALL_RAN = [hook(), hook(at=1), hook("startContainer")]


def test_hooks_ran_once_in_their_order_with_what_they_are_given() -> None:
    assert failed(HOOKED, SEEN | {"state": STATE, "hooks": ALL_RAN}) == []


@pytest.mark.parametrize(
    ("ran", "at"),
    [
        ([hook(), hook(at=1)], "/hooks/startContainer"),
        ([*ALL_RAN, hook()], "/hooks/createRuntime"),
        ([hook(at=1), hook(), hook("startContainer")], "/hooks/createRuntime"),
        ([hook(argv=["y"]), *ALL_RAN[1:]], "/hooks/createRuntime/0/args"),
        ([hook(environ=[]), *ALL_RAN[1:]], "/hooks/createRuntime/0/env"),
        ([hook(state=None), *ALL_RAN[1:]], "/hooks/createRuntime/0"),
        ([hook(state=STATE | {"id": "other"}), *ALL_RAN[1:]], "/hooks/createRuntime/0"),
        ([hook(namespaces=OWN), *ALL_RAN[1:]], "/hooks/createRuntime/0"),
        ([*ALL_RAN[:2], hook("startContainer", namespaces=HOST)], "/hooks/startContainer/0"),
    ],
)
def test_a_hook_that_did_not_is_found(ran: list[dict[str, Any]], at: str) -> None:
    assert failed(HOOKED, SEEN | {"state": STATE, "hooks": ran}) == [at]


def test_state_tells_annotations() -> None:
    config = with_members() | {"annotations": {"a": "b", "c/d": "e"}}
    assert failed(config, {"state": STATE}) == ["/annotations/c~1d"]
    assert failed(with_members() | {"annotations": {"a": "b"}}, {"state": STATE}) == []


# --- mounts


def mounted(point: str, *options: str, **more: Any) -> dict[str, Any]:
    usual = {"id": 1, "parent": 0, "root": "/", "type": "tmpfs", "source": "tmpfs", "propagation": [], "super": ["rw"]}
    return usual | {"point": point, "options": [*options]} | more


def on(place: str, options: str, **more: Any) -> dict[str, Any]:
    entry = {"destination": place, "type": "tmpfs", "source": "tmpfs", "options": options.split()} | more
    return with_members() | {"mounts": [entry]}


def at(place: str, **target: Any) -> dict[str, Any]:
    node = {"kind": "dir", "mode": 0o755, "uid": 0, "gid": 0, "major": 0, "minor": 0, "inode": 1} | target
    return {place: {"real": place, "target": node, "stat": node}}


@pytest.mark.parametrize(
    ("options", "seen", "good"),
    [
        ("bind suid", mounted("/m"), True),
        ("bind suid", mounted("/m", "nosuid"), False),
        ("bind noexec exec", mounted("/m", "noexec"), False),
        ("bind noexec exec", mounted("/m"), True),
        ("bind exec noexec", mounted("/m", "noexec"), True),
        ("rbind rro", mounted("/m", "ro"), True),
        ("rbind rro", mounted("/m", "rw"), False),
        ("strictatime", mounted("/m", "rw"), True),
        ("strictatime", mounted("/m", "relatime"), False),
        ("bind shared", mounted("/m", propagation=["shared:4"]), True),
        ("bind shared", mounted("/m"), False),
        ("bind slave", mounted("/m"), True),
        ("bind slave", mounted("/m", propagation=["master:4"]), True),
        ("bind slave", mounted("/m", propagation=["shared:4"]), False),
        ("bind private", mounted("/m", propagation=["master:4"]), False),
        ("bind unbindable", mounted("/m", propagation=["unbindable"]), True),
        ("size=1024k nr_inodes=600", mounted("/m", super=["rw", "size=1024k", "nr_inodes=600"]), True),
        ("size=1m", mounted("/m", super=["rw", "size=1024k"]), True),
        ("size=1m", mounted("/m", super=["rw", "size=2048k"]), False),
        ("uid=7", mounted("/m", super=["rw"]), False),
        ("mode=0755", mounted("/m"), True),
        ("mode=0710", mounted("/m"), False),
    ],
)
def test_options_of_mounts(options: str, seen: dict[str, Any], *, good: bool) -> None:
    found = failed(on("/m", options), {"mountinfo": [seen], "paths": at("/m")})
    assert found == ([] if good else ["/mounts/0/options"])


def test_what_is_below_has_recursive_options_too() -> None:
    config, top = on("/m", "rbind rnosuid"), mounted("/m", "nosuid")
    below = mounted("/m/below", id=2, parent=1)
    assert failed(config, {"mountinfo": [top, below], "paths": at("/m")}) == ["/mounts/0/options"]
    assert failed(config, {"mountinfo": [top, mounted("/m/below", "nosuid")], "paths": at("/m")}) == []
    beside = {**config, "mounts": [*config["mounts"], {"destination": "/m/below", "type": "tmpfs"}]}
    assert failed(beside, {"mountinfo": [top, below], "paths": at("/m") | at("/m/below")}) == []


def test_in_a_user_namespace_restrictions_of_others_stay() -> None:
    config = on("/m", "bind suid")
    config["linux"]["namespaces"].append({"type": "user"})
    assert failed(config, {"mountinfo": [mounted("/m", "nosuid")], "paths": at("/m")}) == []


def test_what_is_bound_is_its_source() -> None:
    config, facts = on("/m", "bind", source="/s"), {"mountinfo": [mounted("/m")], "paths": at("/m", inode=5)}
    known = {"inode": 5, "uid": 0, "gid": 0}
    assert failed(config, facts | {"sources": {"/s": known}}) == []
    assert failed(config, facts | {"sources": {"/s": known | {"inode": 6}}}) == ["/mounts/0/source"]
    mapping = [{"containerID": 0, "hostID": 1000, "size": 10}]
    mapped = on("/m", "bind idmap", source="/s", uidMappings=mapping, gidMappings=mapping)
    assert failed(mapped, facts | {"sources": {"/s": known}}) == ["/mounts/0/gidMappings", "/mounts/0/uidMappings"]
    shown = {"mountinfo": [mounted("/m")], "paths": at("/m", inode=5, uid=1000, gid=1000)}
    assert failed(mapped, shown | {"sources": {"/s": known}}) == []


@pytest.mark.parametrize(
    ("word", "fields", "good"),
    [("shared", ["shared:1"], True), ("shared", [], False), ("private", [], True), ("private", ["master:1"], False)],
)
def test_propagation_of_the_root(word: str, fields: list[str], *, good: bool) -> None:
    seen = {"mountinfo": [mounted("/", propagation=fields)]}
    assert failed(with_members(rootfsPropagation=word), seen) == ([] if good else ["/linux/rootfsPropagation"])


# --- seccomp


def filtered(*rules: dict[str, Any]) -> dict[str, Any]:
    return with_members(seccomp={"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [*rules]})


ERRNO = {"names": ["getpriority"], "action": "SCMP_ACT_ERRNO", "errnoRet": 55}
WITH_ARGUMENT = ERRNO | {"args": [{"index": 0, "value": 77, "op": "SCMP_CMP_EQ"}]}


def tried(config: Mapping[str, Any], outcomes: Mapping[tuple[int, ...], Any], usual: Any) -> dict[str, Any]:
    """The facts of a probe whose calls of these arguments have these outcomes, and the others the usual one."""
    records = [
        {"step": "syscall", "args": [str(call), *map(str, arguments)]}
        | ({"error": end} if isinstance(end := outcomes.get(arguments, usual), str) else {"value": end})
        for call, arguments in tries(config)
    ]
    return {"calls": Facts(tuple(records)).looks()["calls"], "status": {"Seccomp": "2"}}


def test_calls_end_as_the_filter_says() -> None:
    assert failed(filtered(ERRNO), tried(filtered(ERRNO), {}, "ENOANO")) == []
    assert failed(filtered(ERRNO), tried(filtered(ERRNO), {}, 0)) == ["/linux/seccomp/syscalls"]
    assert failed(filtered(ERRNO), tried(filtered(ERRNO), {}, "EPERM")) == ["/linux/seccomp/syscalls"]
    without = {**ERRNO}
    del without["errnoRet"]
    assert failed(filtered(without), tried(filtered(without), {}, "EPERM")) == []


def test_both_sides_of_an_argument_are_tried() -> None:
    config = filtered(WITH_ARGUMENT)
    assert {arguments[0] for _call, arguments in tries(config)} == {0, 76, 77, 78}
    assert failed(config, tried(config, {(77, 0): "ENOANO"}, 20)) == []
    assert failed(config, tried(config, {(76, 0): "ENOANO", (77, 0): "ENOANO"}, 20)) == ["/linux/seccomp/syscalls"]
    assert failed(config, tried(config, {}, 20)) == ["/linux/seccomp/syscalls"]


def test_rules_that_contradict_each_other_are_not_judged() -> None:
    config = filtered(ERRNO, ERRNO | {"errnoRet": 1})
    assert failed(config, tried(config, {}, 0)) == []


def test_the_probe_tries_what_the_filter_names() -> None:
    words = program(filtered(ERRNO))
    assert [str(number("getpriority", "x86_64")), str(number("getpriority", "aarch64"))] == ["140", "141"]
    assert any(words[at : at + 2] == ["syscall", word] for at in range(len(words)) for word in ("140", "141"))
    assert HARMLESS_CALLS.keys() >= {"getitimer", "getpgid"}


# --- clocks, memory


def test_clocks_are_as_far_off_as_asked() -> None:
    config = with_members(timeOffsets={"monotonic": {"secs": 5000, "nanosecs": 5}})
    place = "/proc/self/timens_offsets"
    assert place in program(config)
    good = {place: {"real": place, "text": "monotonic        5000         5\nboottime            0         0\n"}}
    assert failed(config, {"paths": good}) == []
    assert failed(config, {"paths": {place: {"real": place, "text": "monotonic 0 5\nboottime 0 0\n"}}}) == [
        "/linux/timeOffsets/monotonic/secs"
    ]


def test_memory_policies_and_processors() -> None:
    config = with_members(
        memoryPolicy={"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]},
        resources={"cpu": {"cpus": "0"}},
    )
    good = {"mempolicy": {"mode": 2 | 1 << 15, "nodes": [0]}, "affinity": [0]}
    assert failed(config, good) == []
    assert failed(config, good | {"mempolicy": {"mode": 0, "nodes": []}}) == [
        "/linux/memoryPolicy/flags",
        "/linux/memoryPolicy/mode",
        "/linux/memoryPolicy/nodes",
    ]
    assert failed(config, good | {"affinity": [0, 1]}) == ["/linux/resources/cpu/cpus"]


@pytest.mark.parametrize("name", ["calls", "groups", "hooks", "host", "opens", "sources", "state"])
@pytest.mark.parametrize("value", [None, 3, [{}], {"a": 1}, [{"kind": 3}], "x"])
def test_facts_of_another_shape_are_not_judged(name: str, value: Any) -> None:
    """They may come from any file."""
    config = HOOKED | {"mounts": on("/m", "bind", source="/s")["mounts"]}
    config["linux"] = config["linux"] | {"resources": RESOURCES | {"devices": [{"allow": False, "access": "rwm"}]}}
    assert failed(config, {name: value}) == []


# --- a kernel of its own


def test_what_a_kernel_of_its_own_shows_is_not_held_against_this_one() -> None:
    source = "/source"
    mount = {"destination": "/m", "type": "none", "source": source, "options": ["bind"]}
    config = with_members() | {"mounts": [mount]}
    config["process"]["oomScoreAdj"] = 100
    there = {"look": {"target": {"inode": 2, "mode": 0o755, "uid": 0, "gid": 0}}}
    facts = {
        "namespaces": {kind: f"{kind}:[9]" for kind in HOST} | {"user": "user:[7]"},
        "host": {"namespaces": HOST, "joined": {}},
        "oom-score-adj": 0,
        "sources": {source: {"inode": 1, "uid": 0, "gid": 0}},
        "paths": {"/m": there["look"]},
    }
    assert {"/process/oomScoreAdj", "/linux/namespaces"} <= set(failed(config, facts))
    seen = of_another_kernel(facts, 100)
    assert failed(config, seen) == []
    assert "/process/oomScoreAdj" in held(config, seen)
    assert failed(config, of_another_kernel(facts, 7)) == ["/process/oomScoreAdj"]
    assert "/process/oomScoreAdj" not in held(config, of_another_kernel(facts, None))
