"""What cases need of the host and of the runtime, by name, and why a need is not met: a reason that is a fact.

A need is a name (``root``) or a name and a detail (``controller:memory``, ``kernel:5.12``, ``cap:SYS_NICE``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from ocivalidate.errors import BadCase
from ocivalidate.runtime.driving.subject import RuntimeUnderTest
from ocivalidate.runtime.kernel import asking, cgroups, kernelnames, programs
from ocivalidate.runtime.kernel.host import Host

Look = Callable[[Host, RuntimeUnderTest, str], str]


def _root(host: Host, subject: RuntimeUnderTest, _detail: str) -> str:
    return "" if host.root or not subject.isolates else f"needs root, and this is user {host.uid}"


def _isolation(_host: Host, subject: RuntimeUnderTest, _detail: str) -> str:
    return "" if subject.isolates else "the runtime says that it does not isolate"


def _controller(host: Host, subject: RuntimeUnderTest, detail: str) -> str:
    if not host.root:
        # Whatever the host has: only root can create groups, unless some are delegated.
        return _root(host, subject, "")
    if detail in host.controllers:
        return ""
    if detail in host.unmounted:
        return f"the control group controller {detail} is not mounted on this host"
    return f"this kernel has no control group controller {detail}"


def _cgroup(host: Host, _subject: RuntimeUnderTest, detail: str) -> str:
    fits = host.cgroup_mode == detail or (detail == "v1" and host.cgroup_mode == "hybrid")
    return "" if fits else f"needs control groups {detail}, and this host has {host.cgroup_mode}"


def _kernel(host: Host, _subject: RuntimeUnderTest, detail: str) -> str:
    major, _, minor = detail.partition(".")
    return "" if host.kernel >= (int(major), int(minor)) else f"needs Linux {detail}, and this is {host.release}"


def _cap(host: Host, _subject: RuntimeUnderTest, detail: str) -> str:
    return "" if detail in host.bounding else f"no process here can have CAP_{detail}: it is not in our bounding set"


def _namespace(host: Host, _subject: RuntimeUnderTest, detail: str) -> str:
    return "" if detail in host.namespaces else f"this kernel has no {detail} namespaces"


def _lsm(host: Host, _subject: RuntimeUnderTest, detail: str) -> str:
    return "" if detail in host.lsms else f"this host does not run {detail}; it runs {', '.join(host.lsms) or 'none'}"


def _seccomp(host: Host, _subject: RuntimeUnderTest, detail: str) -> str:
    if not host.seccomp_actions:
        return "this kernel has no seccomp filters"
    return (
        ""
        if not detail or detail in host.seccomp_actions
        else f"this kernel does not support the seccomp action {detail}"
    )


def _numa(host: Host, _subject: RuntimeUnderTest, _detail: str) -> str:
    return "" if host.numa else "this kernel has no NUMA nodes"


_POLICIES: dict[str, dict[str, Any]] = {
    **{name: {"policy": name, "priority": int(name in ("SCHED_FIFO", "SCHED_RR"))} for name in kernelnames.POLICIES},
    "SCHED_DEADLINE": {"policy": "SCHED_DEADLINE", "runtime": 3_000_000, "deadline": 20_000_000, "period": 30_000_000},
}


def _policy(host: Host, _subject: RuntimeUnderTest, detail: str) -> str:
    if "SYS_NICE" not in host.bounding:
        return f"no process here can have {detail}: CAP_SYS_NICE is not in our bounding set"
    if detail in ("SCHED_FIFO", "SCHED_RR") and cgroups.has_real_time_budgets(cgroups.layout()):
        # That is a matter of the group: a case asks in one like that of its container.
        return ""
    return asking.scheduling_refused(_POLICIES[detail])


def _propagation(_host: Host, _subject: RuntimeUnderTest, detail: str) -> str:
    return asking.propagation_refused(user=detail == "user")


def _resctrl(host: Host, _subject: RuntimeUnderTest, _detail: str) -> str:
    if not host.resctrl:
        return "this kernel has no resctrl file system"
    return "" if os.path.exists("/sys/fs/resctrl/schemata") else "resctrl is not mounted at /sys/fs/resctrl"


def _cpus(host: Host, _subject: RuntimeUnderTest, detail: str) -> str:
    return "" if len(host.cpus) >= int(detail) else f"needs {detail} processors, and this host has {len(host.cpus)}"


def _features(_host: Host, subject: RuntimeUnderTest, _detail: str) -> str:
    return "" if subject.features is not None else "the runtime has no features command"


def _program(_host: Host, _subject: RuntimeUnderTest, detail: str) -> str:
    return "" if programs.find(detail) else f"the program {detail} is not installed"


def _machine(host: Host, _subject: RuntimeUnderTest, detail: str) -> str:
    return "" if host.machine in detail.split("|") else f"needs the architecture {detail}, and this is {host.machine}"


NEEDS: dict[str, Look] = {
    "cap": _cap,
    "cgroup": _cgroup,
    "controller": _controller,
    "cpus": _cpus,
    "features": _features,
    "isolation": _isolation,
    "kernel": _kernel,
    "lsm": _lsm,
    "machine": _machine,
    "namespace": _namespace,
    "numa": _numa,
    "policy": _policy,
    "program": _program,
    "propagation": _propagation,
    "resctrl": _resctrl,
    "root": _root,
    "seccomp": _seccomp,
}


def missing(needs: Sequence[str], host: Host, subject: RuntimeUnderTest) -> tuple[str, str]:
    """The first need that is not met, and why; two empty strings if all are met. Raises :class:`BadCase`."""
    for need in needs:
        name, _, detail = need.partition(":")
        if name not in NEEDS:
            raise BadCase(f"unknown need {name}; known are {', '.join(NEEDS)}")
        reason = NEEDS[name](host, subject, detail)
        if reason:
            return need, reason
    return "", ""
