"""Cases: functions that judge clauses of a runtime by driving it.

A case declares which clauses it judges and which properties of ``config.json`` it sets and observes. A clause that it
declares and does not judge is an ``error``, so that no verdict gets lost.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from ocivalidate.runtime.properties import full_id, property_clause

if TYPE_CHECKING:
    from ocivalidate.runtime.case_context import CaseContext

CaseFunction: TypeAlias = "Callable[[CaseContext], None]"
DEFAULT_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Case:
    """One case.

    ``judges``: ids of clauses. ``sets``: pointers of properties (``/process/rlimits/*/soft``) that the case sets and
    observes. ``needs``: what the host must have (see ``needs.py``). ``alone``: resources that no two cases use at the
    same time. ``timeout``: seconds for the whole case. ``last``: it looks at the effects of all others, and begins when
    they have ended.
    """

    id: str
    run: CaseFunction
    judges: tuple[str, ...]
    sets: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()
    timeout: float = DEFAULT_TIMEOUT
    summary: str = ""
    last: bool = False

    @property
    def clauses(self) -> tuple[str, ...]:
        """The clauses judged, including those that say that its properties are applied."""
        properties = (property_clause(pointer) for pointer in self.sets)
        return tuple(dict.fromkeys((*self.judges, *properties)))


_MARK = "_ocivalidate_case"


def case(
    *judges: str,
    sets: Sequence[str] = (),
    needs: Sequence[str] = (),
    alone: Sequence[str] = (),
    timeout: float = DEFAULT_TIMEOUT,
    last: bool = False,
) -> Callable[[CaseFunction], CaseFunction]:
    """Declare a function as a case; its docstring says what it shows.

    ``judges`` are clause ids; the family ``runtime/`` is left out.
    """
    full = tuple(map(full_id, judges))

    def mark(function: CaseFunction) -> CaseFunction:
        made = Case(
            id=f"{function.__module__.rpartition('_conformance_')[2]}.{function.__name__}".replace("_", "-"),
            run=function,
            judges=full,
            sets=tuple(sets),
            needs=tuple(needs),
            alone=tuple(alone),
            timeout=timeout,
            last=last,
            summary=(inspect.getdoc(function) or "").partition("\n")[0],
        )
        setattr(function, _MARK, made)
        return function

    return mark


def case_in(thing: object) -> Case | None:
    """The case that a function was declared as; ``None`` for anything else."""
    found = getattr(thing, _MARK, None)
    return found if isinstance(found, Case) else None
