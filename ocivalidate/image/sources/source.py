"""Where an image comes from.

A layout folder, or a tar archive of a layout or of ``docker save``, plain or compressed, or standard input.

Every source is read by paths inside the layout (``index.json``, ``blobs/sha256/…``), from several threads at a time.
Nothing is ever written beside the image. Anything with files at such paths can be a source: see :class:`Source`.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pickle import PicklingError
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

from ocivalidate.errors import Unreadable
from ocivalidate.image.layers.blob import Opener
from ocivalidate.system import portable
from ocivalidate.system.beneath import Beneath, LeadsOut
from ocivalidate.system.file_kinds import file_kind
from ocivalidate.system.reasons import reason

if TYPE_CHECKING:
    from ocivalidate.registry.answers import Answer

FILE, FOLDER, LINK, OTHER, OUTSIDE = "file", "folder", "link", "other", "outside"
INDEX_JSON, OCI_LAYOUT, MANIFEST_JSON, BLOBS = "index.json", "oci-layout", "manifest.json", "blobs"
LEADS_OUT = "a link that leads out of the layout"
_CHUNK = 1 << 20
_SMALL = 1 << 14


class Entry(NamedTuple):
    """Something in a layout.

    ``kind``: ``file``, ``folder``, ``link`` (a symbolic link, with the ``size`` of its target), ``other`` (a FIFO,
    device or socket, named by ``what``) or ``outside`` (reached by a link out of the layout: ``link`` is its path in
    the layout, ``target`` its text). ``offset``: where a file starts in its archive.
    """

    kind: str
    size: int = 0
    offset: int = 0
    what: str = ""
    link: str = ""
    target: str = ""


class LooseDocument(NamedTuple):
    """A standalone JSON document: an index, a manifest, a config, a descriptor."""

    name: str
    data: bytes


class Stream(Protocol):
    """An open file of a source, at its first byte.

    It may not be seekable, for example if it comes over a network: ask :meth:`seekable`, and otherwise read on or open
    it again. Every method may raise :class:`OSError`.
    """

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Read into the buffer; return how many bytes, 0 at the end."""

    def seekable(self) -> bool:
        """Whether :meth:`seek` works."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to a position."""

    def close(self) -> None:
        """Close it."""


class Slice(io.RawIOBase):
    """A part of an open file, read with ``pread``: readers of one file do not disturb each other."""

    def __init__(self, descriptor: int, offset: int, length: int, *, owned: bool) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._start = self._position = offset
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

    def seekable(self) -> bool:
        """Always."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a position in this part."""
        start = {os.SEEK_SET: self._start, os.SEEK_CUR: self._position}.get(whence, self._end)
        if start + offset < self._start:
            raise ValueError("a position before the first byte")
        self._position = start + offset
        return self._position - self._start

    def close(self) -> None:
        """Close the file too, if it belongs only to this part."""
        if not self.closed and self._owned:
            os.close(self._descriptor)
        super().close()


class Source:
    """Where an image is: says what exists and provides bytes. A new kind overrides the first three methods.

    ``name`` is as the caller gave it; ``form`` says what it turned out to be. ``symlinks``: a ``LINK`` in it is a
    symbolic link of a file system. ``confined``: such links are followed only within it. ``alone``: its only document,
    if it is a standalone one. ``asked``: the names of the images that its own name asks for; none: all. ``whole``: what
    its documents refer to has to be in it, as in a registry. ``served``: it has :meth:`answers` of a server.
    ``attaching``: whether :meth:`attached` is to be followed.
    """

    name: str
    form: str
    symlinks = False
    confined = False
    alone: LooseDocument | None = None
    asked: tuple[str, ...] = ()
    whole = False
    served = False
    attaching = True

    def entry(self, path: str) -> Entry | None:
        """The entry at a path, with size and kind through links; ``None`` if there is none."""
        raise NotImplementedError

    def children(self, path: str) -> list[str]:
        """The names in a folder, sorted; none if it is not a folder."""
        raise NotImplementedError

    def open(self, path: str) -> Stream:
        """Open a file. Raises :class:`Unreadable` if it is not a file or cannot be read."""
        raise NotImplementedError

    def roots(self) -> tuple[str, ...]:
        """The documents at which the walk may start.

        The first one that leads to images counts: ``index.json`` of a layout, the ``manifest.json`` of ``docker save``,
        or an index or manifest itself if nothing is above it.
        """
        found = tuple(path for path in (INDEX_JSON, MANIFEST_JSON) if self.entry(path) is not None)
        return found or (INDEX_JSON,)

    def meet(self, path: str, role: str, kind: str, size: int | None) -> None:
        """Learn what a reference takes a path for, before :meth:`entry` is asked: its role, kind of blob and size."""

    def attached(self, _path: str) -> Iterable[str]:
        """The documents in which others say that they belong to the index or manifest at a path: its referrers."""
        return ()

    def answers(self) -> Iterable[tuple[str, Answer]]:
        """What a server said beside the content, each with the path that it is about; none without a server."""
        return ()

    def interrupt(self) -> None:
        """Let nothing wait any more: it is about to be closed."""

    def called(self, _path: str) -> str:
        """The name of the document of a root, where it has one."""
        return ""

    def shown(self, path: str) -> str:
        """The name of a path in it, as shown to users."""
        return f"{self.name}:{path}"

    def file(self) -> str:
        """The file that stands for all of it: the archive, or what else has the name."""
        return self.name

    def repeats(self) -> Iterable[tuple[str, bool]] | None:
        """The paths with two files, and whether their bytes are the same; ``None`` if there can be none."""
        return None

    def elsewhere(self, _path: str) -> Opener | None:
        """A picklable opener of the same file for another process; ``None`` if only this process can read it."""
        return None

    def opener(self, path: str) -> Opener:
        """An opener of a file, for any number of calls; it pickles if the file can be opened elsewhere."""
        return _Opening(self, path)

    def read(self, path: str, limit: int) -> bytes:
        """The first ``limit`` bytes of a file. Raises :class:`Unreadable`."""
        parts: list[bytes] = []
        # Most documents are small, and a large buffer for each costs more than reading it.
        size = _SMALL
        stream = self.open(path)
        try:
            while limit > 0:
                buffer = memoryview(bytearray(min(limit, size)))
                count = stream.readinto(buffer) or 0
                if not count:
                    break
                parts.append(bytes(buffer[:count]))
                limit -= count
                size = min(2 * size, _CHUNK)
        except OSError as error:
            raise Unreadable(f"{path}: {reason(error)}") from error
        finally:
            stream.close()
        return b"".join(parts)

    def close(self) -> None:
        """Close what the source holds open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


class _Opening:
    """Opens a file of a source here, or the same file by its remote opener in another process."""

    def __init__(self, source: Source, path: str) -> None:
        self._source = source
        self._path = path

    def __call__(self) -> Stream:
        return self._source.open(self._path)

    def __reduce__(self) -> tuple[Any, ...]:
        opener = self._source.elsewhere(self._path)
        if opener is None:
            raise PicklingError(f"{self._source.shown(self._path)} can be opened only in this process")
        return _itself, (opener,)


def _itself(opener: Opener) -> Opener:
    return opener


class FolderSource(Source):
    """A layout folder. ``follow_links``: links in it may lead anywhere. ``opened``: the folder, if it is open already.

    Raises :class:`Unreadable` if the folder cannot be opened.
    """

    form = "folder"
    symlinks = True

    def __init__(self, name: str, *, follow_links: bool = False, opened: Beneath | None = None) -> None:
        self.name = name
        self.confined = not follow_links
        try:
            self._folder = opened or Beneath(name, follow=follow_links)
        except (OSError, ValueError) as error:
            raise Unreadable(reason(error)) from error

    def entry(self, path: str) -> Entry | None:
        """The entry at a path. A dangling link is ``other``, one that leads out is ``outside``."""
        try:
            found = self._folder.look(path)
        except LeadsOut as problem:
            return Entry(OUTSIDE, what=LEADS_OUT, link=problem.link, target=problem.target)
        except (OSError, ValueError):
            return Entry(OTHER, what="a dangling link") if self._folder.is_link(path) else None
        entry = _entry(found.status)
        return entry._replace(kind=LINK) if found.linked and entry.kind == FILE else entry

    def children(self, path: str) -> list[str]:
        """The names in a folder."""
        try:
            return self._folder.names(path)
        except (OSError, ValueError, LeadsOut):
            return []

    def open(self, path: str) -> Slice:
        """Open a regular file, without blocking on a FIFO."""
        return open_beneath(self._folder, path, LEADS_OUT)

    def shown(self, path: str) -> str:
        """The path of a file."""
        return f"{self.name.rstrip('/')}/{path}"

    def file(self) -> str:
        """The document at which the walk starts."""
        return self.shown(self.roots()[0])

    def elsewhere(self, path: str) -> Opener:
        """Opens the folder anew."""
        return FolderPart(os.path.abspath(self.name), path, follow_links=not self.confined)

    def close(self) -> None:
        """Close the folder."""
        self._folder.close()


def open_beneath(folder: Beneath, path: str, leads_out: str) -> Slice:
    """Open a regular file below a folder, without blocking on a FIFO.

    Raises :class:`Unreadable`; ``leads_out`` is said of a link that leads out of the folder.
    """
    try:
        descriptor = folder.open(path)
    except LeadsOut as problem:
        raise Unreadable(f"{path}: {leads_out}") from problem
    except (OSError, ValueError) as error:
        raise Unreadable(f"{path}: {reason(error)}") from error
    return Slice(descriptor, 0, os.fstat(descriptor).st_size, owned=True)


@dataclass(frozen=True, slots=True)
class FolderPart:
    """Opens a file of a layout folder, wherever that folder is."""

    folder: str
    path: str
    follow_links: bool = False

    def __call__(self) -> Slice:
        """Open it. Raises :class:`Unreadable`."""
        with FolderSource(self.folder, follow_links=self.follow_links) as source:
            return source.open(self.path)


def _entry(status: os.stat_result) -> Entry:
    if stat.S_ISREG(status.st_mode):
        return Entry(FILE, status.st_size)
    if stat.S_ISDIR(status.st_mode):
        return Entry(FOLDER)
    return Entry(OTHER, what=file_kind(status.st_mode, "a special file"))
