"""A real Dask scheduler with four worker processes: the same facts, whatever becomes of them."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import random
from collections.abc import Iterator
from pathlib import Path
from pickle import PicklingError
from typing import Any

import pytest

from fixtures.layouts import Entry, tar
from ocivalidate.audit.executors import Task, Workers, verified
from ocivalidate.audit.workers import named, of
from ocivalidate.errors import UsageError
from ocivalidate.image.layers.blob import BlobFacts, BlobRequest, FilePart, verify
from tests.integration.audit.clusters import Cluster, cluster
from tests.integration.audit.long_runs import SLOW, audited, begun, lines, report, write_registry

pytest.importorskip("distributed", reason="needs ocivalidate[dask]")
pytestmark = [
    pytest.mark.integration,
    # Threads of a scheduler that was killed on purpose say so.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Its tests run in order: the last ones kill a worker, then the scheduler."""
    with cluster(tmp_path_factory.mktemp("dask"), 4) as started:
        yield started


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_registry(tmp_path_factory.mktemp("registry"))


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> list[Task]:
    folder, dice = tmp_path_factory.mktemp("blobs"), random.Random(1)  # noqa: S311  # drawn, not secret
    found = []
    for number in range(20):
        data = tar([Entry(f"etc/{number}", dice.randbytes(2000) * 500), Entry(".wh.x")])
        path = folder / f"{number:02}"
        path.write_bytes(data)
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        found.append(Task(path.name, digest, BlobRequest(FilePart(str(path)), layer=True, size=len(data), used=True)))
    return found


def facts_by(workers: Workers, tasks: list[Task]) -> dict[str, BlobFacts]:
    with workers:
        return {task.path: facts for task, facts in verified(tasks, workers)}


def expected(tasks: list[Task]) -> dict[str, BlobFacts]:
    return {task.path: verify(task.request) for task in tasks}


def test_four_workers_find_what_one_thread_finds(dask: Cluster, tasks: list[Task]) -> None:
    assert facts_by(named(dask.name), tasks) == expected(tasks)


def test_the_callers_own_client_will_do(dask: Cluster, tasks: list[Task]) -> None:
    import distributed

    client_of: Any = distributed.Client
    with client_of(dask.name.replace("dask", "tcp"), set_as_default=False) as client:
        assert facts_by(of(client.get_executor()), tasks[:4]) == expected(tasks[:4])
        assert client.status == "running"


class OnlyHere:
    """Opens a blob in the process that made it alone: it is not there for others, or cannot even be sent."""

    def __init__(self, *, sent: bool) -> None:
        self._process = os.getpid()
        self._sent = sent

    def __call__(self) -> io.BytesIO:
        if os.getpid() != self._process:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return io.BytesIO(b"a")

    def __reduce__(self) -> Any:
        if not self._sent:
            raise PicklingError("a decompressed archive can be opened only in this process")
        return _only_there, (self._process,)


def _only_there(process: int) -> OnlyHere:
    opener = OnlyHere(sent=True)
    opener._process = process
    return opener


@pytest.mark.parametrize(
    ("sent", "why"), [(True, "cannot read blobs/a: no such file"), (False, "only in this process")]
)
def test_a_store_that_the_workers_cannot_read_is_refused_in_one_line(dask: Cluster, sent: bool, why: str) -> None:  # noqa: FBT001
    with pytest.raises(UsageError, match=why) as refused:
        facts_by(named(dask.name), [Task("blobs/a", "sha256:x", BlobRequest(OnlyHere(sent=sent)))])
    assert str(refused.value).startswith(dask.name)
    assert "\n" not in str(refused.value)


def test_a_lost_worker_costs_no_result(dask: Cluster, tasks: list[Task]) -> None:
    found: dict[str, BlobFacts] = {}
    with named(dask.name) as workers:
        for task, facts in verified(tasks, workers):
            if not found:
                dask.workers[0].kill()
            found[task.path] = facts
    assert found == expected(tasks)


def test_four_workers_give_the_report_of_one_thread(dask: Cluster, registry: Path) -> None:
    assert audited(registry, "--executor", dask.name) == audited(registry)


def test_a_lost_scheduler_leaves_a_journal_to_go_on_with(dask: Cluster, registry: Path, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    options = ("--journal", str(journal), "--rate", SLOW, "--executor", dask.name)
    process = begun(registry, *options, until=lambda: lines(journal) > 2)
    dask.scheduler.kill()
    text, said = process.communicate(timeout=60)
    lost = f"{dask.name} was lost: nothing more was verified"
    assert (process.returncode, said) == (2, f"{registry}: could not be judged: {lost}\n")
    partial = report(text)
    assert not partial["complete"]
    assert partial["facts"]["stopped"] == lost
    assert audited(registry, "--journal", str(journal)) == audited(registry)
