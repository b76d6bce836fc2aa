"""Namespaces around the engine, so that whatever becomes of it, nothing of it stays on the host.

The engine gets a mount namespace of its own, in which nothing that it mounts can be seen from outside, and a process
namespace of its own: when its first process ends, even by ``kill -9``, the kernel ends every process in it, containers
included, and with the last process go the mounts.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

from ocivalidate.runtime.kernel import syscalls


def private_mounts() -> None:
    """Put this process into a mount namespace of its own. It must not have started a thread."""
    syscalls.unshare(syscalls.CLONE_NEWNS)
    syscalls.mount("none", "/", flags=syscalls.MS_REC | syscalls.MS_PRIVATE)


def run_isolated(work: Callable[[], int]) -> int:
    """Run ``work`` in namespaces of its own and return its exit code. No thread may have been started.

    Raises :class:`OSError` where namespaces cannot be made.
    """
    private_mounts()
    syscalls.unshare(syscalls.CLONE_NEWPID)
    # What is buffered would be written by every process.
    sys.stdout.flush()
    first = os.fork()
    if first == 0:
        os._exit(_as_first_process(work))
    # Whoever ends this process ends the namespace; an interrupt is for the engine to obey, in order.
    signal.signal(signal.SIGTERM, lambda *_: os.kill(first, signal.SIGKILL))
    return _wait_for(first)


def _as_first_process(work: Callable[[], int]) -> int:
    """What the first process of the namespace does: start the engine, and bury whatever its containers leave."""
    syscalls.die_with_parent(signal.SIGKILL)
    syscalls.mount("proc", "/proc", "proc", syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC)
    engine = os.fork()
    if engine == 0:
        os._exit(_guarded(work))
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == engine:
            return _exit_code(status)


def _guarded(work: Callable[[], int]) -> int:
    try:
        code = work()
        sys.stdout.flush()
        return code
    except BaseException:  # noqa: BLE001  # told like any other, but by this process
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
        return 70


def _wait_for(process: int) -> int:
    _, status = os.waitpid(process, 0)
    return _exit_code(status)


def _exit_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code
