"""Blobs and nothing that names them: ``blobs/ALGORITHM/HEX``.

Their bytes are judged, and the documents among them. What belongs together, or could go, cannot be known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from ocivalidate.audit import oddities
from ocivalidate.audit.store import Held, Link, Odd, Store
from ocivalidate.audit.stores import naming
from ocivalidate.audit.stores.files import FILE, FOLDER, Entry, Files, Opening, below
from ocivalidate.audit.stores.noting import Noted

_DEPTH = 2
_READ_AT_ONCE = 256


class BareStore(Store):
    """A folder of blobs. ``blobs``: where the folders of the algorithms are in it."""

    form = "blobs"
    named = False

    def __init__(self, files: Files, blobs: str = "blobs") -> None:
        self.name = files.name
        self.files = files
        self._blobs = blobs
        self.noted = Noted(markers=files.remote)

    def blobs(self) -> Iterator[Held]:
        """All files whose folder and name make a digest."""
        for entry in self.files.walk(self._blobs, lambda path: len(below(self._blobs, path)) < _DEPTH):
            parts = below(self._blobs, entry.path)
            if len(parts) == _DEPTH:
                yield from self._held(entry, *parts)
            elif entry.kind != FOLDER:
                self.noted.entry(entry, "the folder of an algorithm")

    def _held(self, entry: Entry, algorithm: str, encoded: str) -> Iterator[Held]:
        digest = naming.digest(algorithm, encoded)
        if not digest:
            if not self.noted.passes(entry):
                self.noted.note(Odd(oddities.NAME, entry.path, naming.digest_problem(algorithm, encoded)))
        elif entry.kind != FILE:
            self.noted.entry(entry, "a blob", oddities.NOT_A_FILE)
        else:
            yield Held(digest, entry.size, entry.path)

    def repositories(self) -> Iterator[str]:
        """None: nothing names the blobs."""
        return iter(())

    def links(self, _repository: str) -> Iterator[Link]:
        """None."""
        return iter(())

    def find(self, _repository: str, digest: str) -> Held | None:
        """The blob of this digest."""
        algorithm, _colon, encoded = digest.partition(":")
        if not naming.digest(algorithm, encoded):
            return None
        path = "/".join(filter(None, (self._blobs, algorithm, encoded)))
        entry = self.files.look(path)
        return Held(digest, entry.size, path) if entry and entry.kind == FILE else None

    def starts(self, every: Iterable[Held], limit: int) -> Iterator[tuple[Held, bytes | None]]:
        """The first bytes of blobs, of which a bucket hands out no more than these, several at a time."""
        listed = iter(every)
        while batch := [*islice(listed, _READ_AT_ONCE)]:
            contents = self.files.contents((held.path for held in batch), limit)
            yield from zip(batch, (data for _path, data in contents), strict=True)

    def oddities(self) -> Iterator[Odd]:
        """What the listing of the blobs came upon."""
        return self.noted.all()

    def opener(self, held: Held) -> Opening:
        """Opens it here or elsewhere."""
        return Opening(self.files, held.path)

    def close(self) -> None:
        """Close the files."""
        self.files.close()
