"""The settings file: which one applies, and whether it can be trusted.

It is the nearest ``ocivalidate.toml``, or ``pyproject.toml`` with a table ``[tool.ocivalidate]``, from the current
folder upwards. The writer of that file decides what is judged and shown, so only we and root may be able to write it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ocivalidate.bundle.sources import MAX_SIZE, refuse_all_but_files
from ocivalidate.errors import Malformed, Unreadable, UsageError
from ocivalidate.system import portable
from ocivalidate.system.reasons import reason

FILE_NAME = "ocivalidate.toml"
PROJECT = "pyproject.toml"
NO_CONFIG = "OCIVALIDATE_NO_CONFIG"
_MARK = b"tool.ocivalidate"
_WAYS_OUT = "--config FILE reads it anyway, --no-config reads none"


class OfStrangers(UsageError):
    """A settings file that others wrote, or could have."""


class SettingsFile(NamedTuple):
    """A settings file that counts: where it is, and what it says, not checked yet."""

    path: str
    table: dict[str, Any]


def settings_file(named: str | None, *, none: bool) -> SettingsFile | None:
    """The file that the user ``named``, or the nearest one; ``none`` turns the search off.

    Raises :class:`UsageError` for one that cannot be read, makes no sense, or that others could have written. A file
    that the user names is trusted.
    """
    if none:
        return None
    if named:
        return SettingsFile(named, _table(named, read_file(named)))
    return _nearest()


def _nearest() -> SettingsFile | None:
    try:
        here = Path.cwd()
    except OSError:
        # The folder has been removed, or a folder above it is closed to us.
        return None
    return in_folders((here, *here.parents))


def in_folders(folders: Iterable[Path], *, strangers: str = "refuse") -> SettingsFile | None:
    """The settings file of the first of these folders that has one.

    ``strangers``: ``refuse`` a file that others could have written, or ``pass over`` it. Raises :class:`UsageError`.
    """
    for folder in folders:
        own, project = str(folder / FILE_NAME), str(folder / PROJECT)
        try:
            if os.path.isfile(own):
                return SettingsFile(own, _table(own, read_file(own, trusted=False)))
            if os.path.isfile(project) and _MARK in read_file(project):
                return SettingsFile(project, _table(project, read_file(project, trusted=False)))
        except OfStrangers:
            if strangers == "refuse":
                raise
    return None


def read_file(path: str, *, trusted: bool = True) -> bytes:
    """What the file says, as far as it could count. Raises :class:`UsageError`."""
    try:
        # Opening a device can have side effects.
        refuse_all_but_files(os.stat(path).st_mode)
        with open(os.open(path, portable.READ), "rb") as file:
            status = os.fstat(file.fileno())
            refuse_all_but_files(status.st_mode)
            if not trusted:
                _refuse_strangers(path, status)
            return file.read(MAX_SIZE)
    except Unreadable as problem:
        raise UsageError(f"{path}: {problem}") from problem
    except (OSError, ValueError) as problem:
        raise UsageError(f"{path}: {reason(problem)}") from problem


def _table(path: str, data: bytes) -> dict[str, Any]:
    from ocivalidate import tomltext

    try:
        content = tomltext.loads(data)
    except Malformed as problem:
        raise UsageError(f"{path} {problem}") from problem
    if os.path.basename(path) != PROJECT:
        return content
    tools = content.get("tool", {})
    table = tools.get("ocivalidate", {}) if isinstance(tools, dict) else {}
    if not isinstance(table, dict):
        raise UsageError(f"{path}: tool.ocivalidate must be a table")
    return table


def _refuse_strangers(path: str, status: os.stat_result) -> None:
    """Refuse a file, open with this ``status``, that others wrote or could have.

    Raises :class:`UsageError`, and :class:`OSError` when something vanishes.
    """
    us = portable.user_id()
    if us is None:
        return
    for link in _links(path):
        _refuse_owner(path, os.lstat(link).st_uid, us)
    _refuse_owner(path, status.st_uid, us)
    if _others_write(status):
        raise OfStrangers(f"{path}: a settings file that other users can write is not read; {_WAYS_OUT}")
    for name in (path, os.path.realpath(path)):
        folder = os.stat(os.path.dirname(name) or ".")
        # Where the sticky bit is set, nobody replaces what is not theirs.
        if _others_write(folder) and not folder.st_mode & stat.S_ISVTX:
            raise OfStrangers(
                f"{path}: a settings file in a folder that other users can write is not read; {_WAYS_OUT}"
            )


def _links(path: str) -> Iterator[str]:
    """The links that lead from the path to the file, at its last name."""
    for _ in range(40):
        if not os.path.islink(path):
            return
        yield path
        path = os.path.join(os.path.dirname(path), os.readlink(path))


def _refuse_owner(path: str, owner: int, us: int) -> None:
    if owner not in (us, 0):
        raise OfStrangers(f"{path}: a settings file of another user ({owner}) is not read; {_WAYS_OUT}")


def _others_write(status: os.stat_result) -> bool:
    if status.st_mode & stat.S_IWOTH:
        return True
    return bool(status.st_mode & stat.S_IWGRP) and not _is_private(status)


def _is_private(status: os.stat_result) -> bool:
    """Whether the group is that of the owner alone, as many systems make one for each user but root."""
    if status.st_uid == 0:
        return False
    try:
        import grp
        import pwd

        user, group = pwd.getpwuid(status.st_uid), grp.getgrgid(status.st_gid)
    except (ImportError, KeyError):
        return False
    return user.pw_gid == group.gr_gid and user.pw_name == group.gr_name and not {*group.gr_mem} - {user.pw_name}
