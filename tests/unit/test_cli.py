"""The judging commands as a user meets them: options, output, exit codes."""

from __future__ import annotations

import json
import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from ocivalidate import __version__
from ocivalidate.report import FORMATS
from ocivalidate.rules.clauses import LEVEL_NAMES, load
from tests.unit.command_line import BROKEN, CWD, GOOD, MISSPELLED, SAMPLES, Command, Said, complaint

# --- Commands


def test_version(say: Command) -> None:
    assert say("--version") == Said(0, f"ocivalidate {__version__}\n", "")
    assert say("bundle", "--version").code == 2


@pytest.mark.parametrize("command", ["bundle", "state", "features", "rules", "explain", "schema", "demo"])
def test_every_command_helps(say: Command, command: str) -> None:
    said = say(command, "--help")
    assert said.code == 0
    assert said.out.startswith(f"usage: ocivalidate {command} ")
    assert command in say("--help").out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "the following arguments are required: COMMAND (try ocivalidate --help)"),
        (("bundel",), "there is no command bundel; did you mean ocivalidate bundle?"),
        (("bundle",), "the following arguments are required: PATH (try ocivalidate bundle --help)"),
        (("bundle", "b", "--form", "json"), "unrecognized arguments: --form json"),
        (("bundle", "b", "--outp=x"), "unrecognized arguments: --outp=x"),
        (("bundle", "b", "--format", "xml"), "argument --format: invalid choice: 'xml'; did you mean junit?"),
        (("bundle", "b", "--format", "yaml"), "argument --format: invalid choice: 'yaml' (choose from"),
        (("bundle", "b", "--spec-version", "1.4.0"), "argument --spec-version: invalid choice: '1.4.0'"),
        (("bundle", "b", "--os", "beos"), "argument --os: invalid choice: 'beos'"),
        (("bundle", "b", "--tap-version", "12"), "argument --tap-version: invalid choice: '12'"),
        (("bundle", "b", "--max-size", "many"), "not a size: many; write a number of bytes, or for example 64K, 32M"),
        (("bundle", "b", "--max-size", "0"), "not a size: 0"),
        (("bundle", "b", "--output", "x.json"), "--output needs FORMAT=FILE, not x.json; did you mean json=x.json?"),
        (("bundle", "b", "--output", "none=x"), f"--output needs FORMAT=FILE with a format of {', '.join(FORMATS)}"),
        (("bundle", "b", "--output", "xml=x"), "--output needs FORMAT=FILE"),
        (("bundle", "b", "--output", "json="), "--output needs FORMAT=FILE"),
        (("bundle", "b", "--select", "runtime/config.prozess"), "no clause matches runtime/config.prozess"),
        (("bundle", "b", "--ignore", "lint,nope"), "no clause matches nope; ocivalidate rules lists them"),
        (("state", "s", "--host"), "unrecognized arguments: --host"),
        (("features", "f", "--document-only"), "unrecognized arguments: --document-only"),
    ],
)
def test_what_makes_no_sense_is_told_in_one_line(say: Command, arguments: tuple[str, ...], reason: str) -> None:
    assert complaint(say(*arguments)).startswith(reason)


def test_a_bundle_that_conforms(say: Command) -> None:
    said = say("bundle", GOOD)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"{GOOD}: conforms to runtime-spec 1.2.1 (linux): ")
    assert said.out.count("\n") == 1


def test_a_bundle_that_does_not(say: Command) -> None:
    said = say("bundle", BROKEN)
    assert (said.code, said.err) == (1, "")
    assert f"error[{CWD}]: process.cwd is not an absolute path\n" in said.out
    assert f"--> {BROKEN}/config.json:8:12  /process/cwd\n" in said.out
    assert "errors" in said.out.splitlines()[-1]


def test_several_bundles_have_a_total(say: Command) -> None:
    said = say("bundle", GOOD, BROKEN, GOOD)
    assert said.code == 1
    assert said.out.splitlines()[-1] == "total: 3 subjects: 2 passed, 1 failed, 0 could not be judged"


def test_states_and_features(say: Command, tmp_path: Path) -> None:
    bases = SAMPLES.parent / "bases"
    assert say("state", str(bases / "state.json")).out.startswith(f"{bases}/state.json: conforms to runtime-spec 1.2.1")
    assert say("features", str(bases / "features.json")).code == 0
    (tmp_path / "s.json").write_text('{"ociVersion": "1.2.1", "id": 7}', encoding="utf-8")
    said = say("state", "s.json", "--format", "json")
    assert said.code == 1
    assert "runtime/runtime.state.id.type" in said.clauses


def test_demo_shows_what_it_says(say: Command) -> None:
    said = say("demo", "--color", "never")
    assert (said.code, said.err) == (0, "")
    assert said.out.count("(exit code 0)") == said.out.count("(exit code 1)") == 3
    assert "\x1b" not in said.out
    assert "\x1b[" in say("demo", "--color", "always").out


# --- What is judged


def test_select_judges_nothing_else(say: Command) -> None:
    said = say("bundle", BROKEN, "--format", "json", "--select", CWD)
    assert said.clauses == [CWD]
    assert said.judged == {CWD}
    many = say("bundle", BROKEN, "--format", "json", "--select", f"{MISSPELLED} runtime/config.root,*.cwd.*")
    assert {CWD, MISSPELLED} <= set(many.clauses)
    assert all(clause == MISSPELLED or "cwd" in clause or "root" in clause for clause in many.judged)
    twice = say("bundle", BROKEN, "--format", "json", "--select", CWD, "--select", MISSPELLED)
    assert twice.judged == {CWD, MISSPELLED}


def test_ignore_hides_and_counts(say: Command) -> None:
    everything = say("bundle", BROKEN, "--format", "json")
    said = say("bundle", BROKEN, "--format", "json", "--ignore", CWD, "--ignore", "lint")
    assert said.clauses == [clause for clause in everything.clauses if clause != CWD and not clause.startswith("lint/")]
    assert said.json["reports"][0]["suppressed"] == len(everything.clauses) - len(said.clauses) > 1
    assert say("bundle", BROKEN, "--ignore", "*").code == 2


def test_a_selection_that_nothing_is_subject_to_is_no_pass(say: Command) -> None:
    said = say("bundle", GOOD, "--select", "runtime/config.vm")
    assert said.code == 2
    assert "nothing was judged" in said.out


def test_level(say: Command) -> None:
    levels = {clause.id: clause.level for clause in load().values()}
    for name, wanted in LEVEL_NAMES.items():
        said = say("bundle", BROKEN, "--format", "json", "--level", name)
        assert {levels[clause] for clause in said.judged} <= wanted
        assert CWD in said.clauses
    assert MISSPELLED not in say("bundle", BROKEN, "--format", "json", "--level", "should").judged


def test_lint_adds_opinion(say: Command) -> None:
    plain = say("bundle", GOOD, "--format", "json").judged
    lint = say("bundle", GOOD, "--format", "json", "--lint").judged
    assert {clause for clause in lint - plain if clause.startswith("lint/")} == lint - plain != set()


def test_spec_version_and_os_overrule_the_document(say: Command) -> None:
    said = say("bundle", GOOD, "--spec-version", "1.0.0", "--os", "windows", "--document-only")
    assert "runtime-spec 1.0.0 (the document says 1.2.1; windows)" in said.out


def test_document_only_leaves_the_folder_alone(say: Command, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes((SAMPLES / "bundle-good" / "config.json").read_bytes())
    assert "root.path does not exist" in say("bundle", ".").out
    assert say("bundle", ".", "--document-only").code == 0


def test_host_looks_at_the_host(say: Command, tmp_path: Path) -> None:
    document = json.loads((SAMPLES / "bundle-good" / "config.json").read_bytes())
    (tmp_path / "rootfs").mkdir()
    document["hooks"] = {"poststop": [{"path": str(tmp_path / "nothing")}]}
    (tmp_path / "config.json").write_text(json.dumps(document), encoding="utf-8")
    assert say("bundle", ".").code == 0
    assert say("bundle", ".", "--host", "--format", "json").clauses == ["runtime/config.hooks.poststop.path.runtime-ns"]


@pytest.mark.parametrize(
    ("size", "code"), [("9", 2), ("1k", 2), ("10K", 0), ("1M", 0), ("1MiB", 0), ("1g", 0), ("90000", 0)]
)
def test_max_size(say: Command, size: str, code: int) -> None:
    assert say("bundle", GOOD, "--max-size", size).code == code


def test_fail_on(say: Command, tmp_path: Path) -> None:
    document = json.loads((SAMPLES / "bundle-good" / "config.json").read_bytes())
    (tmp_path / "x.json").write_text(json.dumps(document | {"com.example.new": 1}), encoding="utf-8")
    assert say("bundle", "x.json").code == 0
    assert say("bundle", "x.json", "--fail-on", "error").code == 0
    assert say("bundle", "x.json", "--fail-on", "warning").code == 1
    assert say("bundle", "x.json", "--fail-on", "warning", "--format", "json").json["exit_code"] == 1


# --- What is printed


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(("bundle", "code"), [(GOOD, 0), (BROKEN, 1), ("/no/such/bundle", 2)])
def test_every_format(say: Command, name: str, bundle: str, code: int) -> None:
    said = say("bundle", bundle, "--format", name)
    assert said.code == code
    readers: dict[str, Callable[[str], object]] = {
        "text": str.splitlines,
        "json": lambda text: json.loads(text)["reports"][0],
        "tap": lambda text: text.startswith("TAP version 14\n1.."),
        "junit": lambda text: ET.fromstring(text).tag,  # noqa: S314 - our own output
        "sarif": lambda text: json.loads(text)["version"] == "2.1.0",
    }
    assert readers.get(name, str.splitlines)(said.out)
    reason = f"{bundle}: could not be judged: no such file or directory\n"
    assert said.err == (reason if code == 2 and name != "text" else "")


def test_tap_for_prove(say: Command) -> None:
    assert say("bundle", GOOD, "--format", "tap", "--tap-version", "13").out.startswith("TAP version 13\n")


@pytest.mark.skipif(not shutil.which("prove"), reason="no prove (Perl) on this machine")
@pytest.mark.parametrize(("bundle", "code"), [(GOOD, 0), (BROKEN, 1)])
def test_prove_takes_it_as_the_page_says(say: Command, tmp_path: Path, bundle: str, code: int) -> None:
    page = (Path(__file__).parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")
    assert "--format tap --tap-version 13 > b.tap; prove -e cat b.tap\n" in page
    (tmp_path / "b.tap").write_text(say("bundle", bundle, "--format", "tap", "--tap-version", "13").out)
    done = subprocess.run(["prove", "--norc", "-e", "cat", "b.tap"], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == code


@pytest.mark.parametrize(("output", "first"), [("json=-", "{"), ("github=-", "::"), ("tap=-", "TAP")])
def test_an_output_may_be_what_is_printed(say: Command, tmp_path: Path, output: str, first: str) -> None:
    said = say("bundle", BROKEN, "--output", "sarif=x.sarif", "--output", output)
    assert (said.code, said.out.startswith(first)) == (1, True)
    assert [file.name for file in tmp_path.iterdir()] == ["x.sarif"]
    assert say("bundle", BROKEN, "--output", output, "--format", output[:-2]).out == said.out
    (tmp_path / "ocivalidate.toml").write_text(f'output = ["{output}"]\n')
    assert say("bundle", BROKEN).out.startswith(first)


def test_reports_go_to_files_too(say: Command, tmp_path: Path) -> None:
    said = say("bundle", BROKEN, "--output", "json=a=b.json", "--output", f"junit={tmp_path}/x.xml", "--quiet")
    assert said.code == 1
    assert said.out.startswith(f"{BROKEN}/config.json:")
    assert json.loads((tmp_path / "a=b.json").read_bytes())["exit_code"] == 1
    assert ET.fromstring((tmp_path / "x.xml").read_bytes()).tag == "testsuites"  # noqa: S314 - our own output
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a=b.json", "x.xml"]


def test_a_written_report_may_be_read_by_whom_the_user_lets(say: Command, tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    say("bundle", GOOD, "--output", "json=r.json")
    assert (tmp_path / "r.json").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_quiet_is_a_line_for_each_finding(say: Command) -> None:
    blocks = say("bundle", BROKEN).out
    for option in ("-q", "--quiet"):
        lines = say("bundle", BROKEN, option).out.splitlines()
        assert len(lines) == blocks.count("\n  -->") + 1
        assert f"{BROKEN}/config.json:8:12: error[{CWD}]: process.cwd is not an absolute path" in lines


def test_verbose_tells_what_was_not_judged(say: Command) -> None:
    once, twice = say("bundle", GOOD, "-v").out, say("bundle", GOOD, "-vv").out
    assert "skipped: " in once
    assert CWD not in once
    assert f"pass  {CWD}\n" in twice
    assert say("bundle", GOOD, "--verbose", "--verbose").out == twice


@pytest.mark.parametrize(
    ("options", "variables", "coloured"),
    [
        ((), {}, False),
        (("--color", "always"), {}, True),
        (("--color", "always"), {"NO_COLOR": "1"}, True),
        (("--color", "never"), {"FORCE_COLOR": "1"}, False),
        ((), {"FORCE_COLOR": "1"}, True),
        ((), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (("--color", "auto"), {"NO_COLOR": "", "FORCE_COLOR": "1"}, True),
        (("--format", "json", "--color", "always"), {}, False),
    ],
)
def test_colour(
    say: Command,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    variables: dict[str, str],
    coloured: bool,  # noqa: FBT001  # pytest hands it over
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b[" in say("bundle", BROKEN, *options).out) == coloured
