"""Owner, mode, times and extended attributes, and how they are set in the new root file system."""

from __future__ import annotations

import errno
import os
import stat
from collections import Counter
from typing import NamedTuple, Protocol

from ocivalidate.errors import UnpackError
from ocivalidate.image.layers.problems import shown
from ocivalidate.image.layers.xattrs import of_host, of_overlay
from ocivalidate.rules.refusals import Refused
from ocivalidate.unpack.flags import TOUCH
from ocivalidate.unpack.places import changed

ROOTLESS_XATTR = "user.rootlesscontainers"
# Notes quote attribute names, which the image chooses: limit how many there are.
_MOST_NOTES = 50
_LARGEST_ID = (1 << 32) - 2
_NOBODY_SAYS = (1 << 32) - 1
_SECONDS = (1 << 63) - 1
BILLION = 1_000_000_000
_XATTR_REFUSED = frozenset({errno.EOPNOTSUPP, errno.EPERM, errno.EACCES})


class Named(Protocol):
    """Something that can compute its path, at a cost that grows with the length of the path."""

    @property
    def path(self) -> bytes:
        """Its path below the root."""


Where = bytes | Named
"""A path below the root, or something that can compute it."""


class Attributes(NamedTuple):
    """What a layer says of an entry. Times are nanoseconds since 1970; ``mode`` has no type."""

    mode: int
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    atime: int = 0
    xattrs: tuple[tuple[bytes, bytes], ...] = ()


# For folders that have no entry in any layer. A fixed time makes unpacking reproducible.
IMPLIED = Attributes(0o755)


class IdRange(NamedTuple):
    """Maps ``size`` ids from ``inside`` the container to ``outside``."""

    inside: int
    outside: int
    size: int


class Notes:
    """Where the bundle deviates from the image: each kind counted, with one example."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._examples: dict[str, str] = {}

    def add(self, what: str, path: Where) -> None:
        """Note one case."""
        if len(self._counts) >= _MOST_NOTES and what not in self._counts:
            what = "other deviations, of kinds not listed"
        self._counts[what] += 1
        if what not in self._examples:
            self._examples[what] = shown(path if isinstance(path, bytes) else path.path) or "/"

    def lines(self) -> tuple[str, ...]:
        """One line for each kind."""
        return tuple(
            f"{what}: {self._examples[what]}" + (f" and {count - 1} more" if count > 1 else "")
            for what, count in self._counts.items()
        )


class Owners:
    """Who owns what is written.

    As root: the ids of the image, moved by ``uids`` and ``gids`` where given. ``rootless``: everything belongs to the
    calling user, and an extended attribute records the owner that the image asks for, in the form that umoci and PRoot
    read.
    """

    def __init__(self, *, rootless: bool, uids: tuple[IdRange, ...] = (), gids: tuple[IdRange, ...] = ()) -> None:
        self.rootless = rootless
        self.uids = uids
        self.gids = gids
        self._own = (os.geteuid(), os.getegid())
        self._known: dict[tuple[int, int], tuple[int, int] | None] = {}

    def outside(self, uid: int, gid: int) -> tuple[int, int] | None:
        """The owner to set on a new file; ``None``: leave it as it is. Raises :class:`Refused`."""
        try:
            return self._known[uid, gid]
        except KeyError:
            found = None if self.rootless else (_moved(uid, self.uids, "uid"), _moved(gid, self.gids, "gid"))
            owner = self._known[uid, gid] = None if found == self._own else found
            return owner

    def kept(self, uid: int, gid: int) -> tuple[tuple[bytes, bytes], ...]:
        """The extended attribute that records the owner that the image asks for."""
        if not self.rootless or (uid == 0 and gid == 0):
            return ()
        return ((ROOTLESS_XATTR.encode(), _protobuf(uid, gid)),)


def _moved(number: int, ranges: tuple[IdRange, ...], what: str) -> int:
    if not 0 <= number <= _LARGEST_ID:
        raise Refused(f"the {what} {number} of a file is out of range")
    if not ranges:
        return number
    for inside, outside, size in ranges:
        if inside <= number < inside + size:
            return outside + number - inside
    raise UnpackError(f"the {what} {number} of a file is in none of the ranges of --{what}-map")


def _protobuf(uid: int, gid: int) -> bytes:
    """The message of rootlesscontaine.rs: field 1 is the uid, field 2 the gid; root is written as the id 4294967295."""
    return b"\x08" + _varint(uid or _NOBODY_SAYS) + b"\x10" + _varint(gid or _NOBODY_SAYS)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def seconds(nanoseconds: int) -> int:
    """A time clamped to the range that system calls accept."""
    return max(-_SECONDS * BILLION, min(nanoseconds, _SECONDS * BILLION))


class AttributeWriter:
    """Sets the attributes of new files. Everything goes through open descriptors, so no link is followed."""

    def __init__(self, owners: Owners, notes: Notes) -> None:
        self._owners = owners
        self._notes = notes

    def to_file(self, descriptor: int, attributes: Attributes, path: Where) -> None:
        """Set all of an open file or folder: the owner first, as chown clears setuid bits and capabilities."""
        owner = self._owners.outside(attributes.uid, attributes.gid)
        if owner is not None:
            os.fchown(descriptor, *owner)
        xattrs = attributes.xattrs
        if self._owners.rootless:
            xattrs += self._owners.kept(attributes.uid, attributes.gid)
        if xattrs:
            self._set(descriptor, xattrs, path)
        os.fchmod(descriptor, attributes.mode)
        os.utime(descriptor, ns=(attributes.atime, attributes.mtime))

    def to_link(self, folder: int, name: bytes, attributes: Attributes, path: bytes) -> None:
        """Set those of a symbolic link, which has no mode of its own."""
        owner = self._owners.outside(attributes.uid, attributes.gid)
        if owner is not None:
            os.chown(name, *owner, dir_fd=folder, follow_symlinks=False)
        self._set(os.fsencode(f"/proc/self/fd/{folder}/") + name, attributes.xattrs, path)
        os.utime(name, ns=(attributes.atime, attributes.mtime), dir_fd=folder, follow_symlinks=False)

    def to_special(self, folder: int, name: bytes, attributes: Attributes, kind: int, path: bytes) -> None:
        """Set those of a FIFO or device, which must not be opened: an O_PATH descriptor stands for it."""
        descriptor = os.open(name, TOUCH, dir_fd=folder)
        try:
            if stat.S_IFMT(os.fstat(descriptor).st_mode) != kind:
                raise changed(path)
            itself = f"/proc/self/fd/{descriptor}"
            owner = self._owners.outside(attributes.uid, attributes.gid)
            if owner is not None:
                os.chown(itself, *owner)
            self._set(itself, attributes.xattrs, path)
            os.chmod(itself, attributes.mode)
            os.utime(itself, ns=(attributes.atime, attributes.mtime))
        finally:
            os.close(descriptor)

    def _set(self, target: int | str | bytes, xattrs: tuple[tuple[bytes, bytes], ...], path: Where) -> None:
        follow = not isinstance(target, bytes)
        for key, value in xattrs:
            if of_overlay(key) or of_host(key):
                # Security labels of the image mean nothing to the host's policy, and overlayfs attributes would act on
                # the host.
                owner = "overlayfs" if of_overlay(key) else "the host's security modules"
                self._notes.add(f"extended attribute for {owner} left out", path)
                continue
            try:
                if isinstance(target, int):
                    os.setxattr(target, key, value)
                else:
                    os.setxattr(target, key, value, follow_symlinks=follow)
            except OSError as error:
                if error.errno not in _XATTR_REFUSED or not self._may_miss(key, error.errno):
                    raise
                self._notes.add(f"extended attribute {os.fsdecode(key)} could not be set ({error.strerror})", path)

    def _may_miss(self, key: bytes, number: int | None) -> bool:
        """Whether a failure can be tolerated: as root only if the file system does not support the attribute."""
        return self._owners.rootless or number == errno.EOPNOTSUPP or key.startswith(b"user.")
