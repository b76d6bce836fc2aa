"""A registry, or one repository in it, asked by the distribution API: what no tag leads to is not seen.

Manifests and blobs are asked for at different places. Whatever reads an image says first what it takes a digest for
(:meth:`RemoteStore.meet`); what is asked for without that may be either.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ocivalidate.audit.oddities import NO_CURRENT, UNREADABLE
from ocivalidate.audit.store import TAG, Early, Held, Link, Odd, Store
from ocivalidate.audit.stores.ahead import Fallbacks, Several
from ocivalidate.audit.stores.asking import LARGEST_DOCUMENT, Asking, Role, role_of
from ocivalidate.audit.stores.hearsay import Hearsay
from ocivalidate.errors import Unreadable
from ocivalidate.image.layers.blob import Opener
from ocivalidate.image.sources.remote import RemotePart, Unavailable, connect
from ocivalidate.jsontext.documents import read_document
from ocivalidate.registry.answers import BLOB, MANIFEST, REFERRERS, Answer
from ocivalidate.registry.failing import NotThere, RegistryError
from ocivalidate.registry.names import parse_place
from ocivalidate.registry.options import RegistryOptions
from ocivalidate.vocabulary import digests

if TYPE_CHECKING:
    from ocivalidate.registry.client import Page, Registry

_EITHER: Final = (MANIFEST, BLOB)
# Registries take no larger ones.
_LARGEST_DOCUMENT = 8 << 20

_MOST_ODD: Final = 10_000


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
        self._heard = Hearsay()
        self._asking = Asking(registry, self._heard)
        self._several = Several()
        self._fallbacks = Fallbacks()
        self._met, self._role = ("", ""), Role()
        self._odd: dict[Odd, None] = {}

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
        self._fallbacks.begin(repository)
        tags = ((tag, self._asking.is_sample(MANIFEST)) for tag in self._registry.tags(repository))
        for link, odd in self._several.in_order(partial(self._link, repository), tags):
            if odd is not None:
                self._note(odd)
            self._fallbacks.take(link)
            yield link

    def _link(self, repository: str, asked: tuple[str, bool]) -> tuple[Link, Odd | None]:
        tag, look = asked
        digest, path, odd = "", f"{repository}:{tag}", None
        try:
            digest = self._digest_of(repository, tag, look=look)
        except RegistryError as error:
            if not error.status:
                raise
            # The registry is there, and cannot say what this tag is.
            odd = Odd(UNREADABLE, path, str(error), repository=repository, tag=tag)
        else:
            if not digest:
                text = "the tag is listed, and the registry does not have it"
                odd = Odd(NO_CURRENT, path, text, repository=repository, tag=tag)
        return Link(repository, TAG, digest, tag, path), odd

    def _digest_of(self, repository: str, tag: str, *, look: bool) -> str:
        """The digest of what a tag leads to: as the registry says it, if it has that; else of what it gives."""
        if not look:
            try:
                found = self._asking.by_name(repository, tag)
            except NotThere:
                return ""
            if found:
                return found
        said = self._registry.head(MANIFEST, repository, tag)
        if said.status == 404:
            return ""
        named = digests.parse(said.digest or "") if said.status == 200 else None
        if named is not None and not digests.unverifiable(named) and self._has(repository, str(named)):
            return str(named)
        try:
            data, given = self._registry.read(MANIFEST, repository, tag, LARGEST_DOCUMENT)
        except NotThere:
            return str(named or "")
        self._lead_to(repository, tag, data, given)
        return given.computed

    def _has(self, repository: str, digest: str) -> bool:
        return self._asking.find(repository, digest, Role()) is not None

    def _lead_to(self, repository: str, tag: str, data: bytes, given: Answer) -> None:
        """Learn what a tag gives whose digest was not said, or is that of nothing."""
        key = (repository, given.computed)
        self._heard.take(*key, given, data)
        if not self._has(*key) and len(self._asking.by_tag) < _MOST_ODD:
            self._heard.take(*key, Answer("GET", MANIFEST, given.computed, 404))
            self._asking.by_tag[key] = tag
            self._asking.forget(key)

    def referrers(self, repository: str, digest: str) -> Iterator[str]:
        """The digests of those that refer to a manifest, by the API or by the tag that stands for it."""
        for page in self._pages(repository, digest):
            if page.said.kind == REFERRERS:
                # Not the digest of the list: it is told of the manifest. The tag that stands for one is a tag.
                self._heard.take(repository, digest, page.said._replace(computed=""))
            value = read_document(page.data).value
            listed = value.get("manifests") if isinstance(value, dict) else None
            for entry in listed if isinstance(listed, list) else ():
                found = digests.parse(str(entry.get("digest", ""))) if isinstance(entry, dict) else None
                if found is not None:
                    yield str(found)

    def _pages(self, repository: str, digest: str) -> Iterator[Page]:
        """The list of those that refer to a manifest; a tag that stands for one was listed, and read."""
        early, fallback = self._asking.early, self._fallbacks.of(repository, digest)
        held = f"{MANIFEST}s/{fallback}"
        data = early.get(held) if early is not None and fallback else None
        known = None if fallback is None else () if not fallback else None if data is None else (data,)
        return self._registry.referrers(repository, digest, known)

    # --- Blobs

    def begin(self, early: Early) -> None:
        """Learn what may be done ahead of time."""
        self._asking.early = early

    def meet(self, repository: str, digest: str, role: str, kind: str, size: int | None) -> None:
        """Learn as what a digest is asked for next."""
        self._met, self._role = (repository, digest), role_of(role, kind, size)

    def find(self, repository: str, digest: str) -> Held | None:
        """What the repository has under a digest; the same blob of two repositories is one."""
        role = self._role if self._met == (repository, digest) else Role()
        return self._asking.find(repository, digest, role)

    # It keeps what it found itself, and learns more.
    found = find

    def is_there(self, held: Held) -> bool:
        """Whether the registry says so, of a blob that was taken to be there until it was read."""
        if self._asking.is_seen(held):
            return True
        key, kind = (held.repository, held.digest), _kind(held)
        found = self._asking.look(*key, Role((kind,), size=held.size))
        self._asking.forget(key)
        self._asking.learn(key, found)
        return found is not None

    def opener(self, held: Held) -> Opener:
        """Opens a blob here, and wherever the registry can be reached; what is said beside a manifest is noted here."""
        kind = _kind(held)
        asked = self._asking.by_tag.get((held.repository, held.digest), held.digest)
        part = RemotePart(self._registry, kind, held.repository, asked, held.size)
        return _Noting(part, held.digest, self._heard) if kind == MANIFEST else part

    def answers(self, held: Held) -> Iterator[Answer]:
        """What the registry said beside a blob."""
        return self._heard.of(held, _kind(held), seen=self._asking.is_seen(held))

    def _note(self, odd: Odd) -> None:
        if len(self._odd) < _MOST_ODD:
            self._odd[odd] = None

    def oddities(self) -> Iterator[Odd]:
        """What the registry said that is wrong."""
        yield from self._odd

    def close(self) -> None:
        """Close the connections."""
        self._several.close()
        self._registry.close()


def _kind(held: Held) -> str:
    return MANIFEST if held.path.startswith(f"{MANIFEST}s/") else BLOB


class _Noting:
    """Opens a manifest, which is read at once; in another process it is opened as anything else."""

    def __init__(self, part: RemotePart, digest: str, heard: Hearsay) -> None:
        self._part = part
        self._digest = digest
        self._heard = heard

    def __call__(self) -> io.BytesIO:
        part = self._part
        try:
            data, said = part.registry.read(part.kind, part.repository, part.digest, LARGEST_DOCUMENT)
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
