"""Shares of an audit are the whole, have nothing in common, and never change."""

from __future__ import annotations

import hashlib

import pytest

from ocivalidate.audit.sharding import Shard, parse, share_of
from ocivalidate.errors import UsageError

DIGESTS = [f"sha256:{hashlib.sha256(bytes([number % 256, number // 256])).hexdigest()}" for number in range(2000)]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 64])
def test_every_digest_is_in_one_share(count: int) -> None:
    shares = [Shard(number, count) for number in range(1, count + 1)]
    assert all([share.has(digest) for share in shares].count(True) == 1 for digest in DIGESTS)


def test_shares_are_even() -> None:
    sizes = [sum(Shard(number, 8).has(digest) for digest in DIGESTS) for number in range(1, 9)]
    assert min(sizes) > 200
    assert max(sizes) < 300


def test_shares_stay_what_they_are_in_every_release() -> None:
    assert [share_of(digest, 8) for digest in DIGESTS[:8]] == [3, 3, 5, 4, 1, 6, 2, 5]


@pytest.mark.parametrize("name", ["", "sha256:", "no digest", "sha256:\udcff", "\N{SNOWMAN}" * 300])
def test_names_that_are_no_digests_have_a_share_too(name: str) -> None:
    assert 1 <= share_of(name, 5) <= 5


@pytest.mark.parametrize("written", ["1/1", "3/8", " 8/8 ", "01/2"])
def test_a_shard_is_read(written: str) -> None:
    shard = parse(written)
    assert 1 <= shard.number <= shard.of
    assert parse(str(shard)) == shard


@pytest.mark.parametrize(
    "written", ["", "1", "0/2", "3/2", "1/0", "-1/2", "1/2/3", "a/b", "1/", "/2", "1/100001", "²/3"]
)
def test_what_is_no_shard_is_refused_in_one_line(written: str) -> None:
    with pytest.raises(UsageError, match="not a shard") as refused:
        parse(written)
    assert "\n" not in str(refused.value)
