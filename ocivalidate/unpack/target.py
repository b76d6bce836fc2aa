"""The place of a bundle: its parent folder is opened once, and everything starts from there."""

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
    """A bundle of which ``rootfs``, ``config`` or both will be made; use it as a context manager.

    ``beside``: the open folder for staging. ``name``: of a whole bundle in it; ``inside``: the open bundle, when only a
    part is made. ``mapped``: the container runs as other users of the host. ``source``: the image, as the user named
    it: it is never replaced or written to.
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
        """The result is in place: keep it."""
        self._kept = True

    def is_open(self, *, mapped: bool) -> bool:
        """Whether other users of the host may enter the bundle: its own mode and those of all folders above it."""
        if not self._whole:
            return open_to_others(self.inside)
        return bool(mode_of(mapped=mapped) & OTHERS) and open_to_others(self._parent)

    @property
    def force(self) -> bool:
        """Whether what is there may be replaced, unless :meth:`strange` objects."""
        return self._force

    def strange(self, folder: int, name: bytes) -> str:
        """Why the old target, now at a name in an open folder, may not be replaced; empty: it may."""
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
        """Refuse a place that is, contains or lies in something that must not be lost."""
        guards.around(self._parent)
        status = _status(self._parent, self.name)
        if status is None:
            return
        if not stat.S_ISDIR(status.st_mode):
            what = "a symbolic link" if stat.S_ISLNK(status.st_mode) else "something that is not a directory"
            raise UnpackError(f"{self._path}: there is {what}")
        descriptor = os.open(self.name, LIST, dir_fd=self._parent)
        try:
            guards.around(descriptor)
            if self._whole:
                self._found = identity(status)
                guards.replaced(descriptor, self._parent)
                if os.listdir(descriptor):
                    self._refuse(mark.strange_bundle(descriptor), "the directory is not empty")
        finally:
            os.close(descriptor)

    def _enter(self, part: bytes, guards: Guards, *, mapped: bool) -> None:
        """Enter the bundle of which a part is made."""
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
        """Refuse what is there, unless it may be replaced."""
        if strange:
            rule = "--force replaces a bundle or an empty directory, nothing else"
            raise UnpackError(f"{self._path}: there is {strange}: {rule}")
        if not self._force:
            raise UnpackError(f"{self._path}: {message} (--force replaces it)")

    def _close(self) -> None:
        if self.inside >= 0:
            os.close(self.inside)
            self.inside = -1
            if self._made and not self._kept:
                # Anything in it was put there by somebody else.
                with contextlib.suppress(OSError):
                    os.rmdir(self.name, dir_fd=self._parent)
        if self._parent >= 0:
            os.close(self._parent)
            self._parent = -1


def split(path: str) -> tuple[str, bytes]:
    """The parent folder of a bundle, and the name of the bundle in it.

    Raises :class:`UnpackError` for a path that does not end in a name: an empty one, ``/``, ``.`` or ``..``.
    """
    if not path:
        raise UnpackError("the path of the bundle is empty: name a directory to create")
    parent, name = os.path.split(path.rstrip("/"))
    if name in ("", ".", "..") or "\0" in path or os.fsencode(name).startswith(PREFIX):
        raise UnpackError(f"{path}: not a valid path for a bundle: name a directory to create")
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
        raise UnpackError(f"{path}: the parent directory: {reason(error)}") from error


def mode_of(*, mapped: bool) -> int:
    """The mode of a bundle: closed to others, because programs in it may be setuid.

    ``mapped``: the container runs as other users, who must be able to pass through.
    """
    return 0o711 if mapped else 0o700


def tidy(path: str) -> None:
    """Remove what an interrupted run into this place left behind."""
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
