"""Text for people: one block per finding, and last lines that say what was judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from ocivalidate.report import audits
from ocivalidate.report.block import LONGEST_MESSAGE, STYLES, block, coordinates, position
from ocivalidate.report.distinct import told
from ocivalidate.report.escape import line_start, visible
from ocivalidate.report.fitting import fitted
from ocivalidate.report.header import described
from ocivalidate.report.options import Options
from ocivalidate.report.painting import Line, painted
from ocivalidate.report.summary import closing_line, counted, settings_note, total_line
from ocivalidate.report.verdicts import advice, notable, others, title, told_once
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import ExitCode, Finding, Outcome, Report, Result, Suppressed, exit_code

_OUTCOME_STYLES = {
    Outcome.PASS: "good",
    Outcome.FAIL: "bad",
    Outcome.ERROR: "error",
    Outcome.XPASS: "bad",
    Outcome.XFAIL: "warning",
}
_CLOSING_STYLES = {ExitCode.CONFORMS: "good", ExitCode.FINDINGS: "bad", ExitCode.COULD_NOT_JUDGE: "error"}


def pieces(reports: Sequence[Report], options: Options) -> Iterator[str]:
    """All findings in order, then the last lines."""
    lines = map(_shielded, _all_lines(reports, options))
    return painted(lines, options.colour, links=options.links)


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

        yield from _fitted(statistics(reports, verbose=bool(options.verbose)), options)
    if not options.quiet:
        yield from _fitted(_fixes(reports), options)
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
    yield from _fitted(last, options)


def _fixes(reports: Sequence[Report]) -> Iterator[Line]:
    """How many findings can be mended, and how."""
    number = sum(1 for report in reports for finding in report.findings if finding.fix)
    if number:
        yield [(f"fixes: --fix mends {counted(number, 'finding')}, --diff shows how", "")]


def _needs_saying(report: Report, options: Options) -> bool:
    """Whether something about a subject is to be read even if one wants to read little."""
    grave = any(finding.severity.rank >= Severity.WARNING.rank for finding in report.findings)
    return (
        grave or bool(report.facts.get("incomplete")) or exit_code([report], options.fail_on) is not ExitCode.CONFORMS
    )


def _details(report: Report, options: Options, *, name: bool) -> Iterator[Line]:
    if options.verbose:
        yield from _fitted(([(visible(line), "")] for line in described(report.facts)), options)
    kept = {result.case: result.dump for result in report.results if result.dump} if report.findings else {}
    for finding in () if options.statistics else report.findings:
        if finding.severity.rank >= Severity.WARNING.rank or options.verbose:
            kept_in = kept.get(finding.location.case, "")
            yield from [_compact(finding)] if options.quiet else block(finding, report, kept_in, options)
    if options.verbose:
        yield from _fitted((_suppressed(one) for one in report.hidden), options)
    others_told: Iterator[Line] = ([(line, "")] for line in told(report))
    yield from _fitted(others_told, options)
    if not options.quiet:
        yield from _fitted(audits.told(report, verbose=bool(options.verbose)), options)
    prefix = (f"{visible(report.subject)}: " if name else "", "")
    for result in notable(report.results):
        yield from _fitted(([prefix, *line] for line in _remark(result, options)), options)
    if options.verbose:
        rows = _all_results(report) if options.verbose > 1 else _skips(report)
        yield from _fitted(([prefix, *row] for row in rows), options)


def _fitted(lines: Iterable[Line], options: Options) -> Iterator[Line]:
    return (one for line in lines for one in fitted(line, options.width))


def _suppressed(one: Suppressed) -> Line:
    """A finding that is not told but to those who ask, and why."""
    return [("suppressed ", ""), *_compact(one.finding), (f" (by {visible(one.by)})", "")]


def _compact(finding: Finding) -> Line:
    """A finding on one line, in the form that editors know: ``path:line:column: …``."""
    location = finding.location
    where = position(location)
    places = [] if where and location.line else [visible(location.pointer or "")]
    places = list(filter(None, [*places, *coordinates(location, pointer=False)]))
    head: Line = [(f"{where}: ", "")] if where else []
    tail = f" ({', '.join(places)})" if places else ""
    tail += f", {others(finding)}" if finding.more else ""
    message = visible(finding.message, LONGEST_MESSAGE)
    return [
        *head,
        (f"{finding.severity}[{finding.clause.id}]", STYLES.get(finding.severity, "")),
        (f": {message}{tail}", ""),
    ]


def _remark(result: Result, options: Options) -> Iterator[Line]:
    """Results that are no findings, and yet a reader must know of them."""
    clause_id = result.clause.id
    of_case = f" (case {visible(result.case)})" if result.case else ""
    if result.outcome is Outcome.ERROR:
        reason = visible(result.reason, LONGEST_MESSAGE) or "no reason given"
        yield [(f"could not judge[{clause_id}]", STYLES[Severity.ERROR]), (f": {reason}{of_case}", "")]
    elif result.outcome is Outcome.XPASS:
        yield [(f"unexpected pass[{clause_id}]", STYLES[Severity.ERROR]), (f": {visible(advice(result))}", "")]
    elif result.outcome is Outcome.SKIP and result.reason.startswith("refused: "):
        said = visible(result.reason.removeprefix("refused: "), LONGEST_MESSAGE)
        yield [(f"refused[{clause_id}]", STYLES[Severity.NOTE]), (f": {said}{of_case}", "")]
    elif result.outcome is Outcome.XFAIL and options.verbose:
        yield [(f"expected failure[{clause_id}]", STYLES[Severity.NOTE]), (f": {visible(result.reason)}{of_case}", "")]


def _skips(report: Report) -> Iterable[Line]:
    reasons = Counter(result.reason for result in told_once(report.results) if result.outcome is Outcome.SKIP)
    return ([(f"skipped: {number} {visible(reason)}", "")] for reason, number in reasons.most_common())


def _all_results(report: Report) -> Iterator[Line]:
    width = max(len(outcome) for outcome in Outcome)
    for result in report.results:
        reason = f": {visible(result.reason)}" if result.reason else ""
        yield [
            (f"{result.outcome:<{width}}", _OUTCOME_STYLES.get(result.outcome, "")),
            (f" {visible(title(result))}{reason}", ""),
        ]


def _shielded(line: Line) -> Line:
    """The line, safe for log readers that take commands at the start of a line."""
    return [(line_start(text) if not index else text, style) for index, (text, style) in enumerate(line)]
