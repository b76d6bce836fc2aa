"""Shares of an audit: which blobs one of several runs verifies.

A blob belongs to a share by its digest alone, so every run knows its share without asking another: the shares of one
number have no blob in common and leave none out, and they stay the same on every machine and in every release.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from ocivalidate.errors import UsageError
from ocivalidate.vocabulary.wording import shortened

MOST = 100_000
"""The most shares of one audit."""


class Shard(NamedTuple):
    """Share ``number`` of ``of``, from 1 on."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def has(self, digest: str) -> bool:
        """Whether a blob of this digest belongs to it. Any text will do: names of blobs need not be digests."""
        return share_of(digest, self.of) == self.number


def share_of(digest: str, count: int) -> int:
    """The number of the share, from 1 to ``count``, to which a digest belongs.

    The first eight bytes of the SHA-256 of its text, most significant first, modulo ``count``. Names that somebody
    chose are spread as evenly as real digests.
    """
    text = digest.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") % count + 1


def parse(written: str) -> Shard:
    """The share that ``N/M`` means. Raises :class:`UsageError`."""
    number, slash, count = written.strip().partition("/")
    digits = all(part.isascii() and part.isdigit() and len(part) <= 9 for part in (number, count))
    if not slash or not digits or not 1 <= int(number) <= int(count) <= MOST:
        said = shortened(written if written.isprintable() else ascii(written), 80)
        raise UsageError(f"not a shard: {said}; write N/M, for example 1/8, with N from 1 to M and M at most {MOST:,}")
    return Shard(int(number), int(count))
