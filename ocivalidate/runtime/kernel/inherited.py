"""What a process inherits from whoever starts it, and what would show in verdicts on a runtime.

A mask of new files that closes them to others, a signal that is ignored or blocked, few open files: services, ``nohup``
and hardened hosts start us with any of these. None of it may reach bundles, runtimes or containers.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress

from ocivalidate.runtime.kernel import cgroups

UMASK = 0o022
"""The mask of new files under which bundles are made and runtimes are called."""
# Python itself ignores these, and gives them back to whatever it starts.
_OF_PYTHON = {"SIGPIPE", "SIGXFSZ"}
# Measured: a run keeps 36 files open, and 4 for each case at a time; conformance/rlimits.py has limits of 302.
_FILES, _FILES_OF_A_CASE = 320, 8
# Measured: 75 processes and threads for two cases at a time with runc, 128 for eight.
_PROCESSES, _PROCESSES_OF_A_CASE = 64, 32


def forget_signals() -> None:
    """Have this process and all that it starts ignore and block no signal."""
    python = {getattr(signal, name) for name in _OF_PYTHON}
    for number in signal.valid_signals() - python:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def wait_for_children() -> None:
    """Have the kernel tell how children ended: where SIGCHLD is ignored it forgets them, and each seems to succeed."""
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        with suppress(ValueError):  # only the first thread may; another cannot know what the rest of the program wants
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def common_umask() -> int:
    """Take the common mask of new files, and return the one that was there."""
    return os.umask(UMASK)


def too_few_files(jobs: int) -> str:
    """What is wrong with our limit of open files for so many cases at a time; ``""`` where it will do."""
    import resource  # absent where no runtime is driven, but the command line is loaded

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    enough = _FILES + _FILES_OF_A_CASE * jobs
    if limit == resource.RLIM_INFINITY or limit >= enough:
        return ""
    return f"the limit of open files is too low: {limit}, {enough} will do (ulimit -n)"


def too_few_processes(jobs: int) -> str:
    """The same for processes, by the control group in which we are. Raises :class:`OSError`."""
    left = _processes_left()
    enough = _PROCESSES + _PROCESSES_OF_A_CASE * jobs
    if left is None or left >= enough:
        return ""
    return f"the control group lets {left} more processes begin, {enough} will do (pids.max, --jobs)"


def cases_at_a_time() -> int:
    """As many as this process has processors, and may have processes for. Raises :class:`OSError`."""
    most, left = len(os.sched_getaffinity(0)), _processes_left()
    return most if left is None else max(1, min(most, (left - _PROCESSES) // _PROCESSES_OF_A_CASE))


def _processes_left() -> int | None:
    return cgroups.processes_left(cgroups.layout(), cgroups.of_process(os.getpid()))
