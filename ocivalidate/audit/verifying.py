"""The long part of an audit: every blob that something refers to, or that is held, is read once and verified."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import NoReturn

from ocivalidate.audit import journal
from ocivalidate.audit.book import Book
from ocivalidate.audit.executors import Task, Threads, Workers, verified
from ocivalidate.audit.options import AuditOptions, Work
from ocivalidate.audit.repository import Kept
from ocivalidate.audit.rows import Wanted
from ocivalidate.audit.showing import Progress
from ocivalidate.audit.store import Store
from ocivalidate.errors import CannotJudge
from ocivalidate.image.layers.blob import BlobRequest, Opener
from ocivalidate.image.layers.keys import own_key
from ocivalidate.vocabulary import digests


def verify(store: Store, book: Book, options: AuditOptions, work: Work) -> str:
    """Put down the facts about every blob of which they are not known yet; why it ended early, if it did.

    Raises :class:`UsageError` for workers that cannot read the store.
    """
    verifying = _Verifying(store, book, options, work)
    verifying.recall()
    try:
        if work.workers is not None:
            verifying.by(work.workers)
        else:
            with Threads(options.jobs, work.pace) as threads:
                verifying.by(threads)
    except CannotJudge as problem:
        return str(problem)
    return "interrupted" if work.is_stopped else ""


class _Verifying:
    """One store. ``progress``: bytes and blobs of the share that is verified here."""

    def __init__(self, store: Store, book: Book, options: AuditOptions, work: Work) -> None:
        self._store = store
        self._book = book
        self._options = options
        self._work = work
        self._key = work.journal.key if work.journal is not None else own_key()
        # The same relative path may be another folder tomorrow.
        self._target = os.path.abspath(store.name) if os.path.isdir(store.name) else store.name
        self._all = self._known = (0, 0)

    def recall(self) -> None:
        """Put down what the journal knows, and how much there is."""
        if self._work.progress is not None:
            self._all = self._left()
        if self._work.journal is not None:
            self._take(self._work.journal.entries())
        if self._work.progress is not None:
            left = self._left()
            self._known = self._all[0] - left[0], self._all[1] - left[1]

    def by(self, workers: Workers) -> None:
        """Have the rest verified. Raises :class:`CannotJudge` when nobody is left who could."""
        done, blobs = self._known
        before = workers.read

        def tick() -> None:
            if self._work.progress is not None:
                # What is under way counts as far as it is read.
                read = workers.read - before
                now = max(done, self._known[0] + read)
                self._work.progress(Progress(min(now, self._all[0]), self._all[0], blobs, self._all[1], read))

        if self._work.stopping is not None:
            self._work.stopping.watch(workers)
        under_way: dict[str, Wanted] = {}
        for task, facts in verified(self._tasks(under_way), workers, tick):
            wanted = under_way.pop(task.path)
            self._book.keep_facts(task.path, facts, layer=wanted.layer)
            if self._work.journal is not None:
                self._work.journal.take(self._target, task.path, task.digest, task.request, facts)
            done, blobs = done + task.size, blobs + 1
        tick()

    def _take(self, entries: Iterator[journal.Kept]) -> None:
        now, recheck = time.time(), self._work.recheck
        for kept in entries:
            if kept.target != self._target or (recheck is not None and kept.older_than(recheck, now)):
                continue
            wanted = self._book.wanted(kept.path)
            if wanted is None or wanted.held.digest != kept.digest or not self._work.is_ours(kept.digest):
                continue
            if kept.answers(self._request(wanted, _nothing)):
                self._book.keep_facts(kept.path, kept.facts, layer=wanted.layer)

    def _left(self) -> tuple[int, int]:
        """How many bytes and blobs are left to verify here."""
        size = count = 0
        for wanted in self._book.unverified():
            if self._work.is_ours(wanted.held.digest):
                size, count = size + max(0, wanted.held.size), count + 1
        return size, count

    def _tasks(self, under_way: dict[str, Wanted]) -> Iterator[Task]:
        """What is left to verify here, the largest first."""
        for wanted in self._book.unverified():
            held = wanted.held
            if self._work.is_ours(held.digest):
                under_way[held.path] = wanted
                data = self._book.document(held.path)
                opener = self._store.opener(held) if data is None else Kept(data)
                yield Task(held.path, held.digest, self._request(wanted, opener))

    def _request(self, wanted: Wanted, opener: Opener) -> BlobRequest:
        held = wanted.held
        digest = digests.parse(held.digest)
        return BlobRequest(
            opener,
            (digest.algorithm,) if digest and not digests.unverifiable(digest) else (),
            wanted.layer,
            wanted.diffs,
            None if held.size < 0 else held.size,
            used=wanted.layer,
            limits=self._options.layer_limits,
            key=self._key,
        )


def _nothing() -> NoReturn:
    raise AssertionError("a request that is only compared opens nothing")
