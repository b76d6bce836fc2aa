"""A run whose engine runs somewhere else: all that the run sees of it are messages."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ocivalidate.runtime.options import RuntimeOptions

if sys.platform != "linux":
    pytest.skip("runtimes are driven on Linux", allow_module_level=True)

from ocivalidate.errors import CannotJudge, ProtocolError
from ocivalidate.rules.findings import ExitCode, Outcome, Result, exit_code
from ocivalidate.runtime.api import check_runtime, run_runtime
from ocivalidate.runtime.launching import engine_command, run_events
from ocivalidate.runtime.protocol import (
    Bailout,
    Begin,
    Dump,
    End,
    Event,
    Plan,
    Request,
    Spent,
    read_event,
)
from ocivalidate.runtime.run import STRANGE, ExpectationFiles, Run
from tests.unit.engines import CREATES, HEADER, Elsewhere, Spoken, engine_of, result, saying

PLAN = Plan((("a.one", CREATES.id), ("a.two", CREATES.id)))
FOLDER, FILE = stat.S_IFDIR | 0o755, stat.S_IFREG | 0o640
END = End(complete=True, left=(), seconds=1.5, spent=Spent(2, 5, 1, 10, 20, 30))
WHOLE: list[Event] = [
    HEADER,
    PLAN,
    Begin("a.one"),
    Begin("a.two"),
    result("a.one"),
    Dump("a.two", "", FOLDER),
    Dump("a.two", "bundle", FOLDER),
    Dump("a.two", "bundle/config.json", FILE, b"{"),
    Dump("a.two", "bundle/config.json", FILE, b"}", 1),
    result("a.two", Outcome.ERROR),
    END,
]
STOPPED = replace(END, complete=False)
PASSED = [result(case) for case, _clause in PLAN.results]
OURS = ExpectationFiles(ours=False)


def test_a_run_elsewhere_is_a_run(tmp_path: Path) -> None:
    there = Elsewhere(Spoken(WHOLE, code=0))
    running = Run(Request("none", dump_dir=str(tmp_path)), OURS, there)
    steps = [*running]
    assert steps == [*WHOLE[:5], replace(result("a.two", Outcome.ERROR), dump=str(tmp_path / "a.two"))]
    report = running.report()
    assert (report.problem, report.complete, report.release) == ("", True, "1.2.0")
    assert report.release_note == ""
    assert report.facts == {
        **HEADER.facts,
        "planned": 2,
        "seconds": 1.5,
        "cases": 2,
        "places": {},
        "calls": 5,
        "containers": 1,
        "runtime_milliseconds": 10,
        "waiting_milliseconds": 20,
        "case_milliseconds": 30,
    }
    assert report.facts["runtime"]["command"] == ["/usr/bin/none"]
    assert report.facts["host"]["kernel"] == [6, 1]
    assert there.asked == [Request("none", dump_dir=str(tmp_path))]
    assert there.swept == []
    assert (tmp_path / "a.two" / "bundle" / "config.json").read_text() == "{}"
    assert [file.name for file in tmp_path.iterdir()] == ["a.two"]


def test_the_public_calls_take_a_launcher() -> None:
    events = [event for event in WHOLE if not isinstance(event, Dump)]
    results = [*run_runtime("none", None, RuntimeOptions(own_expectations=False, launcher=Elsewhere(Spoken(events))))]
    assert [(one.case, one.outcome) for one in results] == [("a.one", Outcome.PASS), ("a.two", Outcome.ERROR)]
    report = check_runtime("none", None, RuntimeOptions(own_expectations=False, launcher=Elsewhere(Spoken(events))))
    assert report.results == tuple(results)
    assert [*run_events(Request("none"), Elsewhere(Spoken(events)))] == events


def test_an_engine_that_cannot_be_started_is_told() -> None:
    class Nowhere(Elsewhere):
        def start(self, request: Request) -> Spoken:
            raise PermissionError(13, "Permission denied", request.runtime)

    with pytest.raises(CannotJudge, match=r"cannot be started: .*Permission denied"):
        Run(Request("none"), OURS, Nowhere(Spoken([])))


def test_an_interrupt_goes_where_the_engine_is() -> None:
    there = Elsewhere(Spoken([HEADER, PLAN, Begin("a.one"), result("a.one"), replace(END, complete=False)]))
    running = Run(Request("none"), OURS, there)
    running.stop()
    assert len([*running]) == 4
    assert there.engine.told == ["stop"]
    running.kill()
    assert there.engine.told == ["stop", "kill"]
    report = running.report()
    assert not report.complete
    assert report.facts["stopped"] == "interrupted after 1 of 2 results"


@pytest.mark.parametrize(
    ("said", "stopped"),
    [
        ([], "the engine ended before its work was done (exit code 70) after 0 of 0 results"),
        (
            [HEADER, PLAN, Begin("a.one")],
            "the engine ended before its work was done (exit code 70), while it tried a.one, after 0 of 2 results",
        ),
    ],
)
def test_an_engine_that_breaks_off_is_swept_where_it_was(said: list[Event], stopped: str) -> None:
    there = Elsewhere(Spoken(said, code=70))
    running = Run(Request("none"), OURS, there)
    assert [*running] == said
    assert there.swept == ["ocivalidate-none" if said else ""]
    report = running.report()
    assert report.facts["stopped"] == stopped
    assert exit_code([report]) == ExitCode.COULD_NOT_JUDGE


@pytest.mark.parametrize("code", [2, 3, 137])
def test_an_engine_that_breaks_off_after_its_last_word_did_not_come_to_its_end(code: int) -> None:
    """Whoever speaks in its place, and then ends it, gives no verdict."""
    there = Elsewhere(Spoken([HEADER, PLAN, *(Begin(case) for case, _ in PLAN.results), *PASSED, END], code=code))
    running = Run(Request("none"), OURS, there)
    assert [one for one in running if isinstance(one, Result)] == PASSED
    report = running.report()
    assert not report.complete
    assert report.facts["stopped"].startswith("the engine ended before its work was done")
    assert there.swept == ["ocivalidate-none"]
    assert exit_code([report]) == ExitCode.COULD_NOT_JUDGE


def test_a_bailout_is_the_problem() -> None:
    running = Run(Request("none"), OURS, Elsewhere(Spoken([HEADER, Bailout("no container", "try root")], code=2)))
    assert [*running] == [HEADER]
    report = running.report()
    assert (report.problem, report.facts["hint"]) == ("no container", "try root")


@pytest.mark.parametrize(
    "said",
    [
        [PLAN],
        [HEADER, HEADER],
        [HEADER, PLAN, PLAN],
        [HEADER, END],
        [HEADER, Begin("a.one")],
        [HEADER, PLAN, Begin("a.three")],
        [HEADER, PLAN, Begin("a.one"), Begin("a.one")],
        [HEADER, PLAN, result("a.one")],
        [HEADER, PLAN, Begin("a.two"), result("a.two")],
        [HEADER, PLAN, Begin("a.one"), result("a.one"), result("a.one")],
        [HEADER, PLAN, Begin("a.one"), Begin("a.two"), Dump("a.two", "", FOLDER)],
        [HEADER, PLAN, Begin("a.one"), Dump("a.one", "../x", FILE)],
        [HEADER, PLAN, Dump("a.one", "", FOLDER)],
        [HEADER, PLAN, STOPPED, STOPPED],
    ],
)
def test_what_comes_out_of_turn_is_no_verdict(said: list[Event], tmp_path: Path) -> None:
    there = Elsewhere(Spoken([*said, *WHOLE]))
    running = Run(Request("none", dump_dir=str(tmp_path)), OURS, there)
    steps = [*running]
    assert len(steps) < len(said)
    assert there.engine.told == ["kill"]
    report = running.report()
    assert report.problem.startswith(STRANGE)
    assert exit_code([report]) == ExitCode.COULD_NOT_JUDGE


@pytest.mark.parametrize(
    "said",
    [
        [HEADER, PLAN, END],
        [HEADER, PLAN, Begin("a.one"), Begin("a.two"), result("a.one"), END],
        [HEADER, PLAN, Begin("a.one"), STOPPED, result("a.one")],
        [HEADER, PLAN, STOPPED, Begin("a.one")],
        [HEADER, STOPPED],
    ],
)
def test_an_end_is_the_end_and_is_whole_with_all_results_alone(said: list[Event]) -> None:
    there = Elsewhere(Spoken(said))
    running = Run(Request("none"), OURS, there)
    assert len([*running]) < len(said)
    report = running.report()
    assert report.problem.startswith(STRANGE)
    assert exit_code([report]) == ExitCode.COULD_NOT_JUDGE


def test_files_that_nobody_asked_for_are_not_kept() -> None:
    running = Run(Request("none"), OURS, Elsewhere(Spoken(WHOLE)))
    assert [one.case for one in running if isinstance(one, Result)] == ["a.one"]
    assert running.report().problem.startswith(STRANGE)


def test_a_version_of_thousands_of_digits_is_one_that_nobody_knows(tmp_path: Path) -> None:
    known = tmp_path / "known.toml"
    known.write_text(
        'runtime = "none"\n[[expect]]\ncase = "*"\nclause = "runtime/runtime.create.applies-config"\nreason = "x"\n'
        'versions = "<2"\n'
    )
    header = replace(HEADER, runtime=replace(HEADER.runtime, version="9" * 5000))
    running = Run(Request("none"), ExpectationFiles((str(known),), ours=False), Elsewhere(Spoken([header, PLAN])))
    assert [*running] == [header, PLAN]


def test_an_engine_that_ends_in_the_midst_of_a_message_said_what_it_said_before() -> None:
    engine = engine_of(saying(b'{"type": "begin", "case": "a"}\n{"type": "beg', then="os._exit(3)"))
    assert [*engine] == [Begin("a")]
    assert engine.wait() == 3


def test_a_line_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from ocivalidate.runtime import protocol

    monkeypatch.setattr(protocol, "MOST_LINE", 1 << 20)
    engine = engine_of("import os\nwhile True: os.write(1, b'x' * 65536)")
    with pytest.raises(ProtocolError, match="too long"):
        list(engine)
    engine.kill()
    assert engine.wait() != 0


@pytest.mark.parametrize("line", [b"", b"\n", b"{}\n", b'{"type": "begin", "case": "a"}\n', b"x" * 100])
def test_an_engine_that_is_asked_nothing_it_knows_says_so(line: bytes) -> None:
    import subprocess

    done = subprocess.run(engine_command(), input=line, capture_output=True, timeout=60, check=False)
    assert done.returncode == 2
    event = read_event(done.stdout.rstrip(b"\n"))
    assert isinstance(event, Bailout)
    assert event.reason.startswith("cannot read the request: ")
    assert done.stderr == b""


def test_a_result_that_nobody_would_read_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A case may say of a runtime as much as it likes; what is too long to be told ends no run, and is no verdict."""
    from ocivalidate.runtime import protocol
    from ocivalidate.runtime.cases import Case
    from ocivalidate.runtime.running.attempt import Attempt
    from ocivalidate.runtime.running.engine import Engine, emitter

    monkeypatch.setattr(protocol, "MOST_LINE", 2000)
    long = replace(result("a.one", Outcome.FAIL), reason="x" * 3000)
    reading, writing = os.pipe()
    engine = Engine(Request("none", jobs=1), emitter(writing))
    engine._tell(Attempt(Case("a.one", lambda _trial: None, ()), (long, result("a.one"))))
    os.close(writing)
    with open(reading, "rb") as file:
        first, second = map(read_event, file.read().splitlines())
    assert isinstance(first, Result)
    assert (first.outcome, first.findings) == (Outcome.ERROR, ())
    assert first.reason.startswith("a result of ")
    assert first.reason.endswith(" bytes is too long, expected at most 2000")
    assert second == result("a.one")
