"""Limits on resources: what stands in the files of the container's control groups, and what comes of it inside.

Values are read after ``create``, as they hold before the program starts, from the groups that the kernel says the
process is in. They are odd on purpose: neither defaults nor what anything else would set.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from ocivalidate.runtime import CaseContext, caller, case, cgroup_values, cgroups, changed, limits, steps

MIB = 1 << 20
LIMIT, RESERVATION = 40 * MIB, 24 * MIB
SIGKILL = 9


# --------------------------------------------------------------------------------------------------------------- cpu


@case(limits.CREATE_RESOURCES, sets=limits.pointers("cpu/shares"), needs=["root", "controller:cpu"])
def cpu_shares(trial: CaseContext) -> None:
    """The share of processor time is that of the config."""
    limits.limited(trial, {"cpu": {"shares": 517}})


@case(sets=limits.pointers("cpu/shares"), needs=["root", "controller:cpu"])
def cpu_shares_out_of_range(trial: CaseContext) -> None:
    """A share beyond what the kernel knows is the nearest that it knows; one of zero may be taken for none."""
    least, most = 2, 1 << 18
    for shares, nearest in ((1, least), (most + 1, most), ((1 << 63) - 1, most), (0, least)):
        config = trial.config("wait")
        config["linux"]["resources"] = {"cpu": {"shares": shares}}
        container = trial.container(config)
        done = container.create()
        file = "cpu.weight" if limits.is_unified(trial) else "cpu.shares"
        got = cgroups.content(container.group_folder("cpu"), file) if done.ok else "refused"
        container.clean_up()
        want = ["refused", *_shares(trial, nearest), *(_shares(trial, 1024) if not shares else ())]
        message = f"a share of {shares} is made another: {got}"
        trial.applied(f"{cgroup_values.RESOURCES}/cpu/shares", got=got in want, want=True, message=message)


def _shares(trial: CaseContext, shares: int) -> tuple[str, ...]:
    """What stands in the file of a group with these shares."""
    return cgroup_values.weights_of_shares(shares) if limits.is_unified(trial) else (str(shares),)


@case(limits.CREATE_RESOURCES, sets=limits.pointers("cpu/quota", "cpu/period"), needs=["root", "controller:cpu"])
def cpu_quota(trial: CaseContext) -> None:
    """Quota and period are those of the config, and a program that computes gets no more processor time than that."""
    resources = {"cpu": {"quota": 33000, "period": 110000}}
    container = limits.limited(trial, resources, *steps(["burn", "0.5"], ["wait"]))
    before, begun = limits.processor_time(container), time.monotonic()
    used, over = limits.facts_of(container).value("burn", "0.5"), 0.5
    after, ended = limits.processor_time(container), time.monotonic()
    if trial.stage.own_kernel and before is not None and after is not None:
        # A kernel of its own takes the time for which it waits for the host for time on a processor.
        used, over = after - before, ended - begun
    # Three tenths of the time, and what is left of a period at either end.
    trial.applied(
        f"{cgroup_values.RESOURCES}/cpu/quota",
        got=used < 0.3 * over + 0.18,
        want=True,
        message=f"a program that computes gets more processor time than the quota allows: {used:.2f} s of {over:.1f} s",
    )


@case(sets=limits.pointers("cpu/quota", "cpu/period"), needs=["root", "controller:cpu"])
def cpu_quota_unlimited(trial: CaseContext) -> None:
    """A quota of -1 takes away that of a group which has one."""
    group = trial.make_group("quota")
    quota = ("cpu.max", "20000 100000") if limits.is_unified(trial) else ("cpu.cfs_quota_us", "20000")
    limits.preset(trial, "cpu", group, *quota)
    limits.limited(trial, {"cpu": {"quota": -1, "period": 120000}}, group=group)


@case(sets=limits.pointers("cpu/quota", "cpu/period"), needs=["root", "controller:cpu", "cgroup:v1"])
def cpu_quota_below_that_of_the_group_above(trial: CaseContext) -> None:
    """In a group that has a quota, below another that has one, quota and period become those of the config.

    The kernel refuses more than the group above has: which of the two can be written first depends on the values.
    """
    above = trial.make_group("above", above_others=True)
    limits.preset(trial, "cpu", above, "cpu.cfs_quota_us", "50000")
    for period, quota in ((50000, 20000), (200000, 90000)):
        group = f"{above}/below-{period}"
        folder = Path(f"{trial.stage.layout.controllers['cpu']}{group}")
        folder.mkdir()
        trial.undo(lambda group=group: [f"group {one}" for one in cgroups.remove(trial.stage.layout, group)])
        limits.preset(trial, "cpu", group, "cpu.cfs_quota_us", "40000")
        limits.limited(trial, {"cpu": {"quota": quota, "period": period}}, group=group).clean_up()


@case(sets=limits.pointers("cpu/quota", "cpu/period"), needs=["root", "controller:cpu"])
def cpu_quota_or_period_alone(trial: CaseContext) -> None:
    """A quota without a period, and a period without a quota, are set."""
    for cpu in ({"quota": 33000}, {"period": 110000}):
        limits.limited(trial, {"cpu": cpu}).clean_up()


@case(sets=limits.pointers("cpu/burst"), needs=["root", "controller:cpu", "kernel:5.14"])
def cpu_burst(trial: CaseContext) -> None:
    """What may be saved up of the quota is that of the config."""
    limits.limited(trial, {"cpu": {"quota": 30000, "period": 100000, "burst": 12000}})


@case(sets=limits.pointers("cpu/idle"), needs=["root", "controller:cpu", "kernel:5.15"])
def cpu_idle(trial: CaseContext) -> None:
    """A group can be made idle, and one that is idle can be made as others are."""
    limits.limited(trial, {"cpu": {"idle": 1}}).clean_up()
    group = trial.make_group("idle")
    limits.preset(trial, "cpu", group, "cpu.idle", "1")
    limits.limited(trial, {"cpu": {"idle": 0}}, group=group)


@case(
    sets=limits.pointers("cpu/realtimeRuntime", "cpu/realtimePeriod"),
    needs=["root", "controller:cpu", "cgroup:v1"],
    alone=["real-time"],
)
def cpu_realtime(trial: CaseContext) -> None:
    """The time for realtime scheduling is that of the config."""
    resources = {"cpu": {"realtimeRuntime": 1500, "realtimePeriod": 600000}}
    limits.skip_without_files(trial, cgroup_values.expected(resources, unified=False))
    # No group can have more of it than the one above.
    trial.allow_real_time(trial.config("wait"))
    limits.limited(trial, resources)


@case(limits.CREATE_RESOURCES, sets=limits.pointers("cpu/cpus"), needs=["root", "controller:cpuset", "cpus:2"])
def cpuset(trial: CaseContext) -> None:
    """The process runs on the processors that are listed, and on no other."""
    only = trial.host.cpus[-1]
    container = limits.limited(trial, {"cpu": {"cpus": str(only)}}, *steps(["affinity"], ["wait"]))
    trial.applied(f"{cgroup_values.RESOURCES}/cpu/cpus", got=limits.facts_of(container).value("affinity"), want=[only])


@case(sets=limits.pointers("cpu/cpus"), needs=["root", "controller:cpuset", "cpus:2"])
def cpuset_of_a_caller_on_one_processor(trial: CaseContext) -> None:
    """The process runs on all processors that are listed, also where the caller of the runtime keeps to one of them."""
    both = trial.host.cpus[:2]
    config = trial.config(*steps(["affinity"], ["wait"]))
    config["linux"]["resources"] = {"cpu": {"cpus": ",".join(map(str, both))}}
    for wrapper in ((), caller(cpus=both[:1])):
        container = trial.container(config)
        container.must_create(wrapper=wrapper).must_start(wrapper=wrapper)
        whose = "a caller that keeps to one processor" if wrapper else "a caller on all processors"
        message = f"with {whose}, the process does not run on all processors of linux.resources.cpu.cpus"
        got = container.facts().value("affinity")
        trial.applied(f"{cgroup_values.RESOURCES}/cpu/cpus", got=got, want=list(both), message=message)
        container.clean_up()


@case(limits.CREATE_RESOURCES, sets=limits.pointers("cpu/mems"), needs=["root", "controller:cpuset"])
def cpuset_of_memory(trial: CaseContext) -> None:
    """The process has its memory from the nodes that are listed, and from no other."""
    nodes = cgroup_values.numbers_of(cgroups.content("/sys/devices/system/node", "has_memory") or "")
    if len(nodes) < 2:
        trial.skip(f"this host has {len(nodes) or 1} node with memory, so that there is nothing to choose from")
    only = str(nodes[-1])
    container = limits.limited(trial, {"cpu": {"mems": only}}, *steps(["status"], ["wait"]))
    got = limits.facts_of(container).value("status").get("Mems_allowed_list")
    trial.applied(f"{cgroup_values.RESOURCES}/cpu/mems", got=got, want=only)


# ------------------------------------------------------------------------------------------------------------- memory


@case(
    limits.CREATE_RESOURCES,
    sets=limits.pointers("memory/limit", "memory/reservation"),
    needs=["root", "controller:memory"],
)
def memory_limit(trial: CaseContext) -> None:
    """The limits of memory are those of the config, and a program that takes more is ended."""
    resources = {"memory": {"limit": LIMIT, "reservation": RESERVATION}}
    if trial.stage.own_kernel:
        _judge_memory_of_a_kernel(trial, resources)
        return
    probe = steps(["in-child", "allocate", str(LIMIT // 2)], ["in-child", "allocate", str(2 * LIMIT)], ["wait"])
    facts = limits.facts_of(limits.limited(trial, resources, *probe))
    within = facts.value("in-child", "allocate", str(LIMIT // 2))["signal"]
    beyond = facts.value("in-child", "allocate", str(2 * LIMIT))["signal"]
    message = "a program that takes twice the limit of memory (or half of it) does not fare as it should"
    if _has_swap():
        trial.applied(f"{cgroup_values.RESOURCES}/memory/limit", got=within, want=0, message=message)
        return
    trial.applied(f"{cgroup_values.RESOURCES}/memory/limit", got=[within, beyond], want=[0, SIGKILL], message=message)


def _judge_memory_of_a_kernel(trial: CaseContext, resources: dict[str, Any]) -> None:
    """A kernel in the group of its container takes of the same memory, and is what the host ends for want of it."""
    container = limits.limited(trial, resources, *steps(["in-child", "allocate", str(2 * LIMIT)], ["wait"]))
    if _has_swap():
        return
    reported = limits.reports(container.must_start())
    message = "a program that takes twice the limit of memory does not fare as it should"
    trial.applied(f"{cgroup_values.RESOURCES}/memory/limit", got=reported, want=False, message=message)


def _has_swap() -> bool:
    return len(Path("/proc/swaps").read_text(encoding="ascii").splitlines()) > 1


@case(sets=limits.pointers("memory/limit", "memory/swap"), needs=["root", "controller:memory"])
def memory_swap(trial: CaseContext) -> None:
    """The limit of memory with swap is that of the config."""
    limits.limited(trial, {"memory": {"limit": LIMIT, "swap": LIMIT + 24 * MIB}})


@case(sets=limits.pointers("memory/limit", "memory/swap", "memory/reservation"), needs=["root", "controller:memory"])
def memory_unlimited(trial: CaseContext) -> None:
    """Limits of -1 take away those of a group which has some."""
    group = trial.make_group("memory")
    folder = f"{trial.stage.layout.controllers['memory']}{group}"
    names = (
        ("memory.max", "memory.swap.max") if limits.is_unified(trial) else ("limit_in_bytes", "memsw.limit_in_bytes")
    )
    for name in (*names, "memory.low" if limits.is_unified(trial) else "soft_limit_in_bytes"):
        path = Path(folder, name if name.startswith("memory.") else f"memory.{name}")
        if path.exists():
            limits.put(trial, path, str(LIMIT))
    limits.limited(trial, {"memory": {"limit": -1, "swap": -1}}, group=group).clean_up()


@case(sets=limits.pointers("memory/swappiness"), needs=["root", "controller:memory", "cgroup:v1"])
def memory_swappiness(trial: CaseContext) -> None:
    """Swappiness is that of the config; zero is a value like others, and not that of groups above."""
    limits.limited(trial, {"memory": {"swappiness": 0}})


@case(sets=limits.pointers("memory/disableOOMKiller"), needs=["root", "controller:memory", "cgroup:v1"])
def memory_oom_killer_disabled(trial: CaseContext) -> None:
    """The OOM killer is disabled where the config says so."""
    limits.limited(trial, {"memory": {"limit": LIMIT, "disableOOMKiller": True}})


@case(sets=limits.pointers("memory/disableOOMKiller"), needs=["root", "controller:memory", "cgroup:v1"])
def memory_oom_killer_enabled(trial: CaseContext) -> None:
    """The OOM killer is enabled in a group in which it was disabled, where the config says so."""
    group = trial.make_group("oom")
    limits.preset(trial, "memory", group, "memory.oom_control", "1")
    limits.limited(trial, {"memory": {"limit": LIMIT, "disableOOMKiller": False}}, group=group)


def keeps_what_is_written(trial: CaseContext, file: str, text: str) -> bool:
    """Whether this kernel takes a value in a group of memory: newer ones pass over some files."""
    group = trial.make_group(f"try-{file.replace('.', '-')}")
    path = Path(f"{trial.stage.layout.controllers['memory']}{group}", file)
    try:
        path.write_text(text, encoding="ascii")
        return path.read_text(encoding="ascii").strip() == text
    except OSError:
        return False


@case(sets=limits.pointers("memory/kernel"), needs=["root", "controller:memory", "cgroup:v1"])
def memory_kernel(trial: CaseContext) -> None:
    """The limit of kernel memory is that of the config."""
    if not keeps_what_is_written(trial, "memory.kmem.limit_in_bytes", str(LIMIT)):
        trial.skip("this kernel does not keep what is written to memory.kmem.limit_in_bytes")
    limits.limited(trial, {"memory": {"kernel": LIMIT}})


@case(sets=limits.pointers("memory/kernelTCP"), needs=["root", "controller:memory", "cgroup:v1"])
def memory_kernel_tcp(trial: CaseContext) -> None:
    """The limit of memory for TCP buffers is that of the config."""
    if not keeps_what_is_written(trial, "memory.kmem.tcp.limit_in_bytes", str(LIMIT)):
        trial.skip("this kernel does not keep what is written to memory.kmem.tcp.limit_in_bytes")
    limits.limited(trial, {"memory": {"kernelTCP": LIMIT}})


@case(sets=limits.pointers("memory/useHierarchy"), needs=["root", "controller:memory", "cgroup:v1"])
def memory_use_hierarchy(trial: CaseContext) -> None:
    """Accounting for groups below is switched off, or that is refused where the kernel cannot do it."""
    resources = {"memory": {"useHierarchy": False}}
    config = trial.config("wait")
    config["linux"]["resources"] = resources
    container = trial.container(config)
    if container.create().refused:
        trial.control(changed(config, f"{cgroup_values.RESOURCES}/memory/useHierarchy", value=True))
        trial.applied(f"{cgroup_values.RESOURCES}/memory/useHierarchy", got="refused", want="refused")
        return
    got = cgroups.content(container.group_folder("memory"), "memory.use_hierarchy")
    message = "accounting for groups below is not switched off, and create does not say so"
    trial.applied(f"{cgroup_values.RESOURCES}/memory/useHierarchy", got=got, want="0", message=message)


# --------------------------------------------------------------------------------------------------------------- pids


@case(limits.CREATE_RESOURCES, sets=limits.pointers("pids/limit"), needs=["root", "controller:pids"])
def pids_limit(trial: CaseContext) -> None:
    """There can be as many tasks as the config says, and no more."""
    container = limits.limited(trial, {"pids": {"limit": 13}}, *steps(["forks", "40"], ["wait"]))
    children = limits.facts_of(container).value("forks", "40")
    # The runtime may still have a thread in the group when the program starts; the program itself is one of them.
    message = f"the program could have {children} children"
    trial.applied(f"{cgroup_values.RESOURCES}/pids/limit", got=8 <= children <= 12, want=True, message=message)


@case("config-linux.resources.pids.limit.unlimited", needs=["root", "controller:pids"])
def pids_unlimited(trial: CaseContext) -> None:
    """A limit of -1 takes away that of a group which has one."""
    group = trial.make_group("pids")
    folder = f"{trial.stage.layout.controllers['pids']}{group}"
    # Enough for the threads of a runtime that joins before it sets limits.
    limits.preset(trial, "pids", group, "pids.max", "40")
    container = limits.limited(trial, {"pids": {"limit": -1}}, *steps(["forks", "60"], ["wait"]), group=group)
    clause = "config-linux.resources.pids.limit.unlimited"
    trial.expect(clause, "pids.limit -1 leaves a limit", got=cgroups.content(folder, "pids.max"), want="max")
    children = limits.facts_of(container).value("forks", "60")
    trial.expect(clause, "with pids.limit -1 there cannot be 60 children", got=children, want=60)


@case("config-linux.resources.pids.zero-valid", needs=["root", "controller:pids"])
def pids_zero(trial: CaseContext) -> None:
    """With a limit of 0, which is a limit, the program can have no child, or the container cannot be made at all."""
    config = trial.config(*steps(["forks", "5"], ["wait"]))
    config["linux"]["resources"] = {"pids": {"limit": 20}}
    trial.control(config)
    config["linux"]["resources"]["pids"]["limit"] = 0
    container = trial.container(config)
    done = container.create()
    children = limits.facts_of(container).value("forks", "5") if done.ok else done.last_error_line
    held = done.refused or children == 0
    message = "with pids.limit 0 the program can have children"
    trial.expect_that("config-linux.resources.pids.zero-valid", message, held=held, got=children, want="0")
