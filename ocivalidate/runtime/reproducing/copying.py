"""Make a small root filesystem from this Python. It stands in a ``reproduce.sh``, and needs nothing but itself."""

from __future__ import annotations

import glob
import importlib
import os
import shutil
import sys
import sysconfig

# Where dynamic loaders look.
LINKS = {"lib": "usr/lib", "lib64": "usr/lib", "bin": "usr/bin", "sbin": "usr/bin"}
FOLDERS = ("dev", "etc", "proc", "sys", "var", "run", "usr/bin", "usr/lib/ocivalidate")
# What the program in the container imports.
MODULES = "__future__ _json _signal _struct ast ctypes errno fcntl mmap os resource socket stat sys time"


def main(target: str) -> None:
    """Make it in the new folder ``target``."""
    library = os.path.join(target, "usr", "lib", f"python{sysconfig.get_python_version()}")
    for folder in (*FOLDERS, os.path.relpath(library, target) + "/lib-dynload"):
        os.makedirs(os.path.join(target, folder), exist_ok=True)
    os.mkdir(os.path.join(target, "tmp"))
    os.chmod(os.path.join(target, "tmp"), 0o1777)  # noqa: S103  # as everywhere
    for name, aim in LINKS.items():
        os.symlink(aim, os.path.join(target, name))
    shutil.copy(os.path.realpath(sys.executable), os.path.join(target, "usr", "bin", "python3"))
    for name in MODULES.split():
        importlib.import_module(name)
    for module in list(sys.modules.values()):
        copy_module(module, library)
    with open("/proc/self/maps", encoding="utf-8") as maps:
        mapped = {line.split(maxsplit=5)[-1].strip() for line in maps if ".so" in line}
    for path in sorted(mapped | {*glob.glob("/lib64/ld-linux-*.so.*"), *glob.glob("/lib/ld-linux-*.so.*")}):
        copy_library(path, os.path.join(target, "usr", "lib"), os.path.join(library, "lib-dynload"))


def copy_module(module: object, library: str) -> None:
    """Copy the source of a module to where this Python looks for it."""
    top, spec = os.path.dirname(os.__file__), getattr(module, "__spec__", None)
    frozen = getattr(getattr(spec, "loader_state", None), "filename", None)
    place = frozen or getattr(spec, "origin", None) or ""
    if place.endswith(".py") and place.startswith(top + os.sep):
        copied = os.path.join(library, os.path.relpath(place, top))
        os.makedirs(os.path.dirname(copied), exist_ok=True)
        shutil.copyfile(place, copied)


def copy_library(path: str, libraries: str, extensions: str) -> None:
    """Copy a shared library by all names that it may be asked for."""
    name = os.path.basename(path)
    if ".so" not in name or not os.path.exists(path):
        return
    if "lib-dynload" in path or "cpython-" in name:
        shutil.copy(path, extensions)
        return
    shutil.copy(path, libraries)
    # The file libffi.so.8.1.2 is asked for as libffi.so.8.
    stem, _, number = name.partition(".so.")
    while "." in number:
        number = number.rpartition(".")[0]
        link = os.path.join(libraries, f"{stem}.so.{number}")
        if not os.path.lexists(link):
            os.symlink(name, link)


if __name__ == "__main__":
    main(sys.argv[1])
