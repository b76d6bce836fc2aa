"""The limit on open files, and how to work within it."""

from __future__ import annotations

import errno
import os

from ocivalidate.errors import UnpackError

_MOST = 64
# Files open besides the folders that are kept: content, a folder on the way, a listing, a removal.
_ASIDE = 6
_LEAST = 2
# Those of the staging folder: itself, its trash, the bundle and the root in it.
_STAGING = 4


def folders_to_keep_open() -> int:
    """How many folders may stay open besides the staging folder, which does not exist yet.

    Raises :class:`UnpackError` when that is too few.
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
    """Whether an error comes from the limit on open files, at any point in its chain of causes."""
    while error is not None:
        if isinstance(error, OSError) and error.errno == errno.EMFILE:
            return True
        error = error.__cause__ or error.__context__
    return False


def too_few() -> UnpackError:
    """The error to raise for it."""
    return UnpackError(f"the limit on open files is too low: {_limit()}, 64 is enough (ulimit -n)")


def _limit() -> int | None:
    try:
        import resource
    except ImportError:
        return None
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if soft == resource.RLIM_INFINITY else soft
