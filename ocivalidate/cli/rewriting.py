"""Writes a file of the user anew: completely or not at all, with its mode, owner and attributes.

What is written came from what was read: a file that somebody changed meanwhile is left alone. Links are followed; what
stands at their end is replaced, and the links stay.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from os import PathLike

from ocivalidate.cli.planted import planted
from ocivalidate.errors import UsageError
from ocivalidate.system import portable
from ocivalidate.system.reasons import reason

_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def rewrite(file: str, before: bytes, after: bytes, *, within: PathLike[str] | None = None) -> None:
    """Put ``after`` in place of the content of a file, if that still is ``before``.

    ``within``: the folder out of which no link may lead. Raises :class:`UsageError`.
    """
    try:
        if trap := planted(file):
            raise UsageError(f"cannot write {file}: {trap}")
        folder, name = os.path.split(os.path.realpath(file))
        around = os.path.realpath(within or os.sep)
        if within is not None and os.path.commonpath([folder, around]) != around:
            raise UsageError(f"cannot write {file}: it is a link that leads out of the folder (use --follow-links)")
        with _opened(folder) as below:
            _replace(file, _Beside(below, folder, name), before, after)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else reason(error)
        raise UsageError(f"cannot write {file}: {why}") from error


@contextlib.contextmanager
def _opened(folder: str) -> Iterator[int | None]:
    """The folder, so that nobody puts another in its place; ``None`` on systems that cannot do that."""
    if os.open not in os.supports_dir_fd or os.rename not in os.supports_dir_fd:
        yield None
        return
    descriptor = os.open(folder, os.O_RDONLY | portable.flags("O_DIRECTORY O_CLOEXEC"))
    try:
        yield descriptor
    finally:
        os.close(descriptor)


class _Beside:
    """A file in an open folder, and names beside it."""

    def __init__(self, below: int | None, folder: str, name: str) -> None:
        self._below, self._folder = below, folder
        self.name = name

    def open(self, name: str, flags: int, mode: int = 0o600) -> int:
        """Open a file of the folder, through no link."""
        return os.open(
            self._path(name), flags | portable.flags("O_NOFOLLOW O_CLOEXEC O_BINARY"), mode, dir_fd=self._below
        )

    def move(self, name: str, to: str) -> None:
        """Give a file another name."""
        if self._below is None:
            os.replace(self._path(name), self._path(to))
        else:
            os.replace(name, to, src_dir_fd=self._below, dst_dir_fd=self._below)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with contextlib.suppress(OSError):
            os.unlink(self._path(name), dir_fd=self._below)

    def _path(self, name: str) -> str:
        return name if self._below is not None else os.path.join(self._folder, name)


def _replace(file: str, beside: _Beside, before: bytes, after: bytes) -> None:
    old = beside.open(beside.name, portable.READ)
    try:
        status = os.fstat(old)
        _refuse_unlike(file, old, status, before)
        temporary = f".ocivalidate-{secrets.token_hex(8)}"
        new = beside.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            with os.fdopen(new, "wb") as stream:
                stream.write(after)
                _make_alike(file, old, stream.fileno(), status)
                stream.flush()
                os.fsync(stream.fileno())
            beside.move(temporary, beside.name)
        except BaseException:
            beside.remove(temporary)
            raise
    finally:
        os.close(old)


def _refuse_unlike(file: str, old: int, status: os.stat_result, before: bytes) -> None:
    """Raise :class:`UsageError` for anything but a file that may be written and holds what was judged."""
    if not stat.S_ISREG(status.st_mode):
        raise UsageError(f"cannot write {file}: not a file")
    # root may write it all the same, and whoever took the permission away meant something by it.
    if not status.st_mode & _WRITABLE or not os.access(file, os.W_OK):
        raise UsageError(f"cannot write {file}: it is read-only")
    with os.fdopen(os.dup(old), "rb") as stream:
        if stream.read(len(before) + 1) != before:
            raise UsageError(f"cannot write {file}: it was changed while it was judged")


def _make_alike(file: str, old: int, new: int, status: os.stat_result) -> None:
    """Give a new file the owner, the mode and the attributes of the old one."""
    own = os.fstat(new)
    if hasattr(os, "fchown") and (own.st_uid, own.st_gid) != (status.st_uid, status.st_gid):
        try:
            os.fchown(new, status.st_uid, status.st_gid)
        except OSError as problem:
            raise UsageError(f"cannot write {file}: its owner cannot be kept ({problem.strerror})") from problem
    if hasattr(os, "listxattr"):
        # Labels and lists of access: what the system lets us have of them.
        with contextlib.suppress(OSError):
            for attribute in os.listxattr(old):
                with contextlib.suppress(OSError):
                    os.setxattr(new, attribute, os.getxattr(old, attribute))
    if os.chmod in os.supports_fd:
        os.chmod(new, stat.S_IMODE(status.st_mode))
