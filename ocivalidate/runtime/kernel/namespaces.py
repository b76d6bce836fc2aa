"""Namespaces as the kernel shows them, and processes that hold namespaces for containers to join."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
from collections.abc import Sequence

from ocivalidate.errors import CannotJudge
from ocivalidate.runtime.kernel import interpreter

_PATIENCE = 60.0  # seconds for a process of ours to create namespaces, and to end, on the slowest of hosts
# The types of ``linux.namespaces`` and their names below ``/proc/PID/ns``.
NAMESPACE_FILES = {
    "pid": "pid",
    "network": "net",
    "mount": "mnt",
    "ipc": "ipc",
    "uts": "uts",
    "user": "user",
    "cgroup": "cgroup",
    "time": "time",
}
# Flags of clone(2).
_FLAGS = {
    "pid": 0x20000000,
    "network": 0x40000000,
    "mount": 0x00020000,
    "ipc": 0x08000000,
    "uts": 0x04000000,
    "user": 0x10000000,
    "cgroup": 0x02000000,
    "time": 0x00000080,
}
# New PID and time namespaces take effect for children. The kernel kills both processes when the harness ends.
_HOLD = """
import ctypes, json, os, sys
asked = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(1, 9, 0, 0, 0)
if libc.unshare(asked["flags"]) != 0:
    sys.exit(os.strerror(ctypes.get_errno()))
if asked["hostname"]:
    name = asked["hostname"].encode()
    libc.sethostname(name, len(name))
child = os.fork()
if child == 0:
    libc.prctl(1, 9, 0, 0, 0)
    os.close(1)
    os.read(0, 1)
    os._exit(0)
print(child, flush=True)
os.read(0, 1)
os.kill(child, 9)
os.waitpid(child, 0)
"""
# Enters the mount namespace of a file, and executes the remaining arguments.
_ENTER = f"""
import ctypes, os, sys
{interpreter.ENVIRONMENT}
descriptor = os.open(sys.argv[1], os.O_RDONLY | os.O_CLOEXEC)
if ctypes.CDLL(None, use_errno=True).setns(descriptor, 0) != 0:
    sys.exit(os.strerror(ctypes.get_errno()))
os.execve(sys.argv[2], sys.argv[2:], environment)
"""


def namespaces_of(process: int | str = "self") -> dict[str, str]:
    """The namespaces of a process, by the names of their files; empty if it has ended."""
    found: dict[str, str] = {}
    for name in NAMESPACE_FILES.values():
        with contextlib.suppress(OSError):
            found[name] = os.readlink(f"/proc/{process}/ns/{name}")
    return found


class NamespaceHolder:
    """A process that holds new namespaces of some types until it is closed.

    ``hostname``: its hostname. ``mappings``: the lines of ``uid_map`` and ``gid_map`` of its user namespace.
    """

    def __init__(
        self,
        types: Sequence[str],
        *,
        hostname: str = "",
        mappings: Sequence[tuple[int, int, int]] = (),
    ) -> None:
        asked = {"flags": sum(_FLAGS[kind] for kind in types), "hostname": hostname}
        self._process = subprocess.Popen(
            interpreter.bare("-c", _HOLD, json.dumps(asked)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        said = _line(self._process)
        if not said:
            problem = self._end()
            raise CannotJudge(f"cannot create namespaces {', '.join(types)}: {problem.strip()}")
        self.pid = int(said)
        for name in ("uid_map", "gid_map") if mappings else ():
            text = "".join(f"{inside} {outside} {size}\n" for inside, outside, size in mappings)
            with open(f"/proc/{self.pid}/{name}", "w", encoding="ascii") as file:
                file.write(text)

    def path(self, kind: str) -> str:
        """The file of its namespace of this type."""
        return f"/proc/{self.pid}/ns/{NAMESPACE_FILES[kind]}"

    def namespaces(self) -> dict[str, str]:
        """Its namespaces, as :func:`namespaces_of` names them."""
        return namespaces_of(self.pid)

    def enter(self) -> tuple[str, ...]:
        """A command line that executes the command appended to it in the mount namespace."""
        return interpreter.bare("-c", _ENTER, self.path("mount"))

    def close(self) -> None:
        """End the process, and with it its namespaces."""
        self._end()

    def _end(self) -> str:
        """End the process, and return its error output."""
        problem = ""
        with contextlib.suppress(OSError, ValueError, subprocess.TimeoutExpired):
            _, problem = self._process.communicate(timeout=_PATIENCE)
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_PATIENCE)
        return problem


def _line(process: subprocess.Popen[str]) -> str:
    """The first line that a process prints; ``""`` if none comes within some seconds."""
    if process.stdout is None:
        return ""
    poller = select.poll()
    poller.register(process.stdout, select.POLLIN)
    return process.stdout.readline() if poller.poll(_PATIENCE * 1000) else ""
