"""A matrix on a terminal: a line for each subject, and what each fails, by area."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from ocivalidate.matrix.benches import Bench
from ocivalidate.matrix.model import Matrix, Sheet
from ocivalidate.matrix.subjects import FAILED, PASSED, Subject
from ocivalidate.report.columns import columns
from ocivalidate.report.escape import line_start
from ocivalidate.report.painting import Line


def lines(matrix: Matrix) -> Iterator[Line]:
    """A table of the subjects for each kind, then the areas in which clauses fail, with how many do."""
    for number, sheet in enumerate(matrix.sheets):
        if number:
            yield []
        yield from _sheet(sheet)
    for number, one in enumerate(matrix.benches):
        if number or matrix.sheets:
            yield []
        yield [(f"measured: {line_start(one.title)}", "strong")]
        for named, told in measured(one):
            yield [(named, "name"), (f"  {told}", "")]


def measured(one: Bench) -> Iterator[tuple[str, str]]:
    """Each operation in its phase, and the median of each runtime."""
    for each in one.measurements:
        told = (
            f"{label}: {amount(spread.median, each.unit)}"
            for label, spread in zip(one.labels, each.runtimes, strict=True)
            if spread is not None
        )
        yield f"{each.phase} {each.operation}", ", ".join(told)


def amount(value: float, unit: str) -> str:
    """Seconds or bytes, in few digits."""
    return f"{value * 1000:.3g} ms" if unit == "s" else f"{value / (1 << 20):.3g} MiB"


def summed(count: Counter[str]) -> tuple[int, int, int]:
    """How many clauses were kept, were broken, and were not judged."""
    kept, broken = (sum(count[one] for one in some) for some in (PASSED, FAILED))
    return kept, broken, count.total() - kept - broken


def _sheet(sheet: Sheet) -> Iterator[Line]:
    labels = [line_start(one.label) for one in sheet.subjects]
    widest = max(map(columns, (*labels, sheet.kind)))
    yield [(_padded(sheet.kind, widest), "strong"), ("  passed  failed  not judged", "strong")]
    for column, one in enumerate(sheet.subjects):
        kept, broken, others = summed(sheet.count(column))
        note = one.remark
        yield [
            (_padded(labels[column], widest), "name"),
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
        yield [(area.name, "name"), (f"  {', '.join(told_together(sheet.subjects, counts))}", "")]


def _padded(text: str, width: int) -> str:
    return text + " " * (width - columns(text))


def told_together(subjects: Sequence[Subject], counts: Sequence[int]) -> Iterator[str]:
    """How many clauses each fails, runs beside each other that fail as many in one: ``runc 1.2.9 to 1.5.1: 2``."""
    paired = zip(subjects, counts, strict=True)
    for (name, count), group in groupby(paired, key=lambda pair: (pair[0].name, pair[1])):
        if count:
            labels = [one.label for one, _count in group]
            last = labels[-1].removeprefix(name).lstrip(" ,") or labels[-1]
            yield f"{labels[0]}{f' to {last}' if len(labels) > 1 else ''}: {count}"
