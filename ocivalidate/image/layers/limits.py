"""How much of a layer is read: limits against hostile input."""

from __future__ import annotations

from dataclasses import dataclass

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


@dataclass(frozen=True, slots=True)
class LayerLimits:
    """Limits for one layer. Sizes are bytes. Reaching one is a problem of a kind ``limit-…``, never a crash.

    ``inflated``: of the decompressed stream. ``ratio``: of inflated to compressed bytes; it applies only beyond
    ``ratio_floor`` inflated bytes. Gzip cannot exceed 1,032, so the default stops only zstd bombs. ``window``: of a
    zstd frame. ``entries``: of the tar. ``path``: of one path or link target. ``extension``: of the extension headers
    before one entry. ``entry_size``: declared by one entry, as archived or as an expanded sparse file. ``problems``:
    how many of each kind are kept; all are counted.
    """

    inflated: int = 64 * GIB
    ratio: int = 1100
    ratio_floor: int = GIB
    window: int = 128 * MIB
    entries: int = 1_000_000
    path: int = 4096
    extension: int = MIB
    entry_size: int = 64 * GIB
    problems: int = 20


DEFAULT = LayerLimits()
