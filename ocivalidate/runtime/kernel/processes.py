"""Processes, as the kernel shows them."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

_CHILDREN = "/proc/{process}/task/{thread}/children"
_LOOKS = 8  # at what may be at work
_MOST_THREADS = 1000  # that are looked at


def began(pid: int) -> str:
    """The start time of a process, in clock ticks since boot.

    ``""`` if there is no such process, or it is a zombie: a zombie disappears
    at a time that nobody knows. A pid and a start time together identify one process.
    """
    fields = _stat(pid)
    return "" if not fields or fields[0] in "ZX" else fields[19]


def parent(pid: int) -> int:
    """The parent of a process; 0 if there is no such process, or its parent cannot be seen."""
    fields = _stat(pid)
    return int(fields[1]) if fields else 0


def children() -> list[int]:
    """The children of this process."""
    own = os.getpid()
    return [int(name) for name in os.listdir("/proc") if name.isdecimal() and parent(int(name)) == own]


def works(pid: int, frozen: Callable[[int], bool], seconds: float = 0.1) -> bool:
    """Whether a process, or one below it, works or waits for a processor or a disk, and not for somebody.

    It is looked at again and again, ``seconds`` apart: one that only waits takes no time of a processor between two of
    the looks. It may between others: a runtime whose containers have a kernel of their own does small things for them
    even when they are idle. ``frozen`` tells whether a thread is in a frozen control group, where it looks as if it
    waited for a disk.
    """
    before = _work(pid, frozen)
    for _ in range(_LOOKS):
        time.sleep(seconds)
        after = _work(pid, frozen)
        if before == after and not any(state in "RD" for state, _ticks in after.values()):
            return False
        before = after
    return bool(before)


def _work(pid: int, frozen: Callable[[int], bool]) -> dict[int, tuple[str, int]]:
    """The state of every thread below a process and in it, and its time on processors, in clock ticks."""
    found: dict[int, tuple[str, int]] = {}
    waiting = [pid]
    while waiting and len(found) < _MOST_THREADS:
        process = waiting.pop()
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"/proc/{process}/task"):
                fields = _stat(int(thread))
                if fields:
                    state = "T" if fields[0] == "D" and frozen(int(thread)) else fields[0]
                    found[int(thread)] = state, int(fields[11]) + int(fields[12])
            waiting += [child for child in _below(process) if child not in found]
    return found


def _below(process: int) -> list[int]:
    """The children of all threads of a process."""
    try:
        threads = os.listdir(f"/proc/{process}/task")
        files = [Path(_CHILDREN.format(process=process, thread=thread)) for thread in threads]
        return [int(child) for file in files for child in file.read_text(encoding="ascii").split()]
    except OSError:
        # It has ended, or this kernel has no such files (CONFIG_PROC_CHILDREN).
        every = [int(name) for name in os.listdir("/proc") if name.isdecimal()]
        return [one for one in every if parent(one) == process]


def _stat(pid: int) -> list[str]:
    """The fields of ``/proc/PID/stat`` from the state on; empty if there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return []
    # The text up to the last parenthesis is the command name, which may contain anything.
    return text.rpartition(")")[2].split()
