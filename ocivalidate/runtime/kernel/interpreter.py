"""Starting a Python: the only place that says how.

Whatever we start imports from the library of the interpreter, from what is installed for it, and from where our own
package stands; never from the working directory, PYTHONPATH, or a user's site folder. What it is to know is handed on
in arguments, so that the environment stays as it was given to us: the runtime under test inherits it.
"""

from __future__ import annotations

import json
import os
import sys

from ocivalidate.system import importing

BARE = ("-I", "-S")
"""The flags of a Python that has the standard library and nothing else."""

# Sites are looked at here, to know what comes from the library; then our package is found where it was for the caller.
_START = """
import json, os, sys
home, handed, module = json.loads(sys.argv.pop(1))
library = len(sys.path)
import site
site.main()
from importlib.machinery import PathFinder
found = PathFinder.find_spec("ocivalidate")
place = os.path.realpath(found.origin) if found is not None and found.origin else ""
if place != os.path.join(home, "ocivalidate", "__init__.py"):
    sys.path[library:library] = [home, *handed]
import importlib
sys.exit(importlib.import_module(module).main())
"""
# What Python sets in its own environment where the locale is C, and everything below inherits (PEP 538).
_COERCED = ("C.UTF-8", "C.utf8", "UTF-8")

ENVIRONMENT = """
with open("/proc/self/environ", "rb") as file:
    environment = dict(entry.split(b"=", 1) for entry in file.read().split(b"\\0") if b"=" in entry)
"""
"""A piece of a program for :func:`bare`, after which ``environment`` is what it was given, for ``os.execve``."""


def bare(*words: str) -> tuple[str, ...]:
    """A command line of this interpreter with its standard library and nothing else."""
    return (sys.executable, *BARE, *words)


def ours(module: str) -> tuple[str, ...]:
    """A command line that calls ``main`` of a module of ours, and exits with what it returns."""
    handed = importing.trusted(sys.path, os.environ.get("PYTHONPATH", ""), importing.working_directory())
    flags = [*(["-B"] if sys.dont_write_bytecode else [])]
    if sys.pycache_prefix:
        flags += ["-X", f"pycache_prefix={sys.pycache_prefix}"]
    return bare(*flags, "-c", _START, json.dumps([importing.HOME, handed, module]))


def environment() -> dict[str, str]:
    """The environment that this process was given, with what was changed since, but not by Python itself."""
    found = dict(os.environ)
    if found.get("LC_CTYPE") in _COERCED and not _given("LC_CTYPE"):
        del found["LC_CTYPE"]
    return found


def _given(name: str) -> bool:
    """Whether a variable was there when this program was executed; also where the kernel does not say."""
    try:
        with open("/proc/self/environ", "rb") as file:
            entries = file.read().split(b"\0")
    except OSError:
        return True
    return any(entry.startswith(f"{name}=".encode()) for entry in entries)
