"""The block devices of a guest: files that take no room before something is written to them."""

from __future__ import annotations

import struct
from pathlib import Path

SIZE = 256 << 20
"""The bytes of each."""
_PAGE = 4096
_MAGIC = b"SWAPSPACE2"
_AT_HEADER = 1024  # behind what a boot loader may have there


def make(folder: Path) -> tuple[str, str]:
    """Make two in a folder, an empty one and one to swap to, and return their paths. Raises :class:`OSError`."""
    empty, swap = folder / "disk", folder / "swap"
    for path in (empty, swap):
        with open(path, "xb") as file:
            file.truncate(SIZE)
    with open(swap, "r+b") as file:
        file.write(swap_header(SIZE))
    return str(empty), str(swap)


def swap_header(size: int) -> bytes:
    """The first page of a place to swap to of so many bytes (mkswap(8))."""
    version, last, bad = 1, size // _PAGE - 1, 0
    head = b"\0" * _AT_HEADER + struct.pack("<III", version, last, bad)
    return head.ljust(_PAGE - len(_MAGIC), b"\0") + _MAGIC
