"""Reading a file of a root file system as a process inside would find it: its root is the root, links included."""

from __future__ import annotations

import os
import stat
from collections import deque

from ocivalidate.unpack.errors import UnpackError
from ocivalidate.unpack.flags import LIST, READ

_MOST_LINKS = 40


def read_file(root: int, path: str, limit: int) -> bytes | None:
    """The content of a regular file below an open root; ``None`` when there is none.

    Raises :class:`UnpackError` when it has more than ``limit`` bytes, and :class:`OSError`.
    """
    found = _resolve(root, path)
    if found is None:
        return None
    folder, name = found
    try:
        descriptor = os.open(name, READ, dir_fd=folder)
    except FileNotFoundError:
        return None
    finally:
        os.close(folder)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise UnpackError(f"/{path} of the image has more than {limit} bytes")
    return data


def _resolve(root: int, path: str) -> tuple[int, str] | None:
    """The open folder and the name, no link, that a path leads to; ``None`` when it leads nowhere."""
    waiting, reached, links = deque(path.split("/")), list[str](), 0
    while waiting:
        part = waiting.popleft()
        if part in ("", "."):
            continue
        if part == "..":
            del reached[-1:]
            continue
        target = _link(root, reached, part)
        if target is None:
            reached.append(part)
            continue
        links += 1
        if links > _MOST_LINKS:
            return None
        if target.startswith("/"):
            reached.clear()
        waiting.extendleft(reversed(target.split("/")))
    if not reached:
        return None
    folder = _open(root, reached[:-1])
    return None if folder is None else (folder, reached[-1])


def _link(root: int, above: list[str], name: str) -> str | None:
    """The target of a link; ``None`` for anything else."""
    folder = _open(root, above)
    if folder is None:
        return None
    try:
        return os.readlink(name, dir_fd=folder)
    except OSError:
        return None
    finally:
        os.close(folder)


def _open(root: int, parts: list[str]) -> int | None:
    """An open folder, reached without following anything."""
    current = os.dup(root)
    for part in parts:
        try:
            inner = os.open(part, LIST, dir_fd=current)
        except OSError:
            return None
        finally:
            os.close(current)
        current = inner
    return current
