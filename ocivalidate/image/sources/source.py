"""Where an image comes from.

A layout folder, or a tar archive of a layout or of ``docker save``, plain or compressed, or standard input.

Every source is read by path inside the layout (``index.json``, ``blobs/sha256/…``). Files are opened once and read with
``pread``, so that several threads can read parts of one archive at the same time. Nothing is ever written beside the
image.
"""

from __future__ import annotations

import io
import os
import stat
from typing import NamedTuple, Self

from ocivalidate.system import portable
from ocivalidate.system.beneath import Beneath, LeadsOut

FILE, FOLDER, LINK, OTHER, OUTSIDE = "file", "folder", "link", "other", "outside"
LEADS_OUT = "a link that leads out of the layout"
_CHUNK = 1 << 20


class Unreadable(Exception):
    """An image that cannot be judged because it cannot be read; the message is one line."""


class Entry(NamedTuple):
    """Something in a layout.

    ``kind``: ``file``, ``folder``, ``link`` (a symbolic link, with ``size`` that of what it leads to), ``other`` (a
    FIFO, device or socket, named by ``what``) or ``outside`` (what a link out of the layout leads to: ``link`` is its
    path in the layout, ``target`` what it says). ``offset``: where a file starts in its archive.
    """

    kind: str
    size: int = 0
    offset: int = 0
    what: str = ""
    link: str = ""
    target: str = ""


class Slice(io.RawIOBase):
    """A part of an open file, read with ``pread``: readers of one file do not disturb each other."""

    def __init__(self, descriptor: int, offset: int, length: int, *, owned: bool) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._position = offset
        self._end = offset + length
        self._owned = owned

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # any writable buffer will do
        """Read what is left, at most the length of the buffer."""
        wanted = min(len(buffer), self._end - self._position)
        if wanted <= 0:
            return 0
        count = portable.read_into(self._descriptor, memoryview(buffer)[:wanted], self._position)
        self._position += count
        return count

    def close(self) -> None:
        """Close the file too, when it belongs to this part alone."""
        if not self.closed and self._owned:
            os.close(self._descriptor)
        super().close()


class Source:
    """What every source can do. ``name`` is as the caller gave it; ``form`` says what it turned out to be."""

    name: str
    form: str

    def entry(self, path: str) -> Entry | None:
        """What stands at a path, links followed for their size and kind; ``None`` when nothing does."""
        raise NotImplementedError

    def children(self, path: str) -> list[str]:
        """The names in a folder, sorted; none when it is no folder."""
        raise NotImplementedError

    def open(self, path: str) -> Slice:
        """Open a file. Raises :class:`Unreadable` when it is none, or cannot be read."""
        raise NotImplementedError

    def read(self, path: str, limit: int) -> bytes:
        """The first ``limit`` bytes of a file. Raises :class:`Unreadable`."""
        with self.open(path) as file:
            try:
                return io.BufferedReader(file, _CHUNK).read(limit)
            except OSError as error:
                raise Unreadable(f"{path}: {_reason(error)}") from error

    def close(self) -> None:
        """Let go of what the source holds open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


class FolderSource(Source):
    """A layout folder. ``follow_links``: what stands in it may be links to anywhere.

    Raises :class:`Unreadable` when the folder cannot be opened.
    """

    form = "folder"

    def __init__(self, name: str, *, follow_links: bool = False) -> None:
        self.name = name
        self.follow_links = follow_links
        try:
            self._folder = Beneath(name, follow=follow_links)
        except (OSError, ValueError) as error:
            raise Unreadable(_reason(error)) from error

    def entry(self, path: str) -> Entry | None:
        """What stands at the path. A link that leads nowhere is ``other``, one that leads out is ``outside``."""
        try:
            found = self._folder.look(path)
        except LeadsOut as problem:
            return Entry(OUTSIDE, what=LEADS_OUT, link=problem.link, target=problem.target)
        except (OSError, ValueError):
            return Entry(OTHER, what="a link that leads nowhere") if self._folder.is_link(path) else None
        entry = _entry(found.status)
        return entry._replace(kind=LINK) if found.linked and entry.kind == FILE else entry

    def children(self, path: str) -> list[str]:
        """The names in a folder."""
        try:
            return self._folder.names(path)
        except (OSError, ValueError, LeadsOut):
            return []

    def open(self, path: str) -> Slice:
        """Open a regular file; a FIFO does not keep us waiting."""
        try:
            descriptor = self._folder.open(path)
        except LeadsOut as problem:
            raise Unreadable(f"{path}: {LEADS_OUT}") from problem
        except (OSError, ValueError) as error:
            raise Unreadable(f"{path}: {_reason(error)}") from error
        return Slice(descriptor, 0, os.fstat(descriptor).st_size, owned=True)

    def close(self) -> None:
        """Let go of the folder."""
        self._folder.close()


_KINDS = (
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def _entry(status: os.stat_result) -> Entry:
    if stat.S_ISREG(status.st_mode):
        return Entry(FILE, status.st_size)
    if stat.S_ISDIR(status.st_mode):
        return Entry(FOLDER)
    return Entry(OTHER, what=next((name for test, name in _KINDS if test(status.st_mode)), "no file"))


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return text[:1].lower() + text[1:]
