from __future__ import annotations

import pytest

from ocivalidate.rules.clauses import load
from ocivalidate.rules.findings import Outcome
from ocivalidate.runtime.verdicts import NOT_JUDGED, Unjudged, Verdict, results, shown

CREATES = load("runtime")["runtime/runtime.create.creates"]
STARTS = load("runtime")["runtime/runtime.start.runs-process"]
HELD = Verdict(CREATES.id, held=True, message="m")
FAILED = Verdict(CREATES.id, held=False, message="wrong", got="1", want="2", pointer="/root")


def outcomes(*verdicts: Verdict, unjudged: Unjudged = NOT_JUDGED, skips: dict[str, str] | None = None) -> list[Outcome]:
    return [result.outcome for result in results("a.case", [CREATES, STARTS], verdicts, skips or {}, unjudged)]


def test_what_was_declared_and_not_judged_is_an_error() -> None:
    assert outcomes(HELD) == [Outcome.PASS, Outcome.ERROR]


def test_one_comparison_that_failed_fails_the_clause() -> None:
    assert outcomes(HELD, FAILED, HELD)[0] is Outcome.FAIL


def test_a_case_that_skips_keeps_its_verdicts() -> None:
    assert outcomes(FAILED, unjudged=Unjudged(Outcome.SKIP, "no")) == [Outcome.FAIL, Outcome.SKIP]
    assert outcomes(HELD, skips={STARTS.id: "no"}) == [Outcome.PASS, Outcome.SKIP]


@pytest.mark.parametrize("outcome", [Outcome.ERROR, Outcome.SKIP])
def test_a_case_that_broke_keeps_what_it_found(outcome: Outcome) -> None:
    assert outcomes(FAILED, unjudged=Unjudged(outcome, "broke"))[0] is Outcome.FAIL


def test_a_case_that_broke_shows_nothing_to_hold() -> None:
    assert outcomes(HELD, unjudged=Unjudged(Outcome.ERROR, "broke")) == [Outcome.ERROR, Outcome.ERROR]
    assert outcomes(HELD, unjudged=Unjudged(Outcome.SKIP, "no")) == [Outcome.PASS, Outcome.SKIP]


def test_a_runtime_that_fails_halfway_fails_what_was_not_shown() -> None:
    found = results("a.case", [STARTS], [], {}, Unjudged(Outcome.FAIL, "create failed: no"))
    assert [finding.message for finding in found[0].findings] == ["create failed: no"]


def test_a_finding_names_case_values_and_pointer() -> None:
    (finding,) = results("a.case", [CREATES], [HELD, FAILED], {}, NOT_JUDGED)[0].findings
    assert (finding.message, finding.got, finding.want) == ("wrong", "1", "2")
    assert (finding.location.case, finding.location.pointer) == ("a.case", "/root")


def test_values_are_shown_as_json_and_not_at_length() -> None:
    assert shown({"b": 1, "a": [None]}) == '{"a": [null], "b": 1}'
    assert shown("text") == "text"
    assert len(shown("x" * 10_000)) < 500
    assert shown({1, 2} - {1}) == '"{2}"'
