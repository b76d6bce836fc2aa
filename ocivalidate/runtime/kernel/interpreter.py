"""Starting a Python interpreter: the only place that says how.

A Python that we start imports from its standard library, from its installed packages, and from where our own
package is; never from the working directory, PYTHONPATH, or the user's site directory. It gets its parameters
as arguments, so that the environment stays as we got it: the runtime under test inherits it.
"""

from __future__ import annotations

import json
import os
import sys

from ocivalidate.system import importing

BARE = ("-I", "-S")
"""The flags of a Python with the standard library and nothing else."""

# site runs only here, to know which paths are the library's; then our package is found where the caller found it.
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
# Python sets this in its own environment in the C locale, and its children inherit it (PEP 538).
_COERCED = ("C.UTF-8", "C.utf8", "UTF-8")

ENVIRONMENT = """
with open("/proc/self/environ", "rb") as file:
    environment = dict(entry.split(b"=", 1) for entry in file.read().split(b"\\0") if b"=" in entry)
"""
"""Code for a :func:`bare` program: afterwards ``environment`` is the one it was started with, for ``os.execve``."""


def bare(*words: str) -> tuple[str, ...]:
    """A command line that runs this interpreter with its standard library and nothing else."""
    return (sys.executable, *BARE, *words)


def ours(module: str) -> tuple[str, ...]:
    """A command line that calls ``main`` of one of our modules, and exits with the value that it returns."""
    handed = importing.trusted(sys.path, os.environ.get("PYTHONPATH", ""), importing.working_directory())
    flags = [*(["-B"] if sys.dont_write_bytecode else [])]
    if sys.pycache_prefix:
        flags += ["-X", f"pycache_prefix={sys.pycache_prefix}"]
    return bare(*flags, "-c", _START, json.dumps([importing.HOME, handed, module]))


def environment() -> dict[str, str]:
    """The environment of this process, without what Python itself added."""
    found = dict(os.environ)
    if found.get("LC_CTYPE") in _COERCED and not _given("LC_CTYPE"):
        del found["LC_CTYPE"]
    return found


def _given(name: str) -> bool:
    """Whether a variable was set when this program was executed; true if the kernel does not say."""
    try:
        with open("/proc/self/environ", "rb") as file:
            entries = file.read().split(b"\0")
    except OSError:
        return True
    return any(entry.startswith(f"{name}=".encode()) for entry in entries)
