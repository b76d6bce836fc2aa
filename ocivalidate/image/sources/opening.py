"""Detects what a path or a stream is: a layout folder, an archive, or a compressed archive."""

from __future__ import annotations

import io
import os
import re
import stat
import sys
import tempfile
from typing import TYPE_CHECKING, NoReturn, Protocol

from ocivalidate import meanings
from ocivalidate.errors import NotMeant, TooLarge, Unreadable
from ocivalidate.image.layers.limits import DEFAULT, LayerLimits
from ocivalidate.image.layers.problems import Kind
from ocivalidate.image.limits import Limits
from ocivalidate.image.sources.archives import ArchiveSource, read_index
from ocivalidate.image.sources.source import FolderSource, LooseDocument, Source, Stream
from ocivalidate.registry.options import RegistryOptions
from ocivalidate.system import portable
from ocivalidate.system.reasons import reason

if TYPE_CHECKING:
    from ocivalidate.image.layers.zstd_stream import ZstdStream

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_CHUNK, _BUFFER, _HEAD = 1 << 20, 1 << 16, 512
# No tar archive of an image begins like this: its first entry would have a name that no layout has. A byte order mark
# is a fault in the document.
_JSON_START = re.compile(rb"(?:\xef\xbb\xbf[ \t\r\n]*|(?:\xff\xfe|\xfe\xff)[\0 \t\r\n]*)?[{\[]")


class Readable(Protocol):
    """Something to read bytes from."""

    def read(self, size: int, /) -> bytes:
        """Read at most ``size`` bytes; none at the end."""


class LooseSource(Source):
    """A standalone document, with no other file at any path."""

    form = "document"

    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        self.alone = LooseDocument(name, data)

    def entry(self, _path: str) -> None:
        """Nothing."""

    def children(self, _path: str) -> list[str]:
        """None."""
        return []

    def open(self, path: str) -> NoReturn:
        """Raises :class:`Unreadable`."""
        raise Unreadable(f"{path}: not available beside a standalone document")


def open_source(
    name: str,
    limits: Limits,
    layer_limits: LayerLimits = DEFAULT,
    *,
    follow_links: bool = False,
    registry: RegistryOptions | None = None,
) -> Source:
    """Open an image: a folder, a file, ``-``, or a name of skopeo's; one that is only a document has it as ``alone``.

    ``layer_limits`` apply to the entries of an archive as to those of a layer. ``follow_links``: links in a folder may
    lead anywhere. ``registry``: how registries are reached. Raises :class:`Unreadable`.
    """
    prefix, rest = meanings.transport(name)
    if prefix == "docker://":
        from ocivalidate.image.sources.remote import open_remote

        return open_remote(name, registry or RegistryOptions(), limits.document)
    if prefix == "dir:":
        from ocivalidate.image.sources.directory import DirectorySource

        return DirectorySource(rest, limits.document, follow_links=follow_links)
    path, ref = _path_and_ref(rest) if prefix else (name, "")
    found = _open_path(path, limits, layer_limits, follow_links=follow_links)
    if ref:
        found.asked = (ref,)
    return found


def _path_and_ref(text: str) -> tuple[str, str]:
    """What stands behind ``oci:`` and its like: a path, and maybe the name of an image in it."""
    if os.path.exists(text):
        return text, ""
    drive, rest = os.path.splitdrive(text)
    path, _, ref = rest.partition(":")
    return drive + path, ref


def _open_path(name: str, limits: Limits, layer_limits: LayerLimits, *, follow_links: bool) -> Source:
    if name != "-" and os.path.isdir(name):
        return FolderSource(name, follow_links=follow_links)
    file = _open_file(name)
    return _open(name, file, limits, layer_limits, file)


def open_stream(name: str, stream: Stream, limits: Limits, layer_limits: LayerLimits = DEFAULT) -> Source:
    """Open an image that comes in a stream, as from a network; it is read to its end, and closed.

    Parameters and errors as for :func:`open_source`.
    """
    return _open(name, stream, limits, layer_limits)


def _open(
    name: str, stream: Stream, limits: Limits, layer_limits: LayerLimits, file: io.FileIO | None = None
) -> Source:
    """Open the content of a stream. ``file``: the same as a local file, if it is one."""
    with _Filled.buffered(stream) as bytes_:
        head = _head(bytes_)
        if _JSON_START.match(head):
            return LooseSource(name, _whole_document(bytes_, limits))
        foreign = meanings.foreign(head)
        if foreign:
            raise NotMeant(foreign)
        if file is not None and _is_in_place(file, head):
            plain, path = os.dup(file.fileno()), "" if name == "-" else name
        else:
            plain, path = _spool(_inflated(bytes_, head, layer_limits.window), limits), ""
    try:
        return ArchiveSource(name, plain, read_index(plain, layer_limits), path)
    except BaseException:
        os.close(plain)
        raise


def open_document(name: str, limits: Limits) -> Source:
    """Read a file or ``-`` as a document, whatever its content. Raises :class:`Unreadable`."""
    if name != "-" and os.path.isdir(name):
        raise Unreadable("a directory, but --kind needs a document")
    with _Filled.buffered(_open_file(name)) as stream:
        return LooseSource(name, _whole_document(stream, limits))


class _Filled(io.RawIOBase):
    """A stream whose reads are short only at its end: a pipe may split the first bytes, which detection needs."""

    def __init__(self, stream: Stream) -> None:
        super().__init__()
        self._stream = stream

    @classmethod
    def buffered(cls, stream: Stream) -> io.BufferedReader:
        """Add a buffer; the caller closes it."""
        return io.BufferedReader(cls(stream), _BUFFER)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # any writable buffer will do
        filled, view = 0, memoryview(buffer)
        while filled < len(view) and (count := self._stream.readinto(view[filled:])):
            filled += count
        return filled

    def seekable(self) -> bool:
        return self._stream.seekable()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


def _head(stream: io.BufferedReader) -> bytes:
    """The first bytes, without leading white space of a JSON text."""
    try:
        # An inherited file may not be at its start.
        if stream.seekable():
            stream.seek(0)
        return stream.peek(_HEAD)[:_HEAD].lstrip(b" \t\r\n")
    except OSError as error:
        raise Unreadable(_cannot_be_read(error)) from error


def _cannot_be_read(error: OSError) -> str:
    return f"it cannot be read: {reason(error)}"


def _whole_document(stream: io.BufferedReader, limits: Limits) -> bytes:
    try:
        data = stream.read(limits.document + 1)
    except OSError as error:
        raise Unreadable(_cannot_be_read(error)) from error
    if len(data) > limits.document:
        raise TooLarge(f"more than {limits.document} bytes (--max-size)")
    return data


def _open_file(name: str) -> io.FileIO:
    """Open a file, or standard input for ``-``. Raises :class:`Unreadable`."""
    if name == "-":
        if sys.stdin is None:
            raise Unreadable("standard input is closed")
        return io.FileIO(os.dup(sys.stdin.fileno()))
    try:
        descriptor = os.open(name, portable.READ)
    except (OSError, ValueError) as error:
        meant = _meant(name) if isinstance(error, (FileNotFoundError, NotADirectoryError)) else ""
        raise Unreadable(meant or reason(error)) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Unreadable("neither a directory nor a file")
    return io.FileIO(descriptor)


def _meant(name: str) -> str:
    """One line on a path that is not there, if it is the name of an image as other tools write it."""
    from ocivalidate.registry.names import meant_image

    registry = meant_image(name)
    line = f"no such file or directory; for the image in a registry write {registry}" if registry else ""
    return meanings.of_address(name) or line


def _is_in_place(file: io.FileIO, head: bytes) -> bool:
    """Whether the archive can be read in place: a regular file, and uncompressed."""
    return stat.S_ISREG(os.fstat(file.fileno()).st_mode) and not head.startswith((GZIP_MAGIC, ZSTD_MAGIC))


def _inflated(stream: io.BufferedReader, head: bytes, window: int) -> Readable:
    """The decompressed stream. The compression around an archive is not part of the image."""
    if head.startswith(GZIP_MAGIC):
        import gzip

        return gzip.open(stream)
    if head.startswith(ZSTD_MAGIC):
        from ocivalidate.image.layers.zstd_stream import ZstdStream

        return _Whole(ZstdStream(lambda: stream.read(_CHUNK), window))
    return stream


class _Whole:
    """A zstd stream that must be complete: the library accepts an incomplete last frame."""

    def __init__(self, stream: ZstdStream) -> None:
        self._stream = stream

    def read(self, _size: int, /) -> bytes:
        """The next bytes, however many."""
        chunk = bytes(self._stream.read())
        for problem in () if chunk else self._stream.problems:
            if problem.kind is not Kind.STREAM_TRAILING_ZEROS:
                option = " (--max-window)" if problem.kind is Kind.LIMIT_WINDOW else ""
                raise Unreadable(f"the archive cannot be decompressed: {problem.message}{option}")
        return chunk


def _spool(stream: Readable, limits: Limits) -> int:
    """Copy the archive into an unnamed file. Raises :class:`Unreadable` if it is broken or too large."""
    with tempfile.TemporaryFile(prefix="ocivalidate-") as spool:
        written = 0
        while chunk := _read(stream):
            written += len(chunk)
            if written > limits.archive:
                raise TooLarge(f"more than {limits.archive} bytes once it is decompressed (--max-archive)")
            spool.write(chunk)
        spool.flush()
        return os.dup(spool.fileno())


def _read(stream: Readable) -> bytes:
    try:
        return stream.read(_CHUNK)
    except Unreadable:
        raise
    except Exception as error:  # zlib.error, EOFError, and BadGzipFile, an OSError without errno
        if isinstance(error, OSError) and error.errno is not None:
            raise Unreadable(_cannot_be_read(error)) from error
        raise Unreadable(f"the archive cannot be decompressed: {str(error).lower()}") from error
