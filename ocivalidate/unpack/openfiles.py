"""How many files may be open at a time, and how little of that will do."""

from __future__ import annotations

import errno
import os

from ocivalidate.errors import UnpackError

_MOST = 64
# What goes on beside the folders that are kept open: the content, a folder on its way, what is listed, what is removed.
_ASIDE = 6
_LEAST = 2
# Those of the staging folder: itself, its bin, the bundle and the root in it.
_STAGING = 4


def folders_to_keep_open() -> int:
    """How many folders may stay open beside the staging folder, which is not there yet.

    Raises :class:`UnpackError` when that is too few to go on.
    """
    limit = _limit()
    if limit is None:
        return _MOST
    try:
        used = len(os.listdir("/proc/self/fd"))
    except OSError as error:
        if is_too_few(error):
            raise too_few() from error
        return _LEAST
    left = limit - used - _STAGING - _ASIDE
    if left < _LEAST:
        raise too_few()
    return min(_MOST, left)


def is_too_few(error: BaseException | None) -> bool:
    """Whether an error comes from the limit of open files, if only at the end of its causes."""
    while error is not None:
        if isinstance(error, OSError) and error.errno == errno.EMFILE:
            return True
        error = error.__cause__ or error.__context__
    return False


def too_few() -> UnpackError:
    """The error that says so."""
    return UnpackError(f"the limit of open files is too low: {_limit()}, 64 will do (ulimit -n)")


def _limit() -> int | None:
    try:
        import resource
    except ImportError:
        return None
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if soft == resource.RLIM_INFINITY else soft
