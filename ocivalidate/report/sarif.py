"""SARIF 2.1.0, the OASIS standard for results of static analysis, for code scanning services and editors."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import Any, NamedTuple
from urllib.parse import quote

from ocivalidate.report.escape import visible
from ocivalidate.report.json_pieces import Opened, written
from ocivalidate.report.options import Options
from ocivalidate.report.verdicts import advice, document, others, title, unjudged, url
from ocivalidate.rules.clauses import Clause
from ocivalidate.rules.findings import ExitCode, Finding, Location, Outcome, Report, Result, exit_code

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_FINGERPRINT = "clauseAndPlace/v1"

Json = dict[str, Any]


def pieces(reports: Sequence[Report], options: Options) -> Iterator[str]:
    """One log with one run: the findings of all subjects, and what kept us from judging as notifications."""
    verbose = bool(options.verbose)
    rules = _Rules(said.clause for said in _said(reports, verbose=verbose) if said.clause)
    code = exit_code(reports, options.fail_on)
    driver = {"name": "ocivalidate", "version": options.tool_version, "rules": map(_rule, rules.clauses())}
    invocation = Opened(
        executionSuccessful=code is not ExitCode.COULD_NOT_JUDGE,
        exitCode=int(code),
        toolExecutionNotifications=(
            _notification(said, rules) for said in _said(reports, verbose=verbose) if not said.kind
        ),
    )
    results = _Results(rules)
    content = Opened(
        tool=Opened(driver=Opened((name, value) for name, value in driver.items() if name != "version" or value)),
        invocations=iter([invocation]),
        columnKind="unicodeCodePoints",
        results=(results.result(said) for said in _said(reports, verbose=verbose) if said.kind),
        properties=Opened(subjects=map(_header, reports), **_settings(options)),
    )
    yield from written(Opened({"$schema": SCHEMA, "version": "2.1.0", "runs": iter([content])}))
    yield "\n"


def _settings(options: Options) -> Json:
    if not options.settings:
        return {}
    return {"settings": {"file": _clean(options.settings_file), "changed": [*options.settings]}}


class _Said(NamedTuple):
    """What is said of a clause: a result, or a notification that something could not be judged (without a kind)."""

    message: str
    clause: Clause | None = None
    kind: str = ""
    level: str = "error"
    finding: Finding | None = None
    suppressions: tuple[Json, ...] = ()


def _said(reports: Sequence[Report], *, verbose: bool) -> Iterator[_Said]:
    """All that is said, in order. It is made anew each time: rules and notifications stand before the results."""
    for report in reports:
        for finding in report.findings:
            yield _Said(_told(finding), finding.clause, "fail", finding.severity, finding)
        for result in report.results:
            yield from _said_of(result, report, verbose=verbose)
        if unjudged(report):
            yield _Said(f"{report.subject}: {unjudged(report)}")
    if not reports:
        yield _Said("nothing was judged")


def _said_of(result: Result, report: Report, *, verbose: bool) -> Iterator[_Said]:
    clause = result.clause
    if result.outcome is Outcome.ERROR:
        yield _Said(f"{report.subject}: {title(result)}: {result.reason}", clause)
    elif result.outcome is Outcome.XPASS:
        yield _Said(f"{report.subject}: {advice(result)}", clause, "fail")
    elif result.outcome is Outcome.XFAIL:
        suppression = {"kind": "external", "justification": _clean(result.reason)}
        for finding in result.findings or (None,):
            message = _told(finding) if finding else f"{report.subject}: fails as expected"
            level = finding.severity if finding else clause.severity
            yield _Said(message, clause, "fail", level, finding, (suppression,))
    elif result.outcome is Outcome.PASS and verbose:
        yield _Said(f"{report.subject}: {clause.summary}", clause, "pass", "none")


class _Rules:
    """The clauses that are mentioned, each once, with their index."""

    def __init__(self, mentioned: Iterable[Clause]) -> None:
        self._clauses: dict[str, Clause] = {}
        for clause in mentioned:
            self._clauses.setdefault(clause.id, clause)
        self._indexes = {name: index for index, name in enumerate(self._clauses)}

    def clauses(self) -> Iterable[Clause]:
        """The clauses, in the order in which they are mentioned first."""
        return self._clauses.values()

    def index(self, clause: Clause) -> int:
        """The index of the rule of a clause."""
        return self._indexes[clause.id]


def _notification(said: _Said, rules: _Rules) -> Json:
    notification: Json = {"level": said.level, "message": {"text": _message(said.message)}}
    if said.clause:
        notification["associatedRule"] = {"id": said.clause.id, "index": rules.index(said.clause)}
    return notification


class _Results:
    """Makes results, and knows which fingerprints there have been."""

    def __init__(self, rules: _Rules) -> None:
        self._rules = rules
        self._seen: Counter[bytes] = Counter()

    def result(self, said: _Said) -> Json:
        """What is said, as a result."""
        clause, finding = said.clause, said.finding
        assert clause is not None, "a result is about a clause"  # noqa: S101  # for the type checker
        result: Json = {
            "ruleId": clause.id,
            "ruleIndex": self._rules.index(clause),
            "kind": said.kind,
            "level": said.level,
            "message": {"text": _message(said.message)},
        }
        if finding:
            result["locations"] = [_location(finding.location)]
            result["partialFingerprints"] = {_FINGERPRINT: self._fingerprint(finding)}
            if finding.more:
                result["properties"] = {"more": finding.more}
        # Of all results or of none: the standard requires it.
        return result | {"suppressions": [*said.suppressions]}

    def _fingerprint(self, finding: Finding) -> str:
        """The same for the same violation in every run, wherever it moves within its document."""
        place = finding.location
        parts = (finding.clause.id, place.file, place.pointer or "", place.digest, place.member, place.case)
        digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass"))
        self._seen[digest.digest()] += 1
        return f"{digest.hexdigest()}:{self._seen[digest.digest()]}"


def _rule(clause: Clause) -> Json:
    where = f"{clause.level} in {document(clause)}" if clause.document else f"{clause.family} clause"
    link = url(clause)
    markdown = f"{_markdown(clause.summary)}\n\n{f'[{_markdown(where)}]({link})' if link else _markdown(where)}"
    rule: Json = {
        "id": clause.id,
        "shortDescription": {"text": _message(clause.summary)},
        "help": {"text": _message(f"{clause.summary} ({where})"), "markdown": markdown},
        "defaultConfiguration": {"level": clause.severity},
        "properties": {"level": clause.level, "since": clause.since, "until": clause.until},
    }
    rule["properties"] = {name: value for name, value in rule["properties"].items() if value}
    return rule | ({"helpUri": link} if link else {})


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
    return {name: _clean(value) for name, value in header.items() if value}


def _location(place: Location) -> Json:
    location: Json = {}
    if place.file:
        location["physicalLocation"] = {"artifactLocation": {"uri": _uri(place.file)}} | _region(place)
    names = dict.fromkeys([place.pointer, place.digest, place.member, place.case])  # the schema wants each once
    logical = [{"fullyQualifiedName": _clean(name)} for name in names if name]
    return location | ({"logicalLocations": logical} if logical else {})


def _region(place: Location) -> Json:
    if not place.line:
        return {}
    region = {"startLine": place.line, "startColumn": place.column, "endColumn": place.end_column}
    return {"region": {name: value for name, value in region.items() if value}}


def _uri(file: str) -> str:
    """A path as a URI reference: relative as the caller gave it, or a ``file:`` URI."""
    path = PurePath(file)
    text = path.as_posix()
    try:
        raw = os.fsencode(text)
    except UnicodeEncodeError:  # a surrogate that stands for no byte
        raw = text.encode("utf-8", "surrogatepass")
    if not path.is_absolute():
        return quote(raw)
    return "file://" + quote(raw, safe="/:") if text.startswith("/") else "file:///" + quote(raw, safe="/:")


def _told(finding: Finding) -> str:
    named = [("got", finding.got), ("want", finding.want)]
    values = ", ".join(f"{name} {value}" for name, value in named if value)
    told = f"{finding.message}: {values}" if values else finding.message
    return f"{told}, {others(finding)}" if finding.more else told


def _clean(text: str) -> str:
    """Foreign text: visible, and without the lone surrogates that many JSON readers refuse."""
    return visible(text)


def _message(text: str) -> str:
    """Foreign text in a message, where ``{0}`` is a placeholder and ``[text](url)`` a link (SARIF 3.11.5, 3.11.6)."""
    return _clean(text).replace("{", "{{").replace("}", "}}").replace("](", r"\](")


def _markdown(text: str) -> str:
    """Text in which Markdown and HTML mean nothing."""
    return "".join(f"\\{letter}" if letter in r"\`*_{}[]()<>#!|&" else letter for letter in _clean(text))
