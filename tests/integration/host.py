"""What a host has of mounts, control groups, processes, containers and temporary files, before and after."""

from __future__ import annotations

import os
from pathlib import Path

from ocivalidate.runtime import cgroups


def snapshot() -> frozenset[str]:
    """A line for each thing. Processes are ours and those that lost their parent, without kernel threads."""
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
    """A process and its command, which is empty for kernel threads and for what does not concern us."""
    try:
        command = Path("/proc", pid, "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return pid, ""
    words = ("ocivalidate", "probe.pyc", "runc", "crun")
    return pid, command if any(word in command for word in words) and int(pid) != os.getpid() else ""


def _files() -> set[str]:
    places = [("/tmp", "ocivalidate-*"), ("/run/runc", "*"), ("/run/crun", "*")]  # noqa: S108  # where runs work
    return {f"file {path}" for place, pattern in places for path in Path(place).glob(pattern)}
