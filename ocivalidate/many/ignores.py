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
# As many parts as are remembered in their compiled form: more would be compiled anew for each name.
_MOST_PARTS = 4000


class Ignores(NamedTuple):
    """The patterns that count in a folder: those of each file, with how many names its folder is deep.

    ``cost``: what all of them cost for each name; ``parts``: how many parts they have.
    """

    rows: tuple[tuple[int, tuple[Pattern, ...]], ...] = ()
    cost: int = 0
    parts: int = 0

    def ignore(self, names: Sequence[str], *, folder: bool) -> bool:
        """Whether a path is ignored, given by its names from the root of the checkout; its folder is not."""
        for depth, found in reversed(self.rows):
            decides = last_word(found, names[depth:], folder=folder)
            if decides is not None:
                return not decides.keeps
        return False

    def below(self, folder: str, depth: int) -> Ignores:
        """The same for what is in a folder, with the file that it may have."""
        return self.and_(depth, read(os.path.join(folder, NAME)))

    def and_(self, depth: int, found: Sequence[Pattern]) -> Ignores:
        """The same and further patterns, as many as may count at once."""
        parts, kept = self.parts, list[Pattern]()
        for one in found:
            if parts + len(one.parts) > _MOST_PARTS:
                break
            parts += len(one.parts)
            kept.append(one)
        if not kept:
            return self
        return Ignores((*self.rows, (depth, tuple(kept))), self.cost + sum(one.cost for one in kept), parts)


def of_checkout(folder: str) -> tuple[str, Ignores]:
    """The root of the checkout that a folder is in, and what git ignores there; ``""`` if it is in none."""
    here = os.path.realpath(folder)
    root = here
    while not os.path.lexists(os.path.join(root, ".git")):
        above = os.path.dirname(root)
        if above == root:
            return "", Ignores()
        root = above
    found = Ignores().and_(0, read(os.path.join(root, ".git", "info", "exclude")))
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
