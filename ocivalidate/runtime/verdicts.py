"""From the comparisons of a case to one result for each clause. Pure, so it is tested without a runtime."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ocivalidate.rules.clauses import Clause, Selection, Severity
from ocivalidate.rules.findings import Location, Outcome, Result
from ocivalidate.rules.ledger import Ledger
from ocivalidate.runtime import refusing
from ocivalidate.runtime.refusing import NOT_REACHED

LONGEST_VALUE = 400
"""Characters of a value in a report."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One comparison of a case.

    ``held``: whether the clause held. ``pointer``: the property that was set and observed, if any. ``severity``: where
    it is less than that of the clause. ``hint``: what helps to find the cause.
    """

    clause: str
    held: bool
    message: str
    got: str = ""
    want: str = ""
    pointer: str = ""
    severity: Severity | None = None
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Unjudged:
    """What becomes of the clauses of a case on which it came to no verdict, and why.

    ``refused``: a config was refused, with these words, where the runtime may do so; it may not where a clause itself
    demands that something is supported.
    """

    outcome: Outcome
    reason: str
    refused: str = ""


NOT_JUDGED = Unjudged(Outcome.ERROR, "the case declares this clause and did not judge it")


def shown(value: Any) -> str:
    """A value as shown in a report: as JSON, or else as text."""
    try:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    except ValueError:
        text = repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def results(
    case: str,
    clauses: Sequence[Clause],
    verdicts: Collection[Verdict],
    skips: Mapping[str, str],
    unjudged: Unjudged,
) -> tuple[Result, ...]:
    """One result for each clause, in their order.

    A clause fails if one of its comparisons failed; ``skips`` are reasons of the case, by clause; any other clause
    without a verdict gets ``unjudged``.
    """
    ledger = Ledger({clause.id: clause for clause in clauses}, Selection(), case=case)
    # If a case broke off, the comparison that would have failed may be missing.
    whole = unjudged is NOT_JUDGED or (unjudged.outcome is Outcome.SKIP and not unjudged.refused)
    failed = next((verdict.message for verdict in verdicts if not verdict.held), "")
    if unjudged is NOT_JUDGED and failed:
        # The case did not go on, as there was nothing to look at any more.
        unjudged = Unjudged(Outcome.SKIP, f"{NOT_REACHED}: {failed}")
    known = set()
    for verdict in verdicts:
        if not verdict.held:
            _add(ledger, case, verdict)
        elif whole:
            ledger.judged(verdict.clause)
        if whole or not verdict.held:
            known.add(verdict.clause)
    for clause in clauses:
        if clause.id not in known:
            _leave(ledger, case, clause.id, skips.get(clause.id), unjudged)
    return ledger.verdicts().results


def _leave(ledger: Ledger, case: str, clause: str, skipped: str | None, unjudged: Unjudged) -> None:
    """Add the result of a clause without a verdict."""
    if skipped is not None:
        ledger.unjudged(clause, skipped)
    elif unjudged.refused and refusing.demands(clause):
        _add(ledger, case, Verdict(clause, held=False, message=unjudged.refused))
    elif unjudged.outcome is Outcome.FAIL:
        _add(ledger, case, Verdict(clause, held=False, message=unjudged.reason))
    elif unjudged.outcome is Outcome.ERROR:
        ledger.error(clause, unjudged.reason)
    else:
        ledger.unjudged(clause, unjudged.reason)


def _add(ledger: Ledger, case: str, verdict: Verdict) -> None:
    """Add a comparison that failed. Expectations look at messages: each message is a kind."""
    place = Location(case=case, pointer=verdict.pointer or None)
    ledger.add(
        verdict.clause,
        place,
        verdict.message,
        kind=verdict.message,
        got=verdict.got,
        want=verdict.want,
        severity=verdict.severity,
        hint=verdict.hint,
    )
