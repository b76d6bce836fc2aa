"""The ledger: violations and occasions go in, results and findings come out, and nothing else makes them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import ocivalidate
from ocivalidate.keeping import Counts
from ocivalidate.rules.checks import Violation
from ocivalidate.rules.clauses import Clause, Level, Selection, Severity
from ocivalidate.rules.findings import Finding, Location, Outcome, Result
from ocivalidate.rules.ledger import FOLLOWS, NOT_PRESENT, Ledger, Place, Verdicts, failure, together

PACKAGE = Path(ocivalidate.__file__).parent


def clause(name: str, severity: Severity = Severity.ERROR, subject: str = "config", **more: Any) -> Clause:
    return Clause(f"runtime/{name}", Level.MUST, severity, "", "static", subject, contested="by a test", **more)


A, B, C = clause("a"), clause("b"), clause("c", Severity.WARNING, "state")
ALIAS = clause("alias", same_as=A.id)
HERE = Location("f", "/x", 1, 1)


def ledger(*clauses: Clause, most: int | None = 20, ignore: tuple[str, ...] = (), **more: Any) -> Ledger:
    wanted = clauses or (A, B, C)
    return Ledger({one.id: one for one in wanted}, Selection(most=most, ignore=ignore), **more)


def outcomes(verdicts: Verdicts) -> dict[str, tuple[Outcome, str]]:
    return {result.clause.id.removeprefix("runtime/"): (result.outcome, result.reason) for result in verdicts.results}


def at(line: int, file: str = "f") -> Location:
    return Location(file, f"/x/{line}", line, 1)


# What may be said of clause A.
SAY: dict[str, Callable[[Ledger], object]] = {
    "judged": lambda book: book.judged(A.id),
    "unjudged": lambda book: book.unjudged(A.id, "no file"),
    "open": lambda book: book.leave_open(A.id, "a part"),
    "error": lambda book: book.error(A.id, "it broke"),
    "violation": lambda book: book.add(A.id, HERE, "m"),
}


# --- Results


def test_a_clause_of_which_nothing_was_said_is_not_present() -> None:
    assert outcomes(ledger().verdicts()) == dict.fromkeys("abc", (Outcome.SKIP, NOT_PRESENT))


def test_results_are_in_the_order_of_the_clauses() -> None:
    book = ledger(C, A, B)
    book.add(B.id, HERE, "m")
    book.judged(A.id)
    assert [result.clause for result in book.verdicts().results] == [C, A, B]


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("unjudged", (Outcome.SKIP, "no file")),
        ("judged unjudged", (Outcome.PASS, "")),
        ("open judged", (Outcome.SKIP, "a part")),
        ("unjudged open", (Outcome.SKIP, "a part")),
        ("judged open error", (Outcome.ERROR, "it broke")),
        ("error violation open judged", (Outcome.FAIL, "")),
    ],
)
def test_what_weighs_most_of_what_was_said_counts(said: str, wanted: tuple[Outcome, str]) -> None:
    """A violation, then an error, then an open part, then an occasion, then a reason; in whatever order they come."""
    for words in (said.split(), said.split()[::-1]):
        book = ledger()
        for word in words:
            SAY[word](book)
        assert outcomes(book.verdicts())["a"] == wanted


def test_the_first_reason_counts() -> None:
    book = ledger()
    for reason in ("first", "second"):
        book.unjudged(A.id, reason)
        book.leave_open(B.id, reason)
        book.error(C.id, reason)
    assert {reason for _outcome, reason in outcomes(book.verdicts()).values()} == {"first"}


def test_a_clause_that_is_not_active_is_passed_over() -> None:
    book = ledger(A)
    book.judged(B.id)
    book.add(B.id, HERE, "m")
    assert book.verdicts() == ledger(A).verdicts()


# --- Findings


def test_a_finding_has_what_was_said_and_the_severity_of_its_clause() -> None:
    book = ledger()
    book.add(C.id, HERE, "m", got="g", want="w", hint="h")
    assert book.findings() == (Finding(C, Severity.WARNING, "m", HERE, "g", "w", "h"),)


def test_a_violation_may_weigh_less_than_its_clause_and_never_more() -> None:
    book = ledger()
    book.add(A.id, HERE, "m", severity=Severity.NOTE)
    assert [finding.severity for finding in book.findings()] == [Severity.NOTE]
    with pytest.raises(AssertionError, match=r"runtime/c may not weigh more"):
        book.add(C.id, HERE, "m", severity=Severity.ERROR)


def test_findings_are_in_the_order_of_files_and_places() -> None:
    book = ledger()
    for line, file in ((2, "g"), (9, "f"), (1, "g"), (3, "f")):
        book.add(B.id, at(line, file), "m")
    book.add(A.id, at(3, "f"), "m")
    book.add(A.id, Location("f", ""), "m")
    found = [(one.location.file, one.location.line, one.clause) for one in book.findings()]
    assert found == [("f", None, A), ("f", 3, A), ("f", 3, B), ("f", 9, B), ("g", 1, B), ("g", 2, B)]
    assert {result.clause: len(result.findings) for result in book.verdicts().results} == {A: 2, B: 4, C: 0}


def test_results_hold_the_findings_of_the_report() -> None:
    book = ledger(most=2)
    for line in (3, 1, 2, 4):
        book.add(A.id, at(line), "m")
    found = book.verdicts()
    assert found.results[0].findings == found.findings
    assert [(one.location.line, one.more) for one in found.findings] == [(1, 0), (3, 2)]


def test_what_stands_for_others_counts_them() -> None:
    book = ledger(most=6)
    book.add(A.id, at(1), "m", more=4)
    assert [one.more for one in book.findings()] == [4]
    book.add(A.id, at(2), "m")
    assert [one.more for one in book.findings()] == [0, 4]
    book.add(A.id, at(3), "m", more=9)
    assert [one.more for one in book.findings()] == [0, 14]


def test_kinds_are_clause_severity_and_pattern_of_place() -> None:
    book = ledger(most=1)
    for number in range(3):
        book.add(A.id, Location("f", f"/x/{number}/y"), "m")
        book.add(A.id, Location("f", f"/x/{number}/y"), "m", severity=Severity.NOTE)
        book.add(A.id, Location("f", f"/x/{number}/z"), "m")
        book.add(A.id, Location("f", f"/x/{number}/z"), f"m{number}", kind=number)
        book.add(B.id, Location("f", f"/x/{number}/y"), "m")
    told = [(one.clause, one.severity, one.location.pointer, one.more) for one in book.findings()]
    assert sorted(told, key=str) == sorted(
        [
            (A, Severity.ERROR, "/x/0/y", 2),
            (A, Severity.NOTE, "/x/0/y", 2),
            (A, Severity.ERROR, "/x/0/z", 2),
            (A, Severity.ERROR, "/x/0/z", 0),
            (A, Severity.ERROR, "/x/1/z", 0),
            (A, Severity.ERROR, "/x/2/z", 0),
            (B, Severity.ERROR, "/x/0/y", 2),
        ],
        key=str,
    )


def test_only_what_is_kept_is_located_and_that_once() -> None:
    located: list[int] = []

    def place(line: int) -> Place:
        def locate() -> Location:
            located.append(line)
            return at(line)

        return Place("f", f"/x/{line}", locate)

    book = ledger(most=2, ignore=(B.id,))
    for line in range(9):
        book.add(A.id, place(line), "m")
        book.add(B.id, place(line), "m")
        book.add("runtime/other", place(line), "m")
    assert located == []
    book.findings()
    book.add(C.id, place(9), "m")
    book.verdicts()
    assert located == [0, 1, 9, 0, 1]  # what is hidden comes last


def test_what_is_added_twice_is_told_once_where_that_was_asked_for() -> None:
    for once, number in ((True, 1), (False, 2)):
        book = ledger(once=once)
        for _image in range(2):
            book.add(A.id, Place("f", "/x", lambda: HERE), "m", got="1")
        assert len(book.findings()) == number
        book.add(A.id, Place("f", "/x", lambda: HERE), "m", got="2")
        book.add(A.id, Place("f", "/y", lambda: HERE), "m", got="1")
        assert len(book.findings()) == number + 2


# --- Selection


def test_what_is_ignored_is_counted_and_has_no_result() -> None:
    book = ledger(most=2, ignore=("runtime/a",))
    for line in range(5):
        book.add(A.id, at(line), "m")
    book.add(A.id, Location("f", "/other"), "m", more=6)
    book.add(B.id, HERE, "m")
    found = book.verdicts()
    assert (found.suppressed, [one.clause for one in found.findings]) == (12, [B])
    assert "a" not in outcomes(found)


def test_one_that_says_the_same_shares_the_result() -> None:
    for said in (Ledger.judged, lambda book, key: book.add(key, HERE, "m"), lambda book, key: book.error(key, "no")):
        book = ledger(ALIAS, A)
        said(book, A.id)
        alias, own = book.verdicts().results
        assert alias == replace(own, clause=ALIAS)
        assert own.outcome is not Outcome.SKIP
    book = ledger(ALIAS)
    book.add(A.id, HERE, "m")
    assert [(one.clause, len(one.findings), one.findings[0].clause) for one in book.verdicts().results] == [
        (ALIAS, 1, ALIAS)
    ]


def test_one_that_says_the_same_as_what_is_ignored_is_no_pass() -> None:
    book = ledger(ALIAS, A, B, ignore=(A.id,))
    book.judged(A.id, B.id)
    assert outcomes(book.verdicts()) == {"alias": (Outcome.PASS, ""), "b": (Outcome.PASS, "")}
    book.add(A.id, HERE, "m")
    assert outcomes(book.verdicts()) == {"b": (Outcome.PASS, "")}


def test_clauses_of_some_subjects() -> None:
    book = ledger(A, ALIAS, C)
    assert book.of_subjects(frozenset({"config"})) == {A.id: A, ALIAS.id: ALIAS}
    assert book.of_subjects(frozenset({"state"})) == {C.id: C}
    assert ledger(ALIAS).of_subjects(frozenset({"config"})) == {A.id: ALIAS, ALIAS.id: ALIAS}


# --- Consequences


class _Table:
    """B follows from A, and C from B."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str]] = set()

    def __contains__(self, sign: str, /) -> bool:
        return sign in (A.id, B.id, C.id)

    def follows(self, sign: str, about: str) -> bool:
        self._seen.add((sign, about))
        return ({C.id: B.id, B.id: A.id}.get(sign, ""), about) in self._seen

    def about(self, file: str, pointer: str) -> str:
        return f"{file}#{pointer}"


def test_what_follows_from_another_finding_is_skipped_and_so_is_what_follows_from_that() -> None:
    book = ledger(causes=_Table())
    for one in (A, B, C):
        book.judged(one.id)
        book.add(one.id, HERE, "m", about="x")
    found = book.verdicts()
    assert [one.clause for one in found.findings] == [A]
    assert outcomes(found) == {"a": (Outcome.FAIL, ""), "b": (Outcome.SKIP, FOLLOWS), "c": (Outcome.SKIP, FOLLOWS)}
    book.add(B.id, HERE, "m", about="another thing")
    book.add(C.id, HERE, "m")
    assert [one.clause for one in book.findings()] == [A, B, C]


def test_a_cause_that_is_ignored_has_no_consequences() -> None:
    book = ledger(causes=_Table(), ignore=(A.id,))
    book.add(A.id, HERE, "m", about="x")
    book.add(B.id, HERE, "m", about="x")
    assert [one.clause for one in book.findings()] == [B]


def test_a_violation_may_be_known_by_a_sign_of_its_own() -> None:
    book = ledger(A, clause("d"), causes=_Table())
    book.add("runtime/d", HERE, "m", about="x", sign=A.id)
    book.add("runtime/d", HERE, "m", about="x", sign=B.id)
    assert len(book.findings()) == 1


# --- Several results of one clause


def test_ledgers_that_share_their_counts_come_together() -> None:
    counts = Counts(2)
    books = [ledger(A, B, most=2, pointer=f"/x/{number}", counts=counts, ignore=(B.id,)) for number in range(4)]
    for number, book in enumerate(books):
        book.add(A.id, at(9 - number), "m", kind="k")
        book.add(B.id, at(number), "m", kind="k")
    found = together(books)
    assert [(one.location.line, one.more) for one in found.findings] == [(8, 0), (9, 2)]
    # Of those that are counted only there is no result, neither a pass nor a skip.
    assert [(one.pointer, one.outcome, one.findings[0].location.line) for one in found.results] == [
        ("/x/0", Outcome.FAIL, 9),
        ("/x/1", Outcome.FAIL, 8),
    ]
    assert found.suppressed == 4
    assert together([]) == Verdicts((), (), 0)


def test_results_name_their_case() -> None:
    assert {one.case for one in ledger(case="a.case").verdicts().results} == {"a.case"}


def test_a_failure_holds_its_findings() -> None:
    found = Finding(A, Severity.ERROR, "m", HERE)
    assert failure(A, [found]) == Result(A, Outcome.FAIL, findings=(found,))


def test_what_was_counted_elsewhere_is_only_put_down() -> None:
    book = ledger(most=1)
    assert book.counts.keep("kind", 5)
    assert book.put(A, Violation(A.id, None, "m"), HERE, "kind")
    assert [one.more for one in book.findings()] == [4]


# --- Nothing else makes results and findings

MADE = {"Result", "Finding"}


def makers(tree: ast.Module) -> Iterator[int]:
    """The lines in which a module makes a result or a finding."""
    own = {
        name.asname or name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ocivalidate")
        for name in node.names
        if name.name in MADE
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            made = node.func
            named = isinstance(made, ast.Name) and made.id in own
            if named or (isinstance(made, ast.Attribute) and made.attr in MADE):
                yield node.lineno


def test_makers_are_found() -> None:
    text = """
from ocivalidate.rules.findings import Finding as Told, Result
from ocivalidate.rules import findings
Told(1)
findings.Result(2)
isinstance(3, Result)
Result(4)
"""
    assert sorted(makers(ast.parse(text))) == [4, 5, 7]


def test_only_the_ledger_makes_results_and_findings() -> None:
    found = {
        f"{path.relative_to(PACKAGE)}:{line}"
        for path in PACKAGE.rglob("*.py")
        for line in makers(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert {place.rpartition(":")[0] for place in found} == {"rules/ledger.py"}, sorted(found)
