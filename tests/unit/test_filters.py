"""A filter that matches nothing is a typing error: exit code 2, and one line that says which. Nothing passes unseen."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from fixtures.mutants import Mutant, score
from fixtures.mutants.tables import mutants
from ocivalidate import resources
from ocivalidate.runtime.running.loading import load_cases
from tests.unit.command_line import GOOD, Command, complaint

CHECKOUT = Path(__file__).parents[2]
CASES = load_cases(resources.folder("conformance"))
MUTANTS = mutants(CASES)
WAITING = "signals.running-container-gets-signals"


def ran(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command], cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (["rules", "nosuch"], "no clause matches nosuch"),
        (["rules", "runtime/config", "nosuch", "lint/none*"], "no clause matches nosuch, lint/none*"),
        (["rules", "runtime/config.process.cwd", "--os", "zos", "--judged", "none"], "no clause matches these filters"),
        (["bundle", GOOD, "--select", "nosuch"], "no clause matches nosuch; ocivalidate rules lists them"),
        (["bundle", GOOD, "--ignore", "lint,nosuch"], "no clause matches nosuch; ocivalidate rules lists them"),
        (["runtime", "--list", "--select", "nosuch"], "no case and no clause matches nosuch"),
        (["runtime", "--list", "--select", "lint"], "no case judges the selected clauses"),
        (["runtime", "--runtime", "x", "--require", "nosuch"], "--require: unknown need nosuch"),
    ],
)
def test_commands(say: Command, command: Sequence[str], line: str) -> None:
    assert complaint(say(*command)).startswith(line)


def test_a_report_of_cases_that_are_no_more(say: Command, tmp_path: Path) -> None:
    results = [{"case": name, "outcome": "fail"} for name in (WAITING, "signals.was-renamed")]
    file = tmp_path / "report.json"
    file.write_text(json.dumps({"schema": "urn:ocivalidate:report-1", "reports": [{"results": results}]}))
    said = complaint(say("runtime", "--runtime", "x", "--rerun-failed", str(file)))
    assert said == f"{file}: no case is called signals.was-renamed; ocivalidate runtime --list lists them"


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (["-m", "fixtures.mutants.score", "no-such"], "score: no mutant has no-such in its name"),
        (["-m", "fixtures.mutants.score", "swallows kill", "no-such"], "score: no mutant has no-such in its name"),
        (["-m", "fixtures.mutants.score", "--case", "nosuch"], "score: no case matches nosuch; .*--list"),
        (
            ["-m", "fixtures.mutants.score", "--case", WAITING, "loses /hostname"],
            f"score: no such mutant names {WAITING}",
        ),
        (
            ["-m", "fixtures.mutants.score", "--explore", "9", "no-such"],
            "score: no mutant where two features meet has no-such in its name",
        ),
        (["-m", "fixtures.mutants.score", "--explore", "0"], "score: --explore takes a number of configs"),
        (["benchmarks/growth.py", "--only", "nosuch"], "growth.py: no row has nosuch in its name"),
        (["benchmarks/runtime.py", "sh", "--select", "nosuch"], "runtime.py: no case and no clause matches nosuch"),
        (["benchmarks/runtime.py", "/no/such/runtime"], "runtime.py: /no/such/runtime is not there"),
        (["tests/fuzz/run.py", "1", "nosuch"], "run.py: no target is called nosuch; known are documents, "),
        (["tests/fuzz/run.py", "nosuch"], "run.py: nosuch is no number of seconds"),
        (["fixtures/fake_runtime", "--fault", "nosuch", "state", "x"], "there is no fault nosuch"),
    ],
)
def test_scripts(command: Sequence[str], line: str) -> None:
    done = ran(*command)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    (said,) = done.stderr.splitlines()
    assert re.match(line, said), said


# --- Which mutants are tried, and by which cases


def names(found: Sequence[Mutant]) -> list[str]:
    return [mutant.name for mutant in found]


def test_one_mutant_is_tried_by_one_case() -> None:
    cases, found = score.choose(CASES, MUTANTS, texts=["swallows kill"], patterns=[WAITING])
    assert [case.id for case in cases] == [WAITING]
    assert names(found) == ["swallows kill"]


def test_mutants_of_a_case_are_those_that_name_it() -> None:
    cases, found = score.choose(CASES, MUTANTS, texts=[], patterns=["signals"])
    assert {case.id.partition(".")[0] for case in cases} == {"signals"}
    assert "swallows kill" in names(found)
    assert "loses /hostname" not in names(found)
    every = score.choose(CASES, MUTANTS, texts=[], patterns=["signals"], everyone=True)[1]
    assert names(every) == names(MUTANTS)


def test_without_a_filter_all_are_tried() -> None:
    assert score.choose(CASES, MUTANTS, texts=[], patterns=[]) == (CASES, MUTANTS)


def test_a_case_that_only_the_fake_shows_is_said_to_be_one() -> None:
    alone = [mutant for mutant in MUTANTS if mutant.name == "loses /hostname"]
    with pytest.raises(
        score.NothingMatches, match=r"^no mutant names .*faults of the fake runtime show it: says-that-errors-are-none"
    ):
        score.choose(CASES, alone, texts=[], patterns=["lifecycle.no-process"])
