"""Options about what the container may use.

``cgroup`` chooses the words: those that every runtime translates, those of cgroup v2, or both. A limit of 0 is none, as
engines have it: nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Self

from ocivalidate.errors import OptionError
from ocivalidate.generate import units
from ocivalidate.generate.draft import Draft
from ocivalidate.generate.table import Arguments, Phase, option
from ocivalidate.generate.texts import pair
from ocivalidate.generate.units import Number

PERIOD = 100_000
"""Microseconds: the period of the kernel, of Docker and of Podman."""

CGROUPS = ("v1", "v2", "both")


def _or_max(value: int) -> str:
    return "max" if value < 0 else str(value)


def _weight_of_shares(shares: int) -> str:
    """cpu.weight 1 to 10000 for cpu.shares 2 to 262144, on a straight line, as runtimes translate them."""
    return str(1 + (shares - 2) * 9_999 // 262_142)


def _io_weight(weight: int) -> str:
    """io.weight 1 to 10000 for a blkio weight 10 to 1000, on a straight line."""
    return str(1 + (weight - 10) * 9_999 // 990)


class _Words(NamedTuple):
    """One limit: its field below ``linux.resources``, its file in cgroup v2, and how the text of that is made."""

    field: str
    file: str
    text: Callable[[int], str] = str


_CPU_SHARES = _Words("cpu.shares", "cpu.weight", _weight_of_shares)
_MEMORY = _Words("memory.limit", "memory.max", _or_max)
_RESERVATION = _Words("memory.reservation", "memory.low", _or_max)
_PIDS = _Words("pids.limit", "pids.max", _or_max)
_BLKIO = _Words("blockIO.weight", "io.weight", _io_weight)


class ResourceOptions(Draft):
    """``linux.resources`` without devices, and processors and memory on Windows and Solaris."""

    @option(
        "--cgroup",
        group="resources",
        metavar="v1|v2|both",
        phase=Phase.FIRST,
        help="how to write limits: v1, fields that runtimes translate (default); v2, linux.resources.unified; or both",
    )
    def cgroup(self, version: str) -> Self:
        """The words for the limits that are set from here on.

        ``v1``, ``v2`` (``linux.resources.unified``) or ``both``.
        """
        if version not in CGROUPS:
            raise OptionError(f"unknown cgroup version {version!r}; known are {', '.join(CGROUPS)}")
        self._cgroup = version
        return self

    @option("--cpus", group="resources", metavar="NUMBER", help="number of processors' worth of time: 2, 0.5")
    def cpus(self, number: Number) -> Self:
        """Processor time as a number of processors: quota and period.

        On Windows whole processors, on Solaris ``cappedCPU``.
        """
        millionths = units.millionths(number)
        if not millionths:
            return self
        if self._on("linux"):
            quota = millionths * PERIOD // 1_000_000
            if quota < 1_000:
                raise OptionError(f"{number} processors is below the kernel's minimum; write 0.01 or more")
            return self._cpu_max(quota, PERIOD)
        if self._on("solaris"):
            return self._put("solaris.cappedCPU.ncpus", str(number))
        if millionths % 1_000_000 or not millionths:
            hint = "--set windows.resources.cpu.maximum=N limits their time"
            raise OptionError(f"windows takes whole processors, not {number}; {hint}")
        return self._put("windows.resources.cpu.count", millionths // 1_000_000)

    @option("--cpu-quota", group="resources", metavar="TIME", help="processor time per period: 50ms, microseconds, -1")
    def cpu_quota(self, time: Number) -> Self:
        """Processor time in each period, in microseconds or such as ``50ms``; -1 is unlimited."""
        quota = -1 if str(time) == "-1" else units.microseconds(time)
        return self._cpu_max(quota, None) if quota else self

    @option("--cpu-period", group="resources", metavar="TIME", help="the period of --cpu-quota: 100ms, microseconds")
    def cpu_period(self, time: Number) -> Self:
        """The period of the quota, in microseconds or such as ``100ms``."""
        period = units.microseconds(time)
        return self._cpu_max(None, period) if period else self

    @option(
        "-c",
        "--cpu-shares",
        group="resources",
        metavar="N",
        help="processor time relative to other containers; 1024 is the usual value",
    )
    def cpu_shares(self, shares: int | str) -> Self:
        """Processor time relative to other containers."""
        if self._on("windows") and not self._on("linux"):
            return self._put("windows.resources.cpu.shares", units.count(shares))
        number = units.count(shares)
        if not number:
            return self
        if not 2 <= number <= 262_144:
            raise OptionError(f"{shares} is not a number of shares from 2 to 262144")
        return self._limit(_CPU_SHARES, number)

    @option(
        "--cpu-rt-runtime",
        group="resources",
        metavar="TIME",
        help="real-time processor time per period (cgroup v1): 950ms, microseconds",
    )
    def cpu_rt_runtime(self, time: Number) -> Self:
        """Real-time processor time in each period: microseconds, or such as ``950ms``; cgroup v2 has no such thing."""
        return self._real_time("realtimeRuntime", -1 if str(time) == "-1" else units.microseconds(time))

    @option(
        "--cpu-rt-period", group="resources", metavar="TIME", help="the period of --cpu-rt-runtime: 1s, microseconds"
    )
    def cpu_rt_period(self, time: Number) -> Self:
        """The period of real-time processor time, in microseconds or such as ``1s``; cgroup v2 has no such thing."""
        return self._real_time("realtimePeriod", units.microseconds(time))

    def _real_time(self, field: str, time: int) -> Self:
        return self._put(f"linux.resources.cpu.{field}", time) if time else self

    @option("--cpuset-cpus", group="resources", metavar="LIST", help="the processors that it may run on: 0-3,8")
    def cpuset_cpus(self, cpus: str) -> Self:
        """The processors that it may run on, such as ``0-3,8``."""
        return self._list("cpu.cpus", "cpuset.cpus", cpus)

    @option("--cpuset-mems", group="resources", metavar="LIST", help="the memory nodes that it may use: 0-1")
    def cpuset_mems(self, nodes: str) -> Self:
        """The memory nodes that it may use, such as ``0-1``."""
        return self._list("cpu.mems", "cpuset.mems", nodes)

    @option("-m", "--memory", group="resources", metavar="SIZE", help="memory limit: 512m, 1.5g, -1")
    def memory(self, size: Number) -> Self:
        """Memory at most, in bytes or such as ``512m``; -1 is unlimited."""
        amount = units.size_or_unlimited(size)
        if not amount:
            return self
        if self._on("linux"):
            return self._limit(_MEMORY, amount)
        if self._on("solaris"):
            return self._put("solaris.cappedMemory.physical", str(amount))
        return self._put("windows.resources.memory.limit", amount)

    @option(
        "--memory-swap",
        group="resources",
        metavar="SIZE",
        phase=Phase.LATE,
        help="limit on memory plus swap: 1g, -1",
    )
    def memory_swap(self, size: Number) -> Self:
        """Memory and swap together at most; -1 is unlimited.

        In the words of cgroup v2 it needs :meth:`memory` first.
        """
        amount = units.size_or_unlimited(size)
        if not amount:
            return self
        if self._on("solaris"):
            return self._put("solaris.cappedMemory.swap", str(amount))
        self._refuse_swap_alone(amount)
        if self._cgroup != "v2":
            self._put("linux.resources.memory.swap", amount)
        if self._cgroup != "v1":
            self._unified("memory.swap.max", _or_max(amount if amount < 0 else self._swap_alone(amount)))
        return self

    def _refuse_swap_alone(self, total: int) -> None:
        """The kernel takes no sum that is less than the memory in it, which has no limit unless one is set."""
        limit = self._get("linux.resources.memory.limit")
        if total < 0 or self._cgroup == "v2":
            return
        if limit is None or limit == -1:
            raise OptionError("a limit on memory plus swap also needs --memory SIZE")
        if isinstance(limit, int) and limit > total:
            raise OptionError(f"memory plus swap ({total} bytes) is less than memory ({limit} bytes)")

    def _swap_alone(self, total: int) -> int:
        """Cgroup v2 limits swap by itself."""
        limit = str(self._get("linux.resources.unified.memory.max", ""))
        if not limit.isdigit():
            raise OptionError("cgroup v2 counts swap separately: --memory says how much of the sum is memory")
        if int(limit) > total:
            raise OptionError(f"memory plus swap ({total} bytes) is less than memory ({limit} bytes)")
        return total - int(limit)

    @option(
        "--memory-reservation",
        group="resources",
        metavar="SIZE",
        help="soft limit: memory that it keeps when memory runs short",
    )
    def memory_reservation(self, size: Number) -> Self:
        """The soft limit of memory."""
        amount = units.size_or_unlimited(size)
        return self._limit(_RESERVATION, amount) if amount else self

    @option(
        "--memory-swappiness", group="resources", metavar="0-100", help="how readily its memory is swapped (cgroup v1)"
    )
    def memory_swappiness(self, percent: int | str) -> Self:
        """How readily its memory is swapped, 0 to 100, -1 as the host has it; cgroup v2 has no such thing."""
        number = units.count(percent)
        return self if number == -1 else self._put("linux.resources.memory.swappiness", number)

    @option(
        "--oom-kill-disable",
        group="resources",
        help="let it wait instead of being killed when memory runs out (cgroup v1)",
    )
    def oom_kill_disable(self, wanted: bool = True) -> Self:  # noqa: FBT001, FBT002  # the one thing that it says
        """Whether processes wait instead of being ended when memory runs out; cgroup v2 has no such thing."""
        return self._put("linux.resources.memory.disableOOMKiller", wanted)

    @option("--pids-limit", group="resources", metavar="N", help="limit on processes and threads; -1")
    def pids_limit(self, number: int | str) -> Self:
        """Processes and threads at most; -1 is unlimited, and so is 0, as engines have it."""
        return self._limit(_PIDS, units.count_or_unlimited(number) or -1)

    @option("--blkio-weight", group="resources", metavar="10-1000", help="disk time relative to other containers")
    def blkio_weight(self, weight: int | str) -> Self:
        """Disk time relative to other containers, 10 to 1000."""
        number = units.count(weight)
        if not number:
            return self
        if not 10 <= number <= 1000:
            raise OptionError(f"{weight} is not a weight from 10 to 1000")
        return self._limit(_BLKIO, number)

    @option(
        "--hugepage-limit",
        group="resources",
        metavar="PAGE=SIZE",
        reads=pair,
        help="limit on memory in huge pages: 2MB=1g",
    )
    def hugepage_limit(self, page_size: str, size: Number) -> Self:
        """Memory in huge pages of a size (``2MB``, ``1GB``) at most."""
        amount = units.size(size)
        if self._cgroup != "v2":
            self._put_entry("linux.resources.hugepageLimits", {"pageSize": page_size, "limit": amount}, key="pageSize")
        return self if self._cgroup == "v1" else self._unified(f"hugetlb.{page_size}.max", str(amount))

    @option(
        "--unified",
        "--cgroup-conf",
        group="resources",
        metavar="FILE=VALUE",
        reads=pair,
        help="a cgroup v2 file and what is written to it: memory.high=256m",
    )
    def unified(self, file: str, value: str) -> Self:
        """A file of cgroup v2 and what the runtime writes to it, as it stands (``linux.resources.unified``)."""
        return self._unified(file, value)

    @option("--cgroup-path", group="resources", metavar="PATH", help="the path of its cgroup")
    def cgroup_path(self, path: str) -> Self:
        """Where its control group is (``linux.cgroupsPath``)."""
        return self._put("linux.cgroupsPath", path)

    # --- The words

    def _limit(self, words: _Words, value: int) -> Self:
        if self._cgroup != "v2":
            self._put(f"linux.resources.{words.field}", value)
        return self if self._cgroup == "v1" else self._unified(words.file, words.text(value))

    def _list(self, field: str, file: str, text: str) -> Self:
        from ocivalidate.bundle.cpulists import is_list

        if text and not is_list(text):
            raise OptionError(f"{text!r} is not a list of numbers and ranges, such as 0-3,7")
        return self._text(field, file, text)

    def _text(self, field: str, file: str, text: str) -> Self:
        if self._cgroup != "v2":
            self._put(f"linux.resources.{field}", text)
        return self if self._cgroup == "v1" else self._unified(file, text)

    def _unified(self, file: str, text: str) -> Self:
        return self._put(f"linux.resources.unified.{file}", text)

    def _cpu_max(self, quota: int | None, period: int | None) -> Self:
        for name, value in (("quota", quota), ("period", period)):
            if value is not None and self._cgroup != "v2":
                self._put(f"linux.resources.cpu.{name}", value)
        if self._cgroup == "v1":
            return self
        before = str(self._get("linux.resources.unified.cpu.max", "")).split() or ["max"]
        text = before[0] if quota is None else _or_max(quota)
        length = period if period is not None else int(before[1]) if len(before) > 1 and before[1].isdigit() else PERIOD
        return self._unified("cpu.max", f"{text} {length}")


def read_device_pair(text: str) -> Arguments:
    """``PATH:VALUE`` or ``MAJOR:MINOR:VALUE``: the device and the value."""
    device, found, value = text.rpartition(":")
    if not found or not device or not value:
        raise OptionError(f"{text!r} is not of the form DEVICE:VALUE")
    return device, value
