"""Which tags break by a finding: all of an image, or of a layout those whose entry of the index leads to its place."""

from __future__ import annotations

from ocivalidate.audit.book import Book
from ocivalidate.audit.options import AuditOptions
from ocivalidate.audit.rows import Unit
from ocivalidate.image.context import ImageContext
from ocivalidate.image.graph import Reference
from ocivalidate.image.sources.source import BLOBS, INDEX_JSON
from ocivalidate.rules.findings import Finding


class Names:
    """The names of the images in a layout: tags, and ``@DIGEST`` for an entry of the index without one.

    The name ``""`` is that of the layout itself.
    """

    def __init__(self, repository: str, context: ImageContext) -> None:
        self.repository = repository
        self._context = context
        self._index = context.shown(INDEX_JSON)
        self._blobs = f"{context.shown(BLOBS)}/"
        self._paths = {context.shown(path): path for path in context.found.references}
        self._known: dict[str, list[str]] = {}
        self._entries = {
            one.pointer: one
            for several in context.found.references.values()
            for one in several
            if one.file == INDEX_JSON and one.role == "manifest"
        }
        self._digests = {_name(one): str(one.digest or "") for one in self._entries.values()}

    def every(self) -> list[str]:
        """All names, each once."""
        return [*self._digests] or [""]

    def digest_of(self, name: str) -> str:
        """The digest of the manifest that has the name."""
        return self._digests.get(name, "")

    def of(self, finding: Finding) -> list[str]:
        """Those that break by a finding."""
        place = finding.location
        if place.file == self._index and place.pointer is not None:
            entry = self._entries.get("/".join(place.pointer.split("/")[:3]))
            return [_name(entry)] if entry else [""]
        path = self._paths.get(place.file)
        if path is None:
            # What lies among the blobs, and nothing refers to it, breaks nobody.
            return [] if place.file.startswith(self._blobs) else [""]
        return self.of_path(path)

    def of_path(self, path: str) -> list[str]:
        """Those that lead to a blob; all of the layout if none does."""
        if path not in self._known:
            self._known[path] = sorted(self._leading(path)) or [""]
        return self._known[path]

    def _leading(self, path: str) -> set[str]:
        """The names of the entries that lead to a path, however many documents are between."""
        names: set[str] = set()
        ahead, seen = [path], {path}
        while ahead:
            for reference in self._context.found.references.get(ahead.pop(), ()):
                if reference.file == INDEX_JSON:
                    names.add(_name(reference))
                elif reference.file not in seen:
                    seen.add(reference.file)
                    ahead.append(reference.file)
        return names


class OneName(Names):
    """The names of one image: its tags, or ``@DIGEST`` if it has none. All of them break by whatever is found."""

    def __init__(self, book: Book, unit: Unit, options: AuditOptions) -> None:
        self.repository = unit.repository
        self._digest = unit.digest
        tags = book.tags_of(unit.repository, unit.digest) if unit.digest else []
        self._tags = [*filter(options.wants_tag, tags)]

    def every(self) -> list[str]:
        """All names."""
        return self._tags or [f"@{self._digest}" if self._digest else ""]

    def digest_of(self, _name: str) -> str:
        """The digest of the manifest."""
        return self._digest

    def of(self, _finding: Finding) -> list[str]:
        """All."""
        return self.every()

    def of_path(self, _path: str) -> list[str]:
        """All."""
        return self.every()


def _name(entry: Reference) -> str:
    return entry.name or f"@{entry.digest or entry.pointer}"
