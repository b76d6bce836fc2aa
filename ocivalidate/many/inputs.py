"""Which inputs a path means: itself, what a pattern matches, or what is found in its folders."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator

from ocivalidate import meanings
from ocivalidate.many.globs import ANY_FOLDERS, is_glob, matches_name
from ocivalidate.many.kinds import CONFIG, ROOT, Entries, Entry, bundles, images, is_root
from ocivalidate.many.walk import Input, Rules, TooMuch, Walk

STANDARD_INPUT = "-"
TAKING = {"bundle": bundles, "image": images}
_ENOUGH = 100_000


class Inputs:
    """The inputs of a command, ``bundle`` or ``image``: each once, in the order of the paths and of names."""

    def __init__(self, command: str, rules: Rules) -> None:
        self._command = command
        self._rules = rules
        self._seen: set[str] = set()
        self.walk = Walk(rules)

    def of(self, paths: Iterable[str]) -> list[Input]:
        """The inputs that these paths mean. What was found is not taken twice, what was named is as often as that."""
        found: list[Input] = []
        for path in paths:
            if self._is_taken(path) or os.path.lexists(path) or not is_glob(path):
                found += self._named(path)
            else:
                found += self._matched(path)
        return found

    def _is_taken(self, path: str) -> bool:
        """Whether this is no path: standard input, or the name of an image as skopeo writes it."""
        return path == STANDARD_INPUT or (self._command == "image" and bool(meanings.transport(path)[0]))

    def _named(self, path: str) -> Iterator[Input]:
        """What a path means that the user wrote."""
        if self._is_taken(path) or not self._is_walked(path):
            self._seen.add(os.path.abspath(path))
            yield Input(path)
            return
        is_empty, walked = True, self.walk.folders
        for one in self.walk.inputs(_tidy(path)):
            is_empty = False
            whole = os.path.abspath(one.path)
            if one.problem or whole not in self._seen:
                self._seen.add(whole)
                yield one
        if is_empty:
            yield self._none(path, self.walk.folders - walked)

    def _is_walked(self, path: str) -> bool:
        """Whether a folder is neither what the command judges nor what it knows to be something else."""
        try:
            if not os.path.isdir(path):
                return False
            names = frozenset(_some_names(path))
        except (OSError, ValueError):
            return False
        if not names or is_root(names):
            return False
        if self._command == "image":
            # A manifest.json is that of many programs; where nothing is found, this is judged after all.
            marks = {*meanings.OF_IMAGES} - {"manifest.json"}
            is_known = meanings.of_names(names) == "saved" or {CONFIG, ROOT} <= names
            return names.isdisjoint(marks) and not is_known
        return names.isdisjoint((CONFIG, ROOT)) and not meanings.of_path(path)

    def _none(self, path: str, number: int) -> Input:
        """What to say of a folder in which nothing was found."""
        if self._command == "image":
            # Judging it says what it is instead.
            return Input(path)
        where = f"{number:,} folders" if number > 1 else "this folder"
        return Input(
            path, f"no bundle found in {where}: no config.json, and no other JSON document, with an ociVersion"
        )

    def _matched(self, path: str) -> Iterator[Input]:
        """What a pattern matches that the shell has left alone: the same as if it had not."""
        is_empty = True
        try:
            for hit in self._hits(path):
                is_empty = False
                if os.path.abspath(hit) not in self._seen:
                    yield from self._named(hit)
        except TooMuch as limit:
            yield Input(path, f"the pattern matches too much: {limit}")
            return
        if is_empty:
            yield Input(path, "no such file or directory, and nothing that this pattern matches")

    def _hits(self, path: str) -> Iterator[str]:
        """The paths that a pattern matches. Links are not followed behind its first special letter, as in a walk."""
        drive, rest = os.path.splitdrive(path)
        start = drive + os.sep if rest.startswith(os.sep) else drive
        parts = [part for part in rest.replace(os.altsep or os.sep, os.sep).split(os.sep) if part not in ("", ".")]
        fixed = next(at for at, part in enumerate(parts) if is_glob(part))
        yield from self._below(os.path.join(start, *parts[:fixed]), parts[fixed:], named=True)

    def _below(self, folder: str, parts: list[str], *, named: bool = False, depth: int = 0) -> Iterator[str]:
        if depth > self._rules.limits.depth:
            raise TooMuch(f"more than {self._rules.limits.depth} folders in each other")
        first, *rest = parts
        try:
            entries = self.walk.entries(folder, named=named)
        except (OSError, ValueError):
            return
        if first != ANY_FOLDERS:
            hits = (entry for entry in entries.values() if _matches(first, entry.name))
            for entry in hits:
                yield from self._hit(entry, rest, depth)
            return
        yield from self._anywhere(folder, entries, rest, named=named, depth=depth)

    def _anywhere(self, folder: str, entries: Entries, rest: list[str], *, named: bool, depth: int) -> Iterator[str]:
        """What the rest of a pattern matches in a folder and in all below it."""
        while rest and rest[0] == ANY_FOLDERS:
            rest = rest[1:]
        if rest:
            yield from self._below(folder, rest, named=named, depth=depth)
        for entry in entries.values():
            if entry.is_folder:
                yield from self._below(entry.path, [ANY_FOLDERS, *rest], depth=depth + 1)
            elif entry.is_file and not rest:
                yield entry.path

    def _hit(self, entry: Entry, rest: list[str], depth: int) -> Iterator[str]:
        if stat.S_ISLNK(entry.mode):
            self.walk.left_out["link"] += 1
        elif not rest:
            yield entry.path
        elif entry.is_folder:
            yield from self._below(entry.path, rest, depth=depth + 1)


def _matches(part: str, name: str) -> bool:
    """Whether a part of a pattern matches a name, as in a shell: hidden names only if it begins like one."""
    return matches_name(part, name) and (not name.startswith(".") or part.startswith("."))


def _tidy(path: str) -> str:
    """A path without what says nothing: a dot in front, slashes at the end."""
    while path.startswith(f".{os.sep}"):
        path = path[2:].lstrip(os.sep)
    return path.rstrip(os.sep) or (os.sep if path else os.curdir)


def _some_names(path: str) -> Iterator[str]:
    """The names in a folder; of a very large one as many as tell what it is."""
    with os.scandir(path) as listed:
        for number, one in enumerate(listed):
            if number >= _ENOUGH:
                return
            yield one.name
