"""Names that a runtime claims and refuses: which of them it does not know, found with few containers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from ocivalidate.runtime import claimed_names

NAMES = [f"NAME_{number}" for number in range(16)]
Says = Callable[[Sequence[str]], str]


@dataclass
class Answer:
    last_error_line: str

    @property
    def ok(self) -> bool:
        return not self.last_error_line


@dataclass
class Trial:
    """A case on a runtime that says something of the names in a config; ``""`` where it accepts them."""

    says: Says
    made: int = 0
    findings: list[dict[str, str]] = field(default_factory=list)
    _names: Sequence[str] = ()

    def container(self, config: dict[str, Any]) -> Trial:
        self.made += 1
        self._names = config["names"]
        return self

    def create(self) -> Answer:
        return Answer(self.says(self._names))

    def clean_up(self) -> None:
        """There is nothing to remove."""

    def expect(self, _clause: str, _message: str, *, got: dict[str, str], want: dict[str, str]) -> None:
        self.findings += [got] if got != want else []


def runtime(*, unknown: Sequence[str] = (), unfit: Sequence[str] = (), looks_first: bool = True) -> Says:
    """A runtime that knows all of ``NAMES`` but some, and cannot apply some here."""

    def said(name: str) -> str:
        if name in unknown or name not in NAMES:
            return f"{name} is not valid"
        return "the kernel says 22" if name in unfit else ""

    def says(names: Sequence[str]) -> str:
        complaints = [text for text in map(said, names) if text]
        if looks_first:
            complaints.sort(key=lambda text: text.startswith("the kernel"))
        return next(iter(complaints), "")

    return says


def judged(says: Says, how: Callable[..., Any] = claimed_names.knows) -> Trial:
    trial = Trial(says)
    how(trial, "clause", NAMES, lambda names: {"names": names})
    return trial


def test_names_that_are_accepted_take_one_container() -> None:
    trial = judged(runtime())
    assert (trial.made, trial.findings) == (1, [])


def test_a_runtime_that_looks_first_knows_what_it_cannot_apply() -> None:
    trial = judged(runtime(unfit=NAMES[3:9]))
    assert (trial.made, trial.findings) == (3, [])


def test_a_runtime_that_applies_one_by_one_is_asked_for_each() -> None:
    trial = judged(runtime(unfit=NAMES[3:5], looks_first=False))
    assert trial.findings == []
    assert trial.made > 3


@pytest.mark.parametrize("how", [claimed_names.knows, claimed_names.recognizes])
@pytest.mark.parametrize("looks_first", [True, False])
@pytest.mark.parametrize("place", [0, 7, 15])
def test_a_name_that_is_not_known_is_found(how: Callable[..., Any], place: int, *, looks_first: bool) -> None:
    trial = judged(runtime(unknown=[NAMES[place]], unfit=NAMES[4:6], looks_first=looks_first), how)
    assert [[*found] for found in trial.findings] == [[NAMES[place]]]


def test_accepted_names_are_told() -> None:
    trial: Any = Trial(runtime(unfit=NAMES[:2]))
    assert claimed_names.recognizes(trial, "clause", NAMES, lambda names: {"names": names}) == NAMES[2:]
