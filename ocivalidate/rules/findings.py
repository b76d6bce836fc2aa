"""What a judgement says: locations, findings, results and the report that holds them.

Plain data; nothing here reads or prints.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, Final, NamedTuple

from ocivalidate.rules.clauses import Clause, Severity
from ocivalidate.rules.sharing import of_results


@dataclass(frozen=True, slots=True)
class Location:
    """Where a finding stands.

    ``file`` is shown as the caller gave it; ``pointer`` is an RFC 6901 JSON pointer (``None``: not inside a document).
    ``line`` and ``column`` count from 1 in code points, ``end_column`` is exclusive and on the same line; ``text`` is
    that line. ``digest`` and ``member`` name a blob and an entry in a layer, ``case`` a runtime case.
    """

    file: str = ""
    pointer: str | None = None
    line: int | None = None
    column: int | None = None
    end_column: int | None = None
    text: str = ""
    digest: str = ""
    member: str = ""
    case: str = ""


class Change(NamedTuple):
    """``text`` in place of the bytes of a document from ``start`` to ``end`` (exclusive, from 0).

    Lines and columns are those of the same places, counted as in :class:`Location`.
    """

    start: int
    end: int
    line: int
    column: int
    end_line: int
    end_column: int
    text: str


class Fix(NamedTuple):
    """The one safe answer to a finding: ``title`` says what is done, ``changes`` where, without overlap.

    All that is not in a change stays as it is, byte for byte.
    """

    title: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation of one clause.

    ``got`` and ``want`` are short and optional; ``hint`` says what to do. ``more``: how many others of the same kind
    (clause, severity, and pattern of place) were found of which only the number was kept; the last that was kept says
    it. ``fix``: what mends it, where there is one safe answer and somebody asked for it.
    """

    clause: Clause
    severity: Severity
    message: str
    location: Location
    got: str = ""
    want: str = ""
    hint: str = ""
    more: int = 0
    fix: Fix | None = None


class Outcome(StrEnum):
    """What became of one (subject, clause).

    ``ERROR`` means that we could not judge: it is never a fail and never a pass.
    """

    PASS = "pass"
    FAIL = "fail"
    SKIP = "skip"
    ERROR = "error"
    XFAIL = "xfail"
    XPASS = "xpass"


@dataclass(frozen=True, slots=True)
class Result:
    """One clause judged on one subject.

    ``reason`` is machine-readable for a skip (``not present``, ``needs --host`` …). ``case`` is the case that judged
    it, where a runtime is the subject: it has a result for each (case, clause). ``seconds`` is how long that took,
    ``dump`` the folder in which what the case did was kept. ``pointer`` is the place in a ``config.json`` at which
    facts were held against it (``""``: what is asked of every container): they have a result for each (place, clause).
    """

    clause: Clause
    outcome: Outcome
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    case: str = ""
    seconds: float | None = None
    dump: str = ""
    pointer: str | None = None


BREAKS: Final = "breaks "
"""How the hint of a finding begins that names what breaks by it."""


class Suppressed(NamedTuple):
    """A finding that somebody did not want to be told of, and what says so: ``ignore``, or a file."""

    finding: Finding
    by: str


IGNORED = "ignore"
"""What suppresses findings on clauses that a selection ignores."""


class Rows:
    """A list in the facts of a report that may be too long to be in memory: it is made anew whenever it is read."""

    def __init__(self, make: Callable[[], Iterator[Any]]) -> None:
        self._make = make

    def __iter__(self) -> Iterator[Any]:
        return self._make()

    def __eq__(self, other: object) -> bool:
        return [*self] == [*other] if isinstance(other, Iterable) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as that of a list

    def __reduce__(self) -> tuple[Any, ...]:
        return list, ([*self],)


@dataclass(frozen=True, slots=True)
class Report:
    """All that one run says of one subject.

    ``kind``: bundle, state, features, image … ``subject``: what was judged, as the caller named it. ``release`` is the
    release whose clauses applied and ``release_note`` why, when that needs saying; ``platforms`` likewise. ``facts``
    are further header fields, plain JSON but for :class:`Rows`. ``problem``: why the subject could not be judged (then
    there are no results). ``suppressed`` counts findings that are not told as somebody wanted that; ``hidden`` are the
    first of each kind of them. ``file``: the file in which stands what names no other: the document, the index of a
    layout, or an archive, of which files are called ``FILE:PATH``. ``complete`` is the footer: a report without it is
    broken and never reads as a pass.
    """

    kind: str
    subject: str
    specification: str
    release: str = ""
    release_note: str = ""
    platforms: tuple[str, ...] = ()
    platform_note: str = ""
    results: tuple[Result, ...] = ()
    findings: tuple[Finding, ...] = ()
    suppressed: int = 0
    hidden: tuple[Suppressed, ...] = ()
    problem: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    complete: bool = True
    file: str = ""

    def count(self, outcome: Outcome) -> int:
        """How many results have this outcome."""
        return outcomes(self.results)[outcome]

    def severities(self) -> Counter[Severity]:
        """How many findings there are of each severity."""
        counted: Counter[Severity] = Counter()
        for finding in self.findings:
            counted[finding.severity] += 1 + finding.more
        return counted

    @property
    def judged(self) -> int:
        """How many clauses got a verdict (pass, fail, xfail or xpass)."""
        return len(self.results) - self.count(Outcome.SKIP) - self.count(Outcome.ERROR)

    @property
    def says_something(self) -> bool:
        """Whether anything was judged: what is known, and suppressed for that, was judged too."""
        return self.judged > 0 or any(one.by != IGNORED for one in self.hidden)


@of_results
def outcomes(results: Iterable[Result]) -> Counter[Outcome]:
    """How many results have each outcome."""
    return Counter(result.outcome for result in results)


@of_results
def _has_bare_failures(results: Iterable[Result]) -> bool:
    return any(result.outcome is Outcome.FAIL and not result.findings for result in results)


class ExitCode(IntEnum):
    """The exit codes of every command: 2 beats 1 beats 0."""

    CONFORMS = 0
    FINDINGS = 1
    COULD_NOT_JUDGE = 2


def failing(finding: Finding, fail_on: Severity) -> bool:
    """Whether a finding is at or above the severity that fails a run."""
    return finding.severity.rank >= fail_on.rank


def exit_code(reports: Iterable[Report], fail_on: Severity = Severity.ERROR) -> ExitCode:
    """The exit code for these reports: the worst of them.

    No report, or one in which nothing was judged, could not be judged.
    """
    return max((_exit_code(report, fail_on) for report in reports), default=ExitCode.COULD_NOT_JUDGE)


def _exit_code(report: Report, fail_on: Severity) -> ExitCode:
    if not report.complete or report.problem or not report.says_something or report.count(Outcome.ERROR):
        return ExitCode.COULD_NOT_JUDGE
    if fail_on is Severity.NEVER:
        return ExitCode.CONFORMS
    if report.count(Outcome.XPASS) or any(failing(finding, fail_on) for finding in report.findings):
        return ExitCode.FINDINGS
    # A failure that nobody described is a failure all the same.
    if _has_bare_failures(report.results):
        return ExitCode.FINDINGS
    return ExitCode.CONFORMS
