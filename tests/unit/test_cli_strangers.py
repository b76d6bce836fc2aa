"""No command imports or runs what lies in the working directory, in PYTHONPATH or in a user's own site folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from fixtures import fake_runtime
from ocivalidate.cli.entry import COMMANDS
from ocivalidate.report import render
from tests.reports import OPTIONS, RUNTIME
from tests.unit.command_line import GOOD, SAMPLES

ROOT = Path(__file__).parents[2]
CASE = "refusals.stopped-container"
# What pip makes of our entry points.
SCRIPT = """\
import re
import sys
from ocivalidate.cli import {function}
if __name__ == '__main__':
    sys.argv[0] = re.sub(r'(-script\\.pyw|\\.exe)?$', '', sys.argv[0])
    sys.exit({function}())
"""
STATE = {"ociVersion": "1.2.0", "id": "one", "status": "stopped", "bundle": "/bundle"}
FEATURES = {"ociVersionMin": "1.0.0", "ociVersionMax": "1.2.0"}
# Command → its arguments ({work}: a folder with what they name) and the exit codes that are no accident.
COMMAND_LINES: dict[str, tuple[list[str], set[int]]] = {
    "bundle": ([GOOD], {0}),
    "image": ([str(SAMPLES / "image-good")], {0}),
    "audit": ([str(SAMPLES / "image-good")], {0}),
    "runtime": (["--runtime", "{work}/fake", "--select", CASE], {0}),
    "bench": (["--runtime", "{work}/fake", "--rounds", "1", "--parallel", "0"], {0}),
    "unpack": ([str(SAMPLES / "image-good"), "{new}", "--force"], {0}),
    "probe": ([], {0}),
    "judge": ([GOOD, "{work}/facts.json"], {0, 1}),
    "state": (["{work}/state.json"], {0}),
    "features": (["{work}/features.json"], {0}),
    "report": (["{work}/report.json"], {0}),
    "rules": ([], {0}),
    "explain": (["runtime/config.process.cwd.absolute"], {0}),
    "schema": (["runtime-config"], {0}),
    "generate": ([], {0}),
    "completions": (["bash"], {0}),
    "lsp": ([], {0}),
    "demo": ([], {0}),
}
LIBRARIES = ("jsonschema", "rich", "zstandard", "isal", "pygls", "lsprotocol", "cattrs", "attrs", "shtab")
NAMES = sorted({*sys.stdlib_module_names, "sitecustomize", "usercustomize", *LIBRARIES})


def hostile(folder: Path, names: list[str]) -> Path:
    """A folder full of modules that leave a mark beside it when they are imported, and programs that do when run."""
    folder.mkdir()
    marks = folder.with_suffix(".marks")
    marks.mkdir()
    for name in names:
        text = f"open({str(marks / name)!r}, 'a').close()\nraise ImportError('a stranger is imported')\n"
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    for package in ("ocivalidate", "conformance", "fixtures"):
        (folder / package).mkdir()
        text = f"open({str(marks / package)!r}, 'a').close()\n"
        (folder / package / "__init__.py").write_text(text, encoding="utf-8")
    for program in ("mount", "sleep", "ip", "python3", "runc"):
        (folder / program).write_text(f"#!/bin/sh\n: > {marks}/{program}-was-run\n", encoding="utf-8")
        (folder / program).chmod(0o755)
    return folder


def marks_of(folder: Path) -> list[str]:
    return sorted(os.listdir(folder.with_suffix(".marks")))


@dataclass(frozen=True)
class RunContext:
    """Scripts as pip writes them, and what commands are given."""

    work: Path

    def run(
        self,
        command: str,
        new: Path,
        *,
        cwd: Path,
        flags: tuple[str, ...] = (),
        module: bool = False,
        **environment: str,
    ) -> subprocess.CompletedProcess[str]:
        arguments, _ = COMMAND_LINES[command]
        for mark in cwd.with_suffix(".marks").glob("*"):
            # Of another command, which fails for itself.
            mark.unlink()
        words = [word.format(work=self.work, new=new) for word in arguments]
        start = ["-m", "ocivalidate"] if module else [str(self.work / "ocivalidate-script")]
        return subprocess.run(
            [sys.executable, *flags, *start, command, *words],
            cwd=cwd,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> RunContext:
    work = tmp_path_factory.mktemp("work")
    fake_runtime.write(work / "fake")
    (work / "ocivalidate-script").write_text(SCRIPT.format(function="main"), encoding="utf-8")
    (work / "state.json").write_text(json.dumps(STATE), encoding="utf-8")
    (work / "features.json").write_text(json.dumps(FEATURES), encoding="utf-8")
    report = render("json", [RUNTIME], OPTIONS)
    (work / "report.json").write_text(report, encoding="utf-8")
    made = RunContext(work)
    done = made.run("probe", work, cwd=work)
    (work / "facts.json").write_text(done.stdout, encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every module that anybody could import."""
    return hostile(tmp_path_factory.mktemp("strange") / "folder", NAMES)


def test_every_command_is_tried() -> None:
    assert set(COMMAND_LINES) == set(COMMANDS)


def test_the_folder_is_hostile(tmp_path: Path) -> None:
    folder = hostile(tmp_path / "folder", ["json"])
    subprocess.run([sys.executable, "-c", "import json"], cwd=folder, capture_output=True, check=False)
    assert marks_of(folder) == ["json"]


@pytest.mark.parametrize("command", COMMANDS)
def test_from_the_working_directory(command: str, stage: RunContext, everything: Path, tmp_path: Path) -> None:
    path = f":.:{os.environ['PATH']}:"
    done = stage.run(command, tmp_path / "new", cwd=everything, PATH=path)
    assert marks_of(everything) == []
    assert done.returncode in COMMAND_LINES[command][1], done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_from_pythonpath_in_what_is_started(command: str, stage: RunContext, everything: Path, tmp_path: Path) -> None:
    """The command itself is started with -I: what is seen is what it hands on."""
    done = stage.run(command, tmp_path / "new", cwd=everything, flags=("-I",), PYTHONPATH=str(everything))
    assert marks_of(everything) == []
    assert done.returncode in COMMAND_LINES[command][1], done.stdout + done.stderr


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory, stage: RunContext) -> Path:
    """A folder with every module that the interpreter has not read before our first line."""
    code = f"import sys; sys.path.append({str(ROOT)!r}); import re, runpy, ocivalidate.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=stage.work, capture_output=True, text=True, check=True)
    seen = {name.partition(".")[0] for name in done.stdout.split()} | {"sitecustomize", "usercustomize", "pkgutil"}
    folder = hostile(tmp_path_factory.mktemp("strange") / "later", [name for name in NAMES if name not in seen])
    for name in ("__init__.py", ""):
        Path(folder, "ocivalidate", name).unlink() if name else Path(folder, "ocivalidate").rmdir()
    assert {"json", "secrets", "argparse", "tempfile", "subprocess"} <= {file.stem for file in folder.iterdir()}
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_from_pythonpath(command: str, stage: RunContext, later: Path, tmp_path: Path) -> None:
    """``python -m`` has the working directory as well, and both are forgotten before more is imported."""
    module = command in ("bundle", "runtime", "schema")
    done = stage.run(command, tmp_path / "new", cwd=later, module=module, PYTHONPATH=str(later))
    assert marks_of(later) == []
    assert done.returncode in COMMAND_LINES[command][1], done.stdout + done.stderr


def test_a_package_that_stands_in_pythonpath_alone(stage: RunContext, tmp_path: Path) -> None:
    """Where only PYTHONPATH leads to us and to what we need, it is handed on, behind the standard library."""
    site = next(entry for entry in sys.path if Path(entry, "jsonschema").is_dir())
    strange = hostile(tmp_path / "strange", ["sitecustomize", "usercustomize", "secrets", "tempfile"])
    own = tmp_path / "home" / ".local" / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    own.mkdir(parents=True)
    # The site folder of whoever's HOME this is, with what is imported by every Python that minds it.
    (own / "site-packages").symlink_to(strange)
    # The interpreter itself imports sitecustomize, and what stands in front is taken.
    base = getattr(sys, "_base_executable", sys.executable)
    words = ["runtime", "--runtime", str(stage.work / "fake"), "--select", CASE]
    done = subprocess.run(
        [base, "-s", str(stage.work / "ocivalidate-script"), *words],
        cwd=strange,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{site}", "HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, marks_of(strange)) == (0, []), done.stdout + done.stderr


def test_oci_gen(everything: Path, tmp_path: Path) -> None:
    script = tmp_path / "oci-gen"
    script.write_text(SCRIPT.format(function="generate"), encoding="utf-8")
    done = subprocess.run([sys.executable, str(script)], cwd=everything, capture_output=True, check=False)
    assert (done.returncode, marks_of(everything)) == (0, [])
