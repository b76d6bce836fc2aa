"""Verifying blobs: what one pass finds, limits, parts of files, and many at a time."""

from __future__ import annotations

import hashlib
import io
import pickle
import threading
from pathlib import Path

import pytest

from fixtures.layouts import BROKEN, Entry, Layer, tar, tars, zstd_bomb
from ocivalidate.image.layers.blob import BlobFacts, BlobRequest, FilePart, verify
from ocivalidate.image.layers.compression import Compression
from ocivalidate.image.layers.feeding import Hashes, Helper
from ocivalidate.image.layers.limits import LayerLimits
from ocivalidate.image.layers.problems import Kind
from ocivalidate.image.pool import Job, verify_all
from ocivalidate.vocabulary import digests
from tests.blobs import check_layer, opener

MIB = 1 << 20
BIG_TAR = tar([Entry("big", bytes(range(256)) * 20_000), Entry("etc/motd", b"hello\n")])


@pytest.mark.parametrize("compression", ["gzip", "zstd", "none"])
def test_one_pass_finds_digest_size_compression_and_diff_id(compression: str) -> None:
    blob = tars.compress(BIG_TAR, compression)
    facts = check_layer(blob)
    assert facts.digests == (digests.of(blob),)
    assert facts.diff_ids == (digests.of(BIG_TAR),)
    assert (facts.size, facts.inflated, facts.compression) == (len(blob), len(BIG_TAR), Compression(compression))
    assert facts.tar is not None
    assert facts.tar.entries == 2


def test_several_algorithms_and_none_that_cannot_be_computed() -> None:
    facts = verify(
        BlobRequest(opener(BIG_TAR), ("sha512", "sha256", "unknown"), layer=True, diff_algorithms=("sha512",))
    )
    assert {str(digest) for digest in facts.digests} == {
        f"sha256:{hashlib.sha256(BIG_TAR).hexdigest()}",
        f"sha512:{hashlib.sha512(BIG_TAR).hexdigest()}",
    }
    assert [digest.algorithm for digest in facts.diff_ids] == ["sha512"]


def test_a_blob_that_is_no_layer_is_only_hashed() -> None:
    blob = BROKEN["stream-truncated"]().to_bytes()
    assert verify(BlobRequest(opener(blob))) == BlobFacts(len(blob), (digests.of(blob),))


@pytest.mark.parametrize("kind", ["stream-truncated", "stream-corrupt", "stream-checksum", "stream-unknown"])
def test_a_stream_that_breaks_has_no_diff_id_but_its_digest(kind: str) -> None:
    blob = BROKEN[kind]().to_bytes()
    facts = check_layer(blob)
    assert facts.diff_ids == ()
    assert facts.digests == (digests.of(blob),)


def test_trailing_bytes_do_not_change_the_diff_id() -> None:
    facts = check_layer(BROKEN["stream-trailing-bytes"]().to_bytes())
    assert facts.diff_ids == (digests.of(Layer().data),)


def test_a_bomb_ends_at_the_limit_and_the_blob_is_still_hashed() -> None:
    blob = zstd_bomb(1 << 36)
    facts = check_layer(blob, LayerLimits(ratio=16, ratio_floor=8 * MIB))
    assert (facts.limit, facts.inflated <= 34 * MIB, facts.diff_ids) == (Kind.LIMIT_RATIO, True, ())
    assert facts.digests == (digests.of(blob),)
    facts = check_layer(blob, LayerLimits(inflated=8 * MIB))
    assert (facts.limit, facts.inflated <= 9 * MIB, facts.diff_ids) == (Kind.LIMIT_INFLATED, True, ())


def test_the_ratio_is_that_of_the_whole_blob() -> None:
    blob = tars.zstd(tar([Entry("zeros", bytes(32 * MIB))])) + tars.zstd(bytes(MIB))
    assert check_layer(blob, LayerLimits(ratio_floor=MIB)).limit is Kind.LIMIT_RATIO
    assert check_layer(blob, LayerLimits(ratio_floor=MIB), size=MIB).limit is None


def test_a_part_of_a_file_is_a_blob(tmp_path: Path) -> None:
    blob = tars.gzip(BIG_TAR)
    file = tmp_path / "archive"
    file.write_bytes(b"before" + blob + b"after")
    part = pickle.loads(pickle.dumps(FilePart(str(file), 6, len(blob))))  # noqa: S301  # made in the line itself
    assert verify(BlobRequest(part, layer=True)) == check_layer(blob)


def test_a_file_that_cannot_be_read_is_told() -> None:
    assert verify(BlobRequest(FilePart("/nonexistent/blob"))).failure == "no such file or directory"


class Trickle(io.BytesIO):
    """Gives a few bytes at a time, as a pipe may."""

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # any buffer will do
        return super().readinto(memoryview(buffer)[:777])


def test_short_reads_change_nothing() -> None:
    blob = tars.gzip(BIG_TAR)
    assert verify(BlobRequest(lambda: Trickle(blob), layer=True, size=len(blob))) == check_layer(blob)


def test_progress_counts_the_bytes_of_the_blob_once() -> None:
    blob = BROKEN["stream-checksum"]().to_bytes()
    seen: list[int] = []
    verify(BlobRequest(opener(blob), layer=True), progress=seen.append)
    assert sum(seen) == len(blob)


@pytest.mark.parametrize("compression", ["gzip", "zstd", "none"])
def test_a_helper_that_hashes_changes_nothing(compression: str) -> None:
    blob = tars.compress(BIG_TAR * 3, compression)
    turns = iter([True, False, False] * 10_000)
    for spare in (lambda: True, lambda: False, lambda: next(turns)):
        wanted = BlobRequest(opener(blob), ("sha256", "sha512"), layer=True, diff_algorithms=("sha512", "sha256"))
        assert verify(wanted, feeder=Helper(spare)) == verify(wanted)


def test_a_helper_hashes_in_order() -> None:
    hashes, helper = Hashes(("sha256",)), Helper(lambda: True)
    for number in range(50):
        helper.feed(hashes, bytes([number]) * 1000)
    helper.finish()
    assert hashes.digests() == (digests.of(b"".join(bytes([number]) * 1000 for number in range(50))),)


def jobs(count: int) -> list[Job]:
    blobs = [bytes([number % 256]) * number * 10 for number in range(count)]
    return [Job(str(number), BlobRequest(opener(blob), size=len(blob))) for number, blob in enumerate(blobs)]


@pytest.mark.parametrize("workers", [1, 2, 5, None])
def test_many_blobs_get_the_facts_that_each_gets_alone(workers: int | None) -> None:
    work = jobs(60)
    found = {job.key: facts for job, facts in verify_all(work, workers=workers)}
    assert found == {job.key: verify(job.request) for job in work}


def test_the_largest_blob_comes_first_and_progress_reaches_the_sum() -> None:
    work = jobs(20)
    seen: list[int] = []
    order = [job.size for job, _facts in verify_all(work, workers=1, progress=seen.append)]
    assert order == sorted(order, reverse=True)
    assert seen == sorted(seen)
    assert seen[-1] == sum(order)


def test_no_jobs_are_done_at_once() -> None:
    assert list(verify_all([])) == []


def test_the_workers_end_when_the_caller_stops() -> None:
    endless = Job("endless", BlobRequest(lambda: Endless(), size=MIB))  # noqa: PLW0108  # a new one each time
    results = verify_all([endless, *jobs(3)], workers=2)
    next(results)
    results.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ocivalidate-")]


class Endless:
    """Zeros without end."""

    def readinto(self, buffer: memoryview, /) -> int:
        return len(buffer)

    def close(self) -> None:
        """Nothing is open."""


def test_an_accident_in_a_worker_reaches_the_caller() -> None:
    def fail() -> Endless:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(verify_all([Job("bad", BlobRequest(fail)), *jobs(3)]))
