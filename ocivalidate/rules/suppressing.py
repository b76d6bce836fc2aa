"""Findings that are known: taken out of a report, and counted as suppressed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ocivalidate.rules.findings import Finding, Outcome, Report, Result, Suppressed

By = Callable[[Finding], str]
"""What suppresses a finding, in a few words; ``""`` for one that is told."""


def suppressed(report: Report, by: By) -> Report:
    """The report without what is suppressed: as if it had not been found, but counted and kept beside the findings.

    A result of which all findings are suppressed is left out, as that of a clause that a selection ignores.
    """
    hidden = [Suppressed(finding, reason) for finding in report.findings if (reason := by(finding))]
    if not hidden:
        return report
    gone = {id(one.finding) for one in hidden}
    results = []
    for result in report.results:
        left = tuple(finding for finding in result.findings if id(finding) not in gone)
        if len(left) == len(result.findings) or result.outcome is not Outcome.FAIL:
            results.append(result)
        elif left:
            results.append(_with(result, left))
    return replace(
        report,
        results=tuple(results),
        findings=tuple(finding for finding in report.findings if id(finding) not in gone),
        suppressed=report.suppressed + sum(1 + one.finding.more for one in hidden),
        hidden=(*report.hidden, *hidden),
    )


def _with(result: Result, findings: tuple[Finding, ...]) -> Result:
    return replace(result, findings=findings)
