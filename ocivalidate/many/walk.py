"""Walks the folders below a path for what is to be judged.

The tree may be a stranger's. No link is followed (unless the caller wants it), so there are no loops and nothing
outside is read; nothing but regular files is opened; depth, number of entries and number of inputs have limits; root
filesystems are not walked. The order is that of the names, whatever the file system says.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ocivalidate.errors import OciValidateError
from ocivalidate.many.globs import Pattern, last_word
from ocivalidate.many.ignores import Ignores, of_checkout
from ocivalidate.many.kinds import Entries, Entry, Taking
from ocivalidate.system.portable import flags
from ocivalidate.system.reasons import reason

# What version control keeps for itself.
_CLOSED = frozenset({".git", ".hg", ".svn", ".bzr", ".jj"})
_FOLDER = os.O_RDONLY | flags("O_DIRECTORY O_NOFOLLOW O_CLOEXEC O_NONBLOCK")
_CAN_OPEN_FOLDERS = os.scandir in os.supports_fd and hasattr(os, "O_NOFOLLOW")


class Input(NamedTuple):
    """Something to judge, or ``problem``: why what stands there could not be looked at."""

    path: str
    problem: str = ""


class Limits(NamedTuple):
    """What a tree may ask of a walk: how deep it goes, how many entries are looked at, and how many inputs found."""

    depth: int = 64
    entries: int = 2_000_000
    inputs: int = 100_000


class Rules(NamedTuple):
    """What a walk takes and what it leaves out.

    ``taking`` says what a folder comes to; documents have at most ``largest`` bytes. ``excluded``: patterns, which
    count from the folder ``home`` down. ``gitignore``: leave out what git ignores. ``follow``: links are followed.
    """

    taking: Taking
    largest: int
    excluded: tuple[Pattern, ...] = ()
    home: str = ""
    gitignore: bool = False
    follow: bool = False
    limits: Limits = Limits()


class _Folder(NamedTuple):
    path: str
    depth: int
    ignores: Ignores


class TooMuch(OciValidateError):
    """A limit of the walk was reached."""


class Walk:
    """Walks over folders, one after the other; limits hold for all of them together.

    ``left_out`` counts what was passed over, by the reason; ``folders`` counts those that were walked.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._cost = sum(one.cost for one in rules.excluded)
        self._entries = self._found = 0
        self._seen: set[tuple[int, int]] = set()
        self.folders = 0
        self.left_out: Counter[str] = Counter()
        self.strange: list[str] = []

    def inputs(self, path: str) -> Iterator[Input]:
        """What is to be judged below a folder, in order."""
        root, ignores = of_checkout(path) if self._rules.gitignore else ("", Ignores())
        stack = [_Folder(path, 0, ignores)]
        self._seen.clear()
        self._enters(Entry("", path, stat.S_IFDIR))
        try:
            while stack:
                folder = stack.pop()
                found, below = self._folder(folder, root)
                self._count_found(len(found))
                yield from found
                stack += reversed(below)
        except TooMuch as limit:
            yield Input(path, f"the walk over its folders has ended early, at {limit}: name folders further down")

    def _count_found(self, number: int) -> None:
        self._found += number
        if self._found > self._rules.limits.inputs:
            raise TooMuch(f"more than {self._rules.limits.inputs:,} inputs")

    def count(self, cost: int = 1) -> None:
        """Count an entry that was looked at. Raises :class:`TooMuch`."""
        self._entries += cost
        if self._entries > self._rules.limits.entries:
            raise TooMuch(f"more than {self._rules.limits.entries:,} files and folders")

    def _folder(self, folder: _Folder, root: str) -> tuple[list[Input], list[_Folder]]:
        """What is to be judged in a folder, and the folders in it that are walked next."""
        try:
            entries = self.entries(folder.path, named=not folder.depth)
        except (OSError, ValueError) as problem:
            return [Input(folder.path, f"the folder cannot be read: {reason(problem)}")], []
        self.folders += 1
        ignores = folder.ignores
        where = _names(os.path.realpath(folder.path), root) if root else []
        if root:
            ignores = ignores.below(folder.path, len(where))
        entries = self._wanted(folder.path, entries, ignores, where)
        taken = self._rules.taking(folder.path, entries, self._rules.largest)
        found = [Input(path) for path in taken.inputs]
        self.strange += taken.strange
        if taken.closed:
            self.left_out[f"below {taken.closed}"] += not found
            return found, []
        below = []
        for name, entry in entries.items():
            if not entry.is_folder or not self._enters(entry):
                continue
            if name in taken.not_walked:
                self.left_out["root filesystem"] += 1
            elif folder.depth + 1 > self._rules.limits.depth:
                found.append(Input(entry.path, f"more than {self._rules.limits.depth} folders deep: not walked"))
            else:
                below.append(_Folder(entry.path, folder.depth + 1, ignores))
        return found, below

    def entries(self, path: str, *, named: bool) -> dict[str, Entry]:
        """What stands in a folder, by name, in order. Raises :class:`OSError` and :class:`TooMuch`.

        One that the user ``named`` may be a link; any other may have become one since it was looked at.
        """
        if not _CAN_OPEN_FOLDERS or self._rules.follow:
            with os.scandir(path or os.curdir) as listed:
                return self._sorted(path, listed)
        descriptor = os.open(path or os.curdir, _FOLDER & ~flags("O_NOFOLLOW") if named else _FOLDER)
        try:
            with os.scandir(descriptor) as listed:
                return self._sorted(path, listed)
        finally:
            os.close(descriptor)

    def _sorted(self, path: str, listed: Iterator[os.DirEntry[str]]) -> dict[str, Entry]:
        found = []
        for one in listed:
            self.count()
            mode, followed = _mode(one), False
            shown = os.path.join(path, one.name) if path != os.curdir else one.name
            if self._rules.follow and stat.S_ISLNK(mode):
                try:
                    mode, followed = os.stat(shown).st_mode, True
                except OSError:
                    followed = False
            found.append(Entry(one.name, shown, mode, followed))
        return {entry.name: entry for entry in sorted(found)}

    def _wanted(self, path: str, entries: Entries, ignores: Ignores, where: Sequence[str]) -> dict[str, Entry]:
        """The entries without those that are left out."""
        rules, kept = self._rules, {}
        home = _names(os.path.abspath(path), rules.home) if rules.excluded else []
        self.count(len(entries) * (self._cost + ignores.cost) // 4)
        for name, entry in entries.items():
            if entry.is_folder and name in _CLOSED:
                continue
            if rules.excluded and _is_excluded(rules.excluded, [*home, name], folder=entry.is_folder):
                self.left_out["excluded"] += 1
            elif ignores.rows and ignores.ignore([*where, name], folder=entry.is_folder):
                self.left_out["ignored by git"] += 1
            else:
                kept[name] = entry
                if stat.S_ISLNK(entry.mode):
                    self.left_out["link"] += 1
        return kept

    def _enters(self, folder: Entry) -> bool:
        """Whether a folder is walked: with links that are followed, once."""
        if not self._rules.follow:
            return True
        try:
            status = os.stat(folder.path)
        except OSError:
            return True
        key = (status.st_dev, status.st_ino)
        is_new = key not in self._seen
        self._seen.add(key)
        return is_new


def _mode(one: os.DirEntry[str]) -> int:
    """The kind of an entry, as a mode; without asking the file system where the folder says it."""
    if one.is_symlink():
        return stat.S_IFLNK
    if one.is_dir(follow_symlinks=False):
        return stat.S_IFDIR
    return stat.S_IFREG if one.is_file(follow_symlinks=False) else stat.S_IFIFO


def _is_excluded(excluded: tuple[Pattern, ...], names: Sequence[str], *, folder: bool) -> bool:
    decides = last_word(excluded, names, folder=folder)
    return decides is not None and not decides.keeps


def _names(path: str, home: str) -> list[str]:
    """The names on the way from a folder down to a path; from the root down where the path is elsewhere."""
    if path == home:
        return []
    below = path.removeprefix(home.rstrip(os.sep) + os.sep)
    return below.strip(os.sep).split(os.sep)
