"""Which files of the host a guest needs, and how it comes to see them. Nothing here changes anything.

The guest has the host's folders, read-only, as far as the user who runs its kernel may read them; some are covered by
folders of its own. What it needs and would not see is bound to its place there, after having been copied if the
user cannot read it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace

OWN = ("/dev", "/proc", "/root", "/run", "/sys", "/tmp")  # noqa: S108  # those of the guest
"""The folders that are the guest's own."""


@dataclass(frozen=True, slots=True)
class User:
    """Who runs the kernel of the guest."""

    uid: int
    gids: frozenset[int]

    def may(self, found: os.stat_result, wanted: int) -> bool:
        """Whether the mode of a file grants what is wanted: 4 to read, 1 to search."""
        if self.uid == 0:
            return True
        mode = stat.S_IMODE(found.st_mode)
        if found.st_uid == self.uid:
            mode >>= 6
        elif found.st_gid in self.gids:
            mode >>= 3
        return mode & wanted == wanted


@dataclass(frozen=True, slots=True)
class Need:
    """A file or folder that the guest needs at its place.

    ``only``: patterns of what suffices of a folder that has to be copied. ``leave``: names in it that nobody needs.
    """

    path: str
    only: tuple[str, ...] = ()
    leave: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """A need that has to be put at its ``place`` in the guest.

    ``source``: what is found there on the host. ``closed``: the folder on the way, or the file, that the user of the
    guest's kernel cannot pass; ``""`` if there is none, and nothing has to be copied.
    """

    place: str
    source: str
    closed: str = ""
    need: Need = Need("")


def shown(needs: Sequence[Need], user: User) -> list[Shown]:
    """What has to be put into the guest, with folders before what is in them; nothing twice."""
    found: dict[str, Shown] = {}
    for need in needs:
        one = _shown(need, user)
        if one is not None:
            found.setdefault(one.place, one)
    every = sorted(found.values(), key=lambda one: one.place)
    return [one for one in every if not any(_whole(other) and _below(one.place, other.place) for other in every)]


def _whole(one: Shown) -> bool:
    """Whether all that is below is shown with it."""
    return not (one.closed and (one.need.only or one.need.leave))


def _shown(need: Need, user: User) -> Shown | None:
    real = os.path.realpath(need.path)
    if not os.path.lexists(real):
        return None
    # A link that can be seen leads to its target in the guest, too.
    for place in (need.path, real):
        if any(_below(place, own) or place == own for own in OWN) or closed(place, user):
            return Shown(place, real, closed(real, user), replace(need, path=real))
    return None


def closed(path: str, user: User) -> str:
    """The first folder above ``path`` that this user cannot search, or ``path`` if it cannot be read; else ``""``."""
    at = "/"
    for part in path.strip("/").split("/")[:-1]:
        at = os.path.join(at, part)
        if not _may(at, user, 1):
            return at
    folder = os.path.isdir(path)
    return "" if _may(path, user, 5 if folder else 4) else path


def _may(path: str, user: User, wanted: int) -> bool:
    try:
        return user.may(os.stat(path), wanted)
    except OSError:
        return False


def _below(path: str, folder: str) -> bool:
    return path.startswith(f"{folder.rstrip('/')}/")
