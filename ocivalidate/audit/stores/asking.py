"""Asks a registry what it has under digests, from several threads, and no more often than it has to be.

A document is read at once instead of being looked at first, and a blob that the audit is going to read anyway is not
looked at: it is taken to be there until it is read. What HEAD says is judged by the first answers, which show how a
registry makes them; where one of these is odd, it goes on being asked.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from ocivalidate.audit.store import Early, Held
from ocivalidate.audit.stores.hearsay import Hearsay, is_usual
from ocivalidate.image.documents.media_types import kind_of
from ocivalidate.image.sources.remote import kinds_of
from ocivalidate.jsontext.documents import read_document
from ocivalidate.registry.answers import BLOB, MANIFEST, Answer
from ocivalidate.registry.failing import NotThere, RegistryError
from ocivalidate.vocabulary import digests

if TYPE_CHECKING:
    from ocivalidate.registry.client import Registry

# Registries take no larger ones.
LARGEST_DOCUMENT: Final = 8 << 20
_MOST_KNOWN: Final = 50_000
# So many blobs, and so many manifests, are looked at in any case.
_SAMPLE: Final = 16
_DEEPEST, _MOST_BELOW = 3, 64


class Role(NamedTuple):
    """As what a digest is asked for: the kinds of what it may be; a ``document``; its ``size``, -1 if nobody says."""

    kinds: tuple[str, ...] = (MANIFEST, BLOB)
    document: bool = False
    size: int = -1


def role_of(role: str, kind: str, size: int | None) -> Role:
    """That of a descriptor."""
    kinds = kinds_of(role, kind)
    return Role(kinds, kinds == (MANIFEST,) or kind == "config" == role, -1 if size is None else size)


class Asking:
    """What one registry has. ``by_tag``: what it gives by a tag alone: repository and digest → tag."""

    def __init__(self, registry: Registry, heard: Hearsay) -> None:
        self._registry = registry
        self._heard = heard
        self.early: Early | None = None
        self.by_tag: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()
        # Images share much, and each of them asks for it.
        self._known: OrderedDict[tuple[str, str], Held | None] = OrderedDict()
        # Those of them at which nobody has looked; of these the ones that came by a tag, with it.
        self._unseen: set[tuple[str, str]] = set()
        self._tagged: dict[tuple[str, str], str] = {}
        self._under_way: dict[str, threading.Event] = {}
        self._left = {MANIFEST: _SAMPLE, BLOB: _SAMPLE}
        self.odd = False

    def is_sample(self, kind: str) -> bool:
        """Whether what comes next is looked at before it is read: asked for one after the other."""
        self._left[kind] -= 1
        return self.early is None or self.odd or self._left[kind] >= 0

    def find(self, repository: str, digest: str, role: Role, *, ahead: bool = False) -> Held | None:
        """What a repository has under a digest; the same blob of two repositories is one.

        ``ahead``: nobody waits for it yet.
        """
        key = (repository, digest)
        mine = threading.Event()
        while True:
            with self._lock:
                if key in self._known and not (role.size >= 0 and key in self._tagged):
                    self._known.move_to_end(key)
                    return self._known[key]
                other = self._under_way.get(digest)
                if other is None:
                    self._under_way[digest] = mine
                    break
            other.wait()
        try:
            tag = self._tagged.pop(key, "")
            found = self._by_digest(key, tag) if tag else self._asked(repository, digest, role, ahead=ahead)
            self.learn(key, found)
        finally:
            with self._lock:
                del self._under_way[digest]
            mine.set()
        return found

    def learn(self, key: tuple[str, str], found: Held | None) -> None:
        """Put down what is found under a repository and a digest."""
        with self._lock:
            if found is None and key in self._tagged:
                # Meanwhile it came by a tag.
                return
            self._known[key] = found
            while len(self._known) > _MOST_KNOWN:
                old = self._known.popitem(last=False)[0]
                self._unseen.discard(old)
                self._tagged.pop(old, None)

    def forget(self, key: tuple[str, str]) -> None:
        """Ask again the next time."""
        with self._lock:
            self._known.pop(key, None)
            self._unseen.discard(key)

    def is_seen(self, held: Held) -> bool:
        """Whether the registry said something of a blob without sending it."""
        key = (held.repository, held.digest)
        return key in self._known and key not in self._unseen

    # --- Asking

    def _asked(self, repository: str, digest: str, role: Role, *, ahead: bool) -> Held | None:
        if len(role.kinds) == 1 and self.early is not None and (ahead or not self.is_sample(role.kinds[0])):
            held = Held(digest, role.size, f"{role.kinds[0]}s/{digest}", repository)
            if role.document and role.size < LARGEST_DOCUMENT and self.early.get(held.path) is None:
                return self._read(role.kinds[0], held)
            if not role.document and self.early.reads(held):
                with self._lock:
                    self._unseen.add((repository, digest))
                return held
        return self.look(repository, digest, role)

    def _by_digest(self, key: tuple[str, str], tag: str) -> Held | None:
        """What came by a tag, and something refers to by its digest: it has to be there by that too."""
        # By now it may have been forgotten, or is about to be put down.
        before = self._known.get(key)
        self._unseen.discard(key)
        found = self.look(*key, Role((MANIFEST,)))
        if found is None:
            self._heard.take(*key, Answer("GET", MANIFEST, key[1], 404))
            self.by_tag[key] = tag
        return found or before

    def look(self, repository: str, digest: str, role: Role) -> Held | None:
        """What the registry says of a digest without sending what it has."""
        for kind in role.kinds:
            size, path = role.size, f"{kind}s/{digest}"
            try:
                said = self._registry.head(kind, repository, digest)
            except RegistryError as error:
                if not error.status:
                    raise
                # Reading it will say why.
                return Held(digest, size, path, repository)
            if said.status != 404:
                self._heard.take(repository, digest, said)
                self.odd = self.odd or not is_usual(digest, said)
                # Where it does not say the size, the descriptor's does to end what has no end.
                size = said.length if said.status == 200 and said.length is not None else size
                return Held(digest, size, path, repository)
        if (repository, digest) in self.by_tag:
            return Held(digest, -1, f"{MANIFEST}s/{digest}", repository)
        return None

    def _read(self, kind: str, held: Held) -> Held | None:
        """Read a document at once, and keep it until it is asked for."""
        try:
            data, said = self._registry.read(kind, held.repository, held.digest, LARGEST_DOCUMENT)
        except NotThere:
            known = (held.repository, held.digest) in self.by_tag
            return held if known and kind == MANIFEST else None
        except RegistryError as error:
            if not error.status:
                raise
            # Reading it again will say why.
            return held
        if kind == MANIFEST:
            self._heard.take(held.repository, held.digest, said, data)
        return self.kept(held, data)

    def kept(self, held: Held, data: bytes) -> Held:
        """Keep a document that nobody has looked at before it was read."""
        with self._lock:
            self._unseen.add((held.repository, held.digest))
        if len(data) >= LARGEST_DOCUMENT:
            return held
        if self.early is not None:
            self.early.keep(held.path, data)
        return held._replace(size=len(data))

    # --- Tags

    def by_name(self, repository: str, tag: str) -> str:
        """Read what a tag leads to at once, and what is below; its digest, if all that was said of it is right."""
        data, said = self._registry.read(MANIFEST, repository, tag, LARGEST_DOCUMENT)
        digest = said.computed
        said = said._replace(asked=digest)
        if len(data) >= LARGEST_DOCUMENT or not is_usual(digest, said, data):
            return ""
        self._heard.take(repository, digest, said, data)
        key = (repository, digest)
        if self._known.get(key) is None:
            self._tagged[key] = tag
            self.learn(key, self.kept(Held(digest, len(data), f"{MANIFEST}s/{digest}", repository), data))
        self._read_below(repository, data)
        return digest

    def _read_below(self, repository: str, data: bytes) -> None:
        """Read the documents to which one refers, while nobody waits for them. The walk asks again for what fails."""
        waiting, count = [(data, 0)], 0
        while waiting:
            document, depth = waiting.pop()
            for digest, role in _documents(document):
                count += 1
                if count > _MOST_BELOW:
                    return
                try:
                    held = self.find(repository, digest, role, ahead=True)
                except RegistryError:
                    return
                if held is not None and role.kinds == (MANIFEST,) and depth < _DEEPEST and self.early is not None:
                    waiting.append((self.early.get(held.path) or b"", depth + 1))


def _documents(data: bytes) -> Iterator[tuple[str, Role]]:
    """The digests of the documents to which an index or a manifest refers."""
    value = read_document(data).value
    if not isinstance(value, dict):
        return
    listed = value.get("manifests")
    entries = [("manifest", one) for one in listed] if isinstance(listed, list) else []
    for role, entry in (*entries, ("config", value.get("config"))):
        if not isinstance(entry, dict):
            continue
        digest, size = digests.parse(str(entry.get("digest", ""))), entry.get("size")
        found = role_of(role, kind_of(str(entry.get("mediaType", ""))), size if type(size) is int else None)
        if digest is not None and found.document:
            yield str(digest), found
