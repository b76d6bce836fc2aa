"""A run leaves the host as it was: after its end, an interrupt, two of them, and kill -9 with the next run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.host import name_of, named
from tests.tap14 import Stream, parse

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("runc") is None, reason="needs root and runc"
    ),
]

# Cases that take long enough to be interrupted, and have containers, control groups and mounts.
CASES = "lifecycle,mounts,cgroup-paths"
FEW = "rlimits"
PATIENCE = 30.0


class Running:
    """A run of the command line of which this has read the first points."""

    def __init__(self, folder: Path, select: str = CASES, *more: str) -> None:
        self._out, self._err = folder / "out", folder / "err"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ocivalidate", "runtime", "--runtime", "runc", "--select", select, *more],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                start_new_session=True,
            )

    def output(self) -> str:
        return self._out.read_text(encoding="utf-8")

    def until_points(self, number: int) -> None:
        deadline = time.monotonic() + PATIENCE
        while self.output().count("ok ") < number:
            assert time.monotonic() < deadline, self.output() + self._err.read_text(encoding="utf-8")
            time.sleep(0.01)

    def engines(self) -> list[int]:
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def name(self) -> str:
        """What all that this run makes is called."""
        return name_of(*self.engines())

    def end(self) -> tuple[int, Stream]:
        return self.process.wait(PATIENCE), parse(self.output())


def mounts() -> list[str]:
    return Path("/proc/self/mountinfo").read_text().splitlines()


Watch = Callable[[Running], None]


@pytest.fixture
def watch() -> Iterator[Watch]:
    """``watch(run)``: of this run nothing is there after the test, which it was while it ran."""
    names: list[str] = []
    before = mounts()

    def remember(run: Running) -> None:
        names.append(run.name())
        assert named(names[-1])

    yield remember
    deadline = time.monotonic() + PATIENCE
    while (left := [thing for name in names for thing in named(name)]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert names
    assert left == []
    assert mounts() == before


def test_a_run_that_ends(tmp_path: Path, watch: Watch) -> None:
    # Not a short one: where nothing else runs, that has ended before anybody can look.
    run = Running(tmp_path)
    run.until_points(1)
    watch(run)
    status, stream = run.end()
    assert status == 0
    assert stream.passed


@pytest.mark.parametrize(("number", "times"), [(signal.SIGINT, 1), (signal.SIGTERM, 1), (signal.SIGINT, 2)])
def test_an_interrupt(number: signal.Signals, times: int, tmp_path: Path, watch: Watch) -> None:
    run = Running(tmp_path)
    run.until_points(3)
    watch(run)
    for _ in range(times):
        # As a terminal does it: to the whole foreground process group.
        os.killpg(run.process.pid, number)
        time.sleep(0.1 * (times - 1))
    status, stream = run.end()
    assert status == 130
    assert stream.bail_out is not None
    assert stream.bail_out.startswith("interrupted after ")
    assert stream.plan is not None
    assert 3 <= len(stream.points) < stream.plan
    assert "could not be judged: interrupted" in stream.comments[-1]


def test_an_engine_that_is_killed(tmp_path: Path, watch: Watch) -> None:
    run = Running(tmp_path)
    run.until_points(3)
    watch(run)
    for engine in run.engines():
        os.kill(engine, signal.SIGKILL)
    status, stream = run.end()
    assert status == 2
    assert stream.bail_out is not None
    assert "the engine ended before its work was done (exit code -9)" in stream.bail_out


def test_a_command_line_that_is_killed(tmp_path: Path, watch: Watch) -> None:
    run = Running(tmp_path)
    run.until_points(3)
    watch(run)
    # The engine sees that nobody speaks to it any more, and ends in order.
    run.process.kill()
    assert run.process.wait() == -signal.SIGKILL


def test_all_of_it_killed_and_the_next_run(tmp_path: Path, watch: Watch) -> None:
    run = Running(tmp_path)
    run.until_points(3)
    watch(run)
    for process in [*run.engines(), run.process.pid]:
        os.kill(process, signal.SIGKILL)
    run.process.wait()
    status, stream = Running(tmp_path, FEW).end()
    assert status == 0
    assert stream.passed


@pytest.mark.skipif(not shutil.which("prove"), reason="no prove (Perl) on this machine")
def test_prove_runs_it(tmp_path: Path) -> None:
    command = f"{sys.executable} -m ocivalidate runtime --select {FEW} --tap-version 13 --runtime"
    run = subprocess.run(
        ["prove", "--norc", "-e", command, str(shutil.which("runc"))],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Result: PASS" in run.stdout
