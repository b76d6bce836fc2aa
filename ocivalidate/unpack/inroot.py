"""Reads a file of a root file system as a process inside would: links are resolved within that root."""

from __future__ import annotations

import errno
import os
import stat
from collections import deque
from collections.abc import Iterator

from ocivalidate.errors import TooLarge, UnpackError
from ocivalidate.image.layers import users
from ocivalidate.system.beneath import MOST_LINKS
from ocivalidate.unpack.flags import REACH, READ
from ocivalidate.unpack.places import Identity, identity

_BUFFER = 1 << 20


def read_lines(root: int, path: str) -> Iterator[bytes]:
    """The lines of a regular file below an open root; none when there is no such file.

    Raises :class:`UnpackError` when the file or a line exceeds its limit, and :class:`OSError`.
    """
    descriptor = _open_file(root, path)
    if descriptor is None:
        return
    with os.fdopen(descriptor, "rb", _BUFFER) as file:
        try:
            yield from users.lines(file)
        except TooLarge as problem:
            raise UnpackError(f"/{path} of the image {problem}") from problem


def _open_file(root: int, path: str) -> int | None:
    walk = _Walk(root)
    try:
        name = walk.to(path)
        if name is None:
            return None
        try:
            # Never open a device: that can have side effects.
            if not stat.S_ISREG(os.stat(name, dir_fd=walk.current, follow_symlinks=False).st_mode):
                return None
            descriptor = os.open(name, READ, dir_fd=walk.current)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENAMETOOLONG):
                return None
            raise
    finally:
        walk.close()
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    return descriptor


class _Walk:
    """Walks from folder to folder without following links; ``..`` must be the folder that we came from."""

    def __init__(self, root: int) -> None:
        self._root = root
        self._above: list[Identity] = []
        self.current = os.dup(root)

    def close(self) -> None:
        """Close the folder."""
        os.close(self.current)

    def to(self, path: str) -> str | None:
        """Go to the parent folder of a path; return its last name, which is not a link. ``None``: it leads nowhere."""
        waiting, links = deque(_components(path)), 0
        while waiting:
            part = waiting.popleft()
            target = None if part == ".." else self._link(part)
            if target is not None:
                links += 1
                if links > MOST_LINKS:
                    return None
                if target.startswith("/"):
                    self._go(os.dup(self._root))
                    self._above.clear()
                waiting.extendleft(reversed(_components(target)))
            elif part == "..":
                if not self._leave():
                    return None
            elif not waiting:
                return part
            elif not self._enter(part):
                return None
        return None

    def _link(self, name: str) -> str | None:
        """The target of a link; ``None`` for anything else."""
        try:
            return os.readlink(name, dir_fd=self.current)
        except OSError:
            return None

    def _enter(self, name: str) -> bool:
        try:
            inner = os.open(name, REACH, dir_fd=self.current)
        except OSError:
            return False
        self._above.append(identity(os.fstat(self.current)))
        self._go(inner)
        return True

    def _leave(self) -> bool:
        if not self._above:
            return True
        try:
            outer = os.open("..", REACH, dir_fd=self.current)
        except OSError:
            return False
        self._go(outer)
        return identity(os.fstat(outer)) == self._above.pop()

    def _go(self, folder: int) -> None:
        os.close(self.current)
        self.current = folder


def _components(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]
