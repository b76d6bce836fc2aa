"""The folder of a case at a moment: what is in it besides the root filesystem that every bundle is made of."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from ocivalidate.errors import Unreadable
from ocivalidate.runtime.kernel import handed
from ocivalidate.system.mounts import Mount, mounts

MOST_FILE, MOST_ALL, MOST_ENTRIES = 128 * 1024, 1024 * 1024, 2000
"""The most bytes of one file, of all that are read in one look, and the most names in the folder of a case."""
Signature: TypeAlias = tuple[object, ...]

# What the runtime and our own calls write there.
_OURS = ("root", "runtime.log")
_ENDINGS = (".out", ".err", ".pid")
_PROBE = "usr/lib/ocivalidate/probe"
TREE = "tree"
_OF_A_FOLDER = 3
_GROUP = re.compile("(?<=:)[0-9]+")
_DEEPEST = 32


@dataclass(frozen=True, slots=True)
class Entry:
    """A name in the folder of a case.

    ``kind``: ``file``, ``folder``, ``link``, ``node``, ``fifo``, ``mount``, or ``tree`` for a copy of the root
    filesystem. ``data``: the bytes of a file, the aim of a link, ``c 1 3`` of a node, the options of a mount.
    """

    path: str
    kind: str
    mode: int = 0o755
    owner: tuple[int, int] = (0, 0)
    data: bytes = b""


def scan(folder: Path, base: Path, missing: dict[str, None]) -> dict[str, Signature]:
    """What is in a folder: relative path → all by which a change is told. The tree ``base`` counts as one entry."""
    found: dict[str, Signature] = {}
    points = {mount.point: mount for mount in mounts() if mount.point.startswith(f"{folder}/")}
    ours = os.stat(folder).st_dev
    strange = {point for point in points if not _may_enter(point, ours, points[point])}
    for path, info in _entries(str(folder), str(base), strange):
        if len(found) >= MOST_ENTRIES:
            missing["there are too many files in the folder of the case"] = None
            break
        found[path] = info
    for point, mount in points.items():
        where = os.path.relpath(point, folder)
        found[f"{where}\0mount"] = ("mount", mount.kind, mount.root, mount.options, _GROUP.sub("", mount.flags))
    return found


def _may_enter(point: str, ours: int, mount: Mount) -> bool:
    """Whether what is mounted is small and a case's own: a part of our file system, or a new one in memory."""
    try:
        return os.stat(point).st_dev == ours or (mount.kind == "tmpfs" and mount.root == "/")
    except OSError:
        return False


def _entries(folder: str, base: str, points: Collection[str]) -> Iterator[tuple[str, Signature]]:
    """Names below a folder with their signatures; of a copy of ``base`` itself and what differs in it."""
    plain = dict(_walk(base, "", ()))
    copies: list[str] = []
    for path, info in _walk(folder, "", points):
        if ("/" not in path and (path in _OURS or path.endswith(_ENDINGS))) or path.startswith(f"{_OURS[0]}/"):
            continue
        inside = next((one for one in copies if path.startswith(f"{one}/")), "")
        if inside and _alike(plain.get(path[len(inside) + 1 :]), info):
            continue
        yield path, info
        if not inside and len(info) == _OF_A_FOLDER and os.path.lexists(f"{folder}/{path}/{_PROBE}"):
            copies.append(path)
            yield f"{path}\0{TREE}", (TREE,)
    for copy in copies:
        for path in plain:
            if not os.path.lexists(f"{folder}/{copy}/{path}"):
                yield f"{copy}/{path}\0gone", ("gone",)


def _walk(folder: str, below: str, points: Collection[str]) -> Iterator[tuple[str, Signature]]:
    """Every name below a folder, each folder before what is in it; nothing below mount points."""
    try:
        found = sorted(os.scandir(folder), key=lambda one: one.name)
    except OSError:
        return
    for one in found:
        info, path = _signature(one), f"{below}{one.name}"
        if info is None:
            continue
        yield path, info
        if one.is_dir(follow_symlinks=False) and one.path not in points and path.count("/") < _DEEPEST:
            yield from _walk(one.path, f"{path}/", points)


def _signature(one: os.DirEntry[str]) -> Signature | None:
    try:
        info = one.stat(follow_symlinks=False)
        aim = os.readlink(one.path) if stat.S_ISLNK(info.st_mode) else ""
    except OSError:
        return None
    if stat.S_ISDIR(info.st_mode):
        return (info.st_mode, info.st_uid, info.st_gid)
    return (info.st_mode, info.st_uid, info.st_gid, info.st_size, info.st_mtime_ns, info.st_ino, info.st_rdev, aim)


def _alike(base: Signature | None, found: Signature) -> bool:
    """Whether an entry is that of the base: the same file, folder, or a link to the same place."""
    if base is None or len(base) != len(found) or base[0] != found[0]:
        return False
    return base[-1] == found[-1] if stat.S_ISLNK(int(str(base[0]))) else base == found


def entries(
    folder: Path, scanned: Mapping[str, Signature], paths: Sequence[str], missing: dict[str, None]
) -> list[Entry]:
    """The entries at these paths of a scan, folders before what is in them."""
    found, left = [], MOST_ALL
    for path in sorted(paths):
        entry = _entry(folder, path, scanned[path], min(MOST_FILE, left), missing)
        if entry is not None:
            found.append(entry)
            left -= len(entry.data)
    return sorted(found, key=lambda one: (one.path.count("/"), one.kind != TREE))


def _entry(folder: Path, path: str, signature: Signature, most: int, missing: dict[str, None]) -> Entry | None:
    place, _, other = path.partition("\0")
    if other:
        return Entry(place, other, data="\n".join(map(str, signature[1:])).encode("utf-8", "surrogateescape"))
    mode, user, group = (int(str(part)) for part in signature[:3])
    kind, data = stat.S_IFMT(mode), b""
    name = {stat.S_IFDIR: "folder", stat.S_IFLNK: "link", stat.S_IFIFO: "fifo"}.get(kind, "file")
    if kind == stat.S_IFLNK:
        data = os.fsencode(str(signature[-1]))
    elif kind in (stat.S_IFCHR, stat.S_IFBLK):
        device = int(str(signature[6]))
        letter = "c" if kind == stat.S_IFCHR else "b"
        name, data = "node", f"{letter} {os.major(device)} {os.minor(device)}".encode()
    elif kind == stat.S_IFREG:
        read = _content(folder / path, most + 1)
        if len(read) > most:
            missing[f"{path!a} is left out: its {signature[3]} bytes are too many"] = None
            return None
        data = read
    elif kind == stat.S_IFSOCK:
        missing[f"{path!a} is a socket, at which a program of ours listened"] = None
        return None
    return Entry(path, name, stat.S_IMODE(mode), (user, group), data)


def _content(path: Path, most: int) -> bytes:
    try:
        with handed.opened(path) as descriptor:
            return handed.read(descriptor, most)
    except (OSError, Unreadable):
        return b""
