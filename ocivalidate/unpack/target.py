"""Where a bundle is to stand: the folder around it is opened once, and everything goes on from there."""

from __future__ import annotations

import contextlib
import os
import stat
from types import TracebackType
from typing import Self

from ocivalidate.errors import UnpackError
from ocivalidate.system.reasons import reason
from ocivalidate.unpack import mark
from ocivalidate.unpack.flags import LIST, NAMED
from ocivalidate.unpack.guards import Guards
from ocivalidate.unpack.places import OTHERS, identity, open_to_others
from ocivalidate.unpack.staging import PREFIX, sweep

_PARTS = {mark.ROOTFS: "a root file system", mark.CONFIG: "a config.json"}


class Target:
    """A bundle of which ``rootfs``, ``config`` or both are to be made; use it as a context manager.

    ``beside``: the open folder in which things are staged. ``name``: that of the bundle in it, for a whole bundle;
    ``inside``: the open bundle itself, for a part of one. ``mapped``: the container runs as other users of the host.
    ``source``: the image, as the user named it: nothing of it is replaced, and nothing is written into it.
    """

    def __init__(self, path: str, source: str, *, rootfs: bool, config: bool, force: bool, mapped: bool) -> None:
        self._path = path
        self._whole = rootfs and config
        self._force = force
        self._made = False
        self._kept = False
        self._found: tuple[int, int] | None = None
        self.inside = -1
        parent, self.name = split(path)
        self._parent = _open(parent, path)
        self.beside = self._parent
        try:
            guards = Guards(path, source)
            self._check(guards)
            if not self._whole:
                self._enter(mark.ROOTFS if rootfs else mark.CONFIG, guards, mapped=mapped)
            sweep(self.beside)
        except BaseException:
            self._close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._close()

    def keep(self) -> None:
        """What was to be made is in its place."""
        self._kept = True

    def is_open(self, *, mapped: bool) -> bool:
        """Whether other users of the host may enter the bundle: its own mode and those of all folders above it."""
        if not self._whole:
            return open_to_others(self.inside)
        return bool(mode_of(mapped=mapped) & OTHERS) and open_to_others(self._parent)

    @property
    def force(self) -> bool:
        """Whether what stands there may be replaced, as far as :meth:`strange` has nothing against it."""
        return self._force

    def strange(self, folder: int, name: bytes) -> str:
        """Why what was at the target, and has a name in an open folder now, may not be replaced; empty: it may."""
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if identity(status) != self._found:
            return "something else"
        if not self._whole:
            return ""
        descriptor = os.open(name, LIST, dir_fd=folder)
        try:
            return mark.strange_bundle(descriptor)
        finally:
            os.close(descriptor)

    def _check(self, guards: Guards) -> None:
        """Refuse a place that is, holds or lies in what must not be lost."""
        guards.around(self._parent)
        status = _status(self._parent, self.name)
        if status is None:
            return
        if not stat.S_ISDIR(status.st_mode):
            what = "a symbolic link" if stat.S_ISLNK(status.st_mode) else "something that is no folder"
            raise UnpackError(f"{self._path}: there is {what}")
        descriptor = os.open(self.name, LIST, dir_fd=self._parent)
        try:
            guards.around(descriptor)
            if self._whole:
                self._found = identity(status)
                guards.replaced(descriptor, self._parent)
                if os.listdir(descriptor):
                    self._refuse(mark.strange_bundle(descriptor), "the folder is not empty")
        finally:
            os.close(descriptor)

    def _enter(self, part: bytes, guards: Guards, *, mapped: bool) -> None:
        """Go into the bundle of which a part is made."""
        if _status(self._parent, self.name) is None:
            os.mkdir(self.name, mode_of(mapped=mapped), dir_fd=self._parent)
            self._made = True
        self.inside = os.open(self.name, LIST, dir_fd=self._parent)
        self.beside = self.inside
        status = _status(self.inside, part)
        if status is None:
            return
        self._found = identity(status)
        taken = f"there is {_PARTS[part]} already"
        if part == mark.CONFIG:
            self._refuse(mark.strange_config(self.inside), taken)
        elif not stat.S_ISDIR(status.st_mode) or self._holds_something(part, guards):
            self._refuse(mark.strange_rootfs(self.inside), taken)

    def _holds_something(self, part: bytes, guards: Guards) -> bool:
        descriptor = os.open(part, LIST, dir_fd=self.inside)
        try:
            guards.replaced(descriptor, self.inside)
            return bool(os.listdir(descriptor))
        finally:
            os.close(descriptor)

    def _refuse(self, strange: str, message: str) -> None:
        """Refuse what stands there, unless it may be replaced."""
        if strange:
            rule = "--force replaces a bundle or an empty folder, nothing else"
            raise UnpackError(f"{self._path}: there is {strange}: {rule}")
        if not self._force:
            raise UnpackError(f"{self._path}: {message} (--force replaces it)")

    def _close(self) -> None:
        if self.inside >= 0:
            os.close(self.inside)
            self.inside = -1
            if self._made and not self._kept:
                # Something stands in it only if somebody else put it there.
                with contextlib.suppress(OSError):
                    os.rmdir(self.name, dir_fd=self._parent)
        if self._parent >= 0:
            os.close(self._parent)
            self._parent = -1


def split(path: str) -> tuple[str, bytes]:
    """The folder around a bundle and the name of the bundle in it.

    Raises :class:`UnpackError` for a path that does not end in a name: an empty one, ``/``, ``.`` or ``..``.
    """
    if not path:
        raise UnpackError("the path of the bundle is empty: name a folder to make")
    parent, name = os.path.split(path.rstrip("/"))
    if name in ("", ".", "..") or "\0" in path or os.fsencode(name).startswith(PREFIX):
        raise UnpackError(f"{path}: not a place for a bundle: name a folder to make")
    return parent or ".", os.fsencode(name)


def _status(folder: int, name: bytes) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _open(parent: str, path: str) -> int:
    try:
        return os.open(parent, NAMED)
    except OSError as error:
        raise UnpackError(f"{path}: the folder around it: {reason(error)}") from error


def mode_of(*, mapped: bool) -> int:
    """The mode of a bundle: closed to others, as programs in it may be setuid.

    ``mapped``: the container runs as other users, who have to pass through.
    """
    return 0o711 if mapped else 0o700


def tidy(path: str) -> None:
    """Remove what an interrupted run into this place has left."""
    try:
        parent, _name = split(path)
    except UnpackError:
        return
    for folder in (parent, path):
        try:
            descriptor = os.open(folder, NAMED)
        except (OSError, ValueError):
            continue
        try:
            sweep(descriptor)
        finally:
            os.close(descriptor)
