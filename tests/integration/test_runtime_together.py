"""Ten runs begin at once, three are killed, two have another /tmp: nobody loses anything, and nothing stays."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures import fake_runtime
from ocivalidate import resources
from ocivalidate.system import importing
from tests.integration.host import family, name_of, named

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(not shutil.which("unshare"), reason="needs unshare"),
]

NUMBER = 10
# With a /tmp of their own; of the second no pid is known outside, either.
ELSEWHERE = {4: ("--mount",), 7: ("--mount", "--pid", "--fork", "--mount-proc")}
KILLED = (1, 7, 8)
PATIENCE = 150.0
FEW = "refusals.stopped-container"
BESIDE = ("ocivalidate-notes", "ocivalidate-0.1.0")


class Running:
    """One run, in a mount namespace of its own if asked for."""

    def __init__(self, runtime: str, select: str, report: Path, elsewhere: tuple[str, ...] = ()) -> None:
        self.report = report
        code = f"import sys; sys.path.append({importing.HOME!r}); from ocivalidate.cli import main; sys.exit(main())"
        words = [sys.executable, "-c", code, "runtime", "--runtime", runtime, "--select", select, "--jobs", "1"]
        words += ["--output", f"json={report}"]
        if elsewhere:
            own = f"mount -t tmpfs none /tmp && exec {shlex.join(words)}"
            words = ["unshare", *elsewhere, "sh", "-c", own]
        with report.with_suffix(".tap").open("wb") as out:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        self.name = ""

    @property
    def said(self) -> str:
        return self.report.with_suffix(".tap").read_text(encoding="utf-8")

    def remember_name(self) -> bool:
        """Whether its name is known, or never will be."""
        with contextlib.suppress(AssertionError):
            self.name = self.name or name_of(self.process.pid)
        return self.name != "" or self.process.poll() is not None

    def until_points(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while "\nok " not in self.said and self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)

    def kill(self) -> None:
        """All of it that is outside of namespaces: the command line first, which has no time to clean up."""
        for process in family(self.process.pid):
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait(PATIENCE)

    def results(self) -> Any:
        assert self.process.wait(PATIENCE) == 0, self.said
        [report] = json.loads(self.report.read_text(encoding="utf-8"))["reports"]
        return [(one["case"], one["clause"], one["outcome"]) for one in report["results"]]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that is seen also where /tmp is another."""
    with tempfile.TemporaryDirectory(prefix="together-", dir="/var/tmp") as made:  # see above
        yield Path(made)


@pytest.fixture
def beside() -> Iterator[dict[Path, str]]:
    """Folders in /tmp that are called a little like ours, and what is in them."""
    made: dict[Path, str] = {}
    for name in BESIDE:
        place = Path("/tmp", name)  # noqa: S108  # where runs work
        if place.exists():
            pytest.skip(f"{place} is of somebody else")
        (place / "src").mkdir(parents=True)
        # As it may well be in a package of ours.
        for file in (place / ".lock", place / "src" / "notes.txt"):
            file.write_text(name, encoding="utf-8")
            made[file] = name
    yield made
    for name in BESIDE:
        shutil.rmtree(Path("/tmp", name))  # noqa: S108  # as above


def program(folder: Path) -> tuple[str, str]:
    """A runtime, and some cases. The fake is slow: each of its calls starts a Python."""
    found = shutil.which("runc")
    return (found, "rlimits,state") if found else (str(fake_runtime.write(folder / "fake")), FEW)


def left_of(names: list[str]) -> list[str]:
    """What stays of runs: the kernel takes a moment to bury, and another run beside may be the one that clears up."""
    deadline = time.monotonic() + PATIENCE
    while (left := [thing for name in names for thing in named(name)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def test_ten_runs_at_once(folder: Path, beside: dict[Path, str]) -> None:
    runtime, select = program(folder)
    alone = Running(runtime, select, folder / "alone.json").results()
    runs = [Running(runtime, select, folder / f"{n}.json", ELSEWHERE.get(n, ())) for n in range(NUMBER)]
    deadline = time.monotonic() + PATIENCE
    # In turn: while one is waited for that is slow to begin, others come to their end.
    while sum(not run.remember_name() for run in runs) and time.monotonic() < deadline:
        time.sleep(0.01)
    names = [run.name for run in runs]
    assert all(names)
    assert len(set(names)) == NUMBER
    for number in KILLED:
        runs[number].until_points()
        runs[number].kill()
    survivors = [run for number, run in enumerate(runs) if number not in KILLED]
    for run in survivors:
        assert run.results() == alone, run.said
    assert Running(runtime, FEW, folder / "next.json").results()
    assert left_of(names) == []
    assert {file: file.read_text(encoding="utf-8") for file in beside} == beside


def held_by(process: int) -> str:
    """What the run that a process holds is called, once it has a container; ``""`` before."""
    for mark in Path("/tmp").glob("ocivalidate-*/.lock"):  # noqa: S108  # where runs work
        try:
            name, holder = mark.parent.name, json.loads(mark.read_text(encoding="utf-8"))["pid"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if holder == process and any(thing.startswith("process ") for thing in named(name)):
            return name
    return ""


@pytest.mark.skipif(shutil.which("runc") is None, reason="needs runc")
def test_a_run_of_pytest_that_is_killed_with_a_container_in_it(folder: Path) -> None:
    """It has no process namespace, so what it started lives on until the next run."""
    conformance = resources.folder("conformance")
    words = ["-q", "-p", "no:cacheprovider", str(conformance / "lifecycle.py"), str(conformance / "hooks.py")]
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *words, "--oci-runtime", "runc"],
        cwd=conformance.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    name = ""
    while not name and process.poll() is None and time.monotonic() < deadline:
        name = held_by(process.pid)
    process.kill()
    process.wait(PATIENCE)
    assert name
    assert named(name)
    assert Running("runc", FEW, folder / "next.json").results()
    assert left_of([name]) == []
