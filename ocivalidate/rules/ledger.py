"""The ledger: violations and occasions go in, results and findings come out.

The only place that makes a :class:`Result` or a :class:`Finding`, whatever is judged: a document, an image, facts or a
runtime. It knows which clauses are active, under which of them a violation is reported, which the selection hides,
and how many findings of a kind are kept. What is kept is all that is ever looked up in a text.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import chain
from typing import NamedTuple, Protocol, TypedDict, Unpack

from ocivalidate.keeping import Counts
from ocivalidate.rules.checks import Violation
from ocivalidate.rules.clauses import Clause, Selection, Severity
from ocivalidate.rules.findings import IGNORED, Finding, Fix, Location, Outcome, Result, Suppressed

NOT_PRESENT = "not present"
FOLLOWS = "follows from another finding"
_ABSENT = (Outcome.SKIP, NOT_PRESENT)


class Place(NamedTuple):
    """Where a violation stands in a document, ``file``: to be located, and mended, only if it is told."""

    file: str
    pointer: str
    locate: Callable[[], Location]
    mend: Callable[[], Fix | None] | None = None


class Causes(Protocol):
    """Which violations are only consequences of others (for an image: ``image/causes.py``)."""

    def __contains__(self, sign: str, /) -> bool:
        """Whether violations of this sign are a cause or a consequence of any other."""

    def follows(self, sign: str, about: str) -> bool:
        """Whether a violation follows from one about the same thing that came before; it may be a cause itself."""

    def about(self, file: str, pointer: str) -> str:
        """What a violation at this place in a document is about."""


class Verdicts(NamedTuple):
    """What a ledger comes to.

    A result for each active clause, in the order of the inventory; the findings in the order of files and of places in
    them; ``suppressed`` counts those that the selection hid, and ``hidden`` are the first of each kind of them.
    """

    results: tuple[Result, ...]
    findings: tuple[Finding, ...]
    suppressed: int
    hidden: tuple[Suppressed, ...] = ()


class Details(TypedDict, total=False):
    """What may be said of a violation beside its message, as in :class:`Finding`; ``severity`` lowers the clause's."""

    severity: Severity | None
    got: str
    want: str
    hint: str


class _Entry(NamedTuple):
    """A violation that is told. ``kind`` is what it has in common with those of which only the number is kept."""

    clause: Clause
    violation: Violation
    place: Location | Place
    kind: Hashable


class Standing(NamedTuple):
    """How many violations were counted, told and hidden, and may be causes or consequences of others."""

    calls: int
    entries: int
    hidden: int
    linked: int


class Ledger:
    """Takes violations and occasions to judge, and gives results and findings.

    ``clauses`` are those that are active (``judge.active_clauses``); what is said of any other is passed over. A clause
    fails with its first violation. Else it passes if there was occasion to judge it, unless a part of it was left open.
    Clauses with the same predicate (``same_as``) share their result, and a violation is reported once, under the one
    that the others name. The order in which things are said counts only for which of a kind are the first, and for
    consequences, which have to follow their causes (``causes``; default: nothing follows from anything). ``once``: what
    is added twice is told once, as what two images share is looked at for each of them.

    Where a clause has several results, there is a ledger for each: ``case`` and ``pointer`` are theirs, and ``counts``
    is what several ledgers share whose verdicts come together.
    """

    def __init__(
        self,
        clauses: Mapping[str, Clause],
        selection: Selection,
        *,
        causes: Causes | None = None,
        once: bool = False,
        case: str = "",
        pointer: str | None = None,
        counts: Counts | None = None,
    ) -> None:
        self._clauses = clauses
        self._once = once
        self._case, self._pointer = case, pointer
        self.causes = causes
        self.counts = counts or Counts(selection.most)
        self._ignored = {one.id for one in clauses.values() if selection.ignores(one)} if selection.ignore else set()
        self._of_subjects: dict[frozenset[str], Mapping[str, Clause]] = {}
        self._judged: set[str] = set()
        self._reasons: dict[str, str] = {}
        self._open: dict[str, str] = {}
        self._errors: dict[str, str] = {}
        self._entries: list[_Entry] = []
        self._told: set[Hashable] = set()
        # Those of the entries that were located, in the same order.
        self._findings: list[Finding] = []
        # What the selection hides; clauses with violations that are hidden, or beyond those that are kept.
        self._hidden: list[_Entry] = []
        self._hidden_findings: list[Finding] = []
        self._untold: set[str] = set()
        self._linked = 0

    # --- Occasions

    def judged(self, *clause_ids: str) -> None:
        """Say that there was occasion to judge these clauses."""
        self._judged.update(clause_ids)

    def unjudged(self, clause_id: str, reason: str) -> None:
        """Say why a clause could not be judged, should nothing else judge it."""
        self._reasons.setdefault(clause_id, reason)

    def leave_open(self, clause_id: str, reason: str) -> None:
        """Say that a part of what a clause is about could not be judged: it is not passed, whatever else is fine."""
        self._open.setdefault(clause_id, reason)

    def error(self, clause_id: str, reason: str) -> None:
        """Say that a clause could not be judged although there was occasion to: it is neither passed nor failed."""
        self._errors.setdefault(clause_id, reason)

    def pass_on(self, other: Ledger) -> None:
        """Say the same of occasions to another ledger, which adds up what several come to."""
        other._judged |= self._judged
        for name in ("_reasons", "_open", "_errors"):
            known: dict[str, str] = getattr(other, name)
            known |= {key: reason for key, reason in getattr(self, name).items() if key not in known}

    # --- Violations

    def standing(self) -> Standing:
        """What :meth:`is_harmless_since` compares."""
        return Standing(self.counts.calls, len(self._entries), len(self._hidden), self._linked)

    def is_harmless_since(self, before: Standing) -> bool:
        """Whether all violations since then are kept, none is an error, and nothing can follow from any."""
        calls, entries, hidden, linked = (now - then for now, then in zip(self.standing(), before, strict=True))
        if linked or calls != entries + hidden:
            return False
        new = self._entries[before.entries :]
        return all((one.violation.severity or one.clause.severity) is not Severity.ERROR for one in new)

    @cached_property
    def _reported_as(self) -> Mapping[str, Clause]:
        return reported_as(self._clauses.values())

    def of_subjects(self, subjects: frozenset[str]) -> Mapping[str, Clause]:
        """Under which clause on these subjects a violation is reported, by the id that checks name."""
        if subjects not in self._of_subjects:
            on_these = (clause for clause in self._clauses.values() if clause.subject in subjects)
            self._of_subjects[subjects] = reported_as(on_these)
        return self._of_subjects[subjects]

    def add(
        self,
        clause_id: str,
        place: Location | Place,
        message: str,
        *,
        kind: Hashable = None,
        about: str = "",
        sign: str = "",
        more: int = 0,
        **details: Unpack[Details],
    ) -> None:
        """Add a violation.

        ``kind``: what it has in common with others, of which the first are kept (default: the pointer but for the
        numbers in it). ``about``: the thing that is at fault; what only follows from another fault of it is not told.
        ``sign``: by what the table of causes knows the violation, if not by its clause. ``more``: how many others of
        the kind it stands for.
        """
        clause = self._reported_as.get(clause_id)
        if clause is None or self.is_consequence(clause, sign or clause_id, about):
            return
        violation = Violation(clause_id, None, message, **details)
        counted = (clause_id, violation.severity or clause.severity, _pattern(place.pointer) if kind is None else kind)
        same = (clause_id, place[:2] if isinstance(place, Place) else place, message, violation.got)
        if self._once and same in self._told:
            return
        if self.counts.keep(counted, 1 + more):
            self._told.add(same)
            self.put(clause, violation, place, counted)
        else:
            self._untold.add(_judged_as(clause))

    def put(self, clause: Clause, violation: Violation, place: Location | Place, kind: Hashable) -> bool:
        """Put down a violation of a kind that ``counts`` keeps; whether it is told, and not hidden."""
        if violation.severity is not None and violation.severity.rank > clause.severity.rank:
            raise AssertionError(f"a violation of {clause.id} may not weigh more than the clause")
        self._judged.add(_judged_as(clause))
        if clause.id in self._ignored:
            self._hidden.append(_Entry(clause, violation, place, kind))
            self._untold.add(_judged_as(clause))
            return False
        self._entries.append(_Entry(clause, violation, place, kind))
        return True

    def is_consequence(self, clause: Clause, sign: str, about: str) -> bool:
        """Whether a violation is not to be told as it follows from another one; its clause is then left open.

        What follows from it in turn is none of its own either. One that is hidden has no consequences.
        """
        if self.causes is None or not about or sign not in self.causes or clause.id in self._ignored:
            return False
        self._linked += 1
        follows = self.causes.follows(sign, about)
        if follows:
            self.leave_open(_judged_as(clause), FOLLOWS)
        return follows

    # --- What it comes to

    def findings(self) -> tuple[Finding, ...]:
        """What was found so far."""
        return tuple(finding for finding, _number in _in_order([self]))

    def verdicts(self) -> Verdicts:
        """The results, the findings, and how many of them were hidden."""
        return together([self])

    def told(self) -> list[tuple[Finding, Hashable]]:
        """What is told, each with its kind. Nothing is located twice."""
        self._findings += [_finding(entry) for entry in self._entries[len(self._findings) :]]
        return [(finding, entry.kind) for finding, entry in zip(self._findings, self._entries, strict=True)]

    def hidden(self) -> list[tuple[Finding, Hashable]]:
        """What the selection hides, each with its kind."""
        self._hidden_findings += [_finding(entry) for entry in self._hidden[len(self._hidden_findings) :]]
        return [(finding, entry.kind) for finding, entry in zip(self._hidden_findings, self._hidden, strict=True)]

    def results(self, findings: Iterable[Finding]) -> Iterator[Result]:
        """The results, of which these are the findings. What is not told has none: it is neither passed nor skipped."""
        found: dict[str, list[Finding]] = {}
        for finding in findings:
            found.setdefault(_judged_as(finding.clause), []).append(finding)
        said, case, pointer = self._said(), self._case, self._pointer
        for clause in self._clauses.values():
            key = _judged_as(clause)
            if clause.id in self._ignored or (key in self._untold and key not in found):
                continue
            outcome, reason = (Outcome.FAIL, "") if key in found else said.get(key, _ABSENT)
            if clause.later and outcome is not Outcome.FAIL:
                if not self._untold.isdisjoint(clause.later):
                    continue
                outcome, reason = self._as_later(clause, outcome, reason, found)
            yield Result(clause, outcome, reason, tuple(found.get(key, ())), case, pointer=pointer)

    def _said(self) -> dict[str, tuple[Outcome, str]]:
        """What becomes of each clause of which something was said, as long as there is no finding: the last counts."""
        said = {key: (Outcome.SKIP, reason) for key, reason in self._reasons.items()}
        said |= dict.fromkeys(self._judged, (Outcome.PASS, ""))
        said |= {key: (Outcome.SKIP, reason) for key, reason in self._open.items()}
        return said | {key: (Outcome.ERROR, reason) for key, reason in self._errors.items()}

    def _as_later(self, clause: Clause, outcome: Outcome, reason: str, found: Collection[str]) -> tuple[Outcome, str]:
        """What becomes of a clause that later releases say otherwise, and under whose ids checks judge it."""
        taken_over = next((later for later in clause.later if later in found), "")
        if taken_over:
            return Outcome.SKIP, f"told as {taken_over}"
        left_open = _judged_as(clause) in self._open
        if outcome is Outcome.SKIP and not left_open and not self._judged.isdisjoint(clause.later):
            return Outcome.PASS, ""
        return outcome, reason


def together(ledgers: Sequence[Ledger]) -> Verdicts:
    """What ledgers that share their counts come to."""
    findings = _in_order(ledgers)
    of_ledger: list[list[Finding]] = [[] for _ledger in ledgers]
    for finding, number in findings:
        of_ledger[number].append(finding)
    results = chain.from_iterable(ledger.results(own) for ledger, own in zip(ledgers, of_ledger, strict=True))
    hidden = _in_order(ledgers, Ledger.hidden)
    suppressed = sum(1 + finding.more for finding, _number in hidden)
    return Verdicts(
        tuple(results),
        tuple(finding for finding, _number in findings),
        suppressed,
        tuple(Suppressed(finding, IGNORED) for finding, _number in hidden),
    )


def _in_order(
    ledgers: Sequence[Ledger], which: Callable[[Ledger], list[tuple[Finding, Hashable]]] = Ledger.told
) -> list[tuple[Finding, int]]:
    """The findings, each with the number of its ledger: the last of each kind says how many more there are."""
    told = [(finding, kind, number) for number, ledger in enumerate(ledgers) for finding, kind in which(ledger)]
    if not told:
        return []
    told.sort(key=lambda one: _position(one[0]))
    more = ledgers[0].counts.left_out(kind for _finding, kind, _number in told)
    return [
        (replace(finding, more=more[place]) if place in more else finding, number)
        for place, (finding, _kind, number) in enumerate(told)
    ]


def failure(clause: Clause, findings: Iterable[Finding]) -> Result:
    """The result of a clause on which there are findings, and no result that holds them."""
    return Result(clause, Outcome.FAIL, findings=tuple(findings))


def reported_as(clauses: Iterable[Clause]) -> dict[str, Clause]:
    """The clause under which a violation is reported, by the id that the checks name.

    That clause itself; one with the same predicate where only that one was asked for; or the one that says so in the
    releases before it (``later``).
    """
    listed = list(clauses)
    before = {later: clause for clause in listed for later in clause.later}
    alike = {clause.same_as: clause for clause in listed if clause.same_as}
    return before | alike | {clause.id: clause for clause in listed}


def _judged_as(clause: Clause) -> str:
    """The id under which the checks know a clause: of two with the same predicate they name one."""
    return clause.same_as or clause.id


def _pattern(pointer: str | None) -> str | None:
    return pointer and "/".join("*" if token.isdecimal() else token for token in pointer.split("/"))


def _finding(entry: _Entry) -> Finding:
    clause, said, place, _kind = entry
    location, mend = (place.locate(), place.mend) if isinstance(place, Place) else (place, None)
    severity, fix = said.severity or clause.severity, mend and mend()
    return Finding(clause, severity, said.message, location, said.got, said.want, said.hint, fix=fix)


def _position(finding: Finding) -> tuple[str, int, int, str]:
    location = finding.location
    return location.file, location.line or 0, location.column or 0, finding.clause.id
