"""Finding programs by name: those that are installed, never one that lies in the working directory."""

from __future__ import annotations

import os
import shutil


def find(name: str) -> str | None:
    """The absolute path of a program, by its path or by its name in PATH; ``None`` where there is none.

    Entries of PATH that are empty or relative name the working directory or something in it, and count for nothing.
    """
    if os.path.dirname(name):
        path = shutil.which(name)
        return os.path.abspath(path) if path else None
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return shutil.which(name, path=os.pathsep.join(filter(os.path.isabs, folders)))


def command(name: str, *words: str) -> list[str]:
    """The command line of a program that is found by its name. Raises :class:`FileNotFoundError`."""
    path = find(name)
    if path is None:
        raise FileNotFoundError(f"the program {name} is not installed")
    return [path, *words]
