"""How much of a layer is looked at: limits against hostile input."""

from __future__ import annotations

from dataclasses import dataclass

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


@dataclass(frozen=True, slots=True)
class LayerLimits:
    """Limits for one layer. Sizes are bytes. Reaching one is a problem of a kind ``limit-…``, never a crash.

    ``inflated``: what may come out of the compressed stream. ``ratio``: inflated over compressed bytes; it counts
    only once more than ``ratio_floor`` bytes came out. Gzip cannot exceed 1,032, so that the default stops bombs of
    zstd only. ``window``: of a zstd frame. ``entries``: of the tar. ``path``: of one path or link target.
    ``extension``: of the extension headers before one entry. ``entry_size``: declared by one entry, as archived or
    when a sparse file is expanded. ``problems``: kept of each kind; all are counted.
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
