"""A Code Quality report of GitLab: what a merge request shows of findings, beside the lines that they stand in.

https://docs.gitlab.com/ci/testing/code_quality/: an array of issues, each known again by its fingerprint.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from ocivalidate.report.escape import visible
from ocivalidate.report.fingerprints import Fingerprints
from ocivalidate.report.json_pieces import Opened, written
from ocivalidate.report.options import Options
from ocivalidate.report.places import Spot, in_checkout, spot
from ocivalidate.report.summary import settings_note
from ocivalidate.report.verdicts import advice, told, told_once, unjudged
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import Location, Outcome, Report

_SEVERITIES = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.NOTE: "info"}
_UNJUDGED = "ocivalidate/could-not-be-judged"
_SETTINGS = "ocivalidate/settings"
_LONGEST = 1000


def pieces(reports: Sequence[Report], options: Options) -> Iterator[str]:
    """One array: findings, expected failures that passed, and what could not be judged, which weighs most."""
    fingerprints = Fingerprints()
    found = (issue for report in reports for issue in _issues(report, options, fingerprints))
    yield from written(chain(found, _settings(options, fingerprints)))
    yield "\n"


def _settings(options: Options, fingerprints: Fingerprints) -> Iterator[Opened]:
    """The settings file that counts, if one does: an issue is the only thing that such a report can hold."""
    if note := settings_note(options).removeprefix("; "):
        place = Spot(in_checkout(options.settings_file, options))
        yield _issue(note, _SETTINGS, fingerprints.of(_SETTINGS, place), "info", place)


def _issues(report: Report, options: Options, fingerprints: Fingerprints) -> Iterator[Opened]:
    for finding in report.findings:
        place = spot(report, options, finding.location)
        name = fingerprints.of(finding.clause.id, place, finding)
        inner = f" (in {place.inner})" if place.inner else ""
        yield _issue(told(finding) + inner, finding.clause.id, name, _SEVERITIES[finding.severity], place)
    for result in told_once(report.results):
        place = spot(report, options, Location(case=result.case))
        name = result.clause.id
        if result.outcome is Outcome.XPASS:
            yield _issue(advice(result), name, fingerprints.of(name, place, case=result.case), "major", place)
        elif result.outcome is Outcome.ERROR:
            text = f"{name} could not be judged: {result.reason or 'no reason given'}"
            yield _issue(
                text, _UNJUDGED, fingerprints.of(f"{_UNJUDGED} {name}", place, case=result.case), "blocker", place
            )
    if unjudged(report):
        place = spot(report, options)
        text = f"{report.subject} could not be judged: {unjudged(report)}"
        yield _issue(text, _UNJUDGED, fingerprints.of(_UNJUDGED, place), "blocker", place)


def _issue(text: str, check: str, fingerprint: str, severity: str, place: Spot) -> Opened:
    return Opened(
        check_name=check,
        description=visible(text, _LONGEST),
        fingerprint=fingerprint,
        severity=severity,
        location={"path": visible(place.file), "lines": {"begin": place.line or 1}},
    )
