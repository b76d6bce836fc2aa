"""Reading files that a runtime or a container wrote, and may have replaced with something else.

Nothing here follows a link in place of the file, waits for a writer, or reads beyond its limit: a pid file can
be a FIFO, a log a link to ``/dev/zero``, and the output of a container endless.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from ocivalidate.errors import Unreadable

MOST_TEXT = 16 * 1024 * 1024
"""The most bytes read of a file that a runtime wrote."""
MOST_PRINTED = 4 * 1024 * 1024
"""The most bytes that a container may print. Our probes print some hundred thousand."""
_MOST_PID = 32  # bytes in a pid file: there may be white space around the number
_HIGHEST_PID = 1 << 22  # the kernel's PID_MAX_LIMIT
# Cases can be listed on systems without these flags.
_SAFELY = sum({getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC")})
# Errors that say nothing about the file: we are out of file descriptors or memory.
_OURS = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
_KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a directory",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
}


@contextlib.contextmanager
def opened(path: str | os.PathLike[str], flags: int = os.O_RDONLY) -> Iterator[int]:
    """Open a regular file.

    Raises :class:`Unreadable`, :class:`FileNotFoundError` if nothing is there, and :class:`OSError` if we are out of
    file descriptors.
    """
    descriptor = _open(path, flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _open(path: str | os.PathLike[str], flags: int) -> int:
    try:
        descriptor = os.open(path, flags | _SAFELY, 0o644)
    except FileNotFoundError:
        raise
    except OSError as problem:
        if problem.errno in _OURS:
            raise
        raise Unreadable(_kind_of(path) or f"cannot be opened: {problem.strerror}") from problem
    kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
    if kind != stat.S_IFREG:
        os.close(descriptor)
        raise Unreadable(f"is {_KINDS.get(kind, 'something else')}, not a regular file")
    # The descriptor may be passed on, and must then behave like any other.
    os.set_blocking(descriptor, True)
    return descriptor


def _kind_of(path: str | os.PathLike[str]) -> str:
    """What is there instead of a regular file; ``""`` for a regular file."""
    try:
        kind = stat.S_IFMT(os.lstat(path).st_mode)
    except OSError:
        return ""
    return "" if kind == stat.S_IFREG else f"is {_KINDS.get(kind, 'something else')}, not a regular file"


def content(path: str | os.PathLike[str], most: int = MOST_TEXT) -> bytes:
    """The content of a file, up to ``most`` bytes. Raises as :func:`opened` does."""
    with opened(path) as descriptor:
        return read(descriptor, most)


def read(descriptor: int, most: int = MOST_TEXT, offset: int = 0) -> bytes:
    """The content of an open file from an offset on, up to ``most`` bytes."""
    parts: list[bytes] = []
    while most > 0 and (part := os.pread(descriptor, min(most, 1 << 20), offset)):
        parts.append(part)
        most -= len(part)
        offset += len(part)
    return b"".join(parts)


def text_of(path: str | os.PathLike[str], most: int = MOST_TEXT) -> str:
    """The content of a file as text; ``""`` if there is no regular file that can be read."""
    try:
        return content(path, most).decode("utf-8", "replace")
    except (OSError, Unreadable):
        return ""


def pid_in(path: str | os.PathLike[str]) -> int:
    """The process id in a pid file; 0 if the file is absent or empty.

    Raises :class:`Unreadable` if it holds anything else.
    """
    try:
        said = content(path, _MOST_PID + 1).strip()
    except FileNotFoundError:
        return 0
    if not said:
        return 0
    number = pid_of(said.decode("ascii", "replace"))
    if not number:
        raise Unreadable(f"holds {said[:_MOST_PID].decode('ascii', 'backslashreplace')!a}, not a process id")
    return number


def pid_of(value: object) -> int:
    """A process id, given as a number or in decimal digits; 0 for anything that cannot be one."""
    if isinstance(value, str) and re.fullmatch("[0-9]{1,10}", value):
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _HIGHEST_PID else 0


class Growing:
    """A file that another process appends to, read as it grows: each byte once, never more than ``most``."""

    def __init__(self, path: Path, most: int = MOST_PRINTED) -> None:
        self.path = path
        self._most = most
        self._read = bytearray()

    @property
    def size(self) -> int:
        """The size of the file now; 0 if it does not exist."""
        try:
            return os.lstat(self.path).st_size
        except OSError:
            return 0

    @property
    def too_much(self) -> bool:
        """Whether the file is larger than the limit."""
        return self.size > self._most

    def content(self) -> bytes:
        """Everything in it so far, up to the limit."""
        with contextlib.suppress(OSError, Unreadable), opened(self.path) as descriptor:
            self._read += read(descriptor, self._most - len(self._read), len(self._read))
        return bytes(self._read)

    def text(self) -> str:
        """The same as text."""
        return self.content().decode("utf-8", "replace")
