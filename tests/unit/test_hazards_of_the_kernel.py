"""Names, numbers and places that every kernel refuses, or a runtime, though the specification does not forbid them."""

from __future__ import annotations

from typing import Any

import pytest

from ocivalidate.rules.clauses import Severity
from tests.unit.sayings import ERROR, NAMESPACES, WARNING, config, linux, merged, placed, said

_S = "safety/config."
_TIME = (*NAMESPACES, {"type": "time"})


@pytest.mark.parametrize("member", ["hostname", "domainname"])
@pytest.mark.parametrize(
    ("name", "broken"), [("a" * 64, False), ("a" * 65, True), ("é" * 32, False), ("é" * 32 + "a", True)]
)
def test_name_of_the_host(member: str, name: str, *, broken: bool) -> None:
    """sethostname(2): 64 bytes at most."""
    assert said(config(**{member: name})) == ([(f"{_S}{member}.length", ERROR)] if broken else [])


@pytest.mark.parametrize(
    ("seconds", "broken"),
    [
        (4611686018, False),
        (4611686019, True),
        (-4611686018, False),
        (-9223372036, False),
        (-9223372037, True),
    ],
)
@pytest.mark.parametrize("clock", ["boottime", "monotonic"])
def test_time_offset(clock: str, seconds: int, *, broken: bool) -> None:
    """time_namespaces(7): a clock goes neither below zero nor beyond half of what the kernel counts."""
    document = config(linux=linux(*_TIME, timeOffsets={clock: {"secs": seconds}}))
    assert said(document) == ([(f"{_S}timeOffsets.range", ERROR)] if broken else [])


@pytest.mark.parametrize(("extents", "broken"), [(340, False), (341, True)])
def test_number_of_ranges_of_ids(extents: int, *, broken: bool) -> None:
    """user_namespaces(7): 340 lines at most."""
    ranges = [{"containerID": index, "hostID": index, "size": 1} for index in range(extents)]
    told = [(f"{_S}idMappings.too-many", ERROR)] if broken else []
    of_container = linux(*NAMESPACES, {"type": "user"}, uidMappings=ranges, gidMappings=ranges)
    assert said(config(linux=of_container)) == told * 2
    mount = {"destination": "/m", "source": "/s", "options": ["bind", "idmap"]}
    assert said(config(mounts=[mount | {"uidMappings": ranges, "gidMappings": ranges}])) == told * 2


_STATIC, _RELATIVE, _BALANCING = "MPOL_F_STATIC_NODES", "MPOL_F_RELATIVE_NODES", "MPOL_F_NUMA_BALANCING"


@pytest.mark.parametrize(
    ("mode", "nodes", "flags", "broken"),
    [
        ("MPOL_BIND", "0", [_STATIC], False),
        ("MPOL_BIND", "0", [_STATIC, _RELATIVE], True),
        ("MPOL_BIND", "0", [_BALANCING], False),
        ("MPOL_INTERLEAVE", "0", [_BALANCING], True),
        ("MPOL_PREFERRED", "0", [_STATIC], False),
        ("MPOL_PREFERRED", "", [_STATIC], True),
        ("MPOL_PREFERRED", None, [_RELATIVE], True),
        ("MPOL_PREFERRED", None, [], False),
        ("MPOL_LOCAL", None, [_STATIC], True),
        ("MPOL_LOCAL", None, [_RELATIVE], True),
        ("MPOL_DEFAULT", None, [_STATIC], False),
    ],
)
def test_flags_of_a_memory_policy(mode: str, nodes: str | None, flags: list[str], *, broken: bool) -> None:
    """set_mempolicy(2) answers EINVAL."""
    policy = {"mode": mode, "flags": flags} | ({} if nodes is None else {"nodes": nodes})
    assert said(config(linux=linux(memoryPolicy=policy))) == ([(f"{_S}memoryPolicy.flags", ERROR)] if broken else [])


_BLOCK_IO = "/linux/resources/blockIO"
_DEVICE = {"major": 8, "minor": 16}


@pytest.mark.parametrize(
    "place",
    ["weightDevice"] + [f"throttle{verb}{unit}Device" for verb in ("Read", "Write") for unit in ("Bps", "IOPS")],
)
@pytest.mark.parametrize(
    ("numbers", "broken"),
    [({}, False), ({"major": -8}, True), ({"minor": 2**20}, True), ({"major": 4095, "minor": 2**20 - 1}, False)],
)
def test_numbers_of_block_devices(place: str, numbers: dict[str, int], *, broken: bool) -> None:
    entry = _DEVICE | numbers | ({"weight": 100} if place == "weightDevice" else {"rate": 600})
    told = said(merged(config(), placed(entry, f"{_BLOCK_IO}/{place}/-")))
    assert told == ([(f"{_S}devices.number-range", ERROR)] if broken else [])


@pytest.mark.parametrize(
    ("rule", "clause"),
    [
        ({"access": "rwm"}, ""),
        ({"major": -1, "minor": -1, "type": "a", "access": "rwm"}, ""),
        ({"major": -2, "access": "rwm"}, "devices.number-range"),
        ({"type": "c", "major": 1, "minor": -5, "access": "r"}, "devices.number-range"),
        ({}, "resources.devices.no-access"),
        ({"type": "c", "major": 1, "minor": 5, "access": ""}, "resources.devices.no-access"),
    ],
)
def test_rule_for_devices(rule: dict[str, Any], clause: str) -> None:
    """Kernels with version 1 refuse numbers below -1, runtimes take them for any with version 2; runc wants access."""
    document = merged(config(), placed({"allow": False} | rule, "/linux/resources/devices/-"))
    assert said(document) == ([(f"{_S}{clause}", WARNING)] if clause else [])


@pytest.mark.parametrize(
    ("kind", "mode", "broken"),
    [
        ("c", 0o666, False),
        ("c", 0o7777, False),
        ("c", 0o20666, False),
        ("u", 0o20666, False),
        ("b", 0o60660, False),
        ("p", 0o10600, False),
        ("c", 0o100666, True),
        ("b", 0o20660, True),
        ("c", 0o200666, True),
        ("c", 2**32 - 1, True),
    ],
)
def test_mode_of_a_device(kind: str, mode: int, *, broken: bool) -> None:
    """mknod(2) answers EINVAL where the mode has another type; crun hands it on."""
    device = {"path": "/dev/tide", "type": kind, "major": 1, "minor": 5, "fileMode": mode}
    told = said(config(linux=linux(devices=[device])))
    assert told == ([(f"{_S}devices.fileMode", WARNING)] if broken else [])


@pytest.mark.parametrize(
    ("destination", "clause"),
    [
        ("/", "over-root"),
        ("//", "over-root"),
        ("/srv/..", "over-root"),
        ("/proc", ""),
        ("/proc/", ""),
        ("/procs", ""),
        ("/proc/sys", "inside-proc"),
        ("/proc/sys/kernel/domainname", "inside-proc"),
        ("//proc/./mounts", "inside-proc"),
        ("/proc/meminfo", ""),
        ("/proc/uptime", ""),
        ("/proc/net/dev", ""),
        ("/proc/sys/kernel/ns_last_pid", ""),
        ("/srv/proc/sys", ""),
    ],
)
def test_destination(destination: str, clause: str) -> None:
    """Mounts over the root are refused or hide it; runc takes but few places in /proc."""
    mounts = [{"destination": destination, "source": "/s", "options": ["bind"]}]
    assert said(config(mounts=mounts)) == ([(f"{_S}mounts.{clause}", WARNING)] if clause else [])


@pytest.mark.parametrize("member", ["maskedPaths", "readonlyPaths"])
@pytest.mark.parametrize(
    ("namespaces", "paths", "told"),
    [
        (NAMESPACES, ["/proc/kcore"], None),
        (({"type": "pid"},), ["/proc/kcore"], WARNING),
        (({"type": "pid"},), [], None),
        (({"type": "tide"},), ["/proc/kcore"], None),
    ],
)
def test_paths_of_the_host(member: str, namespaces: Any, paths: list[str], told: Severity | None) -> None:
    """Without a mount namespace they would be hidden from the host; runc refuses them."""
    found = [
        entry for entry in said(config(linux=linux(*namespaces, **{member: paths}))) if "namespaces" not in entry[0]
    ]
    assert found == ([(f"{_S}{member}.shared-mounts", told)] if told else [])


@pytest.mark.parametrize("entry", ["TIDE", "=high"])
def test_environment_of_a_hook(entry: str) -> None:
    """The specification gives it the meaning that it has for the process."""
    hooks = {"poststop": [{"path": "/bin/tides", "env": ["A=1", entry]}]}
    assert said(config(hooks=hooks)) == [(f"{_S}hooks.env.name-value", WARNING)]
