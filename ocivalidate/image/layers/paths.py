"""Judges the paths of a layer's entries together: duplicates, links, whiteouts, and paths that leave the root.

Paths are kept as hashes: among a million paths the chance of a collision is one in thirty million, and an image cannot
provoke one, because the hashes are keyed (:mod:`ocivalidate.image.layers.keys`).
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass

from ocivalidate.image.layers.facts import Hardlink, Used
from ocivalidate.image.layers.keys import keyed, own_key
from ocivalidate.image.layers.limits import DEFAULT
from ocivalidate.image.layers.problems import Kind, Problems, shown

_WHITEOUT = b".wh."
_OPAQUE = b".wh..wh..opq"
_MOST_HARDLINKS = 2000

REGULAR, HARDLINK, SYMLINK, CHARACTER, BLOCK_DEVICE, FOLDER, FIFO = b"0", b"1", b"2", b"3", b"4", b"5", b"6"
SPARSE = b"S"
# The types that make something in the root file system.
KNOWN = frozenset((REGULAR, HARDLINK, SYMLINK, CHARACTER, BLOCK_DEVICE, FOLDER, FIFO, SPARSE))


@dataclass(frozen=True, slots=True)
class Path:
    """A path without empty and ``.`` components. ``dots``: it contained ``..``; ``escapes``: it left the root."""

    text: bytes
    dots: bool
    escapes: bool


def normalise(path: bytes) -> Path:
    """Resolve ``//``, ``.`` and ``..`` lexically; the root is an empty path."""
    parts: list[bytes] = []
    dots = escapes = False
    for part in path.split(b"/"):
        if part == b"..":
            dots = True
            if parts:
                parts.pop()
            else:
                escapes = True
        elif part not in {b"", b"."}:
            parts.append(part)
    return Path(b"/".join(parts), dots, escapes)


def same_path(one: bytes, other: bytes) -> bool:
    """Whether two names are the same path."""
    return one == other or normalise(one) == normalise(other)


class Paths:
    """All paths of one layer so far. ``key``: for their hashes; layers with the same key can be compared."""

    def __init__(self, problems: Problems, most: int = DEFAULT.entries, key: bytes | None = None) -> None:
        self._problems = problems
        self._most = most
        self._key = own_key() if key is None else key
        self._hash, self._way = keyed(self._key)
        # The hashes of the last directory and those above it.
        self._last_way: tuple[bytes, list[int]] = (b"", [])
        self._seen: set[int] = set()
        self._folders: set[int] = set()
        self._symlinks: set[int] = set()
        self._hardlinks: set[int] = set()
        # Directories with an entry that is not a whiteout.
        self._occupied: set[int] = set()
        self._last_occupied: bytes | None = None
        # Directories that hold entries, and those above them; a whiteout needs none.
        self._above: set[int] = set()
        # Entries of types that make nothing.
        self._unmade: set[int] = set()
        # The directory of the last entry, found to be free of hazards.
        self._last_parent: bytes | None = None
        self._unknown: list[tuple[bytes, bytes, int]] = []
        self.hardlinks_unknown = 0
        self.whiteouts = 0
        self.opaque_whiteouts = 0

    def add(self, name: bytes, kind: bytes, link: bytes, size: int, offset: int) -> None:
        """Judge the next entry. ``kind`` is its type, one of the constants of this module or any other byte."""
        path = name[2:] if name[:2] == b"./" else name
        if path[-1:] == b"/":
            path = path[:-1]
        # Only a path that may not be clean takes the slow path.
        if b"/." in path or b"//" in path or path[:1] in b"./" or path[-1:] == b"/":
            path = self._clean(name, offset)
        parent, _slash, base = path.rpartition(b"/")
        if parent != self._last_parent:
            self._enter(name, parent, offset)
        key = self._hash(path)
        if key in self._seen:
            self._repeated(name, key, kind, offset)
        if base[:4] == _WHITEOUT:
            self._whiteout(name, parent, base, kind, link, size, offset)
        elif parent != self._last_occupied and path:
            self._occupy(name, parent, offset)
        if kind == FOLDER:
            self._folders.add(key)
        elif kind != REGULAR or key in self._above or not path:
            self._no_folder(name, path, key, kind, link, offset)
        self._seen.add(key)

    def add_other(self, name: bytes, kind: bytes, link: bytes, offset: int) -> None:
        """Judge the next entry as another reader sees it: only hazards, as its tree is not ours."""
        path = self._clean(name, offset)
        parent, _slash, base = path.rpartition(b"/")
        self._enter(name, parent, offset)
        if base[:4] == _WHITEOUT:
            self._whiteout(name, parent, base, kind, link, 0, offset)
        if kind == SYMLINK:
            self._symlink(name, self._hash(path), link, offset)
        elif kind == HARDLINK and base[:4] != _WHITEOUT:
            self._judge_target(name, path, link, offset)

    def used(self) -> Used:
        """The paths that other layers of an image depend on."""
        above = self._above
        solid = array("Q", sorted(self._seen - self._folders))
        return Used(solid, array("Q", sorted(above)), len(above | self._folders), self._key)

    def unknown_hardlinks(self) -> tuple[Hardlink, ...]:
        """The first hard links whose target did not come before them."""
        return tuple(
            Hardlink(shown(name), shown(target), offset, self._hash(target) in self._seen)
            for name, target, offset in self._unknown
        )

    def _clean(self, name: bytes, offset: int) -> bytes:
        found = normalise(name)
        if name.startswith(b"/"):
            self._problems.add(Kind.PATH_ABSOLUTE, "the path begins with /", offset, name)
        if found.escapes:
            self._problems.add(Kind.PATH_ESCAPES, "the path leaves the root through '..'", offset, name)
        elif found.dots:
            self._problems.add(Kind.PATH_DOTDOT, "the path contains '..'", offset, name)
        return found.text

    def _enter(self, name: bytes, parent: bytes, offset: int) -> None:
        """Judge the directories above an entry."""
        through = self._symlink_above(parent)
        if through is not None:
            message = f"{shown(through)} is a symbolic link from an earlier entry"
            self._problems.add(Kind.THROUGH_SYMLINK, message, offset, name)
        if parent.startswith(_WHITEOUT) or b"/.wh." in parent:
            message = "the path lies in a directory whose name begins with .wh."
            self._problems.add(Kind.WHITEOUT_FOLDER, message, offset, name)
            through = parent
        self._last_parent = parent if through is None else None

    def _occupy(self, name: bytes, parent: bytes, offset: int) -> None:
        """Note the directories above an entry, including those without an entry of their own."""
        above, before = self._above, len(self._above)
        key = self._hash(parent)
        self._occupied.add(key)
        self._last_occupied = parent
        if parent and key not in above:
            self._stand_in(name, parent, key, offset)
            outer = parent.rpartition(b"/")[0]
            # Most new directories are in a known one.
            way = self._way_to(outer) if outer and self._hash(outer) not in above else []
            for key in reversed(way):
                if key in above:
                    break
                self._stand_in(name, outer, key, offset)
                outer = outer.rpartition(b"/")[0]
        if before <= self._most < len(above):
            message = f"the entries need more than {self._most} directories"
            self._problems.add(Kind.LIMIT_ENTRIES, message, offset, name)

    def _stand_in(self, name: bytes, directory: bytes, key: int, offset: int) -> None:
        """Note a directory that holds an entry."""
        self._above.add(key)
        if key in self._seen and not (key in self._folders or key in self._symlinks or key in self._unmade):
            message = f"{shown(directory)} is an earlier entry that is not a directory"
            self._problems.add(Kind.PARENT_NO_FOLDER, message, offset, name)

    def _no_folder(self, name: bytes, path: bytes, key: int, kind: bytes, link: bytes, offset: int) -> None:
        """Judge an entry that is not a directory but may replace one."""
        if kind not in KNOWN:
            self._unmade.add(key)
        elif not path and name:
            message = "the entry would replace the root with something that is not a directory"
            self._problems.add(Kind.ROOT_NO_FOLDER, message, offset, name)
            return
        elif key in self._above and key not in self._seen:
            message = "earlier entries use this path as a directory"
            self._problems.add(Kind.PARENT_NO_FOLDER, message, offset, name)
        if kind == SYMLINK:
            self._symlink(name, key, link, offset)
        elif kind == HARDLINK and path.rpartition(b"/")[2][:4] != _WHITEOUT:
            # A whiteout does not create a link.
            self._hardlink(name, path, link, offset)
            self._hardlinks.add(key)

    def _symlink_above(self, parent: bytes) -> bytes | None:
        """The first symbolic link of an earlier entry that is this directory or one above it."""
        if not self._symlinks or not parent:
            return None
        for number, key in enumerate(self._way_to(parent)):
            if key in self._symlinks:
                return b"/".join(parent.split(b"/")[: number + 1])
        return None

    def _way_to(self, directory: bytes) -> list[int]:
        """The hashes of all directories above one, and its own."""
        if self._last_way[0] != directory:
            self._last_way = directory, self._way(directory)
        return self._last_way[1]

    def _repeated(self, name: bytes, key: int, kind: bytes, offset: int) -> None:
        add = self._problems.add
        if kind == FOLDER and key in self._folders:
            add(Kind.DUPLICATE_DIRECTORY, "an earlier entry is the same directory", offset, name)
        else:
            add(Kind.DUPLICATE_PATH, "an earlier entry has the same path", offset, name)
            self._folders.discard(key)
        if key in self._symlinks:
            add(Kind.THROUGH_SYMLINK, "an earlier entry of this path is a symbolic link", offset, name)
        elif key in self._hardlinks:
            add(Kind.THROUGH_HARDLINK, "an earlier entry of this path is a hard link", offset, name)

    def _symlink(self, name: bytes, key: int, link: bytes, offset: int) -> None:
        if not link:
            self._problems.add(Kind.SYMLINK_EMPTY, "the symbolic link has an empty target", offset, name)
        self._symlinks.add(key)
        self._last_parent = None

    def _hardlink(self, name: bytes, path: bytes, link: bytes, offset: int) -> None:
        target = self._judge_target(name, path, link, offset)
        if target is not None and ((key := self._hash(target)) not in self._seen or key in self._unmade):
            self.hardlinks_unknown += 1
            if len(self._unknown) < _MOST_HARDLINKS:
                self._unknown.append((name, target, offset))
        elif target is not None and key in self._symlinks:
            # Writing through it means writing through that link.
            self._symlink(name, self._hash(path), b"-", offset)

    def _judge_target(self, name: bytes, path: bytes, link: bytes, offset: int) -> bytes | None:
        """The target of a hard link, normalised; ``None`` if it cannot or must not be linked to."""
        add = self._problems.add
        target = normalise(link)
        goal = shown(link)
        if link.startswith(b"/"):
            add(Kind.HARDLINK_ABSOLUTE, f"the target {goal} begins with /", offset, name)
        through = self._symlink_above(target.text.rpartition(b"/")[0])
        if target.escapes:
            add(Kind.HARDLINK_ESCAPES, f"the target {goal} leaves the root", offset, name)
        elif target.text in {b"", path}:
            add(Kind.HARDLINK_SELF, f"the target {goal} is the link itself or the root", offset, name)
        elif target.text.startswith(_WHITEOUT) or b"/" + _WHITEOUT in target.text:
            add(Kind.HARDLINK_WHITEOUT, f"the target {goal} is a whiteout, which leaves no file", offset, name)
        elif through is not None:
            message = f"the target {goal} lies behind {shown(through)}, a symbolic link from an earlier entry"
            add(Kind.HARDLINK_THROUGH_SYMLINK, message, offset, name)
        elif self._hash(target.text) in self._folders:
            add(Kind.HARDLINK_DIRECTORY, f"the target {goal} is a directory", offset, name)
        else:
            return target.text
        return None

    def _whiteout(
        self, name: bytes, parent: bytes, base: bytes, kind: bytes, link: bytes, size: int, offset: int
    ) -> None:
        add = self._problems.add
        hidden = base[len(_WHITEOUT) :]
        if kind == FOLDER:
            add(Kind.WHITEOUT_FOLDER, "the directory has a name that begins with .wh.", offset, name)
            return
        self.whiteouts += 1
        if base == _OPAQUE:
            self.opaque_whiteouts += 1
            add(Kind.WHITEOUT_OPAQUE, "the whiteout hides the whole directory", offset, name)
        elif not hidden:
            add(Kind.WHITEOUT_EMPTY, "the whiteout names nothing", offset, name)
        elif hidden in {b".", b".."}:
            add(Kind.WHITEOUT_DOTS, f"the whiteout names {hidden.decode()}", offset, name)
        elif hidden.startswith(_WHITEOUT):
            add(Kind.WHITEOUT_OF_WHITEOUT, f"the whiteout names {shown(hidden)}", offset, name)
        # Docker writes whiteouts of hard-linked files as hard links to the first whiteout: still an empty file.
        linked = kind == HARDLINK and link.rpartition(b"/")[2][:4] == _WHITEOUT
        if kind != REGULAR and not linked:
            add(Kind.WHITEOUT_TYPE, "the whiteout is not a regular file", offset, name)
        elif size:
            add(Kind.WHITEOUT_CONTENT, f"the whiteout has {size} bytes of content", offset, name)
        if self._hash(parent) in self._occupied:
            add(Kind.WHITEOUT_LATE, "the whiteout comes after an entry of the same directory", offset, name)
