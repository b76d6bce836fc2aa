"""Gathering verdicts on the many documents and blobs of an image into one result for each clause."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ocivalidate.clauses import Clause, Selection
from ocivalidate.findings import Finding, Location, Outcome, Result
from ocivalidate.judge import Verdicts

_NOT_PRESENT = "not present"


class Collector:
    """Takes findings and judged clauses, and gives results. Clauses that are not active are passed over."""

    def __init__(self, clauses: Mapping[str, Clause], selection: Selection) -> None:
        self._clauses = clauses
        told = {clause.same_as: clause for clause in clauses.values() if clause.same_as}
        self._told_as = told | dict(clauses)
        self._selection = selection
        self._judged: set[str] = set()
        self._reasons: dict[str, str] = {}
        self._errors: dict[str, str] = {}
        self.findings: list[Finding] = []
        self.suppressed = 0

    def take(self, verdicts: Verdicts) -> None:
        """Take over the verdicts on one document."""
        self.findings += verdicts.findings
        self.suppressed += verdicts.suppressed
        for result in verdicts.results:
            if result.outcome is not Outcome.SKIP:
                self._judged.add(result.clause.same_as or result.clause.id)
            elif result.reason != _NOT_PRESENT:
                self._reasons.setdefault(result.clause.same_as or result.clause.id, result.reason)

    def judged(self, *clause_ids: str) -> None:
        """Say that there was occasion to judge these clauses."""
        self._judged.update(clause_ids)

    def unjudged(self, clause_id: str, reason: str) -> None:
        """Say why a clause could not be judged, should nothing else judge it."""
        self._reasons.setdefault(clause_id, reason)

    def error(self, clause_id: str, reason: str) -> None:
        """Say that a clause could not be judged although there was occasion to: it is neither passed nor failed."""
        self._errors.setdefault(clause_id, reason)

    def add(self, clause_id: str, location: Location, message: str, **details: Any) -> None:
        """Add a violation. ``details``: ``got``, ``want``, ``hint``, ``severity`` as in :class:`Finding`."""
        self._judged.add(clause_id)
        clause = self._told_as.get(clause_id)
        if clause is None:
            return
        if self._selection.ignores(clause):
            self.suppressed += 1
            return
        severity = details.pop("severity", None) or clause.severity
        self.findings.append(Finding(clause, severity, message, location, **details))

    def results(self) -> tuple[Result, ...]:
        """One result for each active clause, in the order of the inventory."""
        by_clause: dict[str, list[Finding]] = {}
        for finding in self.findings:
            by_clause.setdefault(finding.clause.same_as or finding.clause.id, []).append(finding)
        wanted = (clause for clause in self._clauses.values() if not self._selection.ignores(clause))
        return tuple(self._result(clause, by_clause.get(clause.same_as or clause.id, ())) for clause in wanted)

    def _result(self, clause: Clause, findings: Iterable[Finding]) -> Result:
        told = tuple(findings)
        if told:
            return Result(clause, Outcome.FAIL, findings=told)
        key = clause.same_as or clause.id
        if key in self._errors:
            return Result(clause, Outcome.ERROR, self._errors[key])
        if key in self._judged:
            return Result(clause, Outcome.PASS)
        return Result(clause, Outcome.SKIP, self._reasons.get(key, _NOT_PRESENT))
