"""What an exploration found, each thing once: the same cause shows in many configs. Pure.

All of it is taken from results, so that it holds for those that an earlier run has kept, too. What a finding has in
common with others is its clause, its message, and the parts that it takes, which stand in its hint.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ocivalidate.rules.findings import Finding, Outcome, Result

_HINT = "it takes "
_ALONE = re.compile(r"^parts\.([^.]+)\..*$")
# What differs between two configs with the same cause: what is quoted, paths, numbers.
_VARYING = re.compile(r"\"[^\"]*\"|'[^']*'|/[^\s:,]+|[0-9]+")

Sign = tuple[str, str, tuple[str, ...], str]


class Distinct(NamedTuple):
    """One thing that was found. ``cases``: how many show it; ``case``: that which is told, with the fewest members."""

    clause: str
    severity: str
    message: str
    takes: str
    got: str
    cases: int
    case: str
    dump: str


class Told:
    """The signs of what was told in a run. Shared by all cases."""

    def __init__(self) -> None:
        self._signs: set[Sign] = set()
        self._lock = threading.Lock()

    def is_new(self, sign: Sign) -> bool:
        """Whether nothing of this sign was told before; from now on it is."""
        with self._lock:
            before = len(self._signs)
            self._signs.add(sign)
            return len(self._signs) > before


def hint_of(parts: Iterable[str]) -> str:
    """The hint of a finding that takes these parts, or these words of a life."""
    return _HINT + ", ".join(parts)


def sign_of(clause: str, message: str, hint: str, got: str) -> Sign:
    """What a finding has in common with others of the same cause.

    Which values of its features they are may differ, and what is quoted; of a refusal its last words count.
    """
    said = shape(got.rpartition(": ")[2]) if "is refused" in message else ""
    return clause, shape(message), features_of(hint), said


def features_of(hint: str) -> tuple[str, ...]:
    """The features of the parts that a finding takes, or the words of its life, by its hint."""
    return tuple(_ALONE.sub(r"\1", word) for word in _words(hint))


def parts_of(hint: str) -> tuple[str, ...]:
    """The parts that a finding takes, as ``feature.value``, or the words of its life, by its hint."""
    return tuple(word.removeprefix("parts.") for word in _words(hint))


def _words(hint: str) -> list[str]:
    return [word for word in hint.removeprefix(_HINT).split(", ") if word]


def shape(text: str) -> str:
    """What a runtime said, without numbers, paths and what it quotes: those differ between configs."""
    return _VARYING.sub("…", text)


def distinct(results: Sequence[Result]) -> list[Distinct]:
    """What was found in drawn configs and lives, in the order in which it came; known deviations are none of it."""
    found: dict[Sign, list[tuple[Result, Finding]]] = {}
    for result in results:
        for finding in result.findings if result.outcome is Outcome.FAIL else ():
            if finding.hint.startswith(_HINT):
                sign = sign_of(finding.clause.id, finding.message, finding.hint, finding.got)
                found.setdefault(sign, []).append((result, finding))
    return [_told(some) for some in found.values()]


def _told(some: Sequence[tuple[Result, Finding]]) -> Distinct:
    # One that was kept, if any was; of those the shortest.
    result, finding = min(some, key=lambda one: (not one[0].dump, len(one[1].got), one[0].case))
    cases = len({one.case for one, _finding in some})
    takes = finding.hint.removeprefix(_HINT)
    return Distinct(
        finding.clause.id,
        str(finding.severity),
        finding.message,
        takes,
        finding.got,
        cases,
        result.case,
        result.dump,
    )
