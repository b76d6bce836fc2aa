"""The folders of the root file system being written, and how they are reached.

All content of a folder came from us, so paths are looked up in memory without asking the disk. On disk every component
is opened relative to the folder above it, never through a link, so that a process that changes the tree meanwhile
cannot lead us out of it. Links of the image itself are followed as a process inside the container would follow them:
the root is their root.

A walk starts at the nearest open folder, or climbs from the last one to the common ancestor through ``..``, which must
be the very folder that we know. So the number of steps grows only with the size of the tree, whatever its depth.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import deque
from collections.abc import Iterator

from ocivalidate.image.layers.entry import LONGEST_NAME
from ocivalidate.image.layers.stack import (
    Unwritable,
    link_removed,
    name_too_long,
    no_folder,
    too_many_folders,
    too_many_links,
)
from ocivalidate.system.beneath import MOST_LINKS
from ocivalidate.unpack.attributes import IMPLIED, Attributes
from ocivalidate.unpack.flags import REACH
from ocivalidate.unpack.places import changed, identity
from ocivalidate.unpack.removal import Trash

_MOST_WAYS = 1024
# Opening a folder fails so when it is no longer a folder.
_OTHER_THING = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
PRIVATE = 0o700
# Shared by all folders that only the lowest layer touched; the first other layer gives a folder a set of its own.
_NOTHING: set[bytes] = set()


class Folder:
    """A folder that exists. ``attributes`` are set at the end.

    Layers are numbers. ``layer``: the last one that made anything in it; ``made``: the names that this layer made
    there. ``given``: the last one with an entry for it. ``opaque``: the last one that hid everything else in it.
    ``led``: the last one with an entry that went through a link in it or below. ``identity``: device and inode, known
    once it was opened.
    """

    __slots__ = (
        "attributes",
        "children",
        "depth",
        "descriptor",
        "given",
        "identity",
        "layer",
        "led",
        "made",
        "name",
        "opaque",
        "parent",
    )

    def __init__(self, name: bytes, parent: Folder | None) -> None:
        self.name = name
        self.parent = parent
        self.children: dict[bytes, Folder] = {}
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.identity: tuple[int, int] | None = None
        self.attributes: Attributes = IMPLIED
        self.layer = 0
        self.given = self.opaque = self.led = -1
        self.made = _NOTHING
        self.descriptor = -1

    @property
    def path(self) -> bytes:
        """Its path below the root; the root itself is empty."""
        parts, folder = [], self
        while folder.parent is not None:
            parts.append(folder.name)
            folder = folder.parent
        return b"/".join(reversed(parts))

    def is_in(self, other: Folder) -> bool:
        """Whether it is another folder, or lies below it."""
        folder: Folder | None = self
        while folder is not None and folder is not other:
            folder = folder.parent
        return folder is not None

    def touch(self, layer: int) -> None:
        """Note that a layer makes something in it, and so uses the folder itself and those above."""
        folder, below = self, b""
        while True:
            fresh = folder.layer != layer
            if fresh:
                folder.layer, folder.made = layer, set()
            if below:
                folder.made.add(below)
            if not fresh or folder.parent is None:
                return
            below, folder = folder.name, folder.parent

    def made_by(self, layer: int) -> set[bytes]:
        """The names that a layer made in it."""
        return self.made if self.layer == layer else set()


class Tree:
    """The folders below an open root. ``trash`` takes what is removed; ``layer`` counts from 0.

    ``most``: how many folders there may be; ``most_open``: how many descriptors are kept.
    """

    def __init__(self, root: int, trash: Trash, *, most: int = 1_000_000, most_open: int = 64) -> None:
        self.root = Folder(b"", None)
        self.root.descriptor = root
        self.root.identity = identity(os.fstat(root))
        self.layer = 0
        # Links that paths of the current layer went through.
        self._followed: set[tuple[Folder, bytes]] = set()
        self._bin = trash
        self._left = self._most = most
        self._most_open = most_open
        # Resolved paths, dropped whenever something is removed.
        self._ways: dict[bytes, Folder] = {}
        self._open: deque[Folder] = deque()
        # The last one stays open, so that two can be used together.
        self._latest = self.root

    def begin_layer(self, number: int) -> None:
        """From now on entries are of another layer; the lowest is 0."""
        self.layer = number
        self._followed.clear()
        # Cached paths were noted for another layer: links on them must be noted for this one too.
        self._ways.clear()

    def close(self) -> None:
        """Close all folders but the root."""
        while self._open:
            self._shut(self._open.popleft())

    def descriptor(self, folder: Folder) -> int:
        """An open descriptor of a folder, valid until two others are requested."""
        before, self._latest = self._latest, folder
        if folder.descriptor >= 0:
            return folder.descriptor
        opened = self._reach(folder, before)
        self._keep(folder, opened, before)
        return opened

    def _reach(self, folder: Folder, last: Folder) -> int:
        """A new descriptor of a folder that is not open; ``last`` is the one requested before."""
        chain, start = [folder], folder.parent or self.root
        at = last if last.descriptor >= 0 else self.root
        # Up to an open folder or the common ancestor, one step from the deeper side at a time.
        while start.descriptor < 0 and start is not at:
            if at.depth > start.depth:
                at = at.parent or self.root
            else:
                chain.append(start)
                start = start.parent or self.root
        if start.descriptor >= 0:
            return _down(start.descriptor, chain, owned=False)
        return _down(_up(last, start), chain, owned=True)

    def enter(self, path: bytes, *, make: bool = True) -> Folder | None:
        """The folder at a path without ``..`` inside the root; missing ones on the way are made.

        ``None``: there is none, and none should be made. Raises :class:`Unwritable` when none can be made.
        """
        try:
            folder = self._ways.get(path) or self._find(path, make=make)
        except Unwritable:
            if make:
                raise
            return None
        if folder is not None:
            if len(self._ways) >= _MOST_WAYS:
                self._ways.clear()
            self._ways[path] = folder
        return folder

    def _find(self, path: bytes, *, make: bool) -> Folder | None:
        folder = self.root
        if not path:
            return folder
        parts = path.split(b"/")
        for number, part in enumerate(parts):
            child = folder.children.get(part)
            if child is None:
                return self._walk(folder, deque(parts[number:]), make=make)
            folder = child
        return folder

    def make(self, folder: Folder, name: bytes) -> Folder:
        """Make a folder where there is nothing. Raises :class:`Unwritable` when there are too many."""
        if not self._left:
            raise Unwritable(too_many_folders(self._most))
        os.mkdir(name, PRIVATE, dir_fd=self.descriptor(folder))
        self._left -= 1
        child = folder.children[name] = Folder(name, folder)
        self.note(folder, name)
        return child

    def note(self, folder: Folder, name: bytes) -> None:
        """Note that the current layer made this name: whiteouts of the same layer spare it."""
        if self.layer:
            if folder.layer != self.layer:
                folder.touch(self.layer)
            folder.made.add(name)

    def remove(self, folder: Folder, name: bytes) -> None:
        """Remove whatever has this name, if anything.

        Raises :class:`Unwritable` for a link that an entry of this layer went through, and for a folder that holds one.
        """
        child = folder.children.get(name)
        if (folder, name) in self._followed or (child is not None and child.led == self.layer):
            raise Unwritable(link_removed(name))
        descriptor = self.descriptor(folder)
        self._ways.clear()
        if name in folder.children:
            self._forget(folder.children.pop(name))
            self._bin.take(descriptor, name)
            return
        try:
            os.unlink(name, dir_fd=descriptor)
        except FileNotFoundError:
            return
        except OSError as error:
            raise changed(b"/".join((folder.path, name))) from error

    def has(self, folder: Folder) -> bool:
        """Whether a folder is still below the root: a removed one has no parent."""
        return folder is self.root or folder.parent is not None

    def every(self) -> Iterator[Folder]:
        """All folders, each after those inside it."""
        waiting = [(self.root, False)]
        while waiting:
            folder, done = waiting.pop()
            if done:
                yield folder
                continue
            waiting.append((folder, True))
            waiting += [(child, False) for child in folder.children.values()]

    def _walk(self, folder: Folder, parts: deque[bytes], *, make: bool) -> Folder | None:
        links = 0
        while parts:
            part = parts.popleft()
            if part in (b"", b"."):
                continue
            if part == b"..":
                folder = folder.parent or self.root
                continue
            child = folder.children.get(part)
            if child is not None:
                folder = child
                continue
            target = self._look(folder, part)
            if target is None:
                if not make:
                    return None
                folder = self.make(folder, part)
                continue
            links += 1
            if links > MOST_LINKS:
                raise Unwritable(too_many_links())
            if make:
                self._follow(folder, part)
            if target.startswith(b"/"):
                folder = self.root
            parts.extendleft(reversed(target.split(b"/")))
        return folder

    def _follow(self, folder: Folder, name: bytes) -> None:
        """Note that an entry of this layer went through a link: the layer must leave it there."""
        self._followed.add((folder, name))
        above: Folder | None = folder
        while above is not None and above.led != self.layer:
            above.led, above = self.layer, above.parent

    def _look(self, folder: Folder, name: bytes) -> bytes | None:
        """The target of a link; ``None`` when nothing has this name. Raises :class:`Unwritable` for anything else."""
        if len(name) > LONGEST_NAME:
            raise Unwritable(name_too_long(name))
        descriptor = self.descriptor(folder)
        try:
            mode = os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode
            if stat.S_ISLNK(mode):
                return os.readlink(name, dir_fd=descriptor)
        except FileNotFoundError:
            return None
        if stat.S_ISDIR(mode):
            raise changed(b"/".join((folder.path, name)))
        raise Unwritable(no_folder(name))

    def _keep(self, folder: Folder, descriptor: int, before: Folder) -> None:
        if len(self._open) >= self._most_open:
            oldest = self._open.popleft()
            if oldest is before:
                self._open.append(oldest)
                oldest = self._open.popleft()
            self._shut(oldest)
        folder.descriptor = descriptor
        self._open.append(folder)

    def _shut(self, folder: Folder) -> None:
        if folder.descriptor >= 0:
            os.close(folder.descriptor)
            folder.descriptor = -1

    def _forget(self, folder: Folder) -> None:
        """Close the descriptors below a folder that is removed."""
        waiting = [folder]
        while waiting:
            gone = waiting.pop()
            waiting += gone.children.values()
            self._shut(gone)
            gone.parent = None


def _up(folder: Folder, goal: Folder) -> int:
    """A new descriptor of a folder above an open one. Raises :class:`UnpackError`."""
    current, owned = folder.descriptor, False
    while folder is not goal and folder.parent is not None:
        folder = folder.parent
        try:
            above = os.open("..", REACH, dir_fd=current)
        finally:
            if owned:
                os.close(current)
        current, owned = above, True
        _recognise(folder, current)
    return current


def _down(start: int, chain: list[Folder], *, owned: bool) -> int:
    """A new descriptor of the first of the folders, each of which lies in the next. Raises :class:`UnpackError`."""
    current = start
    for step in reversed(chain):
        try:
            inner = os.open(step.name, REACH, dir_fd=current)
        except OSError as error:
            if error.errno in _OTHER_THING:
                raise changed(step.path) from error
            raise
        finally:
            if owned:
                os.close(current)
        current, owned = inner, True
        _recognise(step, current)
    return current


def _recognise(folder: Folder, descriptor: int) -> None:
    """Check that an open descriptor is the folder that we know; if not, close it and raise :class:`UnpackError`."""
    found = identity(os.fstat(descriptor))
    if folder.identity is None:
        folder.identity = found
    elif folder.identity != found:
        os.close(descriptor)
        raise changed(folder.path)
