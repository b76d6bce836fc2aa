"""``OCIVALIDATE_*`` variables, and who counts before whom: command line, variables, settings file, defaults."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ocivalidate.cli import variables
from ocivalidate.cli.settings_table import BY_NAME
from tests.unit.command_line import BROKEN, CWD, GOOD, Command, complaint


def test_a_variable_counts_before_a_file_and_after_an_option(
    say: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ocivalidate.toml"
    file.write_text('format = "tap"\nselect = ["runtime"]\nlint = true\n', encoding="utf-8")
    monkeypatch.setenv("OCIVALIDATE_FORMAT", "json")
    monkeypatch.setenv("OCIVALIDATE_SELECT", f"{CWD}, lint")
    assert say("bundle", BROKEN).judged > {CWD}
    said = say("bundle", BROKEN, "--format", "text", "-v")
    assert said.out.splitlines()[:3] == [
        f"setting select: {CWD}, lint (OCIVALIDATE_SELECT, before {file})",
        f"setting lint: True ({file})",
        f"setting format: text (command line, before OCIVALIDATE_FORMAT and {file})",
    ]
    assert said.out.endswith(f"; settings of {file}: lint\n")


def test_every_setting_but_tables_has_a_variable() -> None:
    assert {name for name, one in BY_NAME.items() if one.kind not in variables._READ} == {"per-path-ignores"}
    assert variables.of("fail-on") == "OCIVALIDATE_FAIL_ON"


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("FAIL_ON", "warning", 1),
        ("EXIT_ZERO", "yes", 0),
        ("EXIT_ZERO", "0", 1),
        ("EXIT_ZERO", "", 1),
        ("IGNORE", "runtime,safety,lint", 2),
        ("MAX_SIZE", "10", 2),
        ("BASELINE", "", 1),
    ],
)
def test_variables_are_heeded(say: Command, monkeypatch: pytest.MonkeyPatch, name: str, value: str, code: int) -> None:
    monkeypatch.setenv(f"OCIVALIDATE_{name}", value)
    assert say("bundle", BROKEN).code == code


@pytest.mark.parametrize(
    ("name", "value", "complains"),
    [
        ("FORMAT", "jsn", "OCIVALIDATE_FORMAT must be text or json"),
        ("LINT", "maybe", "OCIVALIDATE_LINT must be 1, true, yes or on, or 0, false, no or off, not maybe"),
        ("VERBOSE", "10", "OCIVALIDATE_VERBOSE must be a number from 0 to 9, not 10"),
        ("MAX_SIZE", "x", "OCIVALIDATE_MAX_SIZE: not a size: x"),
        ("MAX_FINDINGS", "none", "OCIVALIDATE_MAX_FINDINGS: --max-findings needs a number"),
        ("SELECT", "nope", "OCIVALIDATE_SELECT: no clause matches nope"),
        ("OUTPUT", "srif=x", "OCIVALIDATE_OUTPUT: --output needs FORMAT=FILE"),
        ("EXCLUDE", "a//b", "OCIVALIDATE_EXCLUDE: exclude: not a pattern as in .gitignore: a//b"),
        ("BASELINE", "nope", "nope: no such file or directory"),
        ("CONFIG", "nope", "nope: no such file or directory"),
        ("FAILON", "warning", "there is no variable OCIVALIDATE_FAILON; did you mean OCIVALIDATE_FAIL_ON?"),
        ("SELCT", "x", "there is no variable OCIVALIDATE_SELCT; did you mean OCIVALIDATE_SELECT?"),
    ],
)
def test_what_makes_no_sense_is_one_line(
    say: Command, monkeypatch: pytest.MonkeyPatch, name: str, value: str, complains: str
) -> None:
    monkeypatch.setenv(f"OCIVALIDATE_{name}", value)
    assert complaint(say("bundle", GOOD)).startswith(complains)


def test_other_variables_are_left_alone(say: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCIVALIDATE_RUNTIME", "/usr/bin/runc")
    monkeypatch.setenv("OCIVALIDATE_HOST", "1")
    assert say("state", GOOD + "/config.json").code == 2
    assert say("bundle", GOOD).code == 0


def test_a_variable_names_the_settings_file(say: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.toml").write_text('format = "json"', encoding="utf-8")
    monkeypatch.setenv("OCIVALIDATE_CONFIG", "mine.toml")
    assert say("bundle", GOOD).json["complete"]
    assert say("bundle", GOOD, "--no-config").out.startswith(f"{GOOD}: conforms")
    monkeypatch.setenv("OCIVALIDATE_NO_CONFIG", "1")
    assert say("bundle", GOOD).out.startswith(f"{GOOD}: conforms")
    assert say("bundle", GOOD, "--config", "mine.toml").json["complete"]


def test_no_config_is_a_flag_as_any_other(say: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ocivalidate.toml").write_text('format = "json"', encoding="utf-8")
    for off in ("0", "false", "no", "OFF"):
        monkeypatch.setenv("OCIVALIDATE_NO_CONFIG", off)
        assert say("bundle", GOOD).json["complete"]
    monkeypatch.setenv("OCIVALIDATE_NO_CONFIG", "yes")
    assert say("bundle", GOOD).out.startswith(f"{GOOD}: conforms")
    monkeypatch.setenv("OCIVALIDATE_NO_CONFIG", "maybe")
    assert complaint(say("bundle", GOOD)).startswith("OCIVALIDATE_NO_CONFIG must be 1, true, yes or on, or 0")


# --- Settings that stand with what is judged


@pytest.fixture
def project(say: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of somebody's, with a broken bundle in it; the working directory is elsewhere."""
    import shutil

    assert callable(say)
    (tmp_path / "here").mkdir()
    shutil.copytree(BROKEN, tmp_path / "project" / "out" / "bad")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "project"


@pytest.mark.parametrize("given", ["out/bad", "out/bad/config.json", "out", "."])
def test_a_file_with_the_input_silences_nothing(say: Command, project: Path, given: str) -> None:
    file = project / "ocivalidate.toml"
    hiding = 'ignore = ["runtime"]\nselect = ["lint"]\nexclude = ["*"]\nfail-on = "never"\nexit-zero = true\n'
    hiding += 'output = ["json=x"]\n'
    file.write_text(hiding, encoding="utf-8")
    said = say("bundle", str(project / given))
    assert said.code == 1
    assert CWD in said.out
    wanted = f"; not heeded, as {file} stands with the input: ignore, select, exclude, fail-on, exit-zero, output"
    assert said.out.endswith(f"{wanted} (--config heeds it)\n")
    assert not (project / "x").exists()
    # Who names it, or stands there, trusts it.
    file.write_text('ignore = ["runtime"]\n', encoding="utf-8")
    assert "suppressed" in say("bundle", str(project / given), "--config", str(file)).out.splitlines()[-1]
    assert f"settings of {file}: ignore" in say("bundle", str(project / given), "--config", str(file)).out
    os.chdir(project)
    assert f"settings of {file}: ignore" in say("bundle", str(project / given)).out


def test_a_file_with_the_input_makes_judging_stricter(say: Command, project: Path) -> None:
    file = project / "pyproject.toml"
    file.write_text('[tool.ocivalidate]\nlint = true\nfail-on = "warning"\n', encoding="utf-8")
    said = say("bundle", str(project / "out"))
    assert said.out.endswith(f"; settings of {file}: lint, fail-on\n")
    assert "not heeded" not in said.out


@pytest.mark.parametrize("given", ["out/bad", "out/bad/config.json"])
def test_a_file_in_the_input_is_no_settings_file(say: Command, project: Path, given: str) -> None:
    (project / "out" / "bad" / "ocivalidate.toml").write_text('lint = true\nignore = ["runtime"]\n', encoding="utf-8")
    said = say("bundle", str(project / given))
    assert "ocivalidate.toml" not in said.out
    assert said.code == 1


def test_the_file_where_one_stands_counts_first(say: Command, project: Path) -> None:
    (project / "ocivalidate.toml").write_text("lint = true\n", encoding="utf-8")
    Path("ocivalidate.toml").write_text('format = "tap"\n', encoding="utf-8")
    said = say("bundle", str(project / "out"))
    assert said.out.startswith("TAP")
    assert str(project / "ocivalidate.toml") not in said.out
    assert "not heeded" not in say("bundle", str(project / "out"), "--no-config").out


def test_a_file_with_the_input_that_makes_no_sense_is_one_line(say: Command, project: Path) -> None:
    file = project / "ocivalidate.toml"
    file.write_text("lintt = true\n", encoding="utf-8")
    assert complaint(say("bundle", str(project / "out"))) == f"{file}: unknown setting lintt; did you mean lint?"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give files away")
def test_a_stranger_s_file_with_the_input_is_passed_over(say: Command, project: Path) -> None:
    file = project / "ocivalidate.toml"
    file.write_text("lint = true\n", encoding="utf-8")
    os.chown(file, 12345, 0)
    said = say("bundle", str(project / "out"))
    assert (said.code, "ocivalidate.toml" in said.out) == (1, False)
