"""A runtime is named by a path, from wherever one is, or by its name in PATH; its arguments stay as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures import fake_runtime
from ocivalidate.rules.clauses import Selection
from ocivalidate.runtime.api import check_runtime
from ocivalidate.runtime.options import RuntimeOptions, request_of
from tests.unit.command_line import Command

CASE = "signals.created-container-gets-signals"


def test_a_path_is_made_absolute_once_and_a_name_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for given, asked in {
        "./mine": f"{tmp_path}/mine",
        "bin/mine": f"{tmp_path}/bin/mine",
        "../mine": f"{tmp_path.parent}/mine",
        "/bin/mine": "/bin/mine",
        "mine": "mine",
    }.items():
        assert request_of(given, Selection(), RuntimeOptions()).runtime == asked


def test_arguments_stay_as_they_are() -> None:
    request = request_of("./mine", Selection(), RuntimeOptions(arguments=("--config=./own", "./rel")))
    assert request.arguments == ("--config=./own", "./rel")


def test_a_relative_path_is_judged_as_the_absolute_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = fake_runtime.write(tmp_path / "fake")
    monkeypatch.chdir(tmp_path)
    options = RuntimeOptions(only=(CASE,))
    relative, absolute = (check_runtime(name, None, options) for name in ("./fake", str(program)))
    assert relative.subject == absolute.subject == str(program)
    assert (
        [result.outcome for result in relative.results] == [result.outcome for result in absolute.results] == ["pass"]
    )


def test_the_command_line_takes_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, say: Command) -> None:
    fake_runtime.write(tmp_path / "fake")
    monkeypatch.chdir(tmp_path)
    said = say("runtime", "--runtime", "./fake", "--select", CASE, "--format", "text")
    assert (said.code, said.err) == (0, "")
    # Without a slash it is a name, and what lies here is not in PATH.
    said = say("runtime", "--runtime", "fake", "--select", CASE, "--format", "text")
    assert said.code == 2
