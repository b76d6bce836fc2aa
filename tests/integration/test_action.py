"""The action for GitHub: its shell is run as a runner does, and nothing that comes from outside is a part of it."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from fixtures.fake_runtime import write
from tests.pipelines import ACTION, ROOT, Done, Runner, read

pytestmark = pytest.mark.skipif(shutil.which("bash") is None or os.name == "nt", reason="not here: bash")

SAMPLES = ROOT / "fixtures" / "demo"
OUTPUTS = {"exit-code", "folder", "keep", "sarif", "artifact", "category"}
CASE = "refusals.stopped-container"
STEPS = read(ACTION)["runs"]["steps"]
HOSTILE = ("$(touch stolen)", "`touch stolen`", "'; touch stolen; '", '"; touch stolen; "', "x\ny=z", "*", "~", "\\")


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """A runner whose checkout has samples, and modules that nobody may import."""
    workspace = tmp_path / "checkout"
    workspace.mkdir()
    for name in ("bundle-good", "bundle-broken", "image-good", "image-broken"):
        shutil.copytree(SAMPLES / name, workspace / name)
    for name in ("json.py", "ocivalidate.py", "sitecustomize.py"):
        (workspace / name).write_text("open('stolen', 'w')", encoding="utf-8")
    return Runner(tmp_path, workspace)


def judge(runner: Runner, **inputs: str) -> Done:
    """Run all steps but the installation."""
    program = runner.home / "ocivalidate"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m ocivalidate "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    given = {name.replace("_", "-"): value for name, value in inputs.items()}
    return runner.run(given, {"install": {"command": str(program)}})


def kept(done: Done, name: str) -> Path:
    return Path(done.outputs["judge"]["folder"], name)


def test_no_expression_stands_in_a_script() -> None:
    scripts = [step["run"] for step in STEPS if "run" in step]
    assert len(scripts) == 2
    assert not [script for script in scripts if "${{" in script]


def test_the_scripts_pass_shellcheck(tmp_path: Path) -> None:
    if (shellcheck := shutil.which("shellcheck", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")) is None:
        pytest.skip("not installed: shellcheck")
    for number, step in enumerate(step for step in STEPS if "run" in step):
        (tmp_path / f"{number}.sh").write_text(f"set -eo pipefail\n{step['run']}", encoding="utf-8")
    done = subprocess.run(
        [shellcheck, "--shell", "bash", *sorted(tmp_path.glob("*.sh"))], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_what_conforms(runner: Runner) -> None:
    done = judge(runner, path="bundle-good")
    assert (done.code, done.outputs["judge"]["exit-code"], done.used) == (0, "0", {})
    assert "bundle-good: conforms to runtime-spec" in done.log
    assert "bundle-good" in done.summary


def test_findings_are_shown_where_they_stand(runner: Runner) -> None:
    done = judge(runner, path="bundle-broken\r\n\nbundle-good\n", upload_sarif="true")
    assert (done.code, done.outputs["judge"]["exit-code"]) == (1, "1")
    assert "::error file=bundle-broken/config.json,line=8," in done.log
    assert "runtime/config.process.cwd.absolute" in done.summary
    assert len(json.loads(kept(done, "report.json").read_text(encoding="utf-8"))["reports"]) == 2
    assert done.used == {
        "github/codeql-action/upload-sarif": {
            "sarif_file": str(kept(done, "report.sarif")),
            "category": "ocivalidate-bundle-tests-0-__self",
        },
        "actions/upload-artifact": {
            "name": "ocivalidate-bundle-tests-0-__self",
            "path": done.outputs["judge"]["folder"],
            "if-no-files-found": "ignore",
        },
    }
    uris = re.findall(r'"uri": "(bundle-[^"]*)"', kept(done, "report.sarif").read_text(encoding="utf-8"))
    assert set(uris) == {"bundle-broken/config.json"}


def test_images(runner: Runner) -> None:
    done = judge(runner, kind="image", path="image-good\nimage-broken", annotations="false", summary="false")
    assert (done.code, done.summary) == (1, "")
    assert "::" not in done.log
    assert "error[" in done.log


@pytest.mark.parametrize(("keep", "path", "is_kept"), [("always", "good", True), ("never", "broken", False)])
def test_when_reports_are_kept(runner: Runner, keep: str, path: str, is_kept: bool) -> None:  # noqa: FBT001  # a row
    assert ("actions/upload-artifact" in judge(runner, path=f"bundle-{path}", keep=keep).used) == is_kept


def test_options_and_settings(runner: Runner) -> None:
    (runner.workspace / "ocivalidate.toml").write_text('fail-on = "never"\n', encoding="utf-8")
    (runner.workspace / "lenient.toml").write_text("exit-zero = true\n", encoding="utf-8")
    assert judge(runner, path="bundle-broken").code == 0
    assert judge(runner, path="bundle-broken", config="none").code == 1
    assert judge(runner, path="bundle-broken", config="lenient.toml").code == 0
    assert judge(runner, path="bundle-broken", config="none", args="--fail-on=never\n--lint").code == 0


def test_what_could_not_be_judged(runner: Runner) -> None:
    done = judge(runner, path="nosuch", upload_sarif="true")
    assert (done.code, done.outputs["judge"]["exit-code"]) == (2, "2")
    assert "::error" in done.log
    # Wrong usage makes no report.
    done = judge(runner, path="bundle-good", args="--nosuch", upload_sarif="true")
    assert (done.code, done.used) == (2, {})
    assert "unrecognized arguments: --nosuch" in done.log


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"kind": "bundles"}, "the input kind must be bundle, image or runtime"),
        ({"kind": "bundle; touch stolen"}, "the input kind must be bundle, image or runtime"),
        ({"keep": "*"}, "the input keep must be failure, always or never"),
        ({"path": " \n"[1:]}, "the input path is empty"),
        ({"kind": "runtime", "path": "a\nb"}, "the input path must name one runtime"),
    ],
)
def test_wrong_inputs_are_told_in_one_line(runner: Runner, inputs: dict[str, str], said: str) -> None:
    done = judge(runner, **inputs)
    assert (done.code, done.log, done.outputs["judge"]) == (
        2,
        f"::error title=ocivalidate::{said}\n",
        {"exit-code": "2"},
    )
    assert done.used == {}


@pytest.mark.parametrize("text", HOSTILE)
def test_inputs_are_no_commands_and_no_outputs(runner: Runner, text: str) -> None:
    shutil.copytree(runner.workspace / "bundle-good", runner.workspace / text)
    done = judge(runner, path=text.replace("\n", " "), artifact=text, category=text, kind="bundle", keep="always")
    assert set(done.outputs["judge"]) == OUTPUTS
    assert done.outputs["judge"]["artifact"] == text.split("\n", maxsplit=1)[0]
    assert done.code == ("\n" in text) * 2
    assert not list(runner.home.rglob("stolen"))


@pytest.mark.parametrize("path", ["--output=json=stolen", "--help", "-q", "--", "--version"])
def test_a_path_like_an_option_is_a_path(runner: Runner, path: str) -> None:
    shutil.copytree(runner.workspace / "bundle-good", runner.workspace / path)
    done = judge(runner, path=path)
    assert (done.code, "conforms to runtime-spec" in done.log) == (0, True)
    assert not (runner.workspace / "stolen").exists()


def test_a_runtime_and_its_dumps(runner: Runner) -> None:
    fake = write(runner.workspace / "fake-runtime", "kills-what-has-stopped")
    done = judge(runner, kind="runtime", path=f"./{Path(fake).name}", args=f"--select={CASE}")
    assert done.code == 1, done.log
    assert "::error" in done.log
    with tarfile.open(kept(done, "dumps.tar.gz")) as dumps:
        assert any(name.startswith("dumps/") and CASE in name for name in dumps.getnames())
    assert not kept(done, "dumps").exists()
    assert "actions/upload-artifact" in done.used


def test_sudo_runs_a_runtime_where_it_asks_nothing(runner: Runner) -> None:
    programs = runner.home / "bin"
    programs.mkdir()
    # Who says not to be root, and a sudo that notes what it is asked to run.
    scripts = {
        "id": "echo 1000",
        "sudo": f'echo "$*" >>{shlex.quote(str(runner.home))}/asked\n[ "$1" != -n ] || shift\n'
        '[ "$1" != -- ] || shift\n[ "$1" = chown ] || exec "$@"',
    }
    for name, text in scripts.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (programs / name).chmod(0o755)
    runner.variables = {"PATH": f"{programs}:{os.environ['PATH']}"}
    fake = write(runner.workspace / "fake-runtime", "")
    inputs = {"kind": "runtime", "path": str(fake), "args": f"--select={CASE}"}
    assert judge(runner, **inputs).code == 0
    asked = (runner.home / "asked").read_text(encoding="utf-8").splitlines()
    assert [line.split()[1] for line in asked] == ["true", "--", "chown"]
    assert judge(runner, **inputs, sudo="false").code == 0
    assert (runner.home / "asked").read_text(encoding="utf-8").splitlines() == asked


@pytest.mark.parametrize("python", ["nosuch", "$(touch stolen)", "-c", "false"])
def test_no_python_that_will_do(runner: Runner, python: str) -> None:
    done = runner.run({"python": python})
    assert done.code == 2
    (line,) = done.log.splitlines()
    assert re.fullmatch(r"::error title=ocivalidate::.*; actions/setup-python brings one", line)
    assert done.used == {}


def test_every_input_is_used_and_told() -> None:
    action: dict[str, Any] = read(ACTION)
    text = ACTION.read_text(encoding="utf-8")
    assert set(re.findall(r"inputs\.([\w-]+)", text)) == set(action["inputs"])
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    assert not [name for name in action["inputs"] if f"| `{name}` |" not in page]
