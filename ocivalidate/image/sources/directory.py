"""Folders that skopeo writes as ``dir:``: a manifest.json, which is a manifest or an index, and files by digest."""

from __future__ import annotations

from ocivalidate.errors import Unreadable
from ocivalidate.image.layers.blob import Opener
from ocivalidate.image.sources.source import FILE, LINK, MANIFEST_JSON, Entry, FolderSource, Slice
from ocivalidate.vocabulary import digests

_NONE = "not a dir: of skopeo, which has a manifest.json"


class DirectorySource(FolderSource):
    """A ``dir:`` of skopeo, whose files are read as those of a layout. ``most``: bytes of its manifest.json.

    Raises :class:`Unreadable` for any other folder.
    """

    form = "dir:"

    def __init__(self, name: str, most: int, *, follow_links: bool = False) -> None:
        super().__init__(name, follow_links=follow_links)
        # Until its digest is known, a file by its own name.
        self._root = MANIFEST_JSON
        try:
            data = self._manifest(most)
        except BaseException:
            self.close()
            raise
        self._root = f"blobs/{str(digests.of(data)).replace(':', '/')}"

    def _manifest(self, most: int) -> bytes:
        entry = self.entry(MANIFEST_JSON)
        if entry is None or entry.kind not in (FILE, LINK):
            raise Unreadable(_NONE)
        return self.read(MANIFEST_JSON, most + 1)

    def roots(self) -> tuple[str, ...]:
        """The manifest.json, under its digest."""
        return (self._root,)

    def file(self) -> str:
        """The manifest.json."""
        return self.shown(self._root)

    def _file(self, path: str) -> str:
        """The file that stands for a path in a layout: a manifest in a list has a name of its own."""
        parts = path.split("/")
        if path == self._root or len(parts) != 3 or parts[0] != "blobs":
            return MANIFEST_JSON if path == self._root else path
        names = (f"{parts[2]}.manifest.json", parts[2], f"{parts[1]}-{parts[2]}")
        return next((name for name in names if super(DirectorySource, self).entry(name) is not None), parts[2])

    def entry(self, path: str) -> Entry | None:
        """The entry that stands for a path in a layout."""
        return super().entry(self._file(path))

    def open(self, path: str) -> Slice:
        """Open it."""
        return super().open(self._file(path))

    def shown(self, path: str) -> str:
        """The path of the file."""
        return super().shown(self._file(path))

    def elsewhere(self, path: str) -> Opener:
        """Opens the folder anew."""
        return super().elsewhere(self._file(path))
