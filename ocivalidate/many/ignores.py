"""What git ignores: the ``.gitignore`` files from the root of a checkout down, and its ``.git/info/exclude``.

They are read, and git is not run: what a stranger's repository configures is never obeyed. The file of the user that
git's configuration names is not known here.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from typing import NamedTuple

from ocivalidate.many.globs import Pattern, last_word, patterns
from ocivalidate.system import portable

NAME = ".gitignore"
_LARGEST, _MOST = 256 * 1024, 2000


class Ignores(NamedTuple):
    """The patterns that count in a folder: those of each file, with how many names its folder is deep."""

    rows: tuple[tuple[int, tuple[Pattern, ...]], ...] = ()

    @property
    def number(self) -> int:
        """How many patterns there are."""
        return sum(len(found) for _depth, found in self.rows)

    def ignore(self, names: Sequence[str], *, folder: bool) -> bool:
        """Whether a path is ignored, given by its names from the root of the checkout; its folder is not."""
        for depth, found in reversed(self.rows):
            decides = last_word(found, names[depth:], folder=folder)
            if decides is not None:
                return not decides.keeps
        return False

    def below(self, folder: str, depth: int) -> Ignores:
        """The same for what is in a folder, with the file that it may have."""
        found = read(os.path.join(folder, NAME))
        return Ignores((*self.rows, (depth, found))) if found else self


def of_checkout(folder: str) -> tuple[str, Ignores]:
    """The root of the checkout that a folder is in, and what git ignores there; ``""`` if it is in none."""
    here = os.path.realpath(folder)
    root = here
    while not os.path.lexists(os.path.join(root, ".git")):
        above = os.path.dirname(root)
        if above == root:
            return "", Ignores()
        root = above
    found = Ignores(((0, read(os.path.join(root, ".git", "info", "exclude"))),))
    names = [] if here == root else os.path.relpath(here, root).split(os.sep)
    for depth in range(len(names)):
        found = found.below(os.path.join(root, *names[:depth]), depth)
    return root, found


def read(path: str) -> tuple[Pattern, ...]:
    """The patterns in a file; none where there is no regular file of that name that can be read."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return ()
        with open(os.open(path, portable.READ_ALONE), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return ()
            text = file.read(_LARGEST).decode(errors="surrogateescape")
    except (OSError, ValueError):
        return ()
    return patterns(text.removeprefix("\ufeff").split("\n")[:_MOST])
