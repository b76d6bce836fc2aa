"""Removing folders, however deep, without following a link and without holding more than two of them open.

Folders inside the one being removed are first moved up beside it and removed in turn. So no path is walked twice, and a
process that changes the tree meanwhile cannot lead us elsewhere.
"""

from __future__ import annotations

import contextlib
import os
import stat

from ocivalidate.unpack.flags import LIST, REACH

_RWX = 0o700


class Trash:
    """A private open folder in which things are removed."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._number = 0

    def take(self, folder: int, name: bytes) -> None:
        """Remove a folder ``name`` and all in it; it leaves the open ``folder`` at once. Raises :class:`OSError`."""
        waiting = [self._move(folder, name)]
        while waiting:
            waiting += self._empty(waiting.pop())

    def empty(self) -> None:
        """Remove everything in the trash folder itself. Raises :class:`OSError`."""
        for entry in _entries(self.descriptor):
            if entry.is_dir(follow_symlinks=False):
                self.take(self.descriptor, os.fsencode(entry.name))
            else:
                os.unlink(entry.name, dir_fd=self.descriptor)

    def _move(self, folder: int, name: bytes) -> bytes:
        _unlock(folder, name)
        while True:
            self._number += 1
            new = b"removed-%d" % self._number
            if new == name and folder == self.descriptor:
                return name
            try:
                os.stat(new, dir_fd=self.descriptor, follow_symlinks=False)
            except FileNotFoundError:
                os.rename(name, new, src_dir_fd=folder, dst_dir_fd=self.descriptor)
                return new

    def _empty(self, name: bytes) -> list[bytes]:
        """Remove one folder of the trash after moving up the folders in it; return their names."""
        folders = []
        descriptor = os.open(name, LIST, dir_fd=self.descriptor)
        try:
            for entry in _entries(descriptor):
                if entry.is_dir(follow_symlinks=False):
                    folders.append(self._move(descriptor, os.fsencode(entry.name)))
                else:
                    os.unlink(entry.name, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        os.rmdir(name, dir_fd=self.descriptor)
        return folders


def _entries(descriptor: int) -> list[os.DirEntry[str]]:
    with os.scandir(descriptor) as found:
        return list(found)


def _unlock(folder: int, name: bytes) -> None:
    """Let the owner read and change a folder: without root it cannot be emptied or moved otherwise."""
    descriptor = os.open(name, REACH, dir_fd=folder)
    try:
        if stat.S_IMODE(os.fstat(descriptor).st_mode) & _RWX != _RWX:
            with contextlib.suppress(PermissionError):
                os.chmod(f"/proc/self/fd/{descriptor}", _RWX)
    finally:
        os.close(descriptor)
