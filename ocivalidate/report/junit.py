"""JUnit XML, in the dialect of Jenkins (``junit-10.xsd`` of its xUnit plugin), which other readers take as well."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence

from ocivalidate.clauses import Severity
from ocivalidate.findings import Finding, Outcome, Report, Result
from ocivalidate.report.escape import line_start, visible
from ocivalidate.report.header import described
from ocivalidate.report.options import Options
from ocivalidate.report.summary import closing_line, settings_note
from ocivalidate.report.verdicts import advice, citation, fails, folded, others, points, unjudged, worst

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def render(reports: Sequence[Report], options: Options) -> str:
    """One ``testsuite`` per subject, one ``testcase`` per result."""
    root = ET.Element("testsuites", name="ocivalidate")
    for report in reports:
        root.append(_suite(report, options))
    if not reports:
        root.append(
            _suite(Report(kind="run", subject="ocivalidate", specification="", problem="nothing was judged"), options)
        )
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    ET.indent(root)
    return _DECLARATION + ET.tostring(root, encoding="unicode") + "\n"


def _suite(report: Report, options: Options) -> ET.Element:
    suite = ET.Element("testsuite", name=_clean(report.subject))
    suite.append(_properties(report, options))
    timed: set[str] = set()
    for result in points(report):
        if options.verbose or not folded(result):
            case = _case(result, report, options.fail_on)
            if result.seconds is not None and result.case not in timed:
                # Readers add these up, and all results of a case took the same time together.
                case.set("time", f"{result.seconds:.3f}")
                timed.add(result.case)
            suite.append(case)
    if unjudged(report):
        whole = ET.SubElement(suite, "testcase", classname=_clean(report.kind), name=_clean(report.subject))
        _child(whole, "error", unjudged(report), kind="error")
    counts = {
        "tests": "testcase",
        "failures": "testcase/failure",
        "errors": "testcase/error",
        "skipped": "testcase/skipped",
    }
    for name, path in counts.items():
        suite.set(name, str(len(suite.findall(path))))
    _output(suite, [closing_line(report) + settings_note(options)])
    return suite


def _properties(report: Report, options: Options) -> ET.Element:
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
    properties = ET.Element("properties")
    for name, value in header.items():
        if value:
            ET.SubElement(properties, "property", name=name, value=_clean(value))
    return properties


def _case(result: Result, report: Report, fail_on: Severity) -> ET.Element:
    clause = result.clause
    classname = f"{clause.family}.{clause.document}" if clause.document else clause.family
    case = ET.Element("testcase", classname=_clean(result.case or classname), name=_clean(clause.id))
    described = [_described(finding, report) for finding in result.findings]
    match result.outcome:
        case Outcome.FAIL if fails(result, fail_on):
            gravest = next(finding for finding in result.findings if finding.severity is worst(result))
            _child(case, "failure", gravest.message, kind=str(gravest.severity), text="\n".join(described))
        case Outcome.FAIL:
            _output(case, described)
        case Outcome.SKIP:
            _child(case, "skipped", result.reason)
        case Outcome.XFAIL:
            _child(case, "skipped", f"expected failure: {result.reason}", text="\n".join(described))
        case Outcome.XPASS:
            _child(case, "failure", advice(result), kind="xpass")
        case Outcome.ERROR:
            _child(case, "error", result.reason, kind="error")
        case Outcome.PASS:
            pass
    return case


def _child(parent: ET.Element, name: str, message: str, *, kind: str = "", text: str = "") -> None:
    """An outcome below a test case; ``text`` is clean already, its line breaks are ours."""
    child = ET.SubElement(parent, name, message=_clean(message))
    if kind:
        child.set("type", kind)
    child.text = text or None


def _output(parent: ET.Element, lines: list[str]) -> None:
    if lines:
        ET.SubElement(parent, "system-out").text = "\n".join(lines)


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
