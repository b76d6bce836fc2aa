"""What a host has of mounts, control groups, processes, containers and temporary files, before and after."""

from __future__ import annotations

import contextlib
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


PLACES = ("/tmp", "/run", "/run/runc", "/dev/shm", "/var/tmp", "/var/lib")  # noqa: S108  # to be looked at


def named(name: str) -> list[str]:
    """What bears a name on this host: files, control groups, processes."""
    found: list[str] = []
    for place in PLACES:
        with contextlib.suppress(OSError):
            found += [f"{place}/{entry}" for entry in os.listdir(place) if name in entry]
    found += [folder for folder, _below, _files in os.walk("/sys/fs/cgroup") if name in folder]
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):
                # One that has ended may wait for us to reap it, where an earlier test made us adopt our orphans.
                ended = (process / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
                if not ended and name in (process / "cgroup").read_text() + (process / "cmdline").read_text():
                    found.append(f"process {process.name}")
    return found


def family(*processes: int) -> list[int]:
    """Processes and all that they have started."""
    every = [*processes]
    for process in every:
        with contextlib.suppress(OSError):
            every += map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split())
    return every


def name_of(*processes: int) -> str:
    """What all that a run makes is called, from the lock that one of its processes holds."""
    for process in family(*processes):
        with contextlib.suppress(OSError):
            for descriptor in Path(f"/proc/{process}/fd").iterdir():
                place = os.readlink(descriptor)
                if place.endswith("/.lock"):
                    return os.path.basename(os.path.dirname(place))
    raise AssertionError("no engine holds a lock")
