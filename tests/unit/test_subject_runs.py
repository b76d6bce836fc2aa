"""Runs of subjects held against each other, and against the bugs that runtimes shipped."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fixtures.subjects import subject
from fixtures.subjects.runs import CannotRun, Run, run
from fixtures.subjects.steady import bad, flips, load, summary
from ocivalidate import resources
from ocivalidate.runtime.running.loading import load_cases
from tests.museum.bugs import Bug, bugs, judged, unseen

CLAUSE = "runtime/runtime.create.applies-config"


def one(
    outcomes: Mapping[str, str], *, messages: Mapping[str, str] | None = None, reason: str = "", code: int = 0
) -> Run:
    """A run with one clause of each of these cases."""
    results = [
        {"case": case, "clause": CLAUSE, "outcome": outcome, "reason": reason} for case, outcome in outcomes.items()
    ]
    findings = [
        {"clause": CLAUSE, "location": {"case": case}, "message": message} for case, message in (messages or {}).items()
    ]
    return Run({"results": results, "findings": findings, "facts": {}}, code)


def test_a_flip_is_told_with_the_outcome_of_every_run() -> None:
    runs = [
        one({"a": "pass", "b": "pass"}),
        one({"a": "pass", "b": "fail"}, messages={"b": "late"}),
        one({"a": "pass"}),
    ]
    assert [str(flip) for flip in flips(runs)] == [f"b: {CLAUSE}: pass fail - (late)"]


def test_runs_that_agree_have_no_flip() -> None:
    assert flips([one({"a": "fail"}), one({"a": "fail"})]) == []


def test_what_a_run_ended_with_is_told() -> None:
    run = one({"a": "pass", "b": "fail", "c": "error"}, messages={"b": "wrong"}, reason="no time", code=2)
    assert summary(run) == "exit 2, 1 error, 1 fail, 1 pass"
    assert bad(run) == [f"fail b: {CLAUSE}: wrong", f"error c: {CLAUSE}: no time"]


def test_load_ends_with_its_context() -> None:
    before = children()
    with load(2):
        assert len(children() - before) == 2
    assert children() <= before


def children() -> set[str]:
    """The processes whose parent is this one."""
    own = str(os.getpid())
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            stat = (entry / "stat").read_text() if entry.name.isdigit() else ""
        except OSError:
            continue
        if stat and stat.rpartition(")")[2].split()[1] == own:
            found.add(entry.name)
    return found


def test_a_program_that_is_no_runtime_is_one_line() -> None:
    with pytest.raises(CannotRun) as told:
        run("/nosuch/runtime", "--select", "hooks")
    assert "\n" not in str(told.value)
    assert "/nosuch/runtime" in str(told.value)


def test_a_run_beyond_its_time_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fixtures.subjects.runs._PATIENCE", 0.001)
    with pytest.raises(CannotRun, match=r"^the run on /bin/true is not done after 0 seconds$"):
        run("/bin/true")


def bug(**more: Any) -> Bug:
    return Bug("b", "all", subject("runc@1"), subject("runc@2"), "a", (CLAUSE,), "it shows", **more)


@pytest.mark.parametrize(
    ("run", "message", "failed", "passed"),
    [
        (one({"a": "fail"}, messages={"a": "wrong"}), "*", True, False),
        (one({"a": "fail"}, messages={"a": "wrong"}), "wr*", True, False),
        # It fails, in another way: not this bug.
        (one({"a": "fail"}, messages={"a": "wrong"}), "late*", False, True),
        (one({"a": "pass"}), "*", False, True),
        (one({"a": "skip"}, reason="refused: no such flag"), "*", False, True),
        # Nothing was judged: neither.
        (one({"a": "skip"}, reason="no seccomp"), "*", False, False),
        (one({"a": "error"}, reason="no time"), "*", False, False),
        (one({"other": "pass"}), "*", False, False),
    ],
)
def test_what_a_run_says_of_a_bug(run: Run, message: str, failed: bool, passed: bool) -> None:  # noqa: FBT001
    verdict = judged(bug(message=message), run)
    assert (verdict.failed, verdict.passed) == (failed, passed)
    assert verdict.said


def test_every_bug_has_a_good_side_and_a_bad_one() -> None:
    listed = bugs()
    assert len({each.id for each in listed} | {each.id for each in unseen()}) == len(listed) + len(unseen())
    assert all(each.bad != each.good for each in listed)


def test_every_bug_names_a_case_and_what_it_judges() -> None:
    cases = {case.id: case for case in load_cases(resources.folder("conformance"))}
    for each in bugs():
        assert each.case in cases, each.id
        assert set(each.clauses) <= set(cases[each.case].clauses), each.id
