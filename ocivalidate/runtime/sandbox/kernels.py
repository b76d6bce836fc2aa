"""Finding a User-mode Linux, and what it can do."""

from __future__ import annotations

import fnmatch
import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ocivalidate.errors import CannotJudge
from ocivalidate.runtime.sandbox.wanted import Sandbox

_NAMES = ("linux.uml", "linux.uml-*", "linux-uml", "linux-uml-*", "linux-usermode")
_USUAL = ("/usr/local/bin", "/usr/bin")
_PATIENCE = 20.0  # seconds for a kernel to print its version
_MOST_CANDIDATES = 16
INSTALL = "install User-mode Linux: apt install user-mode-linux (Debian, Ubuntu), or give one as kernel=PATH"


@dataclass(frozen=True, slots=True)
class Kernel:
    """The kernel of a guest.

    ``seccomp``: a User-mode Linux that can trap the guest's calls by seccomp(2), faster than by ptrace(2).
    ``modules``: the folder of those that any other has, and ``program`` is what boots it.
    """

    path: str
    version: str
    seccomp: bool = False
    modules: str = ""
    program: str = ""


def find(sandbox: Sandbox) -> Kernel:
    """The User-mode Linux to boot: the named one, else the newest found. Raises :class:`CannotJudge`."""
    if sandbox.kernel:
        path = os.path.abspath(sandbox.kernel)
        if not os.path.isfile(path):
            raise CannotJudge(f"--sandbox: there is no kernel {path}; {INSTALL}")
        found = _asked(path)
        if found is None:
            raise CannotJudge(f"--sandbox: {path} is no User-mode Linux that runs here: it prints no version")
    else:
        every = [kernel for path in candidates(_folders()) if (kernel := _asked(path))]
        if not every:
            raise CannotJudge(f"--sandbox uml needs User-mode Linux, which is not installed; {INSTALL}")
        found = newest(every)
    if (sandbox.cpus or 1) > 1 and not _has_processors(found):
        raise CannotJudge(
            f"--sandbox: User-mode Linux {found.version} has one processor: leave out cpus={sandbox.cpus}"
        )
    return found


def newest(kernels: Sequence[Kernel]) -> Kernel:
    """The one of the highest version; of several with the same the first."""
    return max(kernels, key=lambda kernel: _numbers(kernel.version))


def candidates(folders: Iterable[str]) -> list[str]:
    """Programs in these folders whose name is that of a User-mode Linux, each file once."""
    found: dict[str, str] = {}
    for folder in folders:
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            continue
        for name in names:
            path = os.path.join(folder, name)
            if any(fnmatch.fnmatchcase(name, one) for one in _NAMES) and os.access(path, os.X_OK):
                found.setdefault(os.path.realpath(path), path)
    return [*found.values()][:_MOST_CANDIDATES]


def _folders() -> list[str]:
    given = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return [*dict.fromkeys([*filter(os.path.isabs, given), *_USUAL])]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"[0-9]+", version)[:4])


def _asked(path: str) -> Kernel | None:
    version = _said(path, "--version").strip()
    if not re.match(r"[0-9]+\.[0-9]+", version):
        return None
    return Kernel(path, version.split()[0], seccomp="seccomp=" in _said(path, "--help"))


def _has_processors(kernel: Kernel) -> bool:
    return "CONFIG_SMP=y" in _said(kernel.path, "--showconfig").splitlines()


def _said(path: str, flag: str) -> str:
    try:
        done = subprocess.run(
            [path, flag], stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode(errors="replace")
