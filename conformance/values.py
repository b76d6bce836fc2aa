"""Refusing invalid values: a config with one is refused, and the same config without it is not.

What is at fault with a value is said by the specification (a type, a set of names, a range), or every kernel refuses
it, so that no runtime can apply it. A value of ``process`` may be refused as late as by ``start``: these properties
need not be applied before. Every row of a table is a case of its own, as expectations are about cases; the rows of a
table share one control, the config with all of their valid values, as long as the runtime accepts it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ocivalidate.runtime import CaseContext, Container, case, changed

INVALID_ERROR = "config.valid-values.invalid-error"


@dataclass(frozen=True, slots=True)
class Row:
    """One invalid value.

    ``name`` is that of the case, ``pointer`` says where ``bad`` is put, and where ``good`` (if not ``None``) is put in
    the control. ``since``: the first release that says so. ``clauses``: what the refusal is judged by.
    """

    name: str
    pointer: str
    bad: Any
    good: Any = None
    since: str = "1.0.0"
    clauses: tuple[str, ...] = (INVALID_ERROR,)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows that share a control. ``around``: what it has beside their valid values, by pointer."""

    rows: tuple[Row, ...]
    needs: tuple[str, ...] = ()
    around: tuple[tuple[str, Any], ...] = ()


_LIMIT = {"type": "RLIMIT_NOFILE", "soft": 64, "hard": 128}
_RLIMITS = "/process/rlimits"
_BATCH = {"policy": "SCHED_BATCH"}
_BEST_EFFORT = {"class": "IOPRIO_CLASS_BE", "priority": 4}
_TMPFS = {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["size=1m"]}
_BIND = {"destination": "/tmp", "type": "none", "source": "/etc", "options": ["bind"]}
_DEVICE = {"path": "/dev/given", "type": "c", "major": 1, "minor": 3, "fileMode": 438}
_IDS = {"containerID": 0, "hostID": 0, "size": 65536}
_POLICY = {"mode": "MPOL_BIND", "nodes": "0"}
_ARGUMENT = {"index": 0, "value": 9, "op": "SCMP_CMP_EQ"}
_RULE = {"names": ["getpriority"], "action": "SCMP_ACT_ERRNO", "args": [_ARGUMENT]}
_DENIED = {"allow": False, "type": "c", "major": 1, "minor": 99, "access": "w"}

PROCESS = Table(
    (
        Row("process-cwd-relative", "/process/cwd", "tmp", "/tmp"),
        Row("process-args-empty", "/process/args", []),
        Row("process-args-type", "/process/args", "/usr/bin/python3"),
        Row("process-env-type", "/process/env", {"A": "b"}),
        Row("process-terminal-type", "/process/terminal", "no", good=False),
        Row("process-user-uid-negative", "/process/user/uid", -5, 5),
        Row("process-user-uid-type", "/process/user/uid", "root"),
        Row("process-user-umask-negative", "/process/user/umask", -1, 18, since="1.0.2"),
        Row("process-oom-score-adj-range", "/process/oomScoreAdj", 1001, 1000),
        Row("process-capabilities-type", "/process/capabilities/bounding", "CAP_KILL"),
        Row("process-rlimit-soft-above-hard", _RLIMITS, [_LIMIT | {"soft": 256}], [_LIMIT]),
        Row("process-rlimit-type", _RLIMITS, [_LIMIT | {"soft": "64"}], [_LIMIT]),
        Row(
            "process-rlimit-unknown",
            _RLIMITS,
            [_LIMIT | {"type": "RLIMIT_NOSUCH"}],
            [_LIMIT],
            clauses=("config.process.rlimits.type.unmappable-error", INVALID_ERROR),
        ),
        Row(
            "process-rlimit-twice",
            _RLIMITS,
            [_LIMIT, _LIMIT],
            [_LIMIT],
            clauses=("config.process.rlimits.no-duplicate-type",),
        ),
        Row("process-scheduler-policy", "/process/scheduler", {"policy": "SCHED_NOSUCH"}, _BATCH, since="1.1.0"),
        Row(
            "process-scheduler-flag", "/process/scheduler", {**_BATCH, "flags": ["SCHED_FLAG_NOSUCH"]}, _BATCH, "1.1.0"
        ),
        Row(
            "process-io-class",
            "/process/ioPriority",
            {**_BEST_EFFORT, "class": "IOPRIO_CLASS_NOSUCH"},
            _BEST_EFFORT,
            since="1.1.0",
        ),
        Row("process-io-priority-range", "/process/ioPriority", {**_BEST_EFFORT, "priority": 8}, _BEST_EFFORT, "1.1.0"),
        Row("process-exec-affinity", "/process/execCPUAffinity/initial", "none", "0", since="1.2.1"),
    )
)
GENERAL = Table(
    (
        Row("root-path-missing", "/root/path", "nosuch"),
        Row("root-readonly-type", "/root/readonly", "no", good=False),
        Row("hostname-too-long", "/hostname", "h" * 65, "h" * 64),
        Row("mount-type-unknown", "/mounts/-", _TMPFS | {"type": "nosuchfs"}, _TMPFS),
        Row("mount-source-missing", "/mounts/-", {"destination": "/mnt", "source": "/nosuch", "options": ["bind"]}),
        Row("mount-option-unknown", "/mounts/-", _TMPFS | {"options": ["nosuchoption=1"]}, _TMPFS),
        Row("bind-option-unknown", "/mounts/-", _BIND | {"options": ["bind", "nosuchoption=1"]}, _BIND),
        Row("mount-options-type", "/mounts/-", _TMPFS | {"options": "ro"}, _TMPFS),
        Row("mount-destination-absent", "/mounts/-", {"type": "tmpfs", "source": "tmpfs"}, _TMPFS),
        Row("mounts-type", "/mounts", {}),
        Row("annotation-type", "/annotations/org.example.a", 5, "5"),
    )
)
LINUX = Table(
    (
        Row("namespace-type-unknown", "/linux/namespaces/-", {"type": "nosuch"}, {"type": "network"}),
        Row("namespace-type-absent", "/linux/namespaces/-", {}),
        Row("namespace-path-missing", "/linux/namespaces/-", {"type": "cgroup", "path": "/nosuch"}),
        Row("namespace-path-no-namespace", "/linux/namespaces/-", {"type": "cgroup", "path": "/etc/passwd"}),
        Row(
            "namespace-twice",
            "/linux/namespaces/-",
            {"type": "uts"},
            clauses=("config-linux.namespaces.no-duplicate-type",),
        ),
        Row("device-type-unknown", "/linux/devices/-", _DEVICE | {"type": "x"}, _DEVICE),
        Row("device-mode-type", "/linux/devices/-", _DEVICE | {"fileMode": "0666"}, _DEVICE),
        Row("sysctl-unknown", "/linux/sysctl/kernel.nosuch", "1"),
        Row("sysctl-value", "/linux/sysctl/kernel.msgmax", "many", "8192"),
        Row("masked-path-relative", "/linux/maskedPaths", ["proc/version"], ["/proc/version"]),
        Row("readonly-path-relative", "/linux/readonlyPaths", ["proc/sys"], ["/proc/sys"]),
        Row("rootfs-propagation-unknown", "/linux/rootfsPropagation", "nosuch", "slave"),
        Row("personality-domain-unknown", "/linux/personality/domain", "BSD", "LINUX", since="1.0.2"),
    )
)
MEMORY_POLICY = Table(
    (
        Row(
            "memory-policy-mode-unknown",
            "/linux/memoryPolicy",
            _POLICY | {"mode": "MPOL_NOSUCH"},
            _POLICY,
            since="1.3.0",
        ),
        Row(
            "memory-policy-flag-unknown",
            "/linux/memoryPolicy",
            _POLICY | {"flags": ["MPOL_F_NOSUCH"]},
            _POLICY,
            since="1.3.0",
        ),
        Row("memory-policy-nodes", "/linux/memoryPolicy", _POLICY | {"nodes": "none"}, _POLICY, since="1.3.0"),
    ),
    needs=("numa",),
)
TIME = Table(
    (
        Row(
            "time-offset-clock-unknown",
            "/linux/timeOffsets",
            {"nosuch": {"secs": 5}},
            {"boottime": {"secs": 5}},
            since="1.1.0",
        ),
    ),
    needs=("namespace:time",),
    around=(("/linux/namespaces/-", {"type": "time"}),),
)
USER = Table(
    (
        Row("uid-mapping-overlap", "/linux/uidMappings", [_IDS, _IDS], [_IDS]),
        Row("uid-mapping-size-range", "/linux/uidMappings", [_IDS | {"size": 1 << 32}], [_IDS]),
    ),
    needs=("namespace:user",),
    # A user namespace that does not own the network namespace cannot mount sysfs.
    around=(
        ("/linux/namespaces/-", {"type": "user"}),
        ("/linux/namespaces/-", {"type": "network"}),
        ("/linux/gidMappings/-", _IDS),
    ),
)
SECCOMP = Table(
    (
        Row("seccomp-default-action-unknown", "/linux/seccomp/defaultAction", "SCMP_ACT_NOSUCH"),
        Row("seccomp-default-action-absent", "/linux/seccomp", {"syscalls": [_RULE]}),
        Row("seccomp-action-unknown", "/linux/seccomp/syscalls/-", _RULE | {"action": "SCMP_ACT_NOSUCH"}),
        Row("seccomp-names-absent", "/linux/seccomp/syscalls/-", {"action": "SCMP_ACT_ERRNO"}),
        Row("seccomp-architecture-unknown", "/linux/seccomp/architectures", ["SCMP_ARCH_NOSUCH"]),
        Row("seccomp-flag-unknown", "/linux/seccomp/flags", ["SECCOMP_FILTER_FLAG_NOSUCH"], since="1.0.2"),
        Row("seccomp-operator-unknown", "/linux/seccomp/syscalls/0/args/0/op", "SCMP_CMP_NOSUCH"),
        Row("seccomp-index-range", "/linux/seccomp/syscalls/0/args/0/index", 6),
    ),
    needs=("seccomp",),
    around=(("/linux/seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [_RULE]}),),
)
MEMORY = Table(
    (Row("memory-limit-type", "/linux/resources/memory/limit", "1g", 1 << 28),),
    needs=("controller:memory",),
)
CPU = Table(
    (
        Row("cpu-period-range", "/linux/resources/cpu/period", 1, 100000),
        Row("cpu-quota-range", "/linux/resources/cpu/quota", 1, 50000),
        Row("cpu-shares-negative", "/linux/resources/cpu/shares", -1, 1024),
    ),
    needs=("controller:cpu",),
)
CPUSET = Table(
    (Row("cpu-cpus-too-many", "/linux/resources/cpu/cpus", "0-100000", "0"),),
    needs=("controller:cpuset",),
)
HUGE_PAGES = Table(
    (
        Row(
            "huge-page-size-that-is-a-path",
            "/linux/resources/hugepageLimits",
            [{"pageSize": "2MB/../hugetlb.2MB", "limit": 2 << 20}],
            [{"pageSize": "2MB", "limit": 2 << 20}],
        ),
    ),
    needs=("controller:hugetlb",),
)
DEVICES = Table((Row("device-rule-type-unknown", "/linux/resources/devices/-", _DENIED | {"type": "x"}, _DENIED),))

TABLES: Sequence[Table] = (
    PROCESS,
    GENERAL,
    LINUX,
    MEMORY_POLICY,
    TIME,
    USER,
    SECCOMP,
    MEMORY,
    CPU,
    CPUSET,
    HUGE_PAGES,
    DEVICES,
)


def _control(trial: CaseContext, table: Table, but: Row | None = None) -> dict[str, Any]:
    """The config that is valid in all that the rows of a table speak of, or in all that those do ``but`` one."""
    config = trial.config("wait")
    for pointer, value in table.around:
        config = changed(config, pointer, value)
    goods: list[tuple[str, Any]] = []
    for row in table.rows:
        # Once, also where several rows have it: an entry that stands twice may be refused for that.
        if row.good is not None and trial.holds(row.since) and (row.pointer, row.good) not in goods:
            goods.append((row.pointer, row.good))
    for pointer, good in goods:
        if but is None or (pointer, good) != (but.pointer, but.good):
            config = changed(config, pointer, good)
    return config


def _refuses(trial: CaseContext, table: Table, row: Row) -> None:
    if not trial.holds(row.since):
        trial.skip(f"runtime-spec {trial.release} does not have it")
    # Where the runtime refuses another valid value of the table, this row is judged by itself.
    tables = [table, replace(table, rows=(row,))]
    controls = [_control(trial, one) for one in tables]
    accepted = trial.first_accepted(*controls)
    [used, *_] = [one for one, control in zip(tables, controls, strict=True) if control is accepted]
    # In the place of the valid value, not beside it: what is refused differs from the control in nothing else.
    wrong = changed(_control(trial, used, row), row.pointer, row.bad)
    refused, got = _outcome(trial.container(wrong), row)
    for clause in row.clauses:
        message = f"an invalid value is accepted: {row.name}"
        trial.expect_that(clause, message, held=refused, got=got, want="an error", pointer=row.pointer)


def _outcome(container: Container, row: Row) -> tuple[bool, str]:
    """Whether the runtime refused, and its words."""
    created = container.create()
    if created.ok and row.pointer.startswith("/process/"):
        started = container.start()
        return started.refused, "started" if started.ok else started.last_error_line
    return created.refused, "created" if created.ok else created.last_error_line


# Of each type, the namespace of another one.
_OTHERS = {
    "network": "ipc",
    "ipc": "uts",
    "uts": "net",
    "mount": "net",
    "pid": "uts",
    "cgroup": "ipc",
    "user": "net",
    "time": "ipc",
}


@case("config-linux.namespaces.path.type-mismatch-error", needs=["root", "isolation"])
def namespace_of_another_type(trial: CaseContext) -> None:
    """A path that leads to a namespace of another type than the entry says is refused."""
    clause = "config-linux.namespaces.path.type-mismatch-error"
    config = trial.config("wait")
    mapped = {f"{kind}Mappings": [_IDS] for kind in ("uid", "gid")}
    for kind, other in _OTHERS.items():
        if kind not in trial.host.namespaces or (kind == "time" and not trial.holds("1.1.0")):
            continue
        wrong = {"type": kind, "path": f"/proc/self/ns/{other}"}
        listed = [entry for entry in config["linux"]["namespaces"] if entry["type"] != kind]
        linux = config["linux"] | (mapped if kind == "user" else {})
        if kind == "user":
            # Which does not own the network namespace, as sysfs wants it.
            listed = [*listed, {"type": "network"}]
        # A new one of that type is accepted: it is the path alone that is wrong.
        trial.control(config | {"linux": linux | {"namespaces": [*listed, {"type": kind}]}})
        container = trial.container(config | {"linux": linux | {"namespaces": [*listed, wrong]}})
        done = container.create()
        got = "created" if done.ok else done.last_error_line
        message = f"{wrong['path']} is accepted as a namespace of type {kind}"
        trial.expect_that(clause, message, held=done.refused, got=got, want="an error")
        container.clean_up()


@case("config-linux.devices.path.mismatch-error", needs=["root", "isolation"])
def device_where_another_file_is(trial: CaseContext) -> None:
    """A device whose path is taken by a file, a folder or another device is refused."""
    clause = "config-linux.devices.path.mismatch-error"
    given = changed(trial.config("wait"), "/linux/devices/-", _DEVICE | {"path": "/var/given"})
    trial.control(given)
    for what in ("a file", "a folder", "another device"):
        bundle = trial.bundle(given)
        place = bundle / "rootfs" / "var" / "given"
        if what == "a file":
            place.write_text("x", encoding="utf-8")
        elif what == "a folder":
            place.mkdir()
        else:
            os.mknod(place, 0o020666, os.makedev(1, 5))
        container = trial.container(bundle=bundle)
        done = container.create()
        got = "created" if done.ok else done.last_error_line
        trial.expect_that(clause, f"{what} is where a device is to be", held=done.refused, got=got, want="an error")
        container.clean_up()


@case("config-linux.intelRdt.no-resctrl-error", needs=["root", "isolation"])
def intel_rdt_without_resctrl(trial: CaseContext) -> None:
    """Resource control is refused where its file system is not mounted."""
    if os.path.exists("/sys/fs/resctrl/schemata"):
        trial.skip("resctrl is mounted at /sys/fs/resctrl")
    config = changed(trial.config("wait"), "/linux/intelRdt", {"l3CacheSchema": "L3:0=f"})
    trial.refused("config-linux.intelRdt.no-resctrl-error", config, "intelRdt is accepted, without resctrl")


def _case_of(table: Table, row: Row) -> Callable[[CaseContext], None]:
    def function(trial: CaseContext) -> None:
        _refuses(trial, table, row)

    function.__name__ = row.name
    function.__doc__ = f"An invalid value of {row.pointer} is refused: {row.name.replace('-', ' ')}."
    return case(*row.clauses, needs=("root", "isolation", *table.needs))(function)


CASES = [_case_of(table, row) for table in TABLES for row in table.rows]
