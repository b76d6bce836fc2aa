"""Processes, as the kernel tells of them."""

from __future__ import annotations

from pathlib import Path


def began(pid: int) -> str:
    """The moment at which a process began, in ticks of the kernel's clock.

    ``""`` where there is none, and where it has ended and nobody has asked for its exit status yet: what is left of it
    goes at a moment that nobody knows. A pid and this moment are one process for ever.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # What stands before the last parenthesis is a name, which may hold anything.
    fields = text.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]
