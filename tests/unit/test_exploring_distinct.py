"""What an exploration found is told once, however many configs show it."""

from __future__ import annotations

import dataclasses

from ocivalidate.report.distinct import told
from ocivalidate.rules.clauses import Severity, load
from ocivalidate.rules.findings import Finding, Location, Outcome, Report, Result
from ocivalidate.runtime.distinct import Told, distinct, hint_of, sign_of

REFUSED = "a config is refused of which each part alone is accepted"
CLAUSE = load("runtime", "safety")["safety/runtime.interaction"]


def result(case: str, got: str, *parts: str, message: str = REFUSED, dump: str = "") -> Result:
    finding = Finding(CLAUSE, Severity.WARNING, message, Location(case=case), got, "", hint_of(parts))
    return Result(CLAUSE, Outcome.FAIL, "", (finding,), case, dump=dump)


PARTS = ("parts.user.new", "parts.time.later")
MANY = [
    result("explore.00001", "with only a, b: open `/p/1`: Permission denied", *PARTS, dump="kept/explore.00001"),
    result("explore.00002", "with only a: open `/p/22`: Permission denied", "parts.user.small", "parts.time.later"),
    result("explore.00003", "with only a: set 5: Invalid argument", *PARTS),
    result("explore.00004", "with only c: set 5: Invalid argument", "parts.pid.joined"),
]


def test_what_is_alike_is_told_once_with_the_number_of_configs() -> None:
    found = distinct(MANY)
    assert [(one.cases, one.case) for one in found] == [
        (2, "explore.00001"),
        (1, "explore.00003"),
        (1, "explore.00004"),
    ]
    assert found[0].dump == "kept/explore.00001"
    assert found[0].takes == "parts.user.new, parts.time.later"


def test_of_several_that_are_not_kept_the_smallest_is_told() -> None:
    found = distinct([dataclasses.replace(one, dump="") for one in MANY[:2]])
    assert [one.case for one in found] == ["explore.00002"]


def test_other_messages_and_other_lives_are_other_findings() -> None:
    lives = [result("lives.00001", "", *words, message="poststop ran 2 times") for words in (("create",), ("kill",))]
    assert len(distinct(lives)) == 2
    assert len(distinct([lives[0], result("lives.00002", "", "create", message="start ran 3 times")])) == 2
    assert len(distinct([lives[0], result("lives.00003", "", "create", message="poststop ran 3 times")])) == 1


def test_known_deviations_and_ordinary_failures_are_none() -> None:
    known = dataclasses.replace(MANY[0], outcome=Outcome.XFAIL)
    finding = dataclasses.replace(MANY[0].findings[0], hint="")
    assert distinct([known, dataclasses.replace(MANY[0], findings=(finding,))]) == []


def test_only_the_first_of_a_kind_is_new() -> None:
    shared = Told()
    signs = [sign_of(CLAUSE.id, REFUSED, one.findings[0].hint, one.findings[0].got) for one in MANY]
    assert [shared.is_new(sign) for sign in signs] == [True, False, True, True]


def test_the_lines_say_it_all() -> None:
    report = Report(kind="runtime", subject="runc", specification="runtime-spec", release="1.2.0")
    assert [*told(report)] == []
    assert [*told(dataclasses.replace(report, facts={"distinct": []}))] == ["found: nothing"]
    some = dataclasses.replace(report, facts={"distinct": [one._asdict() for one in distinct(MANY[:2])]})
    assert [*told(some)] == [
        "found: 1 distinct",
        f"1. warning[safety/runtime.interaction]: {REFUSED} (2 cases, such as explore.00001)",
        "   takes parts.user.new, parts.time.later",
        "   got with only a, b: open `/p/1`: Permission denied",
        "   kept in kept/explore.00001",
    ]
