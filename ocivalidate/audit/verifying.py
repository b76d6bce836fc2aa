"""The long part of an audit: every blob that something refers to, or that is held, is read once and verified."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from typing import NoReturn, Self

from ocivalidate.audit import journal
from ocivalidate.audit.book import Book
from ocivalidate.audit.executors import Task, Threads, Workers, verified
from ocivalidate.audit.options import AuditOptions, Work
from ocivalidate.audit.pace import Stopped
from ocivalidate.audit.repository import Kept
from ocivalidate.audit.rows import Wanted
from ocivalidate.audit.showing import Progress
from ocivalidate.audit.store import Store
from ocivalidate.errors import CannotJudge
from ocivalidate.image.layers.blob import BlobFacts, BlobRequest, Opener
from ocivalidate.image.layers.keys import own_key
from ocivalidate.vocabulary import digests

# So many blobs are begun with in the order in which the plan comes upon them; the others have time until it is whole.
_MOST_FED = 10_000
_LONGEST_WAIT = 0.5
_ABSENT = 404


class Verification:
    """Verifies the blobs of one store in a thread of its own, while the plan still goes on and afterwards.

    What the plan comes upon is begun with in its order (:meth:`feed`); once it is whole (:meth:`rest`), all the others
    follow, the largest first. ``progress``: bytes and blobs of the share that is verified here.
    """

    def __init__(self, store: Store, book: Book, options: AuditOptions, work: Work) -> None:
        self._store = store
        self._book = book
        self._options = options
        self._work = work
        self._key = work.journal.key if work.journal is not None else own_key()
        # The same relative path may be another folder tomorrow.
        self._target = os.path.abspath(store.name) if os.path.isdir(store.name) else store.name
        # Bytes and blobs: all of them, not known until all are listed; from the journal; and verified here.
        self._all, self._known, self._verified = (-1, -1), (0, 0), (0, 0)
        self._fed: deque[str] = deque(maxlen=_MOST_FED)
        self._news: queue.SimpleQueue[Future[BlobFacts] | None] = queue.SimpleQueue()
        self._waits = False
        self._planned = self._over = False
        self._done = threading.Condition()
        self._why = ""
        # Whether something that was seen when images were walked over turned out not to be there.
        self.missed = False
        self._problem: BaseException | None = None
        self._ending = False
        self._threads: Threads | None = None
        self._thread = threading.Thread(target=self._run, name="ocivalidate-verify", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_problem: object) -> None:
        self._ending = True
        if self._threads is not None:
            self._threads.stop()
        self._news.put(None)
        self._thread.join()

    # --- For those who plan and judge

    def listed(self) -> None:
        """Say that the book has all blobs, though not yet which of them are documents, which planning reads."""
        if self._work.progress is not None:
            self._all = self._left()[0], -1

    def feed(self, path: str) -> None:
        """Say that all is known for a blob to be verified. Raises what ended the verification."""
        self._check()
        if self._work.journal is None or self._work.journal.is_new:
            self._fed.append(path)
            if self._waits:
                self._waits = False
                self._news.put(None)

    def rest(self) -> None:
        """Say that nothing more is to be put down: whatever the book has is to be verified."""
        self._planned = True
        self._news.put(None)

    def wait(self, path: str) -> None:
        """Wait until a blob is verified, or none is any more. Raises what ended the verification."""
        with self._done:
            while not self._over and self._book.wanted(path) is not None:
                self._done.wait(_LONGEST_WAIT)
        self._check()

    def end(self) -> str:
        """Wait for all; why it ended early, if it did. Raises what ended it."""
        while self._thread.is_alive():
            self._thread.join(_LONGEST_WAIT)
        self._check()
        return self._why or ("interrupted" if self._work.is_stopped else "")

    def _check(self) -> None:
        if self._problem is not None:
            raise self._problem

    # --- In the thread

    def _run(self) -> None:
        try:
            if self._work.workers is not None:
                self._by(self._work.workers)
            else:
                with Threads(self._options.jobs, self._work.pace) as self._threads:
                    self._by(self._threads)
        except Stopped:
            pass
        except CannotJudge as problem:
            self._why = str(problem)
        except BaseException as problem:  # noqa: BLE001  # whoever waits raises it
            self._problem = problem
        finally:
            with self._done:
                self._over = True
                self._done.notify_all()

    def _by(self, workers: Workers) -> None:
        """Have all verified. Raises :class:`CannotJudge` when nobody is left who could."""
        before = workers.read

        def tick() -> None:
            if self._ending:
                raise Stopped
            self._show(workers.read - before)

        if self._work.stopping is not None:
            self._work.stopping.watch(workers)
        under_way: dict[str, Wanted] = {}
        for task, facts in verified(self._tasks(under_way), workers, tick, self._news):
            self._keep(under_way.pop(task.path), facts)
            if self._store.served and facts.failure and any(one.status == _ABSENT for one in facts.answers):
                self._book.miss(task.path)
            if self._work.journal is not None:
                self._work.journal.take(self._target, task.path, task.digest, task.request, facts)
            self._verified = self._verified[0] + task.size, self._verified[1] + 1
        self._show(workers.read - before)

    def _keep(self, wanted: Wanted, facts: BlobFacts) -> None:
        path = wanted.held.path
        self._book.keep_facts(path, facts, wanted)
        if self._book.wanted(path) is not None:
            self._fed.append(path)
        with self._done:
            self._done.notify_all()

    def _show(self, read: int) -> None:
        """Tell how far it is; what is under way counts as far as it is read."""
        if self._work.progress is None:
            return
        size, count = self._all
        now = max(self._known[0] + self._verified[0], self._known[0] + read)
        self._work.progress(
            Progress(min(now, size) if size >= 0 else now, size, self._known[1] + self._verified[1], count, read)
        )

    def _tasks(self, under_way: dict[str, Wanted]) -> Iterator[Task | None]:
        """What is to be verified here: what was fed, then what else the book has, the largest first."""
        yield from self._early(under_way)
        self._settle()
        # The book says of these that they are not verified, and when their turn comes they are.
        late = {*under_way}
        for wanted in self._book.unverified():
            path = wanted.held.path
            if path in late and (path in under_way or self._book.wanted(path) is None):
                continue
            if self._work.is_ours(wanted.held.digest):
                yield self._task(wanted, under_way)
        while under_way or self._fed:
            # Of a blob that was begun with early more may have turned out to be wanted.
            again = self._book.wanted(self._fed.popleft()) if self._fed else None
            yield None if again is None else self._task(again, under_way)
        yield from self._missed(under_way)

    def _missed(self, under_way: dict[str, Wanted]) -> Iterator[Task]:
        """What was taken to be there, and was not: another repository may have it."""
        for held in self._book.missed():
            if self._store.is_there(held):
                continue
            self.missed = True
            others = (self._store.find(repository, held.digest) for repository in self._book.naming(held.digest))
            other = next((one for one in others if one is not None and one.path == held.path), None)
            if other is None:
                self._book.drop(held.path)
                continue
            self._book.move(other)
            if (wanted := self._book.wanted(held.path)) is not None:
                yield self._task(wanted, under_way)

    def _early(self, under_way: dict[str, Wanted]) -> Iterator[Task | None]:
        """What was fed, until the plan is whole."""
        while True:
            self._waits = True
            planned = self._planned
            if not self._fed:
                if planned:
                    return
                yield None
                continue
            self._waits = False
            path = self._fed.popleft()
            wanted = None if path in under_way else self._book.wanted(path)
            if wanted is not None and self._work.is_ours(wanted.held.digest):
                yield self._task(wanted, under_way)

    def _task(self, wanted: Wanted, under_way: dict[str, Wanted]) -> Task:
        held = wanted.held
        under_way[held.path] = wanted
        data = self._book.document(held.path)
        opener = self._store.opener(held) if data is None else Kept(data)
        return Task(held.path, held.digest, self._request(wanted, opener))

    def _settle(self) -> None:
        """Put down what the journal knows, and how much there is, now that all is listed."""
        counts = self._work.progress is not None
        before = self._left() if counts else (0, 0)
        if self._work.journal is not None:
            self._take(self._work.journal.entries())
        if counts:
            left, done = self._left(), self._verified
            self._known = before[0] - left[0], before[1] - left[1]
            self._all = done[0] + before[0], done[1] + before[1]

    def _take(self, entries: Iterator[journal.Kept]) -> None:
        now, recheck = time.time(), self._work.recheck
        for kept in entries:
            if kept.target != self._target or (recheck is not None and kept.older_than(recheck, now)):
                continue
            wanted = self._book.wanted(kept.path)
            if wanted is None or wanted.held.digest != kept.digest or not self._work.is_ours(kept.digest):
                continue
            if kept.answers(self._request(wanted, _nothing)):
                self._book.keep_facts(kept.path, kept.facts, wanted)

    def _left(self) -> tuple[int, int]:
        """How many bytes and blobs are left to verify here."""
        size = count = 0
        for wanted in self._book.unverified():
            if self._work.is_ours(wanted.held.digest):
                size, count = size + max(0, wanted.held.size), count + 1
        return size, count

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
