"""Clauses: the normative statements that everything else refers to, and how they are loaded and selected.

A clause id (``runtime/config.process.cwd.absolute``) is the rule id: it is an API, never renamed and never reused.
Families are ``runtime/``, ``image/`` and ``distribution/`` (the specifications), ``storage/`` (what holds images),
``safety/`` (hazards that the specifications do not forbid) and ``lint/`` (opinion). The inventory is data:
``schemas/clauses/*.json``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from ocivalidate import resources
from ocivalidate.errors import OptionError
from ocivalidate.keeping import MOST_OF_A_KIND
from ocivalidate.system.arguments import at_least_one, given, known, texts
from ocivalidate.vocabulary.versions import DISTRIBUTION_RELEASE, IMAGE_RELEASES, NEXT, RUNTIME_RELEASES, holds

FAMILIES = ("runtime", "image", "distribution", "storage", "safety", "lint")
# What is judged by releases; what a registry says is judged by the newest of distribution-spec.
RELEASES: Mapping[str, tuple[str, ...]] = {"runtime": RUNTIME_RELEASES, "image": IMAGE_RELEASES}
_STATED = {**RELEASES, "distribution": (DISTRIBUTION_RELEASE,)}
PLATFORMS = ("linux", "windows", "solaris", "vm", "zos", "freebsd")


class Level(StrEnum):
    """The RFC 2119 level of a clause; ``NONE`` for the clauses that no specification states."""

    MUST = "MUST"
    MUST_NOT = "MUST NOT"
    SHOULD = "SHOULD"
    SHOULD_NOT = "SHOULD NOT"
    MAY = "MAY"
    NONE = "none"


class Severity(StrEnum):
    """How severe a violation of a clause is; ``NONE`` for clauses that cannot be violated (MAY).

    ``NEVER`` is a limit that nothing reaches, for those who want a report and no failure.
    """

    NEVER = "never"
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    NONE = "none"

    @property
    def rank(self) -> int:
        """0 for none, up to 3 for error and 4 for never, so that severities can be compared."""
        return _RANKS[self]


_RANKS = {Severity.NONE: 0, Severity.NOTE: 1, Severity.WARNING: 2, Severity.ERROR: 3, Severity.NEVER: 4}
_SEVERITY_OF_LEVEL = {
    Level.MUST: Severity.ERROR,
    Level.MUST_NOT: Severity.ERROR,
    Level.SHOULD: Severity.WARNING,
    Level.SHOULD_NOT: Severity.WARNING,
    Level.MAY: Severity.NONE,
    Level.NONE: Severity.WARNING,
}
# The names that --level takes, and the levels that each one stands for.
LEVEL_NAMES: Mapping[str, frozenset[Level]] = {
    "must": frozenset({Level.MUST, Level.MUST_NOT}),
    "should": frozenset({Level.MUST, Level.MUST_NOT, Level.SHOULD, Level.SHOULD_NOT}),
    "may": frozenset(Level),
}


@dataclass(frozen=True, slots=True)
class Clause:
    """One normative statement.

    ``since`` and ``until`` are releases of its specification (``None``: no bound); ``platform`` is one of ``PLATFORMS``
    or ``any``; ``document`` and ``anchor`` say where the newest release that has it states it; ``judged`` is
    ``static``, ``static-host`` (needs this host), ``dynamic`` (needs a running implementation) or ``none``, then
    ``reason`` says why. ``same_as`` names the clause under which a violation is reported. ``later`` names clauses of
    later releases that took a part of this one over: where one of them is not active, this one says it. ``replaces``
    names the clause of earlier releases in whose place it stands. ``contested`` (the texts
    disagree) and ``open_list`` (a list that kernels and libraries extend) say why the severity is lower than the level
    suggests. ``default`` is false for clauses that are judged only when asked for.
    """

    id: str
    level: Level
    severity: Severity
    summary: str
    judged: str
    subject: str
    platform: str = "any"
    document: str = ""
    anchor: str = ""
    since: str | None = None
    until: str | None = None
    reason: str = ""
    note: str = ""
    same_as: str | None = None
    later: tuple[str, ...] = ()
    replaces: str | None = None
    contested: str = ""
    open_list: bool = False
    deprecated: bool = False
    default: bool = True

    @property
    def family(self) -> str:
        """The part of the id before the first slash."""
        return self.id.partition("/")[0]

    def holds_in(self, release: str) -> bool:
        """Whether the clause stands in this release of its specification."""
        return holds(release, self.since, self.until)

    def stated_in(self) -> str:
        """The newest release of its specification that has the clause; ``""`` where no specification states it."""
        releases = _STATED.get(self.family)
        if releases is None:
            return ""
        return self.until or (releases[-1] if self.holds_in(releases[-1]) else NEXT)

    def concerns(self, platforms: Iterable[str]) -> bool:
        """Whether the clause applies to any of these platforms."""
        return self.platform == "any" or self.platform in platforms


def clause_from_json(data: Mapping[str, Any]) -> Clause:
    """Build a clause from one entry of ``schemas/clauses/*.json``; a missing severity follows from the level."""
    level = Level(data["level"])
    fields = dict(data)
    fields["level"] = level
    fields["later"] = tuple(data.get("later", ()))
    fields["severity"] = Severity(data["severity"]) if "severity" in data else _SEVERITY_OF_LEVEL[level]
    return Clause(**fields)


class Inventory(Mapping[str, Clause]):
    """All clauses of some families by id, built from their JSON only when looked at.

    Most runs need a few dozen of a thousand.
    """

    def __init__(self, entries: Iterable[Mapping[str, Any]]) -> None:
        self._entries = {entry["id"]: entry for entry in entries}
        self._clauses: dict[str, Clause] = {}

    def __getitem__(self, clause_id: str) -> Clause:
        clause = self._clauses.get(clause_id)
        if clause is None:
            clause = self._clauses[clause_id] = clause_from_json(self._entries[clause_id])
        return clause

    def about(self, subjects: frozenset[str], judged: frozenset[str]) -> list[Clause]:
        """The clauses on these subjects that are judged in these ways."""
        return [
            self[clause_id]
            for clause_id, entry in self._entries.items()
            if entry["subject"] in subjects and entry["judged"] in judged
        ]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


@functools.cache
def load(*families: str) -> Inventory:
    """The clauses of these families (all when none is named), in the order of the inventory files.

    Raises ``CannotJudge`` when an inventory file is not there (a broken installation).
    """
    entries: list[Mapping[str, Any]] = []
    for family in families or FAMILIES:
        entries.extend(resources.read_json("schemas", f"clauses/{family}.json")["clauses"])
    return Inventory(entries)


def matches(clause_id: str, pattern: str) -> bool:
    """Whether a selection pattern means this clause: its id, a glob, or a prefix that ends at a ``.`` or ``/``."""
    if any(letter in pattern for letter in "*?["):
        return fnmatchcase(clause_id, pattern)
    return clause_id == pattern or clause_id.startswith((f"{pattern}.", f"{pattern.rstrip('/')}/"))


@dataclass(frozen=True, slots=True)
class Selection:
    """What a caller wants judged and reported.

    Patterns are those of :func:`matches`: ids of clauses, beginnings of ids, globs; a clause must be selected and not
    ignored.

    ``select`` empty: the clauses that are on by default. ``level``: the lowest one that is judged, ``must``,
    ``should`` or ``may``. ``lint``: the whole ``lint/`` family. ``extra``: ids of clauses that are judged though they
    are off by default. ``most``: how many findings of a kind are kept, 1 or more (``None``: all); the others are
    counted.
    ``spec_version``: the release to judge by, or ``next`` for the draft of the one that follows (default: what the
    document or the runtime says, for images the newest release).
    ``platform``: one of ``PLATFORMS``, for documents of runtime-spec.

    Raises :class:`OptionError` for an invalid value, and ``TypeError`` for one of another type.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    level: str = "may"
    lint: bool = False
    extra: tuple[str, ...] = ()
    most: int | None = MOST_OF_A_KIND
    spec_version: str | None = None
    platform: str | None = None

    def __post_init__(self) -> None:
        for name in ("select", "ignore", "extra"):
            object.__setattr__(self, name, texts(getattr(self, name), name))
        known(self.level, tuple(LEVEL_NAMES), "level")
        at_least_one(self.most, "most")

    def refuse_unmatched(self, cases: Callable[[], Iterable[str]] | None = None) -> None:
        """Raise :class:`OptionError` for a pattern that means nothing: a typing error must not pass silently.

        ``cases`` gives the ids of cases, which patterns may mean too; it is called if there is need.
        """
        strays = _strays(self.select + self.ignore)
        of_cases = [*cases()] if strays and cases is not None else []
        strays = unmatched(strays, of_cases)
        if strays:
            kind = "clause" if cases is None else "case and no clause"
            raise OptionError(f"no {kind} matches {', '.join(strays)}; {likely(strays[0], [*of_cases, *load()])}")

    def wants(self, clause: Clause) -> bool:
        """Whether the clause is to be judged.

        ``ignore`` is not looked at, as ignored findings are counted as suppressed.
        """
        if clause.level not in LEVEL_NAMES[self.level]:
            return False
        if self.select:
            return any(matches(clause.id, pattern) for pattern in self.select)
        return clause.default or clause.id in self.extra or (self.lint and clause.family == "lint")

    def also(self, *clause_ids: str) -> Selection:
        """The same selection, with some clauses on that are off by default."""
        return replace(self, extra=self.extra + clause_ids)

    def ignores(self, clause: Clause) -> bool:
        """Whether findings on the clause are to be suppressed."""
        return any(matches(clause.id, pattern) for pattern in self.ignore)


def settled(
    selection: Selection | None,
    specification: str,
    releases: Sequence[str],
    platforms: Sequence[str] = (),
    cases: Callable[[], Iterable[str]] | None = None,
) -> Selection:
    """The selection of a caller, checked against the releases, platforms and cases of a specification.

    Raises :class:`OptionError` for anything else, and ``TypeError``.
    """
    found = given(selection, Selection, "selection")
    known(found.spec_version, releases, f"release of {specification}")
    if platforms:
        known(found.platform, platforms, "platform")
    elif found.platform is not None:
        raise OptionError(f"a selection for {specification} cannot have a platform, but this one has {found.platform}")
    found.refuse_unmatched(cases)
    return found


@functools.cache
def _strays(patterns: tuple[str, ...]) -> list[str]:
    return unmatched(patterns, load()) if patterns else []


def likely(written: str, names: Sequence[str]) -> str:
    """What a name that nothing has may mean: names of which it is a part, or that look like it."""
    from ocivalidate.vocabulary.spelling import nearest

    part = written.strip("*./")
    whole = next((name for name in names if part and f".{part}." in f".{name.replace('/', '.')}."), "")
    if whole:
        return f"'*{part}*' matches {sum(part in name for name in names)}, such as {whole}"
    begin = {name[: len(written) + 1]: name for name in names}
    families = [*dict.fromkeys(name.partition("/")[0] for name in names if "/" in name)]
    # A short word is like the beginning of some long name or other.
    family = nearest(part, families, most=1, cutoff=0.8) if "/" not in part else []
    near = family or nearest(written, names) or [begin[one] for one in nearest(written, begin, most=1, cutoff=0.8)]
    return f"did you mean {' or '.join(near)}?" if near else "ocivalidate rules lists them"


def containing(word: str, clauses: Iterable[Clause]) -> list[Clause]:
    """The clauses that have the word in their id, and then those that have it in their summary, in any case."""
    low = word.lower()
    known = [*clauses]
    by_id = [clause for clause in known if low in clause.id.lower()]
    return by_id + [clause for clause in known if low in clause.summary.lower() and low not in clause.id.lower()]


def unmatched(patterns: Iterable[str], clause_ids: Iterable[str]) -> list[str]:
    """The patterns that mean no clause at all: a typing error that must not pass silently."""
    ids = list(clause_ids)
    return [pattern for pattern in patterns if not any(matches(clause_id, pattern) for clause_id in ids)]
