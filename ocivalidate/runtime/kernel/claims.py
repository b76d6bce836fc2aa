"""Claims on folders: an open folder, or a file in it, with a lock that the kernel frees with its holder.

A control group is a folder too, and all who see the group share its lock, whatever mounts, processes and control groups
they see besides. So nobody has to find the holder to know whether it lives.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from ocivalidate.runtime.kernel import cgroups
from ocivalidate.runtime.kernel.cgroups import Layout

_PATIENCE = 5.0  # seconds in which others who look at a new group are to be done with it
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

Lock = Literal["taken", "held", "none"]


def lock(descriptor: int) -> Lock:
    """Take the lock of an open file: ``held`` by somebody else, ``none`` where there are no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as problem:
        return "held" if problem.errno in (errno.EWOULDBLOCK, errno.EACCES) else "none"
    return "taken"


@contextlib.contextmanager
def opened(path: str) -> Iterator[int]:
    """A folder, open. Raises :class:`OSError` when it is none, or a link to one."""
    descriptor = os.open(path, _FOLDER)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def stands(descriptor: int, path: str) -> bool:
    """Whether a path still leads to an open file."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path, follow_symlinks=False))
    except OSError:
        return False


@dataclass(slots=True)
class GroupClaim:
    """A control group of ours, ``""`` for none: its open folders, by their paths."""

    layout: Layout
    group: str
    folders: dict[str, int] = field(default_factory=dict)

    def missing(self) -> str:
        """The folder that somebody has removed, or ``""``."""
        return next((path for path, descriptor in self.folders.items() if not stands(descriptor, path)), "")

    def close(self) -> None:
        """Give it up."""
        for descriptor in self.folders.values():
            os.close(descriptor)
        self.folders.clear()


def make_group(where: Layout, group: str) -> GroupClaim:
    """Make a control group in every hierarchy that can be written, and claim it.

    Whoever looks for what ended runs left may meet a group before it is claimed, and remove it; then it is made again.
    Raises :class:`OSError` when others never let go of it.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        cgroups.make(where, group)
        claim = _claim(GroupClaim(where, group))
        if claim is not None:
            # What was removed before it was claimed comes back, and then it is not among what was.
            cgroups.make(where, group)
            if [*claim.folders] == cgroups.folders(where, group):
                return claim
            claim.close()
        if time.monotonic() > deadline:
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), group)
        time.sleep(0.005)


NO_GROUP = GroupClaim(Layout("none", {}, ""), "")


def _claim(claim: GroupClaim) -> GroupClaim | None:
    try:
        for folder in cgroups.folders(claim.layout, claim.group):
            claim.folders[folder] = descriptor = os.open(folder, _FOLDER)
            with contextlib.suppress(OSError):
                # Who may not read it cannot take its lock either.
                os.fchmod(descriptor, 0o711)
            if lock(descriptor) == "held" or not stands(descriptor, folder):
                claim.close()
                return None
    except OSError:
        claim.close()
        return None
    return claim
