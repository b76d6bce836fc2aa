"""Runs the shell of a composite action as a runner of GitHub does: expressions, variables, files for what steps say.

https://docs.github.com/actions/reference/workflows-and-actions/metadata-syntax
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
ACTION = ROOT / "action.yml"
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}")


def read(file: Path) -> Any:
    """A YAML document."""
    return yaml.safe_load(file.read_text(encoding="utf-8"))


@dataclass
class Done:
    """What a job of one action did."""

    code: int = 0
    log: str = ""
    summary: str = ""
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    used: dict[str, dict[str, str]] = field(default_factory=dict)
    """What was given to each action that was called, by its name without its version."""


@dataclass
class Runner:
    """A runner with its folders below ``home``; ``workspace`` is the checkout that it works on."""

    home: Path
    workspace: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def run(self, inputs: Mapping[str, str], known: Mapping[str, Mapping[str, str]] | None = None) -> Done:
        """Run the action with these inputs. ``known``: outputs of steps, by id, that are not run."""
        action = read(ACTION)
        given = {name: row.get("default", "") for name, row in action["inputs"].items()}
        assert set(inputs) <= set(given)
        done = Done(outputs={name: dict(said) for name, said in (known or {}).items()})
        for step in action["runs"]["steps"]:
            if step.get("id") not in (known or {}):
                self._step(step, {**given, **inputs}, done)
        return done

    def _step(self, step: Mapping[str, Any], inputs: Mapping[str, str], done: Done) -> None:
        condition = step.get("if", "${{ success() }}")
        if not _holds(_EXPRESSION.fullmatch(condition)[1], inputs, done):  # type: ignore[index]  # it is one
            return
        if "uses" in step:
            given = {name: _filled(value, inputs, done) for name, value in step["with"].items()}
            done.used[step["uses"].partition("@")[0]] = given
            return
        files = {name: self.home / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ENV")}
        for file in files.values():
            file.write_text("", encoding="utf-8")
        temporary = self.home / "temp"
        temporary.mkdir(exist_ok=True)
        script = self.home / "script.sh"
        script.write_text(step["run"], encoding="utf-8")
        own = {"RUNNER_TEMP": temporary, "RUNNER_OS": "Linux", "GITHUB_WORKSPACE": self.workspace}
        own |= {"GITHUB_ACTION_PATH": ROOT, "GITHUB_JOB": "tests", "GITHUB_ACTION": "__self", "GITHUB_ACTIONS": "true"}
        variables = {name: _filled(value, inputs, done) for name, value in step.get("env", {}).items()}
        ran = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
            cwd=self.workspace,
            env={**os.environ, **self.variables, **{k: str(v) for k, v in (own | files).items()}, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        done.log += ran.stdout
        done.code = done.code or ran.returncode
        done.summary += files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")
        said = files["GITHUB_OUTPUT"].read_text(encoding="utf-8").splitlines()
        done.outputs[step.get("id", "")] = dict(line.split("=", 1) for line in said)
        assert files["GITHUB_ENV"].read_text(encoding="utf-8") == ""


def _holds(condition: str, inputs: Mapping[str, str], done: Done) -> bool:
    """Whether a condition holds whose parts are joined by ``&&``."""
    return all(_part_holds(part.strip(), inputs, done) for part in condition.split("&&"))


def _part_holds(part: str, inputs: Mapping[str, str], done: Done) -> bool:
    if part in ("success()", "!cancelled()"):
        return part != "success()" or done.code == 0
    left, operator, right = re.split(r" (==|!=) ", part)
    return (_value(left, inputs, done) == _value(right, inputs, done)) == (operator == "==")


def _filled(text: str, inputs: Mapping[str, str], done: Done) -> str:
    return _EXPRESSION.sub(lambda found: _value(found[1].strip(), inputs, done), text)


def _value(term: str, inputs: Mapping[str, str], done: Done) -> str:
    """What a term of an expression stands for; a step that did not run has no outputs."""
    if term[:1] == "'":
        return term[1:-1]
    context, *names = term.split(".")
    if context == "inputs":
        return str(inputs[names[0]])
    if context == "steps":
        return done.outputs.get(names[0], {}).get(names[2], "")
    assert term == "strategy.job-index", term
    return "0"
