"""What is mounted, as Linux tells a process: proc_pid_mountinfo(5)."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

MOUNTINFO = "/proc/self/mountinfo"
_OCTAL = re.compile(rb"\\([0-7]{3})")


class Mount(NamedTuple):
    """A mount.

    ``root``: what of its file system is mounted at ``point``. ``options``: those of the file system, ``flags`` those of
    the mount itself, and how it propagates.
    """

    number: str
    device: str
    root: str
    point: str
    kind: str
    source: str
    options: str
    flags: str = ""


def mounts(file: str = MOUNTINFO) -> list[Mount]:
    """The mounts that a process sees, in the order in which they were made. Raises :class:`OSError`."""
    with open(file, "rb") as opened:
        # Names may have anything in them: only what the kernel itself writes parts lines and fields.
        lines = [line.split(b" ") for line in opened.read().split(b"\n")]
    return [_mount(line, line.index(b"-", 6)) for line in lines if b"-" in line[6:]]


def _mount(line: list[bytes], dash: int) -> Mount:
    words = (*line[2:5], *line[dash + 1 : dash + 4], b"", b"")
    number, device, root, point, kind, source, options, flags = map(
        _plain, (line[0], *words[:6], b",".join(line[5:dash]))
    )
    return Mount(number, device, root, point, kind, source, options, flags)


def _plain(word: bytes) -> str:
    if b"\\" in word:
        word = _OCTAL.sub(lambda found: bytes([int(found[1], 8) & 0xFF]), word)
    return os.fsdecode(word)
