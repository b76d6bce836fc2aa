"""The root filesystem of the containers: a bare Python with the probe, built once per run from the running interpreter.

Nothing is compiled, downloaded or shipped: the interpreter, its shared libraries (by their sonames)
and the byte code of the modules that the probe imports are copied. Every bundle gets its own directories and
hard links to the files.
"""

from __future__ import annotations

import importlib.util
import os
import py_compile
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from stat import S_IMODE, S_ISDIR, S_ISLNK, S_ISREG

from ocivalidate.errors import CannotJudge
from ocivalidate.runtime.inside import PROBE_SOURCE
from ocivalidate.runtime.kernel import interpreter

PYTHON = "/usr/bin/python3"
# Without a suffix, Python checks whether it is byte code or source: in a user's root filesystem it is source.
PROBE = "/usr/lib/ocivalidate/probe"
PROBE_ARGS = (PYTHON, *interpreter.BARE, PROBE)
"""The command that runs the probe in a container; its steps follow."""

# Users of every container can pass through, whatever the caller's umask.
_OPEN = 0o755
# Directories of the root filesystem with their modes, besides those that hold files.
_FOLDERS = {"dev": 0o755, "etc": 0o755, "proc": 0o755, "sys": 0o755, "tmp": 0o1777, "var": 0o755, "run": 0o755}
# The directories that dynamic loaders search.
_LINKS = {"lib": "usr/lib", "lib64": "usr/lib", "bin": "usr/bin", "sbin": "usr/bin"}
# The modules that the probe's steps import; their files are found by importing them.
_IMPORTS = "__future__, _json, _signal, _struct, ctypes, errno, fcntl, mmap, os, resource, socket, stat, sys, time"
_ASK = f"""
import {_IMPORTS}
modules = [module for module in list(sys.modules.values()) if getattr(module, "__spec__", None)]
for module in modules:
    origin, package = module.__spec__.origin, bool(module.__spec__.submodule_search_locations)
    frozen = getattr(module.__spec__.loader_state, "filename", None) if origin == "frozen" else None
    print("module", module.__spec__.name, int(package), frozen or origin, sep="\\t")
for line in open("/proc/self/maps"):
    path = line.split(maxsplit=5)[-1].strip()
    if ".so" in os.path.basename(path):
        print("library", path, sep="\\t")
"""


def build(target: Path, probe: Path | None = None) -> None:
    """Build the root filesystem in the new directory ``target``.

    ``probe``: the source of the probe (default: ours). Raises :class:`CannotJudge`.
    """
    try:
        _make_folders(target)
        _copy_interpreter(target)
        source = probe or PROBE_SOURCE
        (target / PROBE.lstrip("/")).parent.mkdir(mode=0o755)
        _compile(str(source), target / PROBE.lstrip("/"))
    except (OSError, py_compile.PyCompileError, subprocess.SubprocessError) as problem:
        raise CannotJudge(f"cannot build a root filesystem from {sys.executable}: {problem}") from problem
    for folder, _, _ in os.walk(target):
        # The caller's umask must not close the tree to other users.
        if os.path.basename(folder) != "tmp":
            os.chmod(folder, _OPEN)


def adopt(source: Path, target: Path) -> None:
    """Copy a user's root filesystem, which has its own Python, to ``target``, and add the probe.

    Raises :class:`CannotJudge`.
    """
    if not source.is_dir():
        raise CannotJudge(f"there is no directory {source}")
    if not os.path.lexists(source / PYTHON.lstrip("/")):
        raise CannotJudge(f"{source} has no {PYTHON}, which runs the probe")
    try:
        shutil.copytree(source, target, symlinks=True, ignore=_special, copy_function=_copy_with_owner)
        for folder, _, _ in os.walk(source):
            below = target / Path(folder).relative_to(source)
            _give_to_owner(folder, str(below))
        for name, mode in _FOLDERS.items():
            if not os.path.lexists(target / name):
                (target / name).mkdir()
                os.chmod(target / name, mode)
        place = target / PROBE.lstrip("/")
        place.parent.mkdir(mode=_OPEN, parents=True, exist_ok=True)
        place.parent.chmod(_OPEN)
        shutil.copyfile(PROBE_SOURCE, place)
        place.chmod(0o644)
    except (OSError, shutil.Error) as problem:
        raise CannotJudge(f"cannot copy the root filesystem {source}: {problem}") from problem


def _special(folder: str, names: list[str]) -> list[str]:
    """Entries that are not directories, regular files or links: devices and the like, which the runtime creates."""
    kinds = {name: os.lstat(os.path.join(folder, name)).st_mode for name in names}
    return [name for name, mode in kinds.items() if not (S_ISDIR(mode) or S_ISREG(mode) or S_ISLNK(mode))]


def _copy_with_owner(source: str, target: str) -> None:
    shutil.copy2(source, target, follow_symlinks=False)
    _give_to_owner(source, target)


def _give_to_owner(source: str, target: str) -> None:
    """Copy owner and mode. The mode comes last, as chown(2) clears set-user-ID. Ordinary users cannot change owners."""
    if os.geteuid() == 0:
        found = os.lstat(source)
        os.chown(target, found.st_uid, found.st_gid, follow_symlinks=False)
        if not S_ISLNK(found.st_mode):
            os.chmod(target, S_IMODE(found.st_mode))


def _make_folders(target: Path) -> None:
    target.mkdir(mode=0o755, parents=True)
    for name, mode in _FOLDERS.items():
        (target / name).mkdir()
        os.chmod(target / name, mode)
    for name in ("usr/bin", "usr/lib"):
        (target / name).mkdir(parents=True)
    for name, aim in _LINKS.items():
        (target / name).symlink_to(aim)


def _copy_interpreter(target: Path) -> None:
    shutil.copy(os.path.realpath(sys.executable), target / PYTHON.lstrip("/"))
    answer = subprocess.run(interpreter.bare("-c", _ASK), capture_output=True, text=True, check=True, timeout=30)
    library = Path(target, "usr", "lib", f"python{sysconfig.get_python_version()}")
    dynamic = library / "lib-dynload"
    dynamic.mkdir(parents=True)
    for line in answer.stdout.splitlines():
        kind, *fields = line.split("\t")
        if kind == "library":
            _copy_library(fields[0], target, dynamic)
        else:
            _copy_module(fields[0], package=fields[1] == "1", origin=fields[2], library=library)
    # Python recognizes its library by this file, even if the module itself is frozen.
    _compile(os.__file__, library / "os.pyc")
    loader = next(
        (path for path in ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1") if os.path.exists(path)), ""
    )
    if loader and not (target / "usr" / "lib" / os.path.basename(loader)).exists():
        shutil.copy(loader, target / "usr" / "lib")


def _copy_library(path: str, target: Path, dynamic: Path) -> None:
    # Extension modules are mapped like shared libraries, but belong in Python's own directory.
    extension = "lib-dynload" in path or "cpython-" in os.path.basename(path)
    folder = dynamic if extension else target / "usr" / "lib"
    name = os.path.basename(path)
    if (folder / name).exists():
        return
    shutil.copy(path, folder)
    # The file libffi.so.8.1.2 is requested as libffi.so.8.
    stem, _, version = name.partition(".so.")
    while not extension and "." in version:
        version = version.rpartition(".")[0]
        (folder / f"{stem}.so.{version}").symlink_to(name)


def _copy_module(name: str, *, package: bool, origin: str, library: Path) -> None:
    if not origin.endswith(".py"):
        return
    parts = name.split(".")
    target = library.joinpath(*parts, "__init__.pyc") if package else library.joinpath(*parts[:-1], f"{parts[-1]}.pyc")
    target.parent.mkdir(parents=True, exist_ok=True)
    _compile(origin, target)


def _compile(source: str, target: Path) -> None:
    """Write the byte code of a module to where Python looks for modules without source."""
    cached = importlib.util.cache_from_source(source)
    try:
        if os.stat(cached).st_mtime >= os.stat(source).st_mtime:
            shutil.copyfile(cached, target)
            return
    except OSError:
        pass
    py_compile.compile(
        source, str(target), doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
    )


def link_tree(source: Path, target: Path) -> None:
    """Make a copy of a tree with hard links to its files. Both must be on the same file system."""
    target.mkdir(mode=0o755)
    os.chmod(target, _OPEN)
    with os.scandir(source) as entries:
        for entry in entries:
            aim = target / entry.name
            if entry.is_symlink():
                aim.symlink_to(os.readlink(entry.path))
            elif entry.is_dir():
                link_tree(Path(entry.path), aim)
                os.chmod(aim, entry.stat().st_mode & 0o7777)
            else:
                os.link(entry.path, aim)
