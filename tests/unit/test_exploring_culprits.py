"""What causes a failure is found on a runtime that is a function: whether it always shows, now and then, or once."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ocivalidate.runtime.driving import configs
from ocivalidate.runtime.exploring import culprits
from ocivalidate.runtime.exploring.building import built, settings_of
from ocivalidate.runtime.exploring.culprits import Culprits, Known, find
from ocivalidate.runtime.exploring.features import Value
from ocivalidate.runtime.exploring.ground import Ground
from ocivalidate.runtime.exploring.table import FEATURES
from ocivalidate.runtime.exploring.trying import Problem, Tried
from ocivalidate.vocabulary.versions import RUNTIME_RELEASES

WRONG = Problem("runtime/runtime.create.applies-config", "umask is lost", "22", "27", "/process/user/umask")
Config = Mapping[str, Any]


def drawn(*parts: str) -> dict[str, Value]:
    """The values of some parts, as ``feature.value``."""
    return {
        feature.name: value
        for feature in FEATURES
        for value in feature.values
        if f"{feature.name}.{value.name}" in parts
    }


class Runtime:
    """Where features meet it is wrong: always, or as often as ``answers`` say. ``calls``: how often it was tried."""

    def __init__(self, wrong: Callable[[Config], bool], refuses: str = "") -> None:
        self.wrong, self.refuses, self.calls = wrong, refuses, 0
        case = SimpleNamespace(timeout=300.0)
        runtime = SimpleNamespace(deadline=time.monotonic() + 300)
        usual = configs.base(RUNTIME_RELEASES[-1])
        trial = SimpleNamespace(config=lambda: usual, case=case, runtime=runtime, stage=SimpleNamespace(pace=1.0))
        self.ground = cast(Ground, SimpleNamespace(trial=trial))
        self.usual = usual

    def attempt(self, _ground: Ground, config: Config) -> Tried:
        self.calls += 1
        if not self.wrong(config):
            return Tried(config)
        return Tried(config, refused=self.refuses) if self.refuses else Tried(config, problems=(WRONG,))

    def find(self, values: Mapping[str, Value], known: Known | None = None) -> Culprits:
        """What causes the problem of a config that was seen to have it."""
        config = built(self.usual, settings_of(values))
        seen = Tried(config, refused=self.refuses) if self.refuses else Tried(config, problems=(WRONG,))
        return find(self.ground, values, seen, known or Known())


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Runtime]:
    def made(wrong: Callable[[Config], bool], refuses: str = "") -> Runtime:
        one = Runtime(wrong, refuses)
        monkeypatch.setattr(culprits, "attempt", one.attempt)
        return one

    return made


MANY = ("umask.usual", "terminal.on", "env.home", "groups.two", "root.readonly", "mount-tmpfs.data", "cwd.deep")


def meets(config: Config) -> bool:
    return bool(config["process"].get("terminal")) and "umask" in config["process"]["user"]


def test_what_always_shows_is_found_with_its_fewest_members(runtime: Callable[..., Runtime]) -> None:
    found = runtime(meets).find(drawn(*MANY))
    assert found.parts == ("umask.usual", "terminal.on")
    assert found.members == ("process.user.umask 23", "process.terminal true")
    assert (found.problem, str(found.rate)) == (WRONG, "")


@pytest.mark.parametrize("refuses", ["", "cannot open /proc/1234: no"])
@pytest.mark.parametrize("seed", range(4))
def test_what_shows_every_second_time_gets_no_cause_by_chance(
    runtime: Callable[..., Runtime], seed: int, refuses: str
) -> None:
    dice = random.Random(seed)  # noqa: S311  # nothing secret
    found = runtime(lambda config: meets(config) and dice.random() < 0.5, refuses).find(drawn(*MANY))
    assert {"umask.usual", "terminal.on"} <= {*found.parts}
    if found.rate.confirmed and str(found.rate):
        assert len(found.parts) <= 3
        assert f"of {found.rate.tried} tries" in str(found.rate)


def test_most_that_shows_every_second_time_has_just_what_it_takes(runtime: Callable[..., Runtime]) -> None:
    right = 0
    for seed in range(9):
        dice = random.Random(seed)  # noqa: S311  # nothing secret
        found = runtime(lambda config, dice=dice: meets(config) and dice.random() < 0.5).find(drawn(*MANY))
        right += found.parts == ("umask.usual", "terminal.on") and not found.rate.steady
    assert right >= 6


def test_what_never_shows_again_is_told_with_all_of_its_config(runtime: Callable[..., Runtime]) -> None:
    found = runtime(lambda _config: False).find(drawn(*MANY))
    assert {*found.parts} == {*MANY}
    assert (str(found.rate), found.problem) == ("shows in 1 of 6 tries", WRONG)


def test_what_shows_whatever_the_config_has_no_part_of_it_for_a_cause(runtime: Callable[..., Runtime]) -> None:
    found = runtime(lambda _config: True).find(drawn(*MANY))
    assert (found.parts, found.members) == ((), ())


def test_what_is_known_is_not_shrunk_again(runtime: Callable[..., Runtime]) -> None:
    known, one = Known(), runtime(meets)
    first = one.find(drawn(*MANY), known)
    before = one.calls
    again = one.find(drawn("umask.usual", "terminal.on", "rlimits.files", "hostname.short"), known)
    assert (again.parts, again.members) == (first.parts, first.members)
    assert one.calls == before + 1
    other = one.find(drawn("umask.none", "terminal.on", "rlimits.files", "hostname.short"), known)
    assert other.parts == ("umask.none", "terminal.on")


def test_a_hook_keeps_nothing_that_its_failure_does_not_take(runtime: Callable[..., Runtime]) -> None:
    found = runtime(lambda config: "poststart" in config.get("hooks", {})).find(drawn("hooks-poststart.two", *MANY))
    assert found.members == ("hooks.poststart [{}]",)
    of_env = runtime(lambda config: any("env" in hook for hook in config.get("hooks", {}).get("poststart", ())))
    assert of_env.find(drawn("hooks-poststart.with-env", *MANY)).members[0].startswith('hooks.poststart [{"env": ["')


def test_when_time_is_short_what_was_found_so_far_is_told(runtime: Callable[..., Runtime]) -> None:
    one = runtime(meets)
    one.ground.trial.runtime.deadline = time.monotonic()
    found = one.find(drawn(*MANY))
    assert {"umask.usual", "terminal.on"} <= {*found.parts}
    assert one.calls < 10
