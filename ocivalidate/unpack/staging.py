"""A folder beside the target: everything is made in it, then moved into place as a whole.

It stays locked while its process lives. An unlocked one was left behind by a killed run, and the next run into the same
place removes it, unless its name says that it was made under another kernel: a lock taken there is not visible here.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from ocivalidate.errors import UnpackError
from ocivalidate.system.reasons import reason
from ocivalidate.unpack.flags import LIST
from ocivalidate.unpack.linux import exchange, move_new
from ocivalidate.unpack.removal import Trash

PREFIX = b".ocivalidate-unpack-"
_OURS = re.compile(re.escape(PREFIX) + rb"[0-9a-f]{8}-[0-9a-f]{16}")
_PRIVATE = 0o700
_TAKEN = frozenset({errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR})
_NO_ACL = frozenset({errno.ENODATA, errno.EOPNOTSUPP, errno.EPERM})

Strange = Callable[[int, bytes], str]
"""Why the file at a name in an open folder may not be replaced; empty: it may."""


class Staging:
    """A private, locked folder in the open folder ``beside``; use it as a context manager."""

    def __init__(self, beside: int) -> None:
        self._beside = beside
        self._name, self.descriptor = _made(beside)
        try:
            self.trash = Trash(self.folder(b"bin"))
        except BaseException:
            with contextlib.suppress(OSError):
                _remove(beside, self._name, self.descriptor)
            os.close(self.descriptor)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        os.close(self.trash.descriptor)
        try:
            _remove(self._beside, self._name, self.descriptor)
        except OSError as problem:
            # The original error matters more.
            if error is None:
                name = os.fsdecode(self._name)
                raise UnpackError(f"done, but {name} beside it could not be removed: {reason(problem)}") from problem
        finally:
            os.close(self.descriptor)

    def folder(self, name: bytes, inside: int | None = None) -> int:
        """Make a folder and open it."""
        at = self.descriptor if inside is None else inside
        os.mkdir(name, _PRIVATE, dir_fd=at)
        return os.open(name, LIST, dir_fd=at)

    def publish(self, name: bytes, target: int, target_name: bytes, *, strange: Strange | None) -> None:
        """Move what was made into its place in the open folder ``target``.

        ``strange`` gives a reason not to replace what is there; ``None``: replace only an empty folder. What was
        replaced is checked once more where nobody else can reach it, and put back if somebody changed it meanwhile.
        Raises :class:`UnpackError`.
        """
        try:
            if stat.S_ISDIR(os.stat(name, dir_fd=self.descriptor, follow_symlinks=False).st_mode):
                os.rename(name, target_name, src_dir_fd=self.descriptor, dst_dir_fd=target)
            else:
                move_new(self.descriptor, name, target, target_name)
            return
        except OSError as error:
            if error.errno not in _TAKEN or strange is None:
                raise _unmoved(error) from error
        try:
            self._replace(name, target, target_name, strange)
        except OSError as error:
            raise _unmoved(error) from error

    def _replace(self, name: bytes, target: int, target_name: bytes, strange: Strange) -> None:
        own = self.descriptor
        swapped = exchange(own, name, target, target_name)
        old = name if swapped else b"replaced"
        if not swapped:
            # Between these two there is nothing at the target: see docs/unpack.md.
            os.rename(target_name, old, src_dir_fd=target, dst_dir_fd=own)
        reason = strange(own, old)
        if reason:
            if not (swapped and exchange(own, old, target, target_name)):
                os.rename(old, target_name, src_dir_fd=own, dst_dir_fd=target)
            raise UnpackError(f"not replaced: there is now {reason}")
        if not swapped:
            os.rename(name, target_name, src_dir_fd=own, dst_dir_fd=target)


def _unmoved(error: OSError) -> UnpackError:
    return UnpackError(f"cannot be moved into place: {reason(error)}")


@functools.cache
def _prefix() -> bytes:
    """The prefix of all names from this boot of the kernel."""
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb") as file:
            boot = file.read(8)
    except OSError:
        boot = b""
    return PREFIX + (boot if re.fullmatch(rb"[0-9a-f]{8}", boot) else b"0" * 8) + b"-"


def sweep(beside: int) -> None:
    """Remove what killed runs have left in an open folder."""
    try:
        listing = os.open(b".", LIST, dir_fd=beside)
    except OSError:
        return
    try:
        names = [os.fsencode(name) for name in os.listdir(listing)]
    finally:
        os.close(listing)
    for name in names:
        if _OURS.fullmatch(name) and name.startswith(_prefix()):
            with contextlib.suppress(OSError), _abandoned(beside, name) as descriptor:
                if descriptor is not None:
                    _remove(beside, name, descriptor)


@contextlib.contextmanager
def _abandoned(beside: int, name: bytes) -> Iterator[int | None]:
    """The open folder, locked, if it is ours and nobody else holds its lock."""
    descriptor = os.open(name, LIST, dir_fd=beside)
    try:
        ours = os.fstat(descriptor).st_uid == os.geteuid()
        yield descriptor if ours and _lock(descriptor) and _is_at(beside, name, descriptor) else None
    finally:
        os.close(descriptor)


def _made(beside: int) -> tuple[bytes, int]:
    while True:
        name = _prefix() + secrets.token_hex(8).encode()
        os.mkdir(name, _PRIVATE, dir_fd=beside)
        try:
            descriptor = os.open(name, LIST, dir_fd=beside)
        except OSError:
            with contextlib.suppress(OSError):
                os.rmdir(name, dir_fd=beside)
            raise
        # In between, another run may have taken it for abandoned.
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
    Trash(descriptor).empty()
    if _is_at(beside, name, descriptor):
        os.rmdir(name, dir_fd=beside)
