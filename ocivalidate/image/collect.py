"""Gathering verdicts on the many documents and blobs of an image into one result for each clause."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from ocivalidate.image.causes import Causes, descriptor_of
from ocivalidate.keeping import Counts
from ocivalidate.rules.clauses import Clause, Selection
from ocivalidate.rules.findings import Finding, Location, Outcome, Result
from ocivalidate.rules.judge import Verdicts

_NOT_PRESENT = "not present"
_DIGITS = re.compile("/[0-9]+")


class Place(NamedTuple):
    """Where a violation stands in a document, ``file``, to be looked up only if it is kept."""

    file: str
    pointer: str
    locate: Callable[[], Location]


class Collector:
    """Takes findings and judged clauses, and gives results. Clauses that are not active are passed over."""

    def __init__(self, clauses: Mapping[str, Clause], selection: Selection) -> None:
        self._clauses = clauses
        told = {clause.same_as: clause for clause in clauses.values() if clause.same_as}
        self._reported_as = told | dict(clauses)
        self._selection = selection
        self._judged: set[str] = set()
        self._reasons: dict[str, str] = {}
        self._errors: dict[str, str] = {}
        self._open: dict[str, str] = {}
        self._causes = Causes()
        self._told: set[Hashable] = set()
        self._counts = Counts(selection.most)
        # Each with its kind.
        self._found: list[tuple[Finding, Hashable]] = []
        self.suppressed = 0

    @property
    def findings(self) -> list[Finding]:
        """What was found, the last of each kind with how many more there are."""
        more = self._counts.left_out(kind for _finding, kind in self._found)
        return [
            replace(finding, more=more.get(number, 0)) if finding.more or number in more else finding
            for number, (finding, _kind) in enumerate(self._found)
        ]

    def take(self, verdicts: Verdicts) -> None:
        """Take over the verdicts on one document."""
        for finding, kind in zip(verdicts.findings, verdicts.kinds, strict=True):
            about, sign = descriptor_of(finding.location), finding.clause.same_as or finding.clause.id
            if not finding.more and self._is_consequence(about, sign, sign):
                continue
            counted = (finding.clause.id, finding.severity, kind)
            if self._counts.keep(counted, 1 + finding.more):
                self._found.append((finding, counted))
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

    def leave_open(self, clause_id: str, reason: str) -> None:
        """Say that a part of what a clause is about could not be judged: it is not passed, whatever else is fine."""
        self._open.setdefault(clause_id, reason)

    def error(self, clause_id: str, reason: str) -> None:
        """Say that a clause could not be judged although there was occasion to: it is neither passed nor failed."""
        self._errors.setdefault(clause_id, reason)

    def add(
        self,
        clause_id: str,
        location: Location | Place,
        message: str,
        *,
        about: str = "",
        sign: str = "",
        **details: Any,
    ) -> None:
        """Add a violation. ``details``: ``got``, ``want``, ``hint``, ``more``, ``severity`` as in :class:`Finding`.

        ``about``: the thing that is at fault; what is only a consequence of another fault of it is not told
        (``causes.py``). ``sign``: by what that table knows the violation, if not by its clause.
        """
        clause = self._reported_as.get(clause_id)
        if clause is None:
            self._judged.add(clause_id)
            return
        if self._selection.ignores(clause):
            self._judged.add(clause_id)
            self.suppressed += 1 + details.get("more", 0)
            return
        if self._is_consequence(about, sign or clause_id, clause_id):
            return
        self._judged.add(clause_id)
        severity = details.pop("severity", None) or clause.severity
        pattern = _DIGITS.sub("/*", location.pointer) if location.pointer else location.pointer
        kind = (clause_id, severity, pattern)
        # What two images share is looked at for each of them.
        place = location[:2] if isinstance(location, Place) else location
        same = (clause_id, place, message, details.get("got", ""))
        if same in self._told:
            return
        if self._counts.keep(kind, 1 + details.get("more", 0)):
            where = location.locate() if isinstance(location, Place) else location
            self._found.append((Finding(clause, severity, message, where, **details), kind))
            self._told.add(same)

    def _is_consequence(self, about: str, sign: str, clause_id: str) -> bool:
        """Whether a violation follows from another one; what follows from it in turn is none of its own either."""
        cause = self._causes.of(about, sign)
        self._causes.note(about, sign)
        if cause:
            self.leave_open(clause_id, "follows from another finding")
        return bool(cause)

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
        if key in self._open:
            return Result(clause, Outcome.SKIP, self._open[key])
        if key in self._judged:
            return Result(clause, Outcome.PASS)
        return Result(clause, Outcome.SKIP, self._reasons.get(key, _NOT_PRESENT))
