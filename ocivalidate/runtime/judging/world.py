"""Rules on the environment of the process: host names, sysctl, user mappings, seccomp."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ocivalidate.jsontext.pointers import below
from ocivalidate.rules.declared import judges
from ocivalidate.runtime.judging.judgements import FactContext, Judgement, compare, not_looked, unseen
from ocivalidate.runtime.properties import APPLIES_CONFIG

SYSCTL_FOLDER = "/proc/sys"
TIME_OFFSETS = "/proc/self/timens_offsets"
"""Where the kernel tells the offsets of the time namespace of a process."""


@judges(APPLIES_CONFIG)
def names(context: FactContext) -> Iterator[Judgement]:
    """``hostname`` and ``domainname``."""
    uname = context.facts.get("uname")
    if uname is None:
        return
    if "hostname" in context.config:
        yield compare("/hostname", uname["nodename"], context.config["hostname"])
    if "domainname" in context.config:
        yield compare("/domainname", uname["domainname"], context.config["domainname"])


def sysctl_path(name: str) -> str:
    """The file of a kernel parameter. If its name has slashes, dots are part of the components."""
    return f"{SYSCTL_FOLDER}/{name if '/' in name else name.replace('.', '/')}"


@judges(APPLIES_CONFIG)
def sysctl(context: FactContext) -> Iterator[Judgement]:
    """``linux.sysctl``."""
    for name, want in (context.section("linux").get("sysctl") or {}).items():
        pointer, said = below("/linux/sysctl", name), context.path(sysctl_path(name))
        if said is None:
            yield not_looked(pointer, sysctl_path(name))
        elif said.get("text") is None:
            yield compare(pointer, said.get("text-error") or said.get("stat-error") or "not readable", want)
        else:
            # Files with several numbers separate them with tabs.
            yield compare(pointer, " ".join(said["text"].split()), " ".join(str(want).split()))


@judges(APPLIES_CONFIG)
def mappings(context: FactContext) -> Iterator[Judgement]:
    """``linux.uidMappings`` and ``gidMappings``."""
    seen, linux = context.facts.get("idmaps"), context.section("linux")
    kinds = [entry.get("type") for entry in linux.get("namespaces") or () if not entry.get("path")]
    if seen is None or "user" not in kinds:
        return
    for name in ("uid", "gid"):
        asked: list[dict[str, Any]] = linux.get(f"{name}Mappings") or []
        if not asked:
            continue
        if name not in seen:
            yield unseen(f"/linux/{name}Mappings", f"the kernel in the container does not show the {name} map")
            continue
        got = sorted(map(tuple, seen[name]))
        want = sorted(tuple(entry.get(key) for key in ("containerID", "hostID", "size")) for entry in asked)
        message = f"the {name} map of the container is not as configured"
        if got == want:
            yield from (
                compare(f"/linux/{name}Mappings/{number}/{key}", value, value)
                for number, entry in enumerate(asked)
                for key, value in entry.items()
                if key in ("containerID", "hostID", "size")
            )
        else:
            yield compare(f"/linux/{name}Mappings", list(map(list, got)), list(map(list, want)), message=message)


@judges(APPLIES_CONFIG)
def seccomp(context: FactContext) -> Iterator[Judgement]:
    """``linux.seccomp``: whether there is a filter; its effects are not tested."""
    asked, status = context.section("linux").get("seccomp"), context.facts.get("status")
    if not asked or status is None:
        return
    if asked.get("syscalls") or asked.get("defaultAction") != "SCMP_ACT_ALLOW":
        message = "the process has no seccomp filter"
        if "Seccomp" in status:
            yield compare("/linux/seccomp", status["Seccomp"], "2", message=message)
        else:
            yield unseen("/linux/seccomp", "the status of the process has no Seccomp")
    if "calls" not in context.facts:
        yield unseen("/linux/seccomp/syscalls", "the effects of a filter on system calls are not tested")


@judges(APPLIES_CONFIG)
def time_offsets(context: FactContext) -> Iterator[Judgement]:
    """``linux.timeOffsets``: those of the time namespace, as the kernel lists them (time_namespaces(7))."""
    said = context.path(TIME_OFFSETS)
    for clock, asked in (context.section("linux").get("timeOffsets") or {}).items():
        pointer = below("/linux/timeOffsets", clock)
        lines = [line.split() for line in ((said or {}).get("text") or "").splitlines()]
        got = {line[0]: line[1:] for line in lines if len(line) == 3}
        if clock not in got:
            yield not_looked(pointer, TIME_OFFSETS)
            continue
        for member, seen in zip(("secs", "nanosecs"), got[clock], strict=True):
            yield compare(f"{pointer}/{member}", seen, str(asked.get(member, 0)))


RULES = (names, sysctl, mappings, seccomp, time_offsets)
