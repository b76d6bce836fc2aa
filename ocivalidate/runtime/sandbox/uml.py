"""User-mode Linux: the command line of a guest. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ocivalidate.runtime.sandbox.kernels import Kernel
from ocivalidate.runtime.sandbox.wanted import Sandbox

EVENTS, CONTROL = "/dev/ttyS0", "/dev/ttyS1"
"""The lines of the guest: events go out on the first and a word to stop comes in; the second tells how it goes."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Descriptors of the host that are the guest's lines: to read the word to stop, to write events and control."""

    stop: int
    events: int
    control: int


@dataclass(frozen=True, slots=True)
class Init:
    """The first program of a guest, with its arguments, none of which has a space; and variables that it needs."""

    words: Sequence[str]
    variables: Mapping[str, str] = field(default_factory=dict)


def command(kernel: Kernel, sandbox: Sandbox, lines: Lines, folder: str, init: Init) -> list[str]:
    """The command line that boots the guest.

    ``folder``: where it may keep files of its own. What the kernel says goes to standard output. A panic ends it.
    """
    words = [
        kernel.path,
        f"mem={sandbox.memory >> 20}M",
        *([f"ncpus={sandbox.cpus}"] if (sandbox.cpus or 1) > 1 else []),
        *(["seccomp=on"] if kernel.seccomp else []),
        "root=/dev/root",
        "rootfstype=hostfs",
        "rootflags=/",
        "ro",
        "loglevel=4",
        "panic=-1",
        "oops=panic",
        "con=null",
        "con0=null,fd:1",
        "ssl=null",
        f"ssl0=fd:{lines.stop},fd:{lines.events}",
        f"ssl1=null,fd:{lines.control}",
        f"uml_dir={folder}",
        "umid=guest",
        # What the kernel does not know it hands to its first program.
        *(f"{name}={value}" for name, value in init.variables.items()),
        f"init={init.words[0]}",
    ]
    return [*words, "--", *init.words[1:]]


def variables(given: Mapping[str, str]) -> dict[str, str]:
    """The environment of the kernel itself."""
    return {name: given[name] for name in ("PATH", "TMPDIR") if name in given}
