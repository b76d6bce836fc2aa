"""System calls that Python has no name for."""

from __future__ import annotations

import ctypes
import errno
import functools
import os
from collections.abc import Callable

_EXCHANGE = 2
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
    """Let two names in open folders change places at once; ``False``: not possible here. Raises :class:`OSError`."""
    call = _renameat2()
    if call is None:
        return False
    if call(folder, name, other_folder, other_name, _EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNKNOWN:
        return False
    raise OSError(number, os.strerror(number))
