"""Claims on directories: an open directory, or a file in it, with a lock that the kernel releases when its holder ends.

A control group is a directory too. Every process that sees the group sees its lock, whatever mount, PID or cgroup
namespace it is in, so nobody has to find the holder to know whether it is alive.
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

_PATIENCE = 30.0  # seconds for others to finish looking at a new group
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

Lock = Literal["taken", "held", "none"]


def lock(descriptor: int) -> Lock:
    """Take the lock of an open file. ``held``: somebody else has it. ``none``: locks are not supported here."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as problem:
        return "held" if problem.errno in (errno.EWOULDBLOCK, errno.EACCES) else "none"
    return "taken"


@contextlib.contextmanager
def opened(path: str) -> Iterator[int]:
    """Open a directory. Raises :class:`OSError` if it is not a directory, or is a symbolic link to one."""
    descriptor = os.open(path, _FOLDER)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def stands(descriptor: int, path: str) -> bool:
    """Whether a path still leads to this open file."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path, follow_symlinks=False))
    except OSError:
        return False


@dataclass(slots=True)
class GroupClaim:
    """A control group of ours (``""`` for none) and its open directories, by path."""

    layout: Layout
    group: str
    folders: dict[str, int] = field(default_factory=dict)

    def missing(self) -> str:
        """The directory that somebody has removed, or ``""``."""
        return next((path for path, descriptor in self.folders.items() if not stands(descriptor, path)), "")

    def close(self) -> None:
        """Release the claim."""
        for descriptor in self.folders.values():
            os.close(descriptor)
        self.folders.clear()


def make_group(where: Layout, group: str) -> GroupClaim:
    """Create a control group in every writable hierarchy, and claim it.

    Another run that cleans up may find the group before it is claimed, and remove it; then it is created again.
    Raises :class:`OSError` if others keep its lock.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        cgroups.make(where, group)
        claim = _claim(GroupClaim(where, group))
        if claim is not None:
            # A group removed before it was claimed is created again, and must not count as already there.
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
                # Without permission to read it, its lock cannot be taken either.
                os.fchmod(descriptor, 0o711)
            if lock(descriptor) == "held" or not stands(descriptor, folder):
                claim.close()
                return None
    except OSError:
        claim.close()
        return None
    return claim
