"""Cases: functions that judge clauses of a runtime by driving it, and how they are found.

A case says beforehand which clauses it judges and which properties of ``config.json`` it sets and observes; what it
declared and did not judge is an ``error``, so that no verdict can get lost.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from ocivalidate import resources
from ocivalidate.rules.clauses import load
from ocivalidate.runtime.properties import by_pointer

if TYPE_CHECKING:
    from ocivalidate.runtime.case_context import CaseContext

DEFAULT_TIMEOUT = 30.0
# What a property of config.json that was not applied breaks: process belongs to the environment of lifecycle step 2,
# all else is applied by create.
APPLIES_CONFIG = "runtime/runtime.create.applies-config"
CREATES_ENVIRONMENT = "runtime/runtime.lifecycle.create-env"


class BadCase(Exception):
    """A module of cases cannot be used. The message is one line."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case.

    ``judges``: ids of clauses. ``sets``: pointers of properties (``/process/rlimits/*/soft``) that the case sets and
    observes. ``needs``: what must be there (see ``needs.py``). ``alone``: names of resources that no two cases use at a
    time. ``timeout``: seconds for all that the case does. ``last``: it looks at what all others did, and begins when
    they have ended.
    """

    id: str
    run: Callable[[CaseContext], None]
    judges: tuple[str, ...]
    sets: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()
    timeout: float = DEFAULT_TIMEOUT
    summary: str = ""
    last: bool = False

    @property
    def clauses(self) -> tuple[str, ...]:
        """The clauses judged, with those on which a property's being applied rests."""
        umbrellas = (property_clause(pointer) for pointer in self.sets)
        return tuple(dict.fromkeys((*self.judges, *umbrellas)))


def full_id(clause: str) -> str:
    """The id of a clause with its family, which cases leave out where it is ``runtime``."""
    return clause if "/" in clause else f"runtime/{clause}"


def property_clause(pointer: str) -> str:
    """The clause that is broken when the property at ``pointer`` is not applied."""
    return CREATES_ENVIRONMENT if pointer == "/process" or pointer.startswith("/process/") else APPLIES_CONFIG


_MARK = "_ocivalidate_case"


def case(
    *judges: str,
    sets: Sequence[str] = (),
    needs: Sequence[str] = (),
    alone: Sequence[str] = (),
    timeout: float = DEFAULT_TIMEOUT,
    last: bool = False,
) -> Callable[[Callable[[CaseContext], None]], Callable[[CaseContext], None]]:
    """Make a function a case; its docstring says what it shows.

    ``judges`` are clause ids, without ``runtime/`` in front where that is their family.
    """
    full = tuple(map(full_id, judges))

    def mark(function: Callable[[CaseContext], None]) -> Callable[[CaseContext], None]:
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


def case_folder(named: str | None) -> Path:
    """Where the cases stand: ours, or those of ``--cases``."""
    return Path(named) if named else resources.folder("conformance")


def load_cases(folder: Path) -> list[Case]:
    """The cases of all modules in ``folder``, in the order of their names and of the text.

    Raises :class:`BadCase`.
    """
    files = sorted(file for file in folder.glob("*.py") if may_hold_cases(file))
    if not files:
        raise BadCase(f"there are no cases in {folder}")
    cases = [found for file in files for found in cases_of(file)]
    _refuse_bad(cases)
    return cases


def may_hold_cases(file: Path) -> bool:
    """Whether a file is a module of cases by its name."""
    return file.suffix == ".py" and not file.name.startswith(("_", "test_", "conftest"))


def cases_of(file: Path) -> Iterable[Case]:
    """The cases of one module. Raises :class:`BadCase`."""
    name = f"ocivalidate_conformance_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise BadCase(f"{file} is no Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        _execute(spec, module)
    except Exception as problem:
        raise BadCase(f"{file} cannot be loaded: {type(problem).__name__}: {problem}") from problem
    for thing in vars(module).values():
        found = getattr(thing, _MARK, None)
        if isinstance(found, Case):
            yield found


def _execute(spec: ModuleSpec, module: ModuleType) -> None:
    """Execute a module of cases, whose docstrings and assertions stand also under ``python -OO``."""
    if sys.flags.optimize and isinstance(spec.loader, SourceFileLoader):
        source = spec.loader.get_data(spec.loader.path)
        exec(compile(source, spec.loader.path, "exec", dont_inherit=True, optimize=0), vars(module))  # noqa: S102
    elif spec.loader is not None:
        spec.loader.exec_module(module)


def _refuse_bad(cases: Sequence[Case]) -> None:
    known = load("runtime", "safety")
    seen: set[str] = set()
    for one in cases:
        if one.id in seen:
            raise BadCase(f"two cases are called {one.id}")
        seen.add(one.id)
        strange = [clause for clause in one.clauses if clause not in known]
        if strange:
            raise BadCase(f"case {one.id} judges clauses that are not in the inventory: {', '.join(strange)}")
        astray = [pointer for pointer in one.sets if pointer not in by_pointer()]
        if astray:
            raise BadCase(f"case {one.id} sets what is no property on Linux: {', '.join(astray)}")
        if not one.clauses:
            raise BadCase(f"case {one.id} judges nothing")
        if not one.summary:
            raise BadCase(f"case {one.id} does not say what it shows: it has no docstring")
