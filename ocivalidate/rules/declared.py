"""What code declares that it judges, so that each clause leads to its code and nothing undeclared is judged.

A check declares its clauses where it is bound to its place (:meth:`ocivalidate.rules.checks.Registry.check`), a schema
by its nodes, a case by ``@case``. Here are the others: functions with the decorator :func:`judges`, and tables that say
which problem breaks which clause (:func:`judged_by_table`). Declaring costs nothing but an entry in a dictionary: where
the code stands is looked up only when somebody asks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

_F = TypeVar("_F", bound=Callable[..., Any])


class Table(NamedTuple):
    """A table of a module, and the clauses that are in it."""

    module: str
    name: str
    clauses: tuple[str, ...]


FUNCTIONS: dict[Callable[..., Any], tuple[str, ...]] = {}
"""Function → the clauses that it declares."""
TABLES: list[Table] = []


def judges(*clauses: str) -> Callable[[_F], _F]:
    """Declare that the decorated function finds these clauses broken."""

    def declare(function: _F) -> _F:
        FUNCTIONS[function] = clauses
        return function

    return declare


def judged_by_table(module: str, name: str, clauses: Iterable[str]) -> None:
    """Declare that what is in a table of a module says when these clauses are broken; ``module`` is ``__name__``."""
    TABLES.append(Table(module, name, tuple(dict.fromkeys(clauses))))
