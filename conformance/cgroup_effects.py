"""What limits on resources do, where their files alone would not tell that the kernel holds a container to them."""

from __future__ import annotations

import mmap
import os
import stat
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ocivalidate.runtime import CaseContext, Container, case, cgroup_values, device_rules, limits, steps

MIB = 1 << 20
SIGKILL = 9
# Seconds: of processor time in which programs begin, of that in which they are held against each other, of a clock.
STARTING, MEASURED, LONGEST_SPAN = 0.05, 0.2, 10.0
SOME_SWAP = 100 * MIB  # what has to be free of it


# ----------------------------------------------------------------------------------------------------------------- cpu


@case(sets=limits.pointers("cpu/shares"), needs=["root", "controller:cpu"])
def shares_of_two(trial: CaseContext) -> None:
    """Of two containers on one processor, the one with eight times the shares gets more of its time, by far."""
    on_one: dict[str, Any] = {}
    if len(trial.host.cpus) > 1:
        if "cpuset" not in trial.host.controllers:
            trial.skip("this host has several processors, and no controller cpuset to keep containers on one")
        on_one = {"cpus": str(trial.host.cpus[-1])}
    # By the formulas in use, four to eight times the weight of version 2.
    # The light one first: beside the other its start would take long.
    light, heavy = (_computing(trial, {"shares": shares, **on_one}).must_start() for shares in (512, 4096))
    spent = _spent_by_both(trial, heavy, light)
    if spent is None:
        trial.skip("this host does not count the processor time of groups")
        return
    ratio = spent[0] / max(spent[1], 0.001)
    message = f"a container with 8 times the shares of another gets {ratio:.1f} times its processor time"
    trial.applied(f"{cgroup_values.RESOURCES}/cpu/shares", got=ratio > 2.2, want=True, message=message)


def _spent_by_both(trial: CaseContext, *containers: Container) -> list[float] | None:
    """The processor time of each in the same span, in seconds; ``None`` if the host does not count it.

    All is by the clock of the host: however late we look on a busy machine, we look at all of them at once.
    """
    end = time.monotonic() + LONGEST_SPAN * trial.runtime.pace
    spent = None
    for wanted in (STARTING, MEASURED):
        first = _processor_times(containers)
        while (spent := _since(first, _processor_times(containers))) is not None:
            if sum(spent) >= wanted or time.monotonic() > end:
                break
            time.sleep(0.02)
    return spent


def _processor_times(containers: Sequence[Container]) -> list[float]:
    """Of each that the host counts."""
    times = (limits.processor_time(one) for one in containers)
    return [seconds for seconds in times if seconds is not None]


def _since(first: Sequence[float], last: Sequence[float]) -> list[float] | None:
    return [after - before for before, after in zip(first, last, strict=True)] if len(first) == len(last) == 2 else None


def _computing(trial: CaseContext, cpu: dict[str, Any]) -> Container:
    config = trial.config(*steps(["burn", "60"], ["wait"]))
    config["linux"]["resources"] = {"cpu": cpu}
    return trial.container(config).must_create()


# -------------------------------------------------------------------------------------------------------------- memory


@case(sets=limits.pointers("memory/limit", "memory/swap"), needs=["root", "controller:memory"])
def swap_and_none(trial: CaseContext) -> None:
    """A program that takes more memory than the limit is ended where there is no swap for it, and else runs."""
    free = _free_swap()
    if free < SOME_SWAP:
        trial.skip(f"this host has {free // MIB} MiB of swap to use, and it needs {SOME_SWAP // MIB}")
    allocate = ["in-child", "allocate", str(60 * MIB)]
    for swap, want in ((40 * MIB, SIGKILL), (120 * MIB, 0)):
        resources = {"memory": {"limit": 40 * MIB, "swap": swap}}
        container = limits.limited(trial, resources, *steps(allocate, ["wait"]))
        got = limits.facts_of(container).value(*allocate)["signal"]
        more = (swap - 40 * MIB) // MIB
        message = f"with {more} MiB of swap a program that takes 60 MiB, of 40, does not fare as it should"
        trial.applied(f"{cgroup_values.RESOURCES}/memory/swap", got=got, want=want, message=message)
        container.clean_up()


def _free_swap() -> int:
    """The bytes of swap that are free."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("SwapFree:"))


@case(sets=limits.pointers("hugepageLimits/*/limit", "hugepageLimits/*/pageSize"), needs=["root", "controller:hugetlb"])
def huge_pages(trial: CaseContext) -> None:
    """A program can have as many huge pages as the limit says, and no more."""
    for folder in sorted(Path("/sys/kernel/mm/hugepages").glob("hugepages-*kB")):
        if int((folder / "free_hugepages").read_text(encoding="ascii")) >= 3:
            break
    else:
        trial.skip("this host has no three huge pages to use")
        return
    kilobytes = int(folder.name.removeprefix("hugepages-").removesuffix("kB"))
    size = (
        f"{kilobytes >> 20}GB"
        if kilobytes >= 1 << 20
        else f"{kilobytes >> 10}MB"
        if kilobytes >= 1024
        else f"{kilobytes}KB"
    )
    one, two = (["in-child", "huge", str(pages), str(kilobytes)] for pages in (1, 2))
    resources = {"hugepageLimits": [{"pageSize": size, "limit": kilobytes << 10}]}
    facts = limits.facts_of(limits.limited(trial, resources, *steps(one, two, ["wait"])))
    # With reservations counted the second is refused, else the program is ended when it uses it.
    got = [_fares(facts.value(*one)), _fares(facts.value(*two))]
    message = "of huge pages, of which it may have one, a program does not get one, or gets two"
    trial.applied(f"{cgroup_values.RESOURCES}/hugepageLimits/*/limit", got=got, want=[True, False], message=message)
    trial.applied(f"{cgroup_values.RESOURCES}/hugepageLimits/*/pageSize", got=got, want=[True, False], message=message)


def _fares(child: dict[str, Any]) -> bool:
    """Whether what a child did came to its end, without an error."""
    return child["signal"] == 0 and '"error"' not in child["printed"]


# ------------------------------------------------------------------------------------------------------- block devices


def _skip_unreadable(trial: CaseContext, device: dict[str, int]) -> None:
    """Skip where we ourselves cannot read from a block device, past all caches."""
    node = trial.folder / "read"
    os.mknod(node, stat.S_IFBLK | 0o600, os.makedev(device["major"], device["minor"]))
    try:
        file = os.open(node, os.O_RDONLY | os.O_DIRECT)
        with mmap.mmap(-1, 64 << 10) as block:
            os.readv(file, [block])
        os.close(file)
    except OSError as problem:
        trial.skip(f"we cannot read from the device {device['major']}:{device['minor']}: {problem.strerror}")


@case(
    sets=limits.pointers(*(f"blockIO/{name}/*/rate" for name in ("throttleReadBpsDevice", "throttleReadIOPSDevice"))),
    needs=["root", "cap:MKNOD"],
)
def reading_from_a_device(trial: CaseContext) -> None:
    """A program reads from a device no faster than the config says, in bytes and in operations. Nothing is written."""
    controller = limits.io_controller(trial)
    value = ("rbps=1000000", "io.max") if limits.is_unified(trial) else ("1000000", "blkio.throttle.read_bps_device")
    device = limits.device_for(trial, controller, *value)
    device_rules.rules_or_skip(trial)
    _skip_unreadable(trial, device)
    for name, rate, reads, size in (
        ("throttleReadBpsDevice", MIB, 8, 64 << 10),
        ("throttleReadIOPSDevice", 16, 8, 4 << 10),
    ):
        # Half a second for what they read, of which the kernel lets a tenth of a second through at once.
        step = ["read-direct", "/dev/read", str(reads), str(size)]
        config = trial.config(*steps(step, ["wait"]))
        config["linux"]["devices"] = [{"path": "/dev/read", "type": "b", **device, "fileMode": 0o600}]
        config["linux"]["resources"] = {
            "devices": [device_rules.DENY_ALL, device_rules.rule(True, "b", device["major"], device["minor"], "r")],
            "blockIO": {name: [{**device, "rate": rate}]},
        }
        container = trial.container(config).must_create()
        seconds = limits.facts_of(container).value(*step)
        message = f"{reads} reads of {size} bytes take {seconds:.3f} s, with {name} at {rate}"
        trial.applied(
            f"{cgroup_values.RESOURCES}/blockIO/{name}/*/rate", got=seconds > 0.25, want=True, message=message
        )
        container.clean_up()
