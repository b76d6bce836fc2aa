"""The devices in /dev: nodes of our own for runtimes, and whether these and the host's stay unchanged.

A runtime gets /dev/null as standard input, and bind-mounts nodes of /dev into containers. What it does to the owner or
mode of such a node, it does to the host's. So in the private mounts of a run our own file system covers /dev,
with nodes of the same device numbers but other inodes. Where no nodes can be created (in a container or a user
namespace), the runtime gets the host's, and what it changes is restored.

Only root can change them: as an ordinary user nothing is covered or compared.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from ocivalidate.runtime.kernel import syscalls

_FOLDER = "/dev"
# Every process may use these, and nobody has a reason to change them during a run. Others change for reasons of
# their own: terminals when users log in, disks when they are plugged in.
_COMMON = ("null", "zero", "full", "random", "urandom", "tty", "ptmx", "console", "fuse", "kmsg", "net/tun")
_MOST = 4096  # nodes
_DEEPEST = 3

Owned = tuple[int, int, int]
"""Owner, group, and mode without the file type."""


@dataclass(slots=True)
class Nodes:
    """The nodes in a directory as they were at first; ``folder`` is its descriptor, -1 for none."""

    folder: int = -1
    before: dict[str, Owned] = field(default_factory=dict)
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def put_back(self) -> list[str]:
        """Restore owner and mode of each node that has changed, and return a line on each change."""
        with self._one_at_a_time:
            return [self._mend(name, was) for name, was in self.before.items() if self._differs(name, was)]

    def _differs(self, name: str, was: Owned) -> bool:
        return _owned(self.folder, name) not in (None, was)

    def _mend(self, name: str, was: Owned) -> str:
        now = _owned(self.folder, name) or was
        with contextlib.suppress(OSError):
            # The device may have been covered, or replaced by a link; we follow neither.
            os.chown(name, was[0], was[1], dir_fd=self.folder, follow_symlinks=False)
            descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self.folder)
            try:
                os.chmod(f"/proc/self/fd/{descriptor}", was[2])
            finally:
                os.close(descriptor)
        return f"{_FOLDER}/{name} changed from {_words(was)} to {_words(now)}"

    def close(self) -> None:
        """Forget them."""
        if self.folder >= 0:
            os.close(self.folder)
        self.folder, self.before = -1, {}


@dataclass(slots=True)
class Devices:
    """The nodes that the runtime gets (``given``) and, if those are our own, the ``hosts``, which are out of its reach.

    ``changed``: the changes to ``given`` so far, which were restored.
    """

    given: Nodes = field(default_factory=Nodes)
    hosts: Nodes = field(default_factory=Nodes)
    changed: dict[str, None] = field(default_factory=dict)

    def look(self) -> list[str]:
        """What the runtime has changed so far; everything has been restored."""
        self.changed |= dict.fromkeys(self.given.put_back())
        return [*self.changed]

    def close(self) -> list[str]:
        """Stop comparing; return what anybody changed in the host's own nodes meanwhile, which was restored."""
        self.look()
        found = self.hosts.put_back()
        self.given.close()
        self.hosts.close()
        return found


def cover() -> Devices:
    """Cover /dev with nodes of our own, in the mount namespace of this process, and record their state."""
    host = os.open(_FOLDER, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    # A node that is not root's now was changed before: somebody may repair it during the run.
    common = {name: owned for name in _COMMON if (owned := _owned(host, name)) is not None and owned[0] == 0}
    try:
        syscalls.mount("ocivalidate", _FOLDER, "tmpfs", syscalls.MS_NOSUID | syscalls.MS_NOEXEC, "mode=755,size=1m")
    except OSError:
        return Devices(Nodes(host, common))
    try:
        names = [name for name, kind in _walk(host) if _make(host, name, kind)]
    except OSError:
        syscalls.unmount(_FOLDER)
        return Devices(Nodes(host, common))
    own = os.open(_FOLDER, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    given = {name: owned for name in names if (owned := _owned(own, name)) is not None}
    return Devices(Nodes(own, given), Nodes(host, common))


def _walk(host: int, below: str = "", left: int = _MOST) -> Iterator[tuple[str, os.stat_result]]:
    """The entries of the host's /dev and of its directories, but not of other mounts in them."""
    descriptor = os.open(below or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=host)
    try:
        own = os.fstat(descriptor).st_dev
        for entry in sorted(os.listdir(descriptor))[:left]:
            name = f"{below}/{entry}" if below else entry
            try:
                kind = os.stat(name, dir_fd=host, follow_symlinks=False)
            except FileNotFoundError:
                continue
            yield name, kind
            if stat.S_ISDIR(kind.st_mode) and kind.st_dev == own and name.count("/") < _DEEPEST:
                yield from _walk(host, name, left)
    finally:
        os.close(descriptor)


def _make(host: int, name: str, kind: os.stat_result) -> bool:
    """Create the same entry in /dev, and return whether it is a device. Raises :class:`OSError`."""
    path = f"{_FOLDER}/{name}"
    if stat.S_ISLNK(kind.st_mode):
        os.symlink(os.readlink(name, dir_fd=host), path)
    elif stat.S_ISDIR(kind.st_mode):
        os.mkdir(path)
        if kind.st_dev != os.fstat(host).st_dev:
            syscalls.mount(f"/proc/self/fd/{host}/{name}", path, flags=syscalls.MS_BIND | syscalls.MS_REC)
            return False
        _own(path, kind)
    elif stat.S_ISCHR(kind.st_mode) or stat.S_ISBLK(kind.st_mode):
        os.mknod(path, kind.st_mode, kind.st_rdev)
        _own(path, kind)
        return True
    return False


def _own(path: str, kind: os.stat_result) -> None:
    os.chown(path, kind.st_uid, kind.st_gid)
    os.chmod(path, stat.S_IMODE(kind.st_mode))


def _owned(folder: int, name: str) -> Owned | None:
    """Owner and mode of a device; ``None`` if there is no device of this name."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return None
    if not (stat.S_ISCHR(found.st_mode) or stat.S_ISBLK(found.st_mode)):
        return None
    return found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)


def _words(owned: Owned) -> str:
    uid, gid, mode = owned
    return f"{uid}:{gid} with mode {mode:04o}"
