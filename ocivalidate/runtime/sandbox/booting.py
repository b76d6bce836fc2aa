"""What a guest is booted with, whatever machine it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ocivalidate.runtime.sandbox.kernels import Kernel
from ocivalidate.runtime.sandbox.wanted import Sandbox


@dataclass(frozen=True, slots=True)
class Lines:
    """Descriptors of the host that are the guest's lines: to read the word to stop, to write events and control."""

    stop: int
    events: int
    control: int


@dataclass(frozen=True, slots=True)
class Ends:
    """Our ends of the lines: to write the word to stop, to read events and control."""

    stop: int
    events: int
    control: int


@dataclass(frozen=True, slots=True)
class Init:
    """The first program of a guest, with its arguments, none of which has a space; and variables that it needs."""

    words: Sequence[str]
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Boot:
    """A guest to boot.

    ``folder``: what its kernel may read. ``own``: where it may keep files. ``disks``: files that are its block devices.
    """

    kernel: Kernel
    sandbox: Sandbox
    init: Init
    folder: str
    own: str
    disks: Sequence[str] = ()
