"""The machines that there are, each a module of its own."""

from __future__ import annotations

from typing import Protocol

from ocivalidate.runtime.sandbox import images, kernels, qemu, uml
from ocivalidate.runtime.sandbox.booting import Boot, Ends, Lines
from ocivalidate.runtime.sandbox.kernels import Kernel
from ocivalidate.runtime.sandbox.wanted import Sandbox


class Machine(Protocol):
    """How a guest is booted, and what it has."""

    EVENTS: str
    CONTROL: str
    DISKS: tuple[str, str]

    def lines(self) -> tuple[Ends, Lines]:
        """New lines: our ends, and those of the guest."""

    def prepare(self, boot: Boot) -> None:
        """Write what it is booted with into its folder. Raises :class:`OSError`."""

    def accelerated(self, kernel: Kernel) -> bool:
        """Whether it can do what makes it fast, for the user who asks."""

    def command(self, boot: Boot, lines: Lines, *, fast: bool) -> list[str]:
        """The command line that boots the guest."""


_MACHINES: dict[str, Machine] = {"uml": uml, "qemu": qemu}
_FINDING = {"uml": kernels.find, "qemu": images.find}


def of(kind: str) -> Machine:
    """The machine of this kind."""
    return _MACHINES[kind]


def find(sandbox: Sandbox) -> Kernel:
    """The kernel to boot: the one that is named, else the newest found. Raises :class:`CannotJudge`."""
    return _FINDING[sandbox.kind](sandbox)
