"""Finding and removing what killed runs left behind: folders, and control groups with their processes.

Everything with the same token is removed together, or not at all. It is removed if there is proof that its run is over
(the lock of its folder or of its control group is free, or the process that its token names has ended) and no sign of
life.
Without proof it stays: folders of other kernels and other users, groups of runs in other namespaces, anything
that merely has a similar name.
"""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ocivalidate.runtime.kernel import cgroups, claims, owners
from ocivalidate.runtime.kernel.cgroups import PREFIX, Layout
from ocivalidate.runtime.kernel.owners import Fate, Owner
from ocivalidate.runtime.running import workspace
from ocivalidate.system.mounts import mounts

_DYING = 3.0  # seconds for the kernel to end the processes of a killed engine
_PATIENCE = 2.0  # seconds for all control groups that still have processes


@dataclass(frozen=True, slots=True)
class Swept:
    """What was found of ended runs, and what of it could not be removed."""

    found: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


@dataclass(slots=True)
class _Traces:
    """Everything with one token. ``begun``: a folder that was never finished. ``main``: the group above all others."""

    token: str
    folder: Path | None = None
    begun: Path | None = None
    groups: list[str] = field(default_factory=list)

    @property
    def main(self) -> str:
        return f"/{PREFIX}{self.token}"


@dataclass(frozen=True, slots=True)
class Ground:
    """What is found before a run enters namespaces of its own: its owner, and the leftovers of others."""

    owner: Owner
    swept: Swept

    @classmethod
    def prepare(cls) -> Ground:
        """Look, and remove the leftovers of ended runs."""
        return cls(Owner.this_process(), sweep(cgroups.layout()))


def sweep(layout: Layout) -> Swept:
    """Remove the leftovers of ended runs. Others may do the same at the same time, and runs may begin."""
    here = Owner.this_process()
    broom = _Broom(layout, here, time.monotonic() + _PATIENCE)
    for traces in _traces(layout):
        # Somebody else was faster: what is gone need not be removed.
        with contextlib.suppress(OSError):
            broom.sweep(traces)
    return Swept(tuple(broom.found), tuple(broom.left))


def sweep_after(name: str, layout: Layout) -> Swept:
    """Remove the leftovers of a run that was just killed; its processes may take a moment to end."""
    deadline = time.monotonic() + _DYING
    while True:
        swept = sweep(layout)
        names = {f"{PREFIX}{traces.token}" for traces in _traces(layout)}
        if name not in names or time.monotonic() > deadline:
            return swept
        time.sleep(0.02)


def _traces(layout: Layout) -> list[_Traces]:
    """The traces of runs on this host, by token."""
    every: dict[str, _Traces] = {}
    base = workspace.base_folder()
    with contextlib.suppress(OSError):
        for name in sorted(os.listdir(base)):
            visible = name.removeprefix(".")
            token = owners.token_of(visible, PREFIX)
            if token and visible == f"{PREFIX}{token}":
                traces = every.setdefault(token, _Traces(token))
                if name == visible:
                    traces.folder = base / name
                else:
                    traces.begun = base / name
    for group in cgroups.ours(layout):
        token = owners.token_of(os.path.basename(group), PREFIX)
        if token:
            every.setdefault(token, _Traces(token)).groups.append(group)
    return [*every.values()]


@dataclass(slots=True)
class _Broom:
    """Sweeps until a deadline. ``found`` and ``left``: see :class:`Swept`."""

    layout: Layout
    here: Owner
    end: float
    found: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def sweep(self, traces: _Traces) -> None:
        """Remove everything with a token, if its run is over."""
        told = owners.fate(traces.token, self.here)
        if told == "alive":
            return
        with contextlib.ExitStack() as held:
            marked = _fate_of_folder(traces, self.here, held)
            fates = [told, marked, *_fates_of_groups(traces, self.layout, held)]
            if "alive" in fates or "dead" not in fates:
                return
            # The main group comes last: while it exists, the others are known to belong to an ended run.
            for group in sorted(traces.groups, key=lambda group: group == traces.main):
                self._remove_group(group, traces.token)
            if traces.folder is not None and marked == "dead":
                self.found.append(str(traces.folder))
                self.left += workspace.remove_folder(traces.folder)
        if told == "dead":
            _remove_beginnings(traces)

    def _remove_group(self, group: str, token: str) -> None:
        if not _is_ours(self.layout, group):
            return
        self.found.append(f"control group {group}")
        timeout = max(0.0, self.end - time.monotonic())
        stayed = cgroups.remove(self.layout, group, timeout, lambda pid: _kill(pid, token))
        self.left += [f"control group {path}" for path in stayed]


def _kill(pid: int, token: str) -> None:
    """Kill a process whose root is on the file system of a run: any other may have been put into the group."""
    try:
        process = os.pidfd_open(pid)
    except OSError:
        return
    try:
        if root_source(pid) == f"{PREFIX}{token}":
            signal.pidfd_send_signal(process, signal.SIGKILL)
    except OSError:
        # It has ended.
        pass
    finally:
        os.close(process)


def root_source(pid: int) -> str:
    """The source of the file system of a process's root. Raises :class:`OSError`."""
    roots = [mount.source for mount in mounts(f"/proc/{pid}/mountinfo") if mount.point == "/"]
    return roots[-1] if roots else ""


def _fate_of_folder(traces: _Traces, here: Owner, held: contextlib.ExitStack) -> Fate:
    """The fate according to the folder's mark and lock; the lock is ours afterwards if it was free."""
    path = traces.folder
    if path is None or not here.boot:
        return "unknown"
    try:
        folder = held.enter_context(claims.opened(str(path)))
        mark = os.open(workspace.MARK, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return "unknown"
    held.callback(os.close, mark)
    if os.fstat(folder).st_uid != os.geteuid() or not stat.S_ISREG(os.fstat(mark).st_mode):
        return "unknown"
    said = workspace.read_mark(mark)
    if said.get("token") != traces.token or said.get("boot") != here.boot:
        return "unknown"
    got = claims.lock(mark)
    if got == "held":
        return "alive"
    whole = got == "taken" and claims.stands(folder, str(path)) and claims.stands(mark, str(path / workspace.MARK))
    return "dead" if whole else "unknown"


def _fates_of_groups(traces: _Traces, layout: Layout, held: contextlib.ExitStack) -> Iterator[Fate]:
    """The fates according to the main group's locks, one per hierarchy; they are ours afterwards if they were free."""
    for path in cgroups.folders(layout, traces.main):
        try:
            folder = held.enter_context(claims.opened(path))
        except OSError:
            continue
        if os.fstat(folder).st_uid != os.geteuid():
            # It belongs to another user.
            yield "alive"
            continue
        got = claims.lock(folder)
        if got != "none":
            yield "alive" if got == "held" else "dead"


def _is_ours(layout: Layout, group: str) -> bool:
    owned = [os.stat(folder).st_uid == os.geteuid() for folder in cgroups.folders(layout, group)]
    return bool(owned) and all(owned)


def _remove_beginnings(traces: _Traces) -> None:
    """Remove what a run left that was killed before its folder was in place: it contains only a mark."""
    for folder in filter(None, (traces.begun, traces.folder)):
        with contextlib.suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
                continue
            if folder == traces.begun and os.listdir(folder) == [workspace.MARK]:
                (folder / workspace.MARK).unlink()
            folder.rmdir()
