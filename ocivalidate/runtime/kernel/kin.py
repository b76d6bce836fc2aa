"""Which processes are ours: our descendants. No other process is ever signalled, whatever a runtime claims.

A container process loses its parent when the runtime ends. The kernel then reparents it to the nearest ancestor that
is a subreaper (``PR_SET_CHILD_SUBREAPER``): the keeper of the engine (see :mod:`isolation`), which as root is
the first process of its namespace, or the process that called :func:`gather`. So its chain of parents always leads back
to us, even if a runtime forked twice or created namespaces.
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
    """Record the parent of this process as the keeper, which adopts and reaps our orphans."""
    global _keeper  # noqa: PLW0603  # one per process
    _keeper = keeper


def gather() -> None:
    """Make this process adopt our orphans, unless it has a keeper."""
    global _burying  # noqa: PLW0603  # one per process
    if not _keeper and (_burying is None or _burying.process != os.getpid()):
        syscalls.adopt_orphans()
        _burying = _Undertaker()


def now() -> int:
    """The current time, on the clock of :func:`processes.began`."""
    ticks = os.sysconf("SC_CLK_TCK")
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) * ticks // 1_000_000_000


def descends(pid: int) -> bool:
    """Whether a process descends from us."""
    # A parent may end between two steps; then its children have a new parent.
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
    """A pidfd of a process of ours that began at ``since`` or later; -1 if no process has this number.

    The pidfd always refers to the same process, even after it has ended. Raises :class:`Foreign`.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except (OSError, OverflowError):
        return -1
    began = processes.began(pid)
    if descends(pid) and (not began or int(began) >= since):
        watch(descriptor)
        return descriptor
    # It may have ended meanwhile, and then nothing can happen to it.
    if select.select([descriptor], [], [], 0)[0]:
        return descriptor
    os.close(descriptor)
    raise Foreign(f"process {pid} was not created by the runtime: it does not descend from the process that we started")


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
    """Reap a process of ours when it ends, unless there is a keeper to do so."""
    if _burying is not None and _burying.process == os.getpid():
        _burying.watch(descriptor)


class _Undertaker:
    """Reaps orphans as soon as they end: a runtime may wait until they are gone.

    It reaps only processes passed to it: all other children belong to the code that started them.
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
                # A process that is not our child is reaped by somebody else.
                with contextlib.suppress(OSError):
                    os.waitid(os.P_PIDFD, descriptor, os.WEXITED | os.WNOHANG)
                self._poll.unregister(descriptor)
                os.close(descriptor)
