"""A repository of a store as the source of an image; documents are read once and then kept in the book."""

from __future__ import annotations

import io
import re
from typing import Any, Final

from ocivalidate.audit.book import Book
from ocivalidate.audit.store import Held, Store
from ocivalidate.errors import Unreadable
from ocivalidate.image.layers.blob import Opener
from ocivalidate.image.sources.source import BLOBS, FILE, LINK, Entry, Source, Stream
from ocivalidate.registry.answers import Answer
from ocivalidate.system.reasons import reason
from ocivalidate.vocabulary import digests

OBJECT_START: Final = 64
"""How many bytes tell whether a blob may be a JSON object."""

_OBJECT_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*+(?:\{|$)")


class Kept:
    """Opens bytes that are at hand; it pickles."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __call__(self) -> io.BytesIO:
        """Open them."""
        return io.BytesIO(self._data)


class RepositorySource(Source):
    """A repository; ``digest``: that of the manifest in it to begin with."""

    def __init__(self, store: Store, book: Book, repository: str, digest: str = "") -> None:
        self.name = store.name
        self.form = store.form
        self._store = store
        self._book = book
        self._repository = repository
        self._digest = digest
        self.served = store.served
        self._found: dict[str, Held | None] = {}

    def held(self, path: str) -> Held | None:
        """What the repository holds at ``blobs/ALGORITHM/ENCODED``."""
        if path not in self._found:
            digest = digest_of(path)
            found = self._store.found(self._repository, digest) if digest else None
            # Under the digest of one blob the storage may hand out another one.
            self._found[path] = found if found is not None and found.digest == digest else None
        return self._found[path]

    def meet(self, path: str, role: str, kind: str, size: int | None) -> None:
        """What the store may have to know before it finds a blob."""
        self._store.meet(self._repository, digest_of(path), role, kind, size)

    def entry(self, path: str) -> Entry | None:
        """A blob that the repository holds."""
        held = self.held(path)
        return None if held is None else Entry(FILE, max(0, held.size))

    def children(self, _path: str) -> list[str]:
        """None: what is held is listed by the store."""
        return []

    def roots(self) -> tuple[str, ...]:
        """The manifest."""
        return (path_of(self._digest),)

    def open(self, path: str) -> Stream:
        """Open a blob."""
        try:
            return self.opener(path)()  # type: ignore[return-value]  # any that seeks says so
        except OSError as error:
            raise Unreadable(f"{path}: {reason(error)}") from error

    def opener(self, path: str) -> Opener:
        """What opens a blob, from the book if it is there."""
        held = self.held(path)
        if held is None:
            raise Unreadable(f"{path}: there is no such blob")
        data = self._book.document(held.path)
        return self._store.opener(held) if data is None else Kept(data)

    def answers(self) -> list[tuple[str, Answer]]:
        """What a server said beside what was looked at here."""
        found = [(path, held) for path, held in self._found.items() if held is not None]
        return [(path, said) for path, held in found for said in self._store.answers(held)]

    def read(self, path: str, limit: int) -> bytes:
        """The first bytes of a blob; a document that was read to its end stays in the book."""
        held = self.held(path)
        data = self._book.document(held.path) if held else None
        if data is not None:
            return data[:limit]
        data = super().read(path, limit)
        if held is not None and len(data) < limit and is_object(data):
            self._book.keep_document(held.path, data)
        return data

    def shown(self, path: str) -> str:
        """Where the blob is in the store; what it does not hold is named by its repository and digest."""
        held = self.held(path)
        if held is not None:
            return self._store.shown(held.path)
        return self._store.shown(f"{self._repository}@{digest_of(path) or path}")


class WholeSource(RepositorySource):
    """A repository that is a layout with an ``index.json``: ``layout`` is that."""

    def __init__(self, store: Store, book: Book, repository: str, layout: Source) -> None:
        super().__init__(store, book, repository)
        self.name = layout.name
        self.symlinks, self.confined = layout.symlinks, layout.confined
        self._layout = layout

    def entry(self, path: str) -> Entry | None:
        """What is in the layout; a file in place of a blob that the store says is not there is none."""
        found = self._layout.entry(path)
        is_blob = found is not None and found.kind in (FILE, LINK) and digest_of(path)
        return None if is_blob and self.held(path) is None else found

    def children(self, path: str) -> list[str]:
        """What is in a folder of the layout."""
        return self._layout.children(path)

    def roots(self) -> tuple[str, ...]:
        """Where the layout begins."""
        return self._layout.roots()

    def open(self, path: str) -> Stream:
        """Open a file of the layout."""
        return super().open(path) if self.held(path) else self._layout.open(path)

    def opener(self, path: str) -> Opener:
        """What opens a file of the layout."""
        return super().opener(path) if self.held(path) else self._layout.opener(path)

    def shown(self, path: str) -> str:
        """As the layout calls it; a blob that has its bytes in another repository is named by that one's."""
        held = self.held(path)
        own = held is None or held.path in (path, f"{self._repository}/{path}")
        return self._layout.shown(path) if held is None or own else self._store.shown(held.path)

    def repeats(self) -> Any:
        """As the layout says."""
        return self._layout.repeats()

    def close(self) -> None:
        """Close the layout."""
        self._layout.close()


def opened(store: Store, book: Book, repository: str, digest: str) -> RepositorySource:
    """The source of what is judged as one image: see :class:`book.Unit`. Raises :class:`Unreadable`."""
    if digest:
        return RepositorySource(store, book, repository, digest)
    layout = store.whole(repository)
    if layout is None:
        raise Unreadable(f"{repository} is not a layout any more")
    return WholeSource(store, book, repository, layout)


def may_be_object(start: bytes) -> bool:
    """Whether a JSON object may begin like this: after white space, or a byte order mark, which is a fault in it."""
    return _OBJECT_START.match(start[:OBJECT_START]) is not None


def is_object(data: bytes) -> bool:
    """Whether a document may be a JSON object: others are not kept."""
    return may_be_object(data) and data[-OBJECT_START:].rstrip()[-1:] == b"}"


def path_of(digest: str) -> str:
    """The path of a blob in a layout."""
    return f"{BLOBS}/{digest.replace(':', '/', 1)}"


def digest_of(path: str) -> str:
    """The digest that the path of a blob in a layout says; empty if it says none."""
    top, _, below = path.partition("/")
    found = digests.split(below.replace("/", ":", 1)) if top == BLOBS else None
    return str(found) if found else ""
