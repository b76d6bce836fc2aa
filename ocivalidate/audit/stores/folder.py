"""A storage in a local folder, out of which no link leads."""

from __future__ import annotations

import functools
import os
import stat
from collections.abc import Iterable, Iterator
from typing import Any

from ocivalidate.audit.stores.files import (
    DEEPEST,
    FILE,
    FOLDER,
    OTHER,
    OUTSIDE,
    UNREADABLE,
    Enter,
    Entry,
    everywhere,
    join,
)
from ocivalidate.errors import Unreadable
from ocivalidate.image.sources.source import FolderSource, Slice, Source, open_beneath
from ocivalidate.system import portable
from ocivalidate.system.beneath import Beneath, LeadsOut, Listing
from ocivalidate.system.file_kinds import file_kind
from ocivalidate.system.reasons import reason

LEADS_OUT = "a link that leads out of the storage"
_TOO_DEEP = f"more than {DEEPEST} folders deep"


class FolderFiles:
    """The files below a folder. Raises :class:`Unreadable` if it cannot be opened."""

    remote = False

    def __init__(self, name: str) -> None:
        self.name = name
        self._where = os.path.abspath(name)
        try:
            self._folder = Beneath(name)
        except (OSError, ValueError) as error:
            raise Unreadable(reason(error)) from error

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self._where,)

    def look(self, path: str) -> Entry | None:
        """What stands at a path. A link that leads nowhere is ``other``, one that leads out ``outside``."""
        try:
            found = self._folder.look(path)
        except LeadsOut:
            return Entry(path, OUTSIDE, what=LEADS_OUT)
        except (OSError, ValueError) as error:
            if self._folder.is_link(path):
                return Entry(path, OTHER, what="a dangling link")
            gone = isinstance(error, (FileNotFoundError, NotADirectoryError, ValueError))
            return None if gone else Entry(path, UNREADABLE, what=reason(error))
        return _entry(path, found.status)

    def walk(self, path: str, enter: Enter = everywhere) -> Iterator[Entry]:
        """All that stands below a folder, in the order of the file system. No linked folder is entered."""
        try:
            top = self._folder.listing(path)
        except (FileNotFoundError, NotADirectoryError):
            return
        except LeadsOut:
            yield Entry(path, OUTSIDE, what=LEADS_OUT)
            return
        except (OSError, ValueError) as error:
            yield Entry(path, UNREADABLE, what=reason(error))
            return
        yield from self._walk(path, top, enter)

    def _walk(self, path: str, top: Listing, enter: Enter) -> Iterator[Entry]:
        open_ = [(path, top)]
        try:
            while open_:
                folder, listing = open_[-1]
                try:
                    item = next(iter(listing), None)
                except OSError as error:
                    yield Entry(folder, UNREADABLE, what=reason(error))
                    item = None
                if item is None:
                    open_.pop()[1].close()
                    continue
                entry = self._listed(join(folder, item.name), item)
                if entry.kind == FOLDER and enter(entry.path):
                    below = _below(listing, item.name, entry.path, len(open_))
                    if isinstance(below, Entry):
                        entry = below
                    else:
                        open_.append((entry.path, below))
                yield entry
        finally:
            for _path, listing in open_:
                listing.close()

    def _listed(self, path: str, item: os.DirEntry[str]) -> Entry:
        if not _is_text(path):
            shown = os.fsencode(path).decode("utf-8", "backslashreplace")
            return Entry(shown, UNREADABLE, what="its name is not UTF-8")
        try:
            if not item.is_symlink():
                return _entry(path, item.stat(follow_symlinks=False))
        except OSError as error:
            return Entry(path, UNREADABLE, what=reason(error))
        found = self.look(path) or Entry(path, OTHER, what="a dangling link")
        # Going into it could go round in circles; what it leads to comes under its own name.
        return Entry(path, OTHER, what="a link to a folder") if found.kind == FOLDER else found

    def open(self, path: str) -> Slice:
        """Open a regular file, without blocking on a FIFO."""
        return open_beneath(self._folder, path, LEADS_OUT)

    def contents(self, paths: Iterable[str], limit: int) -> Iterator[tuple[str, bytes | None]]:
        """The first bytes of files."""
        for path in paths:
            try:
                descriptor = self._folder.open(path)
            except (OSError, ValueError, LeadsOut):
                yield path, None
                continue
            try:
                data = _start(descriptor, limit)
            finally:
                os.close(descriptor)
            yield path, data

    def layout(self, folder: str) -> Source:
        """The layout, confined to its folder."""
        try:
            opened = self._folder.within(folder)
        except (OSError, ValueError, LeadsOut) as error:
            raise Unreadable(f"{folder}: {reason(error)}") from error
        return FolderSource(os.path.join(self.name, folder) if folder else self.name, opened=opened)

    def close(self) -> None:
        """Close the folder."""
        self._folder.close()


@functools.lru_cache(maxsize=8)
def _again(name: str) -> FolderFiles:
    """The same folder in another process, which opens it once."""
    return FolderFiles(name)


def _start(descriptor: int, limit: int) -> bytes | None:
    data = b""
    try:
        while len(data) < limit and (more := portable.read_at(descriptor, limit - len(data), len(data))):
            data += more
    except OSError:
        return None
    return data


def _is_text(path: str) -> bool:
    return path.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in path)


def _below(listing: Listing, name: str, path: str, depth: int) -> Listing | Entry:
    if depth >= DEEPEST:
        return Entry(path, UNREADABLE, what=_TOO_DEEP)
    try:
        return listing.below(name)
    except OSError as error:
        return Entry(path, UNREADABLE, what=reason(error))


def _entry(path: str, status: os.stat_result) -> Entry:
    if stat.S_ISREG(status.st_mode):
        same = f"{status.st_dev}:{status.st_ino}" if status.st_nlink > 1 else ""
        return Entry(path, FILE, status.st_size, status.st_mtime, same=same)
    if stat.S_ISDIR(status.st_mode):
        return Entry(path, FOLDER, modified=status.st_mtime)
    return Entry(path, OTHER, what=file_kind(status.st_mode, "a special file"))
