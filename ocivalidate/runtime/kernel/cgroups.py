"""Control groups of version 1, version 2 and both at once (hybrid), read through one door.

A *group* is named by its path below the hierarchies (``/name/leaf``), whatever the version.
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
"""Every group that we make, or have made, starts like this, so that what an ended run left can be found."""

REAL_TIME_BUDGET = "cpu.rt_runtime_us"


@dataclass(frozen=True, slots=True)
class Layout:
    """How control groups are mounted.

    ``mode``: ``v1``, ``v2``, ``hybrid`` (v1, with v2 beside it) or ``none``. ``controllers``: controller (``name=…``
    for a hierarchy that has a name only) → mount point. ``unified``: the mount point of version 2, or ``""``.
    """

    mode: str
    controllers: Mapping[str, str]
    unified: str

    @property
    def hierarchies(self) -> tuple[str, ...]:
        """Every mount point once."""
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
            # Something covers it: whoever looks does not see it any more.
            unified = ""
    if version1:
        return Layout("hybrid" if unified else "v1", version1, unified)
    if not unified:
        return Layout("none", {}, "")
    return Layout("v2", dict.fromkeys(_words(f"{unified}/cgroup.controllers"), unified), unified)


def of_kernel(table: str = "/proc/cgroups") -> set[str]:
    """The controllers that this kernel has switched on, mounted or not; none where it does not say."""
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
    """The group of a process in every hierarchy: controller (``""`` for version 2) → path."""
    groups: dict[str, str] = {}
    with open(f"/proc/{pid}/cgroup", encoding="utf-8", errors="replace") as file:
        for line in file:
            _, names, path = line.rstrip("\n").split(":", 2)
            groups |= dict.fromkeys(names.split(","), path)
    return groups


def read(where: Layout, controller: str, group: str, name: str) -> str | None:
    """The content of the file ``name`` of a group, without the last newline; ``None`` where there is none."""
    mount = where.controllers.get(controller)
    return None if mount is None else content(f"{mount}{group}", name)


def folder_of(where: Layout, groups: Mapping[str, str], controller: str) -> str:
    """The folder in which a controller governs a process whose groups are these; ``""`` where none does.

    ``groups`` is as :func:`of_process` gives it. For ``""`` it is the folder in version 2.
    """
    mount = where.controllers.get(controller, "") if controller else where.unified
    name = "" if mount == where.unified else controller
    return f"{mount}{groups[name]}".rstrip("/") if mount and name in groups else ""


def content(folder: str, name: str) -> str | None:
    """The content of a file of a group, without the last newline; ``None`` where it cannot be read."""
    try:
        with open(f"{folder}/{name}", encoding="utf-8", errors="replace") as file:
            return file.read().rstrip("\n")
    except OSError:
        return None


def processes_left(where: Layout, groups: Mapping[str, str]) -> int | None:
    """How many more processes and threads may begin in such groups; ``None`` where nothing limits that."""
    mount, folder = where.controllers.get("pids", ""), folder_of(where, groups, "pids")
    left: list[int] = []
    while folder and len(folder) >= len(mount):
        most, now = content(folder, "pids.max") or "", content(folder, "pids.current") or ""
        if most.isdigit() and now.isdigit():
            left.append(int(most) - int(now))
        folder = os.path.dirname(folder)
    return min(left, default=None)


def has_real_time_budgets(where: Layout) -> bool:
    """Whether a group has to be given time for real-time processes before it can have any (sched-rt-group)."""
    return os.path.exists(f"{where.controllers.get('cpu', '')}/{REAL_TIME_BUDGET}")


def give_real_time(where: Layout, group: str, microseconds: int) -> None:
    """Give a group so much of every second for real-time processes. Raises :class:`OSError`."""
    with open(f"{where.controllers['cpu']}{group}/{REAL_TIME_BUDGET}", "w", encoding="ascii") as file:
        file.write(str(microseconds))


def every_file(where: Layout, groups: Mapping[str, str]) -> dict[str, str]:
    """All that can be read of the groups of a process: path → content."""
    found: dict[str, str] = {}
    for folder in dict.fromkeys(folder_of(where, groups, controller) for controller in (*where.controllers, "")):
        if folder and os.path.isdir(folder):
            texts = {name: content(folder, name) for name in sorted(os.listdir(folder))}
            found |= {f"{folder}/{name}": text for name, text in texts.items() if text}
    return found


def make(where: Layout, group: str, *, above_others: bool = True) -> None:
    """Make a group in every hierarchy that can be written, so that a runtime makes only what is below.

    ``above_others``: it holds groups. In version 2 a group that hands on controllers can hold no process.
    In version 1 a group of cpuset has no processors until it is given some.
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
    """The folders of a group in all hierarchies, as far as they exist."""
    return [mount + group for mount in where.hierarchies if os.path.isdir(mount + group)]


def members(folder: str) -> list[int]:
    """The processes in the folder of a group; 0 stands for one of another process namespace."""
    return sorted(int(word) for word in _words(f"{folder}/cgroup.procs") if word.isdecimal())


def remove(where: Layout, group: str, timeout: float = 2.0, kill: Callable[[int], None] = kin.kill) -> list[str]:
    """Kill what runs in a group and below, remove it everywhere, and return the folders that stayed.

    ``kill`` is asked to kill each process; by default it does so only if the process is ours: a runtime may have put
    any other into the group.
    """
    deadline = time.monotonic() + timeout
    while True:
        left = [folder for folder in folders(where, group) if not _removed(folder, kill)]
        if not left or time.monotonic() > deadline:
            return left
        # The kernel buries what was killed when it gets to it, and tells nobody.
        time.sleep(0.002)


def _removed(folder: str, kill: Callable[[int], None]) -> bool:
    for below, _, _ in os.walk(folder, topdown=False):
        # A process of another process namespace reads as 0.
        for pid in filter(None, members(below)):
            kill(pid)
        with contextlib.suppress(OSError):
            os.rmdir(below)
    return not os.path.isdir(folder)


def ours(where: Layout) -> Iterator[str]:
    """The groups that bear our prefix: at the top of any hierarchy, or where runtimes make them below our own group."""
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
