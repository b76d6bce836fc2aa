"""Writes the entries of layers below an open folder."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable

from ocivalidate.errors import UnpackError
from ocivalidate.image.layers.judging import NO_WH_FILES, PARENT
from ocivalidate.image.layers.paths import (
    BLOCK_DEVICE,
    CHARACTER,
    FIFO,
    FOLDER,
    HARDLINK,
    KNOWN,
    REGULAR,
    SYMLINK,
    normalise,
)
from ocivalidate.image.layers.problems import shown
from ocivalidate.image.layers.sparse import PaxSparse
from ocivalidate.image.layers.stack import Fault, Unwritable, no_target, target_replaced
from ocivalidate.rules.refusals import Refused
from ocivalidate.system.reasons import reason
from ocivalidate.unpack.attributes import IMPLIED, AttributeWriter, Notes, Owners
from ocivalidate.unpack.entries import Content, Entry
from ocivalidate.unpack.flags import LIST, NEW_FILE
from ocivalidate.unpack.folders import Folder, Tree
from ocivalidate.unpack.places import changed
from ocivalidate.unpack.privileged import Privileged
from ocivalidate.unpack.sparse import SparseWriter

_PRIVATE_FILE = 0o600
_WHITEOUT = b".wh."
_OPAQUE = b".wh..wh..opq"
_DEVICES = {CHARACTER: stat.S_IFCHR, BLOCK_DEVICE: stat.S_IFBLK}
# What a refused system call raises, or Python itself: a NUL in a name, a huge number.
FAILURES = (OSError, ValueError, OverflowError)


class Extractor:
    """Writes the entries of one layer after another; :meth:`finish` sets the attributes of all folders."""

    def __init__(self, tree: Tree, owners: Owners, notes: Notes) -> None:
        self._tree = tree
        self._owners = owners
        self._notes = notes
        self._giver = AttributeWriter(owners, notes)
        # The folder of the last entry: most entries are in the same one.
        self._last_path: bytes | None = None
        self._last: Folder = tree.root
        self._privileged = Privileged()
        self._makers: dict[bytes, Callable[[Folder, bytes, Entry], None]] = {
            SYMLINK: self._symlink,
            HARDLINK: self._hardlink,
            FIFO: self._special,
            CHARACTER: self._special,
            BLOCK_DEVICE: self._special,
        }

    def begin_layer(self, number: int) -> None:
        """Begin another layer; the lowest is 0."""
        self._tree.begin_layer(number)
        self._last_path = None

    def add(self, entry: Entry, whole: memoryview | None) -> Content | None:
        """Write an entry; return what receives its content, unless ``whole`` is all of it.

        Raises :class:`UnpackError` with the path in its message, and :class:`Unwritable` for an entry that cannot be
        written at its path at all.
        """
        try:
            return self._add(entry, whole)
        except FAILURES as error:
            raise failed(entry.path, error) from error

    def finish(self) -> None:
        """Set the attributes of all folders, the innermost first: nothing more is written into them."""
        for folder in self._tree.every():
            try:
                descriptor = os.open(b".", LIST, dir_fd=self._tree.descriptor(folder))
                try:
                    if folder.parent is not None:
                        # Open the parent first: the folder's own mode may bar the way out of it.
                        self._tree.descriptor(folder.parent)
                    self._giver.to_file(descriptor, folder.attributes, folder)
                finally:
                    os.close(descriptor)
            except FAILURES as error:
                raise failed(folder.path, error) from error

    def privileged(self) -> tuple[int, bytes]:
        """How many files must be kept from other users of the host, and the path of the first.

        Call it before :meth:`finish`. Raises :class:`OSError`.
        """
        return self._privileged.left(self._tree)

    def make_folder(self, path: str) -> bool:
        """Make a folder at a path inside the root; return whether there is one now."""
        try:
            name = os.fsencode(path)
        except UnicodeEncodeError:
            return False
        try:
            return self._tree.enter(normalise(name).text) is not None
        except Unwritable:
            return False
        except FAILURES as error:
            if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
                return False
            raise failed(name, error) from error

    def _add(self, entry: Entry, whole: memoryview | None) -> Content | None:
        path = entry.path
        parent, _slash, name = path.rpartition(b"/")
        if name[:4] == _WHITEOUT:
            self._whiteout(parent, name)
            return None
        if not name:
            self._root(entry)
            return None
        if entry.kind not in KNOWN:
            self._notes.add(f"entry of the type {shown(entry.kind)!r} left out", path)
            return None
        folder = self._last if parent == self._last_path else self._enter(parent)
        if self._tree.layer:
            self._tree.note(folder, name)
        self._privileged.see(folder, name, entry)
        if entry.kind == REGULAR:
            return self._regular(folder, name, entry, whole)
        if entry.kind == FOLDER:
            self._folder(folder, name, entry)
        else:
            self._makers[entry.kind](folder, name, entry)
        return None

    def _root(self, entry: Entry) -> None:
        if entry.kind == FOLDER:
            self._tree.root.attributes = entry.attributes
        elif entry.kind in KNOWN:
            message = "the entry would replace the root with something that is not a directory"
            raise Unwritable(Fault(PARENT, message))

    def _enter(self, parent: bytes) -> Folder:
        if parent.startswith(_WHITEOUT) or b"/" + _WHITEOUT in parent:
            message = f"a directory cannot have a name that begins with .wh.: {shown(parent)}"
            raise Unwritable(Fault(NO_WH_FILES, message))
        folder = self._tree.enter(parent)
        if folder is None:
            raise AssertionError("a missing folder is made")
        self._last_path, self._last = parent, folder
        return folder

    def _make_room(self, folder: Folder, name: bytes) -> None:
        """Make way for an entry that is not a folder."""
        self._last_path = None
        self._tree.remove(folder, name)

    def _regular(self, folder: Folder, name: bytes, entry: Entry, whole: memoryview | None) -> Content | None:
        file = File(self._create(folder, name), self._giver, entry)
        if whole is None:
            return file
        try:
            if whole:
                file.write(whole)
        except BaseException:
            file.abandon()
            raise
        file.close()
        return None

    def _create(self, folder: Folder, name: bytes) -> int:
        at = self._tree.descriptor(folder)
        try:
            return os.open(name, NEW_FILE, _PRIVATE_FILE, dir_fd=at)
        except FileExistsError:
            self._make_room(folder, name)
            return os.open(name, NEW_FILE, _PRIVATE_FILE, dir_fd=self._tree.descriptor(folder))

    def _folder(self, folder: Folder, name: bytes, entry: Entry) -> None:
        child = folder.children.get(name)
        if child is None:
            try:
                child = self._tree.make(folder, name)
            except FileExistsError:
                self._make_room(folder, name)
                child = self._tree.make(folder, name)
        child.attributes, child.given = entry.attributes, self._tree.layer

    def _symlink(self, folder: Folder, name: bytes, entry: Entry) -> None:
        self._instead(folder, name, lambda at: os.symlink(entry.link, name, dir_fd=at))
        self._giver.to_link(self._tree.descriptor(folder), name, entry.attributes, entry.path)

    def _hardlink(self, folder: Folder, name: bytes, entry: Entry) -> None:
        target = normalise(entry.link).text
        parent, _slash, base = target.rpartition(b"/")
        source = self._tree.enter(parent, make=False)
        if source is None or not base or base in source.children or not self._exists(source, base):
            raise Unwritable(no_target(target))
        replaced = folder.children.get(name)
        if replaced is not None and source.is_in(replaced):
            raise Unwritable(target_replaced(target))
        if source is folder and base == name:
            return
        self._privileged.link(source, base, folder, name)
        tree = self._tree
        self._instead(
            folder,
            name,
            lambda at: os.link(base, name, src_dir_fd=tree.descriptor(source), dst_dir_fd=at, follow_symlinks=False),
        )

    def _exists(self, folder: Folder, name: bytes) -> bool:
        try:
            os.stat(name, dir_fd=self._tree.descriptor(folder), follow_symlinks=False)
        except FileNotFoundError:
            return False
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                return False
            raise
        return True

    def _special(self, folder: Folder, name: bytes, entry: Entry) -> None:
        kind = _DEVICES.get(entry.kind, stat.S_IFIFO)
        if kind != stat.S_IFIFO and self._owners.rootless:
            self._notes.add("device made as an empty file: only root can make one", entry.path)
            File(self._create(folder, name), self._giver, entry).close()
            return
        device = os.makedev(*entry.device) if kind != stat.S_IFIFO else 0
        self._instead(folder, name, lambda at: os.mknod(name, kind | _PRIVATE_FILE, device, dir_fd=at))
        self._giver.to_special(self._tree.descriptor(folder), name, entry.attributes, kind, entry.path)

    def _instead(self, folder: Folder, name: bytes, make: Callable[[int], None]) -> None:
        """Make something in the place of what is there."""
        try:
            make(self._tree.descriptor(folder))
        except FileExistsError:
            self._make_room(folder, name)
            make(self._tree.descriptor(folder))

    # --- Whiteouts remove what lower layers made; what this layer makes stays, in whatever order

    def _whiteout(self, parent: bytes, name: bytes) -> None:
        hidden = name[len(_WHITEOUT) :]
        if not self._tree.layer or hidden in (b"", b".", b".."):
            return
        folder = self._tree.enter(parent, make=False)
        if folder is None:
            return
        self._last_path = None
        if name == _OPAQUE:
            self._hide_all([folder])
        elif not hidden.startswith(_WHITEOUT):
            self._hide_all(self._hide(folder, hidden))

    def _hide(self, folder: Folder, name: bytes) -> list[Folder]:
        """Remove a name, unless this layer made it; return a folder that has to be emptied instead."""
        if name not in folder.made_by(self._tree.layer):
            self._tree.remove(folder, name)
            return []
        child = folder.children.get(name)
        if child is None:
            return []
        if child.given != self._tree.layer:
            # It stays for what this layer has in it; its old attributes are hidden.
            child.attributes = IMPLIED
        return [child]

    def _hide_all(self, waiting: list[Folder]) -> None:
        """Remove all that lower layers made in these folders and in those inside them."""
        while waiting:
            folder = waiting.pop()
            if folder.opaque == self._tree.layer:
                # Already done: only this layer has made anything here since.
                continue
            folder.opaque = self._tree.layer
            descriptor = os.open(b".", LIST, dir_fd=self._tree.descriptor(folder))
            try:
                names = os.listdir(descriptor)
            finally:
                os.close(descriptor)
            for name in names:
                waiting += self._hide(folder, os.fsencode(name))


class File:
    """An open new file that receives its content."""

    __slots__ = ("_descriptor", "_entry", "_giver", "_sparse")

    def __init__(self, descriptor: int, giver: AttributeWriter, entry: Entry) -> None:
        self._descriptor = descriptor
        self._giver = giver
        self._entry = entry
        self._sparse: SparseWriter | None = None

    def write(self, data: memoryview) -> None:
        """Write the next bytes. Raises :class:`UnpackError`."""
        try:
            if self._entry.sparse is not None:
                self._write_sparse(self._entry.sparse, data)
                return
            while data:
                data = data[os.write(self._descriptor, data) :]
        except FAILURES as error:
            raise failed(self._entry.path, error) from error

    def _write_sparse(self, sparse: PaxSparse, data: memoryview) -> None:
        if self._sparse is None:
            self._sparse = SparseWriter(self._descriptor, sparse)
        self._sparse.write(data)

    def close(self) -> None:
        """Set its attributes and close it."""
        entry = self._entry
        try:
            if entry.sparse is not None:
                (self._sparse or SparseWriter(self._descriptor, entry.sparse)).finish()
            self._giver.to_file(self._descriptor, entry.attributes, entry.path)
        except FAILURES as error:
            raise failed(entry.path, error) from error
        finally:
            os.close(self._descriptor)

    def abandon(self) -> None:
        """Close it as it is."""
        os.close(self._descriptor)


def failed(path: bytes, error: Exception) -> UnpackError:
    """One of the :data:`FAILURES` as one line."""
    if not isinstance(error, OSError):
        return Refused(f"{shown(path)} cannot be written: {error}")
    if isinstance(error, (NotADirectoryError, FileNotFoundError)):
        return changed(path)
    return UnpackError(f"cannot write {shown(path) or 'the root'}: {reason(error)}")
