"""The container process, held by its pidfd, so that no signal ever reaches another process with the same pid."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable, Mapping

from ocivalidate.runtime.kernel import cgroups, kin, processes

_PAUSE = 0.05  # seconds between two calls of ``look`` while waiting


class Process:
    """The process of one container, or none if it is not known yet.

    ``pid`` is 0 for none. ``groups``: the control groups that it was in after ``create``, controller → path.
    ``descriptor``: its pidfd, -1 for none.
    """

    def __init__(self) -> None:
        self.pid = 0
        self.descriptor = -1
        self.groups: Mapping[str, str] = {}

    def remember(self, pid: int, since: int) -> None:
        """Take the process with this pid, which must be ours and must have begun at ``since`` or later.

        Raises :class:`kin.Foreign`; then no process is held.
        """
        self.descriptor = kin.own(pid, since)
        self.pid = pid
        if self.descriptor >= 0:
            with contextlib.suppress(OSError):
                self.groups = cgroups.of_process(pid)

    @property
    def alive(self) -> bool:
        """Whether it has not ended. After its end, other threads may still be exiting."""
        return self.descriptor >= 0 and not self.ends(0) and processes.began(self.pid) != ""

    def ends(self, timeout: float) -> bool:
        """Whether it has ended, or ends within ``timeout`` seconds. A process must be held."""
        poller = select.poll()
        poller.register(self.descriptor, select.POLLIN)
        return bool(poller.poll(timeout * 1000))

    def or_readable(self, descriptor: int, seconds: float, look: Callable[[], None]) -> bool:
        """Wait at most ``seconds`` until it has ended or a descriptor is readable; ``look()`` is called meanwhile."""
        until = time.monotonic() + seconds
        poller = select.poll()
        for one in {descriptor, self.descriptor} - {-1}:
            poller.register(one, select.POLLIN)
        while True:
            left = until - time.monotonic()
            if poller.poll(max(0.0, min(left, _PAUSE)) * 1000):
                return True
            look()
            if left <= 0:
                return False

    def works(self) -> bool:
        """Whether it has not ended and works, or waits for a processor or a disk: it may yet do what it has to."""
        return self.alive and processes.works(self.pid, cgroups.frozen)

    def kill(self) -> None:
        """Kill it, if there is one."""
        if self.descriptor >= 0:
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(self.descriptor, signal.SIGKILL)

    def end(self, timeout: float) -> list[str]:
        """Kill it, wait at most ``timeout`` seconds for its end, and close its pidfd; return what is left, in words."""
        if self.descriptor < 0:
            return []
        try:
            self.kill()
            return [] if self.ends(timeout) else [f"process {self.pid}"]
        finally:
            os.close(self.descriptor)
            self.descriptor = -1
