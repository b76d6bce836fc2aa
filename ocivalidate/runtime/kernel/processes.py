"""Processes, as the kernel shows them."""

from __future__ import annotations

import os
from pathlib import Path


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


def _stat(pid: int) -> list[str]:
    """The fields of ``/proc/PID/stat`` from the state on; empty if there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return []
    # The text up to the last parenthesis is the command name, which may contain anything.
    return text.rpartition(")")[2].split()
