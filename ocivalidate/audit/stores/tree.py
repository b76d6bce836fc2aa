"""The storage of distribution and harbor: ``docker/registry/v2`` with ``blobs`` and ``repositories``.

A blob is ``blobs/ALGORITHM/XX/HEX/data``, XX being the first two digits of HEX. A repository owns it by a small file,
``link``, that holds its digest: ``_layers/ALGORITHM/HEX/link``, and for manifests
``_manifests/revisions/ALGORITHM/HEX/link``. A tag is ``_manifests/tags/TAG/current/link``. What distribution leaves
behind when it deletes is no oddity: folders of links without a ``link``, former manifests in the ``index`` of a tag.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from ocivalidate.audit import oddities
from ocivalidate.audit.store import LAYER, REVISION, SIGNATURE, TAG, Held, Link, Odd, Store, Upload
from ocivalidate.audit.stores import naming
from ocivalidate.audit.stores.files import FILE, FOLDER, Entry, Files, Opening, below, each_once, join, pieces, read
from ocivalidate.audit.stores.noting import Noted
from ocivalidate.audit.stores.shapes import ANY, PASSED, Placed, Shape, place
from ocivalidate.audit.stores.uploads import left_behind
from ocivalidate.audit.stores.whereabouts import Whereabouts
from ocivalidate.vocabulary import image_names
from ocivalidate.vocabulary.wording import shortened

BLOBS, REPOSITORIES = "blobs", "repositories"
_TAGS, _REVISIONS, _LAYERS, _UPLOADS = "_manifests/tags", "_manifests/revisions", "_layers", "_uploads"
_OF_A_REPOSITORY = frozenset({"_manifests", _LAYERS, _UPLOADS})
_DATA, _LINK = "data", "link"

_BLOB: Shape = {ANY: {ANY: {ANY: {_DATA: _DATA}}}}
_TAG: Shape = {ANY: {"current": {_LINK: TAG}, "index": PASSED}}
_REVISION: Shape = {ANY: {ANY: {_LINK: REVISION, "signatures": {ANY: {ANY: {_LINK: SIGNATURE}}}}}}
_LAYER: Shape = {ANY: {ANY: {_LINK: LAYER}}}
_DEPTH_OF_BLOB = 3
# No digest that is in use is longer; more than that is never read.
_LONGEST_LINK = 512
_READ_AT_ONCE = 256
_NO_FILE = -1


class TreeStore(Store):
    """A storage of distribution. ``base``: where ``blobs`` and ``repositories`` are in it."""

    form = "distribution"

    def __init__(self, files: Files, base: str = "") -> None:
        self.name = files.name
        self._files = files
        self._blobs = join(base, BLOBS)
        self._repositories = join(base, REPOSITORIES)
        self._noted = Noted(markers=files.remote)
        # What a listing told is not looked for again: a link lies eight folders deep, or takes a request.
        self._known = Whereabouts()

    # --- Blobs

    def blobs(self) -> Iterator[Held]:
        """All blobs, each in the folder that has its name."""
        for folder, entries in pieces(self._walk(self._blobs, _BLOB), self._blobs, _DEPTH_OF_BLOB):
            found = [*islice(self._fitting(entries, self._blobs, _BLOB), 1)]
            for _other in self._fitting(entries, self._blobs, _BLOB):
                pass
            if folder:
                yield from self._held(folder, found[0] if found else None)

    def _held(self, folder: str, entry: Entry | None) -> Iterator[Held]:
        algorithm, shard, encoded = folder.split("/")
        digest, path = naming.digest(algorithm, encoded), join(self._blobs, folder)
        if not digest:
            self._noted.note(Odd(oddities.NAME, path, naming.digest_problem(algorithm, encoded)))
        elif entry is None:
            self._noted.note(Odd(oddities.NO_DATA, path, f"the folder of {digest} holds no data", digest))
        elif shard != encoded[:2]:
            text = f"{digest} is looked for below {encoded[:2]}, and nobody finds it here"
            self._noted.note(Odd(oddities.SHARD, path, text, digest))
        else:
            self._known.put(digest, entry.path, entry.size)
            yield Held(digest, entry.size, entry.path)

    # --- Repositories

    def repositories(self) -> Iterator[str]:
        """The folders that hold what belongs to a repository, at any depth."""
        for name in each_once(self._named()):
            self._judge_name(name)
            yield name

    def _named(self) -> Iterator[str]:
        """The name of the repository for each folder that belongs to one."""
        top = self._repositories
        for entry in self._files.walk(top, lambda path: not path.rpartition("/")[2].startswith("_")):
            name = "/".join(below(top, entry.path)[:-1])
            if entry.kind == FOLDER and not entry.name.startswith("_"):
                continue
            if entry.kind == FOLDER and entry.name in _OF_A_REPOSITORY and name:
                yield name
            else:
                self._noted.entry(entry, "a repository")

    def _judge_name(self, name: str) -> None:
        if not image_names.is_repository(name):
            text = "no client can ask for a repository of this name"
            self._noted.note(Odd(oddities.REPOSITORY_NAME, join(self._repositories, name), text, repository=name))

    def links(self, repository: str) -> Iterator[Link]:
        """The tags, the manifests and the blobs of a repository."""
        found = self._link_files(repository)
        while batch := [*islice(found, _READ_AT_ONCE)]:
            readable = [link.path for link, size in batch if 0 < size <= _LONGEST_LINK]
            content = dict(self._files.contents(readable, _LONGEST_LINK + 1))
            for link, size in batch:
                yield self._read_link(link, size, content.get(link.path))

    def _link_files(self, repository: str) -> Iterator[tuple[Link, int]]:
        """The files that make links, and their sizes. The digest is that of their path, and of a tag none."""
        home = join(self._repositories, repository)
        folder = join(home, _TAGS)
        for tag, entries in pieces(self._walk(folder, _TAG), folder, 1):
            yield from self._tag(repository, tag, join(folder, tag), self._fitting(entries, folder, _TAG))
        for folder, shape in ((join(home, _REVISIONS), _REVISION), (join(home, _LAYERS), _LAYER)):
            for entry in self._fitting(self._walk(folder, shape), folder, shape):
                parts = below(folder, entry.path)
                kind, (algorithm, encoded) = place(shape, parts).kind, parts[-3:-1]
                digest = naming.digest(algorithm, encoded)
                if digest:
                    yield Link(repository, kind, digest, path=entry.path), entry.size
                else:
                    problem = naming.digest_problem(algorithm, encoded)
                    self._noted.note(Odd(oddities.NAME, entry.path, problem, repository=repository))

    def _tag(self, repository: str, tag: str, path: str, files: Iterable[Entry]) -> Iterator[tuple[Link, int]]:
        if tag and not image_names.is_tag(tag):
            text = "no client can ask for a tag of this name"
            self._noted.note(Odd(oddities.TAG_NAME, path, text, repository=repository, tag=tag))
        found = False
        for entry in files:
            found = True
            yield Link(repository, TAG, "", tag, entry.path), entry.size
        if tag and not found:
            yield Link(repository, TAG, "", tag, path), _NO_FILE

    def _read_link(self, link: Link, size: int, content: bytes | None) -> Link:
        """The link that a file makes; a tag names what it holds."""
        target = naming.link_digest(content)
        if size == _NO_FILE:
            text = f"the tag {link.tag} has no current/link, so it names nothing"
            self._note(oddities.NO_CURRENT, link, text)
        elif not target:
            self._note(oddities.LINK_CONTENT, link, f"{_content_in_words(size, content)}, and no digest")
        elif link.kind == TAG:
            return link._replace(digest=target)
        elif target != link.digest:
            self._note(oddities.LINK_PATH, link, f"it leads to {target}, and its path says {link.digest}")
        if target and link.kind in (LAYER, REVISION):
            self._known.put_link(link.repository, link.digest, target, first=link.kind == LAYER)
        return link

    def _note(self, kind: str, link: Link, text: str) -> None:
        self._noted.note(Odd(kind, link.path, text, link.digest, link.repository, link.tag))

    def find(self, repository: str, digest: str) -> Held | None:
        """The blob to which the repository has a link, as a blob or as a manifest."""
        algorithm, _colon, encoded = digest.partition(":")
        if not naming.digest(algorithm, encoded):
            return None
        known = self._known.link(repository, digest)
        if known:
            return self._data(known)
        for folder in (_LAYERS, _REVISIONS):
            path = f"{self._repositories}/{repository}/{folder}/{algorithm}/{encoded}/{_LINK}"
            target = naming.link_digest(read(self._files, path, _LONGEST_LINK + 1))
            if target:
                return self._data(target)
        return None

    def _data(self, digest: str) -> Held | None:
        algorithm, _colon, encoded = digest.partition(":")
        path = f"{self._blobs}/{algorithm}/{encoded[:2]}/{encoded}/{_DATA}"
        known = self._known.content(digest)
        if known:
            return Held(digest, known[1], known[0])
        entry = self._files.look(path)
        return Held(digest, entry.size, path) if entry and entry.kind == FILE else None

    # --- The rest

    def uploads(self) -> Iterator[Upload]:
        """Uploads that were neither finished nor given up."""
        for repository in self.repositories():
            yield from left_behind(self._files, f"{self._repositories}/{repository}/{_UPLOADS}")

    def oddities(self) -> Iterator[Odd]:
        """What the other listings came upon."""
        return self._noted.all()

    def opener(self, held: Held) -> Opening:
        """Opens it here or elsewhere."""
        return Opening(self._files, held.path)

    def close(self) -> None:
        """Close the files."""
        self._files.close()
        self._known.close()

    def _walk(self, folder: str, shape: Shape) -> Iterator[Entry]:
        """All that stands below a folder, as deep as its shape goes."""
        return self._files.walk(folder, lambda path: place(shape, below(folder, path)).folder)

    def _fitting(self, entries: Iterable[Entry], folder: str, shape: Shape) -> Iterator[Entry]:
        """The files that belong where they are; what does not belong there is noted."""
        for entry in entries:
            placed = place(shape, below(folder, entry.path))
            if placed.kind == PASSED or (placed.folder and entry.kind == FOLDER):
                continue
            if placed.kind and entry.kind == FILE:
                yield entry
            else:
                self._misplaced(entry, placed)

    def _misplaced(self, entry: Entry, placed: Placed) -> None:
        if placed.kind:
            parts = below(self._blobs, entry.path) if placed.kind == _DATA else []
            digest = naming.digest(parts[0], parts[2]) if parts else ""
            self._noted.entry(entry, "a file", oddities.NOT_A_FILE, digest)
        else:
            self._noted.entry(entry, "a folder" if placed.folder else "nothing")


def _content_in_words(size: int, content: bytes | None) -> str:
    """What a link holds instead of a digest."""
    if not size:
        return "it is empty"
    if size > _LONGEST_LINK:
        return f"it has {size} bytes"
    return "it cannot be read" if content is None else f"it holds {shortened(repr(content), 80)}"
