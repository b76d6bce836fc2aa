"""Namespaces around the engine, so that it leaves nothing on the host, however it ends.

The engine gets a mount namespace, so that none of its mounts can be seen from outside, and a PID
namespace: when the first process there ends, even by ``kill -9``, the kernel kills every process in it, containers
included, and the mounts go with the last process. An ordinary user cannot have these namespaces. There a keeper, the
parent of the engine, adopts the orphans of everything that the engine runs, and kills what is left in the end.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import sys
import time
from collections.abc import Callable

from ocivalidate.runtime.kernel import kin, processes, syscalls

_LOW_NUMBERS = 1000


_PRIVATE = syscalls.MS_REC | syscalls.MS_PRIVATE
# As many steps as one call takes; no path that can be named is deeper.
_ALL_THE_WAY_UP = "../" * 1300


def private_mounts() -> None:
    """Move this process into a mount namespace of its own. It must not have started a thread.

    Its root is that of the namespace then, also where it was a folder somewhere (chroot(2)): no user namespace could be
    made else (user_namespaces(7)). Raises :class:`OSError`.
    """
    syscalls.unshare(syscalls.CLONE_NEWNS)
    try:
        syscalls.mount("none", "/", flags=_PRIVATE)
    except OSError as problem:
        # The root is no mount point.
        if problem.errno != errno.EINVAL:
            raise
        _make_root_of_all()


def _make_root_of_all() -> None:
    """Have the folder that is our root become that of this namespace, which nobody else is in.

    All mounts have to be private before the first is made, and they hang on one that is out of reach. A process whose
    folder is not below its root can leave it by ``..``.
    """
    here = os.getcwd()
    root = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    os.chroot(os.path.dirname(os.path.realpath(__file__)))
    os.fchdir(root)
    os.chdir(_ALL_THE_WAY_UP)
    syscalls.mount("none", ".", flags=_PRIVATE)
    os.chroot(".")
    os.fchdir(root)
    os.close(root)
    path = os.getcwd()
    syscalls.mount(path, path, flags=syscalls.MS_BIND | syscalls.MS_REC)
    os.chdir(path)
    syscalls.mount(path, "/", flags=syscalls.MS_MOVE)
    os.chroot(".")
    os.chdir(here)


def run_isolated(work: Callable[[], int]) -> int:
    """Run ``work`` in namespaces of its own and return its exit code. No thread may have been started.

    Raises :class:`OSError` if the namespaces cannot be created.
    """
    private_mounts()
    syscalls.unshare(syscalls.CLONE_NEWPID)
    # Otherwise every process would write what is buffered.
    sys.stdout.flush()
    first = os.fork()
    if first == 0:
        os._exit(_as_first_process(work))
    # SIGTERM to this process ends the namespace. Interrupts are left to the engine, which stops in good order.
    _hand_on_termination(first)
    return _wait_for(first)


def _as_first_process(work: Callable[[], int]) -> int:
    """The first process of the namespace: start the engine, and reap the processes that containers leave."""
    syscalls.die_with_parent(signal.SIGKILL)
    syscalls.mount("proc", "/proc", "proc", syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC)
    _leave_low_numbers()
    return bury_until_end_of(_fork_engine(work))


def _leave_low_numbers() -> None:
    """Have the kernel give nobody else here the numbers that processes have in new PID namespaces.

    A runtime that takes such a number for one of this namespace (crun 1.8.1 does, when a container fails that has new
    PID and time namespaces) kills whoever has it: that would be the engine.
    """
    with contextlib.suppress(OSError), open("/proc/sys/kernel/ns_last_pid", "w", encoding="ascii") as file:
        file.write(str(_LOW_NUMBERS))


def run_kept(work: Callable[[], int]) -> int:
    """Run ``work`` in a child process; this one adopts everything that the child leaves, and kills it in the end.

    For users who cannot have namespaces. Returns the child's exit code.
    """
    syscalls.adopt_orphans()
    sys.stdout.flush()
    engine = _fork_engine(work)
    _hand_on_termination(engine)
    code = bury_until_end_of(engine)
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
    """Pass SIGTERM on to a child. This process goes on waiting for it."""
    descriptor = os.pidfd_open(child)

    def end(*_: object) -> None:
        # By pidfd: the number may be another process's by now.
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)

    signal.signal(signal.SIGTERM, end)


def bury_until_end_of(engine: int) -> int:
    """Wait for the end of a child, reaping whatever else ends, and return its exit code."""
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == engine:
            return _exit_code(status)


def _end_children(timeout: float = 5.0) -> None:
    """Kill the children of this process, and theirs, which it adopts, and wait at most ``timeout`` seconds."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        for child in processes.children():
            # Nobody else can reap it, so the number is still its own.
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
    except BaseException:  # noqa: BLE001  # reported like any other, but by this process
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
        return 70


def _wait_for(process: int) -> int:
    _, status = os.waitpid(process, 0)
    return _exit_code(status)


def _exit_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code
