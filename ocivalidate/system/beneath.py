"""Reads files below an untrusted folder, and nothing outside it.

A link in such a folder may lead to any file of this machine. Here a path is walked one name at a time, below an open
folder: the system follows no link, we read where it leads and walk on from there, never above the folder. So the file
that was checked is the file that is opened, whoever changes the folder meanwhile. Where folders cannot be opened
(Windows), what the system opened is compared with what the path comes to.

A hard link is the file itself, and cannot be told from it.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from typing import NamedTuple, Self

from ocivalidate.errors import OciValidateError
from ocivalidate.system.portable import READ, READ_ALONE, flags

CAN_WALK = os.open in os.supports_dir_fd and os.readlink in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")
# A folder, to reach what stands in it; listing it asks for more.
_REACH = flags("O_PATH O_DIRECTORY O_NOFOLLOW O_CLOEXEC")
_LIST = flags("O_DIRECTORY O_NOFOLLOW O_CLOEXEC")
# A link, or no folder; which of them, a look tells.
_NO_FOLDER = frozenset({errno.ENOTDIR, errno.ELOOP, getattr(errno, "EMLINK", errno.ELOOP)})
# As many as Linux follows; and how deep a path may lead, each level being an open folder.
MOST_LINKS, _DEEPEST = 40, 100


class LeadsOut(OciValidateError):
    """A link that leads out of the folder. ``link``: its path in the folder; ``target``: where it leads, as written."""

    def __init__(self, link: str, target: str) -> None:
        super().__init__(f"{link or 'the path'} leads out of the folder")
        self.link = link
        self.target = target


class Found(NamedTuple):
    """What stands at a path: its status, and whether the path ends in a link to it."""

    status: os.stat_result
    linked: bool


class Beneath:
    """A folder whose files are read. ``follow``: links may lead anywhere, as the system takes them.

    ``opened``: its descriptor, if it is open already. Raises :class:`OSError` when there is no such folder; its own
    name may be a link. All paths are relative, with slashes. Every method raises :class:`LeadsOut`, :class:`OSError`,
    and ``ValueError`` for what is no path.
    """

    def __init__(self, folder: str, *, follow: bool = False, opened: int = -1) -> None:
        self._name = folder
        self._follow = follow
        self._root = opened
        self._real = os.path.realpath(folder)
        if opened < 0 and not follow and CAN_WALK:
            self._root = os.open(folder, _REACH & ~flags("O_NOFOLLOW"))

    def within(self, path: str) -> Beneath:
        """The same for a folder in it: nothing leads out of that one, either."""
        if self._root >= 0:
            return Beneath(os.path.join(self._name, *path.split("/")), follow=self._follow, opened=self.reach(path))
        full = self._checked(path)
        if not os.path.isdir(full):
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        return Beneath(full, follow=self._follow)

    def close(self) -> None:
        """Let go of the folder."""
        if self._root >= 0:
            os.close(self._root)
            self._root = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def look(self, path: str) -> Found:
        """What stands at a path, links followed."""
        if self._root < 0:
            full = self._checked(path)
            return Found(os.stat(full), os.path.islink(full))
        with _Walk(self._root, self._real) as walk:
            return walk.look(path)

    def is_link(self, path: str) -> bool:
        """Whether a link stands at a path, wherever it leads; no error for what cannot be looked at."""
        try:
            if self._root < 0:
                return os.path.islink(os.path.join(self._name, *path.split("/")))
            with _Walk(self._root, self._real) as walk:
                walk.enter(os.path.dirname(path))
                return stat.S_ISLNK(os.lstat(os.path.basename(path), dir_fd=walk.folder).st_mode)
        except (OSError, ValueError, LeadsOut):
            return False

    def names(self, path: str) -> list[str]:
        """The names in a folder, sorted."""
        if self._root < 0:
            return sorted(os.listdir(self._checked(path)))
        with _Walk(self._root, self._real) as walk:
            walk.enter(path)
            descriptor = os.open(".", _LIST, dir_fd=walk.folder)
            try:
                return sorted(os.listdir(descriptor))
            finally:
                os.close(descriptor)

    def listing(self, path: str) -> Listing:
        """A folder opened to be listed name by name, which takes no memory for the others."""
        if self._root < 0:
            return Listing(self._checked(path), -1)
        with _Walk(self._root, self._real) as walk:
            walk.enter(path)
            return Listing("", os.open(".", _LIST, dir_fd=walk.folder))

    def open(self, path: str) -> int:
        """Open the file at a path for reading; :class:`OSError` for all that is no regular file."""
        if self._root >= 0:
            with _Walk(self._root, self._real) as walk:
                return walk.open(path)
        full = self._checked(path)
        _refuse_all_but_files(os.stat(full))
        descriptor = os.open(full, READ)
        try:
            _refuse_all_but_files(os.fstat(descriptor))
            # It may have become a link since.
            same = os.path.samestat(os.fstat(descriptor), os.stat(self._checked(path)))
        except BaseException:
            os.close(descriptor)
            raise
        if not same:
            os.close(descriptor)
            raise OSError(errno.ESTALE, "another process has changed it")
        return descriptor

    def reach(self, path: str) -> int:
        """Open a folder, to reach what stands in it."""
        if self._root < 0:
            return os.open(self._checked(path), _REACH & ~flags("O_NOFOLLOW"))
        with _Walk(self._root, self._real) as walk:
            walk.enter(path)
            return os.dup(walk.folder)

    def _checked(self, path: str) -> str:
        """The path for the system, which follows its links. Raises :class:`LeadsOut` where that leads out."""
        full = os.path.join(self._name, *path.split("/"))
        if not self._follow:
            real = os.path.realpath(full)
            if not _is_below(real, self._real):
                raise LeadsOut(path, real)
        return full


class Listing:
    """An open folder. It gives its entries once, in the order of the file system, and opens folders in it.

    Nothing in it is followed. Every method may raise :class:`OSError`.
    """

    def __init__(self, path: str, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        try:
            self._entries = os.scandir(path if descriptor < 0 else descriptor)
        except BaseException:
            self._let_go()
            raise

    def __iter__(self) -> Iterator[os.DirEntry[str]]:
        return self._entries

    def below(self, name: str) -> Listing:
        """Open a folder in it; no link counts as one."""
        if self._descriptor >= 0:
            return Listing("", os.open(name, _LIST, dir_fd=self._descriptor))
        path = os.path.join(self._path, name)
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        return Listing(path, -1)

    def close(self) -> None:
        """Let go of the folder."""
        self._entries.close()
        self._let_go()

    def _let_go(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _refuse_all_but_files(status: os.stat_result) -> None:
    """Opening a device can have side effects."""
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a file")


def _is_below(path: str, folder: str) -> bool:
    try:
        return os.path.commonpath([path, folder]) == folder
    except ValueError:
        # Two drives of Windows.
        return False


class _Walk:
    """One way down from a folder, one open folder for each level."""

    def __init__(self, root: int, real: str) -> None:
        self._root = root
        self._real = real
        self._open: list[int] = []
        self._names: list[str] = []
        self._links = 0
        self._link: _Link | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        for descriptor in self._open:
            os.close(descriptor)

    @property
    def folder(self) -> int:
        """The open folder that was reached."""
        return self._open[-1] if self._open else self._root

    def look(self, path: str) -> Found:
        """The status of what a path leads to."""
        name, status, linked = self._last(path)
        return Found(os.stat(self.folder) if not name else status, linked)

    def open(self, path: str) -> int:
        """Open the file that a path leads to."""
        name, status, _linked = self._last(path)
        _refuse_all_but_files(status)
        descriptor = os.open(name, READ_ALONE, dir_fd=self.folder)
        try:
            _refuse_all_but_files(os.fstat(descriptor))
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def enter(self, path: str) -> None:
        """Go to the folder that a path leads to."""
        name, _status, _linked = self._last(path)
        if name:
            self._descend(name)

    def _last(self, path: str) -> tuple[str, os.stat_result, bool]:
        """Go to the folder that holds what a path leads to; its name there, ``""`` for that folder itself."""
        ahead, linked = _names(path), False
        while ahead:
            name = ahead.pop()
            if name == "..":
                ahead = self._ascend(path, ahead)
                continue
            if ahead and self._enters(name):
                continue
            status = os.stat(name, dir_fd=self.folder, follow_symlinks=False)
            if stat.S_ISLNK(status.st_mode):
                linked = linked or not ahead
                ahead = self._follow(name, ahead)
            elif ahead:
                self._descend(name)
            else:
                return name, status, linked
        return "", os.stat(self.folder), linked

    def _follow(self, name: str, ahead: list[str]) -> list[str]:
        """What lies ahead once a link is followed."""
        self._links += 1
        if self._links > MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        target = os.readlink(name, dir_fd=self.folder)
        self._link = _Link("/".join((*self._names, name)), target, tuple(ahead))
        return self._back(self._link) if target.startswith("/") else [*ahead, *_names(target)]

    def _ascend(self, path: str, ahead: list[str]) -> list[str]:
        """Go up one level. Above the folder there is nothing for us, unless a link leads back from there."""
        if not self._open:
            return self._back(self._link or _Link(path, "..", ()))
        os.close(self._open.pop())
        self._names.pop()
        return ahead

    def _back(self, link: _Link) -> list[str]:
        """What lies ahead from the top, for a link that leaves the folder and comes back. Raises :class:`LeadsOut`."""
        real = os.path.realpath(os.path.join(self._real, link.path))
        if self._link is None or not _is_below(real, self._real):
            raise LeadsOut(link.path, link.target)
        while self._open:
            os.close(self._open.pop())
        self._names.clear()
        return [*link.after, *_names(os.path.relpath(real, self._real))]

    def _enters(self, name: str) -> bool:
        """Go into a folder, as most names on the way are, without a look at it first; no link is followed."""
        try:
            self._descend(name)
        except OSError as error:
            if error.errno not in _NO_FOLDER:
                raise
            return False
        return True

    def _descend(self, name: str) -> None:
        if len(self._open) >= _DEEPEST:
            raise OSError(errno.ELOOP, f"more than {_DEEPEST} folders deep")
        self._open.append(os.open(name, _REACH, dir_fd=self.folder))
        self._names.append(name)


class _Link(NamedTuple):
    """A link on the way: its path, where it leads as written, and what lies ahead after it."""

    path: str
    target: str
    after: tuple[str, ...]


def _names(path: str) -> list[str]:
    """The names of a path, the last one first."""
    if "\0" in path:
        raise ValueError("a path contains a NUL character")
    return [name for name in reversed(path.split("/")) if name not in ("", ".")]
