"""CONTRIBUTING.md tells all that a contributor can use, and what it shows is so."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from fixtures.scaffold import __main__ as scaffold
from ocivalidate.bundle.process import cwd_is_absolute
from ocivalidate.rules.checks import CheckContext, Node
from ocivalidate.rules.witnesses import witness_for, witness_from_json
from ocivalidate.runtime.inside import probe

PAGE = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    found = re.search(rf"^##+ {re.escape(title)}\n(.*?)(?=^##+ |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def words(text: str) -> set[str]:
    """The first word of each piece of code in a text."""
    outside = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return {re.split(r"[ (]", code)[0] for code in re.findall(r"`([^`]+)`", outside)}


def public(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


def test_every_reader_of_a_node_is_told() -> None:
    told = words(section("Add a check"))
    assert public(Node) - told == set()
    assert public(CheckContext) - told - {"development", "text"} == set()


def test_every_step_of_the_probe_is_told_and_no_other() -> None:
    rows = "\n".join(line.partition(" | ")[2] for line in section("What the probe sees").splitlines() if " | " in line)
    told = words(rows.replace("\\|", "/")) - {"/proc/self/status"}
    assert told - {"steps"} == set(probe.STEPS) | set(probe.LAST)


def test_the_witness_that_is_shown_is_that_of_the_check_that_is_shown() -> None:
    shown = re.search(r"```json\n(.*?)```", section("Add a witness"), re.DOTALL)
    assert shown
    witness = witness_from_json(json.loads(shown[1]))
    assert witness_for(witness.clause) == witness
    assert f"def {cwd_is_absolute.__name__}(node: Node, context: CheckContext)" in section("Add a check")


def commands(text: str) -> list[list[str]]:
    return [shlex.split(line[2:]) for line in re.findall(r"^[$#] .*", text, re.MULTILINE)]


@pytest.mark.parametrize("command", commands(section("Begin a clause or a case")), ids=" ".join)
def test_what_begins_a_clause_or_a_case_can_be_run(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert command[:3] == ["python", "-m", "fixtures.scaffold"]
    assert command[-1] == "--dry-run"
    assert scaffold.main(command[3:]) == 0
    assert capsys.readouterr().out.startswith("--- a/")
