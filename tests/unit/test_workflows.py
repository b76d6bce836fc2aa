"""The workflows, the action and the forms of the project: pinned, with few rights, and as the linters want them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FILES = [ROOT / "action.yml", *WORKFLOWS]
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"


def steps_of(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    jobs = document.get("jobs") or {"": document["runs"]}
    for job in jobs.values():
        yield from job["steps"]


def loaded(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return document


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_actions_are_pinned_by_commit_and_tell_their_version(file: Path) -> None:
    uses = re.findall(r"uses: (.*)", file.read_text(encoding="utf-8"))
    assert uses
    others = [one for one in uses if not one.startswith("./ ")]
    assert not [one for one in others if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one)]


def test_an_action_has_the_same_commit_everywhere() -> None:
    pins = {pin for file in FILES for pin in re.findall(r"uses: (\S+@\S+ # \S+)", file.read_text(encoding="utf-8"))}
    names = [pin.partition("@")[0] for pin in pins]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_job_has_the_rights_that_it_says_and_an_end(file: Path) -> None:
    document = loaded(file)
    assert document["permissions"] == {}
    for name, job in document["jobs"].items():
        assert "timeout-minutes" in job, name
        writes = {right for right, level in job["permissions"].items() if level == "write"}
        assert not writes or (name, writes) == ("publish", {"id-token", "attestations"})


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_expression_stands_in_a_script(file: Path) -> None:
    assert not [step["run"] for step in steps_of(loaded(file)) if "${{" in step.get("run", "")]


def test_no_checkout_keeps_its_credentials() -> None:
    steps = [step for file in WORKFLOWS for step in steps_of(loaded(file))]
    checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_every_python_and_machine_is_tried() -> None:
    jobs = loaded(ROOT / ".github" / "workflows" / "tests.yml")["jobs"]
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    claimed = re.findall(r"Programming Language :: Python :: (3\.\d+)", project)
    assert jobs["linux"]["strategy"]["matrix"]["python"] == claimed
    runners = {
        runner for job in jobs.values() for runner in job.get("strategy", {}).get("matrix", {}).get("runner", [])
    }
    assert {runner.partition("-")[0] for runner in runners} == {"ubuntu", "macos", "windows"}
    assert "ubuntu-24.04-arm" in runners


@pytest.mark.parametrize("command", ["zizmor --offline --no-progress --persona=pedantic .", "actionlint -no-color"])
def test_linters_of_workflows_find_nothing(command: str) -> None:
    name, *words = command.split()
    program = shutil.which(name, path=PATH)
    if program is None:
        pytest.skip(f"not installed: {name}")
    done = subprocess.run(
        [program, *words], cwd=ROOT, env={**os.environ, "PATH": PATH}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_form_for_false_verdicts_asks_for_what_is_needed() -> None:
    form = loaded(ROOT / ".github" / "ISSUE_TEMPLATE" / "false-verdict.yml")
    needed = {row["id"] for row in form["body"] if row.get("validations", {}).get("required")}
    assert needed == {"kind", "clause", "input", "command", "why", "version"}
    ids = [row["id"] for row in form["body"] if "id" in row]
    assert len(ids) == len(set(ids))


def test_pages_name_what_is_there() -> None:
    """Options, environments, workflows and files that the pages on security and releases speak of."""
    releasing = (ROOT / "RELEASING.md").read_text(encoding="utf-8")
    environments = set(re.findall(r"tox -e (\w+)", releasing))
    known = set(re.findall(r"^\[testenv:(\w+)\]", (ROOT / "tox.ini").read_text(encoding="utf-8"), re.MULTILINE))
    assert environments <= known
    publish = loaded(ROOT / ".github" / "workflows" / "release.yml")["jobs"]["publish"]
    assert f"environment\n  `{publish['environment']['name']}`" in releasing
    assert "false-verdict.yml" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")
