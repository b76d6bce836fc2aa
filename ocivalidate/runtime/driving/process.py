"""The container process: known by its descriptor, so that nothing is ever sent to another one of the same number."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable, Mapping

from ocivalidate.runtime.kernel import cgroups, kin, processes

_PAUSE = 0.05  # seconds between two looks at something else, while it is waited for


class Process:
    """The process of one container, or none as long as it is not known.

    ``pid`` is 0 for none. ``groups``: the control groups that it was in when it was created, controller → path.
    ``descriptor``: its pidfd, -1 where there is none.
    """

    def __init__(self) -> None:
        self.pid = 0
        self.descriptor = -1
        self.groups: Mapping[str, str] = {}

    def remember(self, pid: int, since: int) -> None:
        """Take a process of this number, which has to be ours and to have begun at a moment or later.

        Raises :class:`kin.Foreign`, and knows of no process then.
        """
        self.descriptor = kin.own(pid, since)
        self.pid = pid
        if self.descriptor >= 0:
            with contextlib.suppress(OSError):
                self.groups = cgroups.of_process(pid)

    @property
    def alive(self) -> bool:
        """Whether it has not ended; of one that has, other threads may still be on their way out."""
        return self.descriptor >= 0 and not self.ends(0) and processes.began(self.pid) != ""

    def ends(self, timeout: float) -> bool:
        """Whether it has ended, or does so within some seconds. There has to be one."""
        poller = select.poll()
        poller.register(self.descriptor, select.POLLIN)
        return bool(poller.poll(timeout * 1000))

    def or_readable(self, descriptor: int, seconds: float, look: Callable[[], None]) -> bool:
        """Wait for some seconds until it has ended, or a descriptor can be read; ``look()`` is called now and then."""
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
        return self.alive and processes.works(self.pid)

    def kill(self) -> None:
        """Kill it, if there is one."""
        if self.descriptor >= 0:
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(self.descriptor, signal.SIGKILL)

    def end(self, timeout: float) -> list[str]:
        """Kill it, wait some seconds for its end, and forget its descriptor; what stayed, in words."""
        if self.descriptor < 0:
            return []
        try:
            self.kill()
            return [] if self.ends(timeout) else [f"process {self.pid}"]
        finally:
            os.close(self.descriptor)
            self.descriptor = -1
