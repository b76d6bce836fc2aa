"""Subjects by areas and clauses: the one model that every form of a matrix is written from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ocivalidate.errors import TooLarge
from ocivalidate.matrix.benches import Bench
from ocivalidate.matrix.subjects import FAILED, PASSED, RUNTIME, WORST, Point, Subject, ordered, worst
from ocivalidate.rules.clauses import RELEASES, Clause, Level, load
from ocivalidate.vocabulary.versions import NEXT


class Cell(NamedTuple):
    """What a subject does about a clause: the outcome, and the cases that it is made of, the worst first.

    ``reason``: why the clause was not judged, where it was not.
    """

    outcome: str
    points: tuple[Point, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Row:
    """A clause, with its cell for each subject of its sheet. ``clause`` is ``None`` for one that we do not know."""

    id: str
    area: str
    clause: Clause | None
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Area:
    """Clauses of one part of a specification."""

    name: str
    rows: tuple[Row, ...]

    def count(self, column: int) -> Counter[str]:
        """How many clauses came out how for the subject in a column."""
        return Counter(row.cells[column].outcome for row in self.rows)


@dataclass(frozen=True, slots=True)
class Sheet:
    """Subjects of one kind, which are judged by the same clauses."""

    kind: str
    subjects: tuple[Subject, ...]
    areas: tuple[Area, ...]

    @property
    def rows(self) -> list[Row]:
        """The rows of all areas."""
        return [row for area in self.areas for row in area.rows]

    def count(self, column: int) -> Counter[str]:
        """How many clauses came out how for the subject in a column."""
        return sum((area.count(column) for area in self.areas), Counter())


@dataclass(frozen=True, slots=True)
class Matrix:
    """All sheets, runtimes first, and what was measured, by date."""

    sheets: tuple[Sheet, ...]
    benches: tuple[Bench, ...] = ()

    @property
    def subjects(self) -> list[Subject]:
        """The subjects of all sheets."""
        return [one for sheet in self.sheets for one in sheet.subjects]


MOST_CELLS = 2_000_000
"""How many cells a sheet may have, which has one for each clause and run: at worst half a minute of work."""


def matrix(read: Iterable[Subject | Bench]) -> Matrix:
    """The matrix of what was read, whatever its order, each of it once.

    Raises :class:`TooLarge` where it would have more than :data:`MOST_CELLS` cells.
    """
    found = [*read]
    kinds: dict[str, list[Subject]] = {}
    for one in ordered(one for one in found if isinstance(one, Subject)):
        kinds.setdefault(one.kind, []).append(one)
    benches = {repr(one): one for one in found if isinstance(one, Bench)}
    measured = sorted(benches.values(), key=lambda one: (one.date, repr(one)))
    return Matrix(tuple(_sheet(kind, own) for kind, own in kinds.items()), tuple(measured))


def area_of(clause: str) -> str:
    """The area of a clause: its family, and the first two words of its name."""
    family, _slash, name = clause.partition("/")
    return f"{family}/{'.'.join(name.split('.')[:2])}"


def _sheet(kind: str, subjects: Sequence[Subject]) -> Sheet:
    inventory = load()
    said = [_by_clause(one) for one in subjects]
    known = {clause for of_one in said for clause in of_one}
    if kind == RUNTIME:
        # What a runtime could be judged by is a row even where no run has come to it.
        known |= {clause.id for clause in inventory.values() if _is_for_cases(clause)}
    if len(known) * len(subjects) > MOST_CELLS:
        told = f"{len(subjects):,} runs by {len(known):,} clauses"
        raise TooLarge(f"wanted at most {MOST_CELLS:,} results of one kind, got {told}: merge fewer reports")
    places = {clause: place for place, clause in enumerate(inventory)}
    areas: dict[str, list[Row]] = {}
    for clause in sorted(known, key=lambda one: (places.get(one, len(places)), one)):
        cells = tuple(_cell(one, clause, of_one) for one, of_one in zip(subjects, said, strict=True))
        row = Row(clause, area_of(clause), inventory[clause] if clause in places else None, cells)
        areas.setdefault(row.area, []).append(row)
    return Sheet(kind, tuple(subjects), tuple(Area(name, tuple(rows)) for name, rows in sorted(areas.items())))


def _is_for_cases(clause: Clause) -> bool:
    """Whether cases are there to judge it: nothing breaks what MAY be, and cases run on Linux."""
    dynamic = clause.family == RUNTIME and clause.judged == "dynamic"
    return dynamic and clause.level is not Level.MAY and clause.concerns({"linux"})


def _by_clause(one: Subject) -> dict[str, list[Point]]:
    found: dict[str, list[Point]] = {}
    for point in one.points:
        found.setdefault(point.clause, []).append(point)
    return found


def _cell(one: Subject, clause: str, said: Mapping[str, Sequence[Point]]) -> Cell:
    points = tuple(sorted(said.get(clause, ()), key=lambda point: (WORST.index(point.outcome), point)))
    outcome = worst(point.outcome for point in points)
    if outcome in PASSED or outcome in FAILED:
        return Cell(outcome, points, "")
    return Cell(outcome, points, _reason(one, clause, points))


def _is_release(text: str, clause: Clause) -> bool:
    """Whether a text, which anybody may have written, is a release of the specification of a clause."""
    return text == NEXT or text in RELEASES.get(clause.family, ())


def _reason(one: Subject, clause: str, points: Sequence[Point]) -> str:
    """Why a clause was not judged."""
    told = next((said.message for point in points for said in point.said if said.message), "")
    if points:
        return told or "no reason is given"
    if one.problem:
        return one.problem
    stated = load().get(clause)
    if stated is not None and _is_release(one.release, stated) and not stated.holds_in(one.release):
        bounds = [f"since {stated.since}"] * bool(stated.since) + [f"until {stated.until}"] * bool(stated.until)
        return f"{one.specification or stated.family} {one.release} does not have this clause ({', '.join(bounds)})"
    return "no case of this run is about it"
