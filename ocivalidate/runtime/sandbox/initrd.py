"""The first files of a guest: modules, a shell, and a script that mounts the host's files and goes there. Pure.

A kernel of a distribution has what leads to the host's files as modules, so that it needs some files before. They are
an archive in the form of cpio(5), "newc", which the kernel unpacks into its memory.
"""

from __future__ import annotations

import shlex
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

TAG = "host"
"""The name by which the guest mounts the host's files."""
_SHELL = "/bin/busybox"
_NEW = "/host"
# Nobody writes: what was read once is kept. One user of the host reads for all in the guest.
_HOW = "ro,trans=virtio,version=9p2000.L,cache=loose,access=any,msize=512000"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, folder or device: ``mode`` as in ``st_mode``, ``numbers`` are those of a device."""

    path: str
    mode: int
    content: bytes = b""
    numbers: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class First:
    """What the first files do: load modules, and start a program with the host's files as its root.

    ``shell``: busybox, with the libraries that it needs, by their paths. ``modules``: in the order in which they are
    loaded. ``words``: the program, with its arguments. ``variables``: what it has in its environment.
    """

    shell: bytes
    libraries: Mapping[str, bytes]
    modules: Sequence[tuple[str, bytes]]
    words: Sequence[str]
    variables: Mapping[str, str] = field(default_factory=dict)


def archive(first: First) -> bytes:
    """The archive."""
    files = [Entry("/dev/console", stat.S_IFCHR | 0o600, numbers=(5, 1))]
    files += [Entry(_SHELL, stat.S_IFREG | 0o755, first.shell)]
    files += [Entry(path, stat.S_IFREG | 0o755, content) for path, content in first.libraries.items()]
    files += [Entry(f"/modules/{name}.ko", stat.S_IFREG | 0o644, content) for name, content in first.modules]
    files += [Entry("/init", stat.S_IFREG | 0o755, script(first).encode())]
    folders = {path for file in files for path in _above(file.path)} | {_NEW}
    return cpio([*(Entry(path, stat.S_IFDIR | 0o755) for path in sorted(folders)), *files])


def script(first: First) -> str:
    """The first program of the guest. Where a step fails it ends, and the kernel panics and says so."""
    shell = _SHELL
    lines = [
        f"#!{shell} sh",
        f'die() {{ echo "the guest cannot start: $1"; exec {shell} poweroff -f; }}',
        # One that cannot be loaded may be one that nothing needs here; the mount below tells.
        *(f"{shell} insmod /modules/{name}.ko" for name, _ in first.modules),
        f"{shell} mount -t 9p -o {_HOW} {TAG} {_NEW} || die 'its kernel cannot mount the files of the host by 9p'",
        f"{shell} mount -t devtmpfs dev {_NEW}/dev || die 'its kernel has no devtmpfs'",
        *(f"export {name}={shlex.quote(value)}" for name, value in first.variables.items()),
        f"exec {shell} switch_root {_NEW} {shlex.join(first.words)}",
    ]
    return "".join(f"{line}\n" for line in lines)


def cpio(entries: Iterable[Entry]) -> bytes:
    """An archive of these entries, in their order."""
    parts = [_member(number, entry) for number, entry in enumerate(entries, start=1)]
    return b"".join((*parts, _member(0, Entry("/TRAILER!!!", 0))))


def _member(number: int, entry: Entry) -> bytes:
    name = entry.path.removeprefix("/").encode() + b"\0"
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    # ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
    numbers = (number, entry.mode, 0, 0, links, 0, len(entry.content), 0, 0, *entry.numbers, len(name), 0)
    head = b"070701" + b"".join(b"%08x" % value for value in numbers) + name
    return _padded(head) + _padded(entry.content)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def _above(path: str) -> list[str]:
    parts = path.split("/")[1:-1]
    return ["/" + "/".join(parts[: count + 1]) for count in range(len(parts))]
