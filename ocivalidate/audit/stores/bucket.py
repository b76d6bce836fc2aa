"""A storage in a bucket: ``s3://``, ``gs://``, ``az://``, by obstore.

Endpoint and credentials come from the variables of the environment that the tools of each service use, here and in
other processes: they are neither kept nor pickled, and no line says anything of them.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Any

from ocivalidate.audit.stores import bucket_names
from ocivalidate.audit.stores.bucket_errors import failing
from ocivalidate.audit.stores.bucket_stream import BucketStream, fetch
from ocivalidate.audit.stores.files import FILE, FOLDER, Enter, Entry, Files, below, everywhere, join
from ocivalidate.audit.stores.files_source import FilesSource
from ocivalidate.errors import Unreadable
from ocivalidate.image.sources.source import Source

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import ObjectStore

_PAGE = 1000
_AT_ONCE = 16
# Of the names in a folder hardly any comes behind this one.
_LAST = "~"
_NO_ORDER = "it lists its keys in no order, so what belongs together cannot be seen"


class BucketFiles:
    """The objects of a bucket below a prefix, as files.

    ``store``: the bucket opened with obstore; by default as the name says. Raises :class:`Unreadable`.
    """

    remote = True

    def __init__(self, name: str, store: ObjectStore | None = None) -> None:
        self.name = name
        self._store = store or bucket_names.opened(bucket_names.parse(name))
        self._pool = ThreadPoolExecutor(_AT_ONCE)

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.name,)

    def look(self, path: str) -> Entry | None:
        """What stands at a path: an object, or a folder if keys begin with it."""
        import obstore

        with failing(self.name, path):
            try:
                if path:
                    return _entry(path, obstore.head(self._store, path))
            except FileNotFoundError:
                pass
            except ValueError:
                return None
            return Entry(path, FOLDER) if next(self._pages(path), None) else None

    def _pages(self, folder: str, after: str | None = None) -> Iterator[list[ObjectMeta]]:
        """The objects below a folder, by the page. Raises what the library raises."""
        import obstore

        for page in obstore.list(self._store, prefix=folder or None, offset=after, chunk_size=_PAGE):
            yield [item for item in page if item["path"] != folder]

    def walk(self, path: str, enter: Enter = everywhere) -> Iterator[Entry]:
        """All objects below a folder, in the order of their keys.

        A folder that is not entered is passed over: the listing begins again behind it, if that is more than a page.
        """
        with failing(self.name, path):
            walk, after = _Walk(path, enter), None
            while True:
                for page in self._pages(path, after):
                    yield from walk.take(page)
                    behind = f"{walk.closed}/{_LAST}"
                    if walk.passed >= _PAGE and walk.last < behind:
                        after, walk.passed = behind, 0
                        break
                else:
                    break
        yield from walk.rest()

    def open(self, path: str) -> BucketStream:
        """Open an object."""
        return BucketStream(self._store, self.name, path, self._pool)

    def contents(self, paths: Iterable[str], limit: int) -> Iterator[tuple[str, bytes | None]]:
        """The first bytes of objects, several at a time."""
        wanted = iter(paths)
        while batch := [*islice(wanted, 4 * _AT_ONCE)]:
            yield from zip(batch, self._pool.map(functools.partial(self._start, limit), batch), strict=True)

    def _start(self, limit: int, path: str) -> bytes | None:
        try:
            with failing(self.name, path):
                return bytes(fetch(self._store, path, 0, limit).data)
        except (FileNotFoundError, Unreadable):
            return None

    def layout(self, folder: str) -> Source:
        """The layout at a folder."""
        return FilesSource(self, folder)

    def close(self) -> None:
        """Ask for nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)


@functools.lru_cache(maxsize=8)
def _again(name: str) -> Files:
    """The same bucket in another process, which opens it once."""
    return BucketFiles(name)


def _entry(path: str, item: ObjectMeta) -> Entry:
    return Entry(path, FILE, item["size"], item["last_modified"].timestamp())


class _Walk:
    """Turns keys in their order into entries. ``closed``: the last folder that is not entered; ``passed``: its keys.

    ``last``: the last key.
    """

    def __init__(self, top: str, enter: Enter) -> None:
        self._top = top
        self._enter = enter
        self._open: list[str] = []
        self.last = ""
        self._held: Entry | None = None
        self.closed = "\0"
        self.passed = 0

    def take(self, page: list[ObjectMeta]) -> Iterator[Entry]:
        """The entries for a page of keys."""
        for item in page:
            key = item["path"]
            if not _follows(key, self.last):
                raise Unreadable(_NO_ORDER)
            self.last = key
            if key.startswith(f"{self.closed}/"):
                self.passed += 1
                continue
            yield from self.rest(key)
            folder = self._shut(key)
            if folder:
                self.closed, self.passed = folder, 0
                yield Entry(folder, FOLDER)
            else:
                self._held = _entry(key, item)

    def rest(self, key: str = "") -> Iterator[Entry]:
        """The entry before a key; none if it is an empty object that stands for a folder of which this key is."""
        held, self._held = self._held, None
        if held and not (held.size == 0 and key.startswith(f"{held.path}/")):
            yield held

    def _shut(self, key: str) -> str:
        """The first folder on the way to a key that is not entered."""
        above = below(self._top, key)[:-1]
        folder = self._top
        for depth, name in enumerate(above):
            folder = join(folder, name)
            if self._open[depth : depth + 1] != [folder]:
                del self._open[depth:]
                if not self._enter(folder):
                    return folder
                self._open.append(folder)
        return ""


def _follows(key: str, last: str) -> bool:
    """Whether a key comes after another one, in the order of bytes or of folders."""
    return key >= last or key.replace("/", "\0") >= last.replace("/", "\0")
