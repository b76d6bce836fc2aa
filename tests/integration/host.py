"""What a host has of mounts, control groups, processes, containers and temporary files, before and after."""

from __future__ import annotations

import os
from pathlib import Path

from ocivalidate.runtime.kernel import cgroups


def snapshot() -> frozenset[str]:
    """A line for each thing. Processes are those whose command or control group bears a run's name."""
    return frozenset({*_mounts(), *_groups(), *_processes(), *_files()})


def _mounts() -> set[str]:
    with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:
        return {f"mount {line.split()[4]} {line.partition(' - ')[2].split()[0]}" for line in file}


def _groups() -> set[str]:
    """Those of every hierarchy, as far as they could be a container's."""
    return {
        f"group {path}"
        for mount in cgroups.layout().hierarchies
        for path, _, _ in os.walk(mount)
        if "ocivalidate" in path
    }


def _processes() -> set[str]:
    return {f"process {pid} {name}" for pid, name in map(_process, filter(str.isdigit, os.listdir("/proc"))) if name}


def _process(pid: str) -> tuple[str, str]:
    """A process with its command and its groups, where either is of a run of ours; else nothing."""
    try:
        said = Path("/proc", pid, "cmdline").read_bytes() + Path("/proc", pid, "cgroup").read_bytes()
    except OSError:
        return pid, ""
    text = said.replace(b"\0", b" ").decode("utf-8", "replace")
    return pid, text if "ocivalidate-" in text else ""


def _files() -> set[str]:
    places = [("/tmp", "ocivalidate-*"), ("/run/runc", "*"), ("/run/crun", "*")]  # noqa: S108  # where runs work
    return {f"file {path}" for place, pattern in places for path in Path(place).glob(pattern)}
