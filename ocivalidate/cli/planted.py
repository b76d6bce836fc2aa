"""Links and FIFOs that another user planted in a shared folder, to make us write elsewhere.

In ``/tmp`` a link with the name that we are about to write leads anywhere. The kernel refuses to follow it where
``fs.protected_symlinks`` is set, and to open such a FIFO where ``fs.protected_fifos`` is (proc(5)); not all systems set
them, and a path that we resolve ourselves they do not know.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from ocivalidate.system import portable

_MOST_LINKS = 40


def planted(file: str) -> str:
    """What another user planted on the way to a file, in words, or ``""``. Raises :class:`OSError`."""
    us = portable.user_id()
    if us is None:
        return ""
    for path, status in _steps(file):
        folder = os.stat(os.path.dirname(path))
        is_shared = folder.st_mode & stat.S_ISVTX and folder.st_mode & stat.S_IWOTH
        if is_shared and status.st_uid not in (us, folder.st_uid):
            what = "link" if stat.S_ISLNK(status.st_mode) else "FIFO"
            return f"{path} is a {what} of another user ({status.st_uid})"
    return ""


def _steps(file: str) -> Iterator[tuple[str, os.stat_result]]:
    """The links on the way to a file, one after another, and the FIFO at its end, each by a path without links."""
    at, left, links = os.path.sep if os.path.isabs(file) else os.curdir, file.split(os.sep)[::-1], 0
    while left and links < _MOST_LINKS:
        name = left.pop()
        path = os.path.join(at, name)
        if name in ("", os.curdir, os.pardir):
            at = path if name == os.pardir else at
            continue
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            return
        if stat.S_ISLNK(status.st_mode):
            yield path, status
            links += 1
            target = os.readlink(path)
            at = os.path.sep if os.path.isabs(target) else at
            left += target.split(os.sep)[::-1]
            continue
        if stat.S_ISFIFO(status.st_mode):
            yield path, status
        at = path
