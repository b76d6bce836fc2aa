"""A folder of image layouts, at any depth; each one is a repository, called by its path.

A layout is a folder with an ``index.json`` or an ``oci-layout``. It is judged as a whole, as ``image`` judges it.
"""

from __future__ import annotations

from collections.abc import Iterator

from ocivalidate.audit.store import REVISION, TAG, Held, Link, Odd, Store
from ocivalidate.audit.stores import naming
from ocivalidate.audit.stores.files import (
    FILE,
    OUTSIDE,
    UNREADABLE,
    Entry,
    Files,
    Opening,
    below,
    each_once,
    is_file,
    join,
    read,
)
from ocivalidate.audit.stores.noting import Noted
from ocivalidate.audit.stores.whereabouts import Whereabouts
from ocivalidate.image.graph import REF_NAME
from ocivalidate.image.limits import Limits
from ocivalidate.image.sources.source import BLOBS, INDEX_JSON, OCI_LAYOUT, Source
from ocivalidate.jsontext.documents import read_document

HERE = "."
"""The name of the repository if the storage itself is a layout."""
_OF_A_LAYOUT = frozenset({INDEX_JSON, OCI_LAYOUT})


class LayoutsStore(Store):
    """A folder of layouts."""

    form = "layouts"

    def __init__(self, files: Files) -> None:
        self.name = files.name
        self.files = files
        self.noted = Noted(markers=files.remote)
        self.whereabouts = Whereabouts()

    def repositories(self) -> Iterator[str]:
        """The layouts, at any depth."""
        for folder in each_once(self._folders()):
            yield folder or HERE

    def _folders(self) -> Iterator[str]:
        for entry in self.files.walk("", self.goes_into):
            folder, _slash, name = entry.path.rpartition("/")
            if name in _OF_A_LAYOUT and entry.kind == FILE:
                yield folder
            elif entry.kind in (OUTSIDE, UNREADABLE):
                self.noted.entry(entry, "")

    def goes_into(self, path: str) -> bool:
        """Whether layouts are looked for in a folder: not in the blobs of another one."""
        folder, _slash, name = path.rpartition("/")
        return name != BLOBS or not self.is_layout(folder)

    def is_layout(self, folder: str) -> bool:
        """Whether a layout is in a folder."""
        return any(is_file(self.files, join(folder, name)) for name in (INDEX_JSON, OCI_LAYOUT))

    def folder(self, repository: str) -> str:
        """The folder of a repository."""
        return "" if repository == HERE else repository

    def blobs(self) -> Iterator[Held]:
        """The blobs of all layouts; a file with several names is one of them."""
        for repository in self.repositories():
            for digest, entry in self.blob_files(self.folder(repository)):
                held = self.held(digest, entry)
                if held.path == entry.path:
                    yield held

    def blob_files(self, folder: str) -> Iterator[tuple[str, Entry]]:
        """The files in the ``blobs`` of a layout whose names are digests; ``image`` judges the others."""
        blobs = join(folder, BLOBS)
        for entry in self.files.walk(blobs, lambda path: len(below(blobs, path)) == 1):
            parts = below(blobs, entry.path)
            digest = naming.digest(*parts) if len(parts) == 2 else ""
            if digest and entry.kind == FILE:
                yield digest, entry

    def held(self, digest: str, entry: Entry) -> Held:
        """A blob, by the first name that its file has."""
        path = self.whereabouts.first_name(f"{digest} {entry.same}", entry.path) if entry.same else entry.path
        return Held(digest, entry.size, path)

    def links(self, repository: str) -> Iterator[Link]:
        """What the ``index.json`` of a layout names."""
        path = join(self.folder(repository), INDEX_JSON)
        data = read(self.files, path, Limits().document + 1)
        if data is None or len(data) > Limits().document:
            return
        value = read_document(data, path).value
        for descriptor in _list(_member(value, "manifests")):
            digest, tag = _member(descriptor, "digest"), _member(_member(descriptor, "annotations"), REF_NAME)
            if isinstance(digest, str) and naming.digest(*digest.partition(":")[::2]):
                named = isinstance(tag, str) and tag
                yield Link(repository, TAG if named else REVISION, digest, str(tag) if named else "", path)

    def find(self, repository: str, digest: str) -> Held | None:
        """The blob in the layout."""
        algorithm, _colon, encoded = digest.partition(":")
        if not naming.digest(algorithm, encoded):
            return None
        entry = self.files.look("/".join((join(self.folder(repository), BLOBS), algorithm, encoded)))
        return self.held(digest, entry) if entry and entry.kind == FILE else None

    def whole(self, repository: str) -> Source | None:
        """The layout."""
        return self.files.layout(self.folder(repository))

    def opener(self, held: Held) -> Opening:
        """Opens it here or elsewhere."""
        return Opening(self.files, held.path)

    def oddities(self) -> Iterator[Odd]:
        """What the other listings came upon; what is wrong in a layout is told of the layout."""
        return self.noted.all()

    def close(self) -> None:
        """Close the files."""
        self.files.close()
        self.whereabouts.close()


def _member(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
