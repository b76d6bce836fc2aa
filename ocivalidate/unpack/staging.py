"""A folder beside the target in which everything is made, and from which it is moved into place as a whole.

It is locked as long as whoever made it lives. One that is not locked was left behind by a run that was killed, and the
next run into the same place removes it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from ocivalidate.unpack.errors import UnpackError
from ocivalidate.unpack.flags import LIST
from ocivalidate.unpack.linux import exchange
from ocivalidate.unpack.removal import Bin

PREFIX = b".ocivalidate-unpack-"
_PRIVATE = 0o700
_NO_ACL = frozenset({errno.ENODATA, errno.EOPNOTSUPP, errno.EPERM})


class Staging:
    """A locked folder of our own in an open folder ``beside``; use it as a context manager."""

    def __init__(self, beside: int) -> None:
        self._beside = beside
        self._name, self.descriptor = _made(beside)
        self.bin = Bin(self.folder(b"bin"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        os.close(self.bin.descriptor)
        try:
            _remove(self._beside, self._name, self.descriptor)
        except OSError as problem:
            # What went wrong before matters more.
            if error is None:
                name, reason = os.fsdecode(self._name), (problem.strerror or "").lower()
                raise UnpackError(f"done, but {name} beside it could not be removed: {reason}") from problem
        finally:
            os.close(self.descriptor)

    def folder(self, name: bytes, inside: int | None = None) -> int:
        """Make a folder and open it."""
        at = self.descriptor if inside is None else inside
        os.mkdir(name, _PRIVATE, dir_fd=at)
        return os.open(name, LIST, dir_fd=at)

    def publish(self, name: bytes, target: int, target_name: bytes, *, force: bool) -> None:
        """Move what was made into its place in the open folder ``target``.

        What stands there is exchanged with it, and removed, when ``force``. Raises :class:`UnpackError`.
        """
        try:
            os.rename(name, target_name, src_dir_fd=self.descriptor, dst_dir_fd=target)
            return
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR) or not force:
                raise UnpackError(f"cannot be moved into place: {(error.strerror or '').lower()}") from error
        try:
            if not exchange(self.descriptor, name, target, target_name):
                # Between these two there is nothing at the target: see docs/unpack.md.
                os.rename(target_name, b"replaced", src_dir_fd=target, dst_dir_fd=self.descriptor)
                os.rename(name, target_name, src_dir_fd=self.descriptor, dst_dir_fd=target)
        except OSError as error:
            raise UnpackError(f"cannot be moved into place: {(error.strerror or '').lower()}") from error


def sweep(beside: int) -> None:
    """Remove what runs of ours that were killed have left in an open folder."""
    try:
        listing = os.open(b".", LIST, dir_fd=beside)
    except OSError:
        return
    try:
        names = [os.fsencode(name) for name in os.listdir(listing)]
    finally:
        os.close(listing)
    for name in names:
        if name.startswith(PREFIX):
            with contextlib.suppress(OSError), _abandoned(beside, name) as descriptor:
                if descriptor is not None:
                    _remove(beside, name, descriptor)


@contextlib.contextmanager
def _abandoned(beside: int, name: bytes) -> Iterator[int | None]:
    """The open folder, locked, if it is ours and nobody else holds it."""
    descriptor = os.open(name, LIST, dir_fd=beside)
    try:
        ours = os.fstat(descriptor).st_uid == os.geteuid()
        yield descriptor if ours and _lock(descriptor) and _is_at(beside, name, descriptor) else None
    finally:
        os.close(descriptor)


def _made(beside: int) -> tuple[bytes, int]:
    while True:
        name = PREFIX + secrets.token_hex(8).encode()
        os.mkdir(name, _PRIVATE, dir_fd=beside)
        descriptor = os.open(name, LIST, dir_fd=beside)
        # Between the two another run may have taken it for abandoned.
        if _lock(descriptor) and _is_at(beside, name, descriptor):
            _make_private(descriptor)
            return name, descriptor
        os.close(descriptor)


def _make_private(descriptor: int) -> None:
    """Inherit nothing from the folder around it: no group, no access control list."""
    os.fchown(descriptor, -1, os.getegid())
    os.fchmod(descriptor, _PRIVATE)
    for name in ("system.posix_acl_default", "system.posix_acl_access"):
        try:
            os.removexattr(descriptor, name)
        except OSError as error:
            if error.errno not in _NO_ACL:
                raise
    os.fchmod(descriptor, _PRIVATE)


def _lock(descriptor: int) -> bool:
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_at(beside: int, name: bytes, descriptor: int) -> bool:
    try:
        found = os.stat(name, dir_fd=beside, follow_symlinks=False)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and os.path.samestat(found, os.fstat(descriptor))


def _remove(beside: int, name: bytes, descriptor: int) -> None:
    Bin(descriptor).empty()
    if _is_at(beside, name, descriptor):
        os.rmdir(name, dir_fd=beside)
