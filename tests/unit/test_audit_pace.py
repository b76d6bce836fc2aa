"""A polite limit holds over all threads, and never keeps a run from ending."""

from __future__ import annotations

import io
import pickle
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from ocivalidate.audit.pace import Pace, Paced, Stopped
from ocivalidate.image.layers.blob import BlobRequest, verify
from ocivalidate.registry.answers import Answer
from tests.blobs import opener


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Bytes:
    data: bytes

    def __call__(self) -> io.BytesIO:
        return io.BytesIO(self.data)


def test_bytes_are_paid_for_at_the_rate() -> None:
    clock = Clock()
    pace = Pace(1000, clock=clock)
    clock.now = 50.0
    # Whoever was idle has a tenth of a second at once, and no more.
    assert pace.owed(100) == pytest.approx(0.0)
    assert pace.owed(500) == pytest.approx(0.5)
    assert pace.owed(500) == pytest.approx(1.0)
    clock.now = 51.0
    assert pace.owed(1) == pytest.approx(0.001)


@pytest.mark.parametrize("threads", [1, 4])
def test_all_threads_together_keep_to_the_rate(threads: int) -> None:
    pace, size = Pace(4 << 20), 1 << 18
    requests = [BlobRequest(Paced(opener(bytes(size)), pace), size=size) for _blob in range(8)]
    start = time.monotonic()
    with ThreadPoolExecutor(threads) as pool:
        assert [facts.size for facts in pool.map(verify, requests)] == [size] * 8
    # 2 MiB at 4 MiB/s, of which a tenth of a second is free.
    assert 0.35 <= time.monotonic() - start < 3


def test_small_blobs_cost_no_more_than_their_bytes() -> None:
    clock = Clock()
    pace = Pace(1 << 20, clock=clock)
    clock.now = 50.0
    for _blob in range(100):
        verify(BlobRequest(Paced(opener(b"{}"), pace), size=2))
    assert pace.owed(0) == 0.0


class Answered(io.BytesIO):
    answers = (Answer("GET", "blob", "sha256:x", 200, length=1, got=1),)


def test_what_a_server_said_stays_with_the_blob() -> None:
    assert verify(BlobRequest(Paced(lambda: Answered(b"a"), Pace(1000)))).answers == Answered.answers


@pytest.fixture
def waiting() -> Iterator[Pace]:
    yield (pace := Pace(1))
    pace.stop()


def test_a_run_that_waits_ends_at_once(waiting: Pace) -> None:
    waiting.owed(1000)
    threading.Timer(0.05, waiting.stop).start()
    start = time.monotonic()
    with pytest.raises(Stopped):
        waiting.pay(1000)
    assert time.monotonic() - start < 2


def test_requests_in_another_process_share_one_pace_at_their_part_of_the_rate() -> None:
    pace = Pace(4000)
    pace.shares = 4
    one, other = (pickle.loads(pickle.dumps(Paced(Bytes(data), pace))) for data in (b"a", b"b"))  # noqa: S301  # ours
    assert one.pace is other.pace
    assert one.pace.rate == 1000
    assert verify(BlobRequest(other)).size == 1
