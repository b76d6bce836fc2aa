"""Where a run keeps its files, and finding and removing what a run that was killed left behind.

A run has a token. Its folder, its control group and the ids of its containers begin with ``ocivalidate-<token>``, and
the folder holds a file that the run has locked as long as it lives: a folder whose lock is free belongs to nobody.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ocivalidate.runtime.kernel import cgroups, syscalls
from ocivalidate.runtime.kernel.cgroups import PREFIX, Layout
from ocivalidate.runtime.kernel.locks import is_locked

_LOCK = ".lock"
_SIZE = "1g"


class NoWorkspace(Exception):
    """A folder for the run cannot be made. The message is one line."""


@dataclass(slots=True)
class Workspace:
    """The folder of a run. ``token``: see the head of this module. ``mounted``: a file system of its own covers it."""

    folder: Path
    token: str
    lock: int
    mounted: bool = False

    @property
    def prefix(self) -> str:
        """What the ids of its containers begin with."""
        return f"{PREFIX}{self.token}-"

    def remove(self) -> list[str]:
        """Remove it, and return what stayed."""
        if self.mounted:
            with contextlib.suppress(OSError):
                syscalls.unmount(str(self.folder))
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self.lock)
        return [str(self.folder)] if self.folder.exists() else []


def base_folder() -> Path:
    """Where folders of runs stand: for root always in the same place, so that each run finds what others left."""
    return Path("/tmp") if os.geteuid() == 0 else Path(tempfile.gettempdir())  # noqa: S108  # names are random


def make(*, private: bool) -> Workspace:
    """Make the folder of a new run.

    ``private``: this process has mounts of its own, so that the folder can be a file system in memory, which is gone
    with the last process that sees it. Raises :class:`NoWorkspace`.
    """
    token = secrets.token_hex(3)
    folder = base_folder() / f"{PREFIX}{token}"
    try:
        folder.mkdir(mode=0o711)
        folder.chmod(0o711)
        lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if private:
            syscalls.mount("ocivalidate", str(folder), "tmpfs", 0, f"mode=711,size={_SIZE}")
    except OSError as problem:
        raise NoWorkspace(f"cannot make a folder to work in: {problem}") from problem
    return Workspace(folder, token, lock, private)


@dataclass(frozen=True, slots=True)
class Swept:
    """What was found of runs that have ended, and what of it could not be removed."""

    found: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def sweep(layout: Layout) -> Swept:
    """Remove what runs that have ended left: control groups with what runs in them, and folders.

    What belongs to a run that lives is not touched.
    """
    found: list[str] = []
    left: list[str] = []
    living: set[str] = set()
    for folder in sorted(base_folder().glob(f"{PREFIX}*")):
        if not folder.is_dir() or folder.is_symlink() or folder.stat().st_uid != os.geteuid():
            continue
        if _is_living(folder):
            living.add(folder.name)
            continue
        found.append(str(folder))
        left += _remove_groups(layout, folder.name)
        shutil.rmtree(folder, ignore_errors=True)
        left += [str(folder)] * folder.exists()
    # Groups of which even the folder is gone, and those that a runtime put elsewhere by the id of its container.
    for group in [*cgroups.ours(layout)]:
        if not any(group.startswith(f"/{name}") for name in living):
            found.append(f"control group {group}")
            left += [f"control group {path}" for path in cgroups.remove(layout, group)]
    return Swept(tuple(found), tuple(left))


def _remove_groups(layout: Layout, name: str) -> list[str]:
    groups = [group for group in cgroups.ours(layout) if group.startswith(f"/{name}")]
    return [f"control group {path}" for group in groups for path in cgroups.remove(layout, group)]


def _is_living(folder: Path) -> bool:
    try:
        return is_locked(folder / _LOCK)
    except OSError:
        # Made a moment ago, or being removed, or somebody else's.
        return (folder / _LOCK).exists()
