"""``ocivalidate explain`` of a case: what it tries, what it needs, and the clauses that it judges."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from ocivalidate.judges import case_place, cases
from ocivalidate.report.fitting import fitted
from ocivalidate.report.painting import Line
from ocivalidate.rules.clauses import Level, load
from ocivalidate.rules.references import page
from ocivalidate.runtime.cases import Case


def find(name: str) -> Case | None:
    """The case with this id."""
    return next((case for case in cases() if case.id == name), None)


def containing(word: str) -> list[Case]:
    """The cases that have the word in their id or in their summary."""
    low = word.lower()
    return [case for case in cases() if low in case.id or low in case.summary.lower()]


def as_json(case: Case) -> dict[str, object]:
    """What is known of a case."""
    return {
        "id": case.id,
        "summary": case.summary,
        "clauses": [*case.clauses],
        "properties": [*case.sets],
        "needs": [*case.needs],
        "timeout": case.timeout,
        "judged_by": [case_place(case)._asdict()],
    }


def as_lines(case: Case, width: int) -> Iterator[Line]:
    """The same as text."""
    yield [(case.id, "strong")]
    for paragraph in (inspect.getdoc(case.run) or "").split("\n\n"):
        yield from fitted([("  ", ""), (" ".join(paragraph.split()), "")], width, 2)
    yield []
    for name, value in _facts(case):
        yield from fitted([(f"  {name:<10} ", "frame"), (value, "")], width, 13)
    yield []
    yield [("  judges:", "strong")]
    for clause_id in case.clauses:
        clause = load()[clause_id]
        level = clause.level.value if clause.level is not Level.NONE else clause.severity.value
        yield from fitted([("    ", ""), (clause.id, f"name {page(clause)}"), (f" [{level}]", "")], width, 6)
        yield from fitted([("      ", ""), (f"{clause.summary}.", "")], width, 6)


def _facts(case: Case) -> Iterator[tuple[str, str]]:
    yield "by", str(case_place(case))
    if case.sets:
        yield "sets", ", ".join(case.sets)
    yield "needs", ", ".join(case.needs) or "nothing of the host"
    yield "time", f"at most {case.timeout:g} s, more on slow machines"
    yield "run it", f"ocivalidate runtime --runtime PROGRAM --select {case.id}"
