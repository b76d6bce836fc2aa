"""The storage of zot: a layout for each repository, where equal blobs are kept once.

In a bucket, which has no hard links, all but one of equal blobs are files of zero bytes (zot 1.4 and newer); since 2.1
the one with the bytes is in ``_blobstore``, and the newest releases keep none at all in the repositories. On disk equal
blobs are hard links. Which repository owns what is in a database that is not read.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from typing import Final

from ocivalidate.audit import oddities
from ocivalidate.audit.store import Held, Odd, Upload
from ocivalidate.audit.stores import naming
from ocivalidate.audit.stores.files import FILE, Entry, Files, Opening, join
from ocivalidate.audit.stores.layouts import LayoutsStore
from ocivalidate.audit.stores.uploads import left_behind
from ocivalidate.image.layers.blob import Opener
from ocivalidate.image.sources.source import BLOBS, Entry as Placed, Source, Stream
from ocivalidate.vocabulary import digests

SHARED: Final = "_blobstore"
UPLOADS: Final = ".uploads"
_STAGING = frozenset({UPLOADS, ".sync"})


class ZotStore(LayoutsStore):
    """A storage of zot. ``form``: what it is called, if it is not certain that it is one of zot."""

    def __init__(self, files: Files, form: str = "zot") -> None:
        super().__init__(files)
        self.form = form
        self._listed = threading.Event()
        self._listing = threading.Lock()

    def goes_into(self, path: str) -> bool:
        """Repositories have no names like ``_trivy`` or ``.uploads``."""
        return not path.rpartition("/")[2].startswith(("_", ".")) and super().goes_into(path)

    def blobs(self) -> Iterator[Held]:
        """The blobs that have bytes of their own."""
        for repository in (SHARED, *self.repositories()):
            for digest, entry in self.blob_files(self.folder(repository)):
                if stands_in(digest, entry):
                    self.whereabouts.stands_in(entry.path, digest, repository)
                    continue
                held = self.held(digest, entry)
                self.whereabouts.put(digest, held.path, held.size)
                if held.path == entry.path:
                    yield held
        self._listed.set()

    def find(self, repository: str, digest: str) -> Held | None:
        """The blob in the repository, or the one for which a file without bytes stands in."""
        algorithm, _colon, encoded = digest.partition(":")
        if not naming.digest(algorithm, encoded):
            return None
        entry = self._blob(self.folder(repository), digest)
        if entry is not None and not stands_in(digest, entry):
            return self.held(digest, entry)
        shared = self._blob(SHARED, digest)
        if shared is not None and not stands_in(digest, shared):
            return self.held(digest, shared)
        found = self._anywhere(digest) if entry is not None else None
        return found and Held(digest, found[1], found[0])

    def _blob(self, folder: str, digest: str) -> Entry | None:
        algorithm, _colon, encoded = digest.partition(":")
        entry = self.files.look("/".join((join(folder, BLOBS), algorithm, encoded)))
        return entry if entry is not None and entry.kind == FILE else None

    def _anywhere(self, digest: str) -> tuple[str, int] | None:
        """Where the bytes of a digest are, in any repository; the storage is listed once for that."""
        if not self._listed.is_set():
            with self._listing:
                if not self._listed.is_set():
                    for _held in self.blobs():
                        pass
        return self.whereabouts.content(digest)

    def whole(self, repository: str) -> Source | None:
        """The layout, each of its blobs with its bytes, wherever they are."""
        return _Resolved(self, repository)

    def uploads(self) -> Iterator[Upload]:
        """What is left of pushes, and of copies from other registries."""
        for repository in self.repositories():
            for staging in sorted(_STAGING):
                yield from left_behind(self.files, join(self.folder(repository), staging))

    def oddities(self) -> Iterator[Odd]:
        """What the other listings came upon, and files that stand in for what is nowhere."""
        yield from super().oddities()
        for path, digest, repository in self.whereabouts.nowhere():
            text = f"zero bytes stand in for {digest}, whose content is nowhere in the storage"
            yield Odd(oddities.PLACEHOLDER, path, text, digest, "" if repository == SHARED else repository)


def stands_in(digest: str, entry: Entry) -> bool:
    """Whether a file has no bytes, and the blob of this digest has some."""
    return not entry.size and digest != _empty(digest.partition(":")[0])


@functools.cache
def _empty(algorithm: str) -> str:
    """The digest of nothing; of an algorithm that is not known there is none."""
    return str(digests.of(b"", algorithm)) if digests.computable(algorithm) else ""


class _Resolved(Source):
    """A layout of the storage, in which every blob has its bytes."""

    def __init__(self, store: ZotStore, repository: str) -> None:
        self._store = store
        self._repository = repository
        self._layout = store.files.layout(store.folder(repository))
        self.name, self.form = self._layout.name, self._layout.form
        self.symlinks, self.confined = self._layout.symlinks, self._layout.confined

    def entry(self, path: str) -> Placed | None:
        """The entry at a path; a file that stands in for a blob is that blob."""
        found = self._layout.entry(path)
        held = self._elsewhere(path) if found is None or not found.size else None
        return Placed(FILE, held.size) if held else found

    def _elsewhere(self, path: str) -> Held | None:
        """The blob that a path in ``blobs`` stands for, if its bytes are not there."""
        blobs, _slash, name = path.partition("/")
        algorithm, _slash, encoded = name.partition("/")
        held = self._store.find(self._repository, f"{algorithm}:{encoded}") if blobs == BLOBS else None
        return held if held and held.path != join(self._store.folder(self._repository), path) else None

    def children(self, path: str) -> list[str]:
        """The names in a folder."""
        return self._layout.children(path)

    def open(self, path: str) -> Stream:
        """Open a file, or the blob for which it stands in."""
        held = None if self._has_bytes(path) else self._elsewhere(path)
        return self._store.files.open(held.path) if held else self._layout.open(path)

    def _has_bytes(self, path: str) -> bool:
        found = self._layout.entry(path)
        return found is not None and found.size > 0

    def shown(self, path: str) -> str:
        """The name of a path in it."""
        return self._layout.shown(path)

    def file(self) -> str:
        """Its ``index.json``."""
        return self._layout.file()

    def elsewhere(self, path: str) -> Opener | None:
        """What opens the file in another process."""
        held = None if self._has_bytes(path) else self._elsewhere(path)
        return Opening(self._store.files, held.path) if held else self._layout.elsewhere(path)

    def close(self) -> None:
        """Close the layout."""
        self._layout.close()
