"""A layout among the files of a storage, wherever these are, as a source of images."""

from __future__ import annotations

from ocivalidate.audit.stores.files import FILE, FOLDER, OTHER, OUTSIDE, Files, Opening, join
from ocivalidate.image.sources.source import Entry, Source, Stream


class FilesSource(Source):
    """The layout in a folder of files."""

    form = "folder"

    def __init__(self, files: Files, folder: str) -> None:
        self.name = f"{files.name.rstrip('/')}/{folder}" if folder else files.name
        self._files = files
        self._folder = folder

    def entry(self, path: str) -> Entry | None:
        """The entry at a path."""
        found = self._files.look(join(self._folder, path)) if path else Entry(FOLDER)
        if found is None:
            return None
        kind = found.kind if found.kind in (FILE, FOLDER, OUTSIDE) else OTHER
        return Entry(kind, found.size, what=found.what)

    def children(self, path: str) -> list[str]:
        """The names in a folder."""
        folder = join(self._folder, path) if path else self._folder
        return sorted({entry.name for entry in self._files.walk(folder, lambda _path: False)})

    def open(self, path: str) -> Stream:
        """Open a file."""
        return self._files.open(join(self._folder, path))

    def shown(self, path: str) -> str:
        """The path of a file."""
        return f"{self.name.rstrip('/')}/{path}"

    def file(self) -> str:
        """The document at which the walk starts."""
        return self.shown(self.roots()[0])

    def elsewhere(self, path: str) -> Opening:
        """Opens the file anew."""
        return Opening(self._files, join(self._folder, path))
