"""What two runtimes did with the same configs, and where they differ. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ocivalidate.rules.findings import Outcome, Result
from ocivalidate.runtime.refusing import REFUSED

_FINE = "does as it says"
_FAILING = (Outcome.FAIL, Outcome.XFAIL)


class Difference(NamedTuple):
    """A case of which two runtimes make different things. ``one`` and ``other`` say what each did, in one line."""

    case: str
    one: str
    other: str


def differences(one: Sequence[Result], other: Sequence[Result]) -> Iterator[Difference]:
    """Where two runs differ, in the order of the first; what only one of them tried is passed over."""
    here, there = _by_case(one), _by_case(other)
    for case, results in here.items():
        if case not in there:
            continue
        both = _told(results), _told(there[case])
        # Clauses that either could not judge say nothing of a difference.
        judged = _judged(results) & _judged(there[case])
        if _signs(results, judged) != _signs(there[case], judged):
            yield Difference(case, *both)


def _by_case(results: Sequence[Result]) -> Mapping[str, list[Result]]:
    found: dict[str, list[Result]] = {}
    for result in results:
        found.setdefault(result.case, []).append(result)
    return found


def _is_refusal(result: Result) -> bool:
    return result.outcome is Outcome.SKIP and result.reason.startswith(f"{REFUSED}: ")


def _judged(results: Sequence[Result]) -> set[str]:
    return {one.clause.id for one in results if one.outcome is not Outcome.ERROR and not _is_open(one)}


def _is_open(result: Result) -> bool:
    return result.outcome is Outcome.SKIP and not _is_refusal(result)


def _signs(results: Sequence[Result], clauses: set[str]) -> list[tuple[str, str]]:
    return [(one.clause.id, _sign(one)) for one in results if one.clause.id in clauses]


def _sign(result: Result) -> str:
    if result.outcome in _FAILING:
        return "fails"
    return REFUSED if _is_refusal(result) else "passes"


def _told(results: Sequence[Result]) -> str:
    """What a runtime did with a config: the first thing that is wrong, or that it refused."""
    for result in results:
        if result.outcome in _FAILING and result.findings:
            finding = result.findings[0]
            got = f" ({finding.got})" if finding.got else ""
            return f"{result.clause.id}: {finding.message}{got}"
        if _is_refusal(result):
            return result.reason
    return _FINE
