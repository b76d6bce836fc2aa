"""The values that ``linux.resources`` asks for in the files of a control group. Pure, so version 2 is tested anywhere.

Version 1 takes most values unchanged. For version 2 the specification lets a runtime convert them, and does not say
how: the result of every formula that is in use is accepted.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

RESOURCES = "/linux/resources"
UNLIMITED = "max"
# Version 1 shows "no limit" as its highest value, which depends on the page size.
_NO_LIMIT = 1 << 62
_KINDS = {
    "throttleReadBpsDevice": ("blkio.throttle.read_bps_device", "rbps"),
    "throttleWriteBpsDevice": ("blkio.throttle.write_bps_device", "wbps"),
    "throttleReadIOPSDevice": ("blkio.throttle.read_iops_device", "riops"),
    "throttleWriteIOPSDevice": ("blkio.throttle.write_iops_device", "wiops"),
}
# Property → controller and version 1 file that holds the number unchanged.
_NUMBERS_V1 = {
    "cpu/shares": ("cpu", "cpu.shares"),
    "cpu/quota": ("cpu", "cpu.cfs_quota_us"),
    "cpu/period": ("cpu", "cpu.cfs_period_us"),
    "cpu/burst": ("cpu", "cpu.cfs_burst_us"),
    "cpu/idle": ("cpu", "cpu.idle"),
    "cpu/realtimeRuntime": ("cpu", "cpu.rt_runtime_us"),
    "cpu/realtimePeriod": ("cpu", "cpu.rt_period_us"),
    "memory/swappiness": ("memory", "memory.swappiness"),
    "memory/useHierarchy": ("memory", "memory.use_hierarchy"),
    "network/classID": ("net_cls", "net_cls.classid"),
}
_NUMBERS_V2 = {"cpu/burst": ("cpu", "cpu.max.burst"), "cpu/idle": ("cpu", "cpu.idle")}
# Property → file, for limits that may be unlimited.
_MEMORY_V1 = {
    "limit": "memory.limit_in_bytes",
    "reservation": "memory.soft_limit_in_bytes",
    "swap": "memory.memsw.limit_in_bytes",
    "kernel": "memory.kmem.limit_in_bytes",
    "kernelTCP": "memory.kmem.tcp.limit_in_bytes",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A value in a file of a group, and the values accepted there.

    ``key``: the first word of its line, in a file with a line for each device or event. ``field``: in that line,
    the value after ``field=``, or the word at that index. Lists of numbers are compared as sets (``0-2`` equals
    ``0,1,2``).
    """

    file: str
    wants: tuple[str, ...]
    key: str = ""
    field: str = ""

    def value(self, content: str) -> str:
        """The value found there, written as in ``wants``; ``""`` if there is none."""
        lines = [line.split() for line in content.splitlines()] or [[]]
        if self.key and not (self.key == "default" and len(lines[0]) == 1):
            lines = [line[1:] for line in lines if line[:1] == [self.key]] or [[]]
        words = lines[0]
        if self.field.isdecimal():
            words = words[int(self.field) : int(self.field) + 1]
        elif self.field:
            words = [word.partition("=")[2] for word in words if word.startswith(f"{self.field}=")]
        return normal(" ".join(words))


@dataclass(frozen=True, slots=True)
class Expected:
    """The expected value of a property: the first of ``places`` whose file exists is the one compared.

    ``anywhere``: a runtime may have chosen any one of them, so that one which holds is enough.
    """

    pointer: str
    controller: str
    places: tuple[Place, ...]
    anywhere: bool = False


def deciding(one: Expected, read: Callable[[str], str | None]) -> tuple[Place, str] | None:
    """The place whose value tells whether an expected value is there, and that value; ``None`` if no file exists.

    ``read`` gives the content of a file by its name, ``None`` if there is none.
    """
    first: tuple[Place, str] | None = None
    for place in one.places:
        text = read(place.file)
        if text is None:
            continue
        got = place.value(text)
        if got in place.wants or not one.anywhere:
            return place, got
        first = first or (place, got)
    return first


def normal(text: str) -> str:
    """A value in the form used for comparison: one name for "no limit", one form for a list of numbers."""
    if text.isdecimal():
        return UNLIMITED if int(text) >= _NO_LIMIT else text
    numbers = numbers_of(text)
    return ",".join(map(str, numbers)) if numbers else text


def numbers_of(text: str) -> list[int]:
    """The numbers of a list such as ``0-3,7``; empty if it is not such a list."""
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            return []
        found |= set(range(int(first), int(last or first) + 1))
    return sorted(found)


def weights_of_shares(shares: int) -> tuple[str, ...]:
    """The ``cpu.weight`` (1 to 10000) for ``shares``, by each formula in use.

    2..262144 mapped linearly to 1..10000 (older runc and crun, containerd, runsc), by a curve that maps 1024 to 100 too
    (newer ones, youki, Kata), or in proportion to the defaults, 1024 and 100 (systemd and libcgroup, which cut, and the
    kernel, which rounds). Zero is none given, or the least.
    """
    if not shares:
        return ("100", "1")
    within = min(max(shares, 2), 262144)
    linear = 1 + (within - 2) * 9999 // 262142
    exponent = math.log2(within)
    curve = 10 ** ((exponent * exponent + 125 * exponent) / 612.0 - 7.0 / 34.0)
    # Where the curve meets a whole number, it depends on the library which side of it the result is on.
    curved = {math.ceil(curve - 1e-6), math.ceil(curve), math.ceil(curve + 1e-6)}
    share = {within * 100 // 1024, (within * 100 + 512) // 1024}
    found = (linear, *sorted(curved), *sorted(share))
    return tuple(dict.fromkeys(str(min(max(one, 1), 10000)) for one in found))


def io_weights(weight: int) -> tuple[str, ...]:
    """The ``io.weight`` (1 to 10000) for a weight of version 1 (10 to 1000), by each formula in use.

    Linearly (runc, crun, youki), or in proportion to the defaults, 500 and 100 (systemd).
    """
    within = min(max(weight, 10), 1000)
    found = (1 + (within - 10) * 9999 // 990, max(weight * 100 // 500, 1))
    return tuple(dict.fromkeys(str(min(one, 10000)) for one in found))


def bfq_weights(weight: int) -> tuple[str, ...]:
    """The ``io.bfq.weight`` (1 to 1000) for a weight of version 1 (10 to 1000), by each formula in use.

    As it is (runc, crun, youki), or made of one of :func:`io_weights`: that itself (runc before 1.0), or mapped so that
    both defaults, of 100, meet (systemd).
    """
    linear, *share = map(int, io_weights(weight))
    io = share[-1] if share else linear
    mapped = io if io <= 100 else 100 + (io - 100) * 900 // 9900
    return tuple(dict.fromkeys(str(one) for one in (weight, linear, mapped) if one <= 1000))


def expected(resources: Mapping[str, Any], *, unified: bool, reserved: bool = True) -> list[Expected]:
    """The values that ``linux.resources`` asks for in version 1 or, if ``unified``, in version 2.

    ``reserved``: limits on huge pages are on reserved ones where the kernel counts these, as from release 1.1.0 on;
    before, on those in use. Devices are left out because no file of version 2 shows them, as are properties with no
    equivalent in version 2.
    """
    found = [*_numbers(resources, _NUMBERS_V2 if unified else _NUMBERS_V1)]
    for part in (_cpuset, _of_both, *(_VERSION_2 if unified else _VERSION_1)):
        found += part(resources)
    return found if reserved else [_of_use(one) for one in found]


def _of_use(one: Expected) -> Expected:
    """The same, without places that hold reservations of huge pages."""
    return replace(one, places=tuple(place for place in one.places if ".rsvd." not in place.file))


def _section(resources: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = resources.get(name)
    return found if isinstance(found, dict) else {}


def _one(name: str, controller: str, *places: Place, anywhere: bool = False) -> Expected:
    return Expected(f"{RESOURCES}/{name}", controller, places, anywhere)


def _numbers(resources: Mapping[str, Any], table: Mapping[str, tuple[str, str]]) -> Iterator[Expected]:
    for name, (controller, file) in table.items():
        section, _, member = name.partition("/")
        value = _section(resources, section).get(member)
        if value is not None:
            yield _one(name, controller, Place(file, (str(int(value)),)))


def _cpuset(resources: Mapping[str, Any]) -> Iterator[Expected]:
    for member in ("cpus", "mems"):
        value = _section(resources, "cpu").get(member)
        if value:
            yield _one(f"cpu/{member}", "cpuset", Place(f"cpuset.{member}", (normal(value),)))


def _of_both(resources: Mapping[str, Any]) -> Iterator[Expected]:
    """Files whose content is the same in both versions."""
    limit = _section(resources, "pids").get("limit")
    if limit is not None:
        yield _one("pids/limit", "pids", Place("pids.max", (_limit(limit),)))
    for device, entry in _section(resources, "rdma").items():
        for member, field in (("hcaHandles", "hca_handle"), ("hcaObjects", "hca_object")):
            if member in entry:
                yield _one(f"rdma/*/{member}", "rdma", Place("rdma.max", (str(entry[member]),), device, field))


def _limit(value: int) -> str:
    return UNLIMITED if value < 0 else str(value)


def _bytes(value: int) -> str:
    """A memory limit: the kernel counts whole pages."""
    return UNLIMITED if value < 0 else normal(str(value // mmap.PAGESIZE * mmap.PAGESIZE))


def _memory_v1(resources: Mapping[str, Any]) -> Iterator[Expected]:
    memory = _section(resources, "memory")
    for member, file in _MEMORY_V1.items():
        if member in memory:
            yield _one(f"memory/{member}", "memory", Place(file, (_bytes(memory[member]),)))
    if "disableOOMKiller" in memory:
        want = (str(int(memory["disableOOMKiller"])),)
        yield _one("memory/disableOOMKiller", "memory", Place("memory.oom_control", want, "oom_kill_disable"))


def _memory_v2(resources: Mapping[str, Any]) -> Iterator[Expected]:
    memory = _section(resources, "memory")
    if "limit" in memory:
        yield _one("memory/limit", "memory", Place("memory.max", (_bytes(memory["limit"]),)))
    if "reservation" in memory:
        # Both are soft limits: below the one nothing is taken in need, above the other it is. Runtimes take the first.
        want = (_bytes(memory["reservation"]),)
        yield _one("memory/reservation", "memory", Place("memory.low", want), Place("memory.high", want), anywhere=True)
    if "swap" in memory:
        # Version 1 counts memory and swap together, version 2 swap alone.
        alone = memory["swap"] - max(memory.get("limit", 0), 0) if memory["swap"] >= 0 else -1
        yield _one("memory/swap", "memory", Place("memory.swap.max", (_bytes(alone),)))


def _cpu_v2(resources: Mapping[str, Any]) -> Iterator[Expected]:
    cpu = _section(resources, "cpu")
    if "shares" in cpu:
        yield _one("cpu/shares", "cpu", Place("cpu.weight", weights_of_shares(cpu["shares"])))
    for number, member in enumerate(("quota", "period")):
        if member in cpu:
            yield _one(f"cpu/{member}", "cpu", Place("cpu.max", (_limit(cpu[member]),), field=str(number)))


def _blkio_v1(resources: Mapping[str, Any]) -> Iterator[Expected]:
    block = _section(resources, "blockIO")
    if "weight" in block:
        want = (str(block["weight"]),)
        yield _one("blockIO/weight", "blkio", Place("blkio.bfq.weight", want), Place("blkio.weight", want))
    if "leafWeight" in block:
        yield _one("blockIO/leafWeight", "blkio", Place("blkio.leaf_weight", (str(block["leafWeight"]),)))
    for entry in block.get("weightDevice") or ():
        for member, names in (
            ("weight", ("blkio.bfq.weight_device", "blkio.weight_device")),
            ("leafWeight", ("blkio.leaf_weight_device",)),
        ):
            if member in entry:
                places = [Place(name, (str(entry[member]),), _numbers_of_device(entry)) for name in names]
                yield from _of_device("weightDevice", "blkio", member, *places)
    for member, (file, _) in _KINDS.items():
        for entry in block.get(member) or ():
            place = Place(file, (str(entry["rate"]),), _numbers_of_device(entry))
            yield from _of_device(member, "blkio", "rate", place)


def _io_v2(resources: Mapping[str, Any]) -> Iterator[Expected]:
    block = _section(resources, "blockIO")
    if "weight" in block:
        yield _one("blockIO/weight", "io", *_io_weights(block["weight"], "default"), anywhere=True)
    for entry in block.get("weightDevice") or ():
        if "weight" in entry:
            places = _io_weights(entry["weight"], _numbers_of_device(entry))
            yield from _of_device("weightDevice", "io", "weight", *places, anywhere=True)
    for member, (_, field) in _KINDS.items():
        for entry in block.get(member) or ():
            place = Place("io.max", (str(entry["rate"]),), _numbers_of_device(entry), field)
            yield from _of_device(member, "io", "rate", place)


def _io_weights(weight: int, key: str) -> tuple[Place, Place]:
    return Place("io.bfq.weight", bfq_weights(weight), key), Place("io.weight", io_weights(weight), key)


def _numbers_of_device(entry: Mapping[str, Any]) -> str:
    return f"{entry['major']}:{entry['minor']}"


def _of_device(name: str, controller: str, member: str, *places: Place, anywhere: bool = False) -> Iterator[Expected]:
    """The value of an entry. Finding its line by device number shows that the numbers were applied."""
    for leaf in (member, "major", "minor"):
        yield _one(f"blockIO/{name}/*/{leaf}", controller, *places, anywhere=anywhere)


def _hugetlb(resources: Mapping[str, Any], ending: str) -> Iterator[Expected]:
    for entry in resources.get("hugepageLimits") or ():
        want = (normal(str(entry["limit"])),)
        start = f"hugetlb.{entry['pageSize']}"
        places = Place(f"{start}.rsvd.{ending}", want), Place(f"{start}.{ending}", want)
        for leaf in ("limit", "pageSize"):
            yield _one(f"hugepageLimits/*/{leaf}", "hugetlb", *places)


def _hugetlb_v1(resources: Mapping[str, Any]) -> Iterator[Expected]:
    return _hugetlb(resources, "limit_in_bytes")


def _hugetlb_v2(resources: Mapping[str, Any]) -> Iterator[Expected]:
    return _hugetlb(resources, "max")


def _net_prio(resources: Mapping[str, Any]) -> Iterator[Expected]:
    for entry in _section(resources, "network").get("priorities") or ():
        place = Place("net_prio.ifpriomap", (str(entry["priority"]),), entry["name"])
        for leaf in ("priority", "name"):
            yield _one(f"network/priorities/*/{leaf}", "net_prio", place)


def _unified(resources: Mapping[str, Any]) -> Iterator[Expected]:
    for file, text in _section(resources, "unified").items():
        place = Place(file, (normal(str(text)),))
        yield _one("unified/*", file.partition(".")[0], place)


_Part = Callable[[Mapping[str, Any]], Iterator[Expected]]
_VERSION_1: tuple[_Part, ...] = (_memory_v1, _blkio_v1, _hugetlb_v1, _net_prio)
_VERSION_2: tuple[_Part, ...] = (_cpu_v2, _memory_v2, _io_v2, _hugetlb_v2, _unified)
