"""File locks by flock(2): the kernel releases a lock when its last holder ends, however it ends."""

from __future__ import annotations

import os
from pathlib import Path


def is_locked(file: Path) -> bool:
    """Whether somebody holds a lock on a file. Raises :class:`OSError` if the file cannot be opened."""
    import fcntl  # absent on systems where cases can only be listed

    descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
