"""A matrix, or what changed, for the summary of a job and for comments.

Whatever a report holds stands in ``<code>``, with all that means something in Markdown as an entity.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ocivalidate.matrix.changes import WORDS, WORSE, Change, Compared, Difference
from ocivalidate.matrix.model import Matrix, Sheet
from ocivalidate.matrix.text import measured, summed, told_together
from ocivalidate.matrix.text_changes import heading, level_of, outcome_of, summary
from ocivalidate.report.markdown import MOST_LETTERS, quoted
from ocivalidate.rules.clauses import load
from ocivalidate.rules.findings import ExitCode
from ocivalidate.rules.references import page

_LONGEST = 300
_MOST_SUBJECTS, _MOST_CHANGES = 100, 200
_MARKS = {ExitCode.CONFORMS: "✅", ExitCode.FINDINGS: "❌", ExitCode.COULD_NOT_JUDGE: "❗"}
_TITLES = {
    ExitCode.CONFORMS: "nothing got worse",
    ExitCode.FINDINGS: "something got worse",
    ExitCode.COULD_NOT_JUDGE: "it cannot be said whether anything got worse",
}


def pieces(matrix: Matrix) -> Iterator[str]:
    """A table of the subjects for each kind, and one of the areas in which clauses fail."""
    return _fitting(_matrix(matrix))


def changes(found: Difference) -> Iterator[str]:
    """What changed, a table for each pair of runs."""
    return _fitting(_changes(found))


def _fitting(made: Iterable[str]) -> Iterator[str]:
    """The lines that fit into a comment; how many do not is said."""
    left, untold = MOST_LETTERS, 0
    for line in made:
        left -= len(line)
        if left > 0:
            yield line
        else:
            untold += 1
    if untold:
        yield f"\n{untold:,} more lines are in the full report.\n"


def _matrix(matrix: Matrix) -> Iterator[str]:
    yield "## ocivalidate: conformance\n"
    for sheet in matrix.sheets:
        yield f"\n| {quoted(sheet.kind, _LONGEST)} | passed | failed | not judged | |\n"
        yield "| --- | --: | --: | --: | --- |\n"
        for column, one in enumerate(sheet.subjects[:_MOST_SUBJECTS]):
            counts = " | ".join(map(str, summed(sheet.count(column))))
            note = one.remark
            yield f"| {quoted(one.label, _LONGEST)} | {counts} | {quoted(note, _LONGEST) if note else ''} |\n"
        yield from _areas(sheet)
    for bench in matrix.benches:
        yield f"\n| {quoted(bench.title, _LONGEST)} | medians |\n| --- | --- |\n"
        for named, told in measured(bench):
            yield f"| {quoted(named, _LONGEST)} | {quoted(told, _LONGEST)} |\n"


def _areas(sheet: Sheet) -> Iterator[str]:
    columns = range(len(sheet.subjects))
    counts = [(area, [summed(area.count(column))[1] for column in columns]) for area in sheet.areas]
    head = "\n| area | failed clauses |\n| --- | --- |\n"
    for area, failed in counts:
        if any(failed):
            told = ", ".join(told_together(sheet.subjects, failed))
            yield f"{head}| {quoted(area.name, _LONGEST)} | {quoted(told, 10 * _LONGEST)} |\n"
            head = ""


def _changes(found: Difference) -> Iterator[str]:
    verdict = found.exit_code
    yield f"## {_MARKS[verdict]} ocivalidate: {_TITLES[verdict]}\n"
    for line in found.unjudged:
        yield f"\n❗ {quoted(line, _LONGEST)}\n"
    for one in sorted(found.compared, key=lambda each: not each.counts[WORSE]):
        yield f"\n**{quoted(heading(one), _LONGEST)}**: {quoted(summary(one), _LONGEST)}\n"
        if one.notes:
            yield f"\n{quoted('; '.join(one.notes), 2 * _LONGEST)}\n"
        yield from _table(one)
    for line in found.added:
        yield f"\n{quoted(line, _LONGEST)}\n"


def _table(one: Compared) -> Iterator[str]:
    shown: Sequence[Change] = one.changes[:_MOST_CHANGES]
    if shown:
        yield "\n| | clause and case | from, to | what was said |\n| --- | --- | --- | --- |\n"
    for change in shown:
        case = f"<br>{quoted(change.case, _LONGEST)}" if change.case else ""
        outcomes = f"{outcome_of(change.old)} → {outcome_of(change.new)}"
        said = quoted(change.said, _LONGEST) if change.said else ""
        level = f" {level_of(change)}" if level_of(change) else ""
        yield f"| {WORDS[change.kind]}{level} | {_linked(change.clause)}{case} | {outcomes} | {said} |\n"
    if len(one.changes) > len(shown):
        yield f"\n{len(one.changes) - len(shown):,} more changes are in the full report.\n"


def _linked(clause: str) -> str:
    known = load().get(clause)
    shown = quoted(clause, _LONGEST)
    return f"[{shown}]({page(known)})" if known is not None else shown
