"""What an audit reads: blobs, and repositories whose tags and links name them.

A :class:`Store` lists and opens, and judges nothing. It is only read, and all listing is lazy: nothing of the size of
a registry is ever in memory. What it says comes from a storage or a server that may be broken or hostile.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple, Self

from ocivalidate.errors import Unreadable
from ocivalidate.image.layers.blob import Opener
from ocivalidate.image.sources.source import Source
from ocivalidate.registry.answers import Answer

TAG, REVISION, LAYER, SIGNATURE = "tag", "revision", "layer", "signature"

# Some repositories of images, and few megabytes.
_MOST_FOUND = 8192


class Held(NamedTuple):
    """A blob that is there, listed and not read.

    ``digest``: as its name says; ``size``: in bytes, -1 if the listing does not say. ``path``: where it is, relative to
    the store, as shown to users; what has the same path is one blob, and read once. ``repository``: the one through
    which it is opened, if not just any.
    """

    digest: str
    size: int
    path: str
    repository: str = ""


class Link(NamedTuple):
    """Something that names a blob in a repository.

    ``kind``: ``tag``, ``revision`` (a manifest of the repository), ``layer`` (a blob of the repository) or
    ``signature``. ``path``: where it stands. A tag whose ``digest`` is empty leads nowhere: an oddity says why.
    """

    repository: str
    kind: str
    digest: str
    tag: str = ""
    path: str = ""


class Odd(NamedTuple):
    """What is wrong with the storage itself, whatever the blobs hold.

    ``kind``: a key of :data:`ocivalidate.audit.oddities.CLAUSES`, which says the clause that it breaks. ``text``: what
    is wrong there, in one line. ``digest``, ``repository`` and ``tag``: what it is about; a tag breaks by it.
    """

    kind: str
    path: str
    text: str
    digest: str = ""
    repository: str = ""
    tag: str = ""


class Upload(NamedTuple):
    """An upload that was left behind: ``size`` in bytes, ``age`` in seconds (-1: not known)."""

    path: str
    size: int
    age: float = -1


class Early(NamedTuple):
    """What may be done ahead of time for an audit.

    ``keep``: put a document, by its path, where it is read from when its turn comes; ``get``: one that is there.
    ``reads``: whether the audit is going to read a blob through its repository, so that its absence shows then.
    """

    keep: Callable[[str, bytes], None]
    get: Callable[[str], bytes | None]
    reads: Callable[[Held], bool]


class Store:
    """Where images are stored. A new form overrides what raises ``NotImplementedError`` here.

    ``name`` is as the caller gave it, ``form`` what it turned out to be: ``distribution``, ``zot``, ``layouts``,
    ``blobs``, ``containerd``, ``registry``. ``complete``: :meth:`blobs` lists all that is held; otherwise only what is
    referred to can be known, as of a registry that is asked by its API. ``served``: a server says things beside the
    content: :meth:`answers`. ``named``: it says which images there are;
    otherwise every manifest in it is judged, of the repository ``""``, and nobody can tell what should be there.

    Every method may raise :class:`Unreadable` and :class:`OSError`. Openers and :meth:`find` are used by several
    threads at a time.
    """

    name: str
    form: str
    complete: bool = True
    served: bool = False
    named: bool = True
    _finding: Callable[[str, str], Held | None] | None = None

    def begin(self, _early: Early) -> None:
        """Learn what may be done ahead of time; called before anything is listed, if at all."""

    def blobs(self) -> Iterator[Held]:
        """All blobs that are held, in any order; none that only point to the same bytes elsewhere."""
        return iter(())

    def repositories(self) -> Iterator[str]:
        """The names of the repositories, each once."""
        raise NotImplementedError

    def links(self, repository: str) -> Iterator[Link]:
        """The tags of a repository, and the other names of blobs in it."""
        raise NotImplementedError

    def uploads(self) -> Iterator[Upload]:
        """Uploads that were left behind."""
        return iter(())

    def oddities(self) -> Iterator[Odd]:
        """What is wrong with the storage itself. Asked for last: it may be what the other listings came upon."""
        return iter(())

    def meet(self, repository: str, digest: str, role: str, kind: str, size: int | None) -> None:
        """Learn what a descriptor takes a digest for, before :meth:`find` is asked: its role, kind of blob and size."""

    def find(self, repository: str, digest: str) -> Held | None:
        """The blob that this repository hands out under this digest; ``None`` if it would say that there is none."""
        raise NotImplementedError

    def found(self, repository: str, digest: str) -> Held | None:
        """What :meth:`find` finds: images share blobs, and ask for them again."""
        if self._finding is None:
            self._finding = lru_cache(_MOST_FOUND)(self.find)
        return self._finding(repository, digest)

    def expects(self, _repository: str, _digest: str) -> bool:
        """Whether the repository should hand out a blob, as an image of it refers to it: a node need not have all."""
        return True

    def opener(self, held: Held) -> Opener:
        """What opens a blob, any number of times.

        It pickles if other processes and machines can open the blob themselves; else pickling it raises
        :class:`pickle.PicklingError` with one line that says why not.
        """
        raise NotImplementedError

    def is_there(self, _held: Held) -> bool:
        """Whether a blob that could not be read is there after all, now that all others were."""
        return True

    def answers(self, _held: Held) -> Iterable[Answer]:
        """What a server said beside a blob until now; what came with one that was verified is in its facts."""
        return ()

    def starts(self, every: Iterable[Held], limit: int) -> Iterator[tuple[Held, bytes | None]]:
        """The first ``limit`` bytes of blobs, in their order; ``None`` for one that cannot be read."""
        for held in every:
            yield held, _start(self.opener(held), limit)

    def referrers(self, _repository: str, _digest: str) -> Iterator[str]:
        """The digests of manifests that refer to this one and that :meth:`links` does not list."""
        return iter(())

    def whole(self, _repository: str) -> Source | None:
        """The repository as one layout with an ``index.json``, which is then judged as a whole.

        ``None``: there is no such thing, and each manifest of the repository is judged by itself.
        """
        return None

    def shown(self, path: str) -> str:
        """The name of a path in it, as shown to users."""
        return f"{self.name.rstrip('/')}/{path}" if path else self.name

    def close(self) -> None:
        """Close what it holds open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


def _start(opener: Opener, limit: int) -> bytes | None:
    data = bytearray()
    try:
        with contextlib.closing(opener()) as stream:
            buffer = memoryview(bytearray(limit))
            while len(data) < limit and (count := stream.readinto(buffer[: limit - len(data)])):
                data += buffer[:count]
    except (OSError, Unreadable):
        return None
    return bytes(data)
