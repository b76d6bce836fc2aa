"""System calls that Python does not provide."""

from __future__ import annotations

import ctypes
import errno
import functools
import os
from collections.abc import Callable

_NO_REPLACE, _EXCHANGE = 1, 2
# The kernel or the file system does not know the call.
_UNKNOWN = frozenset({errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP})


@functools.cache
def _renameat2() -> Callable[..., int] | None:
    try:
        function = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    function.restype = ctypes.c_int
    call: Callable[..., int] = function
    return call


def exchange(folder: int, name: bytes, other_folder: int, other_name: bytes) -> bool:
    """Exchange two names in open folders atomically; ``False``: not supported here. Raises :class:`OSError`."""
    return _rename(folder, name, other_folder, other_name, _EXCHANGE)


def move_new(folder: int, name: bytes, other_folder: int, other_name: bytes) -> None:
    """Move to a name that must be free. Raises :class:`FileExistsError` and other :class:`OSError`."""
    if _rename(folder, name, other_folder, other_name, _NO_REPLACE):
        return
    os.link(name, other_name, src_dir_fd=folder, dst_dir_fd=other_folder, follow_symlinks=False)
    os.unlink(name, dir_fd=folder)


def _rename(folder: int, name: bytes, other_folder: int, other_name: bytes, how: int) -> bool:
    call = _renameat2()
    if call is None:
        return False
    if call(folder, name, other_folder, other_name, how) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNKNOWN:
        return False
    raise OSError(number, os.strerror(number))
