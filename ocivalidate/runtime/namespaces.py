"""Namespaces as the kernel shows them."""

from __future__ import annotations

import contextlib
import os

# The types of ``linux.namespaces`` and their names below ``/proc/PID/ns``.
FILES = {
    "pid": "pid",
    "network": "net",
    "mount": "mnt",
    "ipc": "ipc",
    "uts": "uts",
    "user": "user",
    "cgroup": "cgroup",
    "time": "time",
}


def namespaces_of(process: int | str = "self") -> dict[str, str]:
    """The namespaces of a process by the names of their files; of one that has ended none."""
    found: dict[str, str] = {}
    for name in FILES.values():
        with contextlib.suppress(OSError):
            found[name] = os.readlink(f"/proc/{process}/ns/{name}")
    return found
