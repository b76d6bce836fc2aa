"""Limits how much is kept of what may occur a million times: the first of each kind, and the number of others."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Final

MOST_OF_A_KIND: Final = 20
"""How many findings of a kind are kept by default."""


class Counts:
    """How many of each kind came, of which the first ``most`` are to be kept (``None``: all).

    ``calls``: how often :meth:`keep` was asked.
    """

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._seen: dict[Hashable, int] = {}
        self.calls = 0

    def keep(self, kind: Hashable, number: int = 1) -> bool:
        """Count one of a kind, or several; whether it is one to keep."""
        seen = self._seen.get(kind, 0)
        self.calls += 1
        self._seen[kind] = seen + number
        return self._most is None or seen < self._most

    def all(self, kind: Hashable) -> int:
        """How many of a kind there were."""
        return self._seen.get(kind, 0)

    def left_out(self, kinds: Iterable[Hashable]) -> dict[int, int]:
        """Where in a row of what was kept stands the last of a kind of which there were more, and how many more."""
        kept: dict[Hashable, tuple[int, int]] = {}
        for position, kind in enumerate(kinds):
            kept[kind] = (position, kept.get(kind, (0, 0))[1] + 1)
        return {
            position: self._seen[kind] - number
            for kind, (position, number) in kept.items()
            if self._seen[kind] > number
        }
