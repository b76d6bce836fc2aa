"""What only some systems have, and the replacement on the others."""

from __future__ import annotations

import os
from _thread import allocate_lock


def flags(names: str) -> int:
    """Flags for ``os.open``, by name; a flag that this system does not have asks for nothing."""
    value = 0
    for name in names.split():
        value |= getattr(os, name, 0)
    return value


# For a file of unknown type: a FIFO must not block, and no byte is translated (Windows).
READ = os.O_RDONLY | flags("O_NONBLOCK O_CLOEXEC O_BINARY")
READ_ALONE = READ | flags("O_NOFOLLOW")
"""The same, and what a link leads to is not read."""

_HAS_PREAD = hasattr(os, "pread")
_HAS_PREADV = hasattr(os, "preadv")
# Where reading at a place means going there first, nobody else may go elsewhere meanwhile.
_moving = allocate_lock()  # threading would cost every start a millisecond


def read_at(descriptor: int, size: int, offset: int) -> bytes:
    """At most ``size`` bytes of an open file from ``offset`` on, as ``os.pread``: threads do not disturb each other.

    Where there is no ``os.pread`` (Windows) the position of the file is moved. Raises :class:`OSError`.
    """
    if _HAS_PREAD:
        return os.pread(descriptor, size, offset)
    with _moving:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, size)


def read_into(descriptor: int, buffer: memoryview, offset: int) -> int:
    """Fill a buffer from an open file, from ``offset`` on, as ``os.preadv``: how many bytes came.

    Raises :class:`OSError`.
    """
    if _HAS_PREADV:
        return os.preadv(descriptor, [buffer], offset)
    data = read_at(descriptor, len(buffer), offset)
    buffer[: len(data)] = data
    return len(data)


def user_id() -> int | None:
    """The effective user of this process, or ``None`` on systems whose files have no owner with a number."""
    ask = getattr(os, "geteuid", None)
    return None if ask is None else int(ask())
