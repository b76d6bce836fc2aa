"""Markdown for the summary of a job and for comments, as GitHub and GitLab read it.

Whatever a subject holds stands in ``<code>``, with all that means something in Markdown as an entity: it is no markup,
no link, and no mention of anybody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ocivalidate.report.escape import visible
from ocivalidate.report.options import Options
from ocivalidate.report.places import spot
from ocivalidate.report.summary import closing_line, counted, settings_note, total_line
from ocivalidate.report.verdicts import advice, told, told_once, unjudged
from ocivalidate.rules.clauses import Clause, Severity
from ocivalidate.rules.findings import ExitCode, Location, Outcome, Report, exit_code
from ocivalidate.rules.references import page

# A comment on GitHub has 65,536 characters at most, the summary of a step a million bytes.
MOST_LETTERS = 60_000
_MOST_SUBJECTS = 50
_LONGEST, _LONGEST_PLACE = 500, 200
_MARKS = {ExitCode.CONFORMS: "✅", ExitCode.FINDINGS: "❌", ExitCode.COULD_NOT_JUDGE: "❗"}
_SPECIAL = re.compile(r"[\\`*_{}\[\]()<>#!|&~@:$^]|(?<=www)\.", re.IGNORECASE)
_HEAD = "## ocivalidate: "


def pieces(reports: Sequence[Report], options: Options) -> Iterator[str]:
    """A table of the subjects, those that conform last, and one of what was found, the gravest first."""
    codes = [exit_code([report], options.fail_on) for report in reports]
    yield f"{_HEAD}{_title(codes)}\n\n"
    left = MOST_LETTERS
    for piece in _subjects(reports, codes, options):
        left -= len(piece)
        yield piece
    rows = _rows(reports, options)
    untold = 0
    head = "\n| | clause | where | what |\n| --- | --- | --- | --- |\n"
    for row in rows:
        left -= len(row) + len(head)
        if left < 0:
            untold += 1
            continue
        yield head + row
        head = ""
    if untold:
        yield f"\n{untold:,} more are in the full report.\n"


def _title(codes: Sequence[ExitCode]) -> str:
    if not codes:
        return "nothing was judged"
    failed = codes.count(ExitCode.FINDINGS)
    unread = codes.count(ExitCode.COULD_NOT_JUDGE)
    if len(codes) == 1:
        return "could not be judged" if unread else "findings" if failed else "passed"
    parts = [f"{failed} failed"] * bool(failed) + [f"{unread} could not be judged"] * bool(unread)
    return f"{', '.join(parts) or 'all passed'} of {counted(len(codes), 'subject')}"


def _subjects(reports: Sequence[Report], codes: Sequence[ExitCode], options: Options) -> Iterator[str]:
    gravest = sorted(zip(reports, codes, strict=True), key=lambda pair: -pair[1])
    if reports:
        yield "| | subject |\n| --- | --- |\n"
    for report, code in gravest[:_MOST_SUBJECTS]:
        yield f"| {_MARKS[code]} | {quoted(closing_line(report), _LONGEST)} |\n"
    notes = [total_line(reports, options.fail_on)] * (len(reports) > 1) + [settings_note(options).removeprefix("; ")]
    for note in filter(None, notes):
        yield f"\n{quoted(note, _LONGEST)}\n"


def _rows(reports: Sequence[Report], options: Options) -> Iterator[str]:
    """A row for each finding, and for what else a reader must know of."""
    for report in reports:
        yield from _troubles(report, options)
    for severity in (Severity.ERROR, Severity.WARNING, Severity.NOTE)[: 3 if options.verbose else 2]:
        for report in reports:
            for finding in report.findings:
                if finding.severity is severity:
                    where = _where(report, options, finding.location)
                    yield _row(str(severity), _linked(finding.clause), where, told(finding))


def _troubles(report: Report, options: Options) -> Iterator[str]:
    if unjudged(report):
        yield _row("not judged", "", _where(report, options, Location()), unjudged(report))
    for result in told_once(report.results):
        where = _where(report, options, Location(case=result.case))
        if result.outcome is Outcome.ERROR:
            yield _row("not judged", _linked(result.clause), where, result.reason or "no reason given")
        elif result.outcome is Outcome.XPASS:
            yield _row("unexpected pass", _linked(result.clause), where, advice(result))


def _row(kind: str, clause: str, where: str, what: str) -> str:
    return f"| {kind} | {clause} | {where} | {quoted(what, _LONGEST)} |\n"


def _linked(clause: Clause) -> str:
    return f"[{quoted(clause.id, _LONGEST)}]({page(clause)})"


def _where(report: Report, options: Options, location: Location) -> str:
    place = spot(report, options, location)
    file = ":".join(str(part) for part in (place.file, place.line, place.column) if part)
    parts = [file, place.inner, location.pointer, location.member, location.case]
    return " ".join(quoted(part, _LONGEST_PLACE) for part in parts if part)


def quoted(text: str, limit: int = _LONGEST) -> str:
    """Foreign text that is only that."""
    shown = _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", visible(text, limit))
    return f"<code>{shown}</code>"
