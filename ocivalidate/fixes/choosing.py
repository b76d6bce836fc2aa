"""Which candidates for fixes are safe: each is tried, and the document is judged as it would be then.

A fix is kept if its finding is gone with it, and no clause is broken more often than before. So it stands on what is
judged, not on what somebody thought of where it is made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from ocivalidate.fixes.changing import changed, overlapping
from ocivalidate.rules.findings import Finding, Report, Result

Broken = Counter[str]
"""How often each clause is broken: as long as a document is no text in JSON, by one clause alone."""

# A document is judged so often at most, and so many of its bytes in all: one with a thousand findings in each of its
# kilobytes must not take much longer than without fixes.
_MOST_TRIALS = 40
_MOST_BYTES = 2 * 1024 * 1024


def broken_in(report: Report) -> Broken:
    """How often each clause is broken, whatever the severity; what only counted, too."""
    counted: Broken = Counter()
    for finding in report.findings:
        counted[finding.clause.id] += 1 + finding.more
    return counted


class _Trials:
    """Judges documents with fixes, until that has cost enough."""

    def __init__(self, data: bytes, before: Broken, judged: Callable[[bytes], Broken | None]) -> None:
        self._data = data
        self._judged = judged
        self._left = min(_MOST_TRIALS, max(1, _MOST_BYTES // (len(data) or 1)))
        self._before = before

    def are_safe(self, findings: Sequence[Finding]) -> bool:
        """Whether the document with all of these fixes is better, and in no way worse."""
        if self._left <= 0:
            return False
        fixes = [finding.fix for finding in findings if finding.fix]
        if overlapping(fixes):
            return False
        self._left -= 1
        after = self._judged(changed(self._data, fixes))
        gone = Counter(finding.clause.id for finding in findings)
        clauses = {*gone, *(after or ())}
        return after is not None and all(after[one] <= self._before[one] - gone[one] for one in clauses)


def safe_fixes(report: Report, data: bytes, before: Broken, judged: Callable[[bytes], Broken | None]) -> Report:
    """The report, whose findings keep the fixes that are safe together.

    ``data`` is the document, ``before`` how often each clause is broken in it, and ``judged`` tells that of another;
    ``None`` if it cannot be judged.
    """
    candidates = [finding for finding in report.findings if finding.fix]
    if not candidates:
        return report
    kept = set(map(id, _safe(_Trials(data, before, judged), candidates)))
    without = {id(finding): replace(finding, fix=None) for finding in candidates if id(finding) not in kept}
    return _with(report, without) if without else report


def _safe(trials: _Trials, candidates: Sequence[Finding]) -> list[Finding]:
    """As many as are safe together: all, or of either half as many as go with what is known to be safe."""
    kept: list[Finding] = []
    rows = [[*candidates]]
    while rows:
        row = rows.pop()
        if trials.are_safe([*kept, *row]):
            kept += row
        elif len(row) > 1:
            middle = len(row) // 2
            rows += [row[middle:], row[:middle]]
    return kept


def _with(report: Report, other: dict[int, Finding]) -> Report:
    def of(findings: Iterable[Finding]) -> tuple[Finding, ...]:
        return tuple(other.get(id(finding), finding) for finding in findings)

    def again(result: Result) -> Result:
        return replace(result, findings=of(result.findings)) if result.findings else result

    return replace(report, findings=of(report.findings), results=tuple(map(again, report.results)))
