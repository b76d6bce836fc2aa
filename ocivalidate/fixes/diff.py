"""What fixes change, as a unified diff that ``patch`` takes.

The places of the changes are known, so nothing is compared: the work grows with the document alone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ocivalidate.fixes.changing import Changed, Piece

_CONTEXT = 3
_CUT = "\\ No newline at end of file\n"


@dataclass(slots=True)
class _Block:
    """The lines from ``start`` to before ``end``, counted from 0, and what stands there afterwards."""

    start: int
    end: int
    pieces: list[Piece]


def diff(name: str, document: Changed) -> Iterator[str]:
    """The lines of a unified diff of a document in UTF-8, with their ends; ``name`` is what it calls the file."""
    data = document.before
    lines = _lines(data)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    moved = 0
    for number, hunk in enumerate(_hunks(_blocks(starts, document.pieces))):
        if not number:
            yield f"--- {name}\n"
            yield f"+++ {name}\n"
        first, last = max(hunk[0].start - _CONTEXT, 0), min(hunk[-1].end + _CONTEXT, len(lines))
        body = [*_body(data, lines, starts, hunk, (first, last))]
        old, new = (sum(line[0] in marks for line in body) for marks in (" -", " +"))
        yield f"@@ -{_range(first, old)} +{_range(first + moved, new)} @@\n"
        moved += new - old
        yield from (row if row.endswith("\n") else f"{row}\n{_CUT}" for row in body)


def _lines(data: bytes) -> list[bytes]:
    """The lines, of which only a line feed ends one."""
    whole = data.split(b"\n")
    return [line + b"\n" for line in whole[:-1]] + ([whole[-1]] if whole[-1] else [])


def _blocks(starts: Sequence[int], pieces: Iterable[Piece]) -> Iterator[_Block]:
    """Pieces that share lines are one block."""
    block = None
    for piece in pieces:
        first = bisect_right(starts, piece.start) - 1
        # The line on which the piece ends belongs to it, as what is put in may join it.
        last = min(bisect_right(starts, piece.end) - 1, len(starts) - 2)
        if block is not None and first <= block.end:
            block.end = max(block.end, last + 1)
            block.pieces.append(piece)
            continue
        if block is not None:
            yield block
        block = _Block(first, last + 1, [piece])
    if block is not None:
        yield block


def _hunks(blocks: Iterable[_Block]) -> Iterator[list[_Block]]:
    """Blocks whose context meets are one hunk."""
    hunk: list[_Block] = []
    for block in blocks:
        if hunk and block.start - hunk[-1].end > 2 * _CONTEXT:
            yield hunk
            hunk = []
        hunk.append(block)
    if hunk:
        yield hunk


def _body(
    data: bytes, lines: Sequence[bytes], starts: Sequence[int], hunk: Sequence[_Block], span: tuple[int, int]
) -> Iterator[str]:
    position = span[0]
    for block in hunk:
        yield from (f" {line.decode()}" for line in lines[position : block.start])
        yield from (f"-{line.decode()}" for line in lines[block.start : block.end])
        yield from (f"+{line.decode()}" for line in _lines(_changed(data, starts, block)))
        position = block.end
    yield from (f" {line.decode()}" for line in lines[position : span[1]])


def _changed(data: bytes, starts: Sequence[int], block: _Block) -> bytes:
    done, position = [], starts[block.start]
    for piece in block.pieces:
        done += [data[position : piece.start], piece.now or b""]
        position = piece.end
    return b"".join([*done, data[position : starts[block.end]]])


def _range(first: int, count: int) -> str:
    return f"{first + 1 if count else first},{count}"
