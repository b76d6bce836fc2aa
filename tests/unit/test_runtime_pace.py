"""Slow machines: deadlines grow with what the first container took, and what is still at work has not failed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from fixtures import fake_runtime
from ocivalidate.rules.clauses import load
from ocivalidate.rules.findings import Outcome, Result
from ocivalidate.runtime.case_context import CaseContext
from ocivalidate.runtime.cases import Case
from ocivalidate.runtime.driving import driver, operations, output
from ocivalidate.runtime.inside import probe, rootfs
from ocivalidate.runtime.kernel import cgroups, processes
from ocivalidate.runtime.protocol import Request
from ocivalidate.runtime.running import session as session_module
from ocivalidate.runtime.running.attempt import attempt
from ocivalidate.runtime.running.session import Session, Setup
from tests.unit import faking
from tests.unit.faking import Faked

STARTS = "runtime/runtime.start.runs-process"


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faked]:
    with pytest.MonkeyPatch.context() as patch:
        for made in faking.faked(tmp_path_factory.mktemp("fake")):
            patch.setattr(output, "WAITING_PATIENCE", 0.5)
            yield made


def tried(fake: Faked, *steps: str, pace: float = 1.0) -> Result:
    def reports(trial: CaseContext) -> None:
        trial.container(trial.config(*steps)).must_create().must_start().facts()
        trial.expect(STARTS, "it does not run", got=True)

    stage = replace(fake.stage, folder=Path(tempfile.mkdtemp(dir=fake.stage.folder)), accepted=set(), pace=pace)
    [result] = attempt(stage, Case("a.case", reports, (STARTS,), timeout=5.0), [load("runtime")[STARTS]]).results
    return result


def test_a_container_that_is_at_work_cannot_be_judged(fake: Faked) -> None:
    result = tried(fake, "burn", "3")
    assert (result.outcome, result.reason) == (
        Outcome.ERROR,
        "waited in vain for output of the container, and the container is still at work",
    )


def test_what_is_slow_for_everything_is_waited_for(fake: Faked) -> None:
    assert tried(fake, "burn", "1.5", pace=8.0).outcome is Outcome.PASS


def test_the_first_container_tells_how_slow_a_machine_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "call", driver.call)
    monkeypatch.setattr(session_module, "host_pace", lambda: 1.0)
    program = fake_runtime.write(tmp_path / "fake")
    slow = tmp_path / "slow"
    slow.write_text(f'#!/bin/sh\nsleep 0.4\nexec {program} "$@"\n', encoding="ascii")
    slow.chmod(0o755)
    session = Session(Setup(Request(str(slow))))
    try:
        session.open()
        assert session.stage.pace == 1.0
        session.smoke()
        assert session.stage.pace > 3.0
    finally:
        session.close()


def test_a_process_runs_here_whose_program_this_kernel_executes(tmp_path: Path) -> None:
    program = tmp_path / rootfs.PYTHON.lstrip("/")
    program.parent.mkdir(parents=True)
    os.symlink(os.path.realpath(sys.executable), program)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        for _ in range(100):  # until it has begun
            if session_module.runs_here(child.pid, tmp_path):
                break
            time.sleep(0.01)
        assert session_module.runs_here(child.pid, tmp_path)
        assert not session_module.runs_here(child.pid, tmp_path / "usr")
        program.unlink()
        program.touch()
        assert not session_module.runs_here(child.pid, tmp_path)
        child.kill()
    assert not session_module.runs_here(0, tmp_path)


def test_the_first_container_tells_whether_containers_have_a_kernel_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "call", driver.call)
    program = fake_runtime.write(tmp_path / "fake")
    other = "Linux 4.4.0 #1 SMP x86_64"
    # A container can be made to say anything (setarch --uname-2.6): what this kernel runs has no other.
    for kernel, here, own in ((probe.kernel(), False, False), (other, False, True), (other, True, False)):
        monkeypatch.setattr(probe, "kernel", lambda kernel=kernel: kernel)
        monkeypatch.setattr(session_module, "runs_here", lambda *_args, here=here: here)
        session = Session(Setup(Request(str(program))))
        try:
            session.open()
            session.smoke()
            assert session.stage.own_kernel == own
            assert ("finds itself on 'Linux " in session.own_kernel) == own
            assert bool(session.own_kernel) == own
        finally:
            session.close()


def test_a_process_that_waits_for_somebody_does_not_work() -> None:
    process = subprocess.Popen(["sleep", "60"])
    try:
        deadline = time.monotonic() + 20
        while processes.works(process.pid, cgroups.frozen) and time.monotonic() < deadline:
            continue  # until it is no more the interpreter that forked
        assert not processes.works(process.pid, cgroups.frozen)
    finally:
        process.kill()
        process.wait()


def test_a_process_below_it_counts() -> None:
    process = subprocess.Popen(["sh", "-c", "while :; do :; done & wait"], start_new_session=True)
    try:
        time.sleep(0.2)
        assert processes.works(process.pid, cgroups.frozen)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_nothing_works_where_there_is_no_process() -> None:
    assert not processes.works(2**22 + 1, cgroups.frozen, 0.0)


def test_a_process_that_does_something_small_now_and_then_does_not_work() -> None:
    """A kernel that runs in a process has such an idle life, and so it looked as if it was at work."""
    work = "    end = time.monotonic() + 0.03\n    while time.monotonic() < end: pass\n"
    pulse = f"import time\nwhile True:\n{work}    time.sleep(0.4)"
    process = subprocess.Popen([sys.executable, "-c", pulse])
    try:
        time.sleep(0.5)
        assert not any(processes.works(process.pid, cgroups.frozen) for _ in range(2))
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("child", [False, True])
def test_work_in_bursts_is_work(child: bool) -> None:  # noqa: FBT001  # a parameter of the test
    """Whenever it is looked at: no look alone tells, and between two of them a burst may be over, or its process."""
    work = "end = time.process_time() + 0.12\n    while time.process_time() < end: pass\n"
    if child:
        work = f"pid = os.fork()\n    {work}    pid or os._exit(0)\n    os.waitpid(pid, 0)\n"
    process = subprocess.Popen([sys.executable, "-c", f"import os, time\nwhile True:\n    {work}    time.sleep(0.3)"])
    try:
        time.sleep(0.2)
        assert processes.works(process.pid, cgroups.frozen)
    finally:
        process.kill()
        process.wait()


def scripted(monkeypatch: pytest.MonkeyPatch, looks: list[processes._Work]) -> bool:
    """What comes of these looks, one after the other, a second apart."""
    clock, seen = iter(float(second) for second in range(100)), iter(looks)
    monkeypatch.setattr(processes, "time", SimpleNamespace(monotonic=lambda: next(clock), sleep=lambda _seconds: None))
    monkeypatch.setattr(processes, "_work", lambda _pid, _frozen: next(seen))
    return processes.works(1, cgroups.frozen)


def test_one_burst_anywhere_in_the_time_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was told idle by the first pause that was as long as the time between two looks."""
    for burst in range(1, 17):
        looks = [processes._Work(ready=False, used=3.0 * (look >= burst), waited={1: 0.0}) for look in range(17)]
        assert scripted(monkeypatch, looks), burst


def test_what_gets_no_processor_works_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """It used 4 of 160 hundredths, and waited for a processor for nearly all of the others."""
    looks = [
        processes._Work(ready=False, used=0.04 * look, waited={1: 0.9 * look, 2: 0.1 * look}) for look in range(17)
    ]
    assert scripted(monkeypatch, looks)
    looks = [processes._Work(ready=False, used=0.04 * look, waited={1: 0.1 * look}) for look in range(17)]
    assert not scripted(monkeypatch, looks)


def test_a_slow_runtime_does_not_move_all_deadlines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who takes long for the first container gets some times the time of the host, and is told so."""
    monkeypatch.setattr(operations, "call", driver.call)
    monkeypatch.setattr(session_module, "host_pace", lambda: 1.5)
    monkeypatch.setattr(session_module, "_MOST_OF_A_RUNTIME", 1.2)
    program = fake_runtime.write(tmp_path / "fake")
    slow = tmp_path / "slow"
    slow.write_text(f'#!/bin/sh\nsleep 0.3\nexec {program} "$@"\n', encoding="ascii")
    slow.chmod(0o755)
    session = Session(Setup(Request(str(slow))))
    try:
        session.open()
        session.smoke()
        assert session.stage.pace == pytest.approx(1.8)
        assert session.slow.startswith("the first container took ")
        assert session.slow.endswith(" s, and calls and waits get 1.8 times the usual time, no more")
        assert session.pace == 1.5
    finally:
        session.close()
