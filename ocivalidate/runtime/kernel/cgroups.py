"""Control groups of version 1, version 2 and both at once (hybrid), behind one interface.

A *group* is named by its path below the mount points (``/name/leaf``), whatever the version.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ocivalidate.runtime.kernel import kin
from ocivalidate.system.mounts import MOUNTINFO, mounts

MOUNT = "/sys/fs/cgroup"
PREFIX = "ocivalidate-"
"""The name prefix of every group of ours, so that leftovers of an ended run can be found."""

DYING_PATIENCE = 2.0
"""Seconds in which the killed processes of a group are to be gone."""

REAL_TIME_BUDGET = "cpu.rt_runtime_us"


@dataclass(frozen=True, slots=True)
class Layout:
    """How control groups are mounted.

    ``mode``: ``v1``, ``v2``, ``hybrid`` (v1, with v2 beside it) or ``none``. ``controllers``: controller (``name=…``
    for a named hierarchy without controllers) → mount point. ``unified``: the mount point of version 2, or ``""``.
    """

    mode: str
    controllers: Mapping[str, str]
    unified: str

    @property
    def hierarchies(self) -> tuple[str, ...]:
        """Each mount point once."""
        every = dict.fromkeys(self.controllers.values())
        if self.unified:
            every[self.unified] = None
        return tuple(every)


def layout(mountinfo: str = MOUNTINFO) -> Layout:
    """Read how control groups are mounted here."""
    version1: dict[str, str] = {}
    unified = ""
    for mount in mounts(mountinfo):
        if not mount.point.startswith(MOUNT):
            continue
        if mount.kind == "cgroup2":
            unified = mount.point
        elif mount.kind == "cgroup":
            names = (name for name in mount.options.split(",") if name not in ("rw", "ro", "xattr"))
            version1 |= dict.fromkeys(names, mount.point)
        elif mount.point == unified:
            # Another mount covers it: it can no longer be seen.
            unified = ""
    if version1:
        return Layout("hybrid" if unified else "v1", version1, unified)
    if not unified:
        return Layout("none", {}, "")
    return Layout("v2", dict.fromkeys(_words(f"{unified}/cgroup.controllers"), unified), unified)


def of_kernel(table: str = "/proc/cgroups") -> set[str]:
    """The controllers enabled in this kernel, mounted or not; empty if the kernel does not say."""
    try:
        with open(table, encoding="utf-8") as file:
            rows = [line.split() for line in file if not line.startswith("#")]
    except OSError:
        return set()
    return {row[0] for row in rows if len(row) == 4 and row[3] == "1"}


def _words(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().split()
    except OSError:
        return []


def of_process(pid: int) -> dict[str, str]:
    """The group of a process in each hierarchy: controller (``""`` for version 2) → path."""
    groups: dict[str, str] = {}
    with open(f"/proc/{pid}/cgroup", encoding="utf-8", errors="replace") as file:
        for line in file:
            _, names, path = line.rstrip("\n").split(":", 2)
            groups |= dict.fromkeys(names.split(","), path)
    return groups


def read(where: Layout, controller: str, group: str, name: str) -> str | None:
    """The content of the file ``name`` of a group, without the last newline; ``None`` if it does not exist."""
    mount = where.controllers.get(controller)
    return None if mount is None else content(f"{mount}{group}", name)


def folder_of(where: Layout, groups: Mapping[str, str], controller: str) -> str:
    """The directory where a controller governs a process that is in these groups; ``""`` if there is none.

    ``groups`` is as returned by :func:`of_process`. The controller ``""`` stands for version 2.
    """
    mount = where.controllers.get(controller, "") if controller else where.unified
    name = "" if mount == where.unified else controller
    return f"{mount}{groups[name]}".rstrip("/") if mount and name in groups else ""


def content(folder: str, name: str) -> str | None:
    """The content of a file of a group, without the last newline; ``None`` if it cannot be read."""
    try:
        with open(f"{folder}/{name}", encoding="utf-8", errors="replace") as file:
            return file.read().rstrip("\n")
    except OSError:
        return None


def frozen(pid: int) -> bool:
    """Whether a process is in a frozen group of either version, or on its way into one."""
    where, groups = layout(), of_process(pid)
    frozen1 = content(folder_of(where, groups, "freezer"), "freezer.state") in ("FREEZING", "FROZEN")
    return frozen1 or "frozen 1" in (content(folder_of(where, groups, ""), "cgroup.events") or "")


def processes_left(where: Layout, groups: Mapping[str, str]) -> int | None:
    """How many more processes and threads can start in these groups; ``None`` if there is no limit."""
    mount, folder = where.controllers.get("pids", ""), folder_of(where, groups, "pids")
    left: list[int] = []
    while folder and len(folder) >= len(mount):
        most, now = content(folder, "pids.max") or "", content(folder, "pids.current") or ""
        if most.isdigit() and now.isdigit():
            left.append(int(most) - int(now))
        folder = os.path.dirname(folder)
    return min(left, default=None)


def has_real_time_budgets(where: Layout) -> bool:
    """Whether a group needs a real-time budget before it can hold real-time processes (CONFIG_RT_GROUP_SCHED)."""
    return os.path.exists(f"{where.controllers.get('cpu', '')}/{REAL_TIME_BUDGET}")


def give_real_time(where: Layout, group: str, microseconds: int) -> None:
    """Give a group a real-time budget of that many microseconds per second. Raises :class:`OSError`."""
    with open(f"{where.controllers['cpu']}{group}/{REAL_TIME_BUDGET}", "w", encoding="ascii") as file:
        file.write(str(microseconds))


def every_file(where: Layout, groups: Mapping[str, str]) -> dict[str, str]:
    """Every readable file of the groups of a process: path → content."""
    found: dict[str, str] = {}
    for folder in dict.fromkeys(folder_of(where, groups, controller) for controller in (*where.controllers, "")):
        if folder and os.path.isdir(folder):
            texts = {name: content(folder, name) for name in sorted(os.listdir(folder))}
            found |= {f"{folder}/{name}": text for name, text in texts.items() if text}
    return found


def make(where: Layout, group: str, *, above_others: bool = True) -> None:
    """Create a group in every writable hierarchy, so that a runtime creates only groups below it.

    ``above_others``: it is to hold other groups. In version 2 a group that enables controllers for its children cannot
    hold processes. In version 1 a new cpuset group has no processors until some are assigned.
    """
    for mount in where.hierarchies:
        with contextlib.suppress(OSError):
            os.makedirs(mount + group, mode=0o755, exist_ok=True)
            _inherit_cpuset(mount, group)
    if where.mode == "v2":
        _delegate(where.unified, group if above_others else group.rpartition("/")[0])


def _inherit_cpuset(mount: str, group: str) -> None:
    for name in ("cpuset.cpus", "cpuset.mems"):
        above, own = f"{mount}/{name}", f"{mount}{group}/{name}"
        if os.path.exists(own) and os.path.exists(above) and not _words(own):
            with open(above, encoding="utf-8") as source, open(own, "w", encoding="utf-8") as target:
                target.write(source.read())


def _delegate(mount: str, group: str) -> None:
    path = mount
    for part in ("", *group.strip("/").split("/")):
        path = f"{path}/{part}" if part else path
        for name in _words(f"{path}/cgroup.controllers"):
            with contextlib.suppress(OSError), open(f"{path}/cgroup.subtree_control", "w", encoding="utf-8") as file:
                file.write(f"+{name}")


def folders(where: Layout, group: str) -> list[str]:
    """The existing directories of a group, one per hierarchy."""
    return [mount + group for mount in where.hierarchies if os.path.isdir(mount + group)]


def members(folder: str) -> list[int]:
    """The processes in a group's directory; 0 stands for one in another PID namespace."""
    return sorted(int(word) for word in _words(f"{folder}/cgroup.procs") if word.isdecimal())


def remove(
    where: Layout, group: str, timeout: float = DYING_PATIENCE, kill: Callable[[int], None] = kin.kill
) -> list[str]:
    """Kill the processes in a group and below, remove it from every hierarchy, and return the directories left.

    ``kill`` is called for each process. By default it kills only processes of ours, since a runtime may have put any
    other process into the group.
    """
    deadline = time.monotonic() + timeout
    while True:
        left = [folder for folder in folders(where, group) if not _removed(folder, kill)]
        if not left or time.monotonic() > deadline:
            return left
        # The kernel removes killed processes in its own time and notifies nobody.
        time.sleep(0.002)


def _removed(folder: str, kill: Callable[[int], None]) -> bool:
    for below, _, _ in os.walk(folder, topdown=False):
        # A process in another PID namespace reads as 0.
        for pid in filter(None, members(below)):
            kill(pid)
        with contextlib.suppress(OSError):
            os.rmdir(below)
    return not os.path.isdir(folder)


def ours(where: Layout) -> Iterator[str]:
    """Groups with our prefix: at the top of any hierarchy, or where runtimes create them below our own group."""
    found: dict[str, None] = {}
    here = of_process(os.getpid())
    for mount in where.hierarchies:
        own = {
            here.get(name, "") for name, place in (*where.controllers.items(), ("", where.unified)) if place == mount
        }
        for above in sorted({"", *(path.rstrip("/") for path in own)}):
            with contextlib.suppress(OSError):
                found |= {f"{above}/{name}": None for name in os.listdir(mount + above) if name.startswith(PREFIX)}
    yield from found
