"""What a process inherits from whoever starts it, and what would show in verdicts on a runtime.

A mask of new files that closes them to others, a signal that is ignored or blocked, few open files: services, ``nohup``
and hardened hosts start us with any of these. None of it may reach bundles, runtimes or containers.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress

UMASK = 0o022
"""The mask of new files under which bundles are made and runtimes are called."""
# Python itself ignores these, and gives them back to whatever it starts.
_OF_PYTHON = {"SIGPIPE", "SIGXFSZ"}
# Measured: a run keeps 36 files open, and 4 for each case at a time; conformance/rlimits.py has limits of 302.
_FILES, _FILES_OF_A_CASE = 320, 8


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
