"""oci-gen as a command: what it prints, where, and with which exit code."""

from __future__ import annotations

import inspect
import json
import os
import re
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import ocivalidate.generate.builder as builder_module
from ocivalidate.bundle.api import check_config
from ocivalidate.cli import main
from ocivalidate.errors import OptionError
from ocivalidate.generate import ConfigBuilder
from ocivalidate.generate.defaults import PLATFORMS
from ocivalidate.generate.profiles import PROFILES
from ocivalidate.generate.table import GROUPS, TABLE
from ocivalidate.generate.tree import section_since
from ocivalidate.rules.findings import ExitCode, exit_code
from ocivalidate.rules.refusals import Rejected
from ocivalidate.vocabulary.versions import RUNTIME_RELEASES, holds
from tests.unit.generating import ROOT, process, refused, run

TEMPLATE: dict[str, Any] = {
    "x-ours": {"kept": 1.0},
    "ociVersion": "1.0.2-dev",
    "linux": {"namespaces": [{"type": "uts", "x-more": None}]},
    "root": {"path": "myroot"},
    "process": {"cwd": "/work", "user": {"uid": 1, "gid": 2}, "args": ["a"]},
    "hostname": "box",
}


@pytest.mark.parametrize("release", [None, *RUNTIME_RELEASES])
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_starting_point_is_a_config_without_findings(platform: str, profile: str, release: str | None) -> None:
    arguments = ["--os", platform, "--profile", profile, *(["--spec-version", release] if release else [])]
    since = section_since(platform)
    if release and not holds(release, since, None):
        assert refused(*arguments) == f"{platform} was added in runtime-spec {since}, but this config is for {release}"
        return
    ran = run(*arguments)
    assert (ran.code, ran.err) == (0, "")
    report = check_config(ran.out)
    assert exit_code([report]) is ExitCode.CONFORMS
    assert not report.findings
    assert platform in report.platforms
    assert release in (None, ran.config["ociVersion"])


@pytest.mark.parametrize("release", RUNTIME_RELEASES)
def test_rootless_is_a_config_without_findings_in_every_release(release: str) -> None:
    for profile in PROFILES:
        ran = run("--rootless", "--profile", profile, "--spec-version", release)
        assert (ran.code, ran.err) == (0, "")


def test_what_comes_out_is_taken_by_ocivalidate_bundle() -> None:
    made = process("--cpus", "2")
    assert made.returncode == 0
    command = [sys.executable, "-m", "ocivalidate", "bundle", "-"]
    judged = subprocess.run(command, input=made.stdout, capture_output=True, check=False, cwd=ROOT)
    assert judged.returncode == 0, judged.stdout


def test_the_text_is_the_same_every_time_and_ends_in_a_newline() -> None:
    arguments = ["--cpus", "2", "--annotation", "org.example.b=1", "--annotation", "org.example.a=2"]
    texts = {process(*arguments).stdout for _ in range(3)}
    assert len(texts) == 1
    text = texts.pop()
    assert text.endswith(b"}\n")
    assert not text.endswith(b"\n\n")


def test_members_come_in_the_order_of_the_specification() -> None:
    config = run("--hostname", "box", "--annotation", "org.example.a=b", "--hook", "poststop=/x").config
    assert list(config) == ["ociVersion", "root", "mounts", "process", "hostname", "linux", "hooks", "annotations"]
    assert list(config["process"])[:3] == ["cwd", "env", "args"]


def test_a_config_that_we_would_reject_is_not_printed_but_the_finding_is() -> None:
    ran = run("--workdir", "app")
    assert (ran.code, ran.out) == (1, b"")
    want = 'oci-gen: error[runtime/config.process.cwd.absolute]: process.cwd is not an absolute path (got "app")\n'
    assert ran.err == want


def test_force_prints_it_anyway_and_the_finding_too() -> None:
    ran = run("--workdir", "app", "--force")
    assert ran.code == 0
    assert json.loads(ran.out)["process"]["cwd"] == "app"
    assert "runtime/config.process.cwd.absolute" in ran.err


def test_a_warning_is_told_and_the_config_is_printed() -> None:
    ran = run("--annotation", "short=1")
    assert ran.code == 0
    assert ran.err.startswith("oci-gen: warning[runtime/config.annotations.key-reverse-domain]: ")


def test_a_rejected_config_raises_with_its_report() -> None:
    with pytest.raises(Rejected, match="not an absolute path") as caught:
        ConfigBuilder.linux().workdir("app").render()
    assert caught.value.report.findings
    assert ConfigBuilder.linux().workdir("app").report().findings


def test_a_value_that_no_json_text_has_is_refused() -> None:
    for value in (float("nan"), {1}, b"x"):
        with pytest.raises(OptionError, match="cannot be written as JSON"):
            ConfigBuilder.windows().set("windows.credentialSpec", {"x": value}).build()


# --- Files


def test_output_goes_to_a_file_whole(tmp_path: Path) -> None:
    target = tmp_path / "config.json"
    target.write_text("before")
    ran = run("-o", str(target), "--cpus", "1")
    assert (ran.code, ran.out, ran.err) == (0, b"", "")
    assert target.read_bytes() == run("--cpus", "1").out
    assert [file.name for file in tmp_path.iterdir()] == ["config.json"]


@pytest.mark.parametrize("arguments", [["--workdir", "app"], ["--memory", "12parsecs"]])
def test_nothing_is_written_when_something_is_wrong(arguments: list[str], tmp_path: Path) -> None:
    target = tmp_path / "config.json"
    target.write_text("before")
    assert run("-o", str(target), *arguments).code in (1, 2)
    assert target.read_text() == "before"
    assert [file.name for file in tmp_path.iterdir()] == ["config.json"]


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    problem = refused("-o", str(tmp_path / "nowhere" / "config.json"))
    assert problem.endswith("No such file or directory")
    assert "Is a directory" in refused("-o", str(tmp_path))


def test_a_dash_is_standard_output() -> None:
    assert run("-o", "-").out == run().out


# --- Templates


def test_a_template_keeps_all_that_nobody_asked_to_change(tmp_path: Path) -> None:
    file = tmp_path / "t.json"
    file.write_text(json.dumps(TEMPLATE))
    ran = run("--template", str(file))
    assert ran.config == TEMPLATE
    assert '"kept": 1.0' in ran.out.decode()
    assert list(ran.config)[-1] == "x-ours"


def test_a_template_changes_where_asked_and_nowhere_else(tmp_path: Path) -> None:
    file = tmp_path / "t.json"
    file.write_text(json.dumps(TEMPLATE))
    changed = run("--template", str(file), "-e", "A=b", "--spec-version", "1.1.0", "--domainname", "d").config
    want = {**TEMPLATE, "ociVersion": "1.1.0", "domainname": "d"}
    want["process"] = {**TEMPLATE["process"], "env": ["A=b"]}
    assert changed == want


@pytest.mark.parametrize(
    "document", sorted((ROOT / "tests" / "data" / "accept").rglob("*.json")), ids=lambda path: path.name
)
def test_what_other_tools_write_is_a_template_that_comes_out_as_it_was(document: Path) -> None:
    ran = run("--template", str(document))
    assert (ran.config, ran.err) == (json.loads(document.read_bytes()), "")


def test_options_meet_anything_that_a_template_holds(tmp_path: Path) -> None:
    file = tmp_path / "t.json"
    mounts = [1, {"destination": "/dev/shm", "options": 5}, {"type": "sysfs", "options": "ro"}]  # noqa: S108  # in the container
    file.write_text(json.dumps({"process": {}, "linux": {}, "mounts": mounts}))
    assert run("--template", str(file), "--privileged", "--cap-add", "all").code == 1
    assert "is not an array in this config" in refused("--template", str(file), "--shm-size", "1m")


def test_a_template_stays_with_its_release(tmp_path: Path) -> None:
    file = tmp_path / "t.json"
    file.write_text(json.dumps(TEMPLATE))
    assert "but this config is for 1.0.2" in refused("--template", str(file), "--domainname", "d")


def test_a_template_can_come_from_standard_input() -> None:
    made = process("--template", "-", "--hostname", "other", stdin=json.dumps(TEMPLATE).encode())
    assert json.loads(made.stdout)["hostname"] == "other"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", "is not valid JSON: the text is empty"),
        (b"{", "is not valid JSON"),
        (b'{"a":1,"a":2}', "is not valid JSON"),
        (b'{"a":"\xff"}', "is not UTF-8"),
        (b"[" * 100_000, "is not valid JSON"),
        (b'{"a":1e999}', "is not valid JSON"),
        (b'{"a":"\\ud800"}', "is not valid JSON"),
        (b'{"x":' + b"[" * 200 + b"]" * 200 + b"}", "is not valid JSON"),
        (b"[]", "the template is not a JSON object"),
        (b"7", "the template is not a JSON object"),
    ],
)
def test_a_template_that_is_no_config(text: bytes, problem: str, tmp_path: Path) -> None:
    file = tmp_path / "t.json"
    file.write_bytes(text)
    assert problem in refused("--template", str(file))


def test_a_template_that_cannot_be_read(tmp_path: Path) -> None:
    assert "no such file" in refused("--template", str(tmp_path / "nowhere"))
    assert "not a file" in refused("--template", str(tmp_path))


@pytest.mark.parametrize(
    ("template", "arguments"),
    [
        ({"process": 5}, ["--cpus", "1", "-e", "A=b"]),
        ({"process": None}, ["-w", "/"]),
        ({"process": {"env": {}}}, ["-e", "A=b"]),
        ({"linux": {"namespaces": {}}}, ["--net", "host"]),
        ({"linux": []}, ["--memory", "1m"]),
        ({"mounts": {}}, ["--tmpfs", "/t"]),
        ({"linux": {"resources": 1}}, ["--privileged"]),
        ({"process": {"capabilities": []}}, ["--cap-drop", "all"]),
    ],
)
def test_an_option_does_not_fit_what_a_template_has(
    template: dict[str, Any], arguments: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "t.json"
    file.write_text(json.dumps(template))
    assert "in this config" in refused("--template", str(file), *arguments)


def test_a_template_that_breaks_the_specification_is_a_finding(tmp_path: Path) -> None:
    file = tmp_path / "t.json"
    file.write_text(json.dumps({**TEMPLATE, "hostname": 7, "ociVersion": 5}))
    ran = run("--template", str(file))
    assert ran.code == 1
    assert "hostname is not a string" in ran.err


@pytest.mark.parametrize("other", [["--os", "linux"], ["--profile", "default"], ["--rootless"]])
def test_a_template_is_a_starting_point_of_its_own(other: list[str], tmp_path: Path) -> None:
    file = tmp_path / "t.json"
    file.write_text(json.dumps(TEMPLATE))
    assert "cannot be combined with" in refused("--template", str(file), *other)


# --- The table


def test_every_option_is_a_method_and_every_method_an_option() -> None:
    # What makes a builder or takes its result is no option.
    others = {"start", "template", *PLATFORMS, "get", "finish", "report", "build", "render"}
    methods = {name for name, value in inspect.getmembers(ConfigBuilder, callable) if not name.startswith("_")}
    assert methods - others == set(TABLE)


def test_every_starting_option_is_a_keyword_of_the_builder() -> None:
    keywords = set(inspect.signature(ConfigBuilder.start).parameters)
    text = run("--help").out.decode()
    section = text.split("Starting point:")[1].split("\n\n")[0]
    flags = {flag.removeprefix("--").replace("-", "_") for flag in re.findall(r"^  (--[a-z-]+)", section, re.MULTILINE)}
    assert flags == keywords | {"template"}


def test_every_method_is_documented_and_typed() -> None:
    for name in TABLE:
        method = getattr(ConfigBuilder, name)
        assert method.__doc__, name
        hints = inspect.signature(method).parameters.values()
        assert all(parameter.annotation is not parameter.empty for parameter in hints if parameter.name != "self")


def test_flags_are_unique_and_groups_known() -> None:
    flags = [flag for option in TABLE.values() for flag in option.flags]
    assert len(flags) == len(set(flags))
    assert {option.group for option in TABLE.values()} <= set(GROUPS)


def test_the_examples_of_the_builder_hold() -> None:
    import doctest

    results = doctest.testmod(builder_module)
    assert results.attempted > 5
    assert results.failed == 0


# --- The command line


def test_help_names_every_flag_in_groups() -> None:
    ran = run_help()
    for option in TABLE.values():
        assert option.flags[0] in ran
    for title in ("Process:", "Security:", "Every field of the specification:", "Examples:", "Exit codes:"):
        assert f"\n{title}" in ran


def run_help() -> str:
    made = process("--help")
    assert made.returncode == 0
    return made.stdout.decode()


def examples() -> list[tuple[str, str]]:
    """The command lines of the help and of the documentation, and what stands below each if it is a complaint."""
    unbroken = re.sub(r" \\\n +", " ", run_help())
    found = [(line, "") for line in re.findall(r"^    \$ (oci-gen .*)", unbroken, re.MULTILINE)]
    assert len(found) == 5
    for name in ("README.md", "docs/generate.md"):
        lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
        for line, below in pairwise(lines):
            if line.startswith("$ oci-gen "):
                found.append((line.removeprefix("$ "), below if below.startswith("oci-gen: ") else ""))
    return found


def test_the_examples_of_help_and_documentation_say_the_truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bundle").mkdir()
    (tmp_path / "config.json").write_bytes(run().out)
    assert len(examples()) >= 15
    for example, complaint in examples():
        words = shlex.split(example.partition(" > ")[0].partition(" | ")[0])[1:]
        ran = run(*words)
        assert ran.err.rstrip("\n") == complaint, example
        assert (ran.code == 0) == (complaint == ""), example


def test_it_is_a_command_of_ocivalidate_too(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["generate", "--cpus", "2", "--", "ls", "--help"]) == 0
    assert json.loads(capfdbinary.readouterr().out)["process"]["args"] == ["ls", "--help"]
    assert main(["--nope", "generate"]) == 2
    capfdbinary.readouterr()
    assert main(["generate", "--nope"]) == 2
    assert capfdbinary.readouterr().err.startswith(b"ocivalidate generate: error: ")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--nope"], "unrecognized arguments: --nope"),
        (["ls"], "unrecognized arguments: ls"),
        (["--cpus"], "expected one argument"),
        (["--cpu", "2"], "unrecognized arguments"),
        (["--read-only=yes"], "ignored explicit argument 'yes'"),
        (["--"], "there is no command after --"),
        (["--os", "plan9"], "invalid choice: 'plan9'"),
        (["--spec-version", "1.0.5"], "invalid choice: '1.0.5'"),
        (["--set=process.cwd=/\udcff"], "not valid UTF-8"),
        (["--", "\udcff"], "not valid UTF-8"),
    ],
)
def test_a_command_line_that_makes_no_sense(arguments: list[str], problem: str) -> None:
    assert problem in refused(*arguments)


def test_a_value_may_start_with_a_dash() -> None:
    config = run("--memory-swap", "-1", "-m", "1m", "-e=-X=1", "--append", "process.args=-v").config
    assert config["linux"]["resources"]["memory"]["swap"] == -1
    assert "-X=1" in config["process"]["env"]


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    code = "import sys; from ocivalidate.cli import generate; sys.exit(generate(['--list-paths']))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as reading:
        assert reading.stdout is not None
        assert reading.stderr is not None
        reading.stdout.close()
        assert reading.stderr.read() == b""
        assert reading.wait(10) == 2


def test_importing_the_builder_imports_nothing_that_is_slow() -> None:
    code = "import sys, ocivalidate.generate; print(*sorted({'jsonschema', 'rich', 'zstandard'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=ROOT, text=True)
    assert found.stdout == "\n"


def test_making_a_config_does_not_import_jsonschema() -> None:
    code = (
        "import sys; from ocivalidate.cli import generate; assert generate(['--cpus', '2', '-o', '/dev/null']) == 0;"
        "print('jsonschema' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, cwd=ROOT, text=True)
    assert found.stdout == "False\n"
