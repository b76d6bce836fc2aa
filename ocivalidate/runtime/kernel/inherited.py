"""Process state that we inherit from our caller and that could change verdicts on a runtime.

A strict umask, an ignored or blocked signal, a low limit of open files: services, ``nohup``
and hardened hosts start us with any of these. None of it may reach bundles, runtimes or containers.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress

from ocivalidate.runtime.kernel import cgroups

UMASK = 0o022
"""The umask with which bundles are made and runtimes are called."""
# Python itself ignores these, and restores them in the programs that it starts.
_OF_PYTHON = {"SIGPIPE", "SIGXFSZ"}
# Measured: a run keeps 36 files open, plus 4 per concurrent case; conformance/rlimits.py has limits of 302.
_FILES, _FILES_OF_A_CASE = 320, 8
# Measured with runc: 75 processes and threads for two concurrent cases, 128 for eight.
_PROCESSES, _PROCESSES_OF_A_CASE = 64, 32


def forget_signals() -> None:
    """Make sure that no signal is ignored or blocked in this process and all that it starts."""
    python = {getattr(signal, name) for name in _OF_PYTHON}
    for number in signal.valid_signals() - python:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def wait_for_children() -> None:
    """Have the kernel report how children ended: with SIGCHLD ignored it does not, and every child seems to succeed."""
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        with suppress(ValueError):  # only the main thread may change it; elsewhere the program's own choice stands
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def common_umask() -> int:
    """Set the common umask, and return the previous one."""
    return os.umask(UMASK)


def too_few_files(jobs: int) -> str:
    """Why our limit of open files is too low for that many concurrent cases; ``""`` if it is high enough."""
    import resource  # absent on systems where only the command line is loaded

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    enough = _FILES + _FILES_OF_A_CASE * jobs
    if limit == resource.RLIM_INFINITY or limit >= enough:
        return ""
    return f"the limit of open files is {limit}, expected at least {enough} (ulimit -n)"


def too_few_processes(jobs: int) -> str:
    """The same for processes, as limited by our control group. Raises :class:`OSError`."""
    left = _processes_left()
    enough = _PROCESSES + _PROCESSES_OF_A_CASE * jobs
    if left is None or left >= enough:
        return ""
    return f"the control group allows {left} more processes, expected at least {enough} (pids.max, --jobs)"


def cases_at_a_time() -> int:
    """One case per usable processor, as far as the limit of processes allows. Raises :class:`OSError`."""
    most, left = len(os.sched_getaffinity(0)), _processes_left()
    return most if left is None else max(1, min(most, (left - _PROCESSES) // _PROCESSES_OF_A_CASE))


def _processes_left() -> int | None:
    return cgroups.processes_left(cgroups.layout(), cgroups.of_process(os.getpid()))
