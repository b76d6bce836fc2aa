"""What the forms of storage read: files at paths, in a local folder or a bucket, which may be hostile.

Paths are relative to the storage, with slashes and without ``.`` and ``..``; the storage itself is ``""``. Nothing is
written, and nothing of the size of the storage is kept.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple, Protocol

from ocivalidate.errors import Unreadable
from ocivalidate.image.sources.source import Source, Stream

FILE, FOLDER, OTHER, OUTSIDE, UNREADABLE = "file", "folder", "other", "outside", "unreadable"

DEEPEST = 90
"""How many folders deep a storage is read."""


class Entry(NamedTuple):
    """What stands at a path.

    ``kind``: ``file``, ``folder``, ``other`` (named by ``what``: a FIFO, a link to a folder …), ``outside`` (a link
    that leads out of the storage) or ``unreadable`` (``what`` says why). ``size``: in bytes. ``modified``: in seconds
    since 1970, 0 if unknown. ``same``: what files that are one file under several names have in common; else empty.
    """

    path: str
    kind: str
    size: int = 0
    modified: float = 0
    what: str = ""
    same: str = ""

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


# Whether a walk goes into the folder at a path.
Enter = Callable[[str], bool]


def everywhere(_path: str) -> bool:
    """Go into all folders."""
    return True


class Files(Protocol):
    """The files of a storage. It pickles, for other processes and machines that reach the same place.

    Its methods raise :class:`Unreadable`, with one line; they may be used by several threads at a time.
    """

    @property
    def name(self) -> str:
        """The place, as the user gave it."""

    @property
    def remote(self) -> bool:
        """Whether each look is a request, and there are no folders, for which empty files may stand: a bucket."""

    def look(self, path: str) -> Entry | None:
        """What stands at a path, links followed within the storage; ``None`` if nothing does."""

    def walk(self, path: str, enter: Enter = everywhere) -> Iterator[Entry]:
        """All that stands below a folder, lazily.

        What stands below one folder comes in one piece, right after the folder where the storage has such. A folder
        that is not entered comes as what it is; nothing comes for one that is not there.
        """

    def open(self, path: str) -> Stream:
        """Open a file at its first byte."""

    def contents(self, paths: Iterable[str], limit: int) -> Iterator[tuple[str, bytes | None]]:
        """The first ``limit`` bytes of files, in their order; ``None`` for one that cannot be read."""

    def layout(self, folder: str) -> Source:
        """The layout in a folder, as ``image`` would read it."""

    def close(self) -> None:
        """Close what is open."""


@dataclass(frozen=True, slots=True)
class Opening:
    """Opens a file of a storage at its first byte, any number of times, here or elsewhere."""

    files: Files
    path: str

    def __call__(self) -> Stream:
        """Open it. Raises :class:`OSError`, as the storage may have changed since it was listed."""
        try:
            return self.files.open(self.path)
        except Unreadable as problem:
            raise OSError(errno.EIO, str(problem)) from problem


def join(folder: str, name: str) -> str:
    """The path of a name in a folder."""
    return f"{folder}/{name}" if folder else name


def read(files: Files, path: str, limit: int) -> bytes | None:
    """The first ``limit`` bytes of a file; ``None`` if it cannot be read."""
    return next(files.contents([path], limit))[1]


def is_folder(files: Files, path: str) -> bool:
    """Whether a folder stands at a path."""
    entry = files.look(path)
    return entry is not None and entry.kind == FOLDER


def is_file(files: Files, path: str) -> bool:
    """Whether a file stands at a path."""
    entry = files.look(path)
    return entry is not None and entry.kind == FILE


def below(folder: str, path: str) -> list[str]:
    """The names from a folder on to a path in it."""
    rest = path[len(folder) + 1 :] if folder else path
    return rest.split("/") if len(path) > len(folder) else []


def pieces(
    entries: Iterable[Entry], folder: str, depth: int, *, files: bool = False
) -> Iterator[tuple[str, Iterator[Entry]]]:
    """The entries of a walk, by the folder that is so many names below another one; ``""`` for what is in none.

    ``files``: a file that is so many names below makes a piece, too.
    """

    def key(entry: Entry) -> str:
        parts = below(folder, entry.path)
        return "/".join(parts[:depth]) if len(parts) > depth - (files or entry.kind == FOLDER) else ""

    return groupby(entries, key)


def each_once(names: Iterable[str]) -> Iterator[str]:
    """Each folder once, though folders inside of it may come between its own entries, as in a walk."""
    around: list[str] = []
    for name in names:
        while around and name != around[-1] and not name.startswith(join(around[-1], "")):
            around.pop()
        if not around or around[-1] != name:
            around.append(name)
            yield name
