"""Where a document comes from: a bundle folder, a file or standard input. Reading is bounded, whatever is there."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ocivalidate.errors import TooLarge, Unreadable
from ocivalidate.system import portable
from ocivalidate.system.beneath import Beneath, LeadsOut
from ocivalidate.system.file_kinds import file_kind
from ocivalidate.system.reasons import reason

MAX_SIZE = 32 * 1024 * 1024
"""The default size limit of a document in bytes; real ones have some tens of thousands."""

CONFIG_NAME = "config.json"
STANDARD_INPUT = "-"
_CHUNK = 64 * 1024 * 1024


class Source(NamedTuple):
    """The bytes of a document.

    ``name`` is how its file is shown; ``folder`` the bundle folder it stands in, if it is one; ``data`` is ``None``
    when the folder has no document.
    """

    name: str
    folder: Path | None
    data: bytes | None


def digests_of(source: Source) -> dict[str, list[dict[str, str]]]:
    """The digest of what was read, as facts of a report."""
    import hashlib

    found = f"sha256:{hashlib.sha256(source.data).hexdigest()}" if source.data is not None else ""
    return {"digests": [{"name": source.name, "digest": found}] if found else []}


class Outside(Unreadable):
    """A ``config.json`` that is a link out of its folder and is therefore not read.

    ``name`` and ``folder`` as in :class:`Source`; ``target``: the text of the link.
    """

    def __init__(self, name: str, folder: Path, target: str) -> None:
        super().__init__(f"{CONFIG_NAME} is a link that leads out of the folder (use --follow-links to read it)")
        self.name = name
        self.folder = folder
        self.target = target


def bundle_source(path: str, max_size: int = MAX_SIZE, *, follow_links: bool = False) -> Source:
    """What ``path`` means for ``bundle``: a folder, a ``config.json`` in its folder, another file, or ``-``.

    ``follow_links``: the ``config.json`` in a folder may be a link to anywhere. Raises :class:`Unreadable`, which is
    :class:`Outside` for such a link that may not be followed.
    """
    if path == STANDARD_INPUT:
        return Source(path, None, read_standard_input(max_size))
    if os.path.isdir(path):
        return _in_folder(os.path.join(path, CONFIG_NAME), path, max_size, follow_links=follow_links)
    if os.path.basename(path) != CONFIG_NAME:
        return Source(path, None, read_file(path, max_size))
    source = _in_folder(path, os.path.dirname(path) or ".", max_size, follow_links=follow_links)
    if source.data is None:
        raise Unreadable("no such file or directory")
    return source


def _in_folder(name: str, folder: str, max_size: int, *, follow_links: bool) -> Source:
    """The document of a bundle folder, if it has one. Raises :class:`Unreadable`."""
    try:
        with Beneath(folder, follow=follow_links) as below:
            mode = _mode(below)
            if mode is None or stat.S_ISDIR(mode):
                return Source(name, Path(folder), None)
            refuse_all_but_files(mode)
            with os.fdopen(below.open(CONFIG_NAME), "rb") as file:
                return Source(name, Path(folder), _bounded(file, max_size))
    except LeadsOut as problem:
        raise Outside(name, Path(folder), problem.target) from problem
    except OSError as error:
        raise Unreadable(reason(error)) from error
    except ValueError as error:
        raise Unreadable(f"not a path: {reason(error)}") from error


def _mode(below: Beneath) -> int | None:
    """The mode of the ``config.json`` of a folder; ``None`` when there is none."""
    try:
        return below.look(CONFIG_NAME).status.st_mode
    except FileNotFoundError:
        if below.is_link(CONFIG_NAME):
            raise
        return None


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
        raise Unreadable(reason(error)) from error


def read_file(path: str, max_size: int) -> bytes:
    """All of a regular file.

    Raises :class:`Unreadable` for anything else, and when it is longer than ``max_size`` bytes.
    """
    try:
        # Opening a device can have side effects, and a socket cannot be opened.
        refuse_all_but_files(os.stat(path).st_mode)
        # The file may have changed since. Without O_NONBLOCK, opening a FIFO blocks until there is a writer.
        descriptor = os.open(path, portable.READ)
        with os.fdopen(descriptor, "rb") as file:
            refuse_all_but_files(os.fstat(descriptor).st_mode)
            return _bounded(file, max_size)
    except OSError as error:
        raise Unreadable(reason(error)) from error
    except ValueError as error:
        # Raised for a path with a NUL character, or one that cannot be encoded for the file system.
        raise Unreadable(f"not a path: {reason(error)}") from error


def _bounded(file: BinaryIO, max_size: int) -> bytes:
    chunks, size = [], 0
    # One read is enough for most documents, and never asks for more: read() allocates memory before it has the bytes.
    while chunk := file.read(min(max_size + 1 - size, _CHUNK)):
        chunks.append(chunk)
        size += len(chunk)
        if size > max_size:
            raise TooLarge(f"more than {max_size} bytes (--max-size)")
    return b"".join(chunks)


def refuse_all_but_files(mode: int) -> None:
    """Raise :class:`Unreadable` for the mode of anything but a regular file, and say what it is."""
    if not stat.S_ISREG(mode):
        raise Unreadable(f"{file_kind(mode, 'something else')}, not a file")
