"""A kernel of a guest in a process namespace of its own, so that none of its processes outlives us, however we end.

User-mode Linux runs the programs of its guest as processes of the host. Killed, an old one leaves some of them behind,
which run on without anybody who traces them.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence

from ocivalidate.runtime.kernel import isolation, syscalls


def own_numbers() -> bool:
    """Have the next child be the first process of a namespace, whose end is that of all in it; false if we may not.

    An ordinary user needs a user namespace for that, in which its own ids stay as they are.
    """
    user, group = os.geteuid(), os.getegid()
    try:
        syscalls.unshare(syscalls.CLONE_NEWPID | (0 if user == 0 else syscalls.CLONE_NEWUSER))
    except OSError:
        return False
    if user != 0:
        for file, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
            with contextlib.suppress(OSError), open(f"/proc/self/{file}", "w", encoding="ascii") as told:
                told.write(text)
    return True


class Enclosed:
    """A started kernel. What it is asked for is as of :class:`subprocess.Popen`."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code, if it has ended."""
        if self.returncode is None:
            ended, status = os.waitpid(self._pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if ended else None
        return self.returncode

    def kill(self) -> None:
        """End it and all its processes."""
        if self.returncode is None:
            os.kill(self._pid, signal.SIGKILL)

    def wait(self) -> int:
        """Wait for its end, and return its exit code."""
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        return self.returncode


def start(words: Sequence[str], output: int, handed: Sequence[int], variables: Mapping[str, str]) -> Enclosed:
    """Start a kernel below a process that ends with us, and takes all of it along where :func:`own_numbers` was true.

    ``output``: where what it says goes. ``handed``: the descriptors that it gets. Both are closed here.
    """
    child = os.fork()
    if child == 0:
        code = 127
        try:
            code = _first(words, output, handed, variables)
        except OSError as problem:
            os.write(output, f"{words[0]} cannot be started: {problem}\n".encode())
        finally:
            os._exit(code)
    for descriptor in (output, *handed):
        os.close(descriptor)
    return Enclosed(child)


def _first(words: Sequence[str], output: int, handed: Sequence[int], variables: Mapping[str, str]) -> int:
    syscalls.die_with_parent(signal.SIGKILL)
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        pass_fds=handed,
        env=variables,
        cwd="/",
        preexec_fn=lambda: syscalls.die_with_parent(signal.SIGKILL),  # noqa: PLW1509  # this process has no threads
    )
    for descriptor in (output, *handed):
        os.close(descriptor)
    return isolation.bury_until_end_of(process.pid)
