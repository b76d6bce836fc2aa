"""Blobs are verified while an audit still plans, and the walks that planned it judge it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from fixtures.layouts import Entry, Image, Index, Layer, Layout, Tree, tar
from ocivalidate.audit import executors, planning, verifying, walks
from ocivalidate.audit.api import audit
from ocivalidate.audit.book import Book
from ocivalidate.audit.executors import Stopping, Task, Workers
from ocivalidate.audit.options import Work
from ocivalidate.audit.pace import Pace
from ocivalidate.audit.rows import Wanted
from ocivalidate.audit.store import Held, Link, Store
from ocivalidate.audit.stores.recognising import open_store
from ocivalidate.errors import UsageError
from ocivalidate.image.graph import Reference
from ocivalidate.image.layers.blob import BlobFacts, BlobRequest, Opener, verify
from ocivalidate.image.walk import Walk
from ocivalidate.registry.options import RegistryOptions
from ocivalidate.rules.findings import Report


def store_of(path: Path, count: int = 3) -> Store:
    tree = Tree()
    for number in range(count):
        tree.push(f"app{number}", Image([Layer(tar([Entry(f"own{number}", b"x" * 10_000)]))], name="v1"))
    return open_store(str(tree.write(path)), RegistryOptions())


def told(report: Report) -> list[str]:
    return [f"{one.clause.id} {one.location.file}" for one in report.findings]


class Slow(Store):
    """A store whose last repository is listed only once the first layer was verified."""

    def __init__(self, inner: Store, verified: threading.Event) -> None:
        self._inner = inner
        self.name, self.form = inner.name, inner.form
        self._verified = verified
        self.waited = False

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def blobs(self) -> Iterator[Held]:
        return self._inner.blobs()

    def repositories(self) -> Iterator[str]:
        *most, last = self._inner.repositories()
        yield from most
        self.waited = self._verified.wait(20)
        yield last

    def links(self, repository: str) -> Iterator[Link]:
        return self._inner.links(repository)

    def find(self, repository: str, digest: str) -> Held | None:
        return self._inner.find(repository, digest)

    def opener(self, held: Held) -> Opener:
        return self._inner.opener(held)


def test_layers_are_verified_while_repositories_are_still_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified = threading.Event()

    def done(request: BlobRequest) -> BlobFacts:
        verified.set()
        return verify(request)

    monkeypatch.setattr(executors, "verify", done)
    with store_of(tmp_path) as inner, ThreadPoolExecutor(1) as pool:
        store = Slow(inner, verified)
        report = audit(store, executor=pool)
    assert store.waited
    assert report.facts["images"]["sound"] == 3
    assert told(report) == []


def test_every_image_is_walked_over_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    walked: Counter[str] = Counter()
    follow = Walk.follow

    def counting(self: Walk, roots: Iterable[Reference]) -> None:
        found = [*roots]
        walked.update(one.path for one in found)
        follow(self, found)

    monkeypatch.setattr(Walk, "follow", counting)
    with store_of(tmp_path) as store:
        assert audit(store).facts["images"]["sound"] == 3
    assert [*walked.values()] == [1, 1, 1]


@pytest.mark.parametrize("room", [0, 1_000_000])
def test_what_there_is_no_room_for_is_walked_over_again(
    room: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "layouts").mkdir()
    for number in range(3):
        broken = Image([Layer(tar([Entry("a")]))], name="v1", config={"rootfs": {"type": number}})
        Layout(Index((broken,))).write(tmp_path / f"layouts/app{number}")
    expected = told(audit(tmp_path / "layouts"))
    monkeypatch.setattr(walks, "_MOST", room)
    assert told(audit(tmp_path / "layouts")) == expected != []


def test_walks_take_no_more_memory_than_there_is_room_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[int] = []
    keep = walks.Walks.keep

    def counting(self: walks.Walks, *given: object) -> None:
        keep(self, *given)  # type: ignore[arg-type]  # as the method
        kept.append(len(self._kept))

    monkeypatch.setattr(walks, "_MOST", 5000)
    monkeypatch.setattr(walks.Walks, "keep", counting)
    with store_of(tmp_path, 12) as store:
        assert audit(store).facts["images"]["sound"] == 12
    assert 0 < max(kept) < 12


class Lost(Workers):
    """Workers that cannot read the store."""

    width = 2

    def begin(self, _task: Task) -> Future[BlobFacts]:
        raise UsageError("they cannot read it")


@pytest.mark.parametrize("count", [1, 40])
def test_workers_that_cannot_read_the_store_end_it_at_once(count: int, tmp_path: Path) -> None:
    with store_of(tmp_path, count) as store, pytest.raises(UsageError, match="they cannot read it"):
        audit(store, work=Work(workers=Lost()))


def test_one_that_is_stopped_while_it_plans_says_so(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    stopping = Stopping()

    class Stopped(Slow):
        def repositories(self) -> Iterator[str]:
            for name in self._inner.repositories():
                yield name
                stopping.stop()

    with store_of(tmp_path) as inner:
        report = audit(Stopped(inner, threading.Event()), work=Work(stopping=stopping))
    assert not report.complete
    assert report.facts["stopped"] == "interrupted"
    assert set(threading.enumerate()) <= before


def test_an_interrupt_while_it_plans_leaves_no_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(threading.enumerate())
    monkeypatch.setattr(planning._Planner, "plan", _interrupted)
    with store_of(tmp_path) as store:
        report = audit(store)
    assert report.facts["stopped"] == "interrupted"
    assert set(threading.enumerate()) <= before


def _interrupted(_planner: object) -> None:
    raise KeyboardInterrupt


def test_no_more_is_begun_with_early_than_there_is_room_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying, "_MOST_FED", 1)
    with store_of(tmp_path, 8) as store:
        report = audit(store)
    assert report.facts["images"]["sound"] == 8
    assert report.facts["verified"]["blobs"] == report.facts["blobs"]


class Counting(Pace):
    """A pace that counts what it is paid for."""

    paid = 0

    def owed(self, count: int) -> float:
        self.paid += count
        return super().owed(count)


def test_documents_count_for_the_rate_as_blobs_do(tmp_path: Path) -> None:
    pace = Counting(1 << 40)
    with store_of(tmp_path) as store:
        report = audit(store, work=Work(pace=pace))
    assert pace.paid == report.facts["bytes"] > 0


def test_one_pace_serves_several_audits(tmp_path: Path) -> None:
    pace = Pace(1 << 13)
    for _time in range(2):
        with store_of(tmp_path) as store:
            report = audit(store, work=Work(pace=pace))
        assert report.complete
        assert report.facts["verified"]["blobs"] == report.facts["blobs"]


HELD = Held("sha256:" + "a" * 64, 5, "x")


@pytest.mark.parametrize(
    ("first", "then", "again"),
    [
        (Wanted(HELD, True, ("sha256",)), Wanted(HELD, True, ("sha256",)), False),
        (Wanted(HELD, True, ("sha256",)), Wanted(HELD), False),
        (Wanted(HELD), Wanted(HELD, True, ("sha256",)), True),
        (Wanted(HELD, True, ("sha256",)), Wanted(HELD, True, ("sha512",)), True),
    ],
)
def test_a_blob_of_which_more_is_wanted_later_is_verified_again(first: Wanted, then: Wanted, *, again: bool) -> None:
    for late in (False, True):
        book = Book()
        book.use(first)
        if late:
            book.use(then)
        book.keep_facts(HELD.path, BlobFacts(5), first)
        if not late:
            book.use(then)
        assert (book.wanted(HELD.path) is not None) == again
        wanted = book.wanted(HELD.path)
        if wanted is not None:
            book.keep_facts(HELD.path, BlobFacts(5), wanted)
        assert [*book.unverified()] == []
        book.close()


def test_a_document_spoils_nothing_that_is_known_of_a_layer() -> None:
    book = Book()
    wanted = Wanted(HELD, True, ("sha256",))
    book.use(wanted)
    book.keep_facts(HELD.path, BlobFacts(5), wanted)
    book.keep_facts(HELD.path, BlobFacts(7))
    assert book.wanted(HELD.path) is None
    facts = book.facts(HELD.path)
    assert facts is not None
    assert facts.size == 5
    book.close()
