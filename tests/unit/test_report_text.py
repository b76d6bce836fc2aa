from __future__ import annotations

import html
import json
import re
from dataclasses import replace

import pytest

from ocivalidate.report import FORMATS, problems, render
from ocivalidate.report.source import WIDTH, excerpt
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import Finding, Location, Report
from tests.reports import (
    ALL,
    ALL_SKIPPED,
    ARGS,
    BROKEN,
    CONFORMING,
    CUT_OFF,
    CWD,
    ELSEWHERE,
    ESCAPES,
    HARMLESS,
    HOSTILE,
    HOSTILE_PROBLEM,
    IMAGE,
    NOT_ABSOLUTE,
    OPTIONS,
    RUNTIME,
    STRANGE,
    UNREADABLE,
    bundle,
)

VERBOSE = replace(OPTIONS, verbose=1)
QUIET = replace(OPTIONS, quiet=True)
AGAINST = "against runtime-spec 1.2.0 (linux; no platform member, taken as linux)"


def text(*reports: Report, verbose: int = 0) -> str:
    return render("text", reports, replace(OPTIONS, verbose=verbose))


def last_line(report: Report) -> str:
    return text(report).splitlines()[-1]


def marked(line: str, column: int, end_column: int | None) -> tuple[str, str]:
    shown = excerpt(line, column, end_column)
    return shown.line, " " * shown.indent + "^" * shown.mark


def test_a_finding_with_a_source_line() -> None:
    assert text(bundle(NOT_ABSOLUTE)) == (
        "error[runtime/config.process.cwd.absolute]: process.cwd is not an absolute path\n"
        "  --> b/config.json:14:12  /process/cwd\n"
        "   |\n"
        '14 |     "cwd": "app",\n'
        '   |            ^^^^^ got "app", want a path that starts with /\n'
        "   = MUST, runtime-spec 1.2.0 config.md#process\n"
        "   = help: ocivalidate explain runtime/config.process.cwd.absolute\n"
        "\n"
        f"b: 1 error {AGAINST}: 2 clauses judged, 1 failed, 2 skipped, 0 suppressed\n"
    )


def test_a_finding_without_a_source_line_still_shows_its_values() -> None:
    assert text(bundle(ESCAPES)).startswith(
        "warning[safety/mounts.escape]: a mount leaves the root\n"
        "  --> b/config.json  /mounts/0\n"
        '   = got "../x"\n'
        "   = safety\n"
        "   = help: ocivalidate explain safety/mounts.escape\n"
    )


def test_a_hint_stands_before_the_help() -> None:
    assert "   = hint: name the folder rootfs\n   = help: ocivalidate" in text(bundle(ELSEWHERE))


def test_a_finding_about_no_file_names_the_subject() -> None:
    assert "\n  --> b\n" in text(bundle(replace(NOT_ABSOLUTE, location=Location())))


def test_a_finding_in_a_layer_names_blob_and_member() -> None:
    location = Location("layout", digest="sha256:abc", member="etc/passwd")
    assert "\n  --> layout  blob sha256:abc  member etc/passwd\n" in text(bundle(replace(ESCAPES, location=location)))


def test_a_line_without_a_column_has_no_mark() -> None:
    location = Location("f", "/a", 2, text="{}")
    shown = text(bundle(replace(NOT_ABSOLUTE, location=location)))
    assert '\n 2 | {}\n   = got "app", want a path that starts with /\n' in shown
    assert "^" not in shown


def test_a_run_without_findings_is_one_line_per_subject() -> None:
    expected = (
        f"b: conforms to {AGAINST.removeprefix('against ')}: 1 clause judged, 0 failed, 2 skipped, 0 suppressed\n"
    )
    assert render("text", [CONFORMING], OPTIONS) == expected


def test_notes_are_shown_only_when_asked_for_and_do_not_fail() -> None:
    report = bundle(STRANGE)
    assert text(report) == (
        "b: conforms to runtime-spec 1.2.0 (linux; no platform member, taken as linux):"
        " 2 clauses judged, 0 failed, 2 skipped, 0 suppressed, 1 note\n"
    )
    assert "note[lint/members.unknown]: colour is not a member\n   --> b/config.json:120:3  /colour" in text(
        report, verbose=1
    )


def test_quiet_gives_one_line_per_finding() -> None:
    assert render("text", [BROKEN], QUIET).splitlines()[:-1] == [
        "b/config.json:3:11: warning[runtime/config.root.path.rootfs]: root.path is not the conventional rootfs",
        "b/config.json:14:12: error[runtime/config.process.cwd.absolute]: process.cwd is not an absolute path",
        "b/config.json: warning[safety/mounts.escape]: a mount leaves the root (/mounts/0)",
    ]


def test_verbose_folds_skips_by_reason() -> None:
    assert text(CONFORMING, verbose=1).splitlines()[:-1] == ["skipped: 1 not present", "skipped: 1 needs --host"]


def test_very_verbose_lists_every_result() -> None:
    assert text(CONFORMING, verbose=2).splitlines()[:-1] == [
        "pass  runtime/config.process.args.type",
        "skip  runtime/config.vm.kernel.path.absolute: not present",
        "skip  runtime/runtime.state.pid: needs --host",
    ]


@pytest.mark.parametrize(
    ("report", "line"),
    [
        (UNREADABLE, "c: could not be judged: c: no such file or folder"),
        (CUT_OFF, "d: could not be judged: the report is incomplete"),
        (
            ALL_SKIPPED,
            "e: nothing was judged against runtime-spec 1.2.0: 0 clauses judged, 0 failed, 2 skipped, 0 suppressed",
        ),
        (BROKEN, f"b: 1 error, 2 warnings {AGAINST}: 5 clauses judged, 3 failed, 2 skipped, 2 suppressed, 1 note"),
        (
            RUNTIME,
            (
                "runc: 1 unexpected pass, 1 expected failure, 1 clause that could not be judged"
                " against runtime-spec 1.2.0 (linux): 3 clauses judged, 1 case, 0 failed, 0 skipped, 1 expected failure"
            ),
        ),
        (
            IMAGE,
            (
                "layout: conforms to image-spec 1.1.1 (linux/amd64): 1 clause judged, 0 failed, 0 skipped,"
                " 0 suppressed; INCOMPLETE: 3 of 5 blobs absent, not verified"
            ),
        ),
        (
            replace(CONFORMING, release_note="judged as 1.2.0, the newest known", platforms=(), platform_note=""),
            (
                "b: conforms to runtime-spec 1.2.0 (judged as 1.2.0, the newest known):"
                " 1 clause judged, 0 failed, 2 skipped, 0 suppressed"
            ),
        ),
    ],
    ids=lambda value: value.subject if isinstance(value, Report) else "",
)
def test_the_last_line_says_what_was_judged(report: Report, line: str) -> None:
    assert last_line(report) == line


def test_several_subjects_have_a_total() -> None:
    lines = text(*ALL).splitlines()
    assert lines[-1] == "total: 7 subjects: 2 passed, 1 failed, 4 could not be judged"
    assert [line.partition(":")[0] for line in lines[-8:-1]] == ["b", "b", "c", "d", "e", "runc", "layout"]


def test_no_subject_is_no_pass() -> None:
    assert text() == "nothing was judged\n"


def test_an_unexpected_pass_and_an_error_are_said_without_asking() -> None:
    assert text(RUNTIME).splitlines()[:-1] == [
        (
            "unexpected pass[runtime/runtime.state.pid]: passed, but is expected to fail: remove the expectation for "
            "runtime/runtime.state.pid (expectations/runc.toml, entry 3)"
        ),
        "could not judge[runtime/runtime.create.unique-id]: no answer within 20 s",
    ]
    assert "expected failure[runtime/runtime.kill.stopped]: runc#1234, fixed in 1.3\n" in text(RUNTIME, verbose=1)


def test_problems_are_the_subjects_that_could_not_be_judged() -> None:
    assert problems([CONFORMING, BROKEN]) == []
    assert [line.partition(":")[0] for line in problems(ALL)] == ["c", "d", "e", "runc"]
    (line,) = problems([HOSTILE])
    assert line.isprintable()
    assert line.startswith(r"\x3a:warning")


def test_colour_changes_nothing_but_the_colour() -> None:
    for reports in ([*ALL], [HOSTILE, HOSTILE_PROBLEM], []):
        coloured = render("text", reports, replace(VERBOSE, colour=True))
        assert "\x1b[" in coloured
        assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render("text", reports, VERBOSE)


@pytest.mark.parametrize("quiet", [False, True])
@pytest.mark.parametrize("verbose", [0, 1, 2])
def test_a_hostile_report_forges_no_line(verbose: int, *, quiet: bool) -> None:
    options = replace(OPTIONS, verbose=verbose, quiet=quiet)
    lines, expected = (render("text", [report, HOSTILE_PROBLEM], options).split("\n") for report in (HOSTILE, HARMLESS))
    assert len(lines) == len(expected)
    assert all(line.isprintable() for line in lines)
    assert not any(line.lstrip().startswith("::") or "##[" in line or "##vso[" in line for line in lines)


def test_a_tab_is_four_columns() -> None:
    assert marked('\t"a": 1', 7, 8) == ('    "a": 1', "         ^")


def test_wide_and_combining_letters_keep_the_mark_in_place() -> None:
    assert marked("大e\u0301x", 4, 5) == ("大e\u0301x", "   ^")
    assert marked("大小", 2, 3) == ("大小", "  ^^")


def test_an_escaped_letter_is_marked_in_full() -> None:
    assert marked("a\x1bb", 2, 3) == (r"a\x1bb", " ^^^^")


def test_a_place_behind_the_line_is_marked_after_it() -> None:
    assert marked("{", 2, None) == ("{", " ^")
    assert marked("{", 99, 120) == ("{", " ^")


def test_a_long_line_is_cut_around_the_mark() -> None:
    line, mark = marked("a" * 500 + "XYZ" + "b" * 500, 501, 504)
    assert line.startswith("…a")
    assert line.endswith("b…")
    assert len(line) <= WIDTH + 2
    assert line[mark.index("^") : len(mark)] == "XYZ"


def test_a_long_line_is_shown_from_its_start_when_the_mark_is_there() -> None:
    line, mark = marked("ab" + "c" * 500, 2, 3)
    assert line == "ab" + "c" * (WIDTH - 2) + "…"
    assert mark == " ^"


def test_a_mark_that_is_longer_than_the_cut_line_ends_with_it() -> None:
    line, mark = marked("x" * 300, 150, 300)
    assert len(mark) == len(line) - 1


def test_the_line_number_is_aligned_with_its_frame() -> None:
    location = Location("f", "/a", 12345, 1, 2, "{}")
    finding = Finding(CWD, Severity.ERROR, "m", location)
    assert "\n     --> f:12345:1  /a\n      |\n12345 | {}\n      | ^\n      = MUST" in text(bundle(finding))


def test_a_long_value_is_cut() -> None:
    finding = replace(NOT_ABSOLUTE, clause=ARGS, got="x" * 100_000, message="y" * 100_000)
    assert len(text(bundle(finding))) < 3000


@pytest.mark.parametrize("reports", [[CONFORMING], [CONFORMING, BROKEN]], ids=["one", "two"])
@pytest.mark.parametrize("format_name", FORMATS)
def test_every_format_names_the_settings_file_that_counts(format_name: str, reports: list[Report]) -> None:
    options = replace(OPTIONS, settings_file="../\nocivalidate.toml", settings=("ignore", "fail-on"))
    shown = render(format_name, reports, options)
    places = {"sarif": ("runs", 0, "properties"), "in-toto": ("predicate", "ocivalidate"), "json": ()}
    if format_name in places:
        where = json.loads(shown)
        for step in places[format_name]:
            where = where[step]
        assert where["settings"] == {"file": r"../\nocivalidate.toml", "changed": ["ignore", "fail-on"]}
    elif format_name == "gitlab":
        assert json.loads(shown)[-1]["description"] == r"settings of ../\nocivalidate.toml: ignore, fail-on"
    elif format_name == "markdown":
        assert r"settings of ../\nocivalidate.toml: ignore, fail-on" in html.unescape(shown)
    else:
        *_, last = (line for line in shown.splitlines() if "; settings of " in line)
        assert r"; settings of ../\nocivalidate.toml: ignore, fail-on" in last
    assert "settings of" not in render(format_name, reports, OPTIONS)
