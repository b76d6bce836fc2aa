"""Whoever verifies the blobs: the facts are the same, few requests are under way, and what is lost is done again."""

from __future__ import annotations

import hashlib
import io
import itertools
import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fixtures.layouts import Entry, tar
from ocivalidate.audit.executors import Elsewhere, Task, Threads, Workers, verified
from ocivalidate.audit.pace import Pace
from ocivalidate.audit.workers import named
from ocivalidate.errors import CannotJudge, UsageError
from ocivalidate.image.layers.blob import BlobFacts, BlobRequest, FilePart, verify
from tests.blobs import opener

KEY = b"k" * 16


def tasks(folder: Path, count: int = 12) -> list[Task]:
    found = []
    for number in range(count):
        data = tar([Entry(f"etc/{number}", bytes(number * 1000))])
        path = folder / f"{number:02}"
        path.write_bytes(data)
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        request = BlobRequest(FilePart(str(path)), layer=True, size=len(data), used=True, key=KEY)
        found.append(Task(path.name, digest, request))
    return found


def facts_by(workers: Workers, given: list[Task]) -> dict[str, BlobFacts]:
    with workers:
        return {task.path: facts for task, facts in verified(given, workers)}


def expected(given: list[Task]) -> dict[str, BlobFacts]:
    return {task.path: verify(task.request) for task in given}


def test_threads_find_what_is_there(tmp_path: Path) -> None:
    given = tasks(tmp_path)
    workers = Threads(3)
    assert facts_by(workers, given) == expected(given)
    assert workers.read == sum(task.size for task in given)


def test_processes_find_the_same(tmp_path: Path) -> None:
    given = tasks(tmp_path, 5)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        workers = Elsewhere(pool, Pace(1 << 30))
        assert facts_by(workers, given) == expected(given)
    assert workers.read == sum(task.size for task in given)


def test_few_blobs_are_under_way_however_many_there_are() -> None:
    taken = 0

    def endless() -> Iterator[Task]:
        nonlocal taken
        for number in itertools.count():
            taken += 1
            yield Task(str(number), "sha256:x", BlobRequest(opener(b"a"), size=1))

    with Threads(2) as workers:
        assert len(list(itertools.islice(verified(endless(), workers), 500))) == 500
    assert taken <= 500 + workers.width + 1


def test_stopping_ends_what_is_under_way() -> None:
    class Endless(io.RawIOBase):
        def readinto(self, buffer: Any) -> int:
            return len(buffer)

    given = [Task(str(number), "sha256:x", BlobRequest(Endless)) for number in range(9)]
    with Threads(2) as workers:
        threading.Timer(0.1, workers.stop).start()
        assert list(verified(given, workers)) == []


def test_stopping_ends_a_wait_for_its_turn() -> None:
    given = [Task("p", "sha256:x", BlobRequest(opener(bytes(1 << 20)), size=1 << 20))]
    with Threads(1, Pace(10)) as workers:
        threading.Timer(0.1, workers.stop).start()
        assert list(verified(given, workers)) == []


class Failing(Executor):
    """Does nothing but fail, in one way."""

    def __init__(self, problem: BaseException | str) -> None:
        self._problem = problem
        self._max_workers = 2

    def submit(self, function: Any, /, *_given: Any, **_named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if function is not verify:
            future.set_result("")
        elif isinstance(self._problem, BaseException):
            future.set_exception(self._problem)
        else:
            future.set_result(BlobFacts(failure=self._problem))
        return future


class Killed(Exception):
    """As Dask says it when several workers were lost with a blob."""


@pytest.mark.parametrize("problem", [Killed("worker lost"), MemoryError(), "Input/output error"])
def test_what_a_worker_owes_is_done_here(tmp_path: Path, problem: BaseException | str) -> None:
    given = tasks(tmp_path, 4)
    workers = Elsewhere(Failing(problem))
    assert facts_by(workers, given) == expected(given)


@pytest.mark.parametrize("problem", [ImportError("no module named ocivalidate"), "Input/output error"])
def test_workers_that_read_nothing_are_told_in_one_line(tmp_path: Path, problem: BaseException | str) -> None:
    given = tasks(tmp_path, 40)
    with pytest.raises(CannotJudge, match=r"its workers cannot read .* and this process can") as told:
        facts_by(Elsewhere(Failing(problem), name="dask://host:1"), given)
    assert "\n" not in str(told.value)


def test_what_nobody_can_read_is_a_failure_of_the_blob(tmp_path: Path) -> None:
    given = [
        Task(str(number), "sha256:x", BlobRequest(FilePart(str(tmp_path / str(number))), size=1))
        for number in range(40)
    ]
    found = facts_by(Elsewhere(Failing("No such file or directory")), given)
    assert {facts.failure for facts in found.values()} == {"no such file or directory"}


@pytest.mark.parametrize("problem", [BrokenExecutor("gone"), RuntimeError("cannot schedule new futures")])
def test_an_executor_that_is_gone_ends_the_run(tmp_path: Path, problem: Exception) -> None:
    class Gone(Failing):
        def submit(self, function: Any, /, *given: Any, **named: Any) -> Future[Any]:
            if function is verify:
                raise problem
            return super().submit(function, *given, **named)

    with pytest.raises(CannotJudge, match="was lost: nothing more was verified"):
        facts_by(Elsewhere(Gone("")), tasks(tmp_path, 2))


def test_a_cancelled_blob_means_that_the_workers_are_lost(tmp_path: Path) -> None:
    class Cancelling(Failing):
        def submit(self, function: Any, /, *given: Any, **named: Any) -> Future[Any]:
            future = super().submit(function, *given, **named)
            if function is verify:
                future = Future()
                future.cancel()
                future.set_running_or_notify_cancel()
            return future

    with pytest.raises(CannotJudge, match="was lost"):
        facts_by(Elsewhere(Cancelling("")), tasks(tmp_path, 2))


@dataclass(frozen=True)
class OnlyHere:
    """Opens a blob in the process that made it alone."""

    path: str
    process: int

    def __call__(self) -> io.FileIO:
        if os.getpid() != self.process:
            raise FileNotFoundError(2, "No such file or directory")
        return io.FileIO(self.path)


@pytest.mark.parametrize("where", ["not there", "not to be sent"])
def test_a_store_that_workers_cannot_reach_is_refused_in_one_line(tmp_path: Path, where: str) -> None:
    (tmp_path / "blob").write_bytes(b"a")
    opened = OnlyHere(str(tmp_path / "blob"), os.getpid()) if where == "not there" else opener(b"a")
    given = [Task("blobs/a", "sha256:x", BlobRequest(opened, size=1))]
    with (
        ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool,
        pytest.raises(UsageError) as refused,
    ):
        facts_by(Elsewhere(pool, name="--executor x"), given)
    assert "\n" not in str(refused.value)
    assert str(refused.value).startswith("--executor x")


def test_a_thread_pool_of_the_caller_will_do(tmp_path: Path) -> None:
    given = tasks(tmp_path, 5)
    with ThreadPoolExecutor(2) as pool:
        assert facts_by(Elsewhere(pool), given) == expected(given)


@pytest.mark.parametrize(
    "name", ["", "spark", "dask://", "dask://host", "dask://:1", "dask://host:0", "dask://h:99999"]
)
def test_an_unknown_executor_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(UsageError) as refused:
        named(name)
    assert "\n" not in str(refused.value)


def test_ticks_come_while_a_blob_takes_long() -> None:
    ticks = []
    given = [Task("p", "sha256:x", BlobRequest(opener(bytes(1000)), size=1000))]
    with Threads(1, Pace(2000)) as workers:
        assert len(list(verified(given, workers, lambda: ticks.append(workers.read)))) == 1
    assert len(ticks) > 2
