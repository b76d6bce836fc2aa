"""JUnit XML, in the dialect of Jenkins (``junit-10.xsd`` of its xUnit plugin), which other readers take as well.

Test cases have ``file`` and ``line`` beyond that. GitLab takes those of one ``classname`` and ``name`` for one test,
so no two are the same; and there are no more of them than it can show.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from ocivalidate.report.escape import line_start, visible
from ocivalidate.report.header import described
from ocivalidate.report.options import Options
from ocivalidate.report.places import spot
from ocivalidate.report.summary import closing_line, settings_note
from ocivalidate.report.verdicts import advice, citation, fails, folded, judged_at, listed, others, unjudged, worst
from ocivalidate.report.xml_pieces import branch, leaf
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import Finding, Location, Outcome, Report, Result

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
_COUNTED = {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}
# GitLab reads files of up to 30 MB, and some ten thousand test cases before it finds them too complex.
MOST_CASES = 20_000
_OTHERS = "all other clauses"
_LONGEST_MESSAGE = 1000
# No reader takes a text of more than 10 million bytes.
_LONGEST_TEXT = 1_000_000


def pieces(reports: Sequence[Report], options: Options) -> Iterator[str]:
    """One ``testsuite`` per subject, one ``testcase`` per result; if there are too many, those that did not pass."""
    suites = reports or [Report(kind="run", subject="ocivalidate", specification="", problem="nothing was judged")]
    brief = sum(len(listed(report, verbose=options.verbose)) for report in suites) > MOST_CASES
    writer = _Writer(options, brief=brief)
    counts = [writer.counts(report) for report in suites]
    totals = {name: str(sum(count[name] for count in counts)) for name in ("tests", "failures", "errors")}
    inner = (piece for report, count in zip(suites, counts, strict=True) for piece in writer.suite(report, count))
    yield _DECLARATION
    yield from branch("testsuites", {"name": "ocivalidate"} | totals, inner)
    yield "\n"


class _Writer:
    """Writes suites, and knows the names of all test cases. ``brief``: what passed or was skipped is one of them."""

    def __init__(self, options: Options, *, brief: bool) -> None:
        self._options, self._brief = options, brief
        self._seen: set[tuple[str, str]] = set()
        self._times: Counter[tuple[str, str]] = Counter()

    def _listed(self, report: Report) -> tuple[list[Result], Counter[Outcome]]:
        """The results with a test case of their own, and what the others came to."""
        results = listed(report, verbose=self._options.verbose)
        if not self._brief:
            return results, Counter()
        left: Counter[Outcome] = Counter(
            result.outcome for result in results if result.outcome in (Outcome.PASS, Outcome.SKIP)
        )
        return [result for result in results if result.outcome not in left], left

    def counts(self, report: Report) -> dict[str, int]:
        """How many test cases there are, and what became of them: it stands before them."""
        results, left = self._listed(report)
        became = Counter(_became(result, self._options.fail_on) for result in results)
        if left:
            became["" if left[Outcome.PASS] else "skipped"] += 1
        if unjudged(report):
            became["error"] += 1
        became["testcase"] = became.total()
        return {name: became[what] for name, what in _COUNTED.items()}

    def suite(self, report: Report, counts: dict[str, int]) -> Iterator[str]:
        """The suite of a subject."""
        attributes = {"name": _clean(report.subject)} | {name: str(number) for name, number in counts.items()}
        return branch("testsuite", attributes, self._in_suite(report), 1)

    def _in_suite(self, report: Report) -> Iterator[str]:
        named = _properties(report, self._options)
        yield from branch("properties", {}, (piece for one in named for piece in leaf("property", one, (), 3)), 2)
        timed: set[str] = set()
        results, left = self._listed(report)
        for result in results:
            attributes = self._attributes(report, result)
            if result.seconds is not None and result.case not in timed:
                # Readers add these up, and all results of a case took the same time together.
                attributes["time"] = f"{result.seconds:.3f}"
                timed.add(result.case)
            yield from branch("testcase", attributes, _outcome(result, report, self._options.fail_on), 2)
        if left:
            told = f"{left[Outcome.PASS]} passed, {left[Outcome.SKIP]} skipped"
            inner = leaf("system-out", {}, [told], 3) if left[Outcome.PASS] else _child("skipped", told)
            yield from branch("testcase", self._named(report.subject, _OTHERS) | self._where(report), inner, 2)
        if unjudged(report):
            whole = self._named(report.kind, report.subject) | self._where(report)
            yield from branch("testcase", whole, _error(unjudged(report)), 2)
        yield from leaf("system-out", {}, [closing_line(report) + settings_note(self._options)], 2)

    def _attributes(self, report: Report, result: Result) -> dict[str, str]:
        subject = report.subject if result.pointer is None else f"{report.subject}: {judged_at(result)}"
        location = result.findings[0].location if result.findings else Location(case=result.case)
        return self._named(result.case or subject, result.clause.id) | self._where(report, location)

    def _named(self, classname: str, name: str) -> dict[str, str]:
        """The name of a test case, with a number where there has been one of that name."""
        classname, name = _clean(classname), _clean(name)
        unique = name
        while (classname, unique) in self._seen:
            self._times[classname, name] += 1
            unique = f"{name} ({self._times[classname, name] + 1})"
        self._seen.add((classname, unique))
        return {"classname": classname, "name": unique}

    def _where(self, report: Report, location: Location | None = None) -> dict[str, str]:
        place = spot(report, self._options, location or Location())
        line = {"line": str(place.line)} if place.line else {}
        return {"file": _clean(place.file)} | line


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


def _became(result: Result, fail_on: Severity) -> str:
    """The element that says what became of a result; ``""`` when a harness is to take it for passed."""
    match result.outcome:
        case Outcome.FAIL:
            return "failure" if fails(result, fail_on) else ""
        case Outcome.XPASS:
            return "" if fail_on is Severity.NEVER else "failure"
        case Outcome.SKIP | Outcome.XFAIL:
            return "skipped"
        case Outcome.ERROR:
            return "error"
        case Outcome.PASS:
            return ""


def _outcome(result: Result, report: Report, fail_on: Severity) -> Iterator[str]:
    described = _all_described(result, report)
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
        case Outcome.XPASS if fail_on is Severity.NEVER:
            yield from leaf("system-out", {}, [line_start(_clean(advice(result)))], 3)
        case Outcome.XPASS:
            # GitLab shows the text alone.
            yield from _child("failure", advice(result), kind="xpass", text=[line_start(_clean(advice(result)))])
        case Outcome.ERROR:
            yield from _error(result.reason)
        case Outcome.PASS:
            pass


def _child(name: str, message: str, *, kind: str = "", text: Iterable[str] = ()) -> Iterator[str]:
    """An outcome below a test case; ``text`` is clean already, its line breaks are ours."""
    return leaf(name, {"message": visible(message, _LONGEST_MESSAGE)} | ({"type": kind} if kind else {}), text, 3)


def _error(reason: str) -> Iterator[str]:
    reason = reason or "no reason given"
    return _child("error", reason, kind="error", text=[line_start(visible(reason, _LONGEST_TEXT))])


def _all_described(result: Result, report: Report) -> Iterator[str]:
    """The findings of a result, as many as readers take."""
    length = 0
    for number, finding in enumerate(result.findings):
        text = _described(finding, report)
        length += len(text)
        if number and length > _LONGEST_TEXT:
            yield f"and {len(result.findings) - number:,} more"
            return
        yield visible(text, _LONGEST_TEXT) if length > _LONGEST_TEXT else text


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
    head = line_start(f"{_clean(place)}: {finding.severity}[{finding.clause.id}]: {_clean(finding.message)}")
    more = [f"  {others(finding)}"] if finding.more else []
    return "\n".join([head, *details, f"  {_clean(citation(finding.clause, report))}", *more])


def _clean(text: str) -> str:
    """Foreign text for XML 1.0, which has no way at all to hold most control characters, surrogates and U+FFFE."""
    return visible(text)
