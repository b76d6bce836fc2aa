"""A Statement of in-toto: which digests were judged, and with what result, for ``cosign`` and others to sign.

https://github.com/in-toto/attestation: a Statement of version 1 with a predicate of the type ``test-result``, in which
``ocivalidate`` is ours. A verifier goes by the digests, ``result`` and the names of the clauses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ocivalidate.report.escape import visible
from ocivalidate.report.json_pieces import Opened, written
from ocivalidate.report.options import Options
from ocivalidate.report.verdicts import fails, points, title, unjudged, worst
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import ExitCode, Outcome, Report, Result, Rows, exit_code
from ocivalidate.rules.references import home_of

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"
_DIGEST = re.compile(r"([a-z0-9]+(?:[+._-][a-z0-9]+)*):([0-9a-f]{32,128})")
_PASSED, _WARNED, _FAILED = "passedTests", "warnedTests", "failedTests"


def pieces(reports: Sequence[Report], options: Options) -> Iterator[str]:
    """One Statement on all subjects together: it says passed only if each of them passed."""
    predicate = Opened(
        configuration=[*_configuration(reports, options)],
        result=_result(reports, options),
        **{name: _tests(reports, options, name) for name in (_PASSED, _WARNED, _FAILED)},
        ocivalidate=Opened(
            fail_on=options.fail_on,
            reports=map(_report, reports),
            **(
                {"settings": {"file": visible(options.settings_file), "changed": [*options.settings]}}
                if options.settings
                else {}
            ),
        ),
    )
    yield from written(
        Opened({"_type": STATEMENT, "predicateType": PREDICATE, "predicate": predicate, "subject": _subjects(reports)})
    )
    yield "\n"


def _configuration(reports: Sequence[Report], options: Options) -> Iterator[dict[str, str]]:
    """What was judged with, and by: this release of ours, and the releases of the specifications."""
    version = f"@{options.tool_version}" if options.tool_version else ""
    yield {"name": "ocivalidate", "uri": f"pkg:pypi/ocivalidate{version}"}
    named = dict.fromkeys((report.specification, report.release) for report in reports if report.release)
    for specification, release in named:
        if uri := home_of(specification, release):
            yield {"name": f"{specification} {release}", "uri": uri}


def _result(reports: Sequence[Report], options: Options) -> str:
    if exit_code(reports, options.fail_on) is not ExitCode.CONFORMS:
        return "FAILED"
    warned = any(True for _name in _tests(reports, options, _WARNED))
    return "WARNED" if warned or any(map(_is_partial, reports)) else "PASSED"


def _is_partial(report: Report) -> bool:
    """Whether something was not verified, or is known to be wrong and not told."""
    grave = (one.finding.severity.rank >= Severity.WARNING.rank for one in report.hidden)
    return bool(report.facts.get("incomplete")) or any(grave)


def _tests(reports: Sequence[Report], options: Options, wanted: str) -> Iterator[str]:
    """The names of what came to this; those of several subjects begin with the subject."""
    for report in reports:
        subject = f"{visible(report.subject)}: " if len(reports) > 1 else ""
        for result in points(report):
            if _became(result, options.fail_on) == wanted:
                yield f"{subject}{visible(title(result))}"
        if unjudged(report) and wanted == _FAILED:
            yield f"{visible(report.subject)}: could not be judged"
    if not reports and wanted == _FAILED:
        yield "nothing was judged"


def _became(result: Result, fail_on: Severity) -> str:
    match result.outcome:
        case Outcome.PASS:
            return _PASSED
        case Outcome.SKIP:
            return ""
        case Outcome.XFAIL:
            return _WARNED
        case Outcome.XPASS if fail_on is Severity.NEVER:
            return _WARNED
        case Outcome.FAIL if result.findings and not fails(result, fail_on):
            return _WARNED if worst(result).rank >= Severity.WARNING.rank else _PASSED
        case _:
            return _FAILED


def _report(report: Report) -> Opened:
    header = {
        "kind": report.kind,
        "subject": report.subject,
        "specification": report.specification,
        "release": report.release,
        "problem": report.problem,
        "incomplete": str(report.facts.get("incomplete") or ""),
    }
    severities = report.severities()
    return Opened(
        ((name, visible(value)) for name, value in header.items() if value),
        platforms=[*map(visible, report.platforms)],
        judged=report.judged,
        findings={str(name): severities[name] for name in (Severity.ERROR, Severity.WARNING, Severity.NOTE)},
        suppressed=report.suppressed,
        complete=report.complete,
    )


def _subjects(reports: Iterable[Report]) -> Iterator[dict[str, Any]]:
    """What was judged, by its digests, each once."""
    seen: set[str] = set()
    for report in reports:
        digests = report.facts.get("digests")
        for entry in digests if isinstance(digests, (list, Rows)) else ():
            name, digest = (
                (str(entry.get(key, "")) for key in ("name", "digest")) if isinstance(entry, dict) else ("", "")
            )
            found = _DIGEST.fullmatch(digest)
            if found and digest not in seen:
                seen.add(digest)
                yield {"name": visible(name) or "_", "digest": {found[1]: found[2]}}
