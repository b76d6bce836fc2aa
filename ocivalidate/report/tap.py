"""TAP, the Test Anything Protocol (https://testanything.org): version 14, or 13 for Perl's ``prove``.

One test point per result. What a harness makes of the stream agrees with our exit code: both pass, or neither does.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ocivalidate.report.distinct import told
from ocivalidate.report.escape import visible
from ocivalidate.report.header import described
from ocivalidate.report.options import Options
from ocivalidate.report.summary import closing_line, settings_note
from ocivalidate.report.verdicts import advice, fails, judged_at, listed, title, trouble, unjudged, worst
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import Finding, Outcome, Report, Result

_MODERN = 14  # the version that says how "#" is escaped

_LONGEST_VALUE = 1000

Diagnostics = dict[str, str | int | float]


@dataclass(frozen=True, slots=True)
class _Point:
    """One test point; ``directive`` is ``SKIP`` or ``TODO`` or nothing, and ``reason`` stands behind it."""

    ok: bool
    description: str
    directive: str = ""
    reason: str = ""
    diagnostics: Diagnostics = field(default_factory=dict)


def pieces(reports: Sequence[Report], options: Options) -> Iterator[str]:
    """Version, plan, test points in ascending order, and the last line of each subject as a comment."""
    if len(reports) == 1 and reports[0].kind == "runtime":
        return _run(reports[0], options)
    return (f"{line}\n" for line in _all_lines(reports, options))


def _all_lines(reports: Sequence[Report], options: Options) -> Iterator[str]:
    judged = any(trouble(report) or report.findings or not unjudged(report) for report in reports)
    yield _head(options)
    if judged:
        yield f"1..{sum(_planned(report, options) for report in reports)}"
        test_points = (point for report in reports for point in _points(report, options, name=len(reports) > 1))
        for number, point in enumerate(test_points, 1):
            yield from _lines(number, point, options.tap_version)
    # The name before it: "# Subtest: …" would be more than a comment.
    comments = [_closing(report) for report in reports]
    comments[-1:] = [f"{last}{settings_note(options)}" for last in comments[-1:]]
    yield from comments
    if not judged:
        # A plan of 1..0, or nothing but skips, would be a pass to a harness.
        yield "Bail out! nothing was judged"


class Stream:
    """The same for one runtime, piece by piece as its results come: what all of it makes is what ``pieces`` gives."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._number = 0

    def version(self) -> str:
        """The first line."""
        return f"{_head(self._options)}\n"

    def header(self, facts: Mapping[str, Any]) -> str:
        """What is known before anything runs, as comments."""
        return "".join(f"# {visible(line)}\n" for line in described(facts))

    def plan(self, planned: int) -> str:
        """How many results will come."""
        return f"1..{planned}\n"

    def point(self, result: Result) -> str:
        """One result."""
        self._number += 1
        point = _point(result, title(result), self._options.fail_on)
        return "".join(f"{line}\n" for line in _lines(self._number, point, self._options.tap_version))

    def end(self, report: Report) -> str:
        """The last line of the report, and, when it is no verdict, why a harness must not take it for a pass."""
        lines = [*(f"# {line}" for line in told(report)), f"{_closing(report)}{settings_note(self._options)}"]
        if unjudged(report):
            hint = report.facts.get("hint")
            lines += [f"# hint: {visible(str(hint))}"] if hint else []
            lines.append(f"Bail out! {_inline(unjudged(report), self._options.tap_version)}")
        return "".join(f"{line}\n" for line in lines)


def _run(report: Report, options: Options) -> Iterator[str]:
    stream = Stream(options)
    yield stream.version()
    yield stream.header(report.facts)
    planned = report.facts.get("planned", len(report.results))
    if planned:
        yield stream.plan(planned)
    yield from map(stream.point, report.results)
    yield stream.end(report)


def _head(options: Options) -> str:
    return f"TAP version {options.tap_version}"


def _closing(report: Report) -> str:
    return f"# ocivalidate: {closing_line(report)}"


def _planned(report: Report, options: Options) -> int:
    """How many test points a report has."""
    return len(listed(report, verbose=options.verbose)) + bool(unjudged(report))


def _points(report: Report, options: Options, *, name: bool) -> Iterator[_Point]:
    of_subject = f" ({report.subject})" if name else ""
    for result in listed(report, verbose=options.verbose):
        yield _point(result, f"{title(result)}{of_subject}", options.fail_on)
    if unjudged(report):
        yield _Point(ok=False, description=report.subject, diagnostics=_error(unjudged(report)))


def _point(result: Result, name: str, fail_on: Severity) -> _Point:
    match result.outcome:
        case Outcome.PASS:
            return _Point(ok=True, description=name)
        case Outcome.SKIP:
            return _Point(ok=True, description=name, directive="SKIP", reason=result.reason)
        case Outcome.ERROR:
            return _Point(ok=False, description=name, diagnostics=_error(result.reason) | _about(result))
        case Outcome.XFAIL:
            return _Point(
                ok=False, description=name, directive="TODO", reason=result.reason, diagnostics=_failure(result)
            )
        case Outcome.XPASS:
            return _unexpected(result, name, fail_on)
        case Outcome.FAIL:
            return _failed(result, name, fail_on)


def _unexpected(result: Result, name: str, fail_on: Severity) -> _Point:
    data: Diagnostics = {"message": advice(result), "severity": "error", "outcome": "xpass", **_about(result)}
    if fail_on is Severity.NEVER:
        return _Point(ok=False, description=name, directive="TODO", reason="below --fail-on (never)", diagnostics=data)
    return _Point(ok=False, description=name, diagnostics=data)


def _failed(result: Result, name: str, fail_on: Severity) -> _Point:
    if fails(result, fail_on):
        return _Point(ok=False, description=name, diagnostics=_failure(result))
    reason = f"below --fail-on ({worst(result)})" if result.findings else "no finding stands"
    return _Point(ok=False, description=name, directive="TODO", reason=reason, diagnostics=_failure(result))


def _error(message: str) -> Diagnostics:
    return {"message": message or "no reason given", "severity": "error", "outcome": "error"}


def _failure(result: Result) -> Diagnostics:
    """The first finding in full, and how many there are."""
    if not result.findings:
        return {"outcome": str(result.outcome), **_about(result)}
    finding = result.findings[0]
    return {
        "message": finding.message,
        "severity": str(finding.severity),
        "outcome": str(result.outcome),
        "clause": finding.clause.id,
        "level": str(finding.clause.level),
        **_place(finding),
        "findings": sum(1 + one.more for one in result.findings),
        **_about(result),
    }


def _about(result: Result) -> Diagnostics:
    """What is known of the case or the place behind a result, where there is one."""
    known = {
        "clause": result.clause.id if judged_at(result) else None,
        "case": result.case or None,
        "pointer": result.pointer,
        "seconds": result.seconds,
        "dump": result.dump or None,
    }
    return {name: value for name, value in known.items() if value is not None}


def _place(finding: Finding) -> Diagnostics:
    """The place and the values of a finding, as far as they are known."""
    location = finding.location
    known: dict[str, str | int | None] = {
        "file": location.file or None,
        "line": location.line,
        "column": location.column,
        "pointer": location.pointer,
        "digest": location.digest or None,
        "member": location.member or None,
        "case": location.case or None,
        "got": finding.got or None,
        "want": finding.want or None,
    }
    return {name: value for name, value in known.items() if value is not None}


def _lines(number: int, point: _Point, version: int) -> Iterator[str]:
    verdict = "ok" if point.ok else "not ok"
    directive = f" # {point.directive} {_inline(point.reason, version)}".rstrip() if point.directive else ""
    yield f"{verdict} {number} - {_inline(point.description, version) or '(no name)'}{directive}"
    if point.diagnostics:
        yield "  ---"
        for name, value in point.diagnostics.items():
            yield f"  {name}: {_quoted(value) if isinstance(value, str) else value}"
        yield "  ..."


def _inline(text: str, version: int) -> str:
    r"""Foreign text on a line: no line break, and no ``#`` that starts a directive (TAP 13 has no escapes)."""
    shown = visible(_bounded(text)).strip()
    if version >= _MODERN:
        return shown.replace("\\", "\\\\").replace("#", "\\#")
    return shown.replace("#", r"\x23")


def _quoted(text: str) -> str:
    """A string that JSON, YAML 1.2 and the YAML subset of Perl's harness read alike."""
    inner = "".join(letter if _plain(letter) else json.dumps(letter)[1:-1] for letter in _bounded(text))
    return '"' + inner.replace("##", r"#\u0023") + '"'


def _bounded(text: str) -> str:
    """The beginning of a text: a pattern of Perl has its limits, and prove gives up on 30,000 characters."""
    cut = len(text) - _LONGEST_VALUE
    return f"{text[:_LONGEST_VALUE]}… (and {cut} characters more)" if cut > 0 else text


def _plain(letter: str) -> bool:
    return letter.isprintable() and letter not in '"\\'
