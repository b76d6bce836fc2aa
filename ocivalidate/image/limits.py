"""How much a hostile image may cost. Each limit is an option with a default that no real image comes near."""

from __future__ import annotations

from typing import NamedTuple

MIB = 1 << 20
GIB = 1 << 30


class Limits(NamedTuple):
    """How much is read of an image.

    ``document``: bytes of an index, manifest or config. ``depth``: how deep indexes are nested. ``documents``: how many
    indexes, manifests and configs are read. ``archive``: bytes of an archive once it is decompressed.
    """

    document: int = 32 * MIB
    depth: int = 16
    documents: int = 10_000
    archive: int = 64 * GIB
