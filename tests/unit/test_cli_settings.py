"""Settings files: where they are found, what they may say, and what comes before them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ocivalidate.report import FORMATS
from tests.unit.command_line import BROKEN, CWD, GOOD, MISSPELLED, Command, complaint


def settings(folder: Path, text: str, name: str = "ocivalidate.toml") -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("name", "head"), [("ocivalidate.toml", ""), ("pyproject.toml", "[tool.other]\nformat = 7\n[tool.ocivalidate]\n")]
)
def test_settings_come_from_a_file(say: Command, tmp_path: Path, name: str, head: str) -> None:
    settings(tmp_path, f'{head}format = "json"\nselect = ["{CWD}", "lint"]\nlevel = "must"\n', name)
    assert say("bundle", BROKEN).judged == {CWD}


def test_every_option_can_stand_in_a_file(say: Command, tmp_path: Path) -> None:
    settings(
        tmp_path,
        """
        spec-version = "1.0.0"
        os = "windows"
        ignore = ["lint", "safety"]
        fail-on = "warning"
        host = true
        document-only = true
        lint = true
        max-size = "64K"
        tap-version = "13"
        output = ["tap=r.tap"]
        color = "always"
        quiet = true
        verbose = 1
        """,
    )
    said = say("bundle", GOOD)
    assert "runtime-spec 1.0.0" in said.out
    assert "windows" in said.out
    assert "\x1b[" in said.out
    assert (tmp_path / "r.tap").read_text(encoding="utf-8").startswith("TAP version 13\n")


def test_a_number_is_a_size_in_a_file(say: Command, tmp_path: Path) -> None:
    settings(tmp_path, "max-size = 10")
    assert say("bundle", GOOD).out.partition(";")[0].endswith("more than 10 bytes (--max-size)")


def test_the_command_line_comes_first(say: Command, tmp_path: Path) -> None:
    settings(tmp_path, f'format = "json"\nselect = ["{CWD}"]\nmax-size = 1')
    said = say("bundle", BROKEN, "--format", "tap", "--select", MISSPELLED, "--max-size", "1M")
    assert said.out.startswith("TAP version 14")
    assert MISSPELLED in said.out
    assert CWD not in said.out


def test_the_nearest_file_counts(say: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings(tmp_path, 'format = "tap"')
    monkeypatch.chdir(settings(tmp_path / "inner", "[tool.other]", "pyproject.toml").parent)
    assert say("bundle", GOOD).out.startswith("TAP")
    settings(tmp_path / "inner", '[tool.ocivalidate]\nformat = "sarif"', "pyproject.toml")
    assert say("bundle", GOOD).json["runs"]
    settings(tmp_path / "inner", 'format = "json"')
    assert say("bundle", GOOD).json["complete"]


def test_a_file_can_be_named_or_left_out(say: Command, tmp_path: Path) -> None:
    settings(tmp_path, 'format = "tap"')
    other = settings(tmp_path / "other", 'format = "json"', "mine.toml")
    assert say("bundle", GOOD, "--config", str(other)).json["complete"]
    assert say("bundle", GOOD, "--no-config").out.startswith(f"{GOOD}: conforms")
    assert complaint(say("bundle", GOOD, "--config", "none")) == "none: no such file or directory"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('formt = "json"', "unknown setting formt; did you mean format?"),
        ("fail_on = 'error'", "unknown setting fail_on; did you mean fail-on?"),
        ("colour = 1", "unknown setting colour; did you mean color?"),
        (
            "[tool.ocivalidate]\nlint = true",
            "unknown setting tool: only pyproject.toml has [tool.ocivalidate]; here the",
        ),
        ("zzz = 1", "unknown setting zzz; known are exclude, respect-gitignore, spec-version"),
        ("host = 1", "host must be true or false"),
        ('lint = "yes"', "lint must be true or false"),
        ("format = 1", f"format must be {' or '.join(FORMATS)}"),
        ('format = "xml"', f"format must be {' or '.join(FORMATS)}"),
        ("tap-version = 13", "tap-version must be 13 or 14"),
        ('ignore = ["lnt"]', "no clause matches lnt; did you mean lint?"),
        ('select = "x"', "select must be an array of strings"),
        ("ignore = [1]", "ignore must be an array of strings"),
        ("verbose = true", "verbose must be a number"),
        ("verbose = -1", "verbose must be a number"),
        ("max-size = 1.5", "max-size must be a number of bytes, or a string such as 32M"),
        ("output = {}", "output must be an array of strings"),
    ],
)
def test_a_setting_that_makes_no_sense_is_told(say: Command, tmp_path: Path, text: str, reason: str) -> None:
    file = settings(tmp_path, text)
    assert complaint(say("bundle", GOOD)).startswith(f"{file}: {reason}")


def test_a_file_that_is_no_toml_is_told(say: Command, tmp_path: Path) -> None:
    file = settings(tmp_path, "format = ")
    assert complaint(say("bundle", GOOD)).startswith(f"{file} is not TOML: ")
    settings(tmp_path, "", "ocivalidate.toml").unlink()
    settings(tmp_path, "[broken", "pyproject.toml")
    assert say("bundle", GOOD).code == 0


def test_settings_are_checked_like_options(say: Command, tmp_path: Path) -> None:
    file = settings(tmp_path, 'select = ["nope"]')
    assert complaint(say("bundle", GOOD)) == f"{file}: no clause matches nope; ocivalidate rules lists them"


def test_patterns_and_outputs_of_a_file_have_a_limit(say: Command, tmp_path: Path) -> None:
    """Each pattern is held against each clause, and each output is a whole report."""
    file = settings(tmp_path, f"ignore = {[f'runtime/*{number}*' for number in range(9000)]}")
    assert complaint(say("bundle", GOOD)) == f"{file}: ignore has 9,000 patterns; at most 1,000 are allowed"
    settings(tmp_path, f"ignore = {['runtime/*'] * 9000}")
    assert say("bundle", GOOD).code == 0
    settings(tmp_path, f"output = {[f'json=r{number}' for number in range(51)]}")
    assert complaint(say("bundle", GOOD)) == f"{file}: output has 51 files; at most 50 are allowed"
    assert [*tmp_path.iterdir()] == [file]


def test_what_is_wrong_is_said_in_a_line_that_can_be_read(say: Command, tmp_path: Path) -> None:
    settings(tmp_path, f'"{"x" * 100_000}" = 1')
    line = complaint(say("bundle", GOOD))
    assert "unknown setting xxx" in line
    assert len(line) < 1100
    assert line.endswith("quiet, verbose")
    # Of what is generated too.
    said = say("generate", "--annotation", f"{'k' * 100_000}=v")
    assert said.code == 0
    assert "(got kkk" in said.err
    assert len(said.err) < 1000


@pytest.mark.parametrize(
    "words",
    [("bundle", ""), ("bundle", GOOD, ""), ("image", ""), ("state", ""), ("features", ""), ("judge", GOOD, "")],
)
def test_an_empty_path_is_told_as_one(say: Command, words: tuple[str, ...]) -> None:
    assert complaint(say(*words)) == "a path is empty: is it a variable that is not set?"
