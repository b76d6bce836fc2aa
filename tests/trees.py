"""What stands below a folder, as plain data: for comparing trees, and for seeing that a folder was not touched."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import NamedTuple


class Node(NamedTuple):
    """One file. ``links``: the first path of the same inode, where there are several."""

    kind: int
    mode: int
    uid: int
    gid: int
    size: int
    mtime: int
    device: int
    content: str
    xattrs: tuple[tuple[str, bytes], ...]
    links: str


def look(root: Path | str) -> dict[str, Node]:
    """Every path below a folder, the folder itself (``.``) too."""
    found: dict[str, Node] = {}
    first: dict[tuple[int, int], str] = {}
    base = os.fsencode(root)
    waiting = [b"."]
    while waiting:
        path = waiting.pop()
        full = os.path.join(base, path)
        status = os.lstat(full)
        name = os.fsdecode(os.path.normpath(path))
        found[name] = _node(full, status, first, name)
        if stat.S_ISDIR(status.st_mode):
            waiting += sorted((os.path.join(path, entry) for entry in os.listdir(full)), reverse=True)
    return found


def differences(left: Path | str, right: Path | str) -> list[str]:
    """How two trees differ; empty when they do not."""
    one, other = look(left), look(right)
    lines = [f"only in {left}: {path}" for path in sorted(one.keys() - other.keys())]
    lines += [f"only in {right}: {path}" for path in sorted(other.keys() - one.keys())]
    for path in sorted(one.keys() & other.keys()):
        for field, mine, yours in zip(Node._fields, one[path], other[path], strict=True):
            if mine != yours:
                lines.append(f"{path}: {field}: {mine!r} and {yours!r}")
    return lines


def _node(full: bytes, status: os.stat_result, first: dict[tuple[int, int], str], name: str) -> Node:
    mode = status.st_mode
    folder = stat.S_ISDIR(mode)
    links = "" if folder or status.st_nlink == 1 else first.setdefault((status.st_dev, status.st_ino), name)
    return Node(
        stat.S_IFMT(mode),
        stat.S_IMODE(mode),
        status.st_uid,
        status.st_gid,
        0 if folder else status.st_size,
        status.st_mtime_ns,
        status.st_rdev,
        _content(full, mode),
        tuple((key, os.getxattr(full, key, follow_symlinks=False)) for key in sorted(_xattrs(full))),
        links,
    )


def _xattrs(full: bytes) -> list[str]:
    return os.listxattr(full, follow_symlinks=False)


def _content(full: bytes, mode: int) -> str:
    if stat.S_ISLNK(mode):
        return os.fsdecode(os.readlink(full))
    if not stat.S_ISREG(mode):
        return ""
    with open(full, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
