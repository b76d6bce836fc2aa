"""What is drawn has the features in which runtimes are wrong together, and what is found is told by its members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from fixtures.mutants import exploring
from fixtures.mutants.operators.meetings import meet
from fixtures.mutants.tables.meetings import MEETINGS
from ocivalidate.runtime.driving import configs
from ocivalidate.runtime.exploring import drawing, table
from ocivalidate.runtime.exploring.building import beyond, built, settings_of, values_of
from ocivalidate.runtime.exploring.culprits import Culprits
from ocivalidate.runtime.exploring.trying import Problem
from ocivalidate.vocabulary.versions import RUNTIME_RELEASES

BASE = configs.base(RUNTIME_RELEASES[-1])
DRAWN = 200
OFTEN = 3


def drawn(seed: int) -> Sequence[Mapping[str, Any]]:
    levels = drawing.Levels.of(table.FEATURES)
    draws = (drawing.draw(levels, seed, number) for number in range(DRAWN))
    return [built(BASE, settings_of(values_of(table.FEATURES, draw))) for draw in draws]


def test_features_meet_often() -> None:
    every = drawn(seed=7)
    rare = {one.name for one in MEETINGS if sum(meet(config, one.known_by) for config in every) < OFTEN}
    assert rare == set()


def test_members_are_those_that_the_usual_config_has_not() -> None:
    base = {"a": {"b": 1, "c": [{"d": 1}, {"d": 2}]}, "e": [1]}
    assert [*beyond(base, base)] == []
    assert [*beyond({"a": {"b": 2, "c": [{"d": 1}, {"d": 2}]}, "e": [1]}, base)] == [("a.b", 2)]
    assert [*beyond({**base, "f": {"g": [1, 2]}}, base)] == [("f", {"g": [1, 2]})]
    more = {"a": {"b": 1, "c": [{"d": 1}, {"d": 3}, {"d": 2}]}, "e": [1]}
    assert [*beyond(more, base)] == [("a.c[1]", {"d": 3})]
    assert [*beyond({**base, "e": []}, base)] == [("e", [])]
    other = {"a": {"b": 1, "c": [{"d": 1}, {"d": 3}]}, "e": [1]}
    assert [*beyond(other, base)] == [("a.c[1]", {"d": 3})]
    less = {"a": {"b": 1, "c": [{"d": 1}]}, "e": [1]}
    assert [*beyond(less, base)] == [("no a.c[1]", {"d": 2})]
    config = {"hooks": {"poststop": [{"path": "/x"}]}, "linux": {"resources": {"cpu": {"cpus": "0", "shares": 2}}}}
    assert [place for place, _ in beyond(config, {"linux": {}})] == [
        "hooks.poststop",
        "linux.resources.cpu.cpus",
        "linux.resources.cpu.shares",
    ]
    assert [*beyond({"a": base["a"]}, base)] == []


def verdict(name: str, *members: str, configs_drawn: int = 7) -> exploring.Verdict:
    (meeting,) = exploring.chosen([name])
    culprits = (
        Culprits(("one", "other"), ("one.a", "other.b"), members, {}, Problem("runtime/clause", "wrong"))
        if members
        else None
    )
    return exploring.Verdict(meeting, configs_drawn, 2, culprits)


def test_what_is_found_is_told() -> None:
    said = "found    a quota undoes shares: config 7, the 2. with both; 2 members: a 1, b 2 (runtime/clause)"
    assert str(verdict("undoes shares", "a 1", "b 2")) == said
    assert str(verdict("undoes shares")) == "NOT FOUND a quota undoes shares: met in 2 of 7 configs"


def test_too_few_or_too_large_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    small, large = verdict("undoes shares", "a"), verdict("undoes shares", *"abcdefg")
    assert exploring.tell([small] * 19 + [verdict("undoes shares")], 1.0) == 0
    assert exploring.tell([small] * 18 + [verdict("undoes shares")], 1.0) == 1
    assert exploring.tell([small, large], 1.0) == 1
    assert capsys.readouterr().out.splitlines()[-1] == (
        "2 of 2 found, the last in config 7; 1 with more than 6 members; 1 s"
    )
