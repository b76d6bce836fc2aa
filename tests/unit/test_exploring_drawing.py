"""Drawing configs: any two values meet, the same seed draws the same, and nothing drawn is invalid."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Mapping

import pytest
from hypothesis import given, settings, strategies as st

from ocivalidate.bundle.api import check_config
from ocivalidate.rules.clauses import Severity
from ocivalidate.runtime.driving import configs
from ocivalidate.runtime.exploring import drawing
from ocivalidate.runtime.exploring.building import built, filled, settings_of, values_of
from ocivalidate.runtime.exploring.drawing import Levels
from ocivalidate.runtime.exploring.features import ABSENT, Feature
from ocivalidate.runtime.exploring.offers import in_release
from ocivalidate.runtime.exploring.table import FEATURES, KEPT_APART, apart
from ocivalidate.runtime.properties import properties
from ocivalidate.vocabulary.versions import RUNTIME_RELEASES, version_for

WORDS = {
    "sources": "/run/sources",
    "group": "/ocivalidate-0",
    "id": "drawn",
    "name": "ocivalidate-0-relative",
    **{f"joined:{kind}": f"/run/ns-{kind}" for kind in ("network", "uts", "ipc", "pid", "cgroup")},
}


def features_of(release: str) -> tuple[Feature, ...]:
    """What a release has of the tables."""
    some = [
        feature._replace(
            values=tuple(one for one in feature.values if all(in_release(place, release) for place in one.pointers()))
        )
        for feature in FEATURES
    ]
    return tuple(feature for feature in some if feature.values)


def config_of(draw: Mapping[str, str], release: str) -> dict[str, object]:
    values = values_of(features_of(release), draw)
    config = built(configs.base(version_for(release, RUNTIME_RELEASES)), settings_of(values))
    made: dict[str, object] = filled(config, WORDS)
    for hooks in made.get("hooks", {}).values():  # type: ignore[attr-defined]  # an object, where it is there
        for hook in hooks:
            hook |= {"path": "/run/hook", "args": ["hook"]}
    return made


def errors_in(config: Mapping[str, object]) -> list[str]:
    report = check_config(json.dumps(config).encode())
    assert not report.problem
    return [f"{one.clause.id}: {one.message}" for one in report.findings if one.severity is Severity.ERROR]


LATEST = RUNTIME_RELEASES[-1]
ALL = Levels.of(features_of(LATEST))


def test_every_pair_of_values_that_may_meet_is_drawn() -> None:
    rows = drawing.covering(ALL, 7)
    met = {
        (one, other)
        for row in rows
        for one, other in itertools.combinations(
            [(name, levels[number]) for name, levels, number in zip(ALL.names, ALL.levels, row, strict=True)], 2
        )
    }
    wanted = [
        ((one, level), (other, there))
        for (one, levels), (other, others) in itertools.combinations(zip(ALL.names, ALL.levels, strict=True), 2)
        for level, there in itertools.product(levels, others)
        if apart({one: level, other: there}) is None
    ]
    assert len(wanted) > 20_000
    assert [pair for pair in wanted if pair not in met] == []
    # Far fewer than 500: what a run of that many draws has all of them, and random ones.
    assert len(rows) < 160


def test_draws_have_nothing_that_is_kept_apart() -> None:
    for number in range(400):
        draw = drawing.draw(ALL, 3, number)
        assert apart({name: draw.get(name, ABSENT) for name in ALL.names}) is None


def test_a_draw_depends_on_the_seed_and_its_number_alone() -> None:
    numbers = [*range(len(drawing.covering(ALL, 5)) - 3, len(drawing.covering(ALL, 5)) + 20)]
    forward = [drawing.draw(ALL, 5, number) for number in numbers]
    drawing.covering.cache_clear()
    assert [drawing.draw(ALL, 5, number) for number in reversed(numbers)] == forward[::-1]
    assert [drawing.draw(ALL, 6, number) for number in numbers] != forward


def test_random_draws_differ_and_are_of_any_size() -> None:
    first = len(drawing.covering(ALL, 1))
    draws = [drawing.draw(ALL, 1, first + number) for number in range(100)]
    assert len({json.dumps(draw) for draw in draws}) > 95
    assert min(map(len, draws)) < 10
    assert max(map(len, draws)) > 35


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**63 - 1), st.integers(0, 9999), st.sampled_from(RUNTIME_RELEASES))
def test_nothing_drawn_is_rejected(seed: int, number: int, release: str) -> None:
    levels = Levels.of(features_of(release))
    dice = random.Random(f"config {seed} {number}")  # noqa: S311  # as draw makes it
    draw = levels.draw(drawing._random(levels, dice))  # drawing all pairs for each seed takes seconds
    assert errors_in(config_of(draw, release)) == []


@pytest.mark.parametrize("release", RUNTIME_RELEASES)
def test_nothing_of_the_draws_with_all_pairs_is_rejected(release: str) -> None:
    levels = Levels.of(features_of(release))
    for row in drawing.covering(levels, 0):
        assert errors_in(config_of(levels.draw(row), release)) == []


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_each_value_alone_is_valid_and_changes_the_config(feature: Feature) -> None:
    usual = config_of({}, LATEST)
    configs_of = [config_of({feature.name: one.name}, LATEST) for one in feature.values]
    assert [errors_in(config) for config in configs_of] == [[]] * len(feature.values)
    shown = [json.dumps(config) for config in [usual, *configs_of]]
    assert len({*shown}) == len(shown)


def test_the_tables_speak_of_what_is_there() -> None:
    values = {feature.name: {ABSENT, *(one.name for one in feature.values)} for feature in FEATURES}
    assert len(values) == len(FEATURES)
    for feature in FEATURES:
        assert len(values[feature.name]) == len(feature.values) + 1
        for one in feature.values:
            assert all(any(leaf.pointer.startswith(place) for leaf in properties()) for place in one.pointers()), one
    for row in KEPT_APART:
        assert {*row.values} <= values[row.feature] - {ABSENT}, row
        assert {*row.others} <= values[row.other] - {ABSENT}, row
        assert row.reason
