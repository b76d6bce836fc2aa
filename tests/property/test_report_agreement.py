"""Whatever a report holds, all formats come to the verdict of the exit code, and no text in it changes that."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

from hypothesis import given, strategies as st

from ocivalidate.report import FORMATS, Options, render
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import Finding, Location, Outcome, Report, Result, exit_code
from ocivalidate.rules.references import SITE
from tests.readers import page, workflow_commands
from tests.reports import ARGS, CWD, ESCAPE, KILL, UNKNOWN
from tests.tap14 import parse

# Lone surrogates too: file names that are not UTF-8 and "\ud800" in JSON become such text.
# And what log readers of build services obey, alone or in parts that come together.
COMMANDS = st.lists(
    st.sampled_from(["::", ":", "##", "#", "[", "vso[", "teamcity[", "error", " ", "\n", "\u00a0", "]"])
)
ODD = st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Co"])
TEXTS = COMMANDS.map("".join) | st.text(max_size=40) | st.text(ODD, max_size=5)
# Contested, so that a finding may weigh anything.
CLAUSES = st.sampled_from([replace(clause, contested="by some") for clause in (ARGS, CWD, ESCAPE, KILL, UNKNOWN)])
PLACES = st.none() | st.integers(1, 50)
LOCATIONS = st.builds(
    Location, TEXTS, st.none() | TEXTS, PLACES, PLACES, PLACES, TEXTS | st.text(min_size=200), TEXTS, TEXTS, TEXTS
)
SEVERITIES = st.sampled_from([Severity.ERROR, Severity.WARNING, Severity.NOTE])
FINDINGS = st.builds(Finding, CLAUSES, SEVERITIES, TEXTS, LOCATIONS, TEXTS, TEXTS, TEXTS)


@st.composite
def results(draw: st.DrawFn) -> Result:
    outcome = draw(st.sampled_from(Outcome))
    with_findings = outcome in (Outcome.FAIL, Outcome.XFAIL)
    findings = draw(st.lists(FINDINGS, min_size=1, max_size=3)) if with_findings else []
    return Result(draw(CLAUSES), outcome, draw(TEXTS | st.just("not present")), tuple(findings))


@st.composite
def reports(draw: st.DrawFn) -> Report:
    held = tuple(draw(st.lists(results(), max_size=5)))
    failures = [finding for result in held if result.outcome is Outcome.FAIL for finding in result.findings]
    loose = draw(st.lists(FINDINGS, max_size=1))
    return Report(
        kind=draw(TEXTS),
        subject=draw(TEXTS),
        specification=draw(TEXTS),
        platforms=tuple(draw(st.lists(TEXTS, max_size=2))),
        results=held,
        findings=(*failures, *loose),
        problem=draw(st.just("") | TEXTS),
        complete=draw(st.sampled_from([True, True, True, False])),
    )


OPTIONS = st.builds(
    Options,
    fail_on=st.sampled_from([Severity.ERROR, Severity.WARNING, Severity.NEVER]),
    verbose=st.integers(0, 2),
    quiet=st.booleans(),
    tap_version=st.sampled_from([13, 14]),
    settings_file=TEXTS,
    settings=st.sampled_from([(), ("ignore", "fail-on")]),
)
RUNS = st.lists(reports(), max_size=3)


@given(RUNS, OPTIONS)
def test_a_tap_harness_agrees_with_the_exit_code(run: list[Report], options: Options) -> None:
    assert parse(render("tap", run, options)).passed == (exit_code(run, options.fail_on) == 0)


@given(RUNS, OPTIONS)
def test_a_junit_reader_agrees_with_the_exit_code(run: list[Report], options: Options) -> None:
    root = ET.fromstring(render("junit", run, options))  # noqa: S314 - our own output
    assert (root.get("failures") == root.get("errors") == "0") == (exit_code(run, options.fail_on) == 0)


@given(RUNS, OPTIONS)
def test_a_sarif_reader_agrees_with_the_exit_code(run: list[Report], options: Options) -> None:
    (log,) = json.loads(render("sarif", run, options))["runs"]
    levels = {result["level"] for result in log["results"] if result["kind"] == "fail" and not result["suppressions"]}
    failed = any(Severity(level).rank >= options.fail_on.rank for level in levels)
    code = 2 if not log["invocations"][0]["executionSuccessful"] else int(failed)
    assert code == exit_code(run, options.fail_on)


# GitHub: ::name, ##[name]; Azure: ##vso[name], ##[name]; TeamCity: ##teamcity[name].
COMMAND = re.compile(r"^\s*::|##\w*\[", re.MULTILINE)


@given(RUNS, OPTIONS)
def test_no_line_is_a_command_to_a_build_service(run: list[Report], options: Options) -> None:
    for format_name in FORMATS:
        text = render(format_name, run, options)
        if format_name == "github":
            found, lines = workflow_commands(text)
            assert {one.kind for one in found} <= {"error", "warning", "notice"}
            assert all(set(one.properties) <= {"file", "line", "col", "endColumn", "title"} for one in found)
            text = "\n".join(lines)
            assert not [one for one in found if COMMAND.search(f"> {one.message} {one.properties}")]
        assert not COMMAND.search(text), format_name


@given(RUNS, OPTIONS)
def test_a_service_agrees_with_the_exit_code(run: list[Report], options: Options) -> None:
    code = exit_code(run, options.fail_on)
    statement = json.loads(render("in-toto", run, options))["predicate"]
    assert (statement["result"] == "FAILED") == (code != 0)
    assert bool(statement["failedTests"]) <= (code != 0)
    issues = json.loads(render("gitlab", run, options))
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)


@given(RUNS, OPTIONS)
def test_no_text_is_markup(run: list[Report], options: Options) -> None:
    seen = page(render("markdown", run, options))
    assert (seen.odd, len(seen.headings)) == ([], 1)
    assert {len(row) for row in seen.rows} <= {2, 4}
    assert all(link.startswith(SITE) for link in seen.links)


@given(RUNS, OPTIONS)
def test_strict_readers_take_the_json_formats(run: list[Report], options: Options) -> None:
    for format_name in ("json", "sarif", "gitlab", "in-toto"):
        json.dumps(json.loads(render(format_name, run, options)), ensure_ascii=False).encode()


@given(RUNS, OPTIONS)
def test_every_format_can_be_written_and_shown(run: list[Report], options: Options) -> None:
    for format_name in FORMATS:
        text = render(format_name, run, options)
        text.encode()
        # Where all is well, nothing is said to those who want to read little.
        assert text.endswith("\n") or (not text and format_name == "text" and options.quiet)
        assert all(line.isprintable() for line in text.split("\n"))


@given(RUNS, OPTIONS)
def test_text_has_one_last_line_per_subject(run: list[Report], options: Options) -> None:
    lines = render("text", run, replace(options, quiet=False)).split("\n")[:-1]
    assert lines[-1].startswith("total: ") == (len(run) > 1)
    assert not any(line.lstrip().startswith("::") for line in lines)
