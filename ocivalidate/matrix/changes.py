"""What changed from one matrix to another, and what of that is worse. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ocivalidate.matrix.model import Matrix
from ocivalidate.matrix.subjects import ABSENT, FAILED, PASSED, RUNTIME, Point, Subject
from ocivalidate.rules.findings import ExitCode

WORSE, UNSURE, FOUND, BETTER, GAINED, LOST, OTHER = "worse", "unsure", "found", "better", "gained", "lost", "other"
# In the order in which they are told.
WORDS: Mapping[str, str] = {
    WORSE: "got worse",
    UNSURE: "could not be judged now",
    FOUND: "fails, not judged before",
    BETTER: "got better",
    GAINED: "passes, not judged before",
    LOST: "no longer judged",
    OTHER: "fails in another way",
}
_WAYS = "ways"  # what was said decides
KEPT, BROKEN, ERROR, SKIP = "kept", "broken", "error", "skip"
GROUPS: Mapping[str, str] = {
    KEPT: "passed",
    BROKEN: "failed, known or not",
    ERROR: "could not be judged",
    SKIP: "skipped",
    ABSENT: "no case",
}
# What a change is: a row for each group before, a column for each group now; "" is none. A known failure is a failure,
# and one that is expected and does not come is a pass: what anybody knew of it says nothing of the runtime.
_TABLE = {
    #        kept    broken  error   skip  absent
    KEPT: ("", WORSE, UNSURE, LOST, LOST),
    BROKEN: (BETTER, _WAYS, LOST, LOST, LOST),
    ERROR: (GAINED, FOUND, "", "", ""),
    SKIP: (GAINED, FOUND, "", "", ""),
    ABSENT: (GAINED, FOUND, "", "", ""),
}
CHANGES = {(old, new): change for old, row in _TABLE.items() for new, change in zip(GROUPS, row, strict=True)}
_NUMBERS = re.compile(r"[0-9]+")


class Change(NamedTuple):
    """A clause in a case that came out otherwise. ``kind``: a key of :data:`WORDS`."""

    kind: str
    clause: str
    case: str
    old: Point | None
    new: Point | None

    @property
    def said(self) -> str:
        """What tells most of it: what is said of a failure now, else of the one before, else the reason now."""
        sides = [self.new, self.old]
        if _group(self.old) == BROKEN and _group(self.new) != BROKEN:
            sides.reverse()
        texts = [[one.message for one in side.said] if side else [] for side in sides]
        # Of two failures, what only one of them says.
        told = [text for text in texts[0] if text not in texts[1]] + [text for text in texts[1] if text not in texts[0]]
        return (told or [*texts[0], *texts[1], ""])[0]


class Compared(NamedTuple):
    """Two runs, what changed between them, how many results both have, and how they differ beside that."""

    old: Subject
    new: Subject
    changes: tuple[Change, ...]
    both: int
    notes: tuple[str, ...]

    @property
    def counts(self) -> Counter[str]:
        """How many changes there are of each kind."""
        return Counter(one.kind for one in self.changes)


class Difference(NamedTuple):
    """What two sets of reports differ in.

    ``unjudged``: what cannot be compared, a line for each; ``added``: what is only in the new ones.
    """

    compared: tuple[Compared, ...]
    unjudged: tuple[str, ...]
    added: tuple[str, ...]

    @property
    def exit_code(self) -> ExitCode:
        """1 where something got worse, 2 where that cannot be said."""
        counts = [one.counts for one in self.compared]
        if self.unjudged or not counts or any(one[UNSURE] for one in counts):
            return ExitCode.COULD_NOT_JUDGE
        return ExitCode.FINDINGS if any(one[WORSE] for one in counts) else ExitCode.CONFORMS


def difference(old: Matrix, new: Matrix) -> Difference:
    """What changed. Runs of one runtime are compared, whatever their versions, and never those of two."""
    pairs, gone, come = _paired(old.subjects, new.subjects)
    compared, unjudged = [], []
    for before, now in pairs:
        troubled = next((one for one in (before, now) if one.problem or not one.points), None)
        if troubled is not None:
            unjudged.append(f"{troubled.label} was not judged: {troubled.problem or 'it has no results'}")
            continue
        found = compare(before, now)
        compared.append(found)
        unjudged += [
            f"{one.label} has too many results: {one.clipped:,} not compared" for one in (before, now) if one.clipped
        ]
        if not found.both:
            unjudged.append(f"{before.label} and {now.label} have no result in common")
    if len(gone) == len(come) == 1 and not pairs:
        unjudged.append(f"{gone[0].label} and {come[0].label} are not the same: nothing can be compared")
        gone, come = [], []
    unjudged += [f"{one.label} is not in the new reports" for one in gone]
    return Difference(tuple(compared), tuple(unjudged), tuple(f"{one.label} is new" for one in come))


# What makes two runs comparable, the closest first.
_ALIKE: tuple[Callable[[Subject], tuple[str, ...]], ...] = (
    lambda one: (one.kind, one.name, one.version, one.host.get("cgroup_mode", ""), one.host.get("machine", "")),
    lambda one: (one.kind, one.name, one.version, one.host.get("cgroup_mode", "")),
    lambda one: (one.kind, one.name, one.version),
    lambda one: (one.kind, one.name, one.host.get("cgroup_mode", "")),
    lambda one: (one.kind, one.name),
)


def _paired(
    old: Sequence[Subject], new: Sequence[Subject]
) -> tuple[list[tuple[Subject, Subject]], list[Subject], list[Subject]]:
    """Which runs belong together, and which of each side belong to none: those that are alike and alone in it."""
    pairs: list[tuple[Subject, Subject]] = []
    for key in _ALIKE:
        done = {id(one) for pair in pairs for one in pair}
        sides = [_keyed([one for one in side if id(one) not in done], key) for side in (old, new)]
        for name, before in sides[0].items():
            now = sides[1].get(name, [])
            if len(before) == len(now) == 1:
                pairs.append((before[0], now[0]))
    done = {id(one) for pair in pairs for one in pair}
    pairs.sort(key=lambda pair: pair[0].order)
    return pairs, *([one for one in side if id(one) not in done] for side in (old, new))  # type: ignore[return-value]  # two sides


def _keyed(side: Sequence[Subject], key: Callable[[Subject], tuple[str, ...]]) -> dict[tuple[str, ...], list[Subject]]:
    found: dict[tuple[str, ...], list[Subject]] = {}
    for one in side:
        found.setdefault(key(one), []).append(one)
    return found


def compare(old: Subject, new: Subject) -> Compared:
    """What changed from one run to another."""
    before, now = ({(point.clause, point.case): point for point in one.points} for one in (old, new))
    order = list(WORDS)
    found = [change for key in sorted({*before, *now}) for change in _changes(key, before.get(key), now.get(key))]
    both = sum(_group(before[key]) in (KEPT, BROKEN) and _group(now.get(key)) in (KEPT, BROKEN) for key in before)
    changes = tuple(sorted(found, key=lambda one: (order.index(one.kind), one.clause, one.case)))
    return Compared(old, new, changes, both, tuple(_ground(old, new)))


def _changes(key: tuple[str, str], old: Point | None, new: Point | None) -> Iterator[Change]:
    kind = CHANGES[_group(old), _group(new)]
    if kind == _WAYS and old is not None and new is not None:
        kind = _ways_changed(old, new)
    if kind:
        yield Change(kind, *key, old, new)


def _group(point: Point | None) -> str:
    if point is None:
        return ABSENT
    return KEPT if point.outcome in PASSED else BROKEN if point.outcome in FAILED else point.outcome


def _ways_changed(old: Point, new: Point) -> str:
    """What became of a failure: more ways of failing are worse, fewer are better. Numbers in messages count nothing."""
    before, now = ({_NUMBERS.sub("#", one.message) for one in point.said} for point in (old, new))
    if before < now:
        return WORSE
    if now < before:
        return BETTER
    return OTHER if before != now else ""


def _ground(old: Subject, new: Subject) -> Iterator[str]:
    """How two runs differ beside their results."""
    if old.kind == RUNTIME and old.version != new.version:
        yield f"version {old.version or 'unknown'}, then {new.version or 'unknown'}"
    facts = (("judged by", "release"), ("suite", "suite"))
    for words, name in facts:
        values = getattr(old, name), getattr(new, name)
        if all(values) and values[0] != values[1]:
            yield f"{words} {values[0]}, then {values[1]}"
    for words, name in (("control groups", "cgroup_mode"), ("kernel", "kernel"), ("machine", "machine")):
        values = old.host.get(name), new.host.get(name)
        if all(values) and values[0] != values[1]:
            yield f"{words} {values[0]}, then {values[1]}"
