"""Schedulers, limits, names and calls that kernels or runtimes refuse though the specification does not forbid them."""

from __future__ import annotations

from typing import Any

import pytest

from ocivalidate.rules.clauses import Severity
from tests.unit.sayings import ERROR, NAMESPACES, WARNING, config, linux, said

_P, _R = "safety/config.process.", "safety/config.resources."
DEADLINE = {"policy": "SCHED_DEADLINE", "runtime": 2_000_000, "deadline": 8_000_000, "period": 25_000_000}


def with_process(**members: Any) -> dict[str, Any]:
    return config(process={"user": {"uid": 0, "gid": 0}, "cwd": "/", "args": ["/bin/tides"]} | members)


@pytest.mark.parametrize(
    ("scheduler", "clause", "severity"),
    [
        (DEADLINE, "", None),
        (DEADLINE | {"period": 0}, "", None),
        (DEADLINE | {"runtime": 1024}, "", None),
        (DEADLINE | {"runtime": 1023}, "deadline", ERROR),
        (DEADLINE | {"runtime": 9_000_000}, "deadline", ERROR),
        (DEADLINE | {"period": 7_000_000}, "deadline", ERROR),
        (DEADLINE | {"period": 2**63}, "deadline", ERROR),
        ({"policy": "SCHED_DEADLINE"}, "deadline", ERROR),
        ({"policy": "SCHED_OTHER", "runtime": 5}, "deadline", WARNING),
        ({"policy": "SCHED_OTHER", "priority": 5}, "priority", ERROR),
        (DEADLINE | {"priority": 1}, "priority", ERROR),
        ({"policy": "SCHED_FIFO"}, "priority", ERROR),
        ({"policy": "SCHED_RR", "priority": 100}, "priority", ERROR),
        ({"policy": "SCHED_RR", "priority": 99}, "", None),
        ({"policy": "SCHED_BATCH", "nice": 20}, "nice", WARNING),
        ({"policy": "SCHED_ISO"}, "policy", ERROR),
    ],
)
def test_scheduler(scheduler: dict[str, Any], clause: str, severity: Severity | None) -> None:
    """sched_setattr(2) answers EINVAL where an error is told; it mends a nice value."""
    told = said(with_process(scheduler=scheduler))
    assert told == ([(f"{_P}scheduler.{clause}", severity)] if clause else [])


def test_program_without_a_name() -> None:
    assert said(with_process(args=["", "-x"])) == [(f"{_P}args.program", ERROR)]


@pytest.mark.parametrize(
    ("memory", "clause", "severity"),
    [
        ({"swap": 0}, "swap-without-limit", WARNING),
        ({"swap": 4096}, "swap-without-limit", WARNING),
        ({"swap": -1}, "", None),
        ({"swap": 0, "limit": -1}, "", None),
        ({"swap": 4096, "limit": -1}, "swap-without-limit", WARNING),
        ({"swap": 0, "limit": 0}, "", None),
        ({"swap": 0, "limit": 4096}, "swap-below-limit", WARNING),
        ({"swap": 2048, "limit": 4096}, "swap-below-limit", ERROR),
        ({"swap": 4096, "limit": 4096}, "", None),
    ],
)
def test_swap(memory: dict[str, int], clause: str, severity: Severity | None) -> None:
    told = said(config(linux=linux(resources={"memory": memory})))
    assert told == ([(f"{_R}memory.{clause}", severity)] if clause else [])


@pytest.mark.parametrize(("shares", "wrong"), [(0, False), (1, True), (2, False), (262144, False), (262145, True)])
def test_shares(shares: int, wrong: bool) -> None:  # noqa: FBT001 - a column of the table
    told = said(config(linux=linux(resources={"cpu": {"shares": shares}})))
    assert told == ([(f"{_R}cpu.shares", WARNING)] if wrong else [])


@pytest.mark.parametrize(
    ("sysctl", "more", "wrong"),
    [
        ("kernel.hostname", {}, True),
        ("kernel/hostname", {}, True),
        ("kernel.hostname", {"hostname": "tides"}, True),
        ("kernel.domainname", {}, False),
        ("kernel.domainname", {"domainname": "tides"}, True),
        ("kernel.shmmax", {"hostname": "tides"}, False),
    ],
)
def test_sysctl_of_a_member(sysctl: str, more: dict[str, str], wrong: bool) -> None:  # noqa: FBT001 - a column
    told = said(config(linux=linux(sysctl={sysctl: "1"}), **more))
    assert told == ([("safety/config.sysctl.has-a-member", WARNING)] if wrong else [])


@pytest.mark.parametrize("name", ["hostname", "domainname"])
@pytest.mark.parametrize(
    ("section", "wrong"),
    [
        (None, True),
        ({}, True),
        ({"namespaces": []}, True),
        ({"namespaces": [{"type": "uts"}]}, False),
        ({"namespaces": [{"type": "uts", "path": "/run/uts"}]}, False),
    ],
)
def test_name_of_the_host(name: str, section: dict[str, Any] | None, wrong: bool) -> None:  # noqa: FBT001 - a column
    """Also where the Linux section is missing: no section, no namespace."""
    members: dict[str, Any] = {"linux": section, name: "tides"}
    told = said(config(**members))
    assert told == ([(f"safety/config.{name}.shared-uts", WARNING)] if wrong else [])


def test_name_in_a_virtual_machine_is_its_own() -> None:
    machine = {"hypervisor": {"path": "/h"}, "kernel": {"path": "/k"}}
    assert said(config(linux=None, vm=machine, hostname="tides")) == []


@pytest.mark.parametrize(
    ("names", "wrong"), [(["write"], True), (["mkdir", "write"], True), (["writev", "pwrite64"], False)]
)
def test_runtime_cannot_wait_for_the_agent(names: list[str], wrong: bool) -> None:  # noqa: FBT001 - a column
    seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/run/agent"}
    told = said(config(linux=linux(seccomp=seccomp | {"syscalls": [{"names": names, "action": "SCMP_ACT_NOTIFY"}]})))
    assert told == ([("safety/config.seccomp.notify-write", WARNING)] if wrong else [])
    allowed = seccomp | {"syscalls": [{"names": names, "action": "SCMP_ACT_ERRNO"}]}
    assert said(config(linux=linux(*NAMESPACES, seccomp=allowed))) == []
