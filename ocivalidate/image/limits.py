"""How much a hostile image may cost. Each limit is an option with a default that no real image comes near."""

from __future__ import annotations

from typing import NamedTuple

MIB = 1 << 20
GIB = 1 << 30


class Limits(NamedTuple):
    """How much of an image is read.

    ``document``: bytes of an index, manifest or config. ``depth``: of nested indexes, and of subjects of subjects.
    ``documents``: the number of indexes, manifests and configs. ``archive``: bytes of a decompressed archive.
    """

    document: int = 32 * MIB
    depth: int = 16
    documents: int = 10_000
    archive: int = 64 * GIB
