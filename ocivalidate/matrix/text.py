"""A matrix on a terminal: a line for each subject, and what each fails, by area."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ocivalidate.matrix.model import Matrix, Sheet
from ocivalidate.matrix.subjects import FAILED, PASSED
from ocivalidate.report.painting import Line


def lines(matrix: Matrix) -> Iterator[Line]:
    """A table of the subjects for each kind, then the areas in which clauses fail, with how many do."""
    for number, sheet in enumerate(matrix.sheets):
        if number:
            yield []
        yield from _sheet(sheet)


def summed(count: Counter[str]) -> tuple[int, int, int]:
    """How many clauses were kept, were broken, and were not judged."""
    kept, broken = (sum(count[one] for one in some) for some in (PASSED, FAILED))
    return kept, broken, count.total() - kept - broken


def _sheet(sheet: Sheet) -> Iterator[Line]:
    widest = max(len(one.label) for one in sheet.subjects)
    yield [(f"{sheet.kind}".ljust(widest), "strong"), ("  passed  failed  not judged", "strong")]
    for column, one in enumerate(sheet.subjects):
        kept, broken, others = summed(sheet.count(column))
        note = one.problem or one.stale
        yield [
            (one.label.ljust(widest), "name"),
            (f"  {kept:>6}", ""),
            (f"  {broken:>6}", "bad" if broken else ""),
            (f"  {others:>10}", ""),
            (f"  {note}" if note else "", "warning"),
        ]
    broken_areas = [
        (area, [summed(area.count(column))[1] for column in range(len(sheet.subjects))]) for area in sheet.areas
    ]
    failing = [(area, counts) for area, counts in broken_areas if any(counts)]
    if failing:
        yield []
        yield [("failed clauses by area", "strong")]
    for area, counts in failing:
        told = (f"{one.label}: {count}" for one, count in zip(sheet.subjects, counts, strict=True) if count)
        yield [(area.name, "name"), (f"  {', '.join(told)}", "")]
