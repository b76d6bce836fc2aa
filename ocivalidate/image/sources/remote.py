"""An image in a registry: read by the distribution API, blob by blob, and never stored.

The walk starts at the manifest or index that the name leads to. Below ``blobs/`` is what the registry has under a
digest, a manifest or a blob as whatever refers to it says; below ``referrers/`` are the lists of those that refer to a
manifest, each page a document.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ocivalidate.errors import OciValidateError, TooLarge, Unreadable
from ocivalidate.image.signed import unsigned
from ocivalidate.image.sources.source import FILE, Entry, Source
from ocivalidate.registry.answers import BLOB, MANIFEST, Answer
from ocivalidate.registry.failing import NotThere, RegistryError
from ocivalidate.registry.names import ImageName, parse_image
from ocivalidate.registry.options import RegistryOptions
from ocivalidate.vocabulary import digests

if TYPE_CHECKING:
    from ocivalidate.image.layers.blob import Readable
    from ocivalidate.registry.bodies import Body
    from ocivalidate.registry.client import Registry

REFERRERS = "referrers/"
_UNKNOWN = -1
# A list without entries is shorter: there is nothing in it to judge.
_NO_REFERRERS = b'"digest"'


def open_remote(name: str, options: RegistryOptions, most: int) -> RemoteSource:
    """Open the image of this name, ``docker://…``; a document has at most ``most`` bytes.

    Raises :class:`Unreadable`, also where the extra that reads registries is not installed.
    """
    image = parse_image(name)
    return RemoteSource(name, connect(image.host, options), image, most)


def connect(host: str, options: RegistryOptions) -> Registry:
    """A client of a registry. Raises :class:`Unreadable` where the extra is not installed."""
    try:
        from ocivalidate.registry.client import Registry
    except ModuleNotFoundError as error:
        missing = error.name or ""
    else:
        return Registry(host, options)
    if missing.partition(".")[0] == "urllib3":
        raise Unreadable("reading from a registry needs an extra: pip install 'ocivalidate[registry]'")
    raise Unreadable(f"reading from a registry needs the module {missing}")


class Unavailable(OciValidateError, OSError):
    """A blob that a registry does not send; ``answers``: what it said instead."""

    def __init__(self, text: str, answers: tuple[Answer, ...] = ()) -> None:
        super().__init__(text)
        self.answers = answers


@dataclass(frozen=True, slots=True)
class RemotePart:
    """Opens a manifest or a blob of a registry, in this process or in another. ``size``: -1 if nobody says it."""

    registry: Registry
    kind: str
    repository: str
    digest: str
    size: int = _UNKNOWN

    def __call__(self) -> Readable:
        """Open it. Raises :class:`OSError`."""
        try:
            return self.registry.open(self.kind, self.repository, self.digest, self.size)
        except RegistryError as error:
            problem = Unavailable(str(error), _refused(self, error))
        raise problem


def _refused(part: RemotePart, error: RegistryError) -> tuple[Answer, ...]:
    return (Answer("GET", part.kind, part.digest, error.status),) if isinstance(error, NotThere) else ()


class RemoteSource(Source):
    """An image in a registry. The caller closes it, and the registry with it.

    Raises :class:`Unreadable` where there is no such image, or the registry does not give it.
    """

    form = "registry"
    whole = True
    served = True

    def __init__(self, name: str, registry: Registry, image: ImageName, most: int) -> None:
        self.name = name
        self._registry = registry
        self._image = image
        self._most = most
        # Path → as what it is asked for, the likelier first.
        self._kinds: dict[str, tuple[str, ...]] = {}
        self._sizes: dict[str, int] = {}
        self._answers: list[tuple[str, Answer]] = []
        self._pages: dict[str, bytes] = {}
        try:
            self._root, self._first = self._start()
        except BaseException:
            registry.close()
            raise

    def _start(self) -> tuple[str, bytes]:
        """The path of the document to which the name leads, and its bytes."""
        image = self._image
        try:
            data, said = self._registry.read(MANIFEST, image.repository, image.reference, self._most + 1)
        except NotThere as error:
            problem = f"there is no such image: {image.host} does not know {image.repository}, or not {image.reference}"
            raise RegistryError(problem, status=error.status) from None
        if len(data) > self._most:
            raise TooLarge(f"the manifest has more than {self._most} bytes (--max-size)")
        # A tag names no digest: that of the header counts if it is that of the bytes, else the usual one.
        found = digests.parse(image.digest) or digests.parse(said.computed if said.digest == said.computed else "")
        path = path_of(str(found or digests.of(unsigned(data))))
        self._kinds[path] = (MANIFEST,)
        self._answers.append((path, said))
        return path, data

    # --- What is there

    def roots(self) -> tuple[str, ...]:
        """The manifest or index to which the name leads."""
        return (self._root,)

    def called(self, path: str) -> str:
        """The name without ``docker://``."""
        return str(self._image).removeprefix("docker://") if path == self._root and not self._image.digest else ""

    def meet(self, path: str, role: str, kind: str, size: int | None) -> None:
        """Manifests and blobs are asked for at different places; an index may list either."""
        self._kinds.setdefault(path, kinds_of(role, kind))
        self._sizes[path] = max(self._sizes.get(path, _UNKNOWN), _UNKNOWN if size is None else size)

    def entry(self, path: str) -> Entry | None:
        """What the registry says of it; one that it does not send a size for has size -1."""
        if path in self._pages:
            return Entry(FILE, len(self._pages[path]))
        digest = digest_of(path)
        if not digest:
            return None
        for kind in self._kinds.get(path, (BLOB,)):
            size = self._asked(path, kind, digest)
            if size is not None:
                self._kinds[path] = (kind,)
                return Entry(FILE, len(self._first) if path == self._root else size)
        return Entry(FILE, len(self._first)) if path == self._root else None

    def _asked(self, path: str, kind: str, digest: str) -> int | None:
        """The size that the registry says, or ``None`` for what is not there."""
        try:
            said = self._registry.head(kind, self._image.repository, digest)
        except RegistryError:
            # Reading it will say why.
            return _UNKNOWN
        if said.status == 404 and path != self._root:
            return None
        self._answers.append((path, said))
        if said.length is None or said.status != 200:
            return _UNKNOWN
        self._sizes[path] = max(self._sizes.get(path, _UNKNOWN), said.length)
        return said.length

    def children(self, _path: str) -> list[str]:
        """None: a registry has no folders."""
        return []

    def attached(self, path: str) -> Iterator[str]:
        """The pages of the list of referrers; each is held until it is read."""
        digest = digest_of(path)
        if not digest:
            return
        pages = self._registry.referrers(self._image.repository, digest)
        for number, page in enumerate(pages):
            name = f"{REFERRERS}{path.removeprefix('blobs/')}" + (f"/{number}" if number else "")
            self._answers.append((name, page.said))
            if _NO_REFERRERS in page.data:
                self._pages[name] = page.data
                yield name

    # --- Content

    def open(self, path: str) -> Body:
        """Open a manifest or a blob. Raises :class:`Unreadable`."""
        kind, digest = self._kinds.get(path, (BLOB,))[0], digest_of(path)
        if not digest:
            raise Unreadable(f"{path}: a registry has nothing there")
        return self._registry.open(kind, self._image.repository, digest, self._sizes.get(path, _UNKNOWN))

    def read(self, path: str, limit: int) -> bytes:
        """The first ``limit`` bytes of a document. Raises :class:`Unreadable`."""
        if path == self._root:
            return self._first[:limit]
        if path in self._pages:
            return self._pages[path][:limit]
        kind, digest = self._kinds.get(path, (BLOB,))[0], digest_of(path)
        try:
            data, said = self._registry.read(kind, self._image.repository, digest, limit)
        except NotThere as error:
            self._answers.append((path, Answer("GET", kind, digest, error.status)))
            raise
        self._answers.append((path, said))
        return data

    def opener(self, path: str) -> RemotePart:
        """Opens it here, and wherever the registry can be reached."""
        kind, size = self._kinds.get(path, (BLOB,))[0], self._sizes.get(path, _UNKNOWN)
        return RemotePart(self._registry, kind, self._image.repository, digest_of(path), size)

    def elsewhere(self, path: str) -> RemotePart:
        """The same."""
        return self.opener(path)

    def answers(self) -> list[tuple[str, Answer]]:
        """What the registry said, but for that of blobs that were read."""
        return self._answers

    # --- What users see

    def shown(self, path: str) -> str:
        """Repository and digest."""
        digest = digest_of(path)
        if digest:
            return f"{self._image.place}@{digest}"
        if path.startswith(REFERRERS):
            algorithm, encoded = path.removeprefix(REFERRERS).split("/")[:2]
            return f"{self._image.place}@{algorithm}:{encoded} (referrers)"
        return self.name

    def interrupt(self) -> None:
        """Let nothing wait for the registry any more."""
        self._registry.stop()

    def close(self) -> None:
        """Close the connections."""
        self._registry.close()


def kinds_of(role: str, kind: str) -> tuple[str, ...]:
    """As what a registry is asked for the target of a descriptor, by its role and its kind of blob."""
    if role in ("config", "layer"):
        return (BLOB,)
    return (MANIFEST,) if kind in ("index", "manifest") else (MANIFEST, BLOB)


def path_of(digest: str) -> str:
    """Where a digest stands in a layout."""
    return f"blobs/{digest.replace(':', '/', 1)}"


def digest_of(path: str) -> str:
    """The digest at a path, or nothing."""
    parts = path.split("/")
    return f"{parts[1]}:{parts[2]}" if len(parts) == 3 and parts[0] == "blobs" else ""
