"""Which processes are ours: those that descend from us. Whatever a runtime names, no other is ever signalled.

A process of a container loses its parents when the runtime ends. The kernel then gives it to the nearest ancestor that
asked for such orphans (``PR_SET_CHILD_SUBREAPER``): the keeper of the engine (see :mod:`isolation`), which as root is
the first process of its namespace, or the process that called :func:`gather`. So the line of parents always leads back
to us, also where a runtime has forked twice, or made namespaces.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import time

from ocivalidate.errors import OciValidateError
from ocivalidate.runtime.kernel import processes, syscalls

_keeper = 0
_burying: _Undertaker | None = None


class Foreign(OciValidateError):
    """A process is not ours. The message is one line."""


def keep(keeper: int) -> None:
    """Note the parent of this process, to which orphans of ours come, and which buries them."""
    global _keeper  # noqa: PLW0603  # a process has one
    _keeper = keeper


def gather() -> None:
    """Have orphans of ours come to this process, unless it has a keeper."""
    global _burying  # noqa: PLW0603  # a process has one
    if not _keeper and (_burying is None or _burying.process != os.getpid()):
        syscalls.adopt_orphans()
        _burying = _Undertaker()


def now() -> int:
    """This moment, on the clock of :func:`processes.began`."""
    ticks = os.sysconf("SC_CLK_TCK")
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) * ticks // 1_000_000_000


def descends(pid: int) -> bool:
    """Whether a process descends from us."""
    # A parent may end between two looks; then its children have another one.
    return any(_leads_to_us(pid) for _ in range(3))


def _leads_to_us(pid: int) -> bool:
    ours = {os.getpid(), _keeper} - {0}
    if pid in ours:
        return False
    while (pid := processes.parent(pid)) > 0:
        if pid in ours:
            return True
    return False


def own(pid: int, since: int = 0) -> int:
    """A pidfd of a process of ours that began at a moment or later; -1 when no process has this number.

    Raises :class:`Foreign`. What it gives is one process for ever: it may have ended, but is never another one.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except (OSError, OverflowError):
        return -1
    began = processes.began(pid)
    if descends(pid) and (not began or int(began) >= since):
        watch(descriptor)
        return descriptor
    # While we looked it may have ended, and nothing can be done to it any more.
    if select.select([descriptor], [], [], 0)[0]:
        return descriptor
    os.close(descriptor)
    raise Foreign(f"process {pid} is not one that the runtime made: it does not descend from what we ran")


def kill(pid: int) -> None:
    """Kill a process, if it is ours."""
    try:
        descriptor = own(pid)
    except Foreign:
        return
    if descriptor >= 0:
        try:
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        except OSError:
            pass
        finally:
            os.close(descriptor)


def watch(descriptor: int) -> None:
    """Have a process of ours buried when it ends, where there is no keeper to do so."""
    if _burying is not None and _burying.process == os.getpid():
        _burying.watch(descriptor)


class _Undertaker:
    """Takes the exit status of orphans as soon as they end: a runtime may wait until they are gone.

    It takes only that of processes that were given to it: all other children belong to whoever started them.
    """

    def __init__(self) -> None:
        self.process = os.getpid()
        self._poll = select.epoll()
        threading.Thread(target=self._bury, daemon=True, name="undertaker").start()

    def watch(self, descriptor: int) -> None:
        own = os.dup(descriptor)
        try:
            self._poll.register(own, select.EPOLLIN | select.EPOLLONESHOT)
        except OSError:
            os.close(own)

    def _bury(self) -> None:
        while True:
            for descriptor, _ in self._poll.poll():
                # One that is not a child of ours somebody else buries.
                with contextlib.suppress(OSError):
                    os.waitid(os.P_PIDFD, descriptor, os.WEXITED | os.WNOHANG)
                self._poll.unregister(descriptor)
                os.close(descriptor)
