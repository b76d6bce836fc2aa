"""Finding out what a path is: a layout folder, an archive, or something around an archive."""

from __future__ import annotations

import os
import stat
import sys
import tarfile
import tempfile
from io import BufferedReader
from typing import NamedTuple, Protocol

from ocivalidate import portable
from ocivalidate.image.limits import Limits
from ocivalidate.image.sources import (
    FILE,
    FOLDER,
    LINK,
    OTHER,
    ArchiveIndex,
    ArchiveSource,
    Entry,
    FolderSource,
    Source,
    Unreadable,
)

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_CHUNK = 1 << 20
# No tar archive of an image begins with one of these: its first entry would have a name that layouts do not have.
_JSON_STARTS = (b"{", b"[")
_LARGEST_WINDOW = 128 << 20
# tarfile reads the extended headers of an archive whole; none of an image archive is as long as this.
_LONGEST_HEADER = 16 << 20


class Readable(Protocol):
    """What bytes can be read from."""

    def read(self, size: int, /) -> bytes:
        """Read at most ``size`` bytes; none at the end."""


class LooseDocument(NamedTuple):
    """A JSON document that stands alone: an index, a manifest, a config, a descriptor."""

    name: str
    data: bytes


def open_source(name: str, limits: Limits, *, follow_links: bool = False) -> Source | LooseDocument:
    """Open an image: a folder, a file or ``-``.

    ``follow_links``: links in a folder may lead anywhere. Raises :class:`Unreadable`.
    """
    if name != "-" and os.path.isdir(name):
        return FolderSource(name, follow_links=follow_links)
    descriptor = os.dup(sys.stdin.fileno()) if name == "-" else _open_file(name)
    with os.fdopen(descriptor, "rb") as stream:
        head = _head(stream)
        if head[:1] in _JSON_STARTS:
            return LooseDocument(name, _whole_document(stream, limits))
        plain = _plain(stream, head, limits)
    try:
        return ArchiveSource(name, plain, _index(plain))
    except BaseException:
        os.close(plain)
        raise


def _head(stream: BufferedReader) -> bytes:
    """The first bytes, white space left out where it is that of a JSON text."""
    if stream.seekable():
        stream.seek(0)
    return stream.peek(512)[:512].lstrip(b" \t\r\n")


def _whole_document(stream: BufferedReader, limits: Limits) -> bytes:
    data = stream.read(limits.document + 1)
    if len(data) > limits.document:
        raise Unreadable(f"more than {limits.document} bytes (--max-size)")
    return data


def _open_file(name: str) -> int:
    try:
        descriptor = os.open(name, portable.READ)
    except (OSError, ValueError) as error:
        text = getattr(error, "strerror", None) or str(error)
        raise Unreadable(text[:1].lower() + text[1:]) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Unreadable("neither a folder nor a file")
    return descriptor


def _plain(stream: BufferedReader, head: bytes, limits: Limits) -> int:
    """A descriptor of the uncompressed archive that can be read at any place."""
    compressed = head.startswith((GZIP_MAGIC, ZSTD_MAGIC))
    if stat.S_ISREG(os.fstat(stream.fileno()).st_mode) and not compressed:
        return os.dup(stream.fileno())
    return _spool(_inflated(stream, head), limits)


def _inflated(stream: BufferedReader, head: bytes) -> Readable:
    """The stream without the compression around it. What is around an archive is not part of the image."""
    if head.startswith(GZIP_MAGIC):
        import gzip

        return gzip.open(stream)
    if head.startswith(ZSTD_MAGIC):
        import zstandard

        reader = zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW)
        return reader.stream_reader(stream, read_across_frames=True)
    return stream


def _spool(stream: Readable, limits: Limits) -> int:
    """Copy the archive into a file that has no name. Raises :class:`Unreadable` when it is broken or too large."""
    with tempfile.TemporaryFile(prefix="ocivalidate-") as spool:
        written = 0
        while chunk := _read(stream):
            written += len(chunk)
            if written > limits.archive:
                raise Unreadable(f"more than {limits.archive} bytes once it is decompressed (--max-archive)")
            spool.write(chunk)
        spool.flush()
        return os.dup(spool.fileno())


def _read(stream: Readable) -> bytes:
    try:
        return stream.read(_CHUNK)
    except Exception as error:  # zlib.error, EOFError, ZstdError, OSError: each library has its own
        raise Unreadable(f"the archive cannot be decompressed: {str(error).lower()}") from error


class _HeaderReader:
    """What tarfile reads from: an archive of which no more than a header is read at once."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._position = 0

    def read(self, size: int) -> bytes:
        if size > _LONGEST_HEADER:
            raise tarfile.ReadError("a header is longer than any header should be")
        data = portable.read_at(self._descriptor, size, self._position)
        self._position += len(data)
        return data

    def tell(self) -> int:
        return self._position

    def seek(self, position: int, whence: int = 0) -> int:
        if whence != os.SEEK_SET:
            raise tarfile.ReadError("the archive is not read from its start")
        self._position = position
        return position


def _index(descriptor: int) -> ArchiveIndex:
    size = os.fstat(descriptor).st_size
    index = ArchiveIndex()
    try:
        with tarfile.TarFile(fileobj=_HeaderReader(descriptor), mode="r") as archive:  # type: ignore[arg-type]  # all that it uses
            for member in archive:
                _add(index, member, size)
                archive.members = []  # type: ignore[attr-defined]  # it would remember them all
    except (tarfile.TarError, OSError, ValueError, OverflowError, EOFError) as error:
        raise Unreadable(f"not a tar archive of an image: {error}") from error
    _resolve_links(index)
    return index


def normal_path(name: str) -> str | None:
    """A path of an archive as the layout knows it, without ``./`` and doubled slashes.

    ``None`` when it leads out of the layout.
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return None if ".." in parts else "/".join(parts)


def _add(index: ArchiveIndex, member: tarfile.TarInfo, size: int) -> None:
    path = normal_path(member.name)
    if not path:
        return
    if path in index.entries and not member.isdir():
        index.repeated.append(path)
    if member.isdir():
        index.entries[path] = Entry(FOLDER)
    elif member.issparse():
        index.entries[path] = Entry(OTHER, what="a sparse file")
    elif member.isreg():
        if member.offset_data + member.size > size:
            raise Unreadable(f"the archive ends inside {path}")
        index.entries[path] = Entry(FILE, member.size, member.offset_data)
    elif member.islnk() or member.issym():
        target = member.linkname if member.islnk() else f"{os.path.dirname(path)}/{member.linkname}"
        index.links[path] = os.path.normpath(target)
        index.entries[path] = Entry(OTHER, what="a link that leads nowhere")
    else:
        index.entries[path] = Entry(OTHER, what="a FIFO" if member.isfifo() else "a device")


def _resolve_links(index: ArchiveIndex) -> None:
    """``docker save`` writes a layer that two images share once, and links to it."""
    for path, link in index.links.items():
        seen, target = {path}, link
        while target in index.links and target not in seen:
            seen.add(target)
            target = index.links[target]
        found = index.entries.get(target)
        if found is not None and found.kind == FILE:
            index.entries[path] = found._replace(kind=LINK)
