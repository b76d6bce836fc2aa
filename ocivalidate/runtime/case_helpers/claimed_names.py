"""Names that a runtime claims to know: whether it recognizes each, whatever the kernel and libraries make of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ocivalidate.runtime.case_context import CaseContext

Make = Callable[[Sequence[str]], Mapping[str, Any]]
"""Gives a config that has these names in it."""
_MADE_UP = "ocivalidate"


def _words(text: str, *names: str) -> str:
    """What a runtime said, without the names that it spoke of, and without numbers."""
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(name, "NAME")
    return re.sub(r"[0-9]+", "0", text)


def _said(trial: CaseContext, names: Sequence[str], make: Make) -> str:
    """With which words names are refused; empty if they are accepted."""
    container = trial.container(make(names))
    created = container.create()
    container.clean_up()
    return "" if created.ok else created.last_error_line


def refused(trial: CaseContext, names: Sequence[str], make: Make) -> dict[str, str]:
    """Which of these names are refused, each by itself, and with which words; found by halving."""
    said = _said(trial, names, make) if names else ""
    if not said:
        return {}
    if len(names) == 1:
        return {names[0]: said}
    half = len(names) // 2
    return refused(trial, names[:half], make) | refused(trial, names[half:], make)


def recognizes(trial: CaseContext, clause: str, names: Sequence[str], make: Make) -> list[str]:
    """Judge whether the runtime recognizes names, and return those that it accepts."""
    found = refused(trial, names, make)
    _judge(trial, clause, found, _said(trial, [_MADE_UP], make) if found else "")
    return [name for name in names if name not in found]


def knows(trial: CaseContext, clause: str, names: Sequence[str], make: Make) -> None:
    """The same, whichever of them it accepts: seldom each has to be tried by itself.

    A runtime that refuses these for one reason, and the same ones with a name that nobody has behind them for that
    name, looks at all names before it applies any: it has looked at these, and knows them.
    """
    said = _said(trial, names, make)
    strange = _said(trial, [_MADE_UP], make) if said else ""
    both = _said(trial, [*names, _MADE_UP], make) if strange else ""
    looks_first = strange and _words(both, _MADE_UP) == _words(strange, _MADE_UP) != _words(said, *names)
    _judge(trial, clause, refused(trial, names, make) if said and not looks_first else {}, strange)


def _judge(trial: CaseContext, clause: str, found: Mapping[str, str], strange: str) -> None:
    """Judge names that are refused, by what is said of a name that nobody has.

    One that is refused may be recognized all the same, and the kernel or a library not have what it means; not if it is
    refused with the same words as that name.
    """
    words = _words(strange, _MADE_UP)
    same = {name: said for name, said in found.items() if not strange or _words(said, name) == words}
    trial.expect(clause, "what is claimed is refused like a name that nobody has", got=same, want={})
