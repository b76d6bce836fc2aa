"""Where a document comes from: a bundle folder, a file, or standard input.

Read within bounds, whatever stands at the path.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ocivalidate import portable

MAX_SIZE = 32 * 1024 * 1024
"""How many bytes a document may have unless the caller says otherwise; real ones have some tens of thousands."""

CONFIG_NAME = "config.json"
STANDARD_INPUT = "-"
_CHUNK = 64 * 1024 * 1024


class Unreadable(Exception):
    """Something that cannot be judged because it cannot be read; the message is one line."""


class Source(NamedTuple):
    """The bytes of a document.

    ``name`` is how its file is shown; ``folder`` the bundle folder it stands in, if it is one; ``data`` is ``None``
    when the folder has no document.
    """

    name: str
    folder: Path | None
    data: bytes | None


def bundle_source(path: str, max_size: int = MAX_SIZE) -> Source:
    """What ``path`` means for ``bundle``: a folder, a ``config.json`` in its folder, another file, or ``-``.

    Raises :class:`Unreadable`.
    """
    if path == STANDARD_INPUT:
        return Source(path, None, read_standard_input(max_size))
    if os.path.isdir(path):
        file = os.path.join(path, CONFIG_NAME)
        return Source(file, Path(path), read_file(file, max_size) if _is_there(file) else None)
    data = read_file(path, max_size)
    is_config = os.path.basename(path) == CONFIG_NAME
    return Source(path, Path(os.path.dirname(path) or ".") if is_config else None, data)


def _is_there(file: str) -> bool:
    """Whether a folder has this file. Raises :class:`Unreadable` when the folder does not let us know."""
    try:
        os.lstat(file)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise Unreadable(_reason(error)) from error
    return not os.path.isdir(file)


def file_source(path: str, max_size: int = MAX_SIZE) -> Source:
    """What ``path`` means for a document that stands alone: a file or ``-``. Raises :class:`Unreadable`."""
    data = read_standard_input(max_size) if path == STANDARD_INPUT else read_file(path, max_size)
    return Source(path, None, data)


def read_standard_input(max_size: int) -> bytes:
    """All of standard input. Raises :class:`Unreadable` when it cannot be read or is longer than ``max_size`` bytes."""
    if sys.stdin is None:
        raise Unreadable("standard input is closed")
    try:
        return _bounded(sys.stdin.buffer, max_size)
    except OSError as error:
        raise Unreadable(_reason(error)) from error


def read_file(path: str, max_size: int) -> bytes:
    """All of a regular file.

    Raises :class:`Unreadable` for anything else, and when it is longer than ``max_size`` bytes.
    """
    try:
        # Opening a device may already do something to it, and a socket cannot be opened.
        _refuse_all_but_files(os.stat(path).st_mode)
        # What stands there may have changed since. Without O_NONBLOCK, opening a FIFO waits until somebody writes.
        descriptor = os.open(path, portable.READ)
        with os.fdopen(descriptor, "rb") as file:
            _refuse_all_but_files(os.fstat(descriptor).st_mode)
            return _bounded(file, max_size)
    except OSError as error:
        raise Unreadable(_reason(error)) from error
    except ValueError as error:
        # A path with a NUL character is refused, or one that the file system has no encoding for.
        raise Unreadable(f"not a path: {error}") from error


def _bounded(file: BinaryIO, max_size: int) -> bytes:
    chunks, size = [], 0
    # At once what most documents are, and never more than asked for: reading takes the memory before it has the bytes.
    while chunk := file.read(min(max_size + 1 - size, _CHUNK)):
        chunks.append(chunk)
        size += len(chunk)
        if size > max_size:
            raise Unreadable(f"more than {max_size} bytes (--max-size)")
    return b"".join(chunks)


def _refuse_all_but_files(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise Unreadable(f"{_kind(mode)}, not a file")


def _reason(error: OSError) -> str:
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]


_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def _kind(mode: int) -> str:
    return next((name for test, name in _KINDS if test(mode)), "something else")
