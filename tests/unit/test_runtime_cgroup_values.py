from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from ocivalidate.runtime.kernel.cgroup_values import (
    Place,
    bfq_weights,
    deciding,
    expected,
    io_weights,
    normal,
    numbers_of,
    weights_of_shares,
)
from ocivalidate.runtime.properties import by_pointer

DEVICE = {"major": 8, "minor": 16}
EVERYTHING: dict[str, Any] = {
    "cpu": {
        "shares": 1024,
        "quota": 30000,
        "period": 100000,
        "burst": 5000,
        "idle": 1,
        "cpus": "0-1",
        "mems": "0",
        "realtimeRuntime": 1000,
        "realtimePeriod": 500000,
    },
    "memory": {
        "limit": 8192,
        "reservation": 4097,
        "swap": 12288,
        "kernel": -1,
        "kernelTCP": 4096,
        "swappiness": 5,
        "disableOOMKiller": True,
        "useHierarchy": True,
    },
    "pids": {"limit": 20},
    "blockIO": {
        "weight": 505,
        "leafWeight": 300,
        "weightDevice": [{**DEVICE, "weight": 10, "leafWeight": 20}],
        "throttleReadBpsDevice": [{**DEVICE, "rate": 1}],
        "throttleWriteBpsDevice": [{**DEVICE, "rate": 2}],
        "throttleReadIOPSDevice": [{**DEVICE, "rate": 3}],
        "throttleWriteIOPSDevice": [{**DEVICE, "rate": 4}],
    },
    "hugepageLimits": [{"pageSize": "2MB", "limit": 2097152}],
    "network": {"classID": 1048577, "priorities": [{"name": "eth0", "priority": 500}]},
    "rdma": {"mlx5_1": {"hcaHandles": 3, "hcaObjects": 10000}},
}
# Property below /linux/resources → content of the file, by version.
CONTENTS = {
    "cpu/shares": ("1024", "39"),
    "cpu/quota": ("30000", "30000 100000"),
    "cpu/period": ("100000", "30000 100000"),
    "cpu/burst": ("5000", "5000"),
    "cpu/idle": ("1", "1"),
    "cpu/cpus": ("0-1", "0-1"),
    "cpu/mems": ("0", "0"),
    "cpu/realtimeRuntime": ("1000", None),
    "cpu/realtimePeriod": ("500000", None),
    "memory/limit": ("8192", "8192"),
    "memory/reservation": ("4096", "4096"),
    "memory/swap": ("12288", "4096"),
    "memory/kernel": ("9223372036854771712", None),
    "memory/kernelTCP": ("4096", None),
    "memory/swappiness": ("5", None),
    "memory/disableOOMKiller": ("oom_kill_disable 1\nunder_oom 0", None),
    "memory/useHierarchy": ("1", None),
    "pids/limit": ("20", "20"),
    "blockIO/weight": ("505", "default 505"),
    "blockIO/leafWeight": ("300", None),
    "blockIO/weightDevice/*/weight": ("8:16 10", "default 100\n8:16 10"),
    "blockIO/weightDevice/*/leafWeight": ("8:16 20", None),
    "blockIO/throttleReadBpsDevice/*/rate": ("8:0 9\n8:16 1", "8:16 rbps=1 wbps=2 riops=3 wiops=4"),
    "blockIO/throttleWriteBpsDevice/*/rate": ("8:16 2", "8:16 rbps=1 wbps=2 riops=3 wiops=4"),
    "blockIO/throttleReadIOPSDevice/*/rate": ("8:16 3", "8:16 rbps=1 wbps=2 riops=3 wiops=4"),
    "blockIO/throttleWriteIOPSDevice/*/rate": ("8:16 4", "8:16 rbps=1 wbps=2 riops=3 wiops=4"),
    "hugepageLimits/*/limit": ("2097152", "2097152"),
    "network/classID": ("1048577", None),
    "network/priorities/*/priority": ("lo 0\neth0 500", None),
    "rdma/*/hcaHandles": ("mlx5_1 hca_handle=3 hca_object=10000",) * 2,
    "rdma/*/hcaObjects": ("mlx5_1 hca_handle=3 hca_object=10000",) * 2,
}


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("name", CONTENTS)
def test_contents_of_files(name: str, version: int) -> None:
    found = {one.pointer: one for one in expected(EVERYTHING, unified=version == 2)}
    content = CONTENTS[name][version - 1]
    one = found.get(f"/linux/resources/{name}")
    assert (one is None) == (content is None)
    if one is not None and content is not None:
        assert one.places[0].value(content) in one.places[0].wants
        # The same line of another device, event or field says nothing.
        other = "9:9 other=1" if one.places[0].key or one.places[0].field else ""
        assert one.places[0].value(other) not in one.places[0].wants


@pytest.mark.parametrize("version", [1, 2])
def test_pointers_are_properties(version: int) -> None:
    found = expected(EVERYTHING | {"unified": {"memory.high": "max"}}, unified=version == 2)
    assert {one.pointer for one in found} <= set(by_pointer())


def test_version_1_covers_all_but_devices_and_unified() -> None:
    found = {one.pointer for one in expected(EVERYTHING, unified=False)}
    every = {pointer for pointer in by_pointer() if pointer.startswith("/linux/resources/")}
    rest = {pointer.split("/")[3] for pointer in every - found}
    assert rest == {"devices", "unified", "memory"}
    assert every - found >= {"/linux/resources/memory/checkBeforeUpdate"}


@pytest.mark.parametrize(
    ("memory", "want"),
    [
        ({"limit": 8192, "swap": 8192}, "0"),
        ({"limit": 8192, "swap": -1}, "max"),
        ({"limit": -1, "swap": 8192}, "8192"),
        ({"swap": 8192}, "8192"),
    ],
)
def test_swap_of_version_2_is_without_memory(memory: dict[str, int], want: str) -> None:
    found = {one.pointer: one for one in expected({"memory": memory}, unified=True)}
    assert found["/linux/resources/memory/swap"].places[0].wants == (want,)


def test_no_limit() -> None:
    for unified, quota in ((False, "-1"), (True, "max 100000")):
        found = {
            one.pointer.rpartition("/")[2]: one.places[0] for one in expected({"cpu": {"quota": -1}}, unified=unified)
        }
        assert found["quota"].value(quota) in found["quota"].wants
    (pids,) = expected({"pids": {"limit": -1}}, unified=False)
    assert pids.places[0].wants == ("max",)
    (zero,) = expected({"pids": {"limit": 0}}, unified=True)
    assert zero.places[0].wants == ("0",)


def test_unified_is_written_as_it_is() -> None:
    (one,) = expected({"unified": {"io.max": "8:0 rbps=5"}}, unified=True)
    assert (one.controller, one.places[0].value("8:0 rbps=5")) == ("io", one.places[0].wants[0])
    assert expected({"unified": {"io.max": "8:0 rbps=5"}}, unified=False) == []


# What programs write for shares of version 1, from their sources: Go, C and Rust compute alike, and cut.
SHARES: dict[str, Callable[[int], int]] = {
    "runc 1.3, crun 1.8, containerd, runsc": lambda shares: 1 + (shares - 2) * 9999 // 262142,
    "runc 1.4, crun 1.28, youki 0.7, Kata": lambda shares: math.ceil(
        math.pow(10, (math.log2(shares) ** 2 + 125 * math.log2(shares)) / 612.0 - 7.0 / 34.0)
    ),
    "systemd": lambda shares: min(max(shares * 100 // 1024, 1), 10000),
    "the kernel": lambda shares: min(max((shares * 100 + 512) // 1024, 1), 10000),
}
WEIGHTS: dict[str, Callable[[int], int]] = {
    "runc, crun, youki": lambda weight: 1 + (weight - 10) * 9999 // 990,
    "systemd": lambda weight: min(max(weight * 100 // 500, 1), 10000),
}


def _bfq_of_systemd(weight: int) -> int:
    io = WEIGHTS["systemd"](weight)
    return 100 - (100 - io) * 99 // 99 if io <= 100 else 100 + (io - 100) * 900 // 9900


BFQ: dict[str, Callable[[int], int]] = {
    "runc, crun, youki": lambda weight: weight,
    "runc 1.0.0-rc93": WEIGHTS["runc, crun, youki"],
    "systemd": _bfq_of_systemd,
}


@pytest.mark.parametrize("who", SHARES)
def test_weights_by_every_formula_for_shares_are_accepted(who: str) -> None:
    for shares in (*range(2, 3000), 4096, 8192, 65536, 99999, 262143, 262144):
        assert str(SHARES[who](shares)) in weights_of_shares(shares), shares


@pytest.mark.parametrize("who", WEIGHTS)
def test_weights_by_every_formula_for_block_devices_are_accepted(who: str) -> None:
    assert all(str(WEIGHTS[who](weight)) in io_weights(weight) for weight in range(10, 1001))


@pytest.mark.parametrize("who", BFQ)
def test_weights_by_every_formula_for_bfq_are_accepted(who: str) -> None:
    for weight in range(10, 1001):
        # The kernel refuses more than 1000.
        assert BFQ[who](weight) > 1000 or str(BFQ[who](weight)) in bfq_weights(weight), weight


def test_weights_that_no_formula_gives() -> None:
    assert weights_of_shares(262144) == ("10000",)
    assert set(weights_of_shares(2)) == {"1", "2"}
    assert set(weights_of_shares(517)) == {"20", "59", "50"}
    assert set(weights_of_shares(0)) == {"100", "1"}
    assert set(io_weights(345)) == {"3384", "69"}
    assert set(bfq_weights(345)) == {"345", "69"}
    assert (io_weights(10)[0], io_weights(1000)[0]) == ("1", "10000")


@pytest.mark.parametrize(
    ("files", "got"),
    [
        ({"memory.low": "4096", "memory.high": "max"}, ("memory.low", "4096")),
        ({"memory.low": "0", "memory.high": "4096"}, ("memory.high", "4096")),
        ({"memory.low": "0", "memory.high": "max"}, ("memory.low", "0")),
        ({"memory.high": "8192"}, ("memory.high", "8192")),
    ],
)
def test_one_of_the_files_that_a_runtime_may_choose_is_enough(files: dict[str, str], got: tuple[str, str]) -> None:
    (one,) = expected({"memory": {"reservation": 4096}}, unified=True)
    decided = deciding(one, files.get)
    assert decided is not None
    assert (decided[0].file, decided[1]) == got


def test_of_files_where_none_may_be_chosen_the_first_decides() -> None:
    one = expected({"hugepageLimits": [{"pageSize": "2MB", "limit": 4 << 20}]}, unified=True)[0]
    files = {"hugetlb.2MB.rsvd.max": "max", "hugetlb.2MB.max": str(4 << 20)}
    decided = deciding(one, files.get)
    assert decided is not None
    assert decided[1] == "max"
    assert deciding(one, dict[str, str]().get) is None


def test_lists_of_numbers() -> None:
    assert numbers_of("0-2,7") == [0, 1, 2, 7]
    assert numbers_of("") == numbers_of("a-b") == numbers_of("max") == []
    assert normal("0-1") == normal("0,1") != normal("0-2")


def test_what_does_not_stand_there() -> None:
    assert Place("f", ("1",), "8:0").value("8:16 1") == ""
    assert Place("f", ("1",), field="1").value("max") == ""
    assert Place("f", ("1",)).value("") == ""


@pytest.mark.parametrize(("unified", "ending"), [(False, "limit_in_bytes"), (True, "max")])
def test_before_1_1_0_huge_pages_are_limited_in_use(unified: bool, ending: str) -> None:  # noqa: FBT001  # a parameter
    resources = {"hugepageLimits": [{"pageSize": "2MB", "limit": 4 << 20}], "pids": {"limit": 5}}

    def files(**more: bool) -> list[list[str]]:
        return [[place.file for place in one.places] for one in expected(resources, unified=unified, **more)]

    use, reservation = f"hugetlb.2MB.{ending}", f"hugetlb.2MB.rsvd.{ending}"
    assert files() == [["pids.max"], [reservation, use], [reservation, use]]
    assert files(reserved=False) == [["pids.max"], [use], [use]]
