"""What hangs is told, and the run comes to its end all the same."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

if sys.platform != "linux":
    pytest.skip("runtimes are driven on Linux", allow_module_level=True)

from ocivalidate.rules.findings import ExitCode, Outcome, Result, exit_code
from ocivalidate.runtime import launching, run
from ocivalidate.runtime.cases import Case
from ocivalidate.runtime.kernel import seccomp
from ocivalidate.runtime.kernel.seccomp import Listener
from ocivalidate.runtime.protocol import Alive, Begin, Event, Plan, Request, write
from ocivalidate.runtime.running import engine as engine_module
from ocivalidate.runtime.running.engine import Engine
from ocivalidate.runtime.running.scheduler import Scheduler
from ocivalidate.runtime.running.watchdog import Watchdog, Watched
from tests.unit.engines import CREATES, HEADER, Started, engine_of, saying


def cases(*ids: str, timeout: float = 30.0) -> list[Case]:
    return [Case(one, lambda _trial: None, (), timeout=timeout) for one in ids]


def test_what_takes_too_long_is_told_with_its_place() -> None:
    told: list[str] = []
    release = threading.Event()

    def overdue(one: Watched) -> None:
        told.append(one.words())
        release.set()

    watchdog = Watchdog(overdue)

    def hangs_for_a_while() -> None:
        release.wait(10)

    with watchdog.awake(pause=0.01), watchdog.over("quick", 10), watchdog.over("slow", 0.05):
        hangs_for_a_while()
    (line,) = told
    assert line.startswith("slow made no progress for 0 s, in wait (threading.py:")
    assert "hangs_for_a_while (test_runtime_watchdog.py:" in line


def test_what_is_done_in_time_is_not_told() -> None:
    told: list[Watched] = []
    watchdog = Watchdog(told.append)
    with watchdog.awake(pause=0.005):
        with watchdog.over("quick", 0.05):
            pass
        time.sleep(0.1)
    assert told == []


def test_a_case_that_is_given_up_does_not_hold_up_the_others() -> None:
    hangs = threading.Event()
    scheduler: Scheduler[str] = Scheduler(
        cases("a", "b", "c"), lambda case: (hangs.wait(10) and "") or "" if case.id == "a" else case.id, 2
    )
    threading.Timer(0.1, lambda: scheduler.abandon("a", "given up")).start()
    begun = time.monotonic()
    assert [*scheduler.results()] == ["given up", "b", "c"]
    assert time.monotonic() - begun < 5
    hangs.set()


def test_a_run_with_a_case_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The case is an error that tells where it hung, and the run ends."""
    events: list[Event] = []
    hangs = threading.Event()
    monkeypatch.setattr(engine_module, "GRACE", 0.1)
    monkeypatch.setattr(engine_module, "attempt", lambda *_: hangs.wait(10))
    engine = Engine(Request("none", jobs=1), events.append)
    [one, other] = cases("a.hangs", "a.never", timeout=0.1)
    todo = [SimpleNamespace(case=case, clauses=(CREATES,)) for case in (one, other)]
    session = cast(Any, SimpleNamespace(stage=SimpleNamespace(pace=1.0), pace=1.0, umask=None))
    with engine._watchdog.awake(pause=0.02):
        engine._try_all(session, cast(Any, todo))
    hangs.set()
    begin, result = events
    assert begin == Begin("a.hangs")
    assert isinstance(result, Result)
    assert result.outcome is Outcome.ERROR
    assert result.reason.startswith("a.hangs made no progress for 0 s, in wait (threading.py:")


def test_a_run_that_takes_too_long_gives_up_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each case has its result; the pace of the runtime does not count."""
    events: list[Event] = []
    monkeypatch.setattr(engine_module, "_WHOLE", 0.5)
    monkeypatch.setattr(engine_module, "_FOR_A_CASE", 0.3)
    done = SimpleNamespace(
        results=(), runtime_seconds=0.0, waited=0.0, seconds=0.0, calls=0, containers=0, operations={}
    )

    def tried(_stage: Any, case: Any, *_: Any) -> Any:
        time.sleep(1.5 * (case.id == "a.two"))
        return done

    monkeypatch.setattr(engine_module, "attempt", tried)
    engine = Engine(Request("none", jobs=1), events.append)
    todo = [SimpleNamespace(case=case, clauses=(CREATES,)) for case in cases("a.one", "a.two", "a.three")]
    session = cast(Any, SimpleNamespace(stage=SimpleNamespace(pace=1000.0), pace=1.0, umask=None))
    engine._try_all(session, cast(Any, todo))
    told = [event for event in events if isinstance(event, Result)]
    assert [(result.case, result.outcome, result.reason) for result in told] == [
        ("a.three", Outcome.ERROR, "not tried: the run has taken more than 0 min")
    ]


def test_an_engine_that_says_nothing_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launching, "SILENCE", 0.3)
    monkeypatch.setattr(launching, "_PAUSE", 0.02)
    engine = engine_of(saying(write(HEADER)))
    begun = time.monotonic()
    assert [*engine] == [HEADER]
    assert engine.wait() < 0
    assert engine.hung.startswith("the engine was silent for ")
    assert time.monotonic() - begun < 8


def test_an_engine_that_ignores_everything_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"STOPPING": 0.1, "_PAUSE": 0.02, "_DYING": 0.3}.items():
        monkeypatch.setattr(launching, name, value)
    text = (
        "import signal, time; signal.signal(15, signal.SIG_IGN)\n"
        f"while True: print({write(Alive()).decode()!r}, end='', flush=True); time.sleep(0.05)"
    )
    engine = engine_of(text)
    time.sleep(0.2)
    engine.stop()
    begun = time.monotonic()
    assert [*engine] == []
    assert engine.wait() == -9
    assert time.monotonic() - begun < 8


@pytest.mark.parametrize("obeys", [True, False])
def test_a_supervisor_ends_when_its_notifier_is_dead(
    *, obeys: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dead notifier hangs up, and is readable to some; on older kernels the answer would never come.

    A pipe without a writer stands for it. Where it is asked all the same, closing has a bound.
    """
    asked, hangs = threading.Event(), threading.Event()

    def never(*_: object) -> bool:
        asked.set()
        return hangs.wait(20)

    monkeypatch.setattr(seccomp, "_notifies", lambda _: True)
    monkeypatch.setattr(seccomp, "_PATIENCE", 0.5)
    monkeypatch.setattr(Listener, "_answer", never)
    listener = Listener(tmp_path / "s", 1)
    reading, writing = os.pipe()
    if not obeys:
        os.write(writing, b"!")
        time.sleep(0.01)
    with socket.socket(socket.AF_UNIX) as runtime:
        runtime.connect(str(tmp_path / "s"))
        socket.send_fds(runtime, [b"{}"], [reading])
        if obeys:
            os.close(writing)
        deadline = time.monotonic() + 5
        while not (asked.is_set() or (obeys and listener.messages and listener.messages[0].parts)):
            assert time.monotonic() < deadline
            time.sleep(0.01)
    time.sleep(0.1)
    begun = time.monotonic()
    listener.close()
    assert time.monotonic() - begun < 5  # of the 20 that it would hang
    assert asked.is_set() is not obeys
    hangs.set()
    os.close(reading)


@pytest.mark.parametrize(
    "forged",
    [
        b'{"type": "result"}\n',
        b'{"type": "plan", "results": [1]}\n',
        b"[1]\n",
        b"7\n",
        b'{"type": "end"}\n',
        b'{"type": {}}\n',
        b"{}\n",
        b"\xff\xfe\n",
        b"\n",
        write(Request("none")),
        write(Plan((("a", "b"),))),
        write(Begin("a.case")),
        write(HEADER) * 2,
    ],
)
def test_what_a_runtime_writes_in_place_of_the_engine_is_no_verdict(forged: bytes) -> None:
    """As root it can open the descriptors of the engine."""
    engine = engine_of(saying(forged))
    running = run.Run(Request("none"), run.ExpectationFiles(ours=False), Started(engine))
    begun = time.monotonic()
    assert len([*running]) == forged.count(b'"type": "header"') / 2
    report = running.report()
    assert report.problem.startswith(run.STRANGE)
    assert "\n" not in report.problem
    assert exit_code([report]) == ExitCode.COULD_NOT_JUDGE
    assert time.monotonic() - begun < 30
