"""What stands at a path instead of the regular file that was expected, in words."""

from __future__ import annotations

import stat

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def file_kind(mode: int, otherwise: str) -> str:
    """``a FIFO`` and so on for an ``st_mode``; ``otherwise`` for what has no name here."""
    return next((name for is_kind, name in _KINDS if is_kind(mode)), otherwise)
