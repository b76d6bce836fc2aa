"""What an audit has to look at: lists the store, walks over every image in it, and puts down which blobs to verify.

Nothing is judged here; walks are kept for that, as far as memory allows (:mod:`walks`). Every manifest that a tag leads
to is walked to the end, then those that no tag has led to.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from ocivalidate.audit import old_manifests
from ocivalidate.audit.book import Book
from ocivalidate.audit.options import AuditOptions, Work
from ocivalidate.audit.pace import Stopped
from ocivalidate.audit.repository import (
    OBJECT_START,
    RepositorySource,
    digest_of,
    is_object,
    may_be_object,
    opened,
    path_of,
)
from ocivalidate.audit.rows import Unit, Wanted
from ocivalidate.audit.store import REVISION, TAG, Early, Held, Store
from ocivalidate.audit.walks import TOO_MUCH, Walks
from ocivalidate.errors import OciValidateError
from ocivalidate.image.api import ImageOptions, walk
from ocivalidate.image.documents import kinds
from ocivalidate.image.found import ImageFilter, WalkResult
from ocivalidate.image.sources.source import INDEX_JSON
from ocivalidate.jsontext.documents import read_document
from ocivalidate.rules.clauses import Selection
from ocivalidate.system.reasons import reason
from ocivalidate.vocabulary import digests

# Registries take no larger ones.
_LARGEST_MANIFEST = 4 << 20
# Of a layout with many images, so many findings of a kind are kept to say which of these break by them.
_MOST_OF_A_LAYOUT = 10_000
FAILURES = (OciValidateError, OSError)
"""What a store raises where it cannot be read: one repository that cannot be read is no reason to leave the others."""


class Planning(NamedTuple):
    """What is planned, and how.

    ``feed`` is told of each layer that may be verified from now on, by its path; ``listed``: the book has all blobs.
    """

    store: Store
    book: Book
    options: AuditOptions
    work: Work
    selection: Selection
    walks: Walks
    feed: Callable[[str], None]
    listed: Callable[[], None]


def plan(planning: Planning) -> bool:
    """Put down what is selected; whether all of it was, and nobody stopped it.

    Raises what is in ``FAILURES`` if the store as a whole cannot be listed.
    """
    store, book, options, work = planning.store, planning.book, planning.options, planning.work
    store.begin(_early(book, work))
    if options.all and store.complete:
        book.list_held(store.blobs())
        planning.listed()
    if not store.named and not options.tags and not options.repositories:
        _Planner(planning, "").plan_manifests()
    for repository in store.repositories():
        if work.is_stopped:
            return False
        if options.wants_repository(repository):
            _Planner(planning, repository).plan()
    return not work.is_stopped


def _early(book: Book, work: Work) -> Early:
    """What the store may do ahead of time. What other shards read, or a run before has read, is not read here."""
    all_is_read = work.journal is None or work.journal.is_new

    def keep(path: str, data: bytes) -> None:
        if is_object(data):
            book.keep_document(path, data)

    def reads(held: Held) -> bool:
        return all_is_read and work.is_ours(held.digest) and book.repository_of(held.path) in (None, held.repository)

    return Early(keep, book.document, reads)


def refs_of(book: Book, repository: str, options: AuditOptions) -> ImageFilter:
    """Which images of a layout are selected."""
    if not options.tags:
        return ImageFilter()
    return ImageFilter(tuple(link.tag for link in book.links(repository, TAG) if options.wants_tag(link.tag)))


def how(book: Book, unit: Unit, selection: Selection, options: AuditOptions) -> tuple[Selection, ImageOptions]:
    """How an image, or a layout, is walked over and judged."""
    wanted = ImageFilter() if unit.digest else refs_of(book, unit.repository, options)
    if not unit.digest and selection.most is not None:
        selection = replace(selection, most=max(selection.most, _MOST_OF_A_LAYOUT))
    return selection, ImageOptions(wanted, limits=options.limits, layer_limits=options.layer_limits)


class _Planner:
    """Puts down one repository."""

    def __init__(self, planning: Planning, repository: str) -> None:
        self._planning = planning
        self._store = planning.store
        self._book = planning.book
        self._options = planning.options
        self._work = planning.work
        self._repository = repository

    def plan(self) -> None:
        book, repository = self._book, self._repository
        try:
            for link in self._store.links(repository):
                book.add_link(link)
            layout = self._store.whole(repository)
        except FAILURES as problem:
            book.fail(repository, "", problem_of(problem))
            return
        if layout is not None:
            layout.close()
            if not self._options.tags or refs_of(book, repository, self._options).refs:
                self._unit("")
            return
        for link in book.links(repository, TAG):
            if link.digest and self._options.wants_tag(link.tag):
                self._from(link.digest)
        for link in () if self._options.tags else book.links(repository, REVISION):
            if not book.is_reached(repository, link.digest):
                self._from(link.digest)

    def plan_manifests(self) -> None:
        """Walk from every manifest that is held, where nothing names any."""
        listed = self._book.small(_LARGEST_MANIFEST)
        for held, start in self._store.starts(listed, OBJECT_START):
            # What cannot be read is verified later, which says what is wrong.
            if self._work.is_stopped:
                return
            if start is not None and may_be_object(start) and self._states_kind(held.digest):
                self._unit(held.digest)

    def _states_kind(self, digest: str) -> bool:
        """Whether a blob says that it is an index or a manifest."""
        try:
            with opened(self._store, self._book, "", digest) as source:
                data = source.read(path_of(digest), _LARGEST_MANIFEST + 1)
        except FAILURES:
            return False
        return may_be_object(data) and bool(kinds.stated_kind(read_document(data).value))

    def _from(self, root: str) -> None:
        """Walk from a manifest, and from what refers to those that are reached."""
        book, most, count = self._book, self._options.limits.documents, 0
        waiting = deque([root])
        while waiting and not self._work.is_stopped:
            digest = waiting.popleft()
            if digest != root and book.is_reached(self._repository, digest):
                continue
            if count > most:
                # A registry can make up new ones for ever.
                book.fail(self._repository, root, f"more than {most} manifests refer to it and to each other")
                return
            waiting.extend(self._unit(digest))
            count += 1

    def _unit(self, digest: str) -> list[str]:
        """Walk over what is judged as one image; return the manifests that refer to those in it."""
        book, repository = self._book, self._repository
        if not book.add_unit(repository, digest):
            return []
        if self._planning.walks.are_spent:
            book.fail(repository, digest, TOO_MUCH)
            return []
        try:
            with opened(self._store, book, repository, digest) as source:
                manifests = self._walk(source, digest)
            new = [digest for digest in manifests if book.is_new("referrers", repository, digest)]
            listed = (one for digest in new for one in self._store.referrers(repository, digest))
            return [*islice(listed, self._options.limits.documents + 1)]
        except FAILURES as problem:
            book.fail(repository, digest, problem_of(problem))
            return []

    def _walk(self, source: RepositorySource, digest: str) -> list[str]:
        """Put down what an image refers to; return the digests of its manifests and indexes."""
        if digest and (old := old_manifests.read(source, path_of(digest))) is not None:
            self._put_old(source, digest, old)
            return [digest]
        unit = Unit(self._repository, digest)
        found = walk(source, *how(self._book, unit, self._planning.selection, self._options))
        self._put(source, found)
        self._planning.walks.keep(unit, source, found)
        self._pay(found)
        if not digest:
            self._put_old_of(source, found)
        return [digest for path in (*found.manifests, *found.indexes) if (digest := digest_of(path))]

    def _pay(self, found: WalkResult) -> None:
        """Wait for the documents that were read, as for blobs."""
        if self._work.pace is not None:
            with contextlib.suppress(Stopped):
                self._work.pace.pay(sum(facts.size for facts in found.contents.values()))

    def _put(self, source: RepositorySource, found: WalkResult) -> None:
        book, repository = self._book, self._repository
        for path, references in found.references.items():
            digest = str(references[0].digest or "")
            as_manifest = any(one.role in ("manifest", "subject") for one in references)
            book.name(repository, digest, manifest=as_manifest)
            held = source.held(path) if found.entries[path] is not None else None
            if held is None:
                book.use_elsewhere(digest)
                continue
            blob = found.blobs.get(path)
            layer, diffs = (
                (blob.layer, tuple(filter(digests.computable, blob.diff_algorithms))) if blob else (False, ())
            )
            if book.use(Wanted(held, layer, diffs)) and layer:
                # What else refers to it calls it a layer as well, or does not say.
                self._planning.feed(held.path)
            facts = found.contents.get(path)
            if facts is not None and not facts.failure:
                self._planning.walks.count(facts.size, new=book.keep_facts(held.path, facts))
        lost = any(one.role == "manifest" for references in found.absent.values() for one in references)
        if found.spoilt or found.exceeded or lost or (found.is_layout and found.root_of(INDEX_JSON) is None):
            # What they refer to is not known, and may seem to be of no use.
            book.leave_open(repository)

    def _put_old_of(self, source: RepositorySource, found: WalkResult) -> None:
        """Put down the manifests of schema 1 that a layout names."""
        for link in (*self._book.links(self._repository, TAG), *self._book.links(self._repository, REVISION)):
            path = path_of(link.digest)
            if path in found.blobs and (old := old_manifests.read(source, path)) is not None:
                self._book.add_unit(self._repository, link.digest)
                self._put_old(source, link.digest, old)

    def _put_old(self, source: RepositorySource, digest: str, old: old_manifests.OldManifest) -> None:
        book, repository = self._book, self._repository
        book.set_old(repository, digest)
        for each, manifest in ((digest, True), *((layer, False) for layer in old.layers)):
            book.name(repository, each, manifest=manifest)
            if not manifest:
                source.meet(path_of(each), "layer", "", None)
            held = source.held(path_of(each))
            if held is not None:
                book.use(Wanted(held), alone=True)
                if manifest and old.facts is not None:
                    book.keep_facts(held.path, old.facts)


def problem_of(problem: Exception) -> str:
    """Why something could not be read, in one line."""
    return reason(problem) if isinstance(problem, OSError) else str(problem)
