"""Faults where two features meet: they do nothing to a container that has one of them, whichever it is."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import pytest

from fixtures.mutants.operators import OPERATORS
from fixtures.mutants.operators.invocation import Invocation
from fixtures.mutants.operators.meetings import has, is_like
from fixtures.mutants.tables.config_features import CONFIG_FEATURES
from fixtures.mutants.tables.meetings import MEETINGS, Meeting
from ocivalidate import Selection, check_bundle
from ocivalidate.runtime.driving import configs
from ocivalidate.vocabulary.versions import RUNTIME_RELEASES

AREAS = {"process", "mounts", "namespaces", "cgroups", "seccomp", "hooks", "devices", "user namespaces"}
BASE = configs.base(RUNTIME_RELEASES[-1], "wait")


def with_features(*names: str) -> dict[str, Any]:
    config = BASE
    for name in names:
        for pointer, value in CONFIG_FEATURES[name].example.items():
            # Two features may need the same new entry.
            if pointer != "/linux/namespaces/-" or value not in config["linux"]["namespaces"]:
                config = configs.changed(config, pointer, value)
    return config


class LeftAlone(Exception):
    """The runtime was called as if the mutant were not there."""


class Recorded(Invocation):
    """A call of a runtime that notes the config that it gets."""

    def __init__(self, bundle: Path, command: str) -> None:
        super().__init__("runtime", [command, *(["--bundle", str(bundle)] if command == "create" else []), "id"])
        self.place = bundle
        self.got: Any = None

    def leave_alone(self) -> NoReturn:
        raise LeftAlone

    def run(self, arguments: Any = None) -> int:  # noqa: ARG002  # its signature
        self.got = json.loads((self.place / "config.json").read_text())
        return 0

    def state(self) -> dict[str, Any]:
        return {"id": "id", "bundle": str(self.place)}


def outcome(meeting: Meeting, config: Mapping[str, Any], bundle: Path) -> Any:
    """What the runtime gets to create of a config: a config, or ``refused``."""
    (bundle / "config.json").write_text(json.dumps(config))
    mutant = meeting.mutant
    for command in ("create", "start"):
        call = Recorded(bundle, command)
        try:
            code = OPERATORS[mutant.operator](call, **mutant.arguments)
        except LeftAlone:
            continue
        return "refused" if code else call.got
    return config


@pytest.mark.parametrize("meeting", MEETINGS, ids=lambda meeting: meeting.name)
def test_a_fault_shows_only_where_both_features_are(meeting: Meeting, tmp_path: Path) -> None:
    one, other = (with_features(name) for name in meeting.features)
    assert outcome(meeting, BASE, tmp_path) == BASE
    assert outcome(meeting, one, tmp_path) == one
    assert outcome(meeting, other, tmp_path) == other
    both = with_features(*meeting.features)
    got = outcome(meeting, both, tmp_path)
    assert got != both
    assert (got == "refused") == meeting.refused


@pytest.mark.parametrize("name", CONFIG_FEATURES)
def test_an_example_has_its_feature_and_is_valid(name: str, tmp_path: Path) -> None:
    feature = CONFIG_FEATURES[name]
    config = with_features(name)
    assert not has(BASE, feature.known_by)
    assert has(config, feature.known_by)
    (tmp_path / "rootfs").mkdir()
    (tmp_path / "config.json").write_text(json.dumps(config))
    report = check_bundle(tmp_path, Selection(platform="linux"))
    assert [finding.message for result in report.results for finding in result.findings] == []


def test_faults_are_spread_over_all_areas() -> None:
    count = Counter(meeting.area for meeting in MEETINGS)
    assert count.keys() == AREAS
    assert min(count.values()) >= 3
    assert sum(not meeting.refused for meeting in MEETINGS) >= 30
    assert sum(meeting.refused for meeting in MEETINGS) >= 4
    assert len({meeting.name for meeting in MEETINGS}) == len(MEETINGS)
    assert {name for meeting in MEETINGS for name in meeting.features} == set(CONFIG_FEATURES)


def test_a_feature_is_known_by_a_value_or_by_members() -> None:
    assert is_like("abc", "a.c")
    assert not is_like("abcd", "a.c")
    assert is_like(True, "true")
    assert not is_like(None, ".*")
    assert is_like(["x", "noexec"], "noexec")
    assert not is_like([], ".*")
    assert is_like({"type": "user", "path": "/x"}, {"type": "user"})
    assert not is_like({"path": "/x"}, {"type": ".*"})
    assert not is_like("user", {"type": "user"})
    assert is_like(0, None)
