"""Which folders modules are imported from; the working directory and PYTHONPATH are ignored.

The command line is run as root, in untrusted folders. Python puts the working directory in front for ``python -m`` and
``python -c``, and what PYTHONPATH names before its own library; a ``json.py`` there would be imported.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
"""The folder in which our package stands."""


def trusted(path: Sequence[str], pythonpath: str, cwd: str) -> list[str]:
    """The entries of a module search path that count.

    ``path`` is as in ``sys.path``. ``pythonpath`` is the variable, ``""`` for none: it counts only if it is what leads
    to our own package. Relative entries and, where Python itself has put it, the working directory never count, unless
    our package stands there.
    """
    given = pythonpath.split(os.pathsep) if pythonpath else []
    strange = set()
    if not any(entry and (cwd or os.path.isabs(entry)) and os.path.realpath(entry) == HOME for entry in given):
        # A relative one leads nowhere where there is no working directory.
        strange = {os.path.abspath(entry) for entry in given if cwd or os.path.isabs(entry)} - _of_python()
    strange |= {cwd for entry in given if not entry}
    if path and path[0] in ("", cwd):
        path = path[1:] if not cwd or os.path.realpath(cwd) != HOME else [cwd, *path[1:]]
    return [entry for entry in path if os.path.isabs(entry) and (entry not in strange or entry == HOME)]


def _of_python() -> set[str]:
    """The folders that Python searches without being told to."""
    library = os.path.dirname(os.path.abspath(os.__file__))
    site = sys.modules.get("site")
    return {library, os.path.join(library, "lib-dynload"), *(site.getsitepackages() if site else ())}


def forget_strangers() -> None:
    """Import nothing more from folders that are not installed."""
    sys.path[:] = trusted(sys.path, os.environ.get("PYTHONPATH", ""), working_directory())


def working_directory() -> str:
    """The working directory; ``""`` where it was removed."""
    try:
        return os.getcwd()
    except OSError:
        return ""
