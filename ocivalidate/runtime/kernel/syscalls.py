"""The system calls that Python 3.11 does not offer: unshare, mount, umount2, prctl, inotify.

Linux only; imported only where a runtime is run. Every function raises :class:`OSError`.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import time
from dataclasses import dataclass

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REMOUNT = 0x20
MS_NOSYMFOLLOW = 0x100
MS_NOATIME = 0x400
MS_NODIRATIME = 0x800
MS_BIND = 0x1000
MS_MOVE = 0x2000
MS_REC = 0x4000
MS_UNBINDABLE = 1 << 17
MS_PRIVATE = 1 << 18
MS_SLAVE = 1 << 19
MS_SHARED = 1 << 20
MS_STRICTATIME = 1 << 24
MNT_DETACH = 2

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

_CHANGES = 0x2 | 0x8  # IN_MODIFY and IN_CLOSE_WRITE
# How often a remount is tried while a file is open there, and the seconds between.
_BUSY_TRIES, _BUSY_PAUSE = 100, 0.01
_IN_CLOEXEC = 0o2000000
_IN_NONBLOCK = 0o4000


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
    return result


@dataclass(slots=True)
class _Mounts:
    """The mount namespace that this process has made, by the number of its inode; 0 for none.

    Children by fork(2) have it too.
    """

    made: int = 0


_OWN = _Mounts()
_UNSEEN = 1  # no namespace has it


def unshare(flags: int) -> None:
    """Move this process into new namespaces (``CLONE_NEW*``)."""
    _checked(_libc().unshare(flags), "unshare")
    if flags & CLONE_NEWNS:
        _OWN.made = _mount_namespace()


def have_own_mounts() -> bool:
    """Whether this thread is in the mount namespace that its process, or one it was forked from, has made.

    Where /proc is out of sight, as for a moment in isolation.py, what was made last is believed to be where we are.
    """
    return _OWN.made != 0 and (_OWN.made == _UNSEEN or _mount_namespace() in (_OWN.made, _UNSEEN))


def _mount_namespace() -> int:
    """The number of the namespace's inode, or ``_UNSEEN``."""
    try:
        return os.stat("/proc/thread-self/ns/mnt").st_ino
    except OSError:
        return _UNSEEN


def _refuse_the_hosts(target: str) -> None:
    """No mount of ours is ever made or removed where others can see it, whatever the caller believes."""
    if not have_own_mounts():
        raise PermissionError(errno.EPERM, "not in a mount namespace of its own", target)


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """Attach a file system, in a mount namespace that this process has made by :func:`unshare`, and nowhere else.

    A remount waits a moment while a file is open there for writing: a child that another thread is just forking has
    all our descriptors until it executes its program.
    """
    _refuse_the_hosts(target)
    arguments = (source.encode(), os.fsencode(target), kind.encode() or None, ctypes.c_ulong(flags), data.encode())
    left = _BUSY_TRIES if flags & MS_REMOUNT else 1
    while (result := _libc().mount(*arguments)) < 0 and ctypes.get_errno() == errno.EBUSY and (left := left - 1):
        time.sleep(_BUSY_PAUSE)
    _checked(result, target)


def unmount(target: str, flags: int = MNT_DETACH) -> None:
    """umount2(2); by default lazy: the mount disappears at once, and its users keep their open files.

    As with :func:`mount`, in a namespace of our own alone.
    """
    _refuse_the_hosts(target)
    _checked(_libc().umount2(os.fsencode(target), flags), target)


def die_with_parent(signal: int) -> None:
    """Have the kernel send this process ``signal`` when its parent ends."""
    _checked(_libc().prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal), 0, 0, 0), "prctl")


def adopt_orphans() -> None:
    """Make this process the subreaper of its descendants."""
    _checked(_libc().prctl(PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(1), 0, 0, 0), "prctl")


def watch(path: str) -> int:
    """A descriptor that becomes readable whenever the file ``path`` changes (inotify(7)); the caller closes it."""
    descriptor = _checked(_libc().inotify_init1(_IN_CLOEXEC | _IN_NONBLOCK), "inotify_init1")
    try:
        _checked(_libc().inotify_add_watch(descriptor, os.fsencode(path), ctypes.c_uint32(_CHANGES)), path)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def number_of_sched_setattr() -> int:
    """What number this machine has for sched_setattr(2)."""
    return 314 if os.uname().machine == "x86_64" else 274
