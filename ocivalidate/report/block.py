"""One finding as text for people: what is wrong, where, the line of the document, and what it rests on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ocivalidate.report.columns import columns
from ocivalidate.report.escape import visible
from ocivalidate.report.fitting import LEAST, Digests, fitted, together
from ocivalidate.report.options import Options
from ocivalidate.report.painting import Line
from ocivalidate.report.source import WIDTH, Excerpt, excerpt
from ocivalidate.report.verdicts import citation, others
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import Finding, Location, Report
from ocivalidate.rules.references import page, url

LONGEST_MESSAGE = 1000
_LONGEST_VALUE = 200
_MARGIN = 2  # columns that line numbers take at least
# What stands between the line number and the line, and a … at either end of it.
_AROUND = 5
STYLES = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
_FRAME = "frame"

Shortened = Callable[[str], str]


def block(finding: Finding, report: Report, kept_in: str, options: Options) -> Iterator[Line]:
    """The lines of a finding, fitted to the terminal if there is one.

    ``kept_in``: the folder where its case is kept, or ``""``.
    """
    location, width = finding.location, options.width
    short = _shortener(finding, report) if width else str
    style, link = STYLES.get(finding.severity, ""), page(finding.clause)
    margin = " " * max(_MARGIN, len(str(location.line or "")))
    message = short(visible(finding.message, LONGEST_MESSAGE))
    place = "  ".join(map(together, filter(None, [position(location), *coordinates(location)])))
    facts = short(_values(finding))
    head: Line = [(f"{finding.severity}[{finding.clause.id}]", f"{style} {link}"), (f": {message}", "strong")]
    yield from fitted(head, width)
    yield from fitted(
        [(f"{margin}--> ", _FRAME), (short(place or visible(report.subject)), "")], width, len(margin) + 4
    )
    if location.line and location.text:
        room = min(WIDTH, max(width - len(margin) - _AROUND, LEAST)) if width else WIDTH
        shown = excerpt(location.text, location.column or 1, location.end_column, room)
        beside = facts if _fits_beside(facts, shown, len(margin), width) else ""
        yield from _source(location, shown, margin, (beside, style))
        if location.column and beside:
            facts = ""
    kept = f"kept in: {visible(kept_in)}" if kept_in else ""
    for note in _notes(finding, report, (facts, kept), short):
        yield from fitted([(f"{margin} = ", _FRAME), *note], width, len(margin) + 3)
    yield []


def _shortener(finding: Finding, report: Report) -> Shortened:
    location = finding.location
    texts = (finding.message, finding.got, finding.want, finding.hint, location.file, location.digest, report.subject)
    return Digests([*filter(None, texts), location.member or ""]).shortened


def _fits_beside(facts: str, shown: Excerpt, margin: int, width: int) -> bool:
    return not width or margin + 3 + shown.indent + shown.mark + 1 + columns(facts) <= width


def _source(location: Location, shown: Excerpt, margin: str, remark: tuple[str, str]) -> Iterator[Line]:
    facts, style = remark
    yield [(f"{margin} |", _FRAME)]
    yield [(f"{location.line:>{len(margin)}} | ", _FRAME), (shown.line, "")]
    if location.column:
        mark = "^" * shown.mark
        yield [(f"{margin} | ", _FRAME), (" " * shown.indent, ""), (" ".join(filter(None, [mark, facts])), style)]


def _notes(finding: Finding, report: Report, first: tuple[str, ...], short: Shortened) -> Iterator[Line]:
    yield from ([(note, "")] for note in first if note)
    yield [(visible(citation(finding.clause, report)), f" {url(finding.clause)}")]
    if finding.hint:
        yield [(f"hint: {short(visible(finding.hint, LONGEST_MESSAGE))}", "")]
    yield [("help: ", ""), (together(f"ocivalidate explain {finding.clause.id}"), "")]
    if finding.more:
        yield [(others(finding), "")]


def position(location: Location) -> str:
    """``path:line:column``, as much of it as is known."""
    numbers = [str(number) for number in (location.line, location.column) if number]
    return ":".join([visible(location.file), *numbers]) if location.file else ""


def coordinates(location: Location, *, pointer: bool = True) -> list[str]:
    """What else says where a finding stands."""
    # The path of a blob in a layout says its digest.
    digest = "" if location.file.endswith(location.digest.replace(":", "/")) else location.digest
    named = [("blob", digest), ("member", location.member), ("case", location.case)]
    first = [visible(location.pointer)] if pointer and location.pointer else []
    return first + [f"{name} {visible(value)}" for name, value in named if value]


def _values(finding: Finding) -> str:
    named = [("got", finding.got), ("want", finding.want)]
    return ", ".join(f"{name} {visible(value, _LONGEST_VALUE)}" for name, value in named if value)
