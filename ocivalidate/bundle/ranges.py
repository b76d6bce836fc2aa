"""Numbers that the kernel accepts only within limits, in one table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ocivalidate.bundle.registry import CONFIG
from ocivalidate.rules.checks import CheckContext, Node, Violation


class Range(NamedTuple):
    """Where a number stands, and its range. ``unset``: a further value that means unset."""

    patterns: tuple[str, ...]
    clause: str
    low: int
    high: int
    message: str = "is outside the range that the kernel accepts"
    unset: int | None = None


_CPU, _BLOCK_IO = "/linux/resources/cpu", "/linux/resources/blockIO"

# By the name of the member.
RANGES = {
    # proc(5), /proc/pid/oom_score_adj.
    "oomScoreAdj": Range(("/process/oomScoreAdj",), "safety/config.process.oomScoreAdj.range", -1000, 1000),
    # sched(7).
    "nice": Range(("/process/scheduler/nice",), "safety/config.process.scheduler.nice", -20, 19),
    # ioprio_set(2).
    "priority": Range(
        ("/process/ioPriority/priority",),
        "runtime/config.process.ioPriority.priority.range",
        0,
        7,
        message="is out of range",
    ),
    # kernel/sched/sched.h, MIN_SHARES and MAX_SHARES: the kernel uses the nearest.
    "shares": Range(
        (f"{_CPU}/shares",),
        "safety/config.resources.cpu.shares",
        2,
        2**18,
        message="is outside the range that the kernel uses",
        unset=0,
    ),
    # Documentation/scheduler/sched-bwc.rst of the kernel.
    "period": Range((f"{_CPU}/period",), "safety/config.resources.cpu.period", 1_000, 1_000_000, unset=0),
    # The kernel's cgroup-v1/blkio-controller.rst.
    **{
        name: Range(
            (f"{_BLOCK_IO}/{name}", f"{_BLOCK_IO}/weightDevice/*/{name}"),
            "safety/config.resources.blockIO.weight",
            10,
            1000,
            unset=0,
        )
        for name in ("weight", "leafWeight")
    },
}


def number_is_in_range(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """The kernel refuses values outside the range, or uses the nearest."""
    limits, value = RANGES[node.name], node.number()
    if value not in (None, limits.unset) and not limits.low <= value <= limits.high:
        yield node.breaks(limits.clause, f"{node.place} {limits.message}", want=f"{limits.low} to {limits.high}")


for _range in RANGES.values():
    CONFIG.check(_range.patterns, _range.clause)(number_is_in_range)
