"""What changed, for people: what got worse first, each with what was said of it."""

from __future__ import annotations

from collections.abc import Iterator

from ocivalidate.matrix.changes import BETTER, WORDS, WORSE, Change, Compared, Difference
from ocivalidate.matrix.subjects import ABSENT, Point
from ocivalidate.report.escape import line_start
from ocivalidate.report.painting import Line
from ocivalidate.rules.clauses import load

STYLES = {WORSE: "error", BETTER: "good"}


def lines(found: Difference) -> Iterator[Line]:
    """A head for each pair of runs, its changes below it, and last what could not be compared."""
    for one in found.compared:
        yield [(line_start(heading(one)), "strong"), (f": {summary(one)}", "")]
        for note in one.notes:
            yield [(f"  {note}", "")]
        for change in one.changes:
            yield from _change(change)
    for line in found.added:
        yield [(line_start(line), "")]
    for line in found.unjudged:
        yield [("not compared", "warning"), (f": {line}", "")]


def heading(one: Compared) -> str:
    """The two runs."""
    return one.new.label if one.old.label == one.new.label else f"{one.old.label} → {one.new.label}"


def summary(one: Compared) -> str:
    """How many changes there are of each kind, and on how much that rests."""
    counts = one.counts
    told = [f"{counts[kind]} {words}" for kind, words in WORDS.items() if counts[kind]]
    return f"{', '.join(told) or 'nothing changed'} ({one.both:,} results of both runs can be compared)"


def level_of(change: Change) -> str:
    """The level of its clause, or ``""``."""
    clause = load().get(change.clause)
    return str(clause.level) if clause is not None and clause.level != "none" else ""


def outcome_of(point: Point | None) -> str:
    """The outcome of a point, which may not be there."""
    return point.outcome if point is not None else ABSENT


def _change(change: Change) -> Iterator[Line]:
    where = "  ".join(filter(None, (change.clause, change.case, level_of(change))))
    yield [(f"  {WORDS[change.kind]}", STYLES.get(change.kind, "")), (f"  {where}", "")]
    said = f": {change.said}" if change.said else ""
    yield [(f"    {outcome_of(change.old)}, now {outcome_of(change.new)}{said}", "")]
