"""Workflow commands of GitHub Actions: an annotation for each finding, as far as GitHub shows them.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands: a step shows 10 errors, 10 warnings
and 10 notices. The first of each are annotations; all others are lines of the log, and a notice counts them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ocivalidate.report.escape import line_start, visible
from ocivalidate.report.options import Options
from ocivalidate.report.places import Spot, spot
from ocivalidate.report.summary import closing_line, counted, settings_note, total_line
from ocivalidate.report.verdicts import advice, told, told_once, unjudged
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import Location, Outcome, Report

MOST_OF_A_KIND = 10
_LONGEST = 1000
_KINDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


class _Said(NamedTuple):
    """What may be annotated."""

    kind: str
    title: str
    message: str
    place: Spot


def pieces(reports: Sequence[Report], options: Options) -> Iterator[str]:
    """Annotations and lines in the order of the reports, then the last lines as text has them."""
    left = {"error": MOST_OF_A_KIND, "warning": MOST_OF_A_KIND, "notice": MOST_OF_A_KIND - 1}
    others: Counter[str] = Counter()
    for report in reports:
        for said in _said(report, options):
            if left[said.kind]:
                left[said.kind] -= 1
                yield _command(said)
            else:
                others[said.kind] += 1
                yield _line(said)
    if others:
        counts = ", ".join(counted(number, kind) for kind, number in others.items())
        yield f"::notice title=ocivalidate::{counts} in the log alone: GitHub shows {MOST_OF_A_KIND} of a kind\n"
    last = [closing_line(report) for report in reports] or ["nothing was judged"]
    if len(reports) > 1:
        last.append(total_line(reports, options.fail_on))
    last[-1] += settings_note(options)
    if not reports:
        yield "::error title=ocivalidate::nothing was judged\n"
    yield from (f"{_log(line)}\n" for line in last)


def _said(report: Report, options: Options) -> Iterator[_Said]:
    """What text shows, too: notes only if asked for."""
    for finding in report.findings:
        if finding.severity.rank >= Severity.WARNING.rank or options.verbose:
            case = f" ({finding.location.case})" if finding.location.case else ""
            place = spot(report, options, finding.location)
            yield _Said(_KINDS[finding.severity], f"{finding.clause.id}{case}", told(finding), place)
    for result in told_once(report.results):
        place = spot(report, options, Location(case=result.case))
        case = f" ({result.case})" if result.case else ""
        if result.outcome is Outcome.ERROR:
            text = f"could not be judged: {result.reason or 'no reason given'}"
            yield _Said("error", f"{result.clause.id}{case}", text, place)
        elif result.outcome is Outcome.XPASS:
            yield _Said("error", f"{result.clause.id}{case}", advice(result), place)
    if unjudged(report):
        yield _Said("error", "could not be judged", f"{report.subject}: {unjudged(report)}", spot(report, options))


def _command(said: _Said) -> str:
    place = said.place
    named = {
        "file": place.file,
        "line": place.line,
        "col": place.column,
        "endColumn": place.end_column if place.column else None,
        "title": said.title,
    }
    properties = ",".join(f"{name}={_property(str(value))}" for name, value in named.items() if value)
    inner = f" (in {place.inner})" if place.inner else ""
    return f"::{said.kind} {properties}::{_data(said.message + inner)}\n"


def _line(said: _Said) -> str:
    place = said.place
    where = ":".join(str(part) for part in (place.file, place.line, place.column) if part)
    inner = f" (in {place.inner})" if place.inner else ""
    return f"{_log(f'{where}: {said.kind}[{said.title}]: {said.message}{inner}')}\n"


def _log(text: str) -> str:
    """Foreign text as a line of the log, which is no command."""
    return line_start(visible(text, _LONGEST))


def _data(text: str) -> str:
    """Foreign text as the message of a command. What is not visible is written out before, so no line break is left."""
    return visible(text, _LONGEST).replace("%", "%25")


def _property(text: str) -> str:
    """The same as a property, which ends at a comma or a colon."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
