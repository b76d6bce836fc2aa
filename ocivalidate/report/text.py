"""Text for people: one block per finding, and last lines that say what was judged."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from ocivalidate.report.distinct import told
from ocivalidate.report.escape import line_start, visible
from ocivalidate.report.header import described
from ocivalidate.report.options import Options
from ocivalidate.report.source import Excerpt, excerpt
from ocivalidate.report.summary import closing_line, settings_note, total_line
from ocivalidate.report.verdicts import advice, citation, others, title, told_once
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import ExitCode, Finding, Location, Outcome, Report, Result, exit_code

# A line is a row of (text, style); styles are those of rich, and plain text ignores them.
Line = list[tuple[str, str]]

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.NOTE: "bold cyan"}
_CLOSING_STYLES = {ExitCode.CONFORMS: "green", ExitCode.FINDINGS: "red", ExitCode.COULD_NOT_JUDGE: "bold red"}
_FRAME = "blue"
_STRONG = "bold"
_LONGEST_MESSAGE = 1000
_LONGEST_VALUE = 200
_MARGIN = 2  # columns that line numbers take at least


def pieces(reports: Sequence[Report], options: Options) -> Iterator[str]:
    """All findings in order, then the last lines."""
    lines = map(_shielded, _all_lines(reports, options))
    return _coloured(lines) if options.colour else _plain(lines)


def _all_lines(reports: Sequence[Report], options: Options) -> Iterator[Line]:
    shown = []
    if options.verbose:
        yield from ([(visible(line), "")] for line in options.notes)
    for report in reports:
        said = not options.quiet or _needs_saying(report, options)
        for line in _details(report, options, name=len(reports) > 1):
            said = True
            yield line
        shown += [report] * said
    if options.statistics:
        from ocivalidate.report.statistics import statistics

        yield from ([(line, "")] for line in statistics(reports, verbose=bool(options.verbose)))
    if reports and not shown:
        if not options.settings:
            return
        shown = [*reports]
    last = [[(closing_line(report), _CLOSING_STYLES[exit_code([report], options.fail_on)])] for report in shown]
    if not reports:
        last.append([("nothing was judged", _CLOSING_STYLES[ExitCode.COULD_NOT_JUDGE])])
    if len(reports) > 1:
        last.append([(total_line(reports, options.fail_on), _CLOSING_STYLES[exit_code(reports, options.fail_on)])])
    last[-1].append((settings_note(options), ""))
    yield from last


def _needs_saying(report: Report, options: Options) -> bool:
    """Whether something about a subject is to be read even if one wants to read little."""
    grave = any(finding.severity.rank >= Severity.WARNING.rank for finding in report.findings)
    return (
        grave or bool(report.facts.get("incomplete")) or exit_code([report], options.fail_on) is not ExitCode.CONFORMS
    )


def _details(report: Report, options: Options, *, name: bool) -> Iterator[Line]:
    if options.verbose:
        yield from ([(visible(line), "")] for line in described(report.facts))
    kept = {result.case: result.dump for result in report.results if result.dump}
    for finding in () if options.statistics else report.findings:
        if finding.severity.rank >= Severity.WARNING.rank or options.verbose:
            kept_in = kept.get(finding.location.case, "")
            yield from [_compact(finding)] if options.quiet else _block(finding, report, kept_in)
    yield from ([(line, "")] for line in told(report))
    prefix = (f"{visible(report.subject)}: " if name else "", "")
    for result in told_once(report.results):
        yield from ([prefix, *line] for line in _remark(result, options))
    if options.verbose:
        rows = _all_results(report) if options.verbose > 1 else _skips(report)
        yield from ([prefix, (row, "")] for row in rows)


def _block(finding: Finding, report: Report, kept_in: str) -> Iterator[Line]:
    location = finding.location
    style = _STYLES.get(finding.severity, "")
    margin = " " * max(_MARGIN, len(str(location.line or "")))
    message = visible(finding.message, _LONGEST_MESSAGE)
    place = "  ".join(filter(None, [_position(location), *_coordinates(location)])) or visible(report.subject)
    facts = _values(finding)
    yield [(f"{finding.severity}[{finding.clause.id}]", style), (f": {message}", _STRONG)]
    yield [(f"{margin}--> ", _FRAME), (place, "")]
    if location.line and location.text:
        shown = excerpt(location.text, location.column or 1, location.end_column)
        yield from _source(location, shown, margin, (facts, style))
        facts = "" if location.column else facts
    yield from _notes(finding, report, margin, (facts, f"kept in: {visible(kept_in)}" if kept_in else ""))
    yield []


def _source(location: Location, shown: Excerpt, margin: str, remark: tuple[str, str]) -> Iterator[Line]:
    facts, style = remark
    yield [(f"{margin} |", _FRAME)]
    yield [(f"{location.line:>{len(margin)}} | ", _FRAME), (shown.line, "")]
    if location.column:
        mark = "^" * shown.mark
        yield [(f"{margin} | ", _FRAME), (" " * shown.indent, ""), (" ".join(filter(None, [mark, facts])), style)]


def _notes(finding: Finding, report: Report, margin: str, facts: tuple[str, str]) -> Iterator[Line]:
    hint = f"hint: {visible(finding.hint, _LONGEST_MESSAGE)}" if finding.hint else ""
    help_ = f"help: ocivalidate explain {finding.clause.id}"
    for note in filter(None, [*facts, visible(citation(finding.clause, report)), hint, help_, others(finding)]):
        yield [(f"{margin} = ", _FRAME), (note, "")]


def _compact(finding: Finding) -> Line:
    """A finding on one line, in the form that editors know: ``path:line:column: …``."""
    location = finding.location
    position = _position(location)
    places = [] if position and location.line else [visible(location.pointer or "")]
    places = list(filter(None, [*places, *_coordinates(location, pointer=False)]))
    head: Line = [(f"{position}: ", "")] if position else []
    tail = f" ({', '.join(places)})" if places else ""
    tail += f", {others(finding)}" if finding.more else ""
    message = visible(finding.message, _LONGEST_MESSAGE)
    return [
        *head,
        (f"{finding.severity}[{finding.clause.id}]", _STYLES.get(finding.severity, "")),
        (f": {message}{tail}", ""),
    ]


def _position(location: Location) -> str:
    """``path:line:column``, as much of it as is known."""
    numbers = [str(number) for number in (location.line, location.column) if number]
    return ":".join([visible(location.file), *numbers]) if location.file else ""


def _coordinates(location: Location, *, pointer: bool = True) -> list[str]:
    """What else says where a finding stands."""
    # The path of a blob in a layout says its digest.
    digest = "" if location.file.endswith(location.digest.replace(":", "/")) else location.digest
    named = [("blob", digest), ("member", location.member), ("case", location.case)]
    first = [visible(location.pointer)] if pointer and location.pointer else []
    return first + [f"{name} {visible(value)}" for name, value in named if value]


def _values(finding: Finding) -> str:
    named = [("got", finding.got), ("want", finding.want)]
    return ", ".join(f"{name} {visible(value, _LONGEST_VALUE)}" for name, value in named if value)


def _remark(result: Result, options: Options) -> Iterator[Line]:
    """Results that are no findings, and yet a reader must know of them."""
    clause_id = result.clause.id
    of_case = f" (case {visible(result.case)})" if result.case else ""
    if result.outcome is Outcome.ERROR:
        reason = visible(result.reason, _LONGEST_MESSAGE) or "no reason given"
        yield [(f"could not judge[{clause_id}]", _STYLES[Severity.ERROR]), (f": {reason}{of_case}", "")]
    elif result.outcome is Outcome.XPASS:
        yield [(f"unexpected pass[{clause_id}]", _STYLES[Severity.ERROR]), (f": {visible(advice(result))}", "")]
    elif result.outcome is Outcome.SKIP and result.reason.startswith("refused: "):
        said = visible(result.reason.removeprefix("refused: "), _LONGEST_MESSAGE)
        yield [(f"refused[{clause_id}]", _STYLES[Severity.NOTE]), (f": {said}{of_case}", "")]
    elif result.outcome is Outcome.XFAIL and options.verbose:
        yield [(f"expected failure[{clause_id}]", _STYLES[Severity.NOTE]), (f": {visible(result.reason)}{of_case}", "")]


def _skips(report: Report) -> Iterable[str]:
    reasons = Counter(result.reason for result in told_once(report.results) if result.outcome is Outcome.SKIP)
    return (f"skipped: {number} {visible(reason)}" for reason, number in reasons.most_common())


def _all_results(report: Report) -> Iterator[str]:
    width = max(len(outcome) for outcome in Outcome)
    for result in report.results:
        reason = f": {visible(result.reason)}" if result.reason else ""
        yield f"{result.outcome:<{width}} {visible(title(result))}{reason}"


def _shielded(line: Line) -> Line:
    """The line, safe for log readers that take commands at the start of a line."""
    return [(line_start(text) if not index else text, style) for index, (text, style) in enumerate(line)]


def _plain(lines: Iterable[Line]) -> Iterator[str]:
    return ("".join(text for text, _style in line).rstrip(" ") + "\n" for line in lines)


def _coloured(lines: Iterable[Line]) -> Iterator[str]:
    from rich.console import Console
    from rich.text import Text

    console = Console(
        file=io.StringIO(), force_terminal=True, color_system="standard", no_color=False, legacy_windows=False
    )
    for line in lines:
        text = Text.assemble(*line)
        text.rstrip()
        with console.capture() as capture:
            console.print(text, soft_wrap=True, highlight=False)
        yield capture.get()
