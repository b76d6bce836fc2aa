"""What the guest needs of Python, of ours and of the runtime; and copying what its kernel cannot read.

A copy stands below a folder of the sandbox, at the path that it has on the host.
"""

from __future__ import annotations

import contextlib
import glob
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence

from ocivalidate.runtime.kernel import interpreter, programs, syscalls
from ocivalidate.runtime.protocol import Request
from ocivalidate.runtime.sandbox.seeing import Need, Shown
from ocivalidate.system import importing
from ocivalidate.system.mounts import mounts

# Of a Python that has to be copied: what neither the engine nor the probe imports.
_LEAVE = (
    "*.opt-?.pyc",
    "test",
    "idlelib",
    "tkinter",
    "turtledemo",
    "ensurepip",
    "lib2to3",
    "distutils",
    "config-*",
    "*.a",
)
_OURS = ("ocivalidate", "schemas", "conformance", "fixtures", "pyproject.toml", "ocivalidate-*.dist-info")
# Variables that name places or sessions of the user on the host: the guest has none of them.
_OF_THE_HOST = ("DBUS_", "SSH_", "XDG_", "SUDO_", "LISTEN_")
_OWN = {"HOME": "/root", "USER": "root", "LOGNAME": "root"}
_DROPPED = ("TMPDIR", "TMP", "TEMP", "NOTIFY_SOCKET", "MAIL", "OLDPWD", "PWD", "PYTHONPATH")
_LINE = re.compile(r"(?:=> )?(/\S+) \(0x[0-9a-f]+\)$", re.MULTILINE)
_PATIENCE = 20.0  # seconds for listing the libraries of a program
_OPEN = 0o755  # the kernel of the guest may be another user's


def needs(request: Request) -> list[Need]:
    """What an engine needs to serve this request, with absolute paths."""
    wanted = [*_python()]
    wanted += [Need(path) for path in (request.cases, request.rootfs) if path]
    program = programs.find(request.runtime)
    if program is not None:
        wanted += [Need(path) for path in (program, *_below(program))]
    return wanted


def _python() -> Iterator[Need]:
    library = f"lib*/python{sys.version_info[0]}.{sys.version_info[1]}"
    own = sys.prefix != sys.base_prefix
    leave = (*_LEAVE, "site-packages") if own else _LEAVE
    yield Need(sys.base_prefix, ("bin/python*", library, "lib*/libpython*"), leave)
    if own:
        yield Need(sys.prefix, ("bin/python*", "pyvenv.cfg", library), _LEAVE)
    yield Need(importing.HOME, _OURS, _LEAVE)
    handed = importing.trusted(sys.path, "", importing.working_directory())
    known = (sys.base_prefix, sys.prefix, importing.HOME)
    yield from (Need(entry) for entry in handed if not any(f"{entry}/".startswith(f"{one}/") for one in known))
    yield Need(os.path.realpath(sys.executable))


def _below(program: str) -> Iterator[str]:
    """What a program cannot be started without: its interpreter, and its shared libraries."""
    try:
        with open(program, "rb") as file:
            head = file.read(256)
    except OSError:
        return
    if head.startswith(b"#!"):
        yield from (os.fsdecode(word) for word in head[2:].split(b"\n")[0].split()[:1] if word.startswith(b"/"))
    elif head.startswith(b"\x7fELF"):
        yield from libraries(program)


def libraries(program: str) -> list[str]:
    """The shared libraries that a program needs, and what loads them; none if it is static."""
    ldd = programs.find("ldd")
    if ldd is None:
        return []
    command = [ldd, program]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.SubprocessError):
        return []
    return _LINE.findall(done.stdout.decode(errors="replace"))


def hand_on(one: Shown, below: str, *, private: bool) -> str:
    """Have a need where the guest's kernel can read it, below a folder, and return where. Raises :class:`OSError`.

    ``private``: this process has its own mount namespace, in which what only folders above keep from others need not be
    copied.
    """
    if private and one.closed != one.source:
        target = f"{below}{one.source}"
        if os.path.lexists(target):
            # It came with a folder above.
            return target
        if os.path.isdir(one.source):
            os.makedirs(target, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "ab"):
                pass
        with contextlib.suppress(OSError):
            syscalls.mount(one.source, target, flags=syscalls.MS_BIND)
            return target
    return copy(one, below)


def take_back(below: str) -> None:
    """Unmount what was handed on below a folder."""
    points = [mount.point for mount in mounts() if mount.point.startswith(f"{below}/")]
    for point in reversed(points):
        syscalls.unmount(point)


def copy(one: Shown, below: str) -> str:
    """Copy a need below a folder, and return where it is now. Raises :class:`OSError`."""
    target = f"{below}{one.source}"
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if not os.path.isdir(one.source):
        _copy_file(one.source, target)
        return target
    for source in _parts(one.need):
        place = f"{below}{source}"
        os.makedirs(os.path.dirname(place), exist_ok=True)
        if os.path.isdir(source) and not os.path.islink(source):
            ignore = shutil.ignore_patterns(*one.need.leave)
            shutil.copytree(source, place, symlinks=True, ignore=ignore, copy_function=_copy_file, dirs_exist_ok=True)
        else:
            _copy_file(source, place)
    _open_folders(target)
    return target


def _parts(need: Need) -> list[str]:
    if not need.only:
        return [need.path]
    return [path for pattern in need.only for path in sorted(glob.glob(f"{glob.escape(need.path)}/{pattern}"))]


def _copy_file(source: str, target: str) -> None:
    """A regular file or a link; all may read it then. Anything else is nothing that is needed."""
    found = os.lstat(source)
    if stat.S_ISREG(found.st_mode) or (stat.S_ISLNK(found.st_mode) and os.path.isfile(source)):
        follow = not os.path.islink(source)
        shutil.copyfile(source, target, follow_symlinks=follow)
        if follow:
            os.chmod(target, stat.S_IMODE(found.st_mode) | 0o444)
    elif stat.S_ISLNK(found.st_mode):
        os.symlink(os.readlink(source), target)


def _open_folders(target: str) -> None:
    for folder, _, _ in os.walk(target):
        os.chmod(folder, _OPEN)


def environment() -> dict[str, str]:
    """The environment of the engine: ours, without what is about the host."""
    kept = {
        name: value
        for name, value in interpreter.environment().items()
        if not name.startswith(_OF_THE_HOST) and (name not in _DROPPED)
    }
    return {"PATH": os.defpath} | kept | _OWN


def first_python(copies: Sequence[tuple[str, str]]) -> tuple[str, dict[str, str]]:
    """The interpreter that starts the guest, by a path that its kernel can read, and what has to be set for it.

    ``copies``: what was copied, and where to.
    """
    real = os.path.realpath(sys.executable)
    for source, target in copies:
        if real.startswith(f"{source}/"):
            return f"{target}{real.removeprefix(source)}", {"LD_LIBRARY_PATH": f"{target}/lib"}
    return next((target for source, target in copies if source == real), real), {}
