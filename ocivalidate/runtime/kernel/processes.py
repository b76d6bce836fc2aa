"""Processes, as the kernel shows them."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

_CHILDREN = "/proc/{process}/task/{thread}/children"
_LOOKS = 16  # at what may be at work
_AT_WORK = 1 / 7  # of the time in which it need not wait, on processors
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


def oom_score(pid: int) -> int | None:
    """The score by which this kernel chooses whom to end for want of memory; ``None`` if it cannot be read."""
    try:
        return int(Path(f"/proc/{pid}/oom_score_adj").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def children() -> list[int]:
    """The children of this process."""
    own = os.getpid()
    return [int(name) for name in os.listdir("/proc") if name.isdecimal() and parent(int(name)) == own]


def works(pid: int, frozen: Callable[[int], bool], seconds: float = 0.1) -> bool:
    """Whether a process, or one below it, works or waits for a processor or a disk, and not for somebody.

    It is looked at 16 times, ``seconds`` apart, and judged by all of these looks together, as work comes in bursts: it
    works if it used a processor for a seventh of the time in which it did not have to wait for one, or if in half of
    the looks it was to be run or waited for a disk. Less is what a runtime does whose containers have a kernel of
    their own, even when they are idle. ``frozen`` tells whether a thread is in a frozen control group, where it looks
    as if it waited for a disk.
    """
    busy, used, before = 0, 0.0, _work(pid, frozen)
    begun = time.monotonic()
    waited = dict.fromkeys(before.waited, 0.0)
    for look in range(_LOOKS):
        time.sleep(seconds)
        after = _work(pid, frozen)
        busy += after.ready
        used += max(0.0, after.used - before.used)
        for thread, delay in after.waited.items():
            waited[thread] = waited.get(thread, 0.0) + delay - before.waited.get(thread, 0.0)
        before = after
        # What is enough for all of the time is enough now.
        whole = (time.monotonic() - begun) * _LOOKS / (look + 1)
        free = max(0.0, whole - max(waited.values(), default=0.0))
        if 2 * busy >= _LOOKS or (used > 0 and used >= _AT_WORK * free):
            return True
    return False


class _Work(NamedTuple):
    """What a process and those below it do: whether one is to be run or waits for a disk, and times in seconds.

    ``used``: on processors, also by those that have ended. ``waited``: for one, by each thread, where the kernel tells.
    """

    ready: bool
    used: float
    waited: dict[int, float]


def _work(pid: int, frozen: Callable[[int], bool]) -> _Work:
    ready, ticks, waited = False, 0, dict[int, float]()
    left = [pid]
    known = {pid}
    while left and len(waited) < _MOST_THREADS:
        process = left.pop()
        # Times of the process and of its children that have ended.
        ticks += sum(map(int, _stat(process)[11:15]))
        with contextlib.suppress(OSError):
            for thread in map(int, os.listdir(f"/proc/{process}/task")):
                state = _stat(thread)[:1]
                ready = ready or state == ["R"] or (state == ["D"] and not frozen(thread))
                waited[thread] = _delay(process, thread)
            below = [child for child in _below(process) if child not in known]
            left += below
            known.update(below)
    return _Work(ready, ticks / os.sysconf("SC_CLK_TCK"), waited)


def _delay(process: int, thread: int) -> float:
    """The seconds that a thread has waited for a processor; 0 where the kernel does not tell (CONFIG_SCHED_INFO)."""
    try:
        words = Path(f"/proc/{process}/task/{thread}/schedstat").read_text(encoding="ascii").split()
        return int(words[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


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
