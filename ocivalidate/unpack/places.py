"""Whether two paths are the same place, or one contains the other, whatever their names.

Names prove nothing: links, case and ``..`` can make two of them the same place. So devices and inodes are compared,
including those of all parent folders. A bind mount hides the parents, so paths on the file system itself are compared
too.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from ocivalidate.errors import UnpackError
from ocivalidate.system import mounts as mountinfo
from ocivalidate.system.mounts import Mount
from ocivalidate.unpack.flags import REACH, TOUCH

Identity = tuple[int, int]
"""Device and inode."""

# Mode bits: search permission for group and others. With an access control list the group bits are its mask.
OTHERS = 0o011
_MOUNT_ID = re.compile(rb"^mnt_id:\s*(\d+)$", re.MULTILINE)


def changed(path: bytes) -> UnpackError:
    """The error for a folder that another process changed while it was being written."""
    from ocivalidate.image.layers.problems import shown

    return UnpackError(f"another process changed the directory while it was being written: {shown(path)}")


class Place(NamedTuple):
    """A place in the file system.

    ``above``: its parent folders, as far as they can be reached. ``device`` and ``path``: where it is on its file
    system, regardless of mounts; empty when the system does not say.
    """

    identity: Identity
    above: frozenset[Identity]
    device: str = ""
    path: str = ""

    def is_in(self, other: Place) -> bool:
        """Whether this is the other, or lies somewhere in it."""
        if other.identity == self.identity or other.identity in self.above:
            return True
        if not self.device or self.device != other.device:
            return False
        return self.path == other.path or self.path.startswith(other.path.rstrip("/") + "/")


def identity(status: os.stat_result) -> Identity:
    """Device and inode, which identify it."""
    return status.st_dev, status.st_ino


def place(descriptor: int) -> Place:
    """The place of an open file or folder. Raises :class:`OSError`."""
    own = identity(os.fstat(descriptor))
    path = _path(descriptor)
    mount = next((found for found in mounts() if found.number == mount_id(descriptor)), None)
    device = inside = ""
    if mount is not None and path is not None and path.startswith(mount.point.rstrip("/")):
        rest = path[len(mount.point.rstrip("/")) :]
        device, inside = mount.device, mount.root.rstrip("/") + rest or "/"
    return Place(own, _above(descriptor, path), device, inside)


def named(path: str) -> Place | None:
    """The place at a path, through links; ``None`` when it leads nowhere."""
    try:
        descriptor = os.open(path, TOUCH & ~os.O_NOFOLLOW)
    except (OSError, ValueError):
        return None
    try:
        return place(descriptor)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def mount_id(descriptor: int) -> str:
    """The mount of an open file or folder; empty when the system does not say."""
    try:
        with open(f"/proc/self/fdinfo/{descriptor}", "rb") as file:
            found = _MOUNT_ID.search(file.read(4096))
    except OSError:
        return ""
    return found[1].decode() if found else ""


def mounts() -> list[Mount]:
    """The mounts of this process; none when the system does not say."""
    try:
        return mountinfo.mounts()
    except OSError:
        return []


def mounted_in(descriptor: int) -> str | None:
    """The first place below an open folder at which something is mounted."""
    path = _path(descriptor)
    if path is None:
        return None
    below = path.rstrip("/") + "/"
    return next((mount.point for mount in mounts() if mount.point.startswith(below)), None)


def _path(descriptor: int) -> str | None:
    try:
        path = os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return None
    return path if path.startswith("/") else None


def open_to_others(folder: int) -> bool:
    """Whether other users can enter an open folder, starting from the root."""
    current, seen = os.dup(folder), set[Identity]()
    try:
        while identity(status := os.fstat(current)) not in seen:
            if not status.st_mode & OTHERS:
                return False
            seen.add(identity(status))
            try:
                above = os.open("..", REACH, dir_fd=current)
            except OSError:
                return False
            os.close(current)
            current = above
        return True
    finally:
        os.close(current)


def _above(descriptor: int, path: str | None) -> frozenset[Identity]:
    """The parent folders of something open, from the nearest up to the root."""
    found: set[Identity] = set()
    try:
        current = os.open("..", REACH, dir_fd=descriptor)
    except NotADirectoryError:
        if path is None:
            return frozenset()
        try:
            current = os.open(os.path.dirname(path), REACH)
        except OSError:
            return frozenset()
    except OSError:
        return frozenset()
    while (own := identity(os.fstat(current))) not in found:
        found.add(own)
        try:
            above = os.open("..", REACH, dir_fd=current)
        except OSError:
            break
        finally:
            os.close(current)
        current = above
    else:
        os.close(current)
    return frozenset(found)
