"""The fake runtime passes all cases on lifecycle, state and hooks, and each of them fails on one of its faults."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures import fake_runtime
from fixtures.fake_runtime.faults import FAULTS
from ocivalidate.rules.findings import Outcome, Result
from ocivalidate.runtime.launching import run_events
from ocivalidate.runtime.protocol import End, Request
from tests.unit import faking
from tests.unit.faking import Faked

NOTICED = [(name, case) for name, fault in FAULTS.items() for case in fault.cases]


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faked]:
    yield from faking.faked(tmp_path_factory.mktemp("fake"))


@pytest.fixture(scope="module")
def passed() -> set[str]:
    return set()


@pytest.mark.parametrize("case", faking.cases())
def test_the_honest_fake_passes(fake: Faked, passed: set[str], case: str) -> None:
    results = fake.results(case)
    assert {result.outcome for result in results} <= {Outcome.PASS, Outcome.SKIP}, [
        (result.clause.id, result.reason, result.findings) for result in results if result.outcome is not Outcome.PASS
    ]
    if any(result.outcome is Outcome.PASS for result in results):
        passed.add(case)


@pytest.mark.parametrize(("fault", "case"), NOTICED)
def test_a_fault_is_noticed(fake: Faked, fault: str, case: str) -> None:
    results = fake.results(case, fault, FAULTS[fault].claim)
    assert Outcome.FAIL in {result.outcome for result in results}, [
        (result.outcome, result.clause.id, result.reason) for result in results
    ]


def test_a_container_that_nobody_asked_for_is_deleted(fake: Faked) -> None:
    case = "refusals.create-without-arguments"
    assert Outcome.FAIL in {result.outcome for result in fake.results(case, "needs-no-id")}
    folders = list(fake.stage.folder.glob(f"*/{case}/root"))
    assert folders
    assert [entry for folder in folders for entry in folder.iterdir()] == []


def test_each_case_is_noticed_to_fail(fake: Faked) -> None:
    covered = {case for _, case in NOTICED}
    assert covered <= set(faking.cases())
    idle = [case for case in faking.cases() if case not in covered]
    passing = [case for case in idle if any(result.outcome is Outcome.PASS for result in fake.results(case))]
    assert passing == []


def test_the_executable_is_judged_by_the_engine(tmp_path: Path) -> None:
    program = fake_runtime.write(tmp_path / "fake")
    events = list(run_events(Request(str(program), only=("signals.created-container-gets-signals",))))
    assert [event.outcome for event in events if isinstance(event, Result)] == [Outcome.PASS]
    assert isinstance(events[-1], End)
    assert {timing.operation for timing in events[-1].timings} >= {"create", "kill", "delete"}
    assert all(0 < timing.low <= timing.median <= timing.high < 60 for timing in events[-1].timings)
    wrong = fake_runtime.write(tmp_path / "wrong", "sends-no-signal-to-what-is-created")
    events = list(run_events(Request(str(wrong), only=("versions.no-version-at-all",))))
    assert isinstance(events[-1], End)


def test_a_program_is_seen_with_its_own_command_line(tmp_path: Path) -> None:
    text = "import os; print(open('/proc/self/cmdline').read().split(chr(0)))"
    (tmp_path / "usr" / "bin").mkdir(parents=True)
    (tmp_path / "usr" / "bin" / "python3").touch(0o755)
    inside = fake_runtime.FOLDER / "inside.py"
    arguments = ["/usr/bin/python3", "-c", text]
    code = inside.read_text(encoding="utf-8") + f"\nmain({str(tmp_path)!r}, {arguments!r}, -1, -1)\n"
    padding = "x" * 200
    done = subprocess.run([sys.executable, "-I", "-c", code, padding], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("['/usr/bin/python3', '-c', ")
    assert "xxx" not in done.stdout


def test_unknown_faults_are_refused() -> None:
    done = subprocess.run([*fake_runtime.command("no-such-fault"), "state", "x"], capture_output=True, check=False)
    assert done.returncode != 0
    assert os.path.isdir(fake_runtime.FOLDER)
