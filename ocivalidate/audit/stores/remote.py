"""A registry, or one repository in it, asked by the distribution API: what no tag leads to is not seen.

Manifests and blobs are asked for at different places. Whatever reads an image says first what it takes a digest for
(:meth:`RemoteStore.meet`); what is asked for without that may be either.
"""

from __future__ import annotations

import io
import json
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from ocivalidate.audit.oddities import HEAD_DIGEST, NO_CURRENT, SERVED_DIGEST, SERVED_TYPE
from ocivalidate.audit.store import TAG, Held, Link, Odd, Store
from ocivalidate.errors import Unreadable
from ocivalidate.image.layers.blob import Opener
from ocivalidate.image.sources.remote import RemotePart, connect, kinds_of
from ocivalidate.jsontext.documents import read_document
from ocivalidate.registry.answers import BLOB, MANIFEST, Answer
from ocivalidate.registry.failing import NotThere, RegistryError
from ocivalidate.registry.names import parse_place
from ocivalidate.registry.options import RegistryOptions
from ocivalidate.vocabulary import digests
from ocivalidate.vocabulary.wording import shortened

if TYPE_CHECKING:
    from ocivalidate.registry.client import Registry

_EITHER: Final = (MANIFEST, BLOB)
_MOST_KNOWN, _MOST_ODD = 50_000, 10_000
# Registries take no larger ones.
_LARGEST_DOCUMENT = 8 << 20
_LONGEST = 100


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
            digest = self._digest_of(repository, tag)
            if not digest:
                text = "the tag is listed, and the registry does not have it"
                self._note(Odd(NO_CURRENT, f"{repository}:{tag}", text, repository=repository, tag=tag))
            yield Link(repository, TAG, digest, tag, f"{repository}:{tag}")

    def _digest_of(self, repository: str, tag: str) -> str:
        """The digest of what a tag leads to, as the registry says it, or computed where it does not; or nothing."""
        said = self._registry.head(MANIFEST, repository, tag)
        if said.status == 404:
            return ""
        named = digests.parse(said.digest or "")
        if said.status == 200 and named is not None and not digests.unverifiable(named):
            return str(named)
        try:
            return self._registry.read(MANIFEST, repository, tag, _LARGEST_DOCUMENT)[1].computed
        except NotThere:
            return ""

    def referrers(self, repository: str, digest: str) -> Iterator[str]:
        """The digests of those that refer to a manifest, by the API or by the tag that stands for it."""
        for page in self._registry.referrers(repository, digest):
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

    def _asked(self, repository: str, digest: str, kinds: tuple[str, ...]) -> Held | None:
        for kind in kinds:
            said = self._registry.head(kind, repository, digest)
            if said.status == 404:
                continue
            path = f"{kind}s/{digest}"
            if said.status == 200 and said.digest not in (None, digest) and _comparable(said, digest):
                text = f"HEAD says {shortened(said.digest or '', _LONGEST)} for another digest"
                self._note(Odd(HEAD_DIGEST, path, text, digest, repository))
            # Where it does not say the size, the descriptor's does to end what has no end.
            size = said.length if said.status == 200 and said.length is not None else self._size_of(repository, digest)
            return Held(digest, size, path, repository)
        return None

    def _size_of(self, repository: str, digest: str) -> int:
        return self._size if self._met == (repository, digest) else -1

    def opener(self, held: Held) -> Opener:
        """Opens a blob here, and wherever the registry can be reached; what is said beside a manifest is noted here."""
        kind = MANIFEST if held.path.startswith(f"{MANIFEST}s/") else BLOB
        part = RemotePart(self._registry, kind, held.repository, held.digest, held.size)
        return _Noting(part, lambda data, said: self._beside(held, data, said)) if kind == MANIFEST else part

    def _beside(self, held: Held, data: bytes, said: Answer) -> None:
        """Hold what was said beside a manifest against it."""
        if said.digest not in (None, held.digest) and _comparable(said, held.digest):
            text = f"it comes with Docker-Content-Digest {shortened(said.digest or '', _LONGEST)}"
            self._note(Odd(SERVED_DIGEST, held.path, text, held.digest, held.repository))
        stated = _media_type(data)
        written = (said.media_type or "").partition(";")[0].strip().lower()
        if stated and written != stated.lower():
            text = f"its Content-Type is {shortened(written or 'not there', _LONGEST)}, its mediaType {stated}"
            self._note(Odd(SERVED_TYPE, held.path, text, held.digest, held.repository))

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

    def __init__(self, part: RemotePart, note: Callable[[bytes, Answer], None]) -> None:
        self._part = part
        self._note = note

    def __call__(self) -> io.BytesIO:
        part = self._part
        try:
            data, said = part.registry.read(part.kind, part.repository, part.digest, _LARGEST_DOCUMENT)
        except RegistryError as error:
            problem = OSError(str(error))
        else:
            self._note(data, said)
            return io.BytesIO(data)
        raise problem

    def __reduce__(self) -> tuple[Any, ...]:
        return RemotePart, (self._part.registry, self._part.kind, self._part.repository, self._part.digest)


def _comparable(said: Answer, digest: str) -> bool:
    """Whether a digest that was said is of the same algorithm, or none at all."""
    named = digests.parse(said.digest or "")
    return named is None or digest.startswith(f"{named.algorithm}:")


def _media_type(data: bytes) -> str:
    """The media type that a document states, or nothing."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return ""
    stated = value.get("mediaType") if isinstance(value, dict) else None
    return stated[:_LONGEST] if isinstance(stated, str) else ""
