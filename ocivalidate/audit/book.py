"""What an audit keeps of what it reads: sets that grow with the registry, in a file, so that memory stays flat.

What is held, what is known of bytes, and what repositories refer to; :mod:`verdicts` has what is wrong with it.
"""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate

from ocivalidate.audit.rows import Unit, Wanted, wanted_of
from ocivalidate.audit.store import LAYER, TAG, Held, Link
from ocivalidate.audit.verdicts import Verdicts
from ocivalidate.image.layers.blob import BlobFacts
from ocivalidate.image.stacks import Trail

# Facts of layers that many images share are at hand for the next one.
_FACTS_AT_HAND = 128
_MOST_LATELY = 8192
_QUICK = 1
# To compress less than that takes longer than to write it.
_SMALL = 4096
# What refers to a blob: nothing, something that is no image, an image with which it is judged.
_ALONE, _JUDGED = 1, 2


class Book(Verdicts):
    """The book of one audit. ``path``: where to keep it (default: a temporary file, in the folder for such)."""

    def __init__(self, path: str = "") -> None:
        super().__init__(path)
        self._at_hand: dict[str, BlobFacts] = {}
        self._lately: set[tuple[object, ...]] = set()

    def is_new(self, *said: object) -> bool:
        """Whether something has not been put down lately: images share much."""
        if said in self._lately:
            return False
        if len(self._lately) >= _MOST_LATELY:
            self._lately.clear()
        self._lately.add(said)
        return True

    # --- What is held

    def list_held(self, listed: Iterable[Held]) -> None:
        """Put down blobs that a storage lists."""
        statement = "INSERT OR IGNORE INTO held(path, digest, size, repository, listed) VALUES(?, ?, ?, ?, 1)"
        rows = ((one.path, one.digest, one.size, one.repository) for one in listed)
        self.do_each(statement, rows)

    def use(self, wanted: Wanted, *, alone: bool = False) -> bool:
        """Put down that something refers to a blob, and as what; whether that may be new.

        ``alone``: what refers to it is not judged as an image, so that the blob has to be judged by itself.
        """
        held = wanted.held
        if not self.is_new("used", held.path, wanted.layer, wanted.diffs, alone):
            return False
        statement = (
            "INSERT INTO held(path, digest, size, repository, listed, used, layer) VALUES(?, ?, ?, ?, 0, ?, ?) "
            "ON CONFLICT DO UPDATE SET used = max(used, excluded.used), layer = max(layer, excluded.layer)"
        )
        used = _ALONE if alone else _JUDGED
        self.do(statement, held.path, held.digest, held.size, held.repository, used, wanted.layer)
        if not wanted.diffs:
            return True
        known = self.one("SELECT diffs FROM held WHERE path = ?", held.path)
        every = ",".join(sorted({*filter(None, known.split(",")), *wanted.diffs}))
        if every != known:
            self.do("UPDATE held SET diffs = ?, done = min(done, 1) WHERE path = ?", every, held.path)
        return True

    def use_elsewhere(self, digest: str) -> None:
        """Put down that a repository refers to a blob that it does not hand out, and that others may hold."""
        self.do("UPDATE held SET used = max(used, ?) WHERE digest = ?", _ALONE, digest)

    def repository_of(self, path: str) -> str | None:
        """The repository through which a blob is read; ``None`` if nothing refers to it yet."""
        found = self.one("SELECT repository FROM held WHERE path = ?", path)
        return None if found is None else str(found)

    def move(self, held: Held) -> None:
        """Put down that a blob is read through another repository, as it could not be read."""
        statement = "UPDATE held SET repository = ?, size = ?, done = 0 WHERE path = ?"
        self.do(statement, held.repository, held.size, held.path)

    def drop(self, path: str) -> None:
        """Put down that a blob is not there after all."""
        with self._lock:
            self.do("DELETE FROM held WHERE path = ?", path)
            self.do("DELETE FROM facts WHERE path = ?", path)
            self._lately.discard(("facts", path))
            self._at_hand.pop(path, None)

    def naming(self, digest: str) -> Iterator[str]:
        """The repositories of which a manifest names a blob."""
        question = "SELECT repository FROM named WHERE digest = ? ORDER BY repository"
        return (repository for (repository,) in self.rows(question, digest))

    def miss(self, path: str) -> None:
        """Put down that a blob was not there when it was to be read."""
        self.do("INSERT OR IGNORE INTO missed VALUES(?)", path)

    def missed(self) -> Iterator[Held]:
        """The blobs that were not there."""
        question = "SELECT digest, size, path, repository FROM held WHERE path IN missed ORDER BY path"
        return (Held(*row) for row in self.rows(question))

    def wanted(self, path: str) -> Wanted | None:
        """The blob at a path, if not all is known of it that is wanted."""
        question = "SELECT path, digest, size, repository, layer, diffs FROM held WHERE path = ? AND done <= layer"
        row = self.do(question, path).fetchone()
        return None if row is None else wanted_of(row)

    def unverified(self) -> Iterator[Wanted]:
        """The blobs of which not all is known that is wanted, the largest first."""
        question = (
            "SELECT path, digest, size, repository, layer, diffs FROM held WHERE done <= layer ORDER BY size DESC, path"
        )
        return map(wanted_of, self.rows(question))

    def small(self, most: int) -> Iterator[Held]:
        """The blobs that have at most so many bytes."""
        question = "SELECT digest, size, path, repository FROM held WHERE size BETWEEN 1 AND ?"
        return (Held(*row) for row in self.rows(question, most))

    def not_judged(self) -> Iterator[Held]:
        """The blobs that were judged with no image, of which the bytes are known."""
        question = (
            "SELECT digest, size, path, repository FROM held WHERE used < ? AND NOT judged AND done ORDER BY path"
        )
        return (Held(*row) for row in self.rows(question, _JUDGED))

    def set_judged(self, path: str) -> None:
        """Put down that a blob was judged with the layout that holds it, though nothing refers to it."""
        if self.is_new("judged", path):
            self.do("UPDATE held SET judged = 1 WHERE path = ?", path)

    # --- What is known of bytes

    def keep_facts(self, path: str, facts: BlobFacts, wanted: Wanted | None = None) -> bool:
        """Put down what was found out about a blob as what it was ``wanted``; else, of a document, about its bytes.

        Whether nothing was known of the document before.
        """
        if wanted is None:
            if not self.is_new("facts", path):
                return False
            done = self.do("INSERT OR IGNORE INTO facts(path, facts) VALUES(?, ?)", path, pickle.dumps(facts))
            self.do("UPDATE held SET done = max(done, 1) WHERE path = ?", path)
            return done.rowcount > 0
        with self._lock:
            self.do("INSERT OR REPLACE INTO facts(path, facts) VALUES(?, ?)", path, pickle.dumps(facts))
            # Meanwhile more may have turned out to be wanted.
            statement = "UPDATE held SET done = CASE WHEN layer <= ? AND diffs = ? THEN ? ELSE 1 END WHERE path = ?"
            self.do(statement, wanted.layer, ",".join(sorted(wanted.diffs)), 1 + wanted.layer, path)
            self._at_hand.pop(path, None)
        return False

    def facts(self, path: str) -> BlobFacts | None:
        """What is known about a blob."""
        with self._lock:
            found = self._at_hand.pop(path, None) or self._load_facts(path)
            if found is not None:
                self._at_hand[path] = found
                if len(self._at_hand) > _FACTS_AT_HAND:
                    del self._at_hand[next(iter(self._at_hand))]
        return found

    def _load_facts(self, path: str) -> BlobFacts | None:
        data = self.one("SELECT facts FROM facts WHERE path = ?", path)
        found: BlobFacts | None = None if data is None else pickle.loads(data)  # noqa: S301  # written by this process
        return found

    def keep_document(self, path: str, data: bytes) -> None:
        """Keep the bytes of a document, so that it is read once."""
        packed = len(data) > _SMALL
        kept = zlib.compress(data, _QUICK) if packed else data
        self.do("INSERT OR IGNORE INTO documents VALUES(?, ?, ?)", path, kept, packed)

    def document(self, path: str) -> bytes | None:
        """The bytes of a document that was read."""
        row = self.do("SELECT data, packed FROM documents WHERE path = ?", path).fetchone()
        if row is None:
            return None
        data: bytes = zlib.decompress(row[0]) if row[1] else row[0]
        return data

    def trail(self, path: str, read: Callable[[], Trail]) -> Trail:
        """The trail of a layer, which is read for it once."""
        packed = self.one("SELECT trail FROM trails WHERE path = ?", path)
        if packed is not None:
            return Trail(*pickle.loads(zlib.decompress(packed)))  # noqa: S301  # written by this process
        found = read()
        packed = zlib.compress(pickle.dumps(tuple(found)), _QUICK)
        self.do("INSERT OR REPLACE INTO trails VALUES(?, ?)", path, packed)
        return found

    # --- Repositories

    def add_link(self, link: Link) -> None:
        """Put down something that names a blob."""
        self.do("INSERT INTO links VALUES(?, ?, ?, ?, ?)", link.repository, link.kind, link.tag, link.digest, link.path)

    def links(self, repository: str, kind: str) -> Iterator[Link]:
        """The links of a repository, of a kind."""
        question = "SELECT repository, kind, digest, tag, path FROM links WHERE repository = ? AND kind = ?"
        return (Link(*row) for row in self.rows(question, repository, kind))

    def tags_of(self, repository: str, digest: str) -> list[str]:
        """The tags that lead to a digest."""
        question = "SELECT DISTINCT tag FROM links WHERE repository = ? AND kind = ? AND digest = ? ORDER BY tag"
        return [tag for (tag,) in self.rows(question, repository, TAG, digest)]

    def add_unit(self, repository: str, digest: str) -> bool:
        """Put down what is to be judged as one image; whether that is new."""
        done = self.do("INSERT OR IGNORE INTO units(repository, digest) VALUES(?, ?)", repository, digest)
        return done.rowcount > 0

    def set_old(self, repository: str, digest: str) -> None:
        """Put down that such a unit is a manifest of schema 1."""
        self.do("UPDATE units SET old = 1 WHERE repository = ? AND digest = ?", repository, digest)

    def fail(self, repository: str, digest: str, problem: str) -> None:
        """Put down why a unit could not be read, or with no digest all of its repository."""
        self.add_unit(repository, digest)
        self.do("UPDATE units SET problem = ? WHERE repository = ? AND digest = ?", problem, repository, digest)
        self.leave_open(repository)

    def leave_open(self, repository: str) -> None:
        """Put down that not all is known to which a repository refers."""
        self.do("INSERT OR IGNORE INTO left_open VALUES(?)", repository)

    def is_left_open(self) -> bool:
        """Whether there is a repository of which not all is known to which it refers."""
        return self.one("SELECT 1 FROM left_open LIMIT 1") is not None

    def units(self) -> Iterator[Unit]:
        """What is judged as one image."""
        question = "SELECT repository, digest, old, problem FROM units ORDER BY number"
        return (Unit(repository, digest, bool(old), why) for repository, digest, old, why in self.rows(question))

    def name(self, repository: str, digest: str, *, manifest: bool) -> None:
        """Put down that a manifest of a repository names a blob."""
        if not self.is_new("named", repository, digest, manifest):
            return
        statement = (
            "INSERT INTO named VALUES(?, ?, ?) ON CONFLICT DO UPDATE SET manifest = max(manifest, excluded.manifest)"
        )
        self.do(statement, repository, digest, manifest)

    def is_reached(self, repository: str, digest: str) -> bool:
        """Whether a manifest was come upon in a repository."""
        return bool(self.one("SELECT manifest FROM named WHERE repository = ? AND digest = ?", repository, digest))

    # --- What nothing refers to

    def unreferenced(self) -> Iterator[Held]:
        """The blobs that are held and that nothing refers to, as far as all is known that might do so."""
        question = "SELECT digest, size, path, repository FROM held WHERE listed AND NOT used ORDER BY path"
        found = (Held(*row) for row in self.rows(question))
        if not self.is_left_open():
            return found
        self.do("CREATE INDEX IF NOT EXISTS links_digest ON links(digest)")
        return (held for held in found if not self._may_be_used(held))

    def _may_be_used(self, held: Held) -> bool:
        """Whether a blob belongs, by a link or its place, to a repository that is left open."""
        question = "SELECT 1 FROM links WHERE digest = ? AND repository IN left_open LIMIT 1"
        if self.one(question, held.digest) is not None:
            return True
        folders = accumulate(held.path.split("/"), lambda above, name: f"{above}/{name}")
        return any(self.one("SELECT 1 FROM left_open WHERE repository = ?", folder) for folder in folders)

    def unreferenced_links(self) -> Iterator[Link]:
        """The links of repositories to blobs that their manifests do not refer to, but those of others do."""
        question = (
            "SELECT repository, kind, digest, tag, path FROM links l WHERE kind = ? AND path NOT IN odd "
            "AND NOT EXISTS(SELECT 1 FROM named n WHERE n.repository = l.repository AND n.digest = l.digest) "
            "AND EXISTS(SELECT 1 FROM held h WHERE h.digest = l.digest AND h.used) "
            "AND repository NOT IN left_open"
        )
        return (Link(*row) for row in self.rows(question, LAYER))

    def dangling_links(self) -> Iterator[Link]:
        """The links, other than tags, to blobs that are not held and to which no manifest refers."""
        question = (
            "SELECT repository, kind, digest, tag, path FROM links l WHERE kind != ? AND path NOT IN odd "
            "AND NOT EXISTS(SELECT 1 FROM held h WHERE h.digest = l.digest) "
            "AND NOT EXISTS(SELECT 1 FROM named n WHERE n.repository = l.repository AND n.digest = l.digest)"
        )
        return (Link(*row) for row in self.rows(question, TAG))

    # --- What it comes to

    def held_in_all(self) -> tuple[int, int]:
        """How many blobs are known to be held, and their bytes."""
        return self._sums("SELECT count(*), coalesce(sum(max(size, 0)), 0) FROM held")

    def unreferenced_in_all(self) -> tuple[int, int]:
        """How many blobs nothing refers to, and their bytes."""
        return self._sums("SELECT count(*), coalesce(sum(max(size, 0)), 0) FROM held WHERE listed AND NOT used")

    def _sums(self, question: str) -> tuple[int, int]:
        number, size = self.do(question).fetchone()
        return int(number), int(size)
