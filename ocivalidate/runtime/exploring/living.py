"""Living the lives of ``lives.py`` on a runtime, and shrinking what fails to the fewest moves."""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence

from ocivalidate.rules.clauses import Severity, load
from ocivalidate.runtime.case_context import CaseContext
from ocivalidate.runtime.cases import Case
from ocivalidate.runtime.distinct import Told, hint_of, sign_of
from ocivalidate.runtime.exploring import lives
from ocivalidate.runtime.exploring.confirming import ALWAYS, Rate, Shows, settled
from ocivalidate.runtime.exploring.one_life import STATUS_PATIENCE, Lived, live
from ocivalidate.runtime.exploring.shrinking import Budget, shrink
from ocivalidate.runtime.exploring.trying import JOURNALS
from ocivalidate.runtime.run_context import RunContext
from ocivalidate.vocabulary.versions import holds

_SECONDS = 120.0  # for a life with all its tries
_MOST_TRIES = 30  # to find the fewest moves
_HASTE = 0.5  # seconds in which a runtime is to notice something while a life is shrunk: what is found is confirmed
HOOKS_SINCE = "1.0.2"
_KEPT_BACK = 0.25  # of the time of a life, for what comes after shrinking
LIFE = "life"
"""The note of a case that holds the fewest words with which it fails."""


def cases(stage: RunContext, count: int, seed: int) -> list[Case]:
    """A case for each of ``count`` lives."""
    release = stage.subject.release
    known = load("runtime", "safety")
    clauses = tuple(clause for clause in lives.CLAUSES if known[clause].holds_in(release))
    hooks, shared = holds(release, HOOKS_SINCE, None), Told()
    found = []
    for number in range(count if stage.subject.isolates and stage.host.root else 0):
        life = lives.draw(seed, number, hooks=hooks)
        run = functools.partial(_try, life, shared)
        found.append(Case(lives.life_name(number), run, clauses, timeout=_SECONDS, summary=", ".join(life)))
    return found


def _try(life: Sequence[str], shared: Told, trial: CaseContext) -> None:
    lived = live(trial, life)
    if lived.problem is None:
        _tell(trial, lived)
        return
    search = _Search(trial, lived, life)
    fewest, rate = settled(tuple(life), search.shows, search.fewest)
    last = search.last[fewest]
    trial.notes[LIFE] = [*fewest]
    trial.runtime.journal = last.journal
    new = last.problem is None or shared.is_new(
        sign_of(last.problem.clause, last.problem.message, hint_of(fewest), last.problem.got)
    )
    _tell(trial, last, fewest, rate)
    # What other lives have shown is told, and not kept once more.
    trial.notes[JOURNALS] = [last.journal] if new else []
    (trial.folder / "config.json").write_text(last.config, "utf-8")


class _Search:
    """Lives a part of a life. ``last``: what came of those that showed the problem, when they were lived last."""

    def __init__(self, trial: CaseContext, lived: Lived, life: Sequence[str]) -> None:
        self._trial, self._sign = trial, _sign(lived)
        self.last, self._patience = {tuple(life): lived}, STATUS_PATIENCE
        self._until = trial.runtime.deadline - _SECONDS * trial.stage.pace * _KEPT_BACK

    def shows(self, words: tuple[str, ...]) -> bool:
        """Whether these words of the life show its problem."""
        lived = live(self._trial, words, self._patience)
        showed = _sign(lived) == self._sign
        if showed:
            self.last[words] = lived
        return showed

    def fewest(self, words: tuple[str, ...], shows: Shows[tuple[str, ...]]) -> tuple[str, ...]:
        """The fewest words that show it, and of these the plainest."""

        def fails(few: Sequence[str]) -> bool:
            # What was found so far is told when time is short.
            return time.monotonic() < self._until and shows(tuple(few))

        # What is found is confirmed with more patience.
        self._patience = _HASTE
        few = tuple(shrink(words, fails, Budget(_MOST_TRIES)))
        for number, word in enumerate(few):
            plainer = (*few[:number], lives.plainer(word), *few[number + 1 :])
            few = plainer if plainer != few and fails(plainer) else few
        self._patience = STATUS_PATIENCE
        return few


def _sign(lived: Lived) -> tuple[str, str]:
    return (lived.problem.clause, lived.problem.message) if lived.problem is not None else ("", "")


def _tell(trial: CaseContext, lived: Lived, fewest: Sequence[str] = (), rate: Rate = ALWAYS) -> None:
    problem = lived.problem
    for clause in sorted(lived.held & set(trial.case.clauses)):
        if problem is None or clause != problem.clause:
            trial.expect(clause, "", got=True)
    if problem is not None:
        words = f"after {', '.join(fewest)}"
        trial.expect_that(
            problem.clause,
            problem.message,
            held=False,
            got=" ".join(filter(None, (f"{rate}:" if str(rate) else "", problem.got, words))),
            want=problem.want,
            hint=hint_of(fewest),
            severity=None if rate.confirmed else Severity.WARNING,
        )
    rest = set(trial.case.clauses) - lived.held - ({problem.clause} if problem else set())
    if rest:
        trial.skip("this life gives no occasion", *sorted(rest))
