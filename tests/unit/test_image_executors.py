"""Blobs that other threads and processes verify: the same facts, and the same report of the whole image."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fixtures.layouts import Entry, Image, Index, Layer, Layout, docker_save, folder, hardlink, symlink, tar, whiteout
from ocivalidate.errors import Unreadable
from ocivalidate.image.api import ImageOptions, check_image
from ocivalidate.image.layers.blob import BlobFacts, BlobRequest, FilePart, verify
from ocivalidate.image.layers.facts import TarFacts
from ocivalidate.image.layers.judging import LINK_TARGET as TARGET, PARENT
from ocivalidate.image.limits import Limits
from ocivalidate.image.pool import Job, verify_all
from ocivalidate.image.sources.opening import open_source
from ocivalidate.image.sources.source import Source
from ocivalidate.image.stacks import needs_a_second_look
from ocivalidate.rules.findings import Report

MOTD = Entry("etc/motd", b"hello\n")

# What an upper layer has beside a lower one with etc/motd.
UPPER = {
    "nothing of the lower": tar([Entry("usr/x")]),
    "a hard link to a file of the lower": tar([hardlink("etc/also", "etc/motd")]),
    "a hard link to nothing": tar([hardlink("etc/also", "etc/none")]),
    "a hard link to what it removes": tar([whiteout("etc/motd"), hardlink("etc/also", "etc/motd")]),
    "a file below a file of the lower": tar([Entry("etc/motd/below")]),
    "a link in place of a directory": tar([symlink("etc", "usr")]),
    "a file below a directory of the lower": tar([folder("etc/"), Entry("etc/issue")]),
}
BROKEN = dict.fromkeys(UPPER, "") | {
    "a hard link to nothing": TARGET,
    "a hard link to what it removes": TARGET,
    "a file below a file of the lower": PARENT,
}


def processes(count: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"))


class InTurn(Executor):
    """Hands each blob to another of its executors than the one before."""

    def __init__(self, *executors: Executor) -> None:
        self._turns = itertools.cycle(executors)

    def submit(self, function: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:
        return next(self._turns).submit(function, *given, **named)


@pytest.fixture(scope="module")
def two_processes() -> Iterator[Executor]:
    with processes(1) as one, processes(1) as other:
        yield InTurn(one, other)


@pytest.fixture(scope="module", params=["threads", "processes"])
def executor(request: pytest.FixtureRequest, two_processes: Executor) -> Iterator[Executor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads if request.param == "threads" else two_processes


def layout(upper: bytes) -> Layout:
    layers = (Layer(tar([folder("etc/"), MOTD])), Layer(upper, "zstd"), Layer(tar([Entry("last")]), "none"))
    return Layout(Index((Image(layers),)))


def written(found: Layout, target: Path, form: str) -> Path:
    if form == "folder":
        return found.write(target / "image")
    file = target / "image.tar"
    file.write_bytes(
        docker_save(found, old=True)
        if form == "docker save"
        else found.archive(compression="gzip" if form == "compressed" else "none")
    )
    return file


def seen(report: Report) -> Any:
    """All of a report."""
    return report.problem, report.results, report.findings, report.facts


def opened(path: Path) -> Source:
    return open_source(str(path), Limits())


def requests(source: Source) -> list[BlobRequest]:
    paths = [f"blobs/sha256/{name}" for name in source.children("blobs/sha256")]
    return [BlobRequest(source.opener(path), ("sha256", "sha512"), layer=True, used=True) for path in paths]


@pytest.mark.parametrize("form", ["folder", "archive"])
def test_the_facts_are_the_same_whoever_finds_them(form: str, executor: Executor, tmp_path: Path) -> None:
    with opened(written(layout(UPPER["a hard link to a file of the lower"]), tmp_path, form)) as source:
        asked = requests(source)
        assert list(executor.map(verify, asked)) == [verify(request) for request in asked]
        found = verify_all([Job(str(number), request) for number, request in enumerate(asked)], executor=executor)
        assert {int(job.key): facts for job, facts in found} == dict(enumerate(map(verify, asked)))


@pytest.mark.parametrize("form", ["folder", "archive", "compressed", "docker save"])
@pytest.mark.parametrize("upper", UPPER)
def test_an_image_is_judged_alike_though_each_layer_was_read_by_another_process(
    upper: str, form: str, two_processes: Executor, tmp_path: Path
) -> None:
    target = str(written(layout(UPPER[upper]), tmp_path, form))
    report = check_image(target, options=ImageOptions(executor=two_processes))
    assert seen(report) == seen(check_image(target))
    assert {found.clause.id for found in report.findings} & {PARENT, TARGET} == ({BROKEN[upper]} - {""})


def test_what_two_processes_have_read_is_seen_to_meet(two_processes: Executor, tmp_path: Path) -> None:
    with opened(written(layout(UPPER["a file below a file of the lower"]), tmp_path, "folder")) as source:
        tars = [facts.tar for facts in two_processes.map(verify, requests(source)) if facts.tar is not None]
    assert needs_a_second_look(tars, 1000)
    with opened(written(layout(UPPER["nothing of the lower"]), tmp_path / "other", "folder")) as source:
        tars = [facts.tar for facts in two_processes.map(verify, requests(source)) if facts.tar is not None]
    assert not needs_a_second_look(tars, 1000)


def test_hashes_of_different_keys_are_not_compared(tmp_path: Path) -> None:
    def scanned(source: Source, key: bytes) -> list[TarFacts]:
        asked = [BlobRequest(source.opener(f"blobs/sha256/{name}"), layer=True, used=True, key=key) for name in names]
        return [facts.tar for facts in map(verify, asked) if facts.tar is not None and facts.tar.entries]

    with opened(written(layout(UPPER["nothing of the lower"]), tmp_path, "folder")) as source:
        names = source.children("blobs/sha256")
        assert scanned(source, b"1") != scanned(source, b"2")
        assert not needs_a_second_look(scanned(source, b"1"), 1000)
        assert needs_a_second_look(scanned(source, b"1")[:1] + scanned(source, b"2")[1:], 1000)


def test_a_request_keeps_its_key_on_its_way(tmp_path: Path) -> None:
    request = BlobRequest(FilePart(str(tmp_path)))
    assert pickle.loads(pickle.dumps(request)) == request  # noqa: S301  # made in the line itself


def test_a_link_out_of_a_layout_is_followed_nowhere(two_processes: Executor, tmp_path: Path) -> None:
    target = layout(UPPER["nothing of the lower"]).write(tmp_path / "image")
    blob = max((target / "blobs" / "sha256").iterdir(), key=lambda file: file.stat().st_size)
    blob.rename(tmp_path / "outside")
    with opened(target) as source:
        blob.symlink_to(tmp_path / "outside")
        request = BlobRequest(source.opener(f"blobs/sha256/{blob.name}"))
        with pytest.raises(Unreadable):
            verify(request)
        with pytest.raises(Unreadable):
            two_processes.submit(verify, request).result()
    with open_source(str(target), Limits(), follow_links=True) as source:
        request = BlobRequest(source.opener(f"blobs/sha256/{blob.name}"))
        assert two_processes.submit(verify, request).result() == verify(request)


def test_an_archive_that_was_replaced_is_not_taken_for_the_one_that_was_opened(
    two_processes: Executor, tmp_path: Path
) -> None:
    path = written(layout(UPPER["nothing of the lower"]), tmp_path, "archive")
    with opened(path) as source:
        asked = requests(source)
        (tmp_path / "new").write_bytes(bytes(path.stat().st_size))
        os.replace(tmp_path / "new", path)
        facts: list[BlobFacts] = list(two_processes.map(verify, asked))
        assert {found.failure for found in facts} == {"the file changed while it was being read"}
        assert not verify(asked[0]).failure


def test_relative_names_lead_to_the_same_files(
    two_processes: Executor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may have another working directory: these were started before."""
    layout(UPPER["nothing of the lower"]).write(tmp_path / "image")
    monkeypatch.chdir(tmp_path)
    report = check_image("image", options=ImageOptions(executor=two_processes))
    assert (report.problem, report.findings) == ("", ())


def test_an_executor_begins_no_more_blobs_when_the_caller_stops(tmp_path: Path) -> None:
    began: list[BlobRequest] = []

    class Lazy(Executor):
        """Does one, and leaves the others."""

        def submit(self, function: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:
            future: Future[Any] = Future()
            if not began:
                began.append(given[0])
                future.set_result(function(*given, **named))
            left.append(future)
            return future

    left: list[Future[Any]] = []
    with opened(written(layout(UPPER["nothing of the lower"]), tmp_path, "folder")) as source:
        told: list[int] = []
        jobs = [Job(str(number), request) for number, request in enumerate(requests(source))]
        results = verify_all(jobs, executor=Lazy(), progress=told.append)
        next(results)
        results.close()
    assert [future.cancelled() for future in left[1:]] == [True] * (len(jobs) - 1)
    assert len(told) == 1


def test_an_accident_elsewhere_reaches_the_caller(two_processes: Executor, tmp_path: Path) -> None:
    with opened(written(layout(UPPER["nothing of the lower"]), tmp_path, "folder")) as source:
        gone = BlobRequest(source.opener("blobs/sha256/gone"))
        with pytest.raises(Unreadable):
            list(verify_all([Job("gone", gone)], executor=two_processes))
