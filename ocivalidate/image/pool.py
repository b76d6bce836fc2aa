"""Verifies many blobs at the same time, the largest first: in a thread per core, or in a given executor.

Hashing and inflating release the interpreter's lock. A core without a blob of its own hashes for the others, so a layer
that is much larger than the rest, or the last one, uses more than one core.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pickle import PicklingError
from typing import TYPE_CHECKING

from ocivalidate.errors import OciValidateError
from ocivalidate.image.layers.blob import BlobFacts, BlobRequest, verify
from ocivalidate.image.layers.feeding import Helper

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

_TICK = 0.1
# After hashing or inflating, a worker waits at most this long for one that reads headers. With the interpreter's
# default of 5 ms, two cores do the work of one and a half.
SWITCH = 0.00005


@dataclass(frozen=True, slots=True)
class Job:
    """One blob to verify. ``key`` is the caller's name for it."""

    key: str
    request: BlobRequest

    @property
    def size(self) -> int:
        """Its size in bytes; 0 if unknown."""
        return self.request.size or 0


class _Cancelled(OciValidateError):
    """Ends a pass in a worker."""


def cores() -> int:
    """How many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def verify_all(
    jobs: Sequence[Job],
    *,
    workers: int | None = None,
    executor: Executor | None = None,
    progress: Callable[[int], None] | None = None,
    interrupt: Callable[[], None] | None = None,
) -> Generator[tuple[Job, BlobFacts], None, None]:
    """Verify all blobs; yield each with its facts as soon as it is done, in any order.

    ``workers`` threads (one per core by default) do the work, or ``executor``, which the caller keeps. ``progress`` is
    called in the calling thread, several times a second, with the total of bytes read so far. When the caller stops
    (Ctrl-C, or by closing the iterator), the workers end within a chunk, and an executor starts no other blob;
    ``interrupt`` is called before that, to end what they may be waiting for.
    """
    if executor is not None:
        yield from _verify_elsewhere(jobs, executor, progress)
        return
    pool = _Pool(jobs, max(1, workers or cores()))
    interval = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH)
    pool.start()
    try:
        yield from pool.results(progress)
    except BaseException:
        if interrupt is not None:
            interrupt()
        raise
    finally:
        pool.stop()
        sys.setswitchinterval(interval)


def _verify_elsewhere(
    jobs: Sequence[Job], executor: Executor, progress: Callable[[int], None] | None
) -> Iterator[tuple[Job, BlobFacts]]:
    """Verify blobs in an executor, and here those that only this process can open."""
    from concurrent.futures import as_completed

    largest_first = sorted(jobs, key=lambda job: job.size, reverse=True)
    waiting = {executor.submit(verify, job.request): job for job in largest_first}
    done = 0
    try:
        for future in as_completed(waiting):
            job = waiting[future]
            facts = _result(future, job)
            done += job.size
            if progress is not None:
                progress(done)
            yield job, facts
    finally:
        for future in waiting:
            future.cancel()


def _result(future: Future[BlobFacts], job: Job) -> BlobFacts:
    try:
        return future.result()
    except PicklingError:
        return verify(job.request)


class _Pool:
    def __init__(self, jobs: Sequence[Job], workers: int) -> None:
        self._count = len(jobs)
        self._jobs = sorted(jobs, key=lambda job: job.size)
        self._lock = threading.Lock()
        self._done: queue.SimpleQueue[tuple[Job, BlobFacts | BaseException]] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._workers = workers
        self._busy = 0
        self._read = 0
        self._threads = [
            threading.Thread(target=self._work, name=f"ocivalidate-blob-{number}", daemon=True)
            for number in range(min(workers, len(jobs)))
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def results(self, progress: Callable[[int], None] | None) -> Iterator[tuple[Job, BlobFacts]]:
        missing = self._count
        while missing:
            try:
                job, facts = self._done.get(timeout=_TICK)
            except queue.Empty:
                self._show(progress)
                continue
            self._show(progress)
            if isinstance(facts, BaseException):
                raise facts
            missing -= 1
            yield job, facts

    def _show(self, progress: Callable[[int], None] | None) -> None:
        if progress is not None:
            progress(self._read)

    def _work(self) -> None:
        while (job := self._take()) is not None:
            helper = Helper(self._spare)
            try:
                facts: BlobFacts | BaseException = verify(job.request, self._tell, helper)
            except _Cancelled:
                return
            except BaseException as error:  # noqa: BLE001  # the caller's thread raises it
                facts = error
            finally:
                helper.finish()
                with self._lock:
                    self._busy -= 1
            self._done.put((job, facts))

    def _take(self) -> Job | None:
        with self._lock:
            if self._stop.is_set() or not self._jobs:
                return None
            self._busy += 1
            return self._jobs.pop()

    def _spare(self) -> bool:
        """Whether a core is idle."""
        return self._busy < self._workers

    def _tell(self, more: int) -> None:
        if self._stop.is_set():
            raise _Cancelled
        if more:
            with self._lock:
                self._read += more
