"""A violated MUST is an error, unless its clause is contested or an open list, with a reason that ``explain`` prints.

Every finding that any test makes is held to it too (``tests/conftest.py``).
"""

from __future__ import annotations

import pytest

from ocivalidate.rules.clauses import Clause, Severity, clause_from_json, load
from ocivalidate.rules.findings import Finding, Location
from tests.severities import FAMILIES, excused, fault_in, fault_of
from tests.unit.command_line import Command

CLAUSES = [clause for clause in load().values() if clause.family in FAMILIES]


def test_every_clause_of_the_inventory_weighs_what_its_level_says() -> None:
    assert [fault for fault in map(fault_of, CLAUSES) if fault] == []


def test_explain_prints_every_reason(say: Command) -> None:
    lowered = [clause for clause in CLAUSES if excused(clause)]
    told = say("explain", *(clause.id for clause in lowered), "--format", "json").json["clauses"]
    for clause, said in zip(lowered, told, strict=True):
        assert said.get("contested", "") == clause.contested
    texts = say("explain", *(clause.id for clause in lowered)).out
    assert texts.count("\n  contested  ") == sum(bool(clause.contested) for clause in lowered)
    assert texts.count("\n  open list  ") == sum(clause.open_list for clause in lowered)


def clause(level: str, **more: object) -> Clause:
    entry = {"id": "runtime/x", "level": level, "summary": "x", "judged": "static", "subject": "config"}
    return clause_from_json(entry | more)


@pytest.mark.parametrize(
    ("broken", "severity", "wrong"),
    [
        (clause("MUST"), Severity.ERROR, False),
        (clause("MUST NOT"), Severity.WARNING, True),
        (clause("MUST", severity="warning"), Severity.WARNING, True),
        (clause("MUST", severity="warning", contested="why"), Severity.WARNING, False),
        (clause("MUST", contested="why"), Severity.NOTE, False),
        (clause("MUST", open_list=True), Severity.WARNING, False),
        (clause("SHOULD"), Severity.WARNING, False),
        (clause("SHOULD"), Severity.NOTE, True),
        (clause("none", severity="error", id="safety/x"), Severity.WARNING, True),
        (clause("none", id="lint/x"), Severity.NOTE, False),
    ],
)
def test_rule(broken: Clause, severity: Severity, wrong: bool) -> None:  # noqa: FBT001 - a column of the table
    finding = Finding.__new__(Finding)
    for name, value in {"clause": broken, "severity": severity, "message": "", "location": Location()}.items():
        object.__setattr__(finding, name, value)
    assert bool(fault_in(finding)) == wrong


def test_a_test_that_makes_a_finding_against_the_rule_fails() -> None:
    with pytest.raises(AssertionError, match="nothing says why"):
        Finding(clause("MUST"), Severity.NOTE, "", Location())
