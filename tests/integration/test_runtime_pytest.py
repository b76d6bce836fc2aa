"""The plugin for pytest, with the pytest that runs this and a real runtime."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.mutants import Mutant

pytestmark = pytest.mark.integration

needs_runc = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("runc") is None, reason="needs root and runc"
)
PLUGIN = "ocivalidate.runtime.pytest_plugin"
MODULE = '''
from ocivalidate.runtime import case

CLAUSE = "runtime.create.creates"

@case(CLAUSE)
def right(trial):
    """Holds."""
    container = trial.container().must_create()
    trial.expect(CLAUSE, "it is not created", got=container.status(), want="created")

@case(CLAUSE)
def wrong(trial):
    """Does not hold."""
    trial.expect(CLAUSE, "it is not \\x1b[31mso", got="this", want="that")

@case(CLAUSE)
def known(trial):
    """Is known not to hold."""
    trial.expect(CLAUSE, "it is not so", got="this", want="that")

@case(CLAUSE)
def mended(trial):
    """Is known not to hold, and does."""
    trial.expect(CLAUSE, "it is not so", got="this", want="this")

@case(CLAUSE)
def broken(trial):
    """Breaks."""
    raise LookupError("no idea")

@case(CLAUSE)
def silent(trial):
    """Judges nothing."""

@case(CLAUSE)
def elsewhere(trial):
    """Cannot be judged here."""
    trial.skip("the moon is not full")

@case(CLAUSE, needs=["controller:moon"])
def needy(trial):
    """Needs what this host does not have."""
'''
EXPECTATIONS = """
runtime = "runc"
[[expect]]
case = "moods.known"
clause = "runtime/runtime.create.creates"
reason = "it is known"
[[expect]]
case = "moods.mended"
clause = "runtime/runtime.create.creates"
reason = "it was known"
"""


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", PLUGIN, "-p", "no:cacheprovider", "-W", "error", "-rA", *arguments, "."],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "NO_COLOR": "1"},
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "moods.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "known.toml").write_text(EXPECTATIONS, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    return tmp_path


@needs_runc
def test_verdicts_are_outcomes(folder: Path) -> None:
    run = run_pytest(folder, "--oci-runtime", "runc", "--oci-expectations", "known.toml")
    said = {name: word for word, name in re.findall(r"^([A-Z]+) moods\.py::moods\.(\S+)", run.stdout, re.MULTILINE)}
    assert run.returncode == 1
    assert said == {
        "right": "PASSED",
        "wrong": "FAILED",
        "known": "XFAIL",
        "mended": "FAILED",
        "broken": "ERROR",
        "silent": "ERROR",
    }
    assert "runtime/runtime.create.creates: it is not \\x1b[31mso\n    got: this\n    want: that\n" in run.stdout
    assert "remove known.toml, entry 2: it was known" in run.stdout
    assert "the case broke: LookupError: no idea (moods.py:" in run.stdout
    assert "the moon is not full" in run.stdout
    assert "this kernel has no control group controller moon" in run.stdout
    assert "Traceback" not in run.stdout
    assert "judged by runtime-spec" in run.stdout


@needs_runc
def test_one_case_can_be_named(folder: Path) -> None:
    run = run_pytest(folder, "--oci-runtime", "runc", "-k", "moods.right", "-q")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "1 passed, 7 deselected" in run.stdout


@needs_runc
def test_what_is_required_and_absent_is_an_error(folder: Path) -> None:
    run = run_pytest(folder, "--oci-runtime", "runc", "-k", "needy", "--oci-require", "controller")
    assert "ERROR moods.py::moods.needy" in run.stdout


def test_a_program_that_is_no_runtime_ends_the_run(folder: Path) -> None:
    run = run_pytest(folder, "--oci-runtime", "/bin/false")
    assert run.returncode == 2
    assert "cannot judge /bin/false: no container can be run" in run.stdout + run.stderr


def test_what_makes_no_sense_is_one_line(folder: Path) -> None:
    run = run_pytest(folder, "--oci-runtime", "runc", "--oci-require", "moon")
    assert run.returncode == 4
    assert "unknown need moon" in run.stderr
    run = run_pytest(folder, "--oci-runtime", "runc", "--oci-expectations", "none.toml")
    assert "ERROR: none.toml: No such file or directory" in run.stderr


def test_without_a_runtime_nothing_happens(folder: Path) -> None:
    run = run_pytest(folder)
    assert run.returncode == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "collected 0 items" in run.stdout


def test_the_plugin_costs_nothing_to_import() -> None:
    code = (
        f"import sys, pytest; before = set(sys.modules); import {PLUGIN};"
        "print(*sorted(set(sys.modules) - before), sep='\\n')"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert run.stdout.split() == ["ocivalidate", "ocivalidate.runtime", PLUGIN]


REFUSED = """
from ocivalidate.runtime import case


@case(sets=["/linux/sysctl/*"])
def kernel_parameter(trial):
    \"\"\"Sets a kernel parameter that the runtime refuses.\"\"\"
    config = trial.config("wait")
    config["linux"]["sysctl"] = {"kernel.msgmax": "8192"}
    trial.container(config).must_create()
"""


@needs_runc
@pytest.mark.parametrize(("options", "outcome"), [((), "SKIPPED"), (("--oci-strict",), "FAILED")])
def test_a_refusal_is_a_skip_and_with_strict_a_failure(tmp_path: Path, options: tuple[str, ...], outcome: str) -> None:
    runc = shutil.which("runc")
    assert runc is not None
    refusing = Mutant("refuses", "refuse-text", (), {"text": "kernel.msgmax"}).write(tmp_path, runc)
    cases = tmp_path / "cases"
    cases.mkdir()
    (cases / "refused.py").write_text(REFUSED, encoding="utf-8")
    (cases / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    run = run_pytest(cases, "--oci-runtime", str(refusing), *options)
    assert re.search(rf"^{outcome} .*refused", run.stdout, re.MULTILINE), run.stdout
    assert run.returncode == (1 if options else 0)
