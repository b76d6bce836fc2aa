from __future__ import annotations

import threading
import time

import pytest

from ocivalidate.runtime.cases import Case
from ocivalidate.runtime.running.scheduler import Scheduler

PATIENCE = 10.0


def cases(count: int, *alone: str) -> list[Case]:
    return [Case(f"a.{number}", lambda _trial: None, (), alone=alone) for number in range(count)]


def test_results_come_in_the_order_of_the_plan() -> None:
    def work(case: Case) -> str:
        time.sleep(0.02 if case.id == "a.0" else 0)
        return case.id

    assert list(Scheduler(cases(20), work, 4).results()) == [f"a.{number}" for number in range(20)]


def test_cases_run_beside_each_other() -> None:
    both = threading.Barrier(2, timeout=PATIENCE)
    assert len(list(Scheduler(cases(2), lambda _case: both.wait(), 2).results())) == 2


def test_cases_with_one_resource_never_overlap() -> None:
    busy = threading.Lock()

    def work(_case: Case) -> bool:
        free = busy.acquire(blocking=False)
        time.sleep(0.005)
        busy.release()
        return free

    assert all(Scheduler(cases(8, "netns"), work, 4).results())


def test_a_busy_resource_keeps_nobody_else_waiting() -> None:
    started = threading.Event()
    todo = [*cases(2, "netns"), Case("b.0", lambda _trial: None, ())]

    def work(case: Case) -> bool:
        if case.id == "a.0":
            return started.wait(PATIENCE)
        if case.id == "b.0":
            started.set()
        return True

    assert all(Scheduler(todo, work, 2).results())


def test_after_stop_no_case_begins() -> None:
    done: list[str] = []
    scheduler: Scheduler[str]

    def work(case: Case) -> str:
        done.append(case.id)
        scheduler.stop()
        return case.id

    scheduler = Scheduler(cases(10), work, 1)
    assert list(scheduler.results()) == ["a.0"]
    assert done == ["a.0"]


def test_a_harness_that_breaks_is_not_silent() -> None:
    def work(_case: Case) -> None:
        raise MemoryError("no")

    with pytest.raises(MemoryError):
        list(Scheduler(cases(3), work, 2).results())
