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
    """The number of a system call on this machine."""
    return str(CALLS[name][trial.host.machine != "x86_64"])


def with_filter(config: dict[str, Any], *rules: dict[str, Any], **members: Any) -> dict[str, Any]:
    """A config with a filter that allows all but what ``rules`` say."""
    config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": list(rules), **members}
    return config


def rule(action: str, *names: str, **members: Any) -> dict[str, Any]:
    """A rule on some calls."""
    return {"names": list(names), "action": action, **members}


def failing(name: str = "getitimer", **members: Any) -> dict[str, Any]:
    """A rule by which a call fails."""
    return rule("SCMP_ACT_ERRNO", name, **members)


def has_32_bit_calls() -> bool:
    """Whether 6 is close on the other door to the kernel, as on 32-bit x86: what it is by 64 bits fails otherwise."""
    program = interpreter.bare(str(PROBE_SOURCE), "int80", "6", "-1")
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=60)
    return f'"value":{int(errno.EBADF)}' in done.stdout
