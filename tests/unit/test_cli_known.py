"""Findings that are known: in a baseline, or ignored by path. They are counted, told by ``-v``, and never fine."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from ocivalidate.cli.baseline import read
from ocivalidate.errors import UsageError
from tests.unit.command_line import BROKEN, CWD, GOOD, Command, complaint

BASELINE = "ocivalidate-baseline.json"
OTHERWISE = "12 errors and 3 warnings suppressed, otherwise conforms to runtime-spec 1.2.1 (linux)"


@pytest.fixture
def here(say: Command, tmp_path: Path) -> Path:
    """The working directory, with a bundle that is broken and one that is not."""
    assert callable(say)
    shutil.copytree(BROKEN, tmp_path / "bad")
    shutil.copytree(GOOD, tmp_path / "good")
    return tmp_path


@pytest.mark.usefixtures("here")
def test_a_baseline_knows_what_was_found(say: Command) -> None:
    assert say("bundle", ".", "-q", "--write-baseline") == (0, "", "")
    assert len(json.loads(Path(BASELINE).read_text(encoding="utf-8"))["findings"]) == 15
    assert say("bundle", ".", "-q", "--baseline", BASELINE) == (0, "", "")
    said = say("bundle", ".", "--baseline", BASELINE)
    assert f"bad: {OTHERWISE}: " in said.out
    assert "15 suppressed" in said.out
    assert CWD not in said.out
    told = [line for line in say("bundle", ".", "-v", "--baseline", BASELINE).out.splitlines() if CWD in line]
    assert told == [
        f"suppressed bad/config.json:8:12: error[{CWD}]: process.cwd is not an absolute path (by {BASELINE})"
    ]


def test_lines_may_move_and_what_is_new_is_told(say: Command, here: Path) -> None:
    said = say("bundle", "bad", "--write-baseline", "known.json")
    assert said.err == "ocivalidate: known.json: written, 15 findings are known\n"
    config = here / "bad" / "config.json"
    text = config.read_text(encoding="utf-8")
    config.write_text("\n\n" + text.replace('"noNewPrivileges"', '\n"noNewPrivileges"'), encoding="utf-8")
    assert say("bundle", "bad", "--baseline", "known.json").code == 0
    config.write_text(text.replace('"cwd"', '"cwdd"'), encoding="utf-8")
    said = say("bundle", "bad", "--baseline", "known.json", "-q")
    assert said.code == 1
    assert "config.process.cwd.required" in said.out
    said = say("bundle", "bad", "--baseline", "known.json", "-v")
    assert said.err.splitlines() == [
        "ocivalidate: known.json: 1 finding no longer occurs (--write-baseline takes it out)",
        f"ocivalidate: known.json: no longer occurs: bad: {CWD}: process.cwd is not an absolute path",
    ]


def test_a_baseline_holds_wherever_one_stands(say: Command, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    say("bundle", "bad", "--write-baseline")
    monkeypatch.chdir(here / "good")
    assert say("bundle", "../bad", "-q", "--baseline", f"../{BASELINE}") == (0, "", "")
    assert say("bundle", str(here / "bad"), "-q", "--baseline", str(here / BASELINE)) == (0, "", "")
    # A bundle of the same content in another place is another.
    shutil.copytree(here / "bad", here / "other")
    assert say("bundle", "../other", "-q", "--baseline", f"../{BASELINE}").code == 1


def test_what_was_not_judged_is_not_gone(say: Command, here: Path) -> None:
    say("bundle", ".", "--write-baseline")
    for line in (
        ("good",),
        ("bad", "--select", "runtime/config.hooks"),
        ("bad", "--os", "windows", "--select", "lint"),
    ):
        assert say("bundle", *line, "--baseline", BASELINE).err == ""
    say("bundle", "good", "--write-baseline")
    assert say("bundle", ".", "-q", "--baseline", BASELINE) == (0, "", "")
    shutil.rmtree(here / "bad")
    assert (
        "15 findings no longer occur (--write-baseline takes them out)"
        in say("bundle", ".", "--baseline", BASELINE).err
    )
    say("bundle", ".", "--write-baseline")
    assert json.loads((here / BASELINE).read_text(encoding="utf-8"))["findings"] == []


def test_what_there_are_more_of_is_told(say: Command, here: Path) -> None:
    config = json.loads((here / "good" / "config.json").read_text(encoding="utf-8"))

    def with_mounts(number: int) -> None:
        config["mounts"] = [{"destination": f"/m{one}", "x": 1} for one in range(number)]
        (here / "good" / "config.json").write_text(json.dumps(config), encoding="utf-8")

    with_mounts(30)
    assert say("bundle", "good", "-q", "--write-baseline", "--fail-on", "warning").code == 0
    assert say("bundle", "good", "-q", "--baseline", BASELINE, "--fail-on", "warning").code == 0
    with_mounts(31)
    assert say("bundle", "good", "-q", "--baseline", BASELINE, "--fail-on", "warning").code == 1


@pytest.mark.usefixtures("here")
def test_every_format_goes_by_the_baseline(say: Command) -> None:
    say("bundle", "bad", "--write-baseline")
    for name in ("sarif", "junit", "tap", "github", "gitlab", "markdown"):
        said = say("bundle", "bad", "--baseline", BASELINE, "--format", name)
        assert (said.code, CWD in said.out) == (0, False), name
    report = say("bundle", "bad", "--baseline", BASELINE, "--format", "json").json["reports"][0]
    assert (report["findings"], report["suppressed"], len(report["hidden"])) == ([], 15, 15)
    assert {one["by"] for one in report["hidden"]} == {BASELINE}
    # What is signed does not claim more than that.
    assert say("bundle", "bad", "--baseline", BASELINE, "--format", "in-toto").json["predicate"]["result"] == "WARNED"


def test_all_that_is_known_was_judged(say: Command, here: Path) -> None:
    (here / "empty").mkdir()
    assert say("bundle", "empty", "--write-baseline", "-q").code == 0
    assert "1 error suppressed, otherwise conforms to" in say("bundle", "empty", "--baseline", BASELINE).out


@pytest.mark.usefixtures("here")
def test_what_is_ignored_is_said_too(say: Command) -> None:
    said = say("bundle", "good", "--ignore", CWD)
    assert "good: conforms to" in said.out
    Path("bad/config.json").write_text('{"ociVersion": "1.0.2", "process": {"cwd": "x"}, "root": {"path": "rootfs"}}')
    said = say("bundle", "bad", "--select", CWD, "--select", "runtime/config.ociVersion", "--ignore", CWD, "-v")
    assert "bad: 1 error suppressed, otherwise conforms to runtime-spec 1.0.2" in said.out
    assert f"suppressed bad/config.json:1:44: error[{CWD}]: process.cwd is not an absolute path (by ignore)" in said.out


HOSTILE = {
    "": "not a baseline",
    "{": "not a baseline",
    "[]": "not a baseline, which has the schema",
    "[" * 100_000: "not a baseline",
    '{"schema": "urn:ocivalidate:baseline-2"}': "not a baseline, which has the schema",
    '{"schema": "urn:ocivalidate:baseline-1"}': "findings must be an array",
    '{"schema": "urn:ocivalidate:baseline-1", "findings": {}}': "findings must be an array",
    '{"schema": "urn:ocivalidate:baseline-1", "findings": [1]}': "findings[0] must have",
    '{"schema": "urn:ocivalidate:baseline-1", "findings": [{"fingerprint": 1}]}': "findings[0] must have",
    '{"schema": "urn:ocivalidate:baseline-1", "findings": ' + "9" * 10_000 + "}": "not a baseline",
    "\udcff": "not a baseline",
}


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_broken_baseline_is_one_line(say: Command, here: Path, text: str) -> None:
    (here / "known.json").write_text(text, encoding="utf-8", errors="surrogateescape")
    assert complaint(say("bundle", "bad", "--baseline", "known.json")).startswith(f"known.json: {HOSTILE[text]}")


NAMES = st.sampled_from(["schema", "findings", "fingerprint", "clause", "subject", "message", "number"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("urn:ocivalidate:baseline-1"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=7),
    max_leaves=20,
)


@given(st.binary() | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_file_is_a_baseline_or_one_line(data: bytes) -> None:
    try:
        known = read("x", data)
    except UsageError as problem:
        said = str(problem)
    else:
        said = "x: read"
        assert len(read("x", "".join(known.pieces()).encode())) == len(known)
    assert said.startswith("x: ")


def test_what_is_no_file_is_no_baseline(say: Command, here: Path) -> None:
    assert complaint(say("bundle", "bad", "--baseline", "nope")) == "nope: no such file or directory"
    os.mkfifo(here / "fifo")
    assert complaint(say("bundle", "bad", "--baseline", "fifo")) == "fifo: a FIFO, not a file"


def test_no_other_file_is_replaced(say: Command, here: Path) -> None:
    config = here / "good" / "config.json"
    before = config.read_bytes()
    line = complaint(say("bundle", "bad", "--write-baseline", "good/config.json"))
    assert line == "good/config.json exists already and is not a baseline: --write-baseline=FILE names another file"
    (here / BASELINE).symlink_to(config)
    assert complaint(say("bundle", "bad", "--write-baseline")).startswith(f"{BASELINE} is a link")
    (here / "ocivalidate.toml").write_text('baseline = "../outside.json"', encoding="utf-8")
    assert "is outside the folder of this file" in complaint(say("bundle", "bad", "--write-baseline"))
    assert config.read_bytes() == before


def test_nothing_is_written_when_something_could_not_be_judged(say: Command, here: Path) -> None:
    line = complaint(say("bundle", "bad", "nope", "--write-baseline"))
    assert line == f"{BASELINE} is not written, as 1 of 2 could not be judged: nope"
    assert not (here / BASELINE).exists()


def test_a_settings_file_names_a_baseline(say: Command, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    say("bundle", "bad", "--write-baseline")
    (here / "ocivalidate.toml").write_text(f'baseline = "{BASELINE}"', encoding="utf-8")
    monkeypatch.chdir(here / "good")
    said = say("bundle", "../bad")
    assert said.code == 0
    assert said.out.endswith(f"; settings of {here / 'ocivalidate.toml'}: baseline\n")


def per_path(folder: Path, rows: str, name: str = "pyproject.toml") -> None:
    head = "[tool.ocivalidate.per-path-ignores]\n" if name == "pyproject.toml" else "[per-path-ignores]\n"
    (folder / name).write_text(head + rows, encoding="utf-8")


@pytest.mark.parametrize("path", ["bad", "/bad/", "*/config.json", "**/config.json", "bad/*", "b*"])
def test_clauses_are_ignored_by_path(say: Command, here: Path, path: str) -> None:
    per_path(here, f'"{path}" = ["runtime", "safety", "lint"]\n')
    said = say("bundle", "bad", "good")
    assert said.code == 0
    assert f"bad: {OTHERWISE}" in said.out
    assert "good: conforms" in said.out
    assert f"settings of {here / 'pyproject.toml'}: per-path-ignores" in said.out
    assert f"(by per-path-ignores of {here / 'pyproject.toml'})" in say("bundle", "bad", "-v").out


def test_other_paths_and_clauses_are_told(say: Command, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    per_path(here, f'"good" = ["runtime"]\n"bad" = ["{CWD}"]\n', "ocivalidate.toml")
    monkeypatch.chdir(here / "good")
    said = say("bundle", "../bad")
    assert (said.code, CWD in said.out) == (1, False)
    assert "1 suppressed" in said.out


@pytest.mark.parametrize(
    ("rows", "complains"),
    [
        ('"bad" = "runtime"', "per-path-ignores must be a table of patterns for paths, each with an array of clauses"),
        ('"" = ["runtime"]', "per-path-ignores: not a pattern for paths: "),
        ('"!bad" = ["runtime"]', "per-path-ignores: not a pattern for paths: !bad"),
    ],
)
def test_what_makes_no_sense_is_one_line(say: Command, here: Path, rows: str, complains: str) -> None:
    per_path(here, rows)
    assert complaint(say("bundle", "bad")) == f"{here / 'pyproject.toml'}: {complains}".rstrip()


def test_unknown_clauses_are_refused(say: Command, here: Path) -> None:
    per_path(here, '"good" = ["runtime/config.proces"]')
    assert f"{here / 'pyproject.toml'}: per-path-ignores: no clause matches runtime/config.proces;" in complaint(
        say("bundle", "bad")
    )
