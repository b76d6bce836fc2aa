"""Finding what of a config causes what came of it: the fewest features, then the fewest members, that still do."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ocivalidate.bundle.api import check_config
from ocivalidate.runtime.distinct import shape
from ocivalidate.runtime.driving.journal import Journal
from ocivalidate.runtime.exploring.building import beyond, built
from ocivalidate.runtime.exploring.confirming import ALWAYS, Rate, Shows, often, settled
from ocivalidate.runtime.exploring.features import Place, Setting, Value
from ocivalidate.runtime.exploring.ground import Ground
from ocivalidate.runtime.exploring.shrinking import Budget, shrink
from ocivalidate.runtime.exploring.trying import Problem, Tried, attempt
from ocivalidate.runtime.verdicts import shown

_MOST_TRIES = 60  # for one problem: to find its features among all of a config
_MOST_TRIES_OF_MEMBERS = 24
_LONGEST_MEMBER = 160
_KEPT_BACK = 0.25  # of the time of a case, for what comes after shrinking

Key = tuple[str, str]
_REFUSED = "refused"


class Owned(NamedTuple):
    """A setting, with the feature that it is of."""

    feature: str
    setting: Setting


Some = tuple[Owned, ...]
"""A part of a config."""


@dataclass(frozen=True, slots=True)
class Culprits:
    """The fewest members of a config that cause a problem. ``config``: with them alone, as it was run.

    ``parts``: the features with their values, as ``feature.value``. ``rate``: how often it showed with these members;
    one that is not confirmed never showed again, so that nothing is known of what causes it, and all members are there.
    ``journal``: of a try that showed it, where journals are kept.
    """

    features: tuple[str, ...]
    parts: tuple[str, ...]
    members: tuple[str, ...]
    config: Mapping[str, Any]
    problem: Problem
    refused: str = ""
    rate: Rate = ALWAYS
    journal: Journal | None = None


class Found(NamedTuple):
    """What was found to cause a problem: ``parts`` as of :class:`Culprits`."""

    parts: tuple[str, ...]
    some: Some
    rate: Rate


@dataclass(slots=True)
class Known:
    """What was found to cause a problem, by its kind: it is tried first. Shared by all cases."""

    _found: dict[Key, dict[tuple[str, ...], Found]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, key: Key, found: Found) -> None:
        """Remember one."""
        with self._lock:
            self._found.setdefault(key, {}).setdefault(found.parts, found)

    def same(self, key: Key, values: Mapping[str, Value]) -> list[Found]:
        """Those of which a config has all parts."""
        with self._lock:
            some = [*self._found.get(key, {}).values()]
        has = {f"{name}.{value.name}" for name, value in values.items()}
        return [one for one in some if has.issuperset(one.parts)]

    def alike(self, key: Key, values: Mapping[str, Value]) -> list[Some]:
        """What a config has of the features of those that were found, with whichever values."""
        with self._lock:
            some = dict.fromkeys(
                frozenset(one.feature for one in found.some) for found in self._found.get(key, {}).values()
            )
        return [
            owned({name: values[name] for name in values if name in names}) for names in some if names <= values.keys()
        ]


def owned(values: Mapping[str, Value]) -> Some:
    """All that some values set."""
    return tuple(Owned(name, setting) for name, value in values.items() for setting in value.settings)


def _settings(some: Some) -> tuple[Setting, ...]:
    return tuple(one.setting for one in some)


def _text(some: Some) -> str:
    return json.dumps(_settings(some))


def _features(some: Some) -> list[str]:
    return [*dict.fromkeys(one.feature for one in some)]


def _key(tried: Tried) -> Key:
    return (_REFUSED, shape(tried.refused)) if tried.refused else tried.problems[0].key


def _shows(tried: Tried, key: Key) -> bool:
    if key[0] == _REFUSED:
        return bool(tried.refused) and shape(tried.refused) == key[1]
    return tried.has(key)


class _Search:
    """Tries parts of one config: ``whole`` is all of it, which showed the problem when it was ``tried``."""

    def __init__(self, ground: Ground, whole: Some, tried: Tried) -> None:
        self.ground, self.key = ground, _key(tried)
        # What came of each part that showed the problem, when it was tried last.
        self._last = {_text(whole): tried}
        runtime, seconds = ground.trial.runtime, ground.trial.case.timeout * ground.trial.stage.pace
        self._until = runtime.deadline - seconds * _KEPT_BACK

    def shows(self, some: Some) -> bool:
        """Whether a config with this shows the problem."""
        tried = attempt(self.ground, built(self.ground.trial.config(), _settings(some)))
        showed = _shows(tried, self.key)
        if showed:
            self._last[_text(some)] = tried
        return showed

    def last(self, some: Some) -> Tried:
        """What came of a part that showed the problem."""
        return self._last[_text(some)]

    def fewest(self, some: Some, shows: Shows[Some]) -> Some:
        """The fewest features of what shows the problem, and the fewest members of these."""

        def fails(few: Some) -> bool:
            # What was found so far is told when time is short.
            return time.monotonic() < self._until and shows(few)

        names = shrink(_features(some), lambda few: fails(_of(some, few)), Budget(_MOST_TRIES))
        some = _of(some, names)
        if len(names) == 1 and fails(()):
            return ()
        return self._fewest_members(some, fails)

    def _fewest_members(self, some: Some, fails: Shows[Some]) -> Some:
        """What the problem needs of the members, as far as the config stays valid."""
        budget, base = Budget(_MOST_TRIES_OF_MEMBERS), self.ground.trial.config()
        fine = remarks(built(base, _settings(some)))
        smaller: Some | None = some
        while smaller is not None:
            some = smaller
            smaller = next(
                (
                    few
                    for few in _one_less(some)
                    if remarks(built(base, _settings(few))) <= fine and budget.spend() and fails(few)
                ),
                None,
            )
        return some


def _of(some: Some, names: Sequence[str]) -> Some:
    return tuple(one for one in some if one.feature in names)


def find(ground: Ground, values: Mapping[str, Value], tried: Tried, known: Known) -> Culprits:
    """What of ``values`` causes the (first) problem of a config.

    Raises :class:`CannotJudge`.
    """
    whole = owned(values)
    search = _Search(ground, whole, tried)
    key = search.key
    for one in known.same(key, values):
        if often(search.shows, one.rate.patience)(one.some):
            return _culprits(search, values, one.some, one.rate)
    begun = next((some for some in known.alike(key, values) if search.shows(some)), whole)
    some, rate = settled(begun, search.shows, search.fewest)
    if not rate.confirmed and begun != whole:
        some, rate = settled(whole, search.shows, search.fewest)
    found = _culprits(search, values, some, rate)
    if rate.confirmed:
        known.add(key, Found(found.parts, some, rate))
    return found


def _culprits(search: _Search, values: Mapping[str, Value], some: Some, rate: Rate) -> Culprits:
    """What is told of what was found."""
    last, names = search.last(some), tuple(_features(some))
    problem = next((one for one in last.problems if one.key == search.key), Problem(*search.key))
    parts = tuple(f"{name}.{values[name].name}" for name in names)
    members = _members(search.ground, _settings(some))
    return Culprits(names, parts, members, last.config, problem, last.refused, rate, last.journal)


def _one_less(some: Some) -> Iterator[Some]:
    """A part of a config without one of its settings, or without one member or entry of one."""
    for number, one in enumerate(some):
        if len(some) > 1:
            yield some[:number] + some[number + 1 :]
        setting = one.setting
        for value in _less(setting.value) if setting.place != Place.SAY else ():
            yield (*some[:number], one._replace(setting=setting._replace(value=value)), *some[number + 1 :])
        if setting.place.startswith(Place.HOOK) and len(setting.value) == 1:
            # A hook without anything is one all the same.
            yield (*some[:number], one._replace(setting=setting._replace(value={})), *some[number + 1 :])


def _less(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for name, member in value.items():
            if len(value) > 1:
                yield {other: kept for other, kept in value.items() if other != name}
            for less in _less(member):
                yield value | {name: less}
    elif isinstance(value, list) and len(value) > 1:
        half = len(value) // 2
        yield from ([*value[:half]], [*value[half:]])
        for number, entry in enumerate(value) if len(value) <= 8 else ():
            yield value[:number] + value[number + 1 :]
            yield from ([*value[:number], less, *value[number + 1 :]] for less in _less(entry))


def remarks(config: Mapping[str, Any]) -> set[str]:
    """The clauses of which ``ocivalidate bundle`` says something about a config."""
    return {finding.clause.id for finding in check_config(json.dumps(config).encode()).findings}


def _members(ground: Ground, settings: Sequence[Setting]) -> tuple[str, ...]:
    """What a config has beside the usual one, for readers."""
    base = ground.trial.config()
    config = built(base, settings)
    config["process"]["args"] = base["process"]["args"]
    lines = [f"{place} {shown(value)}" for place, value in beyond(config, base)]
    without = [f"no {setting.place.replace(':', ' ')}" for setting in settings if setting.value is None]
    said = [f"{Place.SAY} {shown(setting.value)}" for setting in settings if setting.place == Place.SAY]
    return tuple(
        line if len(line) <= _LONGEST_MEMBER else f"{line[:_LONGEST_MEMBER]}…" for line in (*lines, *said, *without)
    )
