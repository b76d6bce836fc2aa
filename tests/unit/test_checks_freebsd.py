from __future__ import annotations

from typing import Any

import pytest

from ocivalidate.bundle import freebsd as checks
from tests.unit.checking import broken_clauses, outcome

DEVFS = {"destination": "/dev", "type": "devfs", "source": "devfs", "options": ["ruleset=4"]}


def jail(**members: Any) -> dict[str, Any]:
    return {"mounts": [DEVFS], "freebsd": {"jail": members}}


@pytest.mark.parametrize(
    "mounts",
    [
        [DEVFS],
        [{"destination": "/"}, DEVFS],
        [DEVFS | {"destination": "/dev/"}],
        [DEVFS | {"destination": "//x/../dev"}],
        [{"destination": "/dev"}],
        [{"destination": "/dev", "type": "nullfs", "source": "/dev"}],
        [{"destination": "/dev", "type": "tmpfs"}, DEVFS],
        # Any of these may be the one.
        [{"destination": "/dev", "type": 1}],
        [{"destination": 1}],
        [{}],
        [1],
        {},
    ],
)
def test_devfs_is_mounted_or_may_be(mounts: Any) -> None:
    assert broken_clauses(checks, {"mounts": mounts}, "freebsd") == []


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({}, ""),
        ({"mounts": []}, "/mounts"),
        ({"mounts": [{"destination": "/dev/fd", "type": "fdescfs"}]}, "/mounts"),
        ({"mounts": [{"destination": "/devices", "type": "devfs"}]}, "/mounts"),
        ({"mounts": [{"destination": "/dev", "type": "tmpfs"}]}, "/mounts/0/type"),
    ],
)
def test_devfs_is_not_mounted(document: dict[str, Any], pointer: str) -> None:
    assert broken_clauses(checks, document, "freebsd") == [(checks.DEVFS, pointer)]


def test_other_platforms_have_other_device_folders() -> None:
    assert broken_clauses(checks, {"freebsd": {}, "linux": {}}, "freebsd", "linux") == []
    assert broken_clauses(checks, {}, "linux") == []


@pytest.mark.parametrize(
    ("member", "address"),
    [
        ("ip4Addr", "10.11.12.13"),
        ("ip4Addr", "10.11.12.13/24"),
        ("ip6Addr", "fd10::11:12:13"),
        ("ip6Addr", "fd10::11:12:13/64"),
        ("ip6Addr", "fe80::1%em0"),
        ("ip6Addr", "::ffff:10.1.2.3"),
        ("ip4Addr", 1),
    ],
)
def test_numeric_addresses(member: str, address: Any) -> None:
    assert broken_clauses(checks, jail(**{member: [address]}), "freebsd") == []


@pytest.mark.parametrize(
    ("member", "clause", "address"),
    [
        ("ip4Addr", checks.IP4_NUMERIC, "localhost"),
        ("ip4Addr", checks.IP4_NUMERIC, "10.11.12"),
        ("ip4Addr", checks.IP4_NUMERIC, "10.11.12.256"),
        ("ip4Addr", checks.IP4_NUMERIC, "fd10::1"),
        ("ip4Addr", checks.IP4_NUMERIC, ""),
        ("ip6Addr", checks.IP6_NUMERIC, "10.11.12.13"),
        ("ip6Addr", checks.IP6_NUMERIC, "fd10::11::12"),
        ("ip6Addr", checks.IP6_NUMERIC, "host.example"),
    ],
)
def test_addresses_that_are_not_numeric(member: str, clause: str, address: str) -> None:
    good = "10.0.0.1" if member == "ip4Addr" else "fd10::1"
    found = broken_clauses(checks, jail(**{member: [good, address]}), "freebsd")
    assert found == [(clause, f"/freebsd/jail/{member}/1")]


@pytest.mark.parametrize(
    ("members", "broken"),
    [
        ({"vnet": "new"}, []),
        ({"host": "new", "vnet": "new", "enforceStatfs": 1}, []),
        ({"vnet": "new", "ip4": "inherit"}, [(checks.VNET_OWN, "/freebsd/jail/ip4")]),
        (
            {"vnet": "new", "ip4": "disable", "ip6": "disable"},
            [(checks.VNET_OWN, "/freebsd/jail/ip4"), (checks.VNET_OWN, "/freebsd/jail/ip6")],
        ),
        ({"vnet": "new", "ip4": 4}, []),
        ({"vnet": "other", "ip4": "inherit"}, []),
    ],
)
def test_a_network_of_its_own(members: dict[str, Any], broken: list[tuple[str, str]]) -> None:
    assert broken_clauses(checks, jail(**members), "freebsd") == broken


@pytest.mark.parametrize(
    ("members", "count"),
    [
        ({"ip4": "inherit", "ip6": "inherit"}, 0),
        ({"vnet": "inherit", "ip4": "inherit", "ip6": "inherit"}, 0),
        ({}, 0),
        ({"host": "new"}, 0),
        ({"ip4": "inherit", "ip6": "disable"}, 0),
        ({"ip4": "disable", "ip6": "disable"}, 0),
        ({"ip4Addr": ["10.0.0.1"]}, 0),
        ({"vnet": "inherit", "ip6Addr": ["fd10::1"]}, 0),
        ({"ip4": "inherit", "ip6": 6}, 0),
        ({"ip4": "inherit"}, 1),
        ({"ip6": "inherit"}, 1),
        ({"vnet": "inherit", "ip4": "inherit"}, 1),
        ({"vnet": "inherit"}, 2),
    ],
)
def test_a_shared_network(members: dict[str, Any], count: int) -> None:
    assert broken_clauses(checks, jail(**members), "freebsd") == [(checks.VNET_SHARED, "/freebsd/jail")] * count


def test_without_a_jail_only_the_mounts_are_judged() -> None:
    assert outcome(checks, {"mounts": [DEVFS], "freebsd": {}}, "freebsd").clauses == {checks.DEVFS}


def test_there_was_no_freebsd_before_1_3_0() -> None:
    assert broken_clauses(checks, {"freebsd": {"jail": {"ip4": "inherit"}}}, "freebsd", release="1.2.1") == []
