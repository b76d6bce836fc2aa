"""What this kernel lets a process of a container do, asked by doing it in a child of ours, and in groups like its own.

What is asked of our own process has another answer where groups have budgets, or where we are confined.
"""

from __future__ import annotations

import functools
import struct
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from ocivalidate.runtime.kernel import interpreter, syscalls
from ocivalidate.runtime.kernel.kernelnames import POLICIES, SCHEDULING_FLAGS

_PATIENCE = 60.0  # seconds for a child
_SCHEDULE = """
import ctypes, errno, sys
for folder in sys.argv[3:]:
    with open(folder + "/cgroup.procs", "w") as file:
        file.write("0")
failed = ctypes.CDLL(None, use_errno=True).syscall(int(sys.argv[1]), 0, bytes.fromhex(sys.argv[2]), 0)
print(errno.errorcode.get(ctypes.get_errno(), "an error") if failed else "")
"""
_PROPAGATE = """
import ctypes, errno, sys
libc = ctypes.CDLL(None, use_errno=True)
def step(what, failed):
    if failed:
        print(what, "with", errno.errorcode.get(ctypes.get_errno(), "an error"))
        sys.exit()
step("a mount namespace", libc.unshare(0x10020000 if "user" in sys.argv else 0x20000))
for what, flag in (("private", 1 << 18), ("shared", 1 << 20), ("slave", 1 << 19), ("unbindable", 1 << 17)):
    step("the propagation " + what, libc.mount(b"none", b"/", None, ctypes.c_ulong(flag | 0x4000), None))
    # Nothing can be bound of it any more; back to what mounts are made of.
    step("the propagation private", libc.mount(b"none", b"/", None, ctypes.c_ulong(1 << 18 | 0x4000), None))
step("a mount", libc.mount(b"none", b"/proc", b"tmpfs", ctypes.c_ulong(0), None))
"""


def scheduling_refused(scheduler: Mapping[str, Any], folders: Sequence[str] = ()) -> str:
    """Why the kernel refuses a process ``process.scheduler``, in words; ``""`` if it does not.

    ``folders``: the directories of the control groups that the process enters before, as in a container.
    """
    flags = sum(SCHEDULING_FLAGS.get(name, 0) for name in scheduler.get("flags", ()))
    attributes = struct.pack(
        "IIQiIQQQ",
        48,
        POLICIES[scheduler["policy"]],
        flags,
        *(scheduler.get(name, 0) for name in ("nice", "priority", "runtime", "deadline", "period")),
    )
    said = _said(_SCHEDULE, str(syscalls.number_of_sched_setattr()), attributes.hex(), *folders)
    where = " in a control group below ours" if folders else ""
    return f"this kernel refuses {scheduler['policy']}{where} with {said}" if said else ""


@functools.cache
def propagation_refused(*, user: bool = False) -> str:
    """Why the kernel refuses a child the forms of propagation on its root, in words; ``""`` if it does not.

    ``user``: in a user namespace of its own.
    """
    said = _said(_PROPAGATE, *(["user"] if user else []))
    return f"this kernel refuses us {said}" if said else ""


_LINUX32 = 0x8
_MACHINE = """
import ctypes, os, sys
ctypes.CDLL(None).personality(ctypes.c_ulong(int(sys.argv[1])))
print(os.uname().machine)
"""


@functools.cache
def machine_of_linux32() -> str:
    """The machine of which this kernel tells a process whose execution domain is LINUX32."""
    return _said(_MACHINE, str(_LINUX32))


def _said(code: str, *words: str) -> str:
    try:
        done = subprocess.run(
            interpreter.bare("-c", code, *words),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE,
        )
    except subprocess.TimeoutExpired:
        return "nothing within a minute"
    lines = (done.stderr if done.returncode else done.stdout).strip().splitlines()
    return lines[-1] if lines else "" if done.returncode == 0 else f"exit status {done.returncode}"
