"""One exploration: the cases that are made for a run, and what they have learnt of the runtime."""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ocivalidate.errors import ConfigRefused
from ocivalidate.rules.clauses import Severity, load
from ocivalidate.runtime.case_context import CaseContext
from ocivalidate.runtime.cases import Case
from ocivalidate.runtime.distinct import Sign, Told, hint_of, sign_of
from ocivalidate.runtime.driving import configs
from ocivalidate.runtime.driving.journal import Judged
from ocivalidate.runtime.exploring import drawing
from ocivalidate.runtime.exploring.building import built, settings_of, values_of
from ocivalidate.runtime.exploring.confirming import Rate, confirm
from ocivalidate.runtime.exploring.culprits import Culprits, Known, find
from ocivalidate.runtime.exploring.features import Feature, Value
from ocivalidate.runtime.exploring.ground import Ground
from ocivalidate.runtime.exploring.offers import Lacking, offer
from ocivalidate.runtime.exploring.table import FEATURES
from ocivalidate.runtime.exploring.trying import JOURNALS, REMOVES, Problem, Tried, attempt, has_own_users
from ocivalidate.runtime.judging.outside import INHERITED, INTERACTION, NEW, accepted_together
from ocivalidate.runtime.properties import property_clause
from ocivalidate.runtime.run_context import RunContext
from ocivalidate.runtime.verdicts import LONGEST_VALUE

_OF_EVERY_CONTAINER = (
    REMOVES,
    NEW,
    INHERITED,
    "runtime/config-linux.default-filesystems",
    "runtime/runtime-linux.dev-symlinks",
    "runtime/config-linux.default-devices",
)
_SECONDS_FOR_A_PART, _SECONDS_FOR_A_CONFIG = 30.0, 300.0
_MOST_FINDINGS = 4  # of one config: after each, it is tried without what caused it
CAUSES = "causes"
"""The note of a case that holds what was found: a list of :class:`Culprits`."""
_LEAST_OF_MEMBERS = 120  # of the members that are told, in characters
_NOTHING = "nothing that was seen of the container shows it"


class Part(NamedTuple):
    """One value of one feature."""

    feature: Feature
    value: Value

    @property
    def name(self) -> str:
        """How it is called."""
        return f"{self.feature.name}.{self.value.name}"


def part_names() -> Iterator[str]:
    """The ids of the cases of all parts."""
    return (f"parts.{Part(feature, value).name}" for feature in FEATURES for value in feature.values)


def config_name(number: int) -> str:
    """The id of the case of a config, by its number from 0."""
    return f"explore.{number + 1:05}"


class Exploration:
    """Makes the cases. ``count`` configs are drawn by ``seed`` from what ``lacking`` says that the host has."""

    def __init__(self, stage: RunContext, count: int, seed: int, lacking: Lacking) -> None:
        self._stage, self._count, self._seed = stage, count, seed
        self._offer = offer(stage, lacking)
        self._levels = drawing.Levels.of(self._offer.features)
        # Parts that the runtime refuses or gets wrong alone: what comes of them is told there. Cases only add to it.
        self._bad: set[str] = set()
        self._known, self._told = Known(), Told()

    # --- Parts

    def parts(self) -> list[Case]:
        """A case for each value that is drawn: whether the runtime takes it alone, and does what it asks for."""
        drawn = {f"{name}.{level}" for number in range(self._count) for name, level in self._draw(number).items()}
        every = (Part(feature, value) for feature in self._offer.features for value in feature.values)
        return [self._part(part) for part in every if part.name in drawn]

    def _part(self, part: Part) -> Case:
        values = {part.feature.name: part.value}
        return Case(
            f"parts.{part.name}",
            functools.partial(self._try_part, part),
            self._clauses([part.feature], values, of_every=False),
            timeout=_SECONDS_FOR_A_PART,
            summary=f"{part.feature.name} {part.value.name}, alone, is accepted and applied.",
        )

    def _try_part(self, part: Part, trial: CaseContext) -> None:
        self._bad.add(part.name)
        ground, config = Ground(trial), built(trial.config(), part.value.settings)
        tried = attempt(ground, config)
        if tried.refused:
            rate = confirm(lambda: bool(attempt(ground, config).refused), 1)
            said = tried.refused if rate.steady else f"{tried.refused} ({rate})"
            raise ConfigRefused(f"create failed: {said}", said, tried.config)
        if not tried.problems:
            self._bad.discard(part.name)
        _tell(trial, tried, _again(ground, config, tried))

    # --- Configs

    def configs(self) -> list[Case]:
        """A case for each config that is drawn."""
        return [self._config(number) for number in range(self._count)]

    def drawn(self, number: int) -> dict[str, Any]:
        """The config of a number, from 0, without parts that the runtime was seen to get wrong alone."""
        every = values_of(self._offer.features, self._draw(number))
        values = {name: value for name, value in every.items() if f"{name}.{value.name}" not in self._bad}
        return built(configs.base(self._stage.subject.oci_version), settings_of(values))

    def _draw(self, number: int) -> dict[str, str]:
        return drawing.draw(self._levels, self._seed, number)

    def _config(self, number: int) -> Case:
        draw = self._draw(number)
        values = values_of(self._offer.features, draw)
        features = [feature for feature in self._offer.features if feature.name in values]
        return Case(
            config_name(number),
            functools.partial(self._try_config, values),
            (INTERACTION, *self._clauses(features, values)),
            timeout=_SECONDS_FOR_A_CONFIG,
            summary=", ".join(f"{name} {level}" for name, level in draw.items()) or "nothing but the usual",
            last=True,
        )

    def _try_config(self, drawn: Mapping[str, Value], trial: CaseContext) -> None:
        values = {name: value for name, value in drawn.items() if f"{name}.{value.name}" not in self._bad}
        ground = Ground(trial)
        config = built(trial.config(), settings_of(values))
        tried = attempt(ground, config)
        # What other configs have shown is told, and not kept once more.
        kept = trial.notes[JOURNALS] = []
        for number in range(_MOST_FINDINGS):
            if not tried.refused and not tried.problems:
                break
            culprits = find(ground, values, tried, self._known)
            trial.runtime.journal = culprits.journal
            new = self._told.is_new(_sign(trial, culprits))
            _report(trial, culprits, name="config.json" if not kept else f"config-{len(kept) + 1}.json")
            if new:
                kept.append(trial.runtime.journal)
            if not culprits.features:
                break
            # What else is wrong shows without one of those that caused this; of many configs not always the same one,
            # so that each of them still meets all others.
            gone = culprits.features[zlib.crc32(f"{trial.case.id} {number}".encode()) % len(culprits.features)]
            values = {name: value for name, value in values.items() if name != gone}
            config = built(trial.config(), settings_of(values))
            tried = attempt(ground, config)
        if not any(verdict.clause == INTERACTION for verdict in trial.verdicts):
            trial.expect(INTERACTION, accepted_together("").message, got=True)
        _tell(trial, tried, _again(ground, config, tried))

    def _clauses(
        self, features: Iterable[Feature], values: Mapping[str, Value], *, of_every: bool = True
    ) -> tuple[str, ...]:
        """The clauses that a config with these values gives occasion to judge."""
        applied = (property_clause(pointer) for value in values.values() for pointer in value.pointers())
        own = [clause for feature in features for clause in feature.clauses]
        own += [clause for value in values.values() for clause in value.clauses]
        known = load("runtime", "safety")
        return tuple(
            clause
            for clause in dict.fromkeys((*applied, *own, *(_OF_EVERY_CONTAINER if of_every else ())))
            if known[clause].holds_in(self._stage.subject.release)
        )


def _again(ground: Ground, config: Mapping[str, Any], tried: Tried) -> Mapping[Problem, Rate]:
    """How often each problem of a config shows that is not looked into."""
    more: list[Tried] = []

    def shows(problem: Problem, number: int) -> bool:
        while len(more) <= number:
            more.append(attempt(ground, config))
        return more[number].has(problem.key)

    return {problem: _rate(shows, problem) for problem in tried.problems}


def _rate(shows: Callable[[Problem, int], bool], problem: Problem) -> Rate:
    numbers = itertools.count()
    return confirm(lambda: shows(problem, next(numbers)), 1)


def _tell(trial: CaseContext, tried: Tried, rates: Mapping[Problem, Rate]) -> None:
    """The verdicts on a config of which all was seen."""
    journal = trial.runtime.journal = tried.journal
    for clause in sorted(tried.held & set(trial.case.clauses)):
        trial.expect(clause, "", got=True)
    for problem in tried.problems:
        rate = rates[problem]
        clause = problem.clause if problem.clause in trial.case.clauses else trial.case.clauses[0]
        with _journaled_as(trial, Judged(clause, problem.message, problem.got, problem.want, problem.pointer)):
            trial.expect_that(
                clause,
                problem.message,
                held=False,
                got=": ".join(filter(None, (str(rate), problem.got))),
                want=problem.want,
                pointer=problem.pointer,
                severity=None if rate.confirmed else Severity.WARNING,
            )
    trial.runtime.journal = journal
    _skip_the_rest(trial)


def _skip_the_rest(trial: CaseContext) -> None:
    judged = {verdict.clause for verdict in trial.verdicts}
    rest = [clause for clause in trial.case.clauses if clause not in judged and clause not in trial.skips]
    if rest:
        trial.skip(_NOTHING, *rest)


def _told_of(trial: CaseContext, culprits: Culprits) -> tuple[str, Problem]:
    """The clause by which what was found is judged, and the problem that is told."""
    one = culprits.problem
    if culprits.refused:
        refused = accepted_together(culprits.refused)
        one = Problem(INTERACTION, refused.message, str(refused.got), str(refused.want))
    return one.clause if one.clause in trial.case.clauses else INTERACTION, one


def _sign(trial: CaseContext, culprits: Culprits) -> Sign:
    clause, one = _told_of(trial, culprits)
    return sign_of(clause, one.message, _hint(culprits), one.got)


def _hint(culprits: Culprits) -> str:
    return hint_of(f"parts.{name}" for name in culprits.parts)


def _report(trial: CaseContext, culprits: Culprits, name: str) -> None:
    """Tell what a config came to, and what of it caused that; keep the smallest such config in a file."""
    trial.notes.setdefault(CAUSES, []).append(culprits)
    clause, one = _told_of(trial, culprits)
    # In a user namespace the kernel itself refuses much, whoever asks.
    may = culprits.refused and (trial.may_refuse(culprits.config) or has_own_users(culprits.config))
    mild = (may and not trial.stage.strict) or not culprits.rate.confirmed
    with _journaled_as(trial, Judged(clause, one.message, one.got, one.want, one.pointer)):
        trial.expect_that(
            clause,
            one.message,
            held=False,
            got=_got(culprits, one),
            want=one.want,
            pointer=one.pointer,
            severity=Severity.WARNING if mild else None,
            hint=_hint(culprits),
        )
    # Only now: it is none of the files that a script looks for.
    (trial.folder / name).write_text(json.dumps(culprits.config, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _got(culprits: Culprits, one: Problem) -> str:
    """How often it shows, with which members, and what was got: members are cut before that is."""
    members = ", ".join(culprits.members)
    if not culprits.rate.confirmed:
        with_them = f"with all of {members}" if members else "with the usual config"
    else:
        with_them = f"with only {members}" if members else "with only the usual config"
    said = f"{culprits.rate}, {with_them}" if str(culprits.rate) else with_them
    room = max(_LEAST_OF_MEMBERS, LONGEST_VALUE - len(one.got) - len(": "))
    said = said if len(said) <= room else f"{said[: room - 1]}…"
    return f"{said}: {one.got}" if one.got else said


@contextlib.contextmanager
def _journaled_as(trial: CaseContext, judged: Judged) -> Iterator[None]:
    """Tell a journal of what a comparison got and nothing else: the script that does it again looks for that."""
    journal = trial.runtime.journal
    if journal is not None:
        journal.judged(judged)
    trial.runtime.journal = None
    try:
        yield
    finally:
        trial.runtime.journal = journal
