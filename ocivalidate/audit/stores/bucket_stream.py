"""An object of a bucket, read piece by piece: a piece that breaks off is asked for again from there on."""

from __future__ import annotations

import errno
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from ocivalidate.audit.stores.bucket_errors import failing
from ocivalidate.errors import Unreadable

if TYPE_CHECKING:
    from obstore import GetOptions, GetResult
    from obstore.store import ObjectStore

PIECE = 4 << 20
_CHUNK = 1 << 20
_TRIES = 4


class Piece(NamedTuple):
    """Some bytes of an object; ``size`` and ``version`` are those of all of it."""

    data: bytearray
    size: int
    version: str


def fetch(store: ObjectStore, path: str, start: int, length: int, version: str = "") -> Piece:
    """At most ``length`` bytes of an object, in as many requests as it takes while some of them bring something.

    ``version``: that of the object so far; another one is refused. Raises what the library raises, which has tried a
    request again by itself.
    """
    import obstore

    data, tries = bytearray(), 0
    while True:
        before = len(data)
        options: GetOptions = {"range": (start + before, start + length)}
        if version:
            options["if_match"] = version
        result = obstore.get(store, path, options=options)
        size, tag = result.meta["size"], result.meta["e_tag"] or ""
        # A weak tag says nothing about bytes, and matches nothing.
        version = version or ("" if tag.startswith("W/") else tag)
        try:
            _take(result, data, min(length, size - start))
            return Piece(data, size, version)
        except Exception:
            tries = 1 if len(data) > before else tries + 1
            if tries >= _TRIES:
                raise


def _take(result: GetResult, data: bytearray, wanted: int) -> None:
    """Add to ``data`` what comes, until there is what is wanted and no more."""
    for chunk in result.stream(min_chunk_size=_CHUNK):
        data += memoryview(chunk)[: wanted - len(data)]
        if len(data) >= wanted:
            return
    if len(data) < wanted:
        raise Unreadable("the connection breaks off")


class BucketStream:
    """An object from its first byte on, one piece ahead of what is read. It does not seek.

    ``ahead`` runs what asks for that. Raises :class:`Unreadable` if the object cannot be opened, and afterwards
    :class:`OSError`.
    """

    def __init__(self, store: ObjectStore, name: str, path: str, ahead: Executor) -> None:
        self._store = store
        self._name = name
        self._path = path
        self._ahead = ahead
        self._next: Future[Piece] | None = None
        first = self._open()
        self._size, self._version = first.size, first.version
        self._left = memoryview(first.data)
        self._asked = len(first.data)
        self._ask()

    def _open(self) -> Piece:
        try:
            with failing(self._name, self._path):
                try:
                    return fetch(self._store, self._path, 0, PIECE)
                except Exception:
                    # Of no bytes no server hands out a part.
                    if not self._is_empty():
                        raise
                    return Piece(bytearray(), 0, "")
        except FileNotFoundError:
            raise Unreadable(f"{self._name.rstrip('/')}/{self._path}: there is no such object") from None

    def _is_empty(self) -> bool:
        import obstore

        return obstore.head(self._store, self._path)["size"] == 0

    def _ask(self) -> None:
        """Ask for the piece after the one that is being read."""
        if self._asked < self._size:
            self._next = self._ahead.submit(fetch, self._store, self._path, self._asked, PIECE, self._version)

    def readinto(self, buffer: memoryview, /) -> int:
        """Read what has come, at most the length of the buffer."""
        if not self._left and self._next is not None:
            self._take(self._next)
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count

    def _take(self, future: Future[Piece]) -> None:
        self._next = None
        try:
            with failing(self._name, self._path):
                piece = future.result()
        except (FileNotFoundError, Unreadable) as error:
            raise OSError(errno.EIO, str(error) if isinstance(error, Unreadable) else "it is gone") from None
        if piece.size != self._size or not piece.data:
            raise OSError(errno.ESTALE, "it changed while it was being read")
        self._left = memoryview(piece.data)
        self._asked += len(piece.data)
        self._ask()

    def seekable(self) -> bool:
        """Never."""
        return False

    def seek(self, _offset: int, _whence: int = 0, /) -> NoReturn:
        """Raises :class:`OSError`."""
        raise OSError(errno.ESPIPE, "it does not seek")

    def close(self) -> None:
        """Ask for nothing more."""
        if self._next is not None:
            self._next.cancel()
        self._next = None
        self._left = memoryview(b"")
        self._size = self._asked
