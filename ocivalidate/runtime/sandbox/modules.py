"""The modules of a kernel: which file each is, and which others it needs. A folder of modules needs no index."""

from __future__ import annotations

import gzip
import lzma
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

_NAME = re.compile(r"([A-Za-z0-9_-]+)\.ko(\.gz|\.xz|\.zst)?$")
_NEEDS = re.compile(rb"\0depends=([A-Za-z0-9_,-]*)\0")
_MOST = 64 << 20  # bytes of one module


@dataclass(frozen=True, slots=True)
class Modules:
    """What a kernel has: ``files`` of modules by name, and the names of those that are part of it (``built_in``)."""

    files: dict[str, str]
    built_in: frozenset[str]

    def has(self, name: str) -> bool:
        """Whether the kernel can do what this module does."""
        return name in self.files or name in self.built_in

    def to_load(self, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """These modules with all that they need, in the order in which they are loaded, and their content.

        What is built in, or does not exist, is left out. Raises :class:`OSError` for one that cannot be read.
        """
        done: set[str] = set()
        for name in names:
            yield from self._one(name, done)

    def _one(self, name: str, done: set[str]) -> Iterator[tuple[str, bytes]]:
        if name in done or name not in self.files:
            return
        done.add(name)
        content = read(self.files[name])
        for needed in needs(content):
            yield from self._one(needed, done)
        yield name, content


def found(folder: str) -> Modules:
    """The modules in a folder such as ``/lib/modules/VERSION``."""
    files = {}
    for at, _, names in os.walk(os.path.join(folder, "kernel")):
        for name in names:
            if match := _NAME.match(name):
                files[_plain(match[1])] = os.path.join(at, name)
    return Modules(files, frozenset(_built_in(os.path.join(folder, "modules.builtin"))))


def _built_in(path: str) -> Iterator[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read(_MOST).splitlines()
    except OSError:
        return
    for line in lines:
        if match := _NAME.match(os.path.basename(line.strip())):
            yield _plain(match[1])


def needs(content: bytes) -> list[str]:
    """The names of the modules that this one needs."""
    match = _NEEDS.search(content)
    return [_plain(name) for name in match[1].decode().split(",") if name] if match else []


def read(path: str) -> bytes:
    """The content of a module, inflated. Raises :class:`OSError`."""
    with open(path, "rb") as file:
        content = file.read(_MOST)
    inflate = _INFLATE.get(os.path.splitext(path)[1])
    if inflate is None:
        return content
    try:
        return inflate(content)
    except Exception as problem:  # each library has errors of its own
        raise OSError(f"{path} cannot be inflated: {problem}") from problem


def _zstd(content: bytes) -> bytes:
    import zstandard

    return zstandard.ZstdDecompressor().decompressobj().decompress(content)


_INFLATE: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.decompress, ".xz": lzma.decompress, ".zst": _zstd}


def _plain(name: str) -> str:
    return name.replace("-", "_")
