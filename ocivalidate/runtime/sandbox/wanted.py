"""What ``--sandbox`` asks for: ``uml|qemu[,cgroup=v1|v2|hybrid][,memory=1G][,cpus=2][,kernel=PATH]``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ocivalidate.errors import OptionError

KINDS = ("uml", "qemu")
"""The machines that there are."""
CGROUPS = ("v2", "v1", "hybrid")
_MIB = 1 << 20
LEAST_MEMORY = {"uml": 32 * _MIB, "qemu": 256 * _MIB}
"""The least memory of a guest, in bytes. With less, the kernel of a distribution ends before it can say why."""
MOST_MEMORY = 64 * 1024 * _MIB
"""The most memory of a guest, in bytes."""
MOST_CPUS = 64
_UNITS = {"M": _MIB, "G": 1024 * _MIB}
_MEMBERS = ("cgroup", "memory", "cpus", "kernel")


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A machine to judge in.

    ``cgroup``: which version of control groups it has. ``memory``: in bytes. ``cpus``: its processors, ``None`` for as
    many as its kernel has without being asked. ``kernel``: the program or image to boot, ``""`` for the newest found.
    """

    kind: str
    cgroup: str = "v2"
    memory: int = 1024 * _MIB
    cpus: int | None = None
    kernel: str = ""


def parse(text: str) -> Sandbox:
    """What the text asks for. Raises :class:`OptionError`."""
    kind, *rest = text.split(",")
    if kind not in KINDS:
        raise OptionError(f"--sandbox: unknown sandbox {_quoted(kind)}; known are {', '.join(KINDS)}")
    given: dict[str, str] = {}
    for entry in rest:
        name, equals, value = entry.partition("=")
        if name not in _MEMBERS:
            raise OptionError(f"--sandbox: unknown setting {_quoted(name)}; known are {', '.join(_MEMBERS)}")
        if not equals or not value:
            raise OptionError(f"--sandbox: {name} needs a value behind {name}=")
        if name in given:
            raise OptionError(f"--sandbox: {name} is given twice")
        given[name] = value
    return Sandbox(
        kind,
        cgroup=_one_of(given.get("cgroup", "v2")),
        memory=_memory(kind, given["memory"]) if "memory" in given else 1024 * _MIB,
        cpus=_cpus(given["cpus"]) if "cpus" in given else None,
        kernel=given.get("kernel", ""),
    )


def shown(memory: int) -> str:
    """An amount of memory in the words of the option."""
    unit = "G" if memory % _UNITS["G"] == 0 else "M"
    return f"{memory // _UNITS[unit]}{unit}"


def _one_of(value: str) -> str:
    if value not in CGROUPS:
        raise OptionError(f"--sandbox: cgroup={_quoted(value)} is none of {', '.join(CGROUPS)}")
    return value


def _memory(kind: str, value: str) -> int:
    match = re.fullmatch(r"([0-9]{1,9})([MG])", value)
    bytes_ = int(match[1]) * _UNITS[match[2]] if match else 0
    if not LEAST_MEMORY[kind] <= bytes_ <= MOST_MEMORY:
        least, most = shown(LEAST_MEMORY[kind]), shown(MOST_MEMORY)
        raise OptionError(f"--sandbox: memory={_quoted(value)} is no amount from {least} to {most}, such as 512M or 2G")
    return bytes_


def _cpus(value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", value) or not 1 <= int(value) <= MOST_CPUS:
        raise OptionError(f"--sandbox: cpus={_quoted(value)} is no number from 1 to {MOST_CPUS}")
    return int(value)


def _quoted(text: str) -> str:
    return text or '""'
