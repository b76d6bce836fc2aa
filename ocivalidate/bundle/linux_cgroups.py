"""Checks of control groups (runtime-spec config-linux.md#control-groups)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ocivalidate.bundle.cpulists import list_form
from ocivalidate.bundle.process import repeated
from ocivalidate.bundle.registry import CONFIG
from ocivalidate.rules.checks import CheckContext, Node, Violation
from ocivalidate.rules.clauses import Severity

PATH = "runtime/config-linux.cgroupsPath.absolute-or-relative"
PATH_PARENT = "safety/config.cgroupsPath.parent"
KERNEL_MEMORY = {
    "kernel": "runtime/config-linux.resources.memory.kernel.not-recommended",
    "kernelTCP": "runtime/config-linux.resources.memory.kernelTCP.not-recommended",
}
SWAP_BELOW = "safety/config.resources.memory.swap-below-limit"
SWAP_ALONE = "safety/config.resources.memory.swap-without-limit"
RESERVATION = "safety/config.resources.memory.reservation-above-limit"
BURST_QUOTA = "runtime/config-linux.resources.cpu.burst.le-quota"
CPU_LISTS = {
    "cpus": "runtime/config-linux.resources.cpu.cpus.format",
    "mems": "runtime/config-linux.resources.cpu.mems.format",
}
QUOTA = "safety/config.resources.cpu.quota"
REALTIME = "safety/config.resources.cpu.realtime"
WEIGHT_DEVICE = "runtime/config-linux.resources.blockIO.weightDevice.one-of"
PAGE_SIZE = "runtime/config-linux.resources.hugepageLimits.pageSize.format"
PAGE_TWICE = "safety/config.resources.hugepageLimits.duplicate"
RDMA = "runtime/config-linux.resources.rdma.one-of"
UNIFIED = "runtime/config-linux.resources.unified.key"

_PAGE_SIZE = r"[1-9][0-9]*[KMGTPE]B"
_BLOCK_IO = "/linux/resources/blockIO"


@CONFIG.check("/linux/cgroupsPath", PATH, PATH_PARENT)
def cgroups_path_is_a_path(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """Every text but the empty one is a path; NUL is judged for all strings in one place."""
    if node.value == "":
        yield node.breaks(PATH, "linux.cgroupsPath is empty", want="an absolute or a relative path")
    elif ".." in node.value.split("/"):
        yield node.breaks(PATH_PARENT, "linux.cgroupsPath contains ..")


@CONFIG.check("/linux/resources/memory", *KERNEL_MEMORY.values())
def kernel_memory_is_discouraged(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """Kernels have removed both files."""
    for name, clause in KERNEL_MEMORY.items():
        limit = node.get(name)
        if limit is not None:
            yield limit.breaks(clause, f"{limit.place} is not recommended", hint="leave it out")


@CONFIG.check("/linux/resources/memory/swap", SWAP_BELOW, SWAP_ALONE)
def swap_counts_memory_too(node: Node, context: CheckContext) -> Iterator[Violation]:
    """memory.memsw.limit_in_bytes: memory plus swap. -1 is unlimited; some runtimes read 0 as unset, others as 0."""
    swap, limit = node.number(), context.root.get("linux", "resources", "memory", "limit")
    if swap is None or swap < 0:
        return
    bytes_allowed = limit.number() if limit else None
    if bytes_allowed is not None and bytes_allowed > swap:
        want = f"at least {bytes_allowed}"
        severity = Severity.WARNING if swap == 0 else None
        yield node.breaks(SWAP_BELOW, f"{node.place} is below memory.limit", want=want, severity=severity)
    elif (bytes_allowed == -1 and swap) or (limit is None and not _has_memory_limit(context)):
        yield node.breaks(SWAP_ALONE, f"{node.place} limits swap where memory has no limit")


def _has_memory_limit(context: CheckContext) -> bool:
    memory = context.root.get("linux", "resources", "memory")
    return memory is not None and memory.has("limit")


@CONFIG.check("/linux/resources/memory/reservation", RESERVATION)
def reservation_is_below_limit(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A soft limit above the hard limit has no effect."""
    reservation, limit = node.number(), context.root.number("linux", "resources", "memory", "limit")
    if reservation is not None and limit is not None and 0 < limit < reservation:
        yield node.breaks(RESERVATION, f"{node.place} is above memory.limit", want=f"at most {limit}")


@CONFIG.check("/linux/resources/cpu/burst", BURST_QUOTA)
def burst_is_within_quota(node: Node, context: CheckContext) -> Iterator[Violation]:
    """The text states it for both members; it is reported under this one."""
    burst, quota = node.number(), context.root.number("linux", "resources", "cpu", "quota")
    if burst is not None and quota is not None and 0 < quota < burst:
        yield node.breaks(BURST_QUOTA, f"{node.place} is above cpu.quota", want=f"at most {quota}")


@CONFIG.check(("/linux/resources/cpu/cpus", "/linux/resources/cpu/mems"), *CPU_LISTS.values())
def cpu_list_has_its_form(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """Described since 1.2.1."""
    yield from list_form(node, CPU_LISTS[node.name])


@CONFIG.check("/linux/resources/cpu/quota", QUOTA)
def quota_is_large_enough(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """Kernel documentation, scheduler/sched-bwc.rst: at least a millisecond; 0 is unset, a negative value unlimited."""
    value = node.number()
    if value is not None and 0 < value < 1_000:
        yield node.breaks(QUOTA, f"{node.place} is below the minimum that the kernel accepts", want="at least 1000")


@CONFIG.check("/linux/resources/cpu/realtimeRuntime", REALTIME)
def realtime_runtime_is_within_period(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Documentation/scheduler/sched-rt-group.rst of the kernel."""
    runtime, period = node.number(), context.root.number("linux", "resources", "cpu", "realtimePeriod")
    if runtime is not None and period and runtime > period:
        yield node.breaks(REALTIME, f"{node.place} is above cpu.realtimePeriod", want=f"at most {period}")


@CONFIG.check(f"{_BLOCK_IO}/weightDevice/*", WEIGHT_DEVICE)
def weight_device_has_a_weight(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """At least one of the two."""
    if not node.has("weight") and not node.has("leafWeight"):
        yield node.breaks(
            WEIGHT_DEVICE, f"{node.place} has neither weight nor leafWeight", got="", want="at least one of them"
        )


@CONFIG.check("/linux/resources/hugepageLimits/*/pageSize", PAGE_SIZE)
def page_size_has_its_form(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """A number, the letter of a binary unit, B."""
    if not re.fullmatch(_PAGE_SIZE, node.value):
        yield node.breaks(PAGE_SIZE, f"{node.place} is not a huge page size", want="such as 64KB, 2MB or 1GB")


@CONFIG.check("/linux/resources/hugepageLimits", PAGE_TWICE)
def page_sizes_are_unique(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """The later limit would take effect."""
    yield from repeated(node, "pageSize", PAGE_TWICE)


@CONFIG.check("/linux/resources/rdma/*", RDMA)
def rdma_entry_has_a_limit(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """At least one of the two."""
    if not node.has("hcaHandles") and not node.has("hcaObjects"):
        yield node.breaks(
            RDMA, f"{node.place} has neither hcaHandles nor hcaObjects", got="", want="at least one of them"
        )


@CONFIG.check("/linux/resources/unified/*", UNIFIED)
def unified_key_is_a_file_name(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """A key with a slash could write to another cgroup."""
    if node.name in ("", ".", "..") or "/" in node.name or "\0" in node.name:
        message = "a key of linux.resources.unified is not the name of a cgroup file"
        yield node.breaks(UNIFIED, message, got=node.name, want="such as memory.high", at_name=True)
