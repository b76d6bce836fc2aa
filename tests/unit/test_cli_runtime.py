"""``ocivalidate runtime`` as far as it needs no runtime: the list, what makes no sense, what failed in a report."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ocivalidate.cli.progress import Progress
from ocivalidate.report import render
from ocivalidate.runtime.protocol import Begin, Plan
from tests.reports import BROKEN, OPTIONS, RUN
from tests.unit.command_line import Command, complaint
from tests.unit.engines import HEADER

CASE = '''
from ocivalidate.runtime import case

@case("runtime.create.creates", sets=["/hostname"], needs=["root"], timeout=5)
def first(trial):
    """Shows the first thing."""

@case("runtime.delete.not-stopped-error")
def second(trial):
    """Shows the second thing."""
'''


@pytest.fixture
def cases(tmp_path: Path) -> str:
    (tmp_path / "own.py").write_text(CASE, encoding="utf-8")
    return str(tmp_path)


def test_the_list_needs_no_runtime(cases: str, say: Command) -> None:
    said = say("runtime", "--list", "--cases", cases)
    assert said.out == (
        "own.first: Shows the first thing. (needs root)\nown.second: Shows the second thing.\n2 cases, 3 clauses\n"
    )
    assert (said.code, said.err) == (0, "")


def test_the_list_says_what_is_judged_when_asked(cases: str, say: Command) -> None:
    said = say("runtime", "--list", "-v", "--cases", cases, "--select", "own.first")
    assert said.out.splitlines()[1:] == [
        "  runtime/runtime.create.creates",
        "  runtime/runtime.create.applies-config",
        "  /hostname",
        "1 cases, 2 clauses",
    ]


def test_the_list_as_json(cases: str, say: Command) -> None:
    content = say("runtime", "--list", "--format", "json", "--cases", cases).json
    assert content["cases"][0] == {
        "id": "own.first",
        "summary": "Shows the first thing.",
        "clauses": ["runtime/runtime.create.creates", "runtime/runtime.create.applies-config"],
        "properties": ["/hostname"],
        "needs": ["root"],
        "alone": [],
        "timeout": 5,
    }
    assert [case["id"] for case in content["cases"]] == ["own.first", "own.second"]


def test_every_case_of_ours_is_listed(say: Command) -> None:
    cases = say("runtime", "--list", "--format", "json").json["cases"]
    assert len(cases) > 100
    assert all(case["summary"] and case["clauses"] for case in cases)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "no runtime given: use --runtime PROGRAM"),
        (["--runtime", "x", "--select", "nothing.there"], "no case and no clause matches nothing.there"),
        (["--runtime", "x", "--jobs", "0"], "--jobs needs a number"),
        (["--runtime", "x", "--jobs", "many"], "needs a whole number, not 'many'"),
        (["--runtime", "x", "--require", "moon"], "unknown need moon; known are cap, "),
        (["--runtime", "x", "--expectations", "none.toml"], "none.toml: No such file"),
        (["--runtime", "x", "--rerun-failed", "none.json"], "none.json: "),
        (["--runtime", "x", "--spec-version", "9.9.9"], "invalid choice"),
        (["--runtime", "x", "--output", "word=x"], "--output needs FORMAT=FILE"),
        (["--list", "--cases", "nowhere"], "there are no cases in nowhere"),
        (["--run", "x"], "unrecognized arguments: --run"),
    ],
)
def test_what_makes_no_sense_is_one_line(arguments: list[str], words: str, say: Command) -> None:
    assert words in complaint(say("runtime", *arguments))


def test_expectations_of_no_case_are_refused(tmp_path: Path, say: Command) -> None:
    file = tmp_path / "known.toml"
    file.write_text('runtime = "x"\n[[expect]]\ncase = "no.such"\nclause = "runtime/a"\nreason = "b"\n')
    said = complaint(say("runtime", "--runtime", "/bin/false", "--expectations", str(file)))
    assert said == f"{file}, entry 1: there is no case no.such"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is not a report of a runtime"),
        ("[]", "is not a report of a runtime"),
        (render("json", [BROKEN], OPTIONS), "is not a report of a runtime"),
        (render("json", [replace(RUN, results=RUN.results[:4], findings=())], OPTIONS), "nothing failed in it"),
    ],
)
def test_only_a_report_with_failures_can_be_run_again(content: str, words: str, tmp_path: Path, say: Command) -> None:
    file = tmp_path / "report.json"
    file.write_text(content, encoding="utf-8")
    assert words in complaint(say("runtime", "--runtime", "x", "--rerun-failed", str(file)))


def test_a_program_that_is_none_is_told_in_every_format(tmp_path: Path, say: Command) -> None:
    out = tmp_path / "report.json"
    said = say("runtime", "--runtime", "/no/such", "--output", f"json={out}", "--format", "junit")
    assert said.code == 2
    assert "there is no program /no/such" in said.out
    (report,) = json.loads(out.read_text(encoding="utf-8"))["reports"]
    assert (report["kind"], report["problem"]) == ("runtime", "there is no program /no/such")


def test_progress_says_how_far_it_is() -> None:
    with Progress(silent=True) as progress:
        for step in (HEADER, Plan(tuple((result.case, result.clause.id) for result in RUN.results))):
            progress.show(step)
        progress.show(Begin("process.arguments"))
        progress.show(Begin("state.\x1bpids"))
        assert progress.line() == r"0/7  process.arguments, state.\x1bpids"
        for result in RUN.results:
            progress.show(result)
        assert progress.line() == r"7/7, 3 not as they should be  state.\x1bpids"


@pytest.mark.parametrize("below", ["", "/deeper/still"])
def test_a_file_is_no_folder_for_dumps(below: str, tmp_path: Path, say: Command) -> None:
    """Before anything runs: a run may take long, and what it was to show would be lost."""
    file = tmp_path / "file"
    file.write_text("mine", encoding="utf-8")
    said = say("runtime", "--runtime", "none", "--dump-dir", f"{file}{below}")
    assert said.code == 2
    assert complaint(said) == f"dump_dir {file}{below}: {file} is not a folder"
    assert file.read_text(encoding="utf-8") == "mine"
