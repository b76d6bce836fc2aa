"""Who verifies the blobs of an audit: threads here, any executor, or the workers of a Dask cluster.

However many blobs there are, only so many requests are under way as keep the workers busy. A request is plain data
that names the blob, so workers elsewhere read the store themselves; what comes back are facts. No result depends on who
found it: what a worker could not read is read here before anybody believes it, and so is what a lost worker owes.
"""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from pickle import PicklingError
from typing import NamedTuple, Self

from ocivalidate.audit.pace import Pace, Paced, Stopped
from ocivalidate.errors import CannotJudge, OciValidateError, UsageError
from ocivalidate.image.layers.blob import BlobFacts, BlobRequest, Opener, verify
from ocivalidate.image.layers.feeding import Helper
from ocivalidate.image.pool import SWITCH, cores
from ocivalidate.system.reasons import reason

_TICK = 0.1
_END = object()
# Requests under way for each worker: one that it does, and some that wait with it.
_EACH = 4
_MOST_UNDER_WAY = 4096
# So often may what workers could not read turn out to be readable here, before they are said not to reach the store.
_MOST_DIFFERENT = 16


class Task(NamedTuple):
    """A blob to verify: where it is, the digest that it is named by, and what to find out."""

    path: str
    digest: str
    request: BlobRequest

    @property
    def size(self) -> int:
        """Its size in bytes; 0 if unknown."""
        return self.request.size or 0


class Workers:
    """Those who verify blobs. ``width``: how many requests keep them busy; ``pace``: how fast they may read.

    ``read``: the bytes that they have read so far.
    """

    width: int

    def __init__(self, pace: Pace | None = None) -> None:
        self.pace = pace
        self.read = 0
        self.stopped = threading.Event()

    def begin(self, task: Task) -> Future[BlobFacts]:
        """Begin with a blob."""
        raise NotImplementedError

    def result(self, _task: Task, future: Future[BlobFacts]) -> BlobFacts:
        """What came of it. Raises :class:`CannotJudge` when the workers are lost."""
        return future.result()

    def check(self) -> None:
        """Look after them, several times a second. Raises :class:`CannotJudge` when they are lost."""

    def stop(self) -> None:
        """End soon: what is under way is given up."""
        self.stopped.set()
        if self.pace is not None:
            self.pace.stop()

    def close(self) -> None:
        """End, once nothing is under way any more."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_problem: object) -> None:
        self.close()

    def paced(self, request: BlobRequest) -> BlobRequest:
        """A request that is read no faster than is allowed."""
        return request if self.pace is None else replace(request, opener=Paced(request.opener, self.pace))


class Stopping:
    """Ends the work of an audit early; :meth:`stop` may be called from any thread, and from a signal handler."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self._workers: Workers | None = None

    def stop(self) -> None:
        """End soon."""
        self.asked.set()
        if self._workers is not None:
            self._workers.stop()

    def watch(self, workers: Workers) -> None:
        """Say who is at work."""
        self._workers = workers
        if self.asked.is_set():
            workers.stop()


class Threads(Workers):
    """Threads of this process, one per core by default; a core that has no blob of its own helps the others."""

    def __init__(self, count: int | None = None, pace: Pace | None = None) -> None:
        super().__init__(pace)
        if pace is not None:
            # Other threads may have ended with it before.
            pace.begin()
        self._count = max(1, count or cores())
        self.width = 2 * self._count
        self._pool = ThreadPoolExecutor(self._count, "ocivalidate-blob")
        self._lock = threading.Lock()
        self._busy = 0
        self._interval = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH)

    def begin(self, task: Task) -> Future[BlobFacts]:
        """Begin with a blob as soon as a thread is free."""
        return self._pool.submit(self._verify, self.paced(task.request))

    def close(self) -> None:
        """End the threads within a chunk."""
        self.stop()
        self._pool.shutdown(cancel_futures=True)
        sys.setswitchinterval(self._interval)

    def _verify(self, request: BlobRequest) -> BlobFacts:
        with self._lock:
            self._busy += 1
        helper = Helper(self._spare)
        try:
            return verify(request, self._tell, helper)
        finally:
            helper.finish()
            with self._lock:
                self._busy -= 1

    def _spare(self) -> bool:
        return self._busy < self._count

    def _tell(self, more: int) -> None:
        if self.stopped.is_set():
            raise Stopped
        if more:
            with self._lock:
                self.read += more


class Elsewhere(Workers):
    """Any executor, which the caller keeps; ``name`` is what messages call it, ``width`` how many requests it gets."""

    def __init__(self, executor: Executor, pace: Pace | None = None, *, name: str = "", width: int = 0) -> None:
        super().__init__(pace)
        self.executor = executor
        self.name = name or type(executor).__name__
        count = getattr(executor, "_max_workers", None)
        self.width = width or _EACH * (count if isinstance(count, int) else cores())
        if pace is not None:
            pace.shares = self.processes()
        self._reached = False
        self._different = 0

    def processes(self) -> int:
        """How many processes read, as far as is known."""
        count = getattr(self.executor, "_max_workers", 1)
        return count if isinstance(count, int) else 1

    def begin(self, task: Task) -> Future[BlobFacts]:
        """Hand over a request. Raises :class:`UsageError` for a store that the workers cannot read."""
        if not self._reached:
            self._reached = self._reach(task)
        try:
            return self.submit(task, self.paced(task.request))
        except (RuntimeError, BrokenExecutor) as problem:
            raise self.lost() from problem

    def submit(self, _task: Task, request: BlobRequest) -> Future[BlobFacts]:
        """Hand over a request."""
        return self.executor.submit(verify, request)

    def ask(self, function: Callable[[Opener], str], opener: Opener) -> list[str]:
        """What a function says on all workers that can be asked; it is empty where all is well."""
        return [self.executor.submit(function, opener).result()]

    def lost(self) -> CannotJudge:
        """What is said when there is nobody left to verify anything."""
        return CannotJudge(f"{self.name} was lost: nothing more was verified")

    def result(self, task: Task, future: Future[BlobFacts]) -> BlobFacts:
        """The facts of a worker, or of this process where that one had none or could not read the blob."""
        facts, why = None, ""
        try:
            facts = future.result()
            why = facts.failure
        except (CancelledError, BrokenExecutor) as problem:
            raise self.lost() from problem
        except Exception as problem:  # noqa: BLE001  # whatever happened there, the blob can be verified here
            why = self.owed(problem)
        if facts is None or facts.failure:
            here = verify(task.request)
            if why and not here.failure:
                self._differs(task, why)
            facts = here
        self.read += task.size
        return facts

    def owed(self, problem: Exception) -> str:
        """Why a worker did not even give facts; empty if that says nothing against the others."""
        return f"{type(problem).__name__}: {problem}"

    def _reach(self, task: Task) -> bool:
        """Whether the workers can read the store. Raises :class:`UsageError` if they cannot, and this process can."""
        try:
            said = next(filter(None, self.ask(_first_byte, task.request.opener)), "")
        except CancelledError as problem:
            raise self.lost() from problem
        except (PicklingError, TypeError, AttributeError) as problem:
            raise UsageError(f"{self.name} cannot be used: {_one_line(problem)}") from problem
        except (ImportError, RuntimeError, OSError) as problem:
            raise UsageError(f"{self.name}: a worker cannot verify anything: {_one_line(problem)}") from problem
        if said and not _first_byte(task.request.opener):
            raise UsageError(f"{self.name}: its workers cannot read {task.path}: {said}")
        # What nobody can read says nothing about them.
        return not said

    def _differs(self, task: Task, why: str) -> None:
        self._different += 1
        if self._different > _MOST_DIFFERENT:
            raise CannotJudge(f"{self.name}: its workers cannot read {task.path}, and this process can: {why}")


def verified(
    tasks: Iterable[Task | None],
    workers: Workers,
    tick: Callable[[], None] | None = None,
    news: queue.SimpleQueue[Future[BlobFacts] | None] | None = None,
) -> Iterator[tuple[Task, BlobFacts]]:
    """Verify blobs; yield each with its facts as soon as it is done, in any order.

    ``tasks`` are taken as they are needed; ``None`` among them says that there is none now, and that a ``None`` in
    ``news`` will tell of more. ``tick`` is called several times a second. It ends early when the workers are stopped,
    and raises :class:`CannotJudge` when they are lost.
    """
    waiting, ended = iter(tasks), False
    done: queue.SimpleQueue[Future[BlobFacts] | None] = queue.SimpleQueue() if news is None else news
    under_way: dict[Future[BlobFacts], Task] = {}
    try:
        while not workers.stopped.is_set():
            while len(under_way) < workers.width and not ended:
                task = next(waiting, _END)
                ended = task is _END
                if not isinstance(task, Task):
                    break
                future = workers.begin(task)
                under_way[future] = task
                future.add_done_callback(done.put)
            if ended and not under_way:
                return
            if tick is not None:
                tick()
            came = _next(done)
            if came is _END:
                workers.check()
            if not isinstance(came, Future):
                continue
            task = under_way.pop(came)
            try:
                facts = workers.result(task, came)
            except Stopped:
                return
            yield task, facts
    finally:
        for future in under_way:
            future.cancel()


def _next(news: queue.SimpleQueue[Future[BlobFacts] | None]) -> object:
    try:
        return news.get(timeout=_TICK)
    except queue.Empty:
        return _END


def _first_byte(opener: Opener) -> str:
    """Read the beginning of a blob, on a worker; why that cannot be, or nothing."""
    try:
        file = opener()
        try:
            file.readinto(memoryview(bytearray(1)))
        finally:
            file.close()
    except OSError as problem:
        return reason(problem)
    except OciValidateError as problem:
        return str(problem)
    return ""


def _one_line(problem: BaseException) -> str:
    return " ".join(str(problem).split())[:300] or type(problem).__name__
