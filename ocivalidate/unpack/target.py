"""Where a bundle is to stand: the folder around it is opened once, and everything goes on from there."""

from __future__ import annotations

import contextlib
import os
import stat
from types import TracebackType
from typing import Self

from ocivalidate.unpack.errors import UnpackError
from ocivalidate.unpack.flags import LIST, NAMED
from ocivalidate.unpack.staging import sweep

_PARTS = {"rootfs": "a root file system", "config.json": "a config.json"}


class Target:
    """A bundle of which ``rootfs``, ``config`` or both are to be made; use it as a context manager.

    ``beside``: the open folder in which things are staged. ``name``: that of the bundle in it, for a whole bundle;
    ``inside``: the open bundle itself, for a part of one. ``mapped``: the container runs as other users of the host.
    """

    def __init__(self, path: str, *, rootfs: bool, config: bool, force: bool, mapped: bool) -> None:
        self._path = path
        self._whole = rootfs and config
        self._made = False
        self._kept = False
        self.inside = -1
        parent, name = os.path.split(os.path.abspath(path))
        if not name or "\0" in path:
            raise UnpackError(f"{path}: not a place for a bundle")
        self.name = os.fsencode(name)
        self._parent = _open(parent, path)
        self.beside = self._parent
        try:
            self._prepare("rootfs" if rootfs else "config.json", force=force, mapped=mapped)
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

    def _prepare(self, part: str, *, force: bool, mapped: bool) -> None:
        sweep(self._parent)
        mode = self._mode(self._parent, self.name)
        if mode is not None and not stat.S_ISDIR(mode):
            raise UnpackError(f"{self._path}: something stands there that is no folder")
        if self._whole:
            if mode is not None and not force and _names(self._parent, self.name):
                raise UnpackError(f"{self._path}: the folder is not empty (--force replaces it)")
            return
        if mode is None:
            os.mkdir(self.name, mode_of(mapped=mapped), dir_fd=self._parent)
            self._made = True
        self.inside = os.open(self.name, LIST, dir_fd=self._parent)
        self.beside = self.inside
        sweep(self.inside)
        found = self._mode(self.inside, os.fsencode(part))
        empty = found is not None and stat.S_ISDIR(found) and not _names(self.inside, os.fsencode(part))
        if found is not None and not empty and not force:
            raise UnpackError(f"{self._path}: there is {_PARTS[part]} already (--force replaces it)")

    def _mode(self, folder: int, name: bytes) -> int | None:
        try:
            return os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
        except FileNotFoundError:
            return None

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


def _open(parent: str, path: str) -> int:
    try:
        return os.open(parent, NAMED)
    except OSError as error:
        raise UnpackError(f"{path}: the folder around it: {(error.strerror or '').lower()}") from error


def _names(folder: int, name: bytes) -> list[str]:
    descriptor = os.open(name, LIST, dir_fd=folder)
    try:
        return os.listdir(descriptor)
    finally:
        os.close(descriptor)


def mode_of(*, mapped: bool) -> int:
    """The mode of a bundle: closed to others, as programs in it may be setuid.

    ``mapped``: the container runs as other users, who have to pass through.
    """
    return 0o711 if mapped else 0o700


def tidy(path: str) -> None:
    """Remove what an interrupted run into this place has left."""
    parent, name = os.path.split(os.path.abspath(path))
    for folder in (parent, os.path.join(parent, name)):
        try:
            descriptor = os.open(folder, NAMED)
        except (OSError, ValueError):
            continue
        try:
            sweep(descriptor)
        finally:
            os.close(descriptor)
