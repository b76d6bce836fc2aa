"""Processes, as the kernel tells of them."""

from __future__ import annotations

import os
from pathlib import Path


def began(pid: int) -> str:
    """The moment at which a process began, in ticks of the kernel's clock.

    ``""`` where there is none, and where it has ended and nobody has asked for its exit status yet: what is left of it
    goes at a moment that nobody knows. A pid and this moment are one process for ever.
    """
    fields = _stat(pid)
    return "" if not fields or fields[0] in "ZX" else fields[19]


def parent(pid: int) -> int:
    """The parent of a process; 0 where there is no process, or none that can be seen."""
    fields = _stat(pid)
    return int(fields[1]) if fields else 0


def children() -> list[int]:
    """The children of this process."""
    own = os.getpid()
    return [int(name) for name in os.listdir("/proc") if name.isdecimal() and parent(int(name)) == own]


def _stat(pid: int) -> list[str]:
    """The fields of ``/proc/PID/stat`` from the state on; none where there is no process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return []
    # What stands before the last parenthesis is a name, which may hold anything.
    return text.rpartition(")")[2].split()
