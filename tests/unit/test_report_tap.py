from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from ocivalidate.report import render
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import Outcome, Report, Result, exit_code
from tests.reports import (
    ALL,
    ALL_SKIPPED,
    ARGS,
    BROKEN,
    CONFORMING,
    CUT_OFF,
    CWD,
    ELSEWHERE,
    HOSTILE,
    HOSTILE_PROBLEM,
    IMAGE,
    NASTY,
    NOT_ABSOLUTE,
    OPTIONS,
    RUNTIME,
    STRANGE,
    UNREADABLE,
    bundle,
    made_of,
    passed,
)
from tests.tap14 import Point, Stream, TapError, parse

RUNS = {
    "none": [],
    "conforming": [CONFORMING],
    "broken": [BROKEN],
    "warning": [bundle(ELSEWHERE)],
    "note": [bundle(STRANGE)],
    "unreadable": [UNREADABLE],
    "cut off": [CUT_OFF],
    "skipped": [ALL_SKIPPED],
    "skipped and conforming": [CONFORMING, ALL_SKIPPED],
    "runtime": [RUNTIME],
    "image": [IMAGE],
    "loose warning": [replace(bundle(ELSEWHERE), results=())],
    "loose error": [replace(bundle(NOT_ABSOLUTE), results=passed(ARGS))],
    "all": [*ALL],
    "hostile": [HOSTILE, HOSTILE_PROBLEM],
    "hostile but conforming": [replace(HOSTILE, results=passed(ARGS), findings=())],
}


def tap(*reports: Report, version: int = 14, verbose: int = 0, fail_on: Severity = Severity.ERROR) -> Stream:
    text = render("tap", reports, replace(OPTIONS, tap_version=version, verbose=verbose, fail_on=fail_on))
    stream = parse(text)
    assert stream.version == version
    return stream


def point(stream: Stream, clause_id: str) -> Point:
    (found,) = [point for point in stream.points if point.description == clause_id]
    return found


@pytest.mark.parametrize("fail_on", [Severity.ERROR, Severity.WARNING])
@pytest.mark.parametrize("verbose", [0, 1])
@pytest.mark.parametrize("version", [13, 14])
@pytest.mark.parametrize("name", RUNS)
def test_a_strict_reader_agrees_with_the_exit_code(name: str, version: int, verbose: int, fail_on: Severity) -> None:
    reports = RUNS[name]
    stream = tap(*reports, version=version, verbose=verbose, fail_on=fail_on)
    assert stream.passed == (exit_code(reports, fail_on) == 0)


@pytest.mark.skipif(not shutil.which("prove"), reason="no prove (Perl) on this machine")
@pytest.mark.parametrize("name", RUNS)
def test_prove_agrees_with_the_exit_code(name: str, tmp_path: Path) -> None:
    file = tmp_path / "report.tap"
    file.write_text(render("tap", RUNS[name], replace(OPTIONS, tap_version=13)), encoding="utf-8")
    run = subprocess.run(
        ["prove", "--norc", "--exec", "cat", file], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (run.returncode == 0) == (exit_code(RUNS[name]) == 0), run.stdout + run.stderr
    if "Bailout called" not in run.stdout:  # which leaves no plan
        assert "Parse errors" not in run.stdout + run.stderr


def test_a_failure_says_what_and_where() -> None:
    failure = point(tap(BROKEN), CWD.id)
    assert not failure.passed
    assert failure.diagnostics == {
        "message": "process.cwd is not an absolute path",
        "severity": "error",
        "outcome": "fail",
        "clause": "runtime/config.process.cwd.absolute",
        "level": "MUST",
        "file": "b/config.json",
        "line": 14,
        "column": 12,
        "pointer": "/process/cwd",
        "got": '"app"',
        "want": "a path that starts with /",
        "findings": 1,
    }


def test_only_the_first_of_many_findings_is_told() -> None:
    findings = tuple(replace(NOT_ABSOLUTE, message=f"message {number}") for number in range(3))
    report = replace(bundle(), results=(Result(CWD, Outcome.FAIL, findings=findings),), findings=findings)
    diagnostics = point(tap(report), CWD.id).diagnostics
    assert (diagnostics["message"], diagnostics["findings"]) == ("message 0", 3)


def test_a_failure_below_the_failing_severity_is_forgiven() -> None:
    failure = point(tap(BROKEN), "runtime/config.root.path.rootfs")
    assert (failure.ok, failure.directive, failure.reason) == (False, "TODO", "below --fail-on (warning)")


def test_what_is_absent_is_listed_only_when_asked_for() -> None:
    skips = [point.reason for point in tap(CONFORMING).points if point.directive == "SKIP"]
    assert skips == ["needs --host"]
    skips = [point.reason for point in tap(CONFORMING, verbose=1).points if point.directive == "SKIP"]
    assert skips == ["not present", "needs --host"]


def test_several_subjects_are_told_apart() -> None:
    points = tap(CONFORMING, replace(CONFORMING, subject="other # TODO")).points
    assert [point.description for point in points if point.passed and not point.directive] == [
        "runtime/config.process.args.type (b)",
        "runtime/config.process.args.type (other # TODO)",
    ]


@pytest.mark.parametrize("report", [UNREADABLE, CUT_OFF, replace(CONFORMING, subject=" ", complete=False)])
def test_a_subject_that_could_not_be_judged_is_an_error(report: Report) -> None:
    last = tap(report).points[-1]
    assert not last.passed
    assert last.description == (report.subject.strip() or "(no name)")
    assert (last.diagnostics["severity"], last.diagnostics["outcome"]) == ("error", "error")


@pytest.mark.parametrize("reports", [[], [ALL_SKIPPED], [ALL_SKIPPED, replace(ALL_SKIPPED, results=())]])
@pytest.mark.parametrize("verbose", [0, 1])
def test_nothing_judged_bails_out(reports: list[Report], verbose: int) -> None:
    assert tap(*reports, verbose=verbose).bail_out == "nothing was judged"


def test_the_outcomes_of_a_runtime() -> None:
    stream = tap(RUNTIME)
    expected = point(stream, "runtime/runtime.kill.stopped")
    unexpected = point(stream, "runtime/runtime.state.pid")
    error = point(stream, "runtime/runtime.create.unique-id")
    assert (expected.ok, expected.directive, expected.reason) == (False, "TODO", "runc#1234, fixed in 1.3")
    assert expected.diagnostics["case"] == "kill.stopped"
    assert not unexpected.passed
    assert "remove the expectation for runtime/runtime.state.pid (expectations/runc.toml" in str(
        unexpected.diagnostics["message"]
    )
    assert not error.passed
    assert error.diagnostics == {"message": "no answer within 20 s", "severity": "error", "outcome": "error"}


def test_the_last_lines_are_comments() -> None:
    assert tap(UNREADABLE).comments == ["ocivalidate: c: could not be judged: c: no such file or folder"]


@pytest.mark.parametrize("version", [13, 14])
def test_a_hostile_report_has_the_points_it_would_have_anyway(version: int) -> None:
    stream = tap(HOSTILE, HOSTILE_PROBLEM, version=version)
    outcomes = [(point.ok, point.directive) for point in stream.points]
    assert outcomes == [(False, ""), (True, "SKIP"), (False, "TODO"), (False, ""), (False, ""), (False, "")]
    assert stream.points[0].diagnostics["message"] == NASTY


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1..1\nok 1 - a\n",
        "TAP version 14\n1..2\nok 1 - a\n",
        "TAP version 14\n1..2\nok 2 - a\nok 1 - b\n",
        "TAP version 14\nok 1 - a\n1..1\n",
        "TAP version 14\n1..0\n",
        "TAP version 14\n1..1\nok 1 - a #SKIP\n",
        "TAP version 14\n1..1\nok 1 - a # skip\n",
        "TAP version 14\n1..1\nok 1 - a \\ b\n",
        "TAP version 14\n1..1\nok 1 - a\n---\n...\n",
        "TAP version 14\n1..1\nok 1 - a\n  ---\n  a: b\n  ...\n",
        "TAP version 14\n1..1\nok 1 - a\n  ---\n  a: 1\n",
        "TAP version 14\n1..1\nok 1 - a\nnoise\n",
        "TAP version 14\n1..1\nok 1 - a\x1b[2J\n",
        "TAP version 14\n1..1\nok 1 - a",
        "TAP version 13\n1..1\nok 1 - a \\# b\n",
    ],
)
def test_the_strict_reader_is_strict(text: str) -> None:
    with pytest.raises(TapError):
        parse(text)


HUGE = 200_000


@pytest.mark.skipif(not shutil.which("prove"), reason="no prove (Perl) on this machine")
@pytest.mark.parametrize("letter", ["x", "\\", '"', "\n", "#", "\U0001f600", "\ud800"])
def test_prove_takes_values_of_any_length(letter: str, tmp_path: Path) -> None:
    report = replace(made_of(letter * 20), results=made_of(letter * HUGE).results, findings=())
    file = tmp_path / "report.tap"
    file.write_text(render("tap", [report], replace(OPTIONS, tap_version=13)), encoding="utf-8")
    run = subprocess.run(
        ["prove", "--norc", "--exec", "cat", file], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert run.returncode != 0
    assert "Failed test" in run.stdout or "Bailout called" in run.stdout
    assert "Parse errors" not in run.stdout + run.stderr


@pytest.mark.parametrize("version", [13, 14])
def test_what_is_cut_is_said(version: int) -> None:
    report = bundle(replace(NOT_ABSOLUTE, message="m" * 1001, got="g" * HUGE, want="w" * 1000))
    diagnostics = point(tap(report, version=version), CWD.id).diagnostics
    assert diagnostics["message"] == "m" * 1000 + "… (and 1 characters more)"
    assert diagnostics["got"] == "g" * 1000 + f"… (and {HUGE - 1000} characters more)"
    assert diagnostics["want"] == "w" * 1000
