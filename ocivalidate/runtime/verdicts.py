"""From what a case expected and got to one result for each clause: pure, so that it is tested without a runtime."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ocivalidate.keeping import MOST_OF_A_KIND, Counts
from ocivalidate.rules.clauses import Clause
from ocivalidate.rules.findings import Finding, Location, Outcome, Result

_LONGEST_VALUE = 400


@dataclass(frozen=True, slots=True)
class Verdict:
    """One comparison of a case.

    ``held``: whether it came out as the clause wants. ``pointer``: the property that was set and observed, if one was.
    """

    clause: str
    held: bool
    message: str
    got: str = ""
    want: str = ""
    pointer: str = ""


@dataclass(frozen=True, slots=True)
class Unjudged:
    """What becomes of the clauses of a case on which it came to no verdict, and why."""

    outcome: Outcome
    reason: str


NOT_JUDGED = Unjudged(Outcome.ERROR, "the case declares this clause and did not judge it")


def shown(value: Any) -> str:
    """A value as it stands in a report: JSON, or as text if it is something else."""
    try:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    except ValueError:
        text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def results(
    case: str,
    clauses: Sequence[Clause],
    verdicts: Iterable[Verdict],
    skips: Mapping[str, str],
    unjudged: Unjudged,
) -> list[Result]:
    """One result for each clause, in their order.

    A clause of which one comparison failed has failed; ``skips`` are reasons of the case, by clause; any other clause
    without a verdict is as ``unjudged`` says.
    """
    by_clause: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_clause.setdefault(verdict.clause, []).append(verdict)
    return [_result(case, clause, by_clause.get(clause.id, []), skips, unjudged) for clause in clauses]


def _result(
    case: str, clause: Clause, verdicts: Sequence[Verdict], skips: Mapping[str, str], unjudged: Unjudged
) -> Result:
    failed = [verdict for verdict in verdicts if not verdict.held]
    if failed:
        return Result(clause, Outcome.FAIL, findings=_findings(case, clause, failed), case=case)
    # Where a case broke off, the comparison that would have failed may not have been made.
    if verdicts and (unjudged is NOT_JUDGED or unjudged.outcome is Outcome.SKIP):
        return Result(clause, Outcome.PASS, case=case)
    if clause.id in skips:
        return Result(clause, Outcome.SKIP, skips[clause.id], case=case)
    if unjudged.outcome is Outcome.FAIL:
        said = Verdict(clause.id, held=False, message=unjudged.reason)
        return Result(clause, Outcome.FAIL, findings=(finding(case, clause, said),), case=case)
    return Result(clause, unjudged.outcome, unjudged.reason, case=case)


def _findings(case: str, clause: Clause, failed: Sequence[Verdict]) -> tuple[Finding, ...]:
    """The first findings of a kind, and how many more. Expectations look at messages: each message is a kind."""
    counts = Counts(MOST_OF_A_KIND)
    kept = [verdict for verdict in failed if counts.keep(verdict.message)]
    more = counts.left_out(verdict.message for verdict in kept)
    return tuple(
        replace(finding(case, clause, verdict), more=more.get(number, 0)) for number, verdict in enumerate(kept)
    )


def finding(case: str, clause: Clause, verdict: Verdict) -> Finding:
    """A comparison that failed, as a finding."""
    return Finding(
        clause=clause,
        severity=clause.severity,
        message=verdict.message,
        location=Location(case=case, pointer=verdict.pointer or None),
        got=verdict.got,
        want=verdict.want,
    )
