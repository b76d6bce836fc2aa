"""A run whose folder is removed by somebody else says so of what it could not judge, and nothing of the runtime."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures import fake_runtime
from ocivalidate.rules.clauses import load
from ocivalidate.rules.findings import Outcome
from ocivalidate.runtime.case_context import CaseContext
from ocivalidate.runtime.cases import Case
from ocivalidate.runtime.driving.subject import Dialect, RuntimeUnderTest
from ocivalidate.runtime.kernel import cgroups, host
from ocivalidate.runtime.run_context import RunContext
from ocivalidate.runtime.running.attempt import attempt
from ocivalidate.system import importing

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="runs are on Linux")

CLAUSE = "runtime/runtime.create.creates"
GONE = "the folder of this run was removed"


@pytest.fixture
def stage(tmp_path: Path) -> RunContext:
    (tmp_path / "run").mkdir()
    tested = RuntimeUnderTest(("/nosuch",), "", "", "", "1.2.0", "1.2.0", Dialect(""))
    return RunContext(
        *(tested, host.look(), cgroups.Layout("none", {}, ""), "ocivalidate-", "", tmp_path / "rootfs"),
        tmp_path / "run",
        missing=lambda: "" if (tmp_path / "run").is_dir() else GONE,
    )


def outcomes(stage: RunContext, run: Any) -> list[tuple[Outcome, str]]:
    clauses = [load("runtime")[CLAUSE]]
    return [(one.outcome, one.reason) for one in attempt(stage, Case("a.case", run, (CLAUSE,)), clauses).results]


@pytest.mark.parametrize("held", [True, False])
@pytest.mark.parametrize("whole", [True, False])
def test_what_was_seen_before_counts_no_more(held: bool, whole: bool, stage: RunContext) -> None:  # noqa: FBT001
    def run(trial: CaseContext) -> None:
        trial.expect(CLAUSE, "it is not", got=held)
        shutil.rmtree(stage.folder if whole else trial.folder)

    [(outcome, reason)] = outcomes(stage, run)
    assert outcome is Outcome.ERROR
    assert "removed" in reason


def test_a_case_that_breaks_for_it(stage: RunContext) -> None:
    def run(trial: CaseContext) -> None:
        shutil.rmtree(stage.folder)
        trial.bundle({})

    assert outcomes(stage, run) == [(Outcome.ERROR, GONE)]


def test_a_case_that_begins_without_it(stage: RunContext) -> None:
    shutil.rmtree(stage.folder)
    assert outcomes(stage, lambda _trial: None) == [(Outcome.ERROR, GONE)]
    # Somebody has made it anew, and it takes no folders.
    stage.folder.touch()
    [(outcome, reason)] = outcomes(replace(stage, missing=lambda: ""), lambda _trial: None)
    assert outcome is Outcome.ERROR
    assert reason.startswith("the folder to work in is gone: ")


def removing(folder: Path, command: str) -> Path:
    """A fake runtime; at the third ``start`` somebody removes all that the run works in, as told."""
    fake, program, count = fake_runtime.write(folder / "fake"), folder / "removing", folder / "count"
    look = f'case " $* " in *" start "*) echo >> {count}; if [ $(wc -l < {count}) = 3 ]; then\n{command}\nfi;; esac\n'
    program.write_text(f'#!/bin/sh\n{look}exec {fake} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return program


def judged(program: Path, report: Path) -> tuple[int, str, list[dict[str, Any]]]:
    code = f"import sys; sys.path.append({importing.HOME!r}); from ocivalidate.cli import main; sys.exit(main())"
    words = ["runtime", "--runtime", str(program), "--select", "lifecycle,state", "--jobs", "1"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words, "--output", f"json={report}"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TMPDIR": str(report.parent)},
    )
    [made] = json.loads(report.read_text(encoding="utf-8"))["reports"]
    return done.returncode, done.stdout + done.stderr, made["results"]


# Where the runtime keeps its states is below the folder of the run.
INSIDE = "root=$(printf '%s\\n' \"$@\" | sed -n '/ocivalidate-[0-9a-z]*\\/cases/{p;q}'); rm -rf \"${root%%/cases/*}\""


def test_a_run_whose_folder_is_emptied(tmp_path: Path) -> None:
    code, said, results = judged(removing(tmp_path, f"{INSIDE} 2>/dev/null"), tmp_path / "report.json")
    assert "Traceback" not in said
    assert code == 2, said
    outcomes = [one["outcome"] for one in results]
    assert set(outcomes) <= {"pass", "skip", "error"}, said
    assert outcomes.count("error") > 10
    first = outcomes.index("error")
    assert "pass" not in outcomes[first:]
    assert all("somebody else removed" in one["reason"] for one in results if one["outcome"] == "error")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root has mounts that others remove")
def test_a_run_whose_folder_is_removed_from_outside(tmp_path: Path) -> None:
    """Whoever does not see what is mounted there removes the folder below, and the mount goes with it."""
    program = removing(tmp_path, f"echo $PPID > {tmp_path}/now; while [ -e {tmp_path}/now ]; do sleep 0.05; done")
    report = tmp_path / "report.json"
    code = f"import sys; sys.path.append({importing.HOME!r}); from ocivalidate.cli import main; sys.exit(main())"
    words = ["--runtime", str(program), "--select", "lifecycle", "--jobs", "1", "--output", f"json={report}"]
    running = subprocess.Popen(
        [sys.executable, "-c", code, "runtime", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "now").exists() and time.monotonic() < deadline and running.poll() is None:
        time.sleep(0.02)
    [folder] = [found for found in runs_of_root() if _holder(found) == running.pid]
    shutil.rmtree(folder)
    (tmp_path / "now").unlink()
    said, _ = running.communicate(timeout=60)
    assert "Traceback" not in said
    assert running.returncode == 2, said
    [made] = json.loads(report.read_text(encoding="utf-8"))["reports"]
    outcomes = [one["outcome"] for one in made["results"]]
    assert set(outcomes) <= {"pass", "skip", "error"}, said
    assert outcomes.count("error") > 5


def runs_of_root() -> list[Path]:
    return [*Path("/tmp").glob("ocivalidate-*")]  # noqa: S108  # where they work


def _holder(folder: Path) -> int:
    """The command line whose engine holds a folder."""
    try:
        engine = json.loads((folder / ".lock").read_text(encoding="utf-8"))["pid"]
        return int(Path(f"/proc/{engine}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError, KeyError):
        return 0
