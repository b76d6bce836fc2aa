"""Judging a JSON document: text problems, schema, undefined members and checks, put down in a ledger.

Data flows one way: :class:`Document` → violations → :class:`Ledger`. What a bundle, a state or an image document is,
and which checks it has, is said by a :class:`DocumentType`.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ocivalidate.jsontext.documents import Document, Noting, Problem
from ocivalidate.jsontext.pointers import Path, bounded, parse_pointer, path_of, place_at, tokens_of
from ocivalidate.rules import schema
from ocivalidate.rules.checks import CheckContext, Node, Registry, Violation, run
from ocivalidate.rules.clauses import Clause, Level, Selection, Severity, load
from ocivalidate.rules.declared import judged_by_table, judges
from ocivalidate.rules.findings import Fix, Location
from ocivalidate.rules.fitting import Fault, Shape, Walk
from ocivalidate.rules.ledger import Ledger, Place
from ocivalidate.rules.remedies import DropRepeated, Remedy, Rename, Write, WriteInteger, as_scalar, near, written
from ocivalidate.vocabulary.spelling import Names, same_but_for_case
from ocivalidate.vocabulary.versions import holds
from ocivalidate.vocabulary.wording import shortened

if TYPE_CHECKING:
    from ocivalidate.jsontext.positions import Span
    from ocivalidate.rules.fixing import Fixer

SYNTAX = "runtime/glossary.json.syntax"
UTF8 = "runtime/glossary.json.utf8"
DUPLICATE_NAMES = "runtime/glossary.json.no-duplicate-names"
# The problems of a text, and the clause that each one breaks.
PROBLEM_CLAUSES = {
    "syntax": SYNTAX,
    "encoding": UTF8,
    "duplicate-name": DUPLICATE_NAMES,
    "number-range": "safety/json.number-range",
    "lone-surrogate": "safety/json.lone-surrogate",
    "depth": "safety/json.depth",
}
judged_by_table(__name__, "PROBLEM_CLAUSES", PROBLEM_CLAUSES.values())
# A document that is missing where the subject must have one.
ABSENT = "absent"
# A document that is not read, because it is a link out of the judged folder.
OUTSIDE = "outside"
INTEGER_NOTATION = "lint/json.integer-notation"
# The subject of clauses on what a registry says beside the content.
REGISTRY = "registry"
UNKNOWN = "lint/members.unknown"
MISSPELLED = "lint/members.misspelled"
TOO_NEW = "lint/members.too-new"
REMOVED = "lint/members.removed"
UNDEFINED_CLAUSES = (UNKNOWN, MISSPELLED, TOO_NEW, REMOVED)
_STATIC = frozenset({"static", "static-host"})
# Problems of a text that leave a placeholder in the value.
_ODD = ("number-range", "lone-surrogate")


@dataclass(frozen=True, eq=False, slots=True)
class DocumentType:
    """A document type to judge.

    ``kind`` is a key of ``schema.KINDS``; ``subjects`` the clause subjects that belong to it; ``registry`` its
    checks; ``closed`` the clause that an unknown member breaks where the specification forbids such members;
    ``absent`` the one that a document which is not there breaks, and ``outside`` one to which a link leads out of
    its folder. ``problems`` says which clause each problem of a text breaks, and ``unique`` by which clause the
    names in a map, the member of this name, may not be repeated. ``audience`` are those who read such documents.
    ``by_case`` is the clause that a member breaks which differs from one of the specification by case alone, where
    that is more than a typing error.
    """

    kind: str
    subjects: frozenset[str]
    registry: Registry
    closed: str = ""
    absent: str = ""
    outside: str = ""
    problems: Mapping[str, str] = field(default_factory=lambda: PROBLEM_CLAUSES)
    unique: Mapping[str, str] = field(default_factory=dict)
    audience: str = "runtimes"
    by_case: str = ""

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
        return ids | {INTEGER_NOTATION} | self.undefined_clauses()

    def undefined_clauses(self) -> set[str]:
        """The clauses that a member unknown to the specification can break; none where any member is fine."""
        if self.closed:
            return {self.closed}
        policy = schema.unknown_member_policy(self.kind)
        if policy is True:
            return set()
        more = {self.by_case} if self.by_case else set()
        return set(UNDEFINED_CLAUSES) - ({UNKNOWN} if policy == "typos" else set()) | more


@functools.lru_cache(maxsize=64)
def active_clauses(
    subject: DocumentType, release: str, platforms: frozenset[str], selection: Selection
) -> Mapping[str, Clause]:
    """The clauses that bear on such a document in this release, on these platforms, and that the selection wants."""
    served = ("distribution",) if REGISTRY in subject.subjects else ()
    inventory = load(schema.specification(subject.kind), *served, "safety", "lint")
    return {
        clause.id: clause
        for clause in inventory.about(subject.subjects, _STATIC)
        if clause.level is not Level.MAY
        and clause.holds_in(release)
        and clause.concerns(platforms)
        and selection.wants(clause)
    }


class _Finder:
    """Finds where violations stand in a document: all those that are told in one go, when the first is asked for."""

    def __init__(self, document: Document, *, mending: bool) -> None:
        self._document = document
        self._ways: list[Path] = []
        self.mending = mending

    def expect(self, violation: Violation) -> None:
        """A violation that is told will be asked for."""
        if violation.span is None:
            self._ways.append(violation.path)
        if self.mending and isinstance(violation.remedy, Write):
            self._ways += violation.remedy.others

    def mend(self, violation: Violation) -> Fix | None:
        """What may mend a violation."""
        return self._fixer.fix(violation)

    @functools.cached_property
    def _fixer(self) -> Fixer:
        # Most documents need none, and should not wait for it to be loaded.
        from ocivalidate.rules.fixing import Fixer

        return Fixer(self._document)

    def locate(self, violation: Violation) -> Location:
        """Where a violation stands."""
        document, span = self._document, violation.span
        if self._ways:
            document.foresee(map(tokens_of, self._ways))
            self._ways.clear()
        if span is None and document.usable:
            span = document.span_of(tokens_of(violation.path), key=violation.at_name)
        return located(document.name, violation.pointer, span, document)


class _Sheet:
    """What is said of one document: which clauses count, of what kind a violation is, and where it stands."""

    def __init__(self, subject: DocumentType, document: Document, ledger: Ledger, *, mending: bool) -> None:
        self.counts = ledger.counts
        self.clauses = ledger.of_subjects(subject.subjects)
        self._file = document.name
        self._finder = _Finder(document, mending=mending)
        self._ledger = ledger
        self._patterns = schema.Patterns(subject.kind)

    def wants(self, clause_id: str) -> bool:
        """Whether violations of a clause are reported."""
        return clause_id in self.clauses

    def judged(self, clause_ids: Collection[str]) -> None:
        """Say that there was occasion to judge these clauses."""
        self._ledger.judged(*self.clauses.keys() & clause_ids)

    def unjudged(self, clause_ids: Collection[str], reason: str) -> None:
        """Say why these clauses, or some part of them, could not be judged."""
        for clause_id in clause_ids:
            self._ledger.leave_open(clause_id, reason)

    def take(self, violation: Violation) -> None:
        """Take a violation, if it is one of those of its kind that are kept."""
        causes, clause_id = self._ledger.causes, violation.clause
        if causes is not None and clause_id in causes:
            about = causes.about(self._file, violation.pointer)
            if self._ledger.is_consequence(self.clauses[clause_id], clause_id, about):
                return
        kind = (clause_id, violation.severity, self._patterns.of(violation.path))
        if self.counts.keep(kind):
            self.put(violation, kind)

    def put(self, violation: Violation, kind: Hashable) -> None:
        """Put down a violation that was counted, and is to be kept."""
        clause = self.clauses.get(violation.clause)
        if clause is None:
            return
        finder = self._finder
        mend = functools.partial(finder.mend, violation) if finder.mending and violation.remedy is not None else None
        place = Place(self._file, "", functools.partial(self._finder.locate, violation), mend)
        if self._ledger.put(clause, violation, place, kind):
            self._finder.expect(violation)


def judge(
    subject: DocumentType, document: Document, context: CheckContext, ledger: Ledger, *, mending: bool = False
) -> None:
    """Judge a document by the clauses of a ledger that are on such documents.

    ``context.root`` is replaced by the document's own root. ``mending``: findings carry what may mend them.
    """
    sheet = _Sheet(subject, document, ledger, mending=mending)
    _text_problems(subject, document, sheet)
    if document.usable:
        _judge_value(subject, document, context, sheet)
        return
    for clause in sheet.clauses:
        ledger.unjudged(clause, "the document cannot be read")


def noting(kind: str, selection: Selection) -> Noting:
    """Which problems of the text of such a document are noted: as many as findings are kept."""
    return Noting(schema.Patterns(kind).of, selection.most)


def _text_problems(subject: DocumentType, document: Document, sheet: _Sheet) -> None:
    if document.usable:
        sheet.judged(subject.text_clauses())
    for problem in document.problems:
        clause = subject.clause_of(problem)
        kind = (clause, problem.kind, problem.pattern)
        if sheet.counts.keep(kind, 1 + problem.more):
            path = path_of(*parse_pointer(problem.pointer))
            span = document.where(problem)
            remedy = DropRepeated() if problem.kind == "duplicate-name" else None
            sheet.put(Violation(clause, path, problem.message, problem.got, span=span, remedy=remedy), kind)


def _judge_value(subject: DocumentType, document: Document, context: CheckContext, sheet: _Sheet) -> None:
    walk = _Walk(subject, context, sheet, odd=any(problem.kind in _ODD for problem in document.problems))
    sound = walk.value(schema.shape(subject.kind, context.release), document.value)
    for fault in walk.faults:
        error = schema.error_of(fault)
        hint, remedy = _answer(fault, error.keyword)
        told = Violation(error.clause, error.path, error.message, error.got, error.want, hint, remedy=remedy)
        sheet.put(told, fault.kind)
    sheet.judged(schema.judged_by(walk) | subject.undefined_clauses() | {INTEGER_NOTATION})
    if sound:
        # The rules of a release do not apply to a member that it does not have: it counts as broken.
        whole = replace(context, root=Node(document.value, None, walk.broken), text=document.text)
        run(subject.registry, whole, sheet)


def _answer(fault: Fault, keyword: str) -> tuple[str, Remedy | None]:
    """What to do about a fault, and what may mend it, where that is clear."""
    if keyword == "enum":
        name = near(fault.value, fault.shape.node["enum"])
        return (f"did you mean {name}?", written(name)) if name else ("", None)
    remedy = as_scalar(fault.value, fault.shape.node, fault.path) if keyword == "type" else None
    return ("write it without the quotes" if remedy else ""), remedy


class _Walk(Walk):
    """The walk of a document along its schema, which tells what is no fault there and yet a violation."""

    def __init__(self, subject: DocumentType, context: CheckContext, sheet: _Sheet, *, odd: bool) -> None:
        super().__init__(sheet.counts, odd=odd)
        self._subject = subject
        self._context = context
        self._sheet = sheet

    @judges(*UNDEFINED_CLAUSES)
    def undefined(self, shape: Shape, path: Path, name: str, value: Any) -> None:
        """A member that the release does not have."""
        clause, known = _recognised(shape, name, self._context.release)
        if clause == MISSPELLED and self._subject.by_case and same_but_for_case(known, name):
            clause = self._subject.by_case
        if clause == UNKNOWN and shape.node.get("x-open") == "typos":
            return
        kind = (shape, clause)
        if not self._sheet.counts.keep(kind):
            return
        there: Path = (path, name)
        message, hint = _about_undefined(clause, there, known, self._context, self._subject.audience)
        if clause == TOO_NEW:
            fault = schema.fault(shape.absent[name], known, value, there)
            message += f", and {fault}" if fault else ""
        # A development version has members of the release that it led to, whatever number that got in the end.
        severity = Severity.NOTE if clause == TOO_NEW and self._context.development else None
        means_one = clause not in (TOO_NEW, REMOVED, UNKNOWN) and _all_names(shape).only(name) == known
        told = Violation(
            self._subject.closed or clause,
            there,
            message,
            shortened(name),
            hint=hint,
            severity=severity,
            at_name=True,
            remedy=Rename(known) if means_one else None,
        )
        self._sheet.put(told, kind)

    @judges(INTEGER_NOTATION)
    def whole_float(self, shape: Shape, path: Path, value: float) -> None:
        """An integer that is written as none, such as ``1.0`` or ``1e3``."""
        kind = (shape, INTEGER_NOTATION)
        if self._sheet.counts.keep(kind):
            message = f"{place_at(path)} is an integer that is written with a fraction or an exponent"
            hint = "runtimes written in Go refuse the document"
            told = Violation(INTEGER_NOTATION, path, message, got=repr(value), want=str(int(value)), hint=hint)
            told = told._replace(remedy=WriteInteger())
            self._sheet.put(told, kind)


def _recognised(shape: Shape, name: str, release: str) -> tuple[str, str]:
    """The clause that a member breaks which the release does not have; the release or the member that it points to."""
    node = shape.absent.get(name)
    if node is not None:
        since, until = node.get("x-since"), node.get("x-until")
        return (REMOVED, str(until)) if holds(release, since, None) else (TOO_NEW, str(since))
    known = _names(shape).similar(name)
    return (MISSPELLED, known) if known else (UNKNOWN, "")


@functools.cache
def _names(shape: Shape) -> Names:
    return Names(shape.members)


@functools.cache
def _all_names(shape: Shape) -> Names:
    """Those of other releases too."""
    return Names([*shape.members, *shape.absent])


def _about_undefined(clause: str, path: Path, known: str, context: CheckContext, audience: str) -> tuple[str, str]:
    """What to say of a member that the release does not have, and the hint."""
    where, name = place_at(path), str(path[1]) if path else ""
    if clause == TOO_NEW:
        return f"{where} was added in version {known}", f"{audience} for {context.release} ignore it"
    if clause == REMOVED:
        return f"{where} was removed after version {known}", f"{audience} ignore it"
    if clause == UNKNOWN:
        return f"{where} is not a member of the specification", f"{audience} ignore it"
    if same_but_for_case(known, name):
        return f"{where} differs from {known} only by case", f"some {audience} read it as {known}, others ignore it"
    return f"{where} is not a member of the specification", f"did you mean {known}?"


def located(file: str, pointer: str | None, span: Span | None, document: Document) -> Location:
    """The location of a span of a document; one that ends on a later line is shown by its first character."""
    pointer = pointer if pointer is None else bounded(pointer)
    if span is None:
        return Location(file, pointer)
    end = span.end_column if span.end_line == span.line else span.column + 1
    return Location(file, pointer, span.line, span.column, end, document.line(span.line))
