"""The bugs of ``bugs.toml``: read, tried on the two versions that each names, and judged.

A bug is *caught* where the bad version fails in the way that the bug names, and *passed* where the good one is judged
and does not.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from fixtures.subjects import Subject, subject
from fixtures.subjects.getting import get
from fixtures.subjects.runs import Run, run

TABLE = Path(__file__).parent / "bugs.toml"


@dataclass(frozen=True, slots=True)
class Bug:
    """A bug that a runtime shipped: the head of ``bugs.toml`` explains each member."""

    id: str
    shipped: str
    bad: Subject
    good: Subject
    case: str
    clauses: tuple[str, ...]
    shows: str
    message: str = "*"
    spec: str = ""
    strict: bool = False


class Unseen(NamedTuple):
    """A bug that is known and that no run can show, and why."""

    id: str
    shipped: str
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run says of a bug: ``failed`` in its way, ``passed``, or neither, because of ``said``."""

    failed: bool
    passed: bool
    said: str


def bugs() -> list[Bug]:
    """The bugs that a run shows."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return [
        Bug(**{**row, "bad": subject(row["bad"]), "good": subject(row["good"]), "clauses": tuple(row["clauses"])})
        for row in table["bug"]
    ]


def unseen() -> list[Unseen]:
    """The bugs that no run can show."""
    return [Unseen(**row) for row in tomllib.loads(TABLE.read_text(encoding="utf-8"))["unseen"]]


def judged(bug: Bug, one: Run) -> Verdict:
    """What a run, which does not know of expected failures, says of a bug."""
    outcomes = {clause: one.verdicts[bug.case, clause] for clause in bug.clauses if (bug.case, clause) in one.verdicts}
    if not outcomes:
        return Verdict(failed=False, passed=False, said="not judged by this release")
    messages = [message for clause in outcomes for message in one.messages(bug.case, clause)]
    named = [message for message in messages if fnmatchcase(message, bug.message)]
    if "fail" in outcomes.values() and named:
        return Verdict(failed=True, passed=False, said="; ".join(dict.fromkeys(named)))
    if "error" in outcomes.values():
        return Verdict(failed=False, passed=False, said="; ".join(one.reasons(bug.case)))
    # A failure of another kind is no sign of this bug, and no sign of its absence but where the bug has a message.
    if "pass" in outcomes.values() or "fail" in outcomes.values():
        return Verdict(failed=False, passed=True, said="passes" if "pass" in outcomes.values() else "fails otherwise")
    reasons = one.reasons(bug.case)
    # Some bugs were mended by refusing what brought them about.
    return Verdict(failed=False, passed=any("refuse" in reason for reason in reasons), said="; ".join(reasons))


class Museum:
    """Runs subjects on what the bugs ask of them: each subject once for each way in which it is asked."""

    def __init__(self, cache: Path, listed: Sequence[Bug]) -> None:
        self._cache = cache
        self._cases: dict[tuple[Subject, str, bool], set[str]] = {}
        for bug in listed:
            for side in (bug.bad, bug.good):
                self._cases.setdefault((side, bug.spec, bug.strict), set()).add(bug.case)
        self._runs: dict[tuple[Subject, str, bool], Run] = {}

    def verdict(self, bug: Bug, side: Subject) -> Verdict:
        """What the run of one side says of a bug. Raises :class:`CannotFetch` without that subject."""
        asked = (side, bug.spec, bug.strict)
        if asked not in self._runs:
            self._runs[asked] = self._run(*asked)
        return judged(bug, self._runs[asked])

    def _run(self, side: Subject, spec: str, strict: bool) -> Run:  # noqa: FBT001 # one of three that make a key
        options = ["--no-expectations", "--select", ",".join(sorted(self._cases[side, spec, strict]))]
        options += ["--spec-version", spec] if spec else []
        options += ["--strict"] if strict else []
        return run(str(get(side, self._cache)), *options)


def table(museum: Museum, listed: Iterable[Bug], hidden: Iterable[Unseen]) -> str:
    """The bugs with what both runs say, as tables of Markdown."""
    lines = ["| bug | shipped in | case | bad version | good version |", "|---|---|---|---|---|"]
    count = 0
    for bug in listed:
        bad, good = museum.verdict(bug, bug.bad), museum.verdict(bug, bug.good)
        count += bad.failed and good.passed
        sides = (
            f"{bug.bad}: {'caught' if bad.failed else 'NOT CAUGHT'}: {bad.said}",
            f"{bug.good}: {'' if good.passed else 'NOT PASSED: '}{good.said}",
        )
        lines.append(_row(bug.id, bug.shipped, bug.case, *sides))
    lines += ["", f"{count} caught and passed", "", "| not to be seen | shipped in | why |", "|---|---|---|"]
    lines += [_row(*one) for one in hidden]
    return "\n".join(lines) + "\n"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
