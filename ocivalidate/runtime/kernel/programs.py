"""Finding installed programs by name, never one in the working directory."""

from __future__ import annotations

import os
import shutil
import stat


def find(name: str) -> str | None:
    """The absolute path of a program, given by path or by name in PATH; ``None`` if there is none.

    Empty and relative entries of PATH lead to the working directory, and are ignored.
    """
    if os.path.dirname(name):
        path = shutil.which(name)
        return os.path.abspath(path) if path else None
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return shutil.which(name, path=os.pathsep.join(filter(os.path.isabs, folders)))


def command(name: str, *words: str) -> list[str]:
    """The command line of a program found by name. Raises :class:`FileNotFoundError`."""
    path = find(name)
    if path is None:
        raise FileNotFoundError(f"the program {name} is not installed")
    return [path, *words]


def digest(path: str) -> str:
    """The sha256 digest of a program; ``""`` if it cannot be read."""
    import hashlib

    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return ""
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError:
        return ""
