"""SARIF 2.1.0, the OASIS standard for results of static analysis, for code scanning services and editors."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from ocivalidate.clauses import Clause
from ocivalidate.findings import ExitCode, Finding, Location, Outcome, Report, Result, exit_code
from ocivalidate.report.escape import json_shield, visible
from ocivalidate.report.options import Options
from ocivalidate.report.verdicts import advice, document, others, title, unjudged, url

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_FINGERPRINT = "clauseAndPlace/v1"

Json = dict[str, Any]


def render(reports: Sequence[Report], options: Options) -> str:
    """One log with one run: the findings of all subjects, and what kept us from judging as notifications."""
    run = _Run()
    for report in reports:
        _add(run, report, options)
    if not reports:
        run.notify("nothing was judged")
    code = exit_code(reports, options.fail_on)
    driver = {"name": "ocivalidate", "version": options.tool_version, "rules": run.rules}
    invocation = {
        "executionSuccessful": code is not ExitCode.COULD_NOT_JUDGE,
        "exitCode": int(code),
        "toolExecutionNotifications": run.notifications,
    }
    content = {
        "tool": {"driver": {name: value for name, value in driver.items() if name != "version" or value}},
        "invocations": [invocation],
        "columnKind": "unicodeCodePoints",
        "results": run.results,
        "properties": {"subjects": [_header(report) for report in reports]} | _settings(options),
    }
    return json_shield(json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [content]}, indent=2)) + "\n"


def _settings(options: Options) -> Json:
    if not options.settings:
        return {}
    return {"settings": {"file": _clean(options.settings_file), "changed": [*options.settings]}}


class _Run:
    """What a run gathers: results, notifications, and the rules that these mention, each rule once."""

    def __init__(self) -> None:
        self.rules: list[Json] = []
        self.results: list[Json] = []
        self.notifications: list[Json] = []
        self._indexes: dict[str, int] = {}
        self._seen: Counter[str] = Counter()

    def rule(self, clause: Clause) -> int:
        """The index of the rule of this clause."""
        if clause.id not in self._indexes:
            self._indexes[clause.id] = len(self.rules)
            self.rules.append(_rule(clause))
        return self._indexes[clause.id]

    def report(
        self, clause: Clause, message: str, *, level: str, kind: str = "fail", finding: Finding | None = None
    ) -> Json:
        """Add a result, and return it."""
        result: Json = {
            "ruleId": clause.id,
            "ruleIndex": self.rule(clause),
            "kind": kind,
            "level": level,
            "message": {"text": _message(message)},
        }
        if finding:
            result["locations"] = [_location(finding.location)]
            result["partialFingerprints"] = {_FINGERPRINT: self._fingerprint(finding)}
            if finding.more:
                result["properties"] = {"more": finding.more}
        # Of all results or of none: the standard wants it so.
        result["suppressions"] = []
        self.results.append(result)
        return result

    def notify(self, message: str, clause: Clause | None = None) -> None:
        """Add a notification that something could not be judged."""
        notification: Json = {"level": "error", "message": {"text": _message(message)}}
        if clause:
            notification["associatedRule"] = {"id": clause.id, "index": self.rule(clause)}
        self.notifications.append(notification)

    def _fingerprint(self, finding: Finding) -> str:
        """The same for the same violation in every run, wherever it moves within its document."""
        place = finding.location
        parts = (finding.clause.id, place.file, place.pointer or "", place.digest, place.member, place.case)
        digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
        self._seen[digest] += 1
        return f"{digest}:{self._seen[digest]}"


def _add(run: _Run, report: Report, options: Options) -> None:
    for finding in report.findings:
        run.report(finding.clause, _told(finding), level=finding.severity, finding=finding)
    for result in report.results:
        _add_result(run, result, report, verbose=bool(options.verbose))
    if unjudged(report):
        run.notify(f"{report.subject}: {unjudged(report)}")


def _add_result(run: _Run, result: Result, report: Report, *, verbose: bool) -> None:
    clause = result.clause
    if result.outcome is Outcome.ERROR:
        run.notify(f"{report.subject}: {title(result)}: {result.reason}", clause)
    elif result.outcome is Outcome.XPASS:
        run.report(clause, f"{report.subject}: {advice(result)}", level="error")
    elif result.outcome is Outcome.XFAIL:
        suppression = {"kind": "external", "justification": _clean(result.reason)}
        for finding in result.findings or (None,):
            message = _told(finding) if finding else f"{report.subject}: fails as expected"
            level = finding.severity if finding else clause.severity
            run.report(clause, message, level=level, finding=finding)["suppressions"] = [suppression]
    elif result.outcome is Outcome.PASS and verbose:
        run.report(clause, f"{report.subject}: {clause.summary}", level="none", kind="pass")


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
