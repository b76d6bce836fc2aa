"""Finding what of a config causes what came of it: the fewest features, then the fewest members, that still do."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ocivalidate.bundle.api import check_config
from ocivalidate.runtime.exploring.building import beyond, built, settings_of
from ocivalidate.runtime.exploring.features import Place, Setting, Value
from ocivalidate.runtime.exploring.ground import Ground
from ocivalidate.runtime.exploring.shrinking import Budget, shrink
from ocivalidate.runtime.exploring.trying import Problem, Tried, attempt
from ocivalidate.runtime.verdicts import shown

_MOST_TRIES = 60  # for one problem: to find its features among all of a config
_MOST_TRIES_OF_MEMBERS = 24
_AGAIN = 2  # times that a problem has to show once more
_LONGEST_MEMBER = 160

Key = tuple[str, str]
_REFUSED = "refused"
_VARYING = re.compile(r"\"[^\"]*\"|'[^']*'|/[^\s:,]+|[0-9]+")


@dataclass(frozen=True, slots=True)
class Culprits:
    """The fewest members of a config that cause a problem. ``config``: with them alone, as it was run.

    ``parts``: the features with their values, as ``feature.value``.
    """

    features: tuple[str, ...]
    parts: tuple[str, ...]
    members: tuple[str, ...]
    config: Mapping[str, Any]
    problem: Problem
    refused: str = ""


@dataclass(slots=True)
class Known:
    """The features that were found to cause a problem, by its kind: they are tried first. Shared by all cases."""

    _found: dict[Key, list[frozenset[str]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, key: Key, values: Mapping[str, Value]) -> None:
        """Remember one."""
        found = frozenset(values)
        with self._lock:
            some = self._found.setdefault(key, [])
            if found not in some:
                some.append(found)

    def within(self, key: Key, values: Mapping[str, Value]) -> list[list[str]]:
        """Those that a config has, in its order."""
        with self._lock:
            some = [names for names in self._found.get(key, ()) if names <= values.keys()]
        return [[name for name in values if name in names] for names in some]


def _key(tried: Tried) -> Key:
    return (_REFUSED, _shape(tried.refused)) if tried.refused else tried.problems[0].key


def _shows(tried: Tried, key: Key) -> bool:
    if key[0] == _REFUSED:
        return bool(tried.refused) and _shape(tried.refused) == key[1]
    return tried.has(key)


def _shape(said: str) -> str:
    """What a runtime said, without numbers, paths and what it quotes: those differ between configs."""
    return _VARYING.sub("…", said)


class _Search:
    """Tries parts of one config, until what is left causes the problem and nothing less does."""

    def __init__(self, ground: Ground, key: Key) -> None:
        self.ground, self.key = ground, key
        self._seen: dict[str, Tried] = {}

    def fails(self, settings: Sequence[Setting]) -> bool:
        """Whether a config with these settings has the problem."""
        config = built(self.ground.trial.config(), settings)
        text = json.dumps(config)
        tried = self._seen.get(text) or attempt(self.ground, config)
        self._seen[text] = tried
        return _shows(tried, self.key)


def find(ground: Ground, values: Mapping[str, Value], tried: Tried, known: Known) -> Culprits | None:
    """What of ``values`` causes the (first) problem of a config; ``None`` if it does not come again.

    Raises :class:`CannotJudge`.
    """
    key = _key(tried)
    search = _Search(ground, key)

    def fails(names: Sequence[str]) -> bool:
        return search.fails(settings_of({name: values[name] for name in names}))

    names = next((some for some in known.within(key, values) if fails(some)), None)
    if names is None:
        if not any(_Search(ground, key).fails(settings_of(values)) for _ in range(_AGAIN)):
            return None
        names = shrink([*values], fails, Budget(_MOST_TRIES))
    few = {name: values[name] for name in names}
    known.add(key, few)
    settings = _fewest(search, settings_of(few))
    # Once more, alone in the journal, of which a script is made that does it again.
    ground.begin_anew()
    last = attempt(ground, built(ground.trial.config(), settings))
    if not _shows(last, key):
        return None
    problem = next((one for one in last.problems if one.key == key), Problem(*key))
    parts = tuple(f"{name}.{values[name].name}" for name in names)
    return Culprits(tuple(names), parts, _members(ground, settings), last.config, problem, last.refused)


def _fewest(search: _Search, settings: Sequence[Setting]) -> tuple[Setting, ...]:
    """The settings without the members that the problem does not need, as far as the config stays valid."""
    budget, kept = Budget(_MOST_TRIES_OF_MEMBERS), tuple(settings)
    base = search.ground.trial.config()
    fine = remarks(built(base, kept))
    smaller: tuple[Setting, ...] | None = kept
    while smaller is not None:
        kept = smaller
        smaller = next(
            (
                some
                for some in _one_less(kept)
                if remarks(built(base, some)) <= fine and budget.spend() and search.fails(some)
            ),
            None,
        )
    return kept


def _one_less(settings: tuple[Setting, ...]) -> Iterator[tuple[Setting, ...]]:
    """The settings without one of them, or without one member or entry of one."""
    for number, setting in enumerate(settings):
        if len(settings) > 1:
            yield settings[:number] + settings[number + 1 :]
        for value in _less(setting.value) if setting.place != Place.SAY else ():
            yield (*settings[:number], setting._replace(value=value), *settings[number + 1 :])


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
