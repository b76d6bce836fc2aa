"""What a document becomes with fixes: all bytes outside of their changes stay."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from ocivalidate.rules.findings import Change, Fix


def changes_of(fixes: Iterable[Fix]) -> list[Change]:
    """All changes, in the order of their places. Fixes that share a change have it once."""
    return sorted({change for fix in fixes for change in fix.changes})


def overlapping(fixes: Iterable[Fix]) -> bool:
    """Whether fixes want the same bytes to become two things."""
    return any(later.start < earlier.end or later[:2] == earlier[:2] for earlier, later in pairwise(changes_of(fixes)))


class Piece(NamedTuple):
    """The bytes of the original from ``start`` to ``end``, and what stands there now (``None``: they do)."""

    start: int
    end: int
    now: bytes | None = None

    def __len__(self) -> int:
        return self.end - self.start if self.now is None else len(self.now)


class Changed:
    """A document, and what it becomes by one round of fixes after another."""

    def __init__(self, data: bytes) -> None:
        self.before = data
        self._pieces = [Piece(0, len(data))]

    @property
    def data(self) -> bytes:
        """What it has become."""
        return b"".join(self.before[one.start : one.end] if one.now is None else one.now for one in self._pieces)

    @property
    def pieces(self) -> list[Piece]:
        """What was changed, in the order of places in the original."""
        return [piece for piece in self._pieces if piece.now is not None]

    def apply(self, fixes: Iterable[Fix]) -> None:
        """Make changes in what it has become. Raises ``ValueError`` where two of them want the same bytes."""
        changes = changes_of(fixes)
        position = 0
        for change in changes:
            if change.start < position:
                raise ValueError(f"two fixes change byte {change.start}")
            position = change.end
        for change in reversed(changes):
            self._change(change.start, change.end, change.text.encode())

    def _change(self, start: int, end: int, text: bytes) -> None:
        """Make one change; what it touches of an earlier one becomes one with it."""
        pieces, position = self._pieces, 0
        touched: list[Piece] = []
        at = 0
        while at < len(pieces) and position + len(pieces[at]) <= start:
            position += len(pieces[at])
            at += 1
        first, begin = at, position
        while at < len(pieces) and (position < end or not touched):
            touched.append(pieces[at])
            position += len(pieces[at])
            at += 1
        self._pieces[first:at] = self._merged(touched, start - begin, end - begin, text)

    def _merged(self, touched: list[Piece], start: int, end: int, text: bytes) -> list[Piece]:
        """The pieces that are touched, of whose bytes those from ``start`` to ``end`` become ``text``."""
        if not touched:
            return [Piece(len(self.before), len(self.before), text)]
        head, tail = touched[0], touched[-1]
        left = sum(map(len, touched)) - end
        before, after = [], []
        first, last = head.start, tail.end
        if head.now is None:
            first = head.start + start
            before = [Piece(head.start, first)] if start else []
        else:
            text = head.now[:start] + text
        if tail.now is None:
            last = tail.end - left
            after = [Piece(last, tail.end)] if left else []
        else:
            text += tail.now[len(tail.now) - left :]
        return [*before, Piece(first, last, text), *after]


def changed(data: bytes, fixes: Iterable[Fix]) -> bytes:
    """The document with fixes. Raises ``ValueError`` where two of them want the same bytes."""
    document = Changed(data)
    document.apply(fixes)
    return document.data
