"""Whether the processor of this host can run a guest, which is tried with a guest of a few instructions."""

from __future__ import annotations

import os
import stat
import subprocess
import tempfile

_DEVICE = "/dev/kvm"
_SIZE = 0x10000
_START = 0xFFF0  # where the processor begins, from the end of the memory that it has
_PORT, _WORD = 0xF4, 0x21
# mov al, _WORD; out _PORT, al; hlt
_PROGRAM = bytes((0xB0, _WORD, 0xE6, _PORT, 0xF4))
_CODE = _WORD << 1 | 1  # with which QEMU ends
_PATIENCE = 5.0


def group() -> list[int]:
    """The group that may use the device, if that is what it takes."""
    try:
        found = os.stat(_DEVICE)
    except OSError:
        return []
    return [found.st_gid] if found.st_gid and found.st_mode & (stat.S_IRGRP | stat.S_IWGRP) else []


def works(qemu: str) -> bool:
    """Whether QEMU runs a program by the processor itself here."""
    if not os.access(_DEVICE, os.R_OK | os.W_OK):
        return False
    with tempfile.NamedTemporaryFile() as file:
        file.write(_PROGRAM.rjust(_START + len(_PROGRAM), b"\xf4").ljust(_SIZE, b"\xf4"))
        file.flush()
        words = [qemu, "-nodefaults", "-no-user-config", "-display", "none", "-m", "16M", "-bios", file.name]
        words += ["-machine", "pc,accel=kvm", "-cpu", "max", "-device", f"isa-debug-exit,iobase={_PORT},iosize=1"]
        quiet = subprocess.DEVNULL
        try:
            done = subprocess.run(words, stdin=quiet, stdout=quiet, stderr=quiet, timeout=_PATIENCE, check=False)
        except (OSError, subprocess.SubprocessError):
            return False
    return done.returncode == _CODE
