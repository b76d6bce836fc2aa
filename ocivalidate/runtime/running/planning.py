"""Planning which cases are tried and which of their clauses are judged, before anything runs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ocivalidate.rules.clauses import Clause, Level, Selection, load, matches
from ocivalidate.runtime.cases import Case
from ocivalidate.runtime.properties import in_release, property_clause


@dataclass(frozen=True, slots=True)
class Planned:
    """A case and those of its clauses that are judged in this run: one result each."""

    case: Case
    clauses: tuple[Clause, ...]


def plan(
    cases: Sequence[Case],
    release: str,
    selection: Selection,
    only: Collection[str] = (),
    *,
    patterns: Sequence[str] = (),
) -> list[Planned]:
    """The cases with those of their clauses that ``release`` has and that are selected; ``last`` cases come last.

    ``only``: ids of cases to try, all if empty. ``patterns``: like those of a selection, but on case ids, too.
    """
    inventory = load("runtime", "safety")
    planned: list[Planned] = []
    for case in cases:
        if only and case.id not in only:
            continue
        named = any(matches(case.id, pattern) for pattern in patterns)
        clauses = tuple(
            clause
            for clause in (inventory[clause_id] for clause_id in _clause_ids(case, release))
            if clause.holds_in(release)
            and clause.level is not Level.MAY
            and not selection.ignores(clause)
            and (named or _selected(clause, selection, patterns))
        )
        if clauses:
            planned.append(Planned(case, clauses))
    return sorted(planned, key=lambda one: one.case.last)


def _clause_ids(case: Case, release: str) -> dict[str, None]:
    """The clauses that a case judges; those on properties only where one of its properties exists."""
    properties = (property_clause(pointer) for pointer in case.sets if in_release(pointer, release))
    return dict.fromkeys((*case.judges, *properties))


def _selected(clause: Clause, selection: Selection, patterns: Sequence[str]) -> bool:
    if patterns and not any(matches(clause.id, pattern) for pattern in patterns):
        return False
    return selection.wants(clause)
