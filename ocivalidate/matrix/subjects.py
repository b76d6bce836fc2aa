"""What was judged, and what each case said of each clause: plain data, in an order that nobody's arguments decide."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

RUNTIME = "runtime"
# Outcomes as reports write them; the first that any case of a clause has is that of the clause.
WORST = ("fail", "xfail", "error", "xpass", "pass", "skip")
ABSENT = "absent"  # no case of the run is about the clause
OUTCOMES = (*WORST, ABSENT)
FAILED, PASSED = frozenset({"fail", "xfail"}), frozenset({"pass", "xpass"})
RANK = {outcome: rank for rank, outcome in enumerate(OUTCOMES)}


class Said(NamedTuple):
    """One sentence on a clause: a finding, or why nothing was judged. ``where``: the place of a finding."""

    message: str
    got: str = ""
    want: str = ""
    where: str = ""


class Point(NamedTuple):
    """What became of a clause in a case, or in a document, where ``case`` is empty.

    ``more``: how many other things were said and are not kept. ``dump``: the folder in which what the case did was
    kept.
    """

    clause: str
    case: str
    outcome: str
    said: tuple[Said, ...] = ()
    dump: str = ""
    more: int = 0


class Timing(NamedTuple):
    """How long an operation of a runtime took, in seconds: the median, and the quartiles around it.

    ``calls``: how many there were.
    """

    operation: str
    calls: int
    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Subject:
    """A runtime in one version on one host, a bundle, or an image, as one run judged it.

    ``name`` is what a runtime calls itself, or the path of a bundle; ``program`` how a command names it. ``host`` has
    ``kernel``, ``machine``, ``cgroup_mode`` and whatever else is known. ``side``: of a comparison, ``before`` or
    ``now``. ``stale``: why this says little of today, or
    ``""``. ``problem``: why it was not judged, or ``""``. ``clipped``: how many results were left out, as there were
    too many.
    """

    kind: str
    name: str
    version: str = ""
    program: str = ""
    specification: str = ""
    release: str = ""
    claim: str = ""
    digest: str = ""
    source: str = ""
    suite: str = ""
    host: Mapping[str, str] = field(default_factory=dict)
    date: str = ""
    submitter: str = ""
    command: str = ""
    side: str = ""
    stale: str = ""
    problem: str = ""
    clipped: int = 0
    points: tuple[Point, ...] = ()
    timings: tuple[Timing, ...] = ()
    label: str = ""

    @property
    def remark(self) -> str:
        """What those who read its results have to know first, or ``""``."""
        left = f"{self.clipped:,} result{'s' * (self.clipped != 1)} left out" if self.clipped else ""
        return "; ".join(filter(None, (self.problem or self.stale, left)))

    @property
    def order(self) -> tuple[Any, ...]:
        """Runtimes by name and version, then what tells one run from another, and at last all that is in it."""
        first = (self.kind != RUNTIME, self.kind, self.name, version_order(self.version))
        return *first, self.host.get("cgroup_mode", ""), self.date, repr(self)


_NUMBER = re.compile(r"[0-9]{1,18}")
# Debian writes what has no version yet as 0.0~DATE.
_PREFIX = re.compile(r"\A(?:0\.0~|v(?=[0-9]))")
# What tells two runs of one version apart: the first of these that differ are added to their labels.
_TELLING: tuple[Callable[[Subject], str], ...] = (
    lambda one: one.side,
    lambda one: one.host.get("cgroup_mode", ""),
    lambda one: one.release,
    lambda one: one.host.get("machine", ""),
    lambda one: f"Linux {one.host['kernel']}" if one.host.get("kernel") else "",
    lambda one: one.source,
    lambda one: one.date,
    lambda one: f"suite {one.suite}" if one.suite else "",
    lambda one: one.digest[:19],
)


def version_order(version: str) -> tuple[tuple[int, ...], bool, str]:
    """A sort key: a pre-release comes before its release, a build of a distribution after it."""
    core, sign, _rest = _split(_PREFIX.sub("", version))
    return tuple(int(number) for number in _NUMBER.findall(core)), sign != "-", version


def _split(version: str) -> tuple[str, str, str]:
    found = re.search(r"[-+~]", version)
    return (version[: found.start()], found[0], version[found.end() :]) if found else (version, "", "")


def shown_version(version: str) -> str:
    """A version without what says nothing."""
    return _PREFIX.sub("", version)


def ordered(subjects: Iterable[Subject]) -> list[Subject]:
    """Each subject once, in order, with a label that no other one has."""
    once = {repr(one): one for one in subjects}
    return _labelled(sorted(once.values(), key=lambda one: one.order))


def _labelled(subjects: Sequence[Subject]) -> list[Subject]:
    labels = [" ".join(filter(None, (one.name, shown_version(one.version)))) for one in subjects]
    for telling in _TELLING:
        told = [telling(one) for one in subjects]
        groups: dict[str, set[str]] = {}
        for label, word in zip(labels, told, strict=True):
            groups.setdefault(label, set()).add(word)
        labels = [
            f"{label}, {word}" if word and len(groups[label]) > 1 else label
            for label, word in zip(labels, told, strict=True)
        ]
    met: Counter[str] = Counter()
    every = Counter(labels)
    numbered = []
    for label in labels:
        met[label] += 1
        numbered.append(f"{label} #{met[label]}" if every[label] > 1 else label)
    return [replace(one, label=label) for one, label in zip(subjects, numbered, strict=True)]


def worst(outcomes: Iterable[str]) -> str:
    """The outcome of a clause from those of its cases."""
    return min(outcomes, key=RANK.__getitem__, default=ABSENT)
