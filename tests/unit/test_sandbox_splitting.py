"""Several engines as one: together they say what one alone would say; and what becomes of one that breaks off."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from ocivalidate.errors import OptionError, ProtocolError
from ocivalidate.rules.clauses import load
from ocivalidate.rules.findings import Outcome, Result
from ocivalidate.runtime.kernel.host import Host
from ocivalidate.runtime.protocol import (
    Bailout,
    Begin,
    Dump,
    End,
    Event,
    Header,
    Order,
    Plan,
    Request,
    RuntimeFacts,
    Spent,
)
from ocivalidate.runtime.running.engine import NOTHING
from ocivalidate.runtime.sandbox import launcher, splitting
from ocivalidate.runtime.sandbox.splitting import SplitEngine, split
from ocivalidate.runtime.sandbox.wanted import Sandbox

CLAUSES = [*load("runtime")][:3]
HOST = Host(True, 0, 0, (6, 1), "6.1", "x86_64", (0,), "v2", (), (), (), (), (), (), False, False, 1024)
HEADER = Header(RuntimeFacts(("runc",), "runc", "1.1.5", "1.0.2", "", False), "1.0.2", "a", HOST, "ocivalidate-a")


def result(case: str, clause: str, outcome: Outcome = Outcome.PASS, reason: str = "") -> Result:
    return Result(load("runtime")[clause], outcome, case=case, reason=reason)


class Fake:
    """An engine that says this, and is then over; ``code`` is its exit code."""

    def __init__(self, events: Sequence[Event], code: int = 0, hung: str = "", *, strange: bool = False) -> None:
        self._events, self._code, self.hung, self._strange = events, code, hung, strange
        self.killed = self.waited = False

    def __iter__(self) -> Iterator[Event]:
        yield from self._events
        if self._strange:
            raise ProtocolError("no message")

    def stop(self) -> None:
        pass

    def kill(self) -> None:
        self.killed = True

    def wait(self) -> int:
        self.waited = True
        return self._code


def whole(cases: Sequence[str], *, fails: Sequence[str] = (), complete: bool = True, end: bool = True) -> list[Event]:
    """What an engine says that judges these cases by all clauses, each with a dump."""
    said: list[Event] = [HEADER, Plan(tuple((case, clause) for case in cases for clause in CLAUSES))]
    for case in cases:
        outcome = Outcome.FAIL if case in fails else Outcome.PASS
        said += [Begin(case), Dump(case, "", 0o40755), *(result(case, clause, outcome) for clause in CLAUSES)]
    return [*said, End(complete, (), 1.0, Spent(len(cases)))] if end else said


def joined(engines: Sequence[Fake], order: Sequence[str], everywhere: Sequence[str] = ()) -> tuple[list[Event], int]:
    """What they say together, in the order that an engine has to keep, and the exit code."""
    one, keeps = SplitEngine(engines, order, frozenset(everywhere)), Order()
    said = []
    for event in one:
        keeps.take(event)
        said.append(event)
    code = one.wait()
    assert all(engine.waited for engine in engines)
    return said, code


def told(said: Sequence[Event]) -> list[Event]:
    """All but when cases begin and how long it took."""
    return [event for event in said if not isinstance(event, Begin | End)]


CASES = [f"area.case-{number}" for number in range(9)]


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_they_say_what_one_would_say(count: int) -> None:
    said, code = joined([Fake(whole(CASES[number::count])) for number in range(count)], CASES)
    assert (told(said), code) == (told(whole(CASES)), 0)
    assert sorted(event.case for event in said if isinstance(event, Begin)) == CASES
    [end] = [event for event in said if isinstance(event, End)]
    assert (end.complete, end.spent.cases, end.stopped) == (True, 9, "")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=12), st.integers(0, 3), st.integers(0, 60))
def test_whatever_one_breaks_off_at_the_others_count(owners: list[int], broken: int, kept: int) -> None:
    cases = [f"a.{number:02}" for number in range(len(owners))]
    parts = [[case for case, owner in zip(cases, owners, strict=True) if owner == number] for number in range(4)]
    nothing: list[Event] = [HEADER, Bailout(NOTHING)]
    said_by = [whole(part) if part else nothing for part in parts]
    if parts[broken]:
        # It has planned, at least.
        said_by[broken] = said_by[broken][: 2 + kept % (len(said_by[broken]) - 2)]
    said, _code = joined([Fake(one, 0 if one[2:] else 2) for one in said_by], cases)
    results = {(one.case, one.clause.id): one.outcome for one in said if isinstance(one, Result)}
    assert [*results] == [(case, clause) for case in cases for clause in CLAUSES]
    lost = {case for (case, _), outcome in results.items() if outcome is Outcome.ERROR}
    assert lost <= {*parts[broken]}
    [end] = [event for event in said if isinstance(event, End)]
    assert end.complete == (not parts[broken])


def test_one_that_breaks_off_is_told_with_the_reason() -> None:
    engines = [Fake(whole(CASES[::2])), Fake([*whole(CASES[1::2])[:8], Bailout("its kernel panicked")], 2)]
    said, code = joined(engines, CASES)
    errors = [event for event in said if isinstance(event, Result) and event.outcome is Outcome.ERROR]
    # The second was in its second case.
    assert {one.case for one in errors} == {*CASES[3::2]}
    assert {one.reason for one in errors} == {"the guest that tried it broke off: its kernel panicked"}
    [end] = [event for event in said if isinstance(event, End)]
    assert (end.complete, end.stopped) == (False, "1 of 2 guests broke off: its kernel panicked")
    assert code == 0


def test_of_one_that_was_killed_something_may_be_left() -> None:
    said, code = joined([Fake(whole(CASES[::2])), Fake(whole(CASES[1::2])[:8], 137, "it was silent")], CASES)
    assert code == 137
    assert any(isinstance(event, Result) and event.reason.endswith(": it was silent") for event in said)


@pytest.mark.parametrize("cut", [0, 1])
def test_one_that_cannot_begin_ends_the_run(cut: int) -> None:
    engines = [Fake(whole(CASES[::2])), Fake([*whole(CASES[1::2])[:cut], Bailout("no memory", "give some")], 2)]
    said, code = joined(engines, CASES)
    assert (said[-1], code) == (Bailout("no memory", "give some"), 2)
    assert engines[0].killed
    assert not any(isinstance(event, Result | Begin) for event in said)


def test_a_part_may_have_nothing_to_do_but_not_all() -> None:
    said, _ = joined([Fake(whole(CASES)), Fake([HEADER, Bailout(NOTHING)], 2)], CASES)
    assert told(said) == told(whole(CASES))
    said, code = joined([Fake([HEADER, Bailout(NOTHING)], 2), Fake([HEADER, Bailout(NOTHING)], 2)], CASES)
    assert (said[-1], code) == (Bailout(NOTHING), 2)


def test_what_is_no_message_counts_for_all() -> None:
    engines = [Fake(whole(CASES[::2])), Fake(whole(CASES[1::2])[:6], strange=True)]
    one = SplitEngine(engines, CASES, frozenset())
    with pytest.raises(ProtocolError, match="no message"):
        list(one)
    one.wait()


def test_a_run_that_is_stopped_ends_before_the_first_case_that_was_not_tried() -> None:
    second = [*whole(CASES[1::2], end=False)[:7], End(complete=False, left=(), seconds=1.0)]
    said, code = joined([Fake(whole(CASES[::2])), Fake(second)], CASES)
    assert [one.case for one in said if isinstance(one, Result)][:: len(CLAUSES)] == CASES[:3]
    assert isinstance(said[-1], End)
    assert (said[-1].complete, said[-1].stopped, code) == (False, "", 0)


@pytest.mark.parametrize("finder", [None, 0, 1])
def test_what_looks_at_all_others_is_tried_by_each_part(finder: int | None) -> None:
    parts = [[CASES[0], "z.last"], [CASES[1], "z.last"]]
    engines = [Fake(whole(part, fails=["z.last"] if finder == number else [])) for number, part in enumerate(parts)]
    said, _ = joined(engines, [*CASES, "z.last"], ["z.last"])
    outcomes = [one.outcome for one in said if isinstance(one, Result) and one.case == "z.last"]
    assert outcomes == [Outcome.PASS if finder is None else Outcome.FAIL] * len(CLAUSES)


def test_one_that_is_far_ahead_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splitting, "MOST_WAITING", 4)
    go, ahead = threading.Event(), []

    class Slow(Fake):
        def __iter__(self) -> Iterator[Event]:
            for event in self._events:
                if isinstance(event, Dump):
                    go.wait(10)
                yield event

    class Fast(Fake):
        def __iter__(self) -> Iterator[Event]:
            for event in self._events:
                ahead.append(event)
                yield event

    engines = [Slow(whole(CASES[::2])), Fast(whole(CASES[1::2]))]
    threading.Timer(0.3, go.set).start()
    one = iter(SplitEngine(engines, CASES, frozenset()))
    seen = [next(one) for _ in range(3)]
    assert isinstance(seen[-1], Begin)
    while not go.is_set():
        assert len([event for event in ahead if not isinstance(event, Begin)]) <= 2 + 4 + 2
        go.wait(0.05)
    assert told([*seen, *one]) == told(whole(CASES))


def test_every_case_has_a_part_and_the_last_is_in_each() -> None:
    made = split(Request("runc", select=("devices", "state")), 3)
    assert len(made.requests) == 3
    assert made.everywhere
    shared = [case for part in made.requests for case in part.only if case not in made.everywhere]
    assert sorted(shared) == sorted({*made.order} - made.everywhere)
    assert all(made.everywhere <= {*part.only} for part in made.requests)
    assert all(case.startswith(("devices.", "state.")) for case in shared)
    sizes = [len(part.only) for part in made.requests]
    assert max(sizes) - min(sizes) <= 1


def test_there_are_no_more_parts_than_cases() -> None:
    assert len(split(Request("runc", only=("state.every-status",)), 8).requests) == 1
    # What selects nothing is told by the engine.
    assert [part.only for part in split(Request("runc", select=("runtime/none",)), 8).requests] == [()]


@pytest.mark.parametrize("guests", [0, -1, 33])
def test_a_number_of_guests_that_makes_no_sense(guests: int, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="--guests needs a number from 1 to 32"):
        launcher.SandboxLauncher(Sandbox("uml", kernel=str(tmp_path)), guests)
