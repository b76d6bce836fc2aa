"""Judging many inputs in several processes: the reports are those of one process, in the same order.

A process ends when this one does, however that ends: its pipe breaks. An interrupt is for this process, which ends the
others.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import connection, get_context
from typing import Any

from ocivalidate.errors import CannotJudge
from ocivalidate.many.packed import Packer, Results, Unpacker
from ocivalidate.rules.findings import Report

Judge = Callable[[str], Report]

MOST_BYTES = 1 << 30
"""How many bytes the reports of one run may have, packed: in memory it is about three times as much."""

_CHUNK = 16


def processors() -> int:
    """How many processors this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def judged_here(judge: Judge, paths: Sequence[str]) -> list[Report]:
    """The reports on some paths, judged one after the other. Raises :class:`CannotJudge` where they are too large."""
    packer, unpacker, gathered = Packer(), Unpacker(Results()), _Gathered()
    return [unpacker.unpack(gathered.counted(packer.pack(judge(path)))) for path in paths]


def judged(judge: Judge, paths: Sequence[str], processes: int) -> list[Report]:
    """The same by several processes; ``judge`` has to pickle.

    Raises also what judging raises, and :class:`CannotJudge` when a process dies.
    """
    chunks = [paths[at : at + _CHUNK] for at in range(0, len(paths), _CHUNK)]
    reports: list[list[Report]] = [[] for _chunk in chunks]
    results, gathered = Results(), _Gathered()
    waiting = iter(range(len(chunks)))
    with _started(judge, min(processes, len(chunks))) as workers:
        unpackers = {worker: Unpacker(results) for worker in workers}
        at_work = {worker: at for worker in workers if (at := worker.give(waiting, chunks)) is not None}
        while at_work:
            by_pipe = {worker.pipe: worker for worker in at_work}
            for pipe in connection.wait([*by_pipe]):
                worker = by_pipe[pipe]
                at = at_work.pop(worker)
                said = worker.said(chunks[at])
                reports[at] = [unpackers[worker].unpack(gathered.counted(data)) for data in said]
                following = worker.give(waiting, chunks)
                if following is not None:
                    at_work[worker] = following
    return [report for some in reports for report in some]


class _Gathered:
    """How many bytes there are."""

    def __init__(self) -> None:
        self._bytes = 0

    def counted(self, data: bytes) -> bytes:
        """The same data. Raises :class:`CannotJudge` when it has become too much."""
        self._bytes += len(data)
        if self._bytes > MOST_BYTES:
            limit = f"{MOST_BYTES >> 20} MiB"
            raise CannotJudge(
                f"what was found takes more than {limit}: judge fewer inputs at once, or --select clauses"
            )
        return data


class _Worker:
    """A process that judges, and the pipe to it."""

    def __init__(self, judge: Judge, others: Sequence[_Worker]) -> None:
        # A child that is a copy of this process has its pipes too, and would keep them open when this one has ended.
        context: Any = get_context("fork" if _forks() else "spawn")
        self.pipe, theirs = context.Pipe()
        inherited = [self.pipe, *(other.pipe for other in others)] if _forks() else []
        self._process = context.Process(target=_work, args=(judge, theirs, inherited), daemon=True)
        with contextlib.nullcontext() if _forks() else _no_strangers():
            self._process.start()
        theirs.close()

    def give(self, waiting: Iterator[int], chunks: Sequence[Sequence[str]]) -> int | None:
        """Give it the next chunk to judge, and return which; ``None`` when there is none."""
        at = next(waiting, None)
        if at is not None:
            with contextlib.suppress(BrokenPipeError, ConnectionError):
                self.pipe.send(chunks[at])
        return at

    def said(self, chunk: Sequence[str]) -> list[bytes]:
        """What it says of its chunk. Raises what judging raised there, and :class:`CannotJudge` if it has died."""
        try:
            said = self.pipe.recv()
        except (EOFError, ConnectionError) as problem:
            self._process.join(1)
            code = self._process.exitcode
            end = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with status {code}"
            last = f" to {chunk[-1]}" if len(chunk) > 1 else ""
            raise CannotJudge(
                f"a process {end} while it judged {chunk[0]}{last} (--jobs 1 needs no other)"
            ) from problem
        if isinstance(said, BaseException):
            raise said
        return list(said)

    def end(self) -> None:
        """End it, whatever it does."""
        self.pipe.close()
        self._process.kill()
        self._process.join()


@contextlib.contextmanager
def _started(judge: Judge, number: int) -> Iterator[list[_Worker]]:
    workers: list[_Worker] = []
    try:
        with _no_interrupt():
            for _ in range(number):
                workers.append(_Worker(judge, workers))
        yield workers
    finally:
        for worker in workers:
            worker.end()


@contextlib.contextmanager
def _no_interrupt() -> Iterator[None]:
    """An interrupt waits: a process that begins is not yet ready for it."""
    mask = getattr(signal, "pthread_sigmask", None)
    if mask is None:
        yield
        return
    before = mask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        mask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _no_strangers() -> Iterator[None]:
    """A new Python imports nothing from the working directory or PYTHONPATH before it gets our own search path."""
    before = dict(os.environ)
    os.environ.update(PYTHONSAFEPATH="1", PYTHONNOUSERSITE="1")
    os.environ.pop("PYTHONPATH", None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _forks() -> bool:
    """Whether processes begin as copies of this one, which has no threads: it takes a hundredth of the time."""
    return sys.platform.startswith("linux")


def _work(judge: Judge, pipe: Any, inherited: Sequence[Any]) -> None:
    """Judge chunk by chunk, as long as some come."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    for one in inherited:
        one.close()
    packer = Packer()
    while True:
        try:
            chunk = pipe.recv()
        except (EOFError, OSError):
            return
        said: Any
        try:
            said = [packer.pack(judge(path)) for path in chunk]
        except MemoryError:
            said = CannotJudge("the system ran out of memory")
        except Exception as problem:  # noqa: BLE001  # it is raised again where somebody tells it
            said = problem
        try:
            pipe.send(said)
        except (BrokenPipeError, ConnectionError):
            return
