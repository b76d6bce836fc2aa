"""A registry, or one repository in it, asked by the distribution API: what no tag leads to is not seen.

Manifests and blobs are asked for at different places. Whatever reads an image says first what it takes a digest for
(:meth:`RemoteStore.meet`); what is asked for without that may be either.
"""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from ocivalidate.audit.oddities import NO_CURRENT, UNREADABLE
from ocivalidate.audit.store import TAG, Held, Link, Odd, Store
from ocivalidate.audit.stores.hearsay import Hearsay
from ocivalidate.errors import Unreadable
from ocivalidate.image.layers.blob import Opener
from ocivalidate.image.sources.remote import RemotePart, Unavailable, connect, kinds_of
from ocivalidate.jsontext.documents import read_document
from ocivalidate.registry.answers import BLOB, MANIFEST, REFERRERS, Answer
from ocivalidate.registry.failing import NotThere, RegistryError
from ocivalidate.registry.names import parse_place
from ocivalidate.registry.options import RegistryOptions
from ocivalidate.vocabulary import digests

if TYPE_CHECKING:
    from ocivalidate.registry.client import Registry

_EITHER: Final = (MANIFEST, BLOB)
_MOST_KNOWN, _MOST_ODD = 50_000, 10_000
# Registries take no larger ones.
_LARGEST_DOCUMENT = 8 << 20


def open_registry(name: str, options: RegistryOptions) -> RemoteStore:
    """Open ``docker://HOST`` or ``docker://HOST/NAME``. Raises :class:`Unreadable`."""
    host, repository = parse_place(name)
    return RemoteStore(name, connect(host, options), repository)


class RemoteStore(Store):
    """A registry. ``repository``: the only one that counts; empty: all of its catalog."""

    form = "registry"
    complete = False
    served = True

    def __init__(self, name: str, registry: Registry, repository: str = "") -> None:
        self.name = name
        self._registry = registry
        self._repository = repository
        self._met: tuple[str, str] = ("", "")
        self._kinds: tuple[str, ...] = _EITHER
        self._size = -1
        # Each image is walked over twice, and what images share is asked for by each.
        self._known: OrderedDict[tuple[str, str], Held | None] = OrderedDict()
        self._odd: dict[Odd, None] = {}
        self._heard = Hearsay()
        # What a registry gives by its tag alone: repository and digest → tag.
        self._by_tag: dict[tuple[str, str], str] = {}

    # --- Lists

    def repositories(self) -> Iterator[str]:
        """The repositories of the catalog, or the only one."""
        if self._repository:
            yield self._repository
            return
        try:
            yield from self._registry.repositories()
        except NotThere as error:
            problem = f"{error}: without a catalog, name repositories: docker://{self._registry.host}/NAME"
        else:
            return
        raise Unreadable(problem)

    def links(self, repository: str) -> Iterator[Link]:
        """The tags, each with the digest that it has now."""
        for tag in self._registry.tags(repository):
            digest, path = "", f"{repository}:{tag}"
            try:
                digest = self._digest_of(repository, tag)
            except RegistryError as error:
                if not error.status:
                    raise
                # The registry is there, and cannot say what this tag is.
                self._note(Odd(UNREADABLE, path, str(error), repository=repository, tag=tag))
            else:
                if not digest:
                    text = "the tag is listed, and the registry does not have it"
                    self._note(Odd(NO_CURRENT, path, text, repository=repository, tag=tag))
            yield Link(repository, TAG, digest, tag, path)

    def _digest_of(self, repository: str, tag: str) -> str:
        """The digest of what a tag leads to: as the registry says it, if it has that; else of what it gives."""
        said = self._registry.head(MANIFEST, repository, tag)
        if said.status == 404:
            return ""
        named = digests.parse(said.digest or "") if said.status == 200 else None
        if named is not None and not digests.unverifiable(named) and self.find(repository, str(named)) is not None:
            return str(named)
        try:
            data, given = self._registry.read(MANIFEST, repository, tag, _LARGEST_DOCUMENT)
        except NotThere:
            return str(named or "")
        self._lead_to(repository, tag, data, given)
        return given.computed

    def _lead_to(self, repository: str, tag: str, data: bytes, given: Answer) -> None:
        """Learn what a tag gives whose digest was not said, or is that of nothing."""
        key = (repository, given.computed)
        self._heard.take(*key, given, data)
        if self.find(*key) is None and len(self._by_tag) < _MOST_ODD:
            self._heard.take(*key, Answer("GET", MANIFEST, given.computed, 404))
            self._by_tag[key] = tag
            self._known.pop(key)

    def referrers(self, repository: str, digest: str) -> Iterator[str]:
        """The digests of those that refer to a manifest, by the API or by the tag that stands for it."""
        for page in self._registry.referrers(repository, digest):
            if page.said.kind == REFERRERS:
                # Not the digest of the list: it is told of the manifest. The tag that stands for one is a tag.
                self._heard.take(repository, digest, page.said._replace(computed=""))
            value = read_document(page.data).value
            listed = value.get("manifests") if isinstance(value, dict) else None
            for entry in listed if isinstance(listed, list) else ():
                found = digests.parse(str(entry.get("digest", ""))) if isinstance(entry, dict) else None
                if found is not None:
                    yield str(found)

    # --- Blobs

    def meet(self, repository: str, digest: str, role: str, kind: str, size: int | None) -> None:
        """Learn as what a digest is asked for next."""
        self._met, self._kinds = (repository, digest), kinds_of(role, kind)
        self._size = -1 if size is None else size

    def find(self, repository: str, digest: str) -> Held | None:
        """What the repository has under a digest; the same blob of two repositories is one."""
        key = (repository, digest)
        kinds = self._kinds if self._met == key else _EITHER
        if key not in self._known:
            self._known[key] = self._asked(repository, digest, kinds)
            while len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]

    # It keeps what it found itself, and learns more.
    found = find

    def _asked(self, repository: str, digest: str, kinds: tuple[str, ...]) -> Held | None:
        for kind in kinds:
            size, path = self._size_of(repository, digest), f"{kind}s/{digest}"
            try:
                said = self._registry.head(kind, repository, digest)
            except RegistryError as error:
                if not error.status:
                    raise
                # Reading it will say why.
                return Held(digest, size, path, repository)
            if said.status != 404:
                self._heard.take(repository, digest, said)
                # Where it does not say the size, the descriptor's does to end what has no end.
                size = said.length if said.status == 200 and said.length is not None else size
                return Held(digest, size, path, repository)
        if (repository, digest) in self._by_tag:
            return Held(digest, -1, f"{MANIFEST}s/{digest}", repository)
        return None

    def _size_of(self, repository: str, digest: str) -> int:
        return self._size if self._met == (repository, digest) else -1

    def opener(self, held: Held) -> Opener:
        """Opens a blob here, and wherever the registry can be reached; what is said beside a manifest is noted here."""
        kind = MANIFEST if held.path.startswith(f"{MANIFEST}s/") else BLOB
        asked = self._by_tag.get((held.repository, held.digest), held.digest)
        part = RemotePart(self._registry, kind, held.repository, asked, held.size)
        return _Noting(part, held.digest, self._heard) if kind == MANIFEST else part

    def answers(self, held: Held) -> Iterator[Answer]:
        """What the registry said beside a blob."""
        kind = MANIFEST if held.path.startswith(f"{MANIFEST}s/") else BLOB
        return self._heard.of(held, kind)

    def _note(self, odd: Odd) -> None:
        if len(self._odd) < _MOST_ODD:
            self._odd[odd] = None

    def oddities(self) -> Iterator[Odd]:
        """What the registry said that is wrong."""
        yield from self._odd

    def close(self) -> None:
        """Close the connections."""
        self._registry.close()


class _Noting:
    """Opens a manifest, which is read at once; in another process it is opened as anything else."""

    def __init__(self, part: RemotePart, digest: str, heard: Hearsay) -> None:
        self._part = part
        self._digest = digest
        self._heard = heard

    def __call__(self) -> io.BytesIO:
        part = self._part
        try:
            data, said = part.registry.read(part.kind, part.repository, part.digest, _LARGEST_DOCUMENT)
        except RegistryError as error:
            if isinstance(error, NotThere):
                self._heard.take(part.repository, self._digest, Answer("GET", part.kind, part.digest, error.status))
            problem = Unavailable(str(error))
        else:
            self._heard.take(part.repository, self._digest, said, data)
            return io.BytesIO(data)
        raise problem

    def __reduce__(self) -> tuple[Any, ...]:
        return RemotePart, (self._part.registry, self._part.kind, self._part.repository, self._part.digest)
