"""User-mode Linux: the command line of a guest."""

from __future__ import annotations

import os

from ocivalidate.runtime.sandbox.booting import Boot, Ends, Lines
from ocivalidate.runtime.sandbox.kernels import Kernel

EVENTS, CONTROL = "/dev/ttyS0", "/dev/ttyS1"
"""The lines of the guest: events go out on the first and a word to stop comes in; the second tells how it goes."""
DISKS = ("/dev/ubda", "/dev/ubdb")
"""Its block devices."""


def lines() -> tuple[Ends, Lines]:
    """New lines: our ends, and those of the guest."""
    stop, tell_stop = os.pipe()
    events, tell_events = os.pipe()
    control, tell_control = os.pipe()
    return Ends(tell_stop, events, control), Lines(stop, tell_events, tell_control)


def prepare(boot: Boot) -> None:
    """It needs no file but its kernel."""


def accelerated(kernel: Kernel) -> bool:
    """Whether calls of the guest can be trapped by seccomp(2)."""
    return kernel.seccomp


def command(boot: Boot, lines: Lines, *, fast: bool) -> list[str]:
    """The command line that boots the guest. What the kernel says goes to standard output. A panic ends it."""
    cpus = boot.sandbox.cpus or 1
    words = [
        boot.kernel.path,
        f"mem={boot.sandbox.memory >> 20}M",
        *([f"ncpus={cpus}"] if cpus > 1 else []),
        *(["seccomp=on"] if fast else []),
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
        *(f"ubd{number}={disk}" for number, disk in enumerate(boot.disks)),
        f"uml_dir={boot.own}",
        "umid=guest",
        # What the kernel does not know it hands to its first program.
        *(f"{name}={value}" for name, value in boot.init.variables.items()),
        f"init={boot.init.words[0]}",
    ]
    return [*words, "--", *boot.init.words[1:]]
