"""Judging a JSON document: text problems, schema, strangers and checks, put together into results and findings.

Data flows one way: :class:`Document` → violations → findings and results. What a bundle, a state or an image document
is, and which checks it has, is said by a :class:`Subject`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from ocivalidate import schema
from ocivalidate.checks import Node, Outcome as CheckOutcome, Registry, Scene, Violation, run
from ocivalidate.clauses import Clause, Level, Selection, Severity, load
from ocivalidate.documents import Document, Problem
from ocivalidate.findings import Finding, Location, Outcome, Result
from ocivalidate.pointers import parse_pointer, place
from ocivalidate.spelling import one_typo_apart
from ocivalidate.versions import holds

if TYPE_CHECKING:
    from ocivalidate.positions import Span

SYNTAX = "runtime/glossary.json.syntax"
UTF8 = "runtime/glossary.json.utf8"
DUPLICATE_NAMES = "runtime/glossary.json.no-duplicate-names"
# What can be wrong with a text, and the clause that each problem breaks.
PROBLEM_CLAUSES = {
    "syntax": SYNTAX,
    "encoding": UTF8,
    "duplicate-name": DUPLICATE_NAMES,
    "number-range": "safety/json.number-range",
    "lone-surrogate": "safety/json.lone-surrogate",
    "depth": "safety/json.depth",
}
# A document that is not there at all, of a subject that has to have one.
ABSENT = "absent"
# A document that is not read, as a link leads to it from the folder that is judged.
OUTSIDE = "outside"
INTEGER_NOTATION = "lint/json.integer-notation"
UNKNOWN = "lint/members.unknown"
MISSPELLED = "lint/members.misspelled"
TOO_NEW = "lint/members.too-new"
REMOVED = "lint/members.removed"
STRANGER_CLAUSES = (UNKNOWN, MISSPELLED, TOO_NEW, REMOVED)
NOT_PRESENT = "not present"
_STATIC = frozenset({"static", "static-host"})


@dataclass(frozen=True, eq=False, slots=True)
class Subject:
    """A document type to judge.

    ``kind`` is a key of ``schema.KINDS``; ``subjects`` the clause subjects that belong to it; ``registry`` its
    checks; ``closed`` the clause that an unknown member breaks where the specification forbids such members;
    ``absent`` the one that a document which is not there breaks, and ``outside`` one to which a link leads out of
    its folder. ``problems`` says which clause each problem of a text breaks, and ``unique`` by which clause the
    names in a map, the member of this name, may not be repeated. ``readers`` are those who read such documents.
    """

    kind: str
    subjects: frozenset[str]
    registry: Registry
    closed: str = ""
    absent: str = ""
    outside: str = ""
    problems: Mapping[str, str] = field(default_factory=lambda: PROBLEM_CLAUSES)
    unique: Mapping[str, str] = field(default_factory=dict)
    readers: str = "runtimes"

    def text_clauses(self) -> set[str]:
        """Every clause that a problem of the text can break."""
        return {*self.problems.values(), *self.unique.values()}

    def clause_of(self, problem: Problem) -> str:
        """The clause that a problem of the text breaks."""
        if problem.kind in (ABSENT, OUTSIDE):
            return self.absent if problem.kind == ABSENT else self.outside
        around = parse_pointer(problem.pointer)[-2:-1]
        if problem.kind == "duplicate-name" and around and around[0] in self.unique:
            return self.unique[around[0]]
        return self.problems[problem.kind]

    def claimed(self) -> set[str]:
        """Every clause that judging such a document can give a verdict on."""
        ids = schema.clause_ids(self.kind) | self.registry.clause_ids() | self.text_clauses()
        return ids | {INTEGER_NOTATION} | self.stranger_clauses()

    def stranger_clauses(self) -> set[str]:
        """The clauses that a member unknown to the specification can break; none where any member is fine."""
        if self.closed:
            return {self.closed}
        openness = schema.openness(self.kind)
        if openness is True:
            return set()
        return set(STRANGER_CLAUSES) - ({UNKNOWN} if openness == "typos" else set())


class Verdicts(NamedTuple):
    """The results and findings of one document, in document order.

    ``suppressed`` counts the findings that the selection hid.
    """

    results: tuple[Result, ...]
    findings: tuple[Finding, ...]
    suppressed: int


@dataclass(slots=True)
class _Tally:
    """What judging gathers before it is sorted into results."""

    violations: list[Violation] = field(default_factory=list)
    judged: set[str] = field(default_factory=set)
    unjudged: dict[str, str] = field(default_factory=dict)
    default_reason: str = NOT_PRESENT

    def add(self, outcome: CheckOutcome) -> None:
        """Take over what some checks gave."""
        self.violations += outcome.violations
        self.judged |= outcome.judged
        self.unjudged |= outcome.unjudged


@functools.lru_cache(maxsize=64)
def active_clauses(
    subject: Subject, release: str, platforms: frozenset[str], selection: Selection
) -> Mapping[str, Clause]:
    """The clauses that bear on such a document in this release, on these platforms, and that the selection wants."""
    inventory = load(schema.specification(subject.kind), "safety", "lint")
    return {
        clause.id: clause
        for clause in inventory.about(subject.subjects, _STATIC)
        if clause.level is not Level.MAY
        and clause.holds_in(release)
        and clause.concerns(platforms)
        and selection.wants(clause)
    }


def judge(
    subject: Subject, document: Document, scene: Scene, clauses: Mapping[str, Clause], selection: Selection, file: str
) -> Verdicts:
    """Judge a document by these clauses (see :func:`active_clauses`).

    ``scene.root`` is replaced by the document's own root.
    """
    tally = _Tally()
    _text_problems(subject, document, tally)
    if document.usable:
        _judge_value(subject, document, scene, clauses, tally)
    else:
        tally.default_reason = "the document cannot be read"
    return _sorted_out(tally, document, clauses, selection, file)


def _text_problems(subject: Subject, document: Document, tally: _Tally) -> None:
    if document.usable:
        tally.judged.update(subject.text_clauses())
    for problem in document.problems:
        clause = subject.clause_of(problem)
        tally.judged.add(clause)
        tally.violations.append(
            Violation(clause, problem.pointer, problem.message, got=problem.got, span=document.where(problem))
        )


def _judge_value(
    subject: Subject, document: Document, scene: Scene, clauses: Mapping[str, Clause], tally: _Tally
) -> None:
    broken = {problem.pointer for problem in document.problems if problem.kind in ("number-range", "lone-surrogate")}
    for error in schema.validate(subject.kind, scene.release, document.value):
        if error.pointer in broken:
            continue
        if error.keyword != "required":
            broken.add(error.pointer)
        tally.violations.append(Violation(error.clause, error.pointer, error.message, error.got, error.want))
    seen = schema.visit(subject.kind, scene.release, document.value)
    tally.judged |= seen.judged
    _strangers(subject, seen.strangers, scene, tally)
    # A member that the release does not have is nothing that its rules could bear on.
    broken.update(stranger.pointer for stranger in seen.strangers)
    root = Node(document.value, "", frozenset(broken))
    _integer_notation(document, subject, scene.release, broken, tally)
    if "" not in broken:
        whole = replace(scene, root=root, text=document.text)
        tally.add(run(subject.registry, whole, _told_as(clauses).__contains__))


def _strangers(subject: Subject, strangers: list[schema.Stranger], scene: Scene, tally: _Tally) -> None:
    tally.judged |= subject.stranger_clauses()
    for stranger in strangers:
        clause, message, hint = _about_stranger(stranger, scene.release, subject.readers)
        if clause == UNKNOWN and stranger.extensible:
            continue
        # A development version has members of the release that it led to, whatever number that got in the end.
        severity = Severity.NOTE if clause == TOO_NEW and scene.development else None
        tally.violations.append(
            Violation(
                subject.closed or clause,
                stranger.pointer,
                message,
                got=stranger.name,
                hint=hint,
                severity=severity,
                at_name=True,
            )
        )


def _about_stranger(stranger: schema.Stranger, release: str, readers: str) -> tuple[str, str, str]:
    where = place(stranger.pointer)
    if stranger.node is not None:
        since, until = stranger.node.get("x-since"), stranger.node.get("x-until")
        if not holds(release, since, None):
            fault = f", and {stranger.fault}" if stranger.fault else ""
            return TOO_NEW, f"{where} came with version {since}{fault}", f"{readers} for {release} ignore it"
        return REMOVED, f"{where} was removed after version {until}", f"{readers} ignore it"
    for known in stranger.siblings:
        if known.casefold() == stranger.name.casefold():
            return (
                MISSPELLED,
                f"{where} differs from {known} by case",
                f"some {readers} read it as {known}, others ignore it",
            )
    for known in stranger.siblings:
        if one_typo_apart(stranger.name, known):
            return MISSPELLED, f"{where} is not a member of the specification", f"did you mean {known}?"
    return UNKNOWN, f"{where} is not a member of the specification", f"{readers} ignore it"


def _integer_notation(document: Document, subject: Subject, release: str, broken: set[str], tally: _Tally) -> None:
    tally.judged.add(INTEGER_NOTATION)
    for pointer, value in schema.integers_written_as_floats(subject.kind, release, document.value):
        if pointer not in broken:
            message = f"{place(pointer)} is an integer that is not written as one"
            hint = "runtimes written in Go refuse the document"
            tally.violations.append(
                Violation(INTEGER_NOTATION, pointer, message, got=repr(value), want=str(int(value)), hint=hint)
            )


def _sorted_out(
    tally: _Tally, document: Document, clauses: Mapping[str, Clause], selection: Selection, file: str
) -> Verdicts:
    told_as = _told_as(clauses)
    findings: list[Finding] = []
    suppressed = 0
    for violation in tally.violations:
        clause = told_as.get(violation.clause)
        if clause is None:
            continue
        if selection.ignores(clause):
            suppressed += 1
            continue
        findings.append(_finding(violation, clause, document, file))
    findings.sort(key=_position)
    by_clause: dict[str, list[Finding]] = {}
    for finding in findings:
        by_clause.setdefault(_judged_as(finding.clause), []).append(finding)
    wanted = [clause for clause in clauses.values() if not selection.ignores(clause)]
    results = tuple(_result(clause, by_clause, tally) for clause in wanted)
    return Verdicts(results, tuple(findings), suppressed)


def _told_as(clauses: Mapping[str, Clause]) -> dict[str, Clause]:
    """The clause under which a violation is reported, by the id that the checks name.

    That clause itself, or one with the same predicate where only that one was asked for.
    """
    told = {clause.same_as: clause for clause in clauses.values() if clause.same_as}
    return told | dict(clauses)


def _judged_as(clause: Clause) -> str:
    """The id under which the checks know a clause: of two with the same predicate they name one."""
    return clause.same_as or clause.id


def _position(finding: Finding) -> tuple[int, int, str]:
    location = finding.location
    return location.line or 0, location.column or 0, finding.clause.id


def _result(clause: Clause, by_clause: Mapping[str, list[Finding]], tally: _Tally) -> Result:
    judged_as = _judged_as(clause)
    findings = by_clause.get(judged_as, [])
    if findings:
        return Result(clause, Outcome.FAIL, findings=tuple(findings))
    # A part of it that could not be looked at leaves it open.
    if judged_as in tally.judged and judged_as not in tally.unjudged:
        return Result(clause, Outcome.PASS)
    return Result(clause, Outcome.SKIP, tally.unjudged.get(judged_as, tally.default_reason))


def _finding(violation: Violation, clause: Clause, document: Document, file: str) -> Finding:
    severity = violation.severity or clause.severity
    if severity.rank > clause.severity.rank:
        raise AssertionError(f"a violation of {clause.id} may not weigh more than the clause")
    return Finding(
        clause,
        severity,
        violation.message,
        _location(violation, document, file),
        violation.got,
        violation.want,
        violation.hint,
    )


def _location(violation: Violation, document: Document, file: str) -> Location:
    span = violation.span
    if span is None and document.usable:
        span = document.span(violation.pointer, key=violation.at_name)
    return located(file, violation.pointer, span, document)


def located(file: str, pointer: str | None, span: Span | None, document: Document) -> Location:
    """The location of a span of a document; one that ends on a later line is shown by its first character."""
    if span is None:
        return Location(file, pointer)
    end = span.end_column if span.end_line == span.line else span.column + 1
    return Location(file, pointer, span.line, span.column, end, document.line(span.line))
