"""JUnit XML, in the dialect of Jenkins (``junit-10.xsd`` of its xUnit plugin), which other readers take as well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from ocivalidate.report.escape import line_start, visible
from ocivalidate.report.header import described
from ocivalidate.report.options import Options
from ocivalidate.report.summary import closing_line, settings_note
from ocivalidate.report.verdicts import advice, citation, fails, folded, judged_at, listed, others, unjudged, worst
from ocivalidate.report.xml_pieces import branch, leaf
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import Finding, Outcome, Report, Result

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
_COUNTED = {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}


def pieces(reports: Sequence[Report], options: Options) -> Iterator[str]:
    """One ``testsuite`` per subject, one ``testcase`` per result."""
    suites = reports or [Report(kind="run", subject="ocivalidate", specification="", problem="nothing was judged")]
    counts = [_counts(report, options) for report in suites]
    totals = {name: str(sum(count[name] for count in counts)) for name in ("tests", "failures", "errors")}
    inner = (piece for report, count in zip(suites, counts, strict=True) for piece in _suite(report, count, options))
    yield _DECLARATION
    yield from branch("testsuites", {"name": "ocivalidate"} | totals, inner)
    yield "\n"


def _counts(report: Report, options: Options) -> dict[str, int]:
    """How many test cases there are, and what became of them: it stands before them."""
    became = Counter(_became(result, options.fail_on) for result in listed(report, verbose=options.verbose))
    if unjudged(report):
        became["error"] += 1
    became["testcase"] = became.total()
    return {name: became[what] for name, what in _COUNTED.items()}


def _suite(report: Report, counts: dict[str, int], options: Options) -> Iterator[str]:
    attributes = {"name": _clean(report.subject)} | {name: str(number) for name, number in counts.items()}
    return branch("testsuite", attributes, _in_suite(report, options), 1)


def _in_suite(report: Report, options: Options) -> Iterator[str]:
    named = _properties(report, options)
    yield from branch("properties", {}, (piece for one in named for piece in leaf("property", one, (), 3)), 2)
    timed: set[str] = set()
    for result in listed(report, verbose=options.verbose):
        attributes = _attributes(result)
        if result.seconds is not None and result.case not in timed:
            # Readers add these up, and all results of a case took the same time together.
            attributes["time"] = f"{result.seconds:.3f}"
            timed.add(result.case)
        yield from branch("testcase", attributes, _outcome(result, report, options.fail_on), 2)
    if unjudged(report):
        whole = {"classname": _clean(report.kind), "name": _clean(report.subject)}
        yield from branch("testcase", whole, _child("error", unjudged(report), kind="error"), 2)
    yield from leaf("system-out", {}, [closing_line(report) + settings_note(options)], 2)


def _properties(report: Report, options: Options) -> list[dict[str, str]]:
    """The header of the report; empty fields are left out."""
    header = {
        "tool": f"ocivalidate {options.tool_version}".rstrip(),
        "kind": report.kind,
        "specification": report.specification,
        "release": report.release,
        "release_note": report.release_note,
        "platforms": ", ".join(report.platforms),
        "platform_note": report.platform_note,
        "fail_on": str(options.fail_on),
        "suppressed": str(report.suppressed),
        "not_present": str(sum(1 for result in report.results if folded(result))),
    }
    if options.settings:
        header["settings"] = f"{options.settings_file}: {', '.join(options.settings)}"
    for line in described(report.facts):
        name, _, value = line.partition(": ")
        header[name] = value
    return [{"name": name, "value": _clean(value)} for name, value in header.items() if value]


def _attributes(result: Result) -> dict[str, str]:
    clause = result.clause
    classname = f"{clause.family}.{clause.document}" if clause.document else clause.family
    return {"classname": _clean(judged_at(result) or classname), "name": _clean(clause.id)}


def _became(result: Result, fail_on: Severity) -> str:
    """The element that says what became of a result; ``""`` when a harness is to take it for passed."""
    match result.outcome:
        case Outcome.FAIL:
            return "failure" if fails(result, fail_on) else ""
        case Outcome.XPASS:
            return "failure"
        case Outcome.SKIP | Outcome.XFAIL:
            return "skipped"
        case Outcome.ERROR:
            return "error"
        case Outcome.PASS:
            return ""


def _outcome(result: Result, report: Report, fail_on: Severity) -> Iterator[str]:
    described = (_described(finding, report) for finding in result.findings)
    match result.outcome:
        case Outcome.FAIL if fails(result, fail_on):
            heaviest = worst(result)
            gravest = next(finding for finding in result.findings if finding.severity is heaviest)
            yield from _child("failure", gravest.message, kind=str(gravest.severity), text=described)
        case Outcome.FAIL:
            if result.findings:
                yield from leaf("system-out", {}, described, 3)
        case Outcome.SKIP:
            yield from _child("skipped", result.reason)
        case Outcome.XFAIL:
            yield from _child("skipped", f"expected failure: {result.reason}", text=described)
        case Outcome.XPASS:
            yield from _child("failure", advice(result), kind="xpass")
        case Outcome.ERROR:
            yield from _child("error", result.reason, kind="error")
        case Outcome.PASS:
            pass


def _child(name: str, message: str, *, kind: str = "", text: Iterable[str] = ()) -> Iterator[str]:
    """An outcome below a test case; ``text`` is clean already, its line breaks are ours."""
    return leaf(name, {"message": _clean(message)} | ({"type": kind} if kind else {}), text, 3)


def _described(finding: Finding, report: Report) -> str:
    """A finding on a few lines of clean text."""
    location = finding.location
    place = ":".join(str(part) for part in (location.file or report.subject, location.line, location.column) if part)
    named = {
        "pointer": location.pointer,
        "blob": location.digest,
        "member": location.member,
        "case": location.case,
        "got": finding.got,
        "want": finding.want,
        "hint": finding.hint,
    }
    details = [f"  {name}: {_clean(value)}" for name, value in named.items() if value]
    head = f"{line_start(_clean(place))}: {finding.severity}[{finding.clause.id}]: {_clean(finding.message)}"
    more = [f"  {others(finding)}"] if finding.more else []
    return "\n".join([head, *details, f"  {_clean(citation(finding.clause, report))}", *more])


def _clean(text: str) -> str:
    """Foreign text for XML 1.0, which has no way at all to hold most control characters, surrogates and U+FFFE."""
    return visible(text)
