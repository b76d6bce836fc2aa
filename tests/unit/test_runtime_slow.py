"""What a slow machine keeps a runtime from doing in time cannot be judged; it is no failure of the runtime."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fixtures import fake_runtime
from ocivalidate.errors import CannotJudge
from ocivalidate.rules.clauses import load
from ocivalidate.rules.findings import Outcome, Result
from ocivalidate.runtime.case_context import CaseContext
from ocivalidate.runtime.case_helpers import hook_containers
from ocivalidate.runtime.case_helpers.tracing import Trace
from ocivalidate.runtime.cases import Case
from ocivalidate.runtime.driving import container, driver, operations
from ocivalidate.runtime.driving.container import Container
from ocivalidate.runtime.kernel import cgroups, processes
from ocivalidate.runtime.protocol import Request
from ocivalidate.runtime.running import session
from ocivalidate.runtime.running.attempt import attempt
from ocivalidate.runtime.running.session import Session, Setup
from tests.unit import faking
from tests.unit.faking import Faked

CREATES = "runtime/runtime.create.creates"


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faked]:
    yield from faking.faked(tmp_path_factory.mktemp("fake"))


def tried(fake: Faked, run: Callable[[CaseContext], None], timeout: float = 30.0) -> Result:
    stage = replace(fake.stage, folder=Path(tempfile.mkdtemp(dir=fake.stage.folder)), accepted=set())
    [result] = attempt(stage, Case("a.case", run, (CREATES,), timeout=timeout), [load("runtime")[CREATES]]).results
    return result


SLOW_CALLS: dict[str, Callable[[CaseContext, Container], object]] = {
    "create": lambda trial, one: trial.expect(CREATES, "it is accepted", got=one.create().refused),
    "start": lambda trial, one: trial.expect(CREATES, "it is not started", got=one.must_create().start().ok),
    "state": lambda trial, one: trial.expect(CREATES, "it is not there", got=one.must_create().exists()),
    "status": lambda trial, one: trial.expect(CREATES, "it is none", got=one.must_create().status(), want="created"),
    "kill": lambda trial, one: trial.expect(CREATES, "it is not killed", got=one.must_create().kill().ok),
    "delete": lambda trial, one: trial.expect(CREATES, "it is not refused", got=one.must_create().delete().refused),
}


@pytest.mark.parametrize("operation", SLOW_CALLS)
def test_a_call_that_does_not_end_in_time_is_an_error(
    operation: str, fake: Faked, monkeypatch: pytest.MonkeyPatch
) -> None:
    word, real = {"status": "state"}.get(operation, operation), faking.forked

    def slow(argv: Any, **named: Any) -> Any:
        done = real(argv, **named)
        return replace(done, ended="timeout", status=-9) if word in argv else done

    monkeypatch.setattr(operations, "call", slow)
    result = tried(fake, lambda trial: cast(None, SLOW_CALLS[operation](trial, trial.container(trial.config("wait")))))
    assert (result.outcome, result.reason.partition(" within")[0]) == (Outcome.ERROR, f"{word} did not end")


def test_a_case_that_is_over_while_it_waits_for_a_status_is_an_error(
    fake: Faked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container, "_STATUS_PATIENCE", 60.0)

    def waits(trial: CaseContext) -> None:
        made = trial.container(trial.config("wait")).must_create().must_start()
        trial.expect(CREATES, "it is not stopped", got=made.wait_for_status("stopped"), want="stopped")

    result = tried(fake, waits, 1.0)
    assert result.outcome is Outcome.ERROR


def test_a_status_that_a_process_at_work_has_not_reached_is_an_error(
    fake: Faked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container, "_STATUS_PATIENCE", 0.2)

    def waits(trial: CaseContext) -> None:
        made = trial.container(trial.config("burn", "8", ",", "wait")).must_create().must_start()
        trial.expect(CREATES, "it is not stopped", got=made.wait_for_status("stopped"), want="stopped")

    result = tried(fake, waits)
    assert (result.outcome, result.reason) == (
        Outcome.ERROR,
        "waited in vain for the status stopped, and the container is still at work",
    )


def test_children_count_where_the_kernel_does_not_list_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """User-mode Linux has no /proc/PID/task/TID/children."""
    monkeypatch.setattr(processes, "_CHILDREN", "/proc/{process}/task/{thread}/nosuch")
    process = subprocess.Popen(["sh", "-c", "while :; do :; done & wait"], start_new_session=True)
    try:
        time.sleep(0.2)
        assert processes.works(process.pid, cgroups.frozen)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_process_that_is_to_end_gets_the_time_of_a_slow_machine() -> None:
    process = subprocess.Popen(["sleep", "60"])
    threading.Timer(2.0, process.kill).start()
    assert hook_containers.ends(process.pid, 20.0)
    process.wait()
    busy = subprocess.Popen(["sh", "-c", "while :; do :; done"])
    try:
        with pytest.raises(CannotJudge, match=f"process {busy.pid} has not ended yet, and is still at work"):
            hook_containers.ends(busy.pid, 0.1)
    finally:
        busy.kill()
        busy.wait()


def test_traces_are_waited_for_as_long_as_a_slow_machine_takes(fake: Faked) -> None:
    stage = replace(fake.stage, folder=Path(tempfile.mkdtemp(dir=fake.stage.folder)), pace=10.0)
    trial = CaseContext(stage, Case("slow.trace", lambda _trial: None, (CREATES,)))
    made, trace = hook_containers.prepared(trial)
    threading.Timer(1.0, lambda: trace.file.write_text("{'name': 'prestart/0'}\n", encoding="ascii")).start()
    assert cast(Any, Trace.wait(trace, "prestart/0", 0.3)).name == "prestart/0"
    assert made.runtime.pace == 10.0


def test_a_slow_machine_gives_the_first_container_more_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(operations, "call", driver.call)
    monkeypatch.setattr(session, "_SMOKE_PATIENCE", 0.5)
    program = fake_runtime.write(tmp_path / "fake")
    slow = tmp_path / "slow"
    slow.write_text(f'#!/bin/sh\nsleep 0.2\nexec {program} "$@"\n', encoding="ascii")
    slow.chmod(0o755)
    for pace, outcome in ((1.0, "no container can be run"), (20.0, "")):
        monkeypatch.setattr(session, "host_pace", lambda pace=pace: pace)
        opened = Session(Setup(Request(str(slow))))
        said = ""
        try:
            opened.open()
            opened.smoke()
            assert opened.stage.pace == 20.0
        except CannotJudge as problem:
            said = str(problem)
        finally:
            opened.close()
        assert said.startswith(outcome)
        assert bool(said) == bool(outcome)


def test_the_pace_of_a_host_is_that_of_an_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 0.01, 0.0, 2.0])
    monkeypatch.setattr(session, "time", SimpleNamespace(monotonic=lambda: next(times)))
    assert session.host_pace() == 1.0
    assert session.host_pace() == pytest.approx(2.0 / session._USUAL_START)
