"""SARIF 2.1.0, the OASIS standard for results of static analysis, for code scanning services and editors.

It is what GitHub takes: Microsoft's SARIF multitool finds nothing with the rules of the standard and of GitHub.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import NamedTuple
from urllib.parse import quote

from ocivalidate.report.escape import visible
from ocivalidate.report.fingerprints import Fingerprints
from ocivalidate.report.json_pieces import Opened, written
from ocivalidate.report.options import Options
from ocivalidate.report.places import Spot, in_checkout, spot
from ocivalidate.report.sarif_rules import Json, Rules, message, rule
from ocivalidate.report.verdicts import HOME, advice, title, told, unjudged
from ocivalidate.rules.clauses import Clause, Severity
from ocivalidate.rules.findings import ExitCode, Finding, Fix, Location, Outcome, Report, Result, exit_code

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
# GitHub reads the first, and would make one of the line, which moves; the other is what it is.
_FINGERPRINTS = ("primaryLocationLineHash", "clauseAndPlace/v2")
_ROOT = "%SRCROOT%"
# GitHub refuses a run with more results.
MOST_RESULTS = 25_000


def pieces(reports: Sequence[Report], options: Options) -> Iterator[str]:
    """One log with one run: the findings of all subjects, and what kept us from judging as notifications."""
    verbose = bool(options.verbose)
    rules = Rules(said.clause for said in _said(reports, verbose=verbose) if said.clause)
    kept = _Kept(reports, verbose=verbose)
    driver = {
        "name": "ocivalidate",
        "informationUri": HOME,
        "version": options.tool_version,
        "semanticVersion": options.tool_version,
        "rules": map(rule, rules.clauses()),
    }
    results = _Results(rules, options)
    content = Opened(
        tool=Opened(driver=Opened((name, value) for name, value in driver.items() if value)),
        invocations=iter([_invocation(reports, options, rules, kept)]),
        originalUriBaseIds={_ROOT: {"description": {"text": "The root of the checkout."}}},
        columnKind="unicodeCodePoints",
        results=(results.result(said) for said in kept),
        properties=Opened(subjects=map(_header, reports), **_settings(options)),
    )
    yield from written(Opened({"$schema": SCHEMA, "version": "2.1.0", "runs": iter([content])}))
    yield "\n"


def _invocation(reports: Sequence[Report], options: Options, rules: Rules, kept: _Kept) -> Opened:
    code = exit_code(reports, options.fail_on)

    def notifications() -> Iterator[Json]:
        for said in _said(reports, verbose=bool(options.verbose)):
            if not said.kind:
                yield _notification(said, rules)
        if kept.left_out:
            text = f"{kept.left_out:,} results are left out: services take {MOST_RESULTS:,}, the gravest come first"
            yield {"level": "warning", "message": {"text": text}}

    invocation = Opened(
        executionSuccessful=code is not ExitCode.COULD_NOT_JUDGE,
        exitCode=int(code),
        toolExecutionNotifications=notifications(),
    )
    if options.root and any(_is_elsewhere(report, options) for report in reports):
        # GitHub refuses absolute paths unless it is told where the checkout is.
        invocation["workingDirectory"] = {"uri": f"{_uri(options.root).rstrip('/')}/"}
    return invocation


def _is_elsewhere(report: Report, options: Options) -> bool:
    return PurePath(in_checkout(report.file or report.subject, options)).is_absolute()


def _settings(options: Options) -> Json:
    if not options.settings:
        return {}
    return {"settings": {"file": visible(options.settings_file), "changed": [*options.settings]}}


class _Said(NamedTuple):
    """What is said of a clause: a result, or a notification that something could not be judged (without a kind)."""

    report: Report
    message: str
    clause: Clause | None = None
    kind: str = ""
    level: str = "error"
    finding: Finding | None = None
    case: str = ""
    suppressions: tuple[Json, ...] = ()


_NONE = Report("run", "ocivalidate", "")


def _said(reports: Sequence[Report], *, verbose: bool) -> Iterator[_Said]:
    """All that is said, in order. It is made anew each time: rules and notifications stand before the results."""
    for report in reports:
        for finding in report.findings:
            yield _Said(report, told(finding), finding.clause, "fail", finding.severity, finding)
        for result in report.results:
            yield from _said_of(result, report, verbose=verbose)
        if unjudged(report):
            yield _Said(report, f"{report.subject}: {unjudged(report)}")
    if not reports:
        yield _Said(_NONE, "nothing was judged")


def _said_of(result: Result, report: Report, *, verbose: bool) -> Iterator[_Said]:
    clause, case = result.clause, result.case
    if result.outcome is Outcome.ERROR:
        yield _Said(report, f"{report.subject}: {title(result)}: {result.reason}", clause)
    elif result.outcome is Outcome.XPASS:
        yield _Said(report, f"{report.subject}: {advice(result)}", clause, "fail", case=case)
    elif result.outcome is Outcome.XFAIL:
        suppression = {"kind": "external", "justification": visible(result.reason)}
        for finding in result.findings or (None,):
            text = told(finding) if finding else f"{report.subject}: fails as expected"
            level = finding.severity if finding else clause.severity
            yield _Said(report, text, clause, "fail", level, finding, case, (suppression,))
    elif result.outcome is Outcome.PASS and verbose:
        yield _Said(report, f"{report.subject}: {clause.summary}", clause, "pass", "none", case=case)


class _Kept:
    """The results, in order; of too many, those that weigh most."""

    def __init__(self, reports: Sequence[Report], *, verbose: bool) -> None:
        self._reports, self._verbose = reports, verbose
        weights = Counter(_weight(said) for said in self._all())
        self._room: dict[int, int] = {}
        left = MOST_RESULTS
        for weight in sorted(weights, reverse=True):
            self._room[weight] = min(left, weights[weight])
            left -= self._room[weight]
        self.left_out = weights.total() - (MOST_RESULTS - left)

    def __iter__(self) -> Iterator[_Said]:
        room = dict(self._room)
        for said in self._all():
            weight = _weight(said)
            if room[weight]:
                room[weight] -= 1
                yield said

    def _all(self) -> Iterator[_Said]:
        return (said for said in _said(self._reports, verbose=self._verbose) if said.kind)


def _weight(said: _Said) -> int:
    return 0 if said.suppressions else Severity(said.level).rank


def _notification(said: _Said, rules: Rules) -> Json:
    notification: Json = {"level": said.level, "message": {"text": message(said.message)}}
    if said.clause:
        notification["associatedRule"] = {"id": said.clause.id, "index": rules.index(said.clause)}
    return notification


class _Results:
    """Makes results, each with a fingerprint of its own."""

    def __init__(self, rules: Rules, options: Options) -> None:
        self._rules, self._options = rules, options
        self._fingerprints = Fingerprints()

    def result(self, said: _Said) -> Json:
        """What is said, as a result."""
        clause, finding = said.clause, said.finding
        assert clause is not None, "a result is about a clause"  # noqa: S101  # for the type checker
        location = finding.location if finding else Location(case=said.case)
        place = spot(said.report, self._options, location)
        fingerprint = self._fingerprints.of(clause.id, place, finding, said.case)
        result: Json = {
            "ruleId": clause.id,
            "ruleIndex": self._rules.index(clause),
            "kind": said.kind,
            "level": said.level,
            "message": {"text": message(said.message)},
            "locations": [_location(place, location)],
            "partialFingerprints": dict.fromkeys(_FINGERPRINTS, fingerprint),
        }
        if finding and finding.fix:
            result["fixes"] = [_fix(finding.fix, place)]
        if finding and finding.more:
            result["properties"] = {"more": finding.more}
        # Of all results or of none: the standard requires it.
        return result | {"suppressions": [*said.suppressions]}


def _header(report: Report) -> Json:
    header = {
        "kind": report.kind,
        "subject": report.subject,
        "specification": report.specification,
        "release": report.release,
        "releaseNote": report.release_note,
        "platforms": ", ".join(report.platforms),
        "platformNote": report.platform_note,
    }
    return {name: visible(value) for name, value in header.items() if value}


def _location(place: Spot, location: Location) -> Json:
    """The place in a file, which GitHub shows nothing without, and the names of the place inside it."""
    physical: Json = {"artifactLocation": _artifact(place.file), "region": _region(place)}
    names = dict.fromkeys([location.pointer, place.inner, location.digest, location.member, location.case])
    logical = [{"fullyQualifiedName": visible(name)} for name in names if name]  # the schema wants each once
    return {"physicalLocation": physical} | ({"logicalLocations": logical} if logical else {})


def _fix(fix: Fix, place: Spot) -> Json:
    """What mends a finding, in the file in which it stands."""
    replacements = [
        {
            "deletedRegion": {
                "startLine": change.line,
                "startColumn": change.column,
                "endLine": change.end_line,
                "endColumn": change.end_column,
            },
            "insertedContent": {"text": change.text},
        }
        for change in fix.changes
    ]
    artifact = {"artifactLocation": _artifact(place.file), "replacements": replacements}
    return {"description": {"text": message(fix.title)}, "artifactChanges": [artifact]}


def _artifact(file: str) -> Json:
    uri = _uri(file)
    return {"uri": uri} if uri.startswith("file:") else {"uri": uri, "uriBaseId": _ROOT}


def _region(place: Spot) -> Json:
    if not place.line:
        return {"startLine": 1}
    region = {"startLine": place.line, "startColumn": place.column, "endColumn": place.end_column}
    return {name: value for name, value in region.items() if value}


def _uri(file: str) -> str:
    """A path as a URI reference: relative to the root of the checkout, or a ``file:`` URI."""
    path = PurePath(file)
    text = path.as_posix()
    try:
        raw = os.fsencode(text)
    except UnicodeEncodeError:  # a surrogate that stands for no byte
        raw = text.encode("utf-8", "surrogatepass")
    if not path.is_absolute():
        return quote(raw)
    return "file://" + quote(raw, safe="/:") if text.startswith("/") else "file:///" + quote(raw, safe="/:")
