"""Where a settings file may write reports: in or below its own folder, and only over earlier reports.

A path on the command line is the user's choice. A settings file comes with a checkout that is untrusted.
"""

from __future__ import annotations

import os
import stat

from ocivalidate.errors import UsageError
from ocivalidate.report import is_report
from ocivalidate.system import portable
from ocivalidate.system.reasons import reason

# What others obey in such folders was not written by whoever wrote the settings.
_CLOSED = frozenset({".git", ".hg", ".svn", ".bzr", ".jj"})
_PART = 4096


def confined(file: str, settings: str) -> str:
    """The path that ``file`` means, an output that the file ``settings`` names. Raises :class:`UsageError`."""
    try:
        home = os.path.realpath(os.path.dirname(settings) or ".")
        folder, name = os.path.realpath(os.path.dirname(file) or "."), os.path.basename(file)
        path = os.path.join(folder, name)
        if not _below(folder, home) or name in ("", ".", ".."):
            raise _refused(file, settings, "is outside the folder of this file")
        if not _CLOSED.isdisjoint(os.path.relpath(path, home).casefold().split(os.sep)):
            raise _refused(file, settings, "is in a version control directory")
        if os.name == "nt" and ":" in name:
            raise _refused(file, settings, "is not a file name")
        if os.path.lexists(path) and not _is_report(path):
            raise _refused(file, settings, "exists already and is not an ocivalidate report")
    except (OSError, ValueError) as problem:
        why = (problem.strerror if isinstance(problem, OSError) else None) or reason(problem)
        raise _refused(file, settings, f"cannot be written: {why}") from problem
    return path


def _refused(file: str, settings: str, reason: str) -> UsageError:
    return UsageError(f"{settings}: output {file} {reason}; name it on the command line if you want that")


def _below(folder: str, home: str) -> bool:
    try:
        return os.path.commonpath([folder, home]) == home
    except ValueError:
        # On two drives.
        return False


def _is_report(path: str) -> bool:
    """Whether a regular file, not a link to one, holds nothing or a report of ours, in whatever format."""
    if not stat.S_ISREG(os.lstat(path).st_mode):
        return False
    with open(os.open(path, portable.READ_ALONE), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            return False
        head = file.read(_PART)
        file.seek(max(0, status.st_size - _PART))
        tail = file.read(_PART)
    return not head or is_report(head, tail)
