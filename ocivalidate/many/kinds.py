"""What a folder is, and a file in it, by their names and their content, for the walk over many of them."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ocivalidate import meanings
from ocivalidate.system import portable

CONFIG, ROOT = "config.json", "rootfs"
_VERSION = b'"ociVersion"'
# A config without a version, which is at fault, names at least one of these.
_MEMBERS = (b'"process"', b'"mounts"', b'"root"')
_ROOT_PATH = re.compile(rb'"root"\s*+:\s*+\{[^{}]*?"path"\s*+:\s*+"([^"\\]*+)"')
_BROKEN = object()
_LARGEST_ALONE = 4 * 1024 * 1024
# A few of these names are those of many projects.
_OF_ROOTS = frozenset("bin boot dev etc home lib lib64 media mnt opt proc root run sbin srv sys tmp usr var".split())
_MANY = 5


class Entry(NamedTuple):
    """One name in a folder.

    ``mode`` is that of what stands there, a link being a link unless it is ``followed``: then that of what it leads to.
    """

    name: str
    path: str
    mode: int
    followed: bool = False

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return stat.S_ISREG(self.mode)

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return stat.S_ISDIR(self.mode)


Entries = Mapping[str, Entry]


class Taken(NamedTuple):
    """What a folder comes to: the inputs in it, the folders in it that are not walked, and why it is not at all."""

    inputs: tuple[str, ...] = ()
    not_walked: frozenset[str] = frozenset()
    closed: str = ""
    strange: tuple[str, ...] = ()


Taking = Callable[[str, Entries, int], Taken]


def is_root(names: Entries | frozenset[str]) -> bool:
    """Whether the names in a folder are those of a root filesystem."""
    return ".dockerenv" in names or len(_OF_ROOTS.intersection(names)) >= _MANY


def bundles(folder: str, entries: Entries, largest: int) -> Taken:
    """The bundle that a folder is, and the configs that stand in it under other names."""
    config = entries.get(CONFIG)
    strange: tuple[str, ...] = ()
    found: list[str] = []
    not_walked = {ROOT}
    if config is not None and (data := _bundle(config, entries, largest)) is not None:
        found.append(folder)
        root = _ROOT_PATH.search(data)
        not_walked.add(os.fsdecode(root[1]).removeprefix("./").strip("/").partition("/")[0] if root else ROOT)
    elif meanings.of_names(entries) in ("layout", "saved"):
        return Taken(closed="an image")
    elif is_root(entries):
        return Taken(closed="a root filesystem")
    elif config is not None and not config.is_file and not config.is_folder:
        strange = (config.path,)
    for name, entry in entries.items():
        if name != CONFIG and name.endswith(".json") and entry.is_file and _is_config(entry):
            found.append(entry.path)
    return Taken(tuple(found), frozenset(not_walked), strange=strange)


def images(folder: str, entries: Entries, _largest: int) -> Taken:
    """The layout that a folder is, or the folder of a saved image."""
    if meanings.of_names(entries) in ("layout", "saved"):
        return Taken((folder,), closed="an image")
    return Taken(closed="a root filesystem") if is_root(entries) else Taken(not_walked=frozenset({ROOT}))


def _bundle(config: Entry, entries: Entries, largest: int) -> bytes | None:
    """What the ``config.json`` of a bundle says, as far as it can be read; ``None`` for that of anything else."""
    data = read(config, largest) if config.is_file else b""
    root = entries.get(ROOT)
    if root is not None and root.is_folder and not config.is_folder:
        return data or b""
    if data is None or not config.is_file:
        # Too large, or not to be read: judging it says so.
        return b"" if config.is_file else None
    text = data.replace(b"\0", b"") if b"\0" in data[:4] else data
    if _VERSION in text:
        return text
    return text if any(member in text for member in _MEMBERS) and meanings.is_container(_value(text)) else None


def _is_config(entry: Entry) -> bool:
    """Whether a file says that it is a config, whatever its name; one that is damaged may be."""
    data = read(entry, _LARGEST_ALONE)
    if data is None or _VERSION not in data:
        return False
    value = _value(data)
    if value is _BROKEN:
        return data.lstrip()[:1] == b"{"
    return isinstance(value, dict) and "ociVersion" in value and meanings.of_value(value) in ("", "runtime-config")


def _value(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return _BROKEN


def read(entry: Entry, largest: int) -> bytes | None:
    """The content of a regular file; ``None`` if it cannot be read or has more than ``largest`` bytes."""
    try:
        with open(os.open(entry.path, portable.READ if entry.followed else portable.READ_ALONE), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > largest:
                return None
            return file.read(status.st_size)
    except (OSError, ValueError):
        return None
