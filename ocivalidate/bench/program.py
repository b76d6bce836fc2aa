"""What runs in the containers that are measured: a program so small that its own start takes no time.

With an argument it waits for ever, else it ends at once. Where the machine has no row here, and for a runtime that does
not isolate, the probe does the same.
"""

from __future__ import annotations

import platform
import struct
from pathlib import Path
from typing import NamedTuple

PLACE = "/usr/lib/ocivalidate/nothing"
_ADDRESS, _PAGE = 0x400000, 0x10000
_HEADERS = 64 + 56  # bytes of the two headers of an ELF file


class _Machine(NamedTuple):
    number: int
    code: str


_MACHINES = {
    # cmpl $1,(%rsp); jg 1f; mov $60,%eax; xor %edi,%edi; syscall (exit); 1: mov $34,%eax; syscall (pause); jmp 1b
    "x86_64": _Machine(62, "833c24017f09b83c00000031ff0f05b8220000000f05ebf7"),
    # ldr x0,[sp]; cmp x0,#1; b.gt 1f; mov x0,#0; mov x8,#93; svc #0 (exit);
    # 1: mov x0..x4,#0; mov x8,#73; svc #0 (ppoll); b 1b
    "aarch64": _Machine(
        183,
        "e00340f91f0400f18c000054000080d2a80b80d2010000d4"
        "000080d2010080d2020080d2030080d2040080d2280980d2010000d4f9ffff17",
    ),
}


def put(tree: Path) -> None:
    """Put the program into a root filesystem, if there is one for this machine. Raises :class:`OSError`."""
    content = _elf(platform.machine())
    if content:
        place = tree / PLACE.lstrip("/")
        place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        place.write_bytes(content)
        place.chmod(0o755)


def arguments(*, waits: bool) -> list[str]:
    """The command line, in a container, of a program that waits for ever or ends at once; empty for no such program."""
    if platform.machine() not in _MACHINES:
        return []
    return [PLACE, "wait"] if waits else [PLACE]


def largest() -> int:
    """The size of the largest of these programs, in bytes."""
    return max(len(_elf(machine)) for machine in _MACHINES)


def _elf(machine: str) -> bytes:
    """The file: one segment that holds all of it, readable and executable; empty for a machine without a row."""
    if machine not in _MACHINES:
        return b""
    number, code = _MACHINES[machine]
    size = _HEADERS + len(bytes.fromhex(code))
    ident = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header = struct.pack("<HHIQQQIHHHHHH", 2, number, 1, _ADDRESS + _HEADERS, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _ADDRESS, _ADDRESS, size, size, _PAGE)
    return ident + header + segment + bytes.fromhex(code)
