"""What is said to those who want to read little or count first, and exit codes for those who want a report alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ocivalidate.report import render
from ocivalidate.rules.clauses import Severity
from tests.reports import (
    ALL_SKIPPED,
    BROKEN,
    CONFORMING,
    ELSEWHERE,
    IMAGE,
    NOT_ABSOLUTE,
    OPTIONS,
    RUN,
    RUNTIME,
    UNREADABLE,
    bundle,
)
from tests.tap14 import parse
from tests.unit.command_line import BROKEN as BROKEN_BUNDLE, GOOD, Command, complaint

QUIET = replace(OPTIONS, quiet=True)
COUNTED = replace(OPTIONS, statistics=True)


def test_silence_where_all_is_well(say: Command) -> None:
    assert render("text", [CONFORMING], QUIET) == ""
    assert render("text", [CONFORMING] * 3, QUIET) == ""
    assert say("bundle", GOOD, GOOD, "--quiet") == (0, "", "")
    assert say("bundle", GOOD, "-q", "--format", "json").json["exit_code"] == 0


@pytest.mark.parametrize("report", [BROKEN, bundle(ELSEWHERE), UNREADABLE, ALL_SKIPPED, RUNTIME, RUN, IMAGE])
def test_what_is_not_well_is_said(report: object) -> None:
    lines = render("text", [CONFORMING, report, CONFORMING], QUIET).splitlines()  # type: ignore[list-item]  # reports
    assert lines[-1].startswith("total: 3 subjects: ")
    assert sum(": conforms to" in line for line in lines) == (report is IMAGE)
    assert render("text", [report], QUIET)  # type: ignore[list-item]  # reports


def test_nothing_judged_and_a_settings_file_are_said() -> None:
    assert render("text", [], QUIET) == "nothing was judged\n"
    settled = replace(QUIET, settings_file="x.toml", settings=("ignore",))
    assert render("text", [CONFORMING], settled).endswith("; settings of x.toml: ignore\n")


def test_findings_are_counted_by_clause() -> None:
    many = replace(BROKEN, findings=(*BROKEN.findings, ELSEWHERE, replace(NOT_ABSOLUTE, more=1200)))
    assert render("text", [many], COUNTED).splitlines()[:-1] == [
        "1,202 error[runtime/config.process.cwd.absolute]: What runtime/config.process.cwd.absolute asks for",
        "    2 warning[runtime/config.root.path.rootfs]: What runtime/config.root.path.rootfs asks for",
        "    1 warning[safety/mounts.escape]: What safety/mounts.escape asks for",
    ]
    assert "lint/members.unknown" in render("text", [many], replace(COUNTED, verbose=1))
    assert len(render("text", [CONFORMING], COUNTED).splitlines()) == 1
    assert len(render("text", [BROKEN], replace(COUNTED, quiet=True)).splitlines()) == 4


def test_statistics_are_text(say: Command, tmp_path: Path) -> None:
    assert "1 error[runtime/config.process.cwd.absolute]: " in say("bundle", BROKEN_BUNDLE, "--statistics").out
    refused = "--statistics counts in text, not in json: add --format text"
    assert complaint(say("bundle", GOOD, "--statistics", "--format", "json")) == refused
    (tmp_path / "ocivalidate.toml").write_text("statistics = true\n")
    assert say("bundle", GOOD, "--format", "json").code == 0
    assert "1 error[" in say("bundle", BROKEN_BUNDLE).out


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [((), 1, 1), (("--exit-zero",), 0, 1), (("--fail-on", "never"), 0, 0), (("--fail-on=never", "--exit-zero"), 0, 0)],
)
def test_findings_need_not_fail(say: Command, tmp_path: Path, options: tuple[str, ...], code: int, told: int) -> None:
    said = say("bundle", BROKEN_BUNDLE, "--output", "json=r.json", *options)
    assert (said.code, json.loads((tmp_path / "r.json").read_bytes())["exit_code"]) == (code, told)
    assert "error[runtime/config.process.cwd.absolute]" in said.out
    assert say("bundle", "/no/such", *options).code == 2


@pytest.mark.parametrize("format_name", ["tap", "junit", "in-toto"])
def test_formats_agree_that_nothing_fails(format_name: str) -> None:
    reports = [BROKEN, replace(RUN, results=RUN.results[:-1])]
    text = render(format_name, reports, replace(OPTIONS, fail_on=Severity.NEVER))
    assert {
        "tap": lambda: parse(text).passed,
        "junit": lambda: 'failures="0" errors="0"' in text,
        "in-toto": lambda: '"failedTests": []' in text,
    }[format_name]()
