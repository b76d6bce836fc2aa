"""What layers make when applied in order: a model of the root file system, without content.

It takes the entries of all layers in order and says which ones cannot be written, as ``ocivalidate unpack`` would find.
Links are followed as a process inside the container would follow them: the root is their root.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from ocivalidate.errors import OciValidateError
from ocivalidate.image.layers.entry import LONGEST_NAME
from ocivalidate.image.layers.judging import LIMIT, LINK_TARGET, NAME, PARENT, THROUGH_LINK
from ocivalidate.image.layers.paths import FOLDER, HARDLINK, KNOWN, REGULAR, SPARSE, SYMLINK, normalise
from ocivalidate.image.layers.problems import shown
from ocivalidate.system.beneath import MOST_LINKS

_WHITEOUT = b".wh."
_OPAQUE = b".wh..wh..opq"
# How many symbolic links a path may go through, as on Linux.
_FILES = frozenset({REGULAR, SPARSE})


class Fault(NamedTuple):
    """Why an entry cannot be written: the clause that it breaks, and ``got`` as in a finding."""

    clause: str
    message: str
    got: str = ""


class Unwritable(OciValidateError):
    """An entry that no unpacker can write at its path."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def no_folder(name: bytes) -> Fault:
    """The fault of an entry whose path goes through something that is not a directory."""
    return Fault(PARENT, f"{shown(name)} on its path is not a directory in this layer or those below")


def too_many_links() -> Fault:
    """The fault of an entry whose path has too many links, or a loop of links."""
    return Fault(PARENT, f"its path leads over more than {MOST_LINKS} symbolic links")


def name_too_long(name: bytes) -> Fault:
    """The fault of an entry whose path goes through a link to a name that is too long."""
    return Fault(NAME, f"a link on its path leads to a name of {len(name)} bytes, more than {LONGEST_NAME}")


def link_removed(name: bytes) -> Fault:
    """The fault of an entry that would replace a link that an entry of the same layer went through."""
    message = f"it removes {shown(name)}: an earlier entry of the layer went through a symbolic link there"
    return Fault(THROUGH_LINK, message)


def no_target(target: bytes) -> Fault:
    """The fault of a hard link to nothing, or to a directory."""
    return Fault(LINK_TARGET, "the target of a hard link does not exist or cannot be linked to", shown(target))


def target_replaced(target: bytes) -> Fault:
    """The fault of a hard link that would replace the directory of its target."""
    return Fault(LINK_TARGET, "a hard link replaces the directory that holds its target", shown(target))


def too_many_folders(most: int) -> Fault:
    """The fault of an entry that needs one directory more than the limit."""
    return Fault(LIMIT, f"the layers make more than {most} directories")


class Place:
    """A directory.

    ``here``: its content by name: a directory, the target of a symbolic link, the number of the entry that made a
    regular file, or ``None`` for the rest.

    Layers are numbers. ``layer``: the last one that made anything here; ``made``: the names that it made. ``emptied``:
    the last one that hid everything else. ``led``: the last one with an entry that went through a link here or below.
    """

    __slots__ = ("emptied", "here", "layer", "led", "made", "name", "parent")

    def __init__(self, name: bytes, parent: Place | None) -> None:
        self.name = name
        self.parent = parent
        self.here: dict[bytes, Place | bytes | int | None] = {}
        self.layer = 0
        self.emptied = self.led = -1
        self.made: set[bytes] = set()

    def is_in(self, other: Place) -> bool:
        """Whether it is another directory, or lies below it."""
        place: Place | None = self
        while place is not None and place is not other:
            place = place.parent
        return place is not None

    def touch(self, name: bytes, layer: int) -> None:
        """Note that a layer makes a name here, and so uses the directory itself and those above."""
        place = self
        while True:
            fresh = place.layer != layer
            if fresh:
                place.layer, place.made = layer, set()
            place.made.add(name)
            if not fresh or place.parent is None:
                return
            name, place = place.name, place.parent


class Stack:
    """The layers so far, from the lowest. ``names`` counts roughly what exists; ``entries`` those taken."""

    def __init__(self, most_folders: int) -> None:
        self._root = Place(b"", None)
        self._most = self._left = most_folders
        self._layer = 0
        # Links that paths of the current layer went through.
        self._followed: set[tuple[Place, bytes]] = set()
        self._last_path: bytes | None = None
        self._last = self._root
        self.names = self.entries = 0

    def begin_layer(self, number: int) -> None:
        """Begin another layer; the lowest is 0."""
        self._layer = number
        self._followed.clear()
        self._last_path = None

    def add(self, path: bytes, kind: bytes, link: bytes) -> Fault | None:
        """Take the next entry, with its path normalised; return why it cannot be written, if so."""
        self.entries += 1
        try:
            self._add(path, kind, link)
        except Unwritable as unwritable:
            return unwritable.fault
        return None

    def _add(self, path: bytes, kind: bytes, link: bytes) -> None:
        parent, _slash, name = path.rpartition(b"/")
        if name[:4] == _WHITEOUT:
            self._whiteout(parent, name)
            return
        if not name or kind not in KNOWN:
            return
        if parent != self._last_path:
            self._last_path, self._last = parent, self._enter(parent, make=True) or self._root
        place = self._last
        if self._layer:
            place.touch(name, self._layer)
        if kind == FOLDER:
            if not isinstance(place.here.get(name), Place):
                self._remove(place, name)
                self._make(place, name)
        elif kind == HARDLINK:
            self._hardlink(place, name, link)
        else:
            self._put(place, name, link if kind == SYMLINK else self.entries if kind in _FILES else None)

    def _put(self, place: Place, name: bytes, what: bytes | int | None) -> None:
        self._remove(place, name)
        place.here[name] = what
        self.names += 1

    def _remove(self, place: Place, name: bytes) -> None:
        if name not in place.here:
            return
        found = place.here[name]
        if (place, name) in self._followed or (isinstance(found, Place) and found.led == self._layer):
            raise Unwritable(link_removed(name))
        self._last_path = None
        del place.here[name]

    def _follow(self, place: Place, name: bytes) -> None:
        """Note that an entry of this layer went through a link: the layer must leave it there."""
        self._followed.add((place, name))
        above: Place | None = place
        while above is not None and above.led != self._layer:
            above.led, above = self._layer, above.parent

    def _make(self, place: Place, name: bytes) -> Place:
        if not self._left:
            raise Unwritable(too_many_folders(self._most))
        self._left -= 1
        self.names += 1
        made = place.here[name] = Place(name, place)
        if self._layer:
            place.touch(name, self._layer)
        return made

    def _hardlink(self, place: Place, name: bytes, link: bytes) -> None:
        target = normalise(link).text
        parent, _slash, base = target.rpartition(b"/")
        source = self._enter(parent, make=False)
        if source is None or base not in source.here or isinstance(what := source.here[base], Place):
            raise Unwritable(no_target(target))
        if isinstance(replaced := place.here.get(name), Place) and source.is_in(replaced):
            raise Unwritable(target_replaced(target))
        if not (source is place and base == name):
            self._put(place, name, what)

    def _enter(self, path: bytes, *, make: bool) -> Place | None:
        """The directory at a path; ``None``: there is none, and none should be made."""
        try:
            return self._walk(deque(path.split(b"/")), make=make)
        except Unwritable:
            if make:
                raise
            return None

    def _walk(self, parts: deque[bytes], *, make: bool) -> Place | None:
        place, links = self._root, 0
        while parts:
            part = parts.popleft()
            if part in (b"", b"."):
                continue
            if part == b"..":
                place = place.parent or self._root
                continue
            found = _look(place, part)
            if isinstance(found, Place):
                place = found
            elif found is not None:
                links += 1
                if links > MOST_LINKS:
                    raise Unwritable(too_many_links())
                if make:
                    self._follow(place, part)
                place = self._root if found[:1] == b"/" else place
                parts.extendleft(reversed(found.split(b"/")))
            elif make:
                place = self._make(place, part)
            else:
                return None
        return place

    def file_at(self, path: bytes) -> int | None:
        """The number of the entry that made the regular file at a path, through links; ``None``: there is none."""
        place, waiting, links = self._root, deque(path.split(b"/")), 0
        while waiting:
            part = waiting.popleft()
            if part in (b"", b"."):
                continue
            if part == b"..":
                place = place.parent or self._root
                continue
            found = place.here.get(part)
            if isinstance(found, bytes):
                links += 1
                if links > MOST_LINKS:
                    return None
                place = self._root if found[:1] == b"/" else place
                waiting.extendleft(reversed(found.split(b"/")))
            elif isinstance(found, Place):
                place = found
            else:
                # As in unpack, a trailing slash or dot makes no difference.
                is_last = all(rest in (b"", b".") for rest in waiting)
                return found if isinstance(found, int) and is_last else None
        return None

    # --- Whiteouts remove what lower layers made; what this layer makes stays, in whatever order

    def _whiteout(self, parent: bytes, name: bytes) -> None:
        hidden = name[len(_WHITEOUT) :]
        if not self._layer or hidden in (b"", b".", b".."):
            return
        place = self._enter(parent, make=False)
        if place is None:
            return
        self._last_path = None
        if name == _OPAQUE:
            self._hide_all([place])
        elif not hidden.startswith(_WHITEOUT):
            self._hide_all(self._hide(place, hidden))

    def _hide(self, place: Place, name: bytes) -> list[Place]:
        if place.layer != self._layer or name not in place.made:
            self._remove(place, name)
            return []
        child = place.here.get(name)
        return [child] if isinstance(child, Place) else []

    def _hide_all(self, waiting: list[Place]) -> None:
        while waiting:
            place = waiting.pop()
            if place.emptied == self._layer:
                # Already done: only this layer has made anything here since.
                continue
            place.emptied = self._layer
            for name in list(place.here):
                waiting += self._hide(place, name)


def _look(place: Place, name: bytes) -> Place | bytes | None:
    """The directory, or the target of the link, with this name; ``None``: nothing has it.

    Raises :class:`Unwritable` for anything else, and for a name that is too long.
    """
    if len(name) > LONGEST_NAME:
        raise Unwritable(name_too_long(name))
    found = place.here.get(name)
    if isinstance(found, int) or (found is None and name in place.here):
        raise Unwritable(no_folder(name))
    return found
