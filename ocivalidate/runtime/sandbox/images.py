"""Finding the kernel of a distribution for QEMU, with its modules, and what else a guest of it takes."""

from __future__ import annotations

import lzma
import os
import re
import struct
from collections.abc import Callable, Iterator
from typing import Protocol

from ocivalidate.errors import CannotJudge
from ocivalidate.runtime.kernel import programs
from ocivalidate.runtime.sandbox import modules, showing
from ocivalidate.runtime.sandbox.kernels import Kernel, newest
from ocivalidate.runtime.sandbox.wanted import Sandbox

PROGRAM = "qemu-system-x86_64"
SHELL = "busybox"
BOOT = "/boot"
MODULES = ("/lib/modules", "/usr/lib/modules")
_NEEDED = ("virtio_pci", "virtio_console", "9pnet_virtio", "9p")
_MACHINE = "x86_64"
_WINDOW = 128 << 20  # bytes, the most that a kernel is deflated with

# Of the header of a kernel (Documentation/x86/boot.rst): where what is.
_MAGIC, _AT_MAGIC, _AT_SECTORS, _AT_VERSION, _AT_PAYLOAD = b"HdrS", 0x202, 0x1F1, 0x20E, 0x248
_SECTOR = 512

_NO_QEMU = (
    f"--sandbox qemu needs QEMU ({PROGRAM}), which is not installed: apt install qemu-system-x86 (Debian, Ubuntu)"
)
_NO_SHELL = f"--sandbox qemu needs {SHELL}, which is not installed: apt install busybox-static (Debian, Ubuntu)"
_INSTALL = "apt install linux-image-amd64 (Debian), or give one as kernel=PATH with its modules beside it"


class _Inflater(Protocol):
    @property
    def eof(self) -> bool: ...

    def decompress(self, data: bytes, /) -> bytes: ...


def find(sandbox: Sandbox) -> Kernel:
    """The kernel to boot: the named one, else the newest that has what it takes. Raises :class:`CannotJudge`."""
    if os.uname().machine != _MACHINE:
        raise CannotJudge(f"--sandbox qemu runs on {_MACHINE}, and this host is {os.uname().machine}")
    program = programs.find(PROGRAM)
    if program is None:
        raise CannotJudge(_NO_QEMU)
    if programs.find(SHELL) is None:
        raise CannotJudge(_NO_SHELL)
    if sandbox.kernel:
        return _usable(os.path.abspath(sandbox.kernel), program)
    problems, good = [], []
    for path in _installed():
        try:
            good.append(_usable(path, program))
        except CannotJudge as problem:
            problems.append(problem)
    if good:
        return newest(good)
    if problems:
        raise problems[-1]
    raise CannotJudge(f"--sandbox qemu needs a kernel, and there is none in {BOOT}: {_INSTALL}")


def _installed() -> list[str]:
    try:
        names = os.listdir(BOOT)
    except OSError:
        return []
    return [os.path.join(BOOT, name) for name in sorted(names) if re.match(r"vmlinu[xz]-", name)]


def _usable(path: str, program: str) -> Kernel:
    """This kernel. Raises :class:`CannotJudge` if it cannot be booted."""
    try:
        with open(path, "rb") as file:
            version = version_of(file.read(1 << 16))
    except FileNotFoundError:
        raise CannotJudge(f"--sandbox: there is no kernel {path}; {_INSTALL}") from None
    except OSError as problem:
        why = f"--sandbox: the kernel {path} cannot be read ({problem.strerror})"
        raise CannotJudge(f"{why}; give a copy that you may read as kernel=PATH, or run this as root") from problem
    if not version:
        raise CannotJudge(f"--sandbox: {path} is no Linux for {_MACHINE} as distributions have it (vmlinuz)")
    folder = next(iter(_folders(path, version)), "")
    if not folder:
        raise CannotJudge(f"--sandbox: the modules of the kernel {path} ({version}) are not there; {_INSTALL}")
    found = modules.found(folder)
    lacking = [name for name in _NEEDED if not found.has(name)]
    if lacking:
        why = f"--sandbox: the kernel {path} lacks {', '.join(lacking)}, by which it would see the host's files"
        raise CannotJudge(f"{why}: apt install linux-image-amd64 (Debian; the cloud kernel has them not)")
    return Kernel(path, version, modules=folder, program=program)


def _folders(path: str, version: str) -> Iterator[str]:
    """Where the modules of a kernel are: in the usual place, beside an unpacked one, or in its own folder."""
    above = os.path.dirname(os.path.dirname(path))
    places = [os.path.join(above, *part) for part in (("lib", "modules"), ("usr", "lib", "modules"))]
    for place in (*places, *MODULES):
        if os.path.isdir(os.path.join(place, version, "kernel")):
            yield os.path.join(place, version)


def version_of(head: bytes) -> str:
    """The version that a kernel says it has in its first bytes; ``""`` if this is none."""
    if len(head) < _AT_PAYLOAD + 8 or head[_AT_MAGIC : _AT_MAGIC + 4] != _MAGIC:
        return ""
    at = struct.unpack_from("<H", head, _AT_VERSION)[0] + _SECTOR
    words = head[at : at + 256].split(b"\0")[0].decode(errors="replace").split()
    return words[0] if words and re.match(r"[0-9]+\.[0-9]+", words[0]) else ""


def inflated(kernel: bytes) -> bytes:
    """A kernel that need not inflate itself, which takes seconds where it is emulated; itself if we cannot do it."""
    start = (kernel[_AT_SECTORS] + 1) * _SECTOR
    offset, size = struct.unpack_from("<II", kernel, _AT_PAYLOAD)
    payload = kernel[start + offset : start + offset + size]
    inflater = next((made() for magic, made in _FORMATS.items() if payload.startswith(magic)), None)
    if inflater is None:
        return kernel
    try:
        done = inflater.decompress(payload)
    except Exception:  # noqa: BLE001  # each library has errors of its own; the kernel can do it itself
        return kernel
    return done if inflater.eof and done.startswith(b"\x7fELF") else kernel


def _xz() -> _Inflater:
    return lzma.LZMADecompressor()


def _gzip() -> _Inflater:
    import zlib

    return zlib.decompressobj(wbits=31)


def _zstd() -> _Inflater:
    import zstandard

    return zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj()


_FORMATS: dict[bytes, Callable[[], _Inflater]] = {
    b"\xfd7zXZ\0": _xz,
    b"\x1f\x8b": _gzip,
    b"\x28\xb5\x2f\xfd": _zstd,
}


def shell() -> tuple[bytes, dict[str, bytes]]:
    """The shell of the first files, and the libraries that it needs. Raises :class:`OSError`."""
    path = programs.command(SHELL)[0]
    with open(path, "rb") as file:
        content = file.read()
    return content, {library: _content(library) for library in showing.libraries(path)}


def _content(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()
