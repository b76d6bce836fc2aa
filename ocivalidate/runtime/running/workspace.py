"""Where a run keeps its files.

A run has a token (:mod:`owners`). The names of its folder, its control group and its containers start with
``ocivalidate-<token>``. The folder contains a mark, a file that names its owner and is locked as long as the run
lives; folder, mark and lock are created under another name and moved into place together.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocivalidate.errors import CannotJudge
from ocivalidate.runtime.kernel import claims, syscalls
from ocivalidate.runtime.kernel.cgroups import PREFIX
from ocivalidate.runtime.kernel.owners import Owner
from ocivalidate.system.mounts import mounts

MARK = ".lock"
_MOST_MARK = 4096  # bytes
_TRIES = 20
_SIZE = "1g"


@dataclass(slots=True)
class Workspace:
    """The folder of a run. ``token``: see the module's docstring. ``mounted``: a file system of its own covers it.

    ``place`` is the folder itself, open, and ``inside`` what is seen there: the same, or what covers it.
    """

    folder: Path
    token: str
    lock: int
    place: int
    inside: os.stat_result
    mounted: bool = False

    @property
    def prefix(self) -> str:
        """The prefix of its containers' ids."""
        return f"{PREFIX}{self.token}-"

    def missing(self) -> str:
        """Why nothing can be judged any more: somebody has removed the folder; ``""`` if it exists."""
        with contextlib.suppress(OSError):
            if os.path.samestat(self.inside, self.folder.stat(follow_symlinks=False)):
                return ""
        return f"somebody else removed the folder of this run: {self.folder}"

    def remove(self) -> list[str]:
        """Remove it, and return what is left."""
        try:
            if self.mounted and not self.missing():
                with contextlib.suppress(OSError):
                    syscalls.unmount(str(self.folder))
            # What is there now may be somebody else's.
            return remove_folder(self.folder) if claims.stands(self.place, str(self.folder)) else []
        finally:
            os.close(self.place)
            os.close(self.lock)


def base_folder() -> Path:
    """The parent of the folders of runs: for root always the same, so that each run finds what others left."""
    return Path("/tmp") if os.geteuid() == 0 else Path(tempfile.gettempdir())  # noqa: S108  # names are random


def make(owner: Owner) -> Workspace:
    """Make the folder of a new run.

    In a mount namespace of our own it is a tmpfs, which disappears with the last process that sees it. Raises
    :class:`CannotJudge`.
    """
    try:
        made = _make(owner)
        if syscalls.have_own_mounts():
            try:
                # Its source identifies the processes whose root is on it.
                syscalls.mount(made.folder.name, str(made.folder), "tmpfs", 0, f"mode=711,size={_SIZE}")
            except OSError:
                made.remove()
                raise
            made.mounted, made.inside = True, made.folder.stat()
    except OSError as problem:
        raise CannotJudge(f"cannot create a folder to work in: {problem}") from problem
    return made


def _make(owner: Owner) -> Workspace:
    base = base_folder()
    for left in range(_TRIES, -1, -1):
        token = owner.token()
        folder, temporary = base / f"{PREFIX}{token}", base / f".{PREFIX}{token}"
        try:
            temporary.mkdir(mode=0o700)
        except FileExistsError:
            if left:
                continue
            raise
        lock = -1
        try:
            lock = os.open(temporary / MARK, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.write(lock, json.dumps({"token": token, **owner.facts()}).encode())
            temporary.chmod(0o711)
            # An empty folder of this name is replaced, which does no harm; any other is an error.
            temporary.rename(folder)
        except OSError:
            shutil.rmtree(temporary, ignore_errors=True)
            if lock >= 0:
                os.close(lock)
            if left and folder.exists():
                continue
            raise
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        return Workspace(folder, token, lock, place, os.fstat(place))
    raise AssertionError("the last try returns or raises")


def read_mark(descriptor: int) -> Mapping[str, Any]:
    """The content of an open mark; empty if it is not valid."""
    try:
        said = json.loads(os.pread(descriptor, _MOST_MARK, 0))
    except (OSError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def remove_folder(folder: Path) -> list[str]:
    """Remove the folder of an ended run, its mark last, and return what is left.

    Nothing is removed from mounts below it.
    """
    if _has_mounts(folder):
        return [str(folder)]
    for entry in [*_entries(folder)]:
        if entry.name == MARK:
            continue
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                os.unlink(entry.path)
    if {entry.name for entry in _entries(folder)} <= {MARK}:
        with contextlib.suppress(OSError):
            os.unlink(folder / MARK)
        with contextlib.suppress(OSError):
            folder.rmdir()
    return [str(folder)] if os.path.lexists(folder) else []


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [*entries]
    except OSError:
        return []


def _has_mounts(folder: Path) -> bool:
    try:
        points = [mount.point for mount in mounts()]
    except OSError:
        return True
    return any(point == str(folder) or point.startswith(f"{folder}/") for point in points)
