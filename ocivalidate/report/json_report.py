"""JSON for programs: everything a report holds. ``schemas/output/report.json`` describes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ocivalidate.report.escape import visible
from ocivalidate.report.json_pieces import Opened, written
from ocivalidate.report.options import Options
from ocivalidate.report.verdicts import failed
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import Finding, Location, Outcome, Report, Result, Rows, Suppressed, exit_code
from ocivalidate.rules.references import url

SCHEMA = "urn:ocivalidate:report-1"
# A document on one long line would be repeated in full by each finding in it.
_LONGEST_LINE = 1000


def pieces(reports: Sequence[Report], options: Options) -> Iterator[str]:
    """One JSON document, only ASCII."""
    data = Opened(
        schema=SCHEMA,
        tool={"name": "ocivalidate", "version": options.tool_version},
        fail_on=options.fail_on,
        reports=map(_report, reports),
        exit_code=int(exit_code(reports, options.fail_on)),
        **(
            {"settings": {"file": visible(options.settings_file), "changed": [*options.settings]}}
            if options.settings
            else {}
        ),
        complete=True,  # last: a document that was cut off does not have it
    )
    yield from written(data)
    yield "\n"


def _report(report: Report) -> Opened:
    return Opened(
        kind=report.kind,
        subject=report.subject,
        specification=report.specification,
        release=report.release,
        release_note=report.release_note,
        platforms=list(report.platforms),
        platform_note=report.platform_note,
        problem=report.problem,
        facts=_facts(report.facts),
        counts=_counts(report),
        results=map(_result, report.results),
        findings=map(_finding, report.findings),
        suppressed=report.suppressed,
        complete=report.complete,
        **({"file": report.file} if report.file else {}),
        **({"hidden": map(_hidden, report.hidden)} if report.hidden else {}),
    )


def _facts(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts; lists that are too long for memory are written as they come."""
    if not any(isinstance(value, Rows) for value in facts.values()):
        return facts
    return Opened((name, iter(value) if isinstance(value, Rows) else value) for name, value in facts.items())


def _counts(report: Report) -> dict[str, Any]:
    severities = report.severities()
    return {
        "judged": report.judged,
        "failed": failed(report),
        "outcomes": {str(outcome): report.count(outcome) for outcome in Outcome},
        "severities": {str(name): severities[name] for name in (Severity.ERROR, Severity.WARNING, Severity.NOTE)},
    }


def _result(result: Result) -> Opened:
    data = Opened(clause=result.clause.id, outcome=result.outcome, reason=result.reason)
    if result.outcome is Outcome.XFAIL:
        # Expected failures are no findings of the report, so their evidence stands here.
        data["findings"] = map(_finding, result.findings)
    more = {
        "case": result.case or None,
        "seconds": result.seconds,
        "dump": result.dump or None,
        "pointer": result.pointer,
    }
    data.update((name, value) for name, value in more.items() if value is not None)
    return data


def _finding(finding: Finding) -> dict[str, Any]:
    clause = finding.clause
    data: dict[str, Any] = {
        "clause": clause.id,
        "level": clause.level,
        "severity": finding.severity,
        "message": finding.message,
        "location": _location(finding.location),
        "got": finding.got,
        "want": finding.want,
        "hint": finding.hint,
    }
    if finding.more:
        data["more"] = finding.more
    if finding.fix:
        changes = [change._asdict() for change in finding.fix.changes]
        data["fix"] = {"title": finding.fix.title, "changes": changes}
    if clause.document:
        reference = {"document": clause.document, "anchor": clause.anchor, "url": url(clause)}
        data["reference"] = {name: value for name, value in reference.items() if value or name != "url"}
    return data


def _hidden(one: Suppressed) -> dict[str, Any]:
    return {**_finding(one.finding), "by": visible(one.by)}


def _location(location: Location) -> dict[str, Any]:
    fields = {
        "file": location.file or None,
        "pointer": location.pointer,
        "line": location.line,
        "column": location.column,
        "end_column": location.end_column,
        "text": location.text if 0 < len(location.text) <= _LONGEST_LINE else None,
        "digest": location.digest or None,
        "member": location.member or None,
        "case": location.case or None,
    }
    return {name: value for name, value in fields.items() if value is not None}
