"""What results add up to, and what a clause rests on: shared by the renderers, so that all say the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ocivalidate.rules.clauses import Clause, Level, Severity
from ocivalidate.rules.findings import BREAKS, Finding, Outcome, Report, Result, failing, outcomes
from ocivalidate.rules.ledger import NOT_PRESENT, failure
from ocivalidate.rules.references import document, specification_of
from ocivalidate.rules.sharing import of_results

EVERYWHERE = "every container"
HOME = "https://pypi.org/project/ocivalidate/"


def trouble(report: Report) -> str:
    """Why the report as a whole says nothing about its subject, or ``""``."""
    if report.problem:
        return report.problem
    return "" if report.complete else str(report.facts.get("stopped") or "the report is incomplete")


def unjudged(report: Report) -> str:
    """Why the subject was not judged, or ``""``; a clause that could not be judged has a result that says so."""
    if trouble(report):
        return trouble(report)
    return "" if report.says_something or report.count(Outcome.ERROR) else "nothing was judged"


def points(report: Report) -> list[Result]:
    """The results, and one more for each clause with a finding that no failed result holds: no finding gets lost."""
    held = {finding for result in report.results if result.outcome is Outcome.FAIL for finding in result.findings}
    loose: dict[Clause, list[Finding]] = {}
    for finding in report.findings:
        if finding not in held:
            loose.setdefault(finding.clause, []).append(finding)
    extra = [failure(clause, findings) for clause, findings in loose.items()]
    return [*report.results, *extra]


def folded(result: Result) -> bool:
    """Whether a result is left out of lists unless they are verbose: what the clause speaks of is absent.

    What a case came to is always listed: the plan has counted it.
    """
    return result.outcome is Outcome.SKIP and result.reason == NOT_PRESENT and not judged_at(result)


def listed(report: Report, *, verbose: int) -> list[Result]:
    """The results that lists show: those of ``points``, without those that are folded unless they are verbose."""
    return [result for result in points(report) if verbose or not folded(result)]


def judged_at(result: Result) -> str:
    """Where a clause has several results, what this one is of: a case, or a place in a config; else ``""``."""
    return result.case or ("" if result.pointer is None else result.pointer or EVERYWHERE)


def title(result: Result) -> str:
    """What a result is called in a list: the clause, and the case or the place by which it was judged."""
    return f"{judged_at(result)}: {result.clause.id}" if judged_at(result) else result.clause.id


def fails(result: Result, fail_on: Severity) -> bool:
    """Whether a failed result fails the run; if not, all its findings weigh less than ``fail_on``."""
    return any(failing(finding, fail_on) for finding in result.findings)


@of_results
def told_once(results: Iterable[Result]) -> list[Result]:
    """The results without those of clauses that only say again what another one says: they share its finding."""
    kept: dict[tuple[str, str | None, str], Result] = {}
    for result in results:
        same = result.clause.same_as or result.clause.id
        key = (result.case, result.pointer, same)
        if key not in kept or result.clause.id == same:
            kept[key] = result
    return list(kept.values())


@of_results
def outcomes_told(results: Iterable[Result]) -> Counter[Outcome]:
    """How many of these have each outcome."""
    return Counter(result.outcome for result in told_once(results))


@of_results
def notable(results: Iterable[Result]) -> list[Result]:
    """Those of them that are no findings, and of which a reader may have to know all the same."""
    return [
        result
        for result in told_once(results)
        if result.outcome in (Outcome.ERROR, Outcome.XPASS, Outcome.XFAIL)
        or (result.outcome is Outcome.SKIP and result.reason.startswith("refused: "))
    ]


def failed(report: Report) -> int:
    """How many results failed with an error or a warning: a note is no failure."""
    return _failed(points(report))


def failed_once(report: Report) -> int:
    """The same, of clauses that say the same once: never more than there are findings."""
    if not report.findings and not outcomes(report.results)[Outcome.FAIL]:
        return 0
    return _failed(told_once(points(report)))


def _failed(results: Iterable[Result]) -> int:
    return sum(1 for result in results if result.outcome is Outcome.FAIL and fails(result, Severity.WARNING))


def worst(result: Result) -> Severity:
    """The gravest severity among the findings of a result; ``NONE`` when it has none."""
    return max(
        (finding.severity for finding in result.findings), key=lambda severity: severity.rank, default=Severity.NONE
    )


def told(finding: Finding) -> str:
    """What a finding says, in one sentence."""
    named = [("got", finding.got), ("want", finding.want)]
    values = ", ".join(f"{name} {value}" for name, value in named if value)
    text = f"{finding.message}: {values}" if values else finding.message
    if finding.hint.startswith(BREAKS):
        text += f"; {finding.hint.partition(';')[0]}"
    return f"{text}, {others(finding)}" if finding.more else text


def others(finding: Finding) -> str:
    """How many others of its kind were found and are not shown, or ``""``."""
    return f"and {finding.more:,} more (--max-findings all shows them)" if finding.more else ""


def citation(clause: Clause, report: Report) -> str:
    """What a clause rests on: ``MUST, runtime-spec 1.2.0 config.md#process``, or only ``safety``."""
    level = clause.family if clause.level is Level.NONE else str(clause.level)
    if not clause.document:
        return level
    source = [specification_of(clause)]
    if source[0] == report.specification:
        source.append(report.release)
    return f"{level}, {' '.join(filter(None, [*source, document(clause)]))}"


def advice(result: Result) -> str:
    """What to do about an expected failure that passed."""
    in_case = f" in case {result.case}" if result.case else ""
    text = f"passed, but is expected to fail: remove the expectation for {result.clause.id}{in_case}"
    return f"{text} ({result.reason})" if result.reason else text
