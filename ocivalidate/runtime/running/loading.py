"""Loading cases from modules in a folder, ours or a user's: each function declared as a case.

A module may also have a list of cases, made from a table.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path, PurePath
from types import ModuleType

from ocivalidate import resources
from ocivalidate.errors import BadCase
from ocivalidate.rules.clauses import load
from ocivalidate.runtime.cases import Case, case_in
from ocivalidate.runtime.properties import by_pointer


def case_folder(named: str | None) -> Path:
    """The folder of cases: ours, or that of ``--cases``."""
    return Path(named) if named else resources.folder("conformance")


def case_places(named: str | None, cases: Iterable[Case]) -> dict[str, str]:
    """Where each case stands, as ``FILE:LINE``: in the project for ours, else below the folder that ``--cases`` named.

    The line is the first of the function, with its decorators.
    """
    folder = PurePath(named).as_posix() if named else "conformance"
    codes = {one.id: one.run.__code__ for one in cases if hasattr(one.run, "__code__")}
    return {name: f"{folder}/{PurePath(code.co_filename).name}:{code.co_firstlineno}" for name, code in codes.items()}


def load_cases(folder: Path) -> list[Case]:
    """The cases of all modules in ``folder``, in order of module name, then of definition.

    Raises :class:`BadCase`.
    """
    files = sorted(file for file in folder.glob("*.py") if may_hold_cases(file))
    if not files:
        raise BadCase(f"there are no cases in {folder}")
    cases = [found for file in files for found in cases_of(file)]
    _refuse_bad(cases)
    return cases


def may_hold_cases(file: Path) -> bool:
    """Whether a file may be a module of cases, by its name."""
    return file.suffix == ".py" and not file.name.startswith(("_", "test_", "conftest"))


def cases_of(file: Path) -> Iterable[Case]:
    """The cases of one module. Raises :class:`BadCase`."""
    name = f"ocivalidate_conformance_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise BadCase(f"{file} is not a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        _execute(spec, module)
    except Exception as problem:
        raise BadCase(f"cannot load {file}: {type(problem).__name__}: {problem}") from problem
    for thing in vars(module).values():
        for one in thing if isinstance(thing, list) else [thing]:
            found = case_in(one)
            if found is not None:
                yield found


def _execute(spec: ModuleSpec, module: ModuleType) -> None:
    """Execute a module of cases, keeping docstrings and assertions even under ``python -OO``."""
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
            raise BadCase(f"duplicate case id {one.id}")
        seen.add(one.id)
        strange = [clause for clause in one.clauses if clause not in known]
        if strange:
            raise BadCase(f"case {one.id} judges clauses that are not in the inventory: {', '.join(strange)}")
        astray = [pointer for pointer in one.sets if pointer not in by_pointer()]
        if astray:
            raise BadCase(
                f"case {one.id} sets unknown properties: {', '.join(astray)}; expected pointers of properties on Linux"
            )
        if not one.clauses:
            raise BadCase(f"case {one.id} declares neither clauses nor properties")
        if not one.summary:
            raise BadCase(f"case {one.id} has no docstring, which must say what the case shows")
