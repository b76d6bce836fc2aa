"""Finding out what a path is: a layout folder, an archive, or something around an archive."""

from __future__ import annotations

import os
import re
import stat
import sys
import tempfile
from io import BufferedReader
from typing import TYPE_CHECKING, NoReturn, Protocol

from ocivalidate import meanings
from ocivalidate.errors import NotMeant, TooLarge, Unreadable
from ocivalidate.image.layers.limits import DEFAULT, LayerLimits
from ocivalidate.image.layers.problems import Kind
from ocivalidate.image.limits import Limits
from ocivalidate.image.sources.archives import ArchiveSource, read_index
from ocivalidate.image.sources.source import FolderSource, LooseDocument, Source
from ocivalidate.system import portable

if TYPE_CHECKING:
    from ocivalidate.image.layers.zstd_stream import ZstdStream

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_CHUNK = 1 << 20
# No tar archive of an image begins like this: its first entry would have a name that layouts do not have. A byte order
# mark is a fault of the document.
_JSON_START = re.compile(rb"(?:\xef\xbb\xbf[ \t\r\n]*|(?:\xff\xfe|\xfe\xff)[\0 \t\r\n]*)?[{\[]")


class Readable(Protocol):
    """What bytes can be read from."""

    def read(self, size: int, /) -> bytes:
        """Read at most ``size`` bytes; none at the end."""


class LooseSource(Source):
    """A document that stands alone: there is nothing else by any path."""

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
        raise Unreadable(f"{path}: not in a document that stands alone")


def open_source(
    name: str, limits: Limits, layer_limits: LayerLimits = DEFAULT, *, follow_links: bool = False
) -> Source:
    """Open an image: a folder, a file or ``-``; what is but a document is ``alone``.

    ``layer_limits`` hold for the entries of an archive as for those of a layer. ``follow_links``: links in a folder may
    lead anywhere. Raises :class:`Unreadable`.
    """
    if name != "-" and os.path.isdir(name):
        return FolderSource(name, follow_links=follow_links)
    descriptor = _standard_input() if name == "-" else _open_file(name)
    with os.fdopen(descriptor, "rb") as stream:
        head = _head(stream)
        if _JSON_START.match(head):
            return LooseSource(name, _whole_document(stream, limits))
        foreign = meanings.foreign(head)
        if foreign:
            raise NotMeant(foreign)
        in_place = _is_in_place(stream, head)
        plain = os.dup(stream.fileno()) if in_place else _spool(_inflated(stream, head, layer_limits.window), limits)
    path = name if in_place and name != "-" else ""
    try:
        return ArchiveSource(name, plain, read_index(plain, layer_limits), path)
    except BaseException:
        os.close(plain)
        raise


def open_document(name: str, limits: Limits) -> Source:
    """Read what is said to be a document, whatever is in it: a file or ``-``. Raises :class:`Unreadable`."""
    if name != "-" and os.path.isdir(name):
        raise Unreadable("a folder, where --kind wants a document")
    descriptor = _standard_input() if name == "-" else _open_file(name)
    with os.fdopen(descriptor, "rb") as stream:
        return LooseSource(name, _whole_document(stream, limits))


def _standard_input() -> int:
    if sys.stdin is None:
        raise Unreadable("standard input is closed")
    return os.dup(sys.stdin.fileno())


def _head(stream: BufferedReader) -> bytes:
    """The first bytes, white space left out where it is that of a JSON text."""
    if stream.seekable():
        stream.seek(0)
    return stream.peek(512)[:512].lstrip(b" \t\r\n")


def _whole_document(stream: BufferedReader, limits: Limits) -> bytes:
    data = stream.read(limits.document + 1)
    if len(data) > limits.document:
        raise TooLarge(f"more than {limits.document} bytes (--max-size)")
    return data


def _open_file(name: str) -> int:
    try:
        descriptor = os.open(name, portable.READ)
    except (OSError, ValueError) as error:
        text = getattr(error, "strerror", None) or str(error)
        meant = meanings.of_address(name) if isinstance(error, (FileNotFoundError, NotADirectoryError)) else ""
        raise Unreadable(meant or text[:1].lower() + text[1:]) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Unreadable("neither a folder nor a file")
    return descriptor


def _is_in_place(stream: BufferedReader, head: bytes) -> bool:
    """Whether the archive can be read at any place as it is: a file, and uncompressed."""
    return stat.S_ISREG(os.fstat(stream.fileno()).st_mode) and not head.startswith((GZIP_MAGIC, ZSTD_MAGIC))


def _inflated(stream: BufferedReader, head: bytes, window: int) -> Readable:
    """The stream without the compression around it. What is around an archive is not part of the image."""
    if head.startswith(GZIP_MAGIC):
        import gzip

        return gzip.open(stream)
    if head.startswith(ZSTD_MAGIC):
        from ocivalidate.image.layers.zstd_stream import ZstdStream

        return _Whole(ZstdStream(lambda: stream.read(_CHUNK), window))
    return stream


class _Whole:
    """A stream of zstd that is to be whole: the library does not mind when the last frame does not end."""

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
    """Copy the archive into a file that has no name. Raises :class:`Unreadable` when it is broken or too large."""
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
    except Exception as error:  # zlib.error, EOFError, OSError
        raise Unreadable(f"the archive cannot be decompressed: {str(error).lower()}") from error
