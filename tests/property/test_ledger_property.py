"""Whatever is said to a ledger, in whatever order: nothing is lost, nothing is passed that is broken."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import given, strategies as st

from ocivalidate.keeping import Counts
from ocivalidate.rules.clauses import Clause, Level, Selection, Severity
from ocivalidate.rules.findings import Location, Outcome
from ocivalidate.rules.ledger import Ledger, Place, Verdicts, together


class Said(NamedTuple):
    """One thing that is said to a ledger; ``word`` is the name of its method."""

    word: str
    clause: str
    line: int = 0
    severity: Severity | None = None
    more: int = 0


def _clause(name: str, severity: Severity, same_as: str | None = None) -> Clause:
    return Clause(
        f"runtime/{name}", Level.MUST, severity, "", "static", "config", same_as=same_as, contested="by a test"
    )


CLAUSES = (
    _clause("a", Severity.ERROR),
    _clause("a-again", Severity.ERROR, "runtime/a"),
    _clause("b", Severity.WARNING),
    _clause("c-first", Severity.ERROR, "runtime/c"),
    _clause("c", Severity.ERROR),
    _clause("d-alone", Severity.NOTE, "runtime/d"),
)
# "e" is none that is active; checks name "d", of which only one that says the same is.
NAMED = [f"runtime/{name}" for name in "abcde"]
SAID = st.one_of(
    st.builds(Said, st.sampled_from(["judged", "unjudged", "leave_open", "error"]), st.sampled_from(NAMED)),
    st.builds(
        Said,
        st.just("add"),
        st.sampled_from(NAMED),
        st.integers(1, 99),
        st.sampled_from([None, Severity.NOTE]),
        st.integers(0, 3),
    ),
)
MOST = st.sampled_from([None, 1, 2, 20])
IGNORED = st.lists(st.sampled_from([clause.id for clause in CLAUSES]), max_size=2, unique=True)


def write(ledger: Ledger, said: Sequence[Said], located: list[int] | None = None) -> Ledger:
    """Say all of it to a ledger; ``located`` gets the line of each place that is asked for."""
    for one in said:
        if one.word == "judged":
            ledger.judged(one.clause)
        elif one.word == "add":
            ledger.add(one.clause, _place(one.line, located), "m", severity=one.severity, more=one.more)
        else:
            getattr(ledger, one.word)(one.clause, one.word)
    return ledger


def _place(line: int, located: list[int] | None) -> Place:
    def locate() -> Location:
        if located is not None:
            located.append(line)
        return Location("f", f"/x/{line}", line, 1)

    return Place("f", f"/x/{line}", locate)


def opened(most: int | None = None, ignored: Sequence[str] = (), counts: Counts | None = None) -> Ledger:
    return Ledger({one.id: one for one in CLAUSES}, Selection(most=most, ignore=tuple(ignored)), counts=counts)


def told(verdicts: Verdicts) -> int:
    return sum(1 + finding.more for finding in verdicts.findings)


def violations(said: Sequence[Said]) -> int:
    return sum(1 + one.more for one in said if one.word == "add" and one.clause != "runtime/e")


@given(st.lists(SAID, max_size=40), MOST, IGNORED)
def test_every_violation_is_told_counted_or_suppressed(said: list[Said], most: int | None, ignored: list[str]) -> None:
    found = write(opened(most, ignored), said).verdicts()
    assert told(found) + found.suppressed == violations(said)


@given(st.lists(SAID, max_size=40), IGNORED, st.randoms(use_true_random=False))
def test_the_order_of_what_is_said_counts_for_nothing(
    said: list[Said], ignored: list[str], dice: random.Random
) -> None:
    shuffled = dice.sample(said, len(said))
    one, other = (write(opened(None, ignored), order).verdicts() for order in (said, shuffled))
    assert Counter(one.findings) == Counter(other.findings)
    lines = [(finding.location.line, finding.clause.id) for finding in one.findings]
    assert lines == sorted(lines, key=lambda place: (place[0] or 0, place[1]))
    assert [(result.clause, result.outcome, result.reason) for result in one.results] == [
        (result.clause, result.outcome, result.reason) for result in other.results
    ]
    assert one.suppressed == other.suppressed


@given(st.lists(SAID, max_size=60), st.sampled_from([1, 2, 5]), IGNORED, st.randoms(use_true_random=False))
def test_no_outcome_and_no_number_depends_on_what_is_kept(
    said: list[Said], most: int, ignored: list[str], dice: random.Random
) -> None:
    everything = write(opened(None, ignored), said).verdicts()
    kept = write(opened(most, ignored), dice.sample(said, len(said))).verdicts()

    def numbers(verdicts: Verdicts) -> Counter[tuple[str, Severity]]:
        found: Counter[tuple[str, Severity]] = Counter()
        for finding in verdicts.findings:
            found[finding.clause.id, finding.severity] += 1 + finding.more
        return found

    assert numbers(kept) == numbers(everything)
    assert kept.suppressed == everything.suppressed
    assert [(one.clause, one.outcome, one.reason) for one in kept.results] == [
        (one.clause, one.outcome, one.reason) for one in everything.results
    ]
    assert max(Counter((one.clause.id, one.severity) for one in kept.findings).values(), default=0) <= most


@given(st.lists(SAID, max_size=40), MOST, IGNORED)
def test_results_are_what_the_findings_say(said: list[Said], most: int | None, ignored: list[str]) -> None:
    found = write(opened(most, ignored), said).verdicts()
    for result in found.results:
        same = result.clause.same_as or result.clause.id
        own = [one for one in found.findings if (one.clause.same_as or one.clause.id) == same]
        assert list(result.findings) == own
        assert (result.outcome is Outcome.FAIL) == bool(own)
        # What is broken is passed nowhere, even where that is not told.
        if result.outcome in (Outcome.PASS, Outcome.SKIP):
            assert not any(one.word == "add" and one.clause == same for one in said)
    outcomes = {
        (result.clause.same_as or result.clause.id): (result.outcome, result.reason) for result in found.results
    }
    for result in found.results:
        assert outcomes[result.clause.same_as or result.clause.id] == (result.outcome, result.reason)


@given(st.lists(SAID, max_size=40), MOST, IGNORED)
def test_what_is_ignored_appears_nowhere(said: list[Said], most: int | None, ignored: list[str]) -> None:
    found = write(opened(most, ignored), said).verdicts()
    seen = {result.clause.id for result in found.results} | {finding.clause.id for finding in found.findings}
    assert seen.isdisjoint(ignored)
    # And nothing else becomes another thing by it.
    before = write(opened(most), said).verdicts()
    assert set(found.results) <= set(before.results)
    assert set(found.findings) <= set(before.findings)


@given(st.lists(SAID, max_size=40), MOST, IGNORED, st.integers(0, 40))
def test_each_place_is_located_once_and_only_if_it_is_kept(
    said: list[Said], most: int | None, ignored: list[str], half: int
) -> None:
    located: list[int] = []
    ledger = write(opened(most, ignored), said[:half], located)
    ledger.findings()
    found = write(ledger, said[half:], located).verdicts()
    ledger.verdicts()
    kept = [*found.findings, *(one.finding for one in found.hidden)]
    assert Counter(located) == Counter(finding.location.line for finding in kept)
    assert {one.finding.clause.id for one in found.hidden} <= {*ignored}


@given(st.lists(st.lists(SAID, max_size=20), min_size=1, max_size=4), MOST, IGNORED)
def test_ledgers_that_come_together_lose_nothing(parts: list[list[Said]], most: int | None, ignored: list[str]) -> None:
    counts = Counts(most)
    found = together([write(opened(most, ignored, counts=counts), part) for part in parts])
    assert told(found) + found.suppressed == sum(map(violations, parts))
    assert Counter(one for result in found.results if not result.clause.same_as for one in result.findings) <= Counter(
        found.findings
    )
    if len(parts) == 1:
        assert found == write(opened(most, ignored), parts[0]).verdicts()
