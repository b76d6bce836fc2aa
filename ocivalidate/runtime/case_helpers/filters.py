"""What cases on seccomp share: filters, and system calls that they may name.

The calls that rules speak of are such as neither Python nor a runtime makes on its own way into the container.
"""

from __future__ import annotations

import errno
import subprocess
from typing import Any

from ocivalidate.runtime.case_context import CaseContext
from ocivalidate.runtime.inside import PROBE_SOURCE
from ocivalidate.runtime.kernel import interpreter
from ocivalidate.runtime.kernel.kernelnames import HARMLESS_CALLS

# An errno with which none of the calls here ever fails by itself.
MARK = errno.ENOANO
MARKED = "ENOANO"
CALLS = HARMLESS_CALLS


def number(trial: CaseContext, name: str) -> str:
    """The number of a system call on this machine, as text for the probe's step ``syscall``.

    ``name`` is one of ``CALLS``; raises :class:`KeyError` for any other.
    """
    return str(CALLS[name][trial.host.machine != "x86_64"])


def with_filter(config: dict[str, Any], *rules: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Give a config a filter that allows all but what ``rules`` say, and return the same config.

    ``rules`` are entries of ``linux.seccomp.syscalls``, as :func:`rule` makes them; ``members`` are other members of
    ``linux.seccomp``, which replace ours.
    """
    config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": list(rules), **members}
    return config


def rule(action: str, *names: str, **members: Any) -> dict[str, Any]:
    """An entry of ``linux.seccomp.syscalls``: ``action`` (``SCMP_ACT_…``) for the calls with these names.

    ``members`` are its others: ``errnoRet``, ``args``.
    """
    return {"names": list(names), "action": action, **members}


def failing(name: str = "getitimer", **members: Any) -> dict[str, Any]:
    """An entry of ``linux.seccomp.syscalls`` by which a call fails: with EPERM, or the number in ``errnoRet``."""
    return rule("SCMP_ACT_ERRNO", name, **members)


def has_32_bit_calls() -> bool:
    """Whether this kernel has the calls of 32-bit x86 beside those of 64 bits.

    There 6 is close, which fails with EBADF for the descriptor -1; by 64 bits it would fail otherwise.
    """
    program = interpreter.bare(str(PROBE_SOURCE), "int80", "6", "-1")
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=60)
    return f'"value":{int(errno.EBADF)}' in done.stdout
