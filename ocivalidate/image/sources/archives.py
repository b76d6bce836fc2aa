"""Archives of layouts: their files, and the offset of each.

The scanner for layers reads the headers, with its limits, and content is skipped. So headers mean the same here as in
layers, and reading them costs no more than their bytes.
"""

from __future__ import annotations

import os
import posixpath
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field

from ocivalidate.errors import Unreadable
from ocivalidate.image.layers.blob import FilePart, Opener, stamp_of
from ocivalidate.image.layers.limits import LayerLimits
from ocivalidate.image.layers.paths import FIFO, FOLDER as FOLDER_TYPE, HARDLINK, REGULAR, SYMLINK
from ocivalidate.image.layers.pax import Extension
from ocivalidate.image.layers.problems import Kind
from ocivalidate.image.layers.readers import Names
from ocivalidate.image.layers.scan import TarScanner
from ocivalidate.image.sources.source import FILE, FOLDER, LINK, OTHER, Entry, Slice, Source
from ocivalidate.system import portable
from ocivalidate.system.reasons import reason
from ocivalidate.vocabulary import digests

_CHUNK = 1 << 16
_SPARSE = b"S"
_REGULAR = frozenset((REGULAR, b"\0", b"7"))
_NOWHERE = Entry(OTHER, what="a dangling link")
# Problems that leave the content of the archive unknown, with the option for the limit. Any other problem that stops
# the scanner does too, except a header after a single zero block. Odd entries do not matter here.
_UNREADABLE = {
    Kind.PAX_MALFORMED: "",
    Kind.TRUNCATED: "",
    Kind.LIMIT_ENTRIES: " (--max-entries)",
    Kind.LIMIT_PATH: " (--max-path)",
    Kind.LIMIT_PAX: " (--max-extension)",
}
_STOPS = frozenset({Kind.NOT_TAR, Kind.HEADER_CHECKSUM, Kind.HEADER_NUMBER, Kind.SIZE_NEGATIVE, Kind.LIMIT_SIZE})


@dataclass(slots=True)
class ArchiveIndex:
    """The entries of an archive by path, the targets of its links, and the paths that occur twice."""

    entries: dict[str, Entry] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    repeated: dict[str, list[Entry]] = field(default_factory=dict)

    def add(self, path: str, entry: Entry) -> None:
        """Add an entry; the last of several at one path counts."""
        earlier = self.entries.get(path)
        if earlier is not None and entry.kind != FOLDER:
            self.repeated.setdefault(path, []).append(earlier)
        self.entries[path] = entry
        self.links.pop(path, None)

    def resolve_links(self) -> None:
        """``docker save`` writes a layer shared by two images once, and a link to it."""
        while self.links:
            chain = [next(iter(self.links))]
            # A link met again, in a loop or through another link, is resolved by then.
            while chain[-1] in self.links:
                chain.append(self.links.pop(chain[-1]))
            found = self.entries.get(chain.pop(), _NOWHERE)
            if found.kind in (FILE, LINK):
                self.entries.update(dict.fromkeys(chain, found._replace(kind=LINK)))


class ArchiveSource(Source):
    """A tar archive of a layout, or of ``docker save``; uncompressed, so its files can be read in place.

    ``path``: of the archive, if other processes can open it.
    """

    form = "archive"

    def __init__(self, name: str, descriptor: int, index: ArchiveIndex, path: str = "") -> None:
        self.name = name
        self._descriptor = descriptor
        self._entries = index.entries
        self._repeated = index.repeated
        self._path = path
        self._sorted: list[str] | None = None

    def entry(self, path: str) -> Entry | None:
        """The entry at a path; folders need no entry of their own in an archive."""
        found = self._entries.get(path)
        if found is None and self._below(path):
            return Entry(FOLDER)
        return found

    def children(self, path: str) -> list[str]:
        """The names in a folder, sorted."""
        start = len(path) + 1 if path else 0
        names = {full[start:].partition("/")[0] for full in self._below(path)}
        return sorted(names - {""})

    def _below(self, path: str) -> list[str]:
        """All paths below a folder, at any depth."""
        if self._sorted is None:
            self._sorted = sorted(self._entries)
        if not path:
            return self._sorted
        # "0" comes after "/".
        return self._sorted[bisect_left(self._sorted, f"{path}/") : bisect_left(self._sorted, f"{path}0")]

    def open(self, path: str) -> Slice:
        """Open a file of the archive."""
        found = self._entries.get(path)
        if found is None or found.kind not in (FILE, LINK):
            raise Unreadable(f"{path}: {'no such file in the archive' if found is None else 'not a file'}")
        return Slice(self._descriptor, found.offset, found.size, owned=False)

    def elsewhere(self, path: str) -> Opener | None:
        """Opens the archive anew."""
        found = self._entries.get(path)
        if not self._path or found is None or found.kind not in (FILE, LINK):
            return None
        stamp = stamp_of(os.fstat(self._descriptor))
        return FilePart(os.path.abspath(self._path), found.offset, found.size, stamp)

    def repeats(self) -> Iterator[tuple[str, bool]]:
        """The paths that occur twice."""
        return ((path, self._is_repeated_alike(path)) for path in self._repeated)

    def _is_repeated_alike(self, path: str) -> bool:
        """Whether all entries at a path have the same bytes, so that it does not matter which one counts."""
        entries = (self._entries[path], *self._repeated[path])
        if any(entry.kind != FILE for entry in entries) or len({entry.size for entry in entries}) > 1:
            return False
        return len({self._digest(entry) for entry in entries}) == 1

    def _digest(self, entry: Entry) -> digests.Digest:
        state = digests.hasher("sha256")
        with Slice(self._descriptor, entry.offset, entry.size, owned=False) as file:
            while chunk := file.read(_CHUNK):
                state.update(chunk)
        return digests.Digest("sha256", state.hexdigest())

    def close(self) -> None:
        """Close the archive."""
        os.close(self._descriptor)


def normal_path(name: str) -> str | None:
    """A path of an archive as a path in the layout, without ``./`` and doubled slashes.

    ``None`` if it leads out of the layout.
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return None if ".." in parts else "/".join(parts)


def read_index(descriptor: int, limits: LayerLimits) -> ArchiveIndex:
    """Read the headers of an archive. Raises :class:`Unreadable` if they do not determine its content."""
    size = os.fstat(descriptor).st_size
    scanner = _Headers(limits, size)
    while not scanner.over and (chunk := _read(descriptor, scanner.skip())):
        scanner.feed(chunk)
        scanner.refuse()
    scanner.finish(whole=True)
    scanner.refuse()
    if not size:
        raise Unreadable("the file is empty")
    scanner.index.resolve_links()
    return scanner.index


def _read(descriptor: int, offset: int) -> bytes:
    try:
        return portable.read_at(descriptor, _CHUNK, offset)
    except OSError as error:
        raise Unreadable(f"the archive cannot be read: {reason(error)}") from error


class _Headers(TarScanner):
    """Collects the entries of an archive of ``size`` bytes."""

    def __init__(self, limits: LayerLimits, size: int) -> None:
        super().__init__(limits)
        self.index = ArchiveIndex()
        self._whole = size
        self._is_sparse = False

    @property
    def over(self) -> bool:
        """Whether scanning is over."""
        return self._stopped

    def refuse(self) -> None:
        """Raise :class:`Unreadable` if the headers do not determine the content of the archive."""
        for problem in self._problems.kept():
            if problem.kind in _UNREADABLE or (self._stopped and problem.kind in _STOPS):
                where = f"{problem.member}: " if problem.member else ""
                option = _UNREADABLE.get(problem.kind, "")
                raise Unreadable(f"not a tar archive of an image: {where}{problem.message}{option}")

    def _extended(self, said: Extension, own: Names, kind: bytes, size: int) -> tuple[bytes, bytes, int]:
        self._is_sparse = bool(said.sparse_form)
        return super()._extended(said, own, kind, size)

    def _entry(self, name: bytes, kind: bytes, link: bytes, size: int, block: bytes) -> None:
        sparse, self._is_sparse = self._is_sparse or kind == _SPARSE, False
        start = self._next
        super()._entry(name, kind, link, size, block)
        path = normal_path(_text(name))
        if not path or self._stopped:
            return
        if kind == FOLDER_TYPE or (kind == b"\0" and name[-1:] == b"/"):
            self.index.add(path, Entry(FOLDER))
        elif sparse:
            self.index.add(path, Entry(OTHER, what="a sparse file"))
        elif kind in _REGULAR:
            if start + size > self._whole:
                raise Unreadable(f"the archive ends inside {path}")
            self.index.add(path, Entry(FILE, size, start))
        elif kind in (HARDLINK, SYMLINK):
            self.index.add(path, _NOWHERE)
            self.index.links[path] = _target(path, _text(link), kind)
        else:
            self.index.add(path, Entry(OTHER, what="a FIFO" if kind == FIFO else "a device"))


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _target(path: str, link: str, kind: bytes) -> str:
    """The target path of a link; one out of the archive has none."""
    return posixpath.normpath(link if kind == HARDLINK else posixpath.join(posixpath.dirname(path), link))
