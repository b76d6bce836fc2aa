"""Namespaces around the engine, so that whatever becomes of it, nothing of it stays on the host.

The engine gets a mount namespace of its own, in which nothing that it mounts can be seen from outside, and a process
namespace of its own: when its first process ends, even by ``kill -9``, the kernel ends every process in it, containers
included, and with the last process go the mounts. An ordinary user has no such namespaces: there a keeper, the parent
of the engine, takes in the orphans of all that the engine runs, and ends what is left of it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable

from ocivalidate.runtime.kernel import kin, processes, syscalls


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
    _hand_on_termination(first)
    return _wait_for(first)


def _as_first_process(work: Callable[[], int]) -> int:
    """What the first process of the namespace does: start the engine, and bury whatever its containers leave."""
    syscalls.die_with_parent(signal.SIGKILL)
    syscalls.mount("proc", "/proc", "proc", syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC)
    return _bury_until_end_of(_fork_engine(work))


def run_kept(work: Callable[[], int]) -> int:
    """Run ``work`` in a process whose parent, this one, takes in and in the end kills all that it leaves.

    This is for whoever cannot have namespaces. Returns its exit code.
    """
    syscalls.adopt_orphans()
    sys.stdout.flush()
    engine = _fork_engine(work)
    _hand_on_termination(engine)
    code = _bury_until_end_of(engine)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _end_children()
    return code


def _fork_engine(work: Callable[[], int]) -> int:
    keeper = os.getpid()
    engine = os.fork()
    if engine == 0:
        syscalls.die_with_parent(signal.SIGKILL)
        kin.keep(keeper)
        os._exit(_guarded(work))
    return engine


def _hand_on_termination(child: int) -> None:
    """Have SIGTERM end a child instead of this process, which waits for that."""
    descriptor = os.pidfd_open(child)

    def end(*_: object) -> None:
        # By its descriptor: the number may be another process's by now.
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)

    signal.signal(signal.SIGTERM, end)


def _bury_until_end_of(engine: int) -> int:
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == engine:
            return _exit_code(status)


def _end_children(timeout: float = 5.0) -> None:
    """Kill the children of this process, and theirs, which become its own; none of them is waited for without end."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        for child in processes.children():
            # Nobody else can bury it, so the number is still its own.
            with contextlib.suppress(PermissionError):
                os.kill(child, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.002)


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
