"""The last line of a run says how much of a runtime a refusal has hidden, and that a slow one gets no more time."""

from __future__ import annotations

import pytest

from ocivalidate.report.summary import closing_line
from ocivalidate.rules.findings import Outcome, Report, Result
from tests.reports import CREATE


def run(passed: int, refused: int, **facts: str) -> str:
    results = [Result(CREATE, Outcome.PASS, case=f"a.{number}") for number in range(passed)]
    results += [Result(CREATE, Outcome.SKIP, "refused: no", case=f"b.{number}") for number in range(refused)]
    results += [Result(CREATE, Outcome.SKIP, "this host has none", case=f"c.{number}") for number in range(50)]
    report = Report(
        kind="runtime",
        subject="r",
        specification="runtime-spec",
        release="1.2.0",
        results=tuple(results),
        facts=dict(facts),
        complete=True,
    )
    return closing_line(report)


@pytest.mark.parametrize(("passed", "refused"), [(100, 0), (96, 4)])
def test_few_refusals_are_counted(passed: int, refused: int) -> None:
    line = run(passed, refused)
    assert line.startswith("r: conforms to runtime-spec 1.2.0: 1 clause judged, ")
    assert "INCOMPLETE" not in line
    assert (f"({refused} refused)" in line) == bool(refused)


def test_what_refuses_much_does_not_look_like_a_pass() -> None:
    assert run(20, 80) == (
        "r: conforms, where it did not refuse, to runtime-spec 1.2.0: 1 clause judged, 150 cases, 0 failed, "
        "130 skipped (80 refused), 0 expected failures; INCOMPLETE: the runtime refused what 80 of 100 verdicts rest "
        "on (failures with --strict)"
    )


def test_what_refuses_all_was_not_judged() -> None:
    assert run(0, 80).startswith("r: nothing was judged against runtime-spec 1.2.0: ")
    assert "; INCOMPLETE: the runtime refused what 80 of 80 verdicts rest on" in run(0, 80)


def test_a_slow_runtime_is_told() -> None:
    slow = "the first container took 14.0 s, and calls and waits get 10.0 times the usual time, no more"
    assert run(10, 0, slow=slow).endswith(f"; the runtime is slow: {slow}")


def test_what_was_believed_of_a_kernel_is_told() -> None:
    said = "the program of a container runs in no process that the runtime names, and finds itself on 'Linux 4.4.0'"
    want = f"; judged as one whose containers have a kernel of their own: {said}"
    assert run(10, 0, own_kernel=said).endswith(want)
    assert "kernel of their own" not in run(10, 0)
