from __future__ import annotations

from dataclasses import replace

from ocivalidate.report import render
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import Location, Report
from tests.readers import Annotation, workflow_commands
from tests.reports import (
    ALL,
    BROKEN,
    CONFORMING,
    ESCAPES,
    HOSTILE,
    HOSTILE_PROBLEM,
    NASTY,
    NOT_ABSOLUTE,
    OPTIONS,
    RUN,
    UNREADABLE,
    bundle,
)


def read(*reports: Report, verbose: int = 0) -> tuple[list[Annotation], list[str]]:
    return workflow_commands(render("github", reports, replace(OPTIONS, verbose=verbose)))


def test_a_finding_is_an_annotation_at_its_place() -> None:
    (found,), lines = read(bundle(NOT_ABSOLUTE))
    assert found == Annotation(
        "error",
        {
            "file": "b/config.json",
            "line": "14",
            "col": "12",
            "endColumn": "17",
            "title": "runtime/config.process.cwd.absolute",
        },
        'process.cwd is not an absolute path: got "app", want a path that starts with /',
    )
    assert lines == render("text", [bundle(NOT_ABSOLUTE)], OPTIONS).splitlines()[-1:]


def test_notes_are_annotated_if_asked_for() -> None:
    assert [one.kind for one in read(BROKEN)[0]] == ["warning", "error", "warning"]
    assert [one.kind for one in read(BROKEN, verbose=1)[0]] == ["warning", "error", "warning", "notice"]


def test_nothing_found_is_no_annotation() -> None:
    assert read(CONFORMING)[0] == []


def test_a_runtime_is_annotated_in_the_file_of_its_case() -> None:
    found, _lines = read(RUN)
    assert [(one.kind, one.properties["title"], one.properties["file"]) for one in found] == [
        ("error", "runtime/runtime.state.pid (state.started)", "mine/state.py"),
        ("error", "runtime/runtime.state.pid (state.pids)", "runc"),
        ("error", "runtime/runtime.create.unique-id (create.ids)", "runc"),
    ]


def test_what_could_not_be_judged_is_an_error() -> None:
    (found,), _lines = read(UNREADABLE)
    assert (found.kind, found.message) == ("error", "c: c: no such file or folder")
    (none,), lines = read()
    assert (none.kind, none.message) == ("error", "nothing was judged")
    assert lines == ["nothing was judged"]


def test_ten_of_a_kind_are_annotations_and_the_others_are_in_the_log() -> None:
    light = replace(ESCAPES, severity=Severity.WARNING)
    found, lines = read(bundle(*[NOT_ABSOLUTE] * 12, *[light] * 11))
    assert [one.kind for one in found].count("error") == 10
    assert [one.kind for one in found].count("warning") == 10
    assert found[-1] == Annotation(
        "notice", {"title": "ocivalidate"}, "2 errors, 1 warning in the log alone: GitHub shows 10 of a kind"
    )
    assert len(lines) == 3 + 1
    assert lines[0].startswith("b/config.json:14:12: error[runtime/config.process.cwd.absolute]: process.cwd is not")


def test_ends_of_lines_properties_and_percent_signs_are_escaped() -> None:
    place = Location("a,b:c%.json", "/x", 3, 4, 5)
    finding = replace(NOT_ABSOLUTE, message="50% ::error::x\r\n::stop", location=place, got="", want="")
    text = render("github", [bundle(finding)], OPTIONS)
    assert "file=a%2Cb%3Ac%25.json,line=3" in text
    (found,), _lines = workflow_commands(text)
    assert (found.properties["file"], found.message) == ("a,b:c%.json", r"50% ::error::x\r\n::stop")


def test_hostile_input_makes_no_other_command() -> None:
    hostile, problem = read(HOSTILE, HOSTILE_PROBLEM, verbose=1), read(*ALL, HOSTILE)
    for found, lines in (hostile, problem):
        assert {one.kind for one in found} <= {"error", "warning", "notice"}
        assert all(set(one.properties) <= {"file", "line", "col", "endColumn", "title"} for one in found)
        assert not [line for line in lines if line.lstrip().startswith("::") or "##[" in line]
    assert NASTY[:6] not in render("github", [HOSTILE], OPTIONS)


def test_messages_are_cut() -> None:
    (found,), _lines = read(bundle(replace(NOT_ABSOLUTE, message="x" * 100_000)))
    assert len(found.message) < 1100
