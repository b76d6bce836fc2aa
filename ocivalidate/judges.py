"""What judges each clause, and where that stands: checks, functions, tables, nodes of schemas, rules on facts, cases.

All of it is declared in code and in the schemas (``rules/declared.py``, ``Registry.check``, ``@case``, ``x-clause``);
nothing here is taken from witnesses. Whoever asks pays: no other command imports this module.
"""

from __future__ import annotations

import functools
import importlib
import linecache
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ocivalidate import resources
from ocivalidate.bundle import registry as bundle_checks
from ocivalidate.image.documents import registry as image_checks
from ocivalidate.image.documents.subjects import SUBJECTS as IMAGE_SUBJECTS
from ocivalidate.jsontext.documents import Document, read_document
from ocivalidate.rules.declared import FUNCTIONS, TABLES
from ocivalidate.rules.nodes import Node, nodes
from ocivalidate.rules.schema import KINDS
from ocivalidate.runtime.cases import Case
from ocivalidate.runtime.running.loading import load_cases

# What declares, beside the modules of checks, and imports all that does.
_DECLARING = (
    "ocivalidate.bundle.api",
    "ocivalidate.image.api",
    "ocivalidate.unpack.api",
    "ocivalidate.unpack.conversion",
    "ocivalidate.runtime.judging.rules",
)
_RULES = "ocivalidate.runtime.judging."
_PACKAGE = Path(__file__).parent.parent


class Judge(NamedTuple):
    """What judges a clause.

    ``kind`` is ``check``, ``function``, ``table``, ``schema``, ``rule`` (on facts of a container) or ``case``; ``file``
    is a path in the project, ``line`` counts from 1. ``name`` is that of the function or table, the JSON pointer of the
    node of a schema, or the id of the case.
    """

    kind: str
    file: str
    line: int
    name: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.name}"


@functools.cache
def cases() -> tuple[Case, ...]:
    """The cases that judge runtimes."""
    return tuple(load_cases(resources.folder("conformance")))


@functools.cache
def judges() -> Mapping[str, tuple[Judge, ...]]:
    """Clause → what judges it; a clause that is ``same_as`` another is not among them, nor one that nothing judges."""
    found: dict[str, dict[Judge, None]] = {}
    for clause, judge in (*_checks(), *_declared(), *_schemas(), *_cases()):
        found.setdefault(clause, {})[judge] = None
    return {clause: tuple(every) for clause, every in found.items()}


def _checks() -> Iterator[tuple[str, Judge]]:
    bundle_checks.load_checks()
    image_checks.load_checks()
    bundles = (bundle_checks.CONFIG, bundle_checks.STATE, bundle_checks.FEATURES)
    for registry in (*bundles, *(subject.registry for subject in IMAGE_SUBJECTS.values())):
        for check in registry.checks:
            judge = _function("check", check.function)
            yield from ((clause, judge) for clause in check.clauses)


def _declared() -> Iterator[tuple[str, Judge]]:
    for name in _DECLARING:
        importlib.import_module(name)
    for function, clauses in FUNCTIONS.items():
        judge = _function("rule" if function.__module__.startswith(_RULES) else "function", function)
        yield from ((clause, judge) for clause in clauses)
    for table in TABLES:
        file = str(sys.modules[table.module].__file__)
        line = _line(file, 1, rf"{re.escape(table.name)}\b")
        judge = Judge("table", _in_project(file), line, table.name)
        yield from ((clause, judge) for clause in table.clauses)


def _schemas() -> Iterator[tuple[str, Judge]]:
    for kind in KINDS:
        for node in nodes(kind):
            yield node.clause, _of_node(node)


@functools.cache
def _of_node(node: Node) -> Judge:
    span = _schema(node.file).span(node.pointer)
    return Judge("schema", f"schemas/{node.file}", span.line if span else 1, node.pointer)


@functools.cache
def _schema(file: str) -> Document:
    return read_document((resources.folder("schemas") / file).read_bytes(), file)


def _cases() -> Iterator[tuple[str, Judge]]:
    for case in cases():
        code = case.run.__code__
        judge = Judge("case", f"conformance/{Path(code.co_filename).name}", _def_line(case.run), case.id)
        yield from ((clause, judge) for clause in case.clauses)


def _function(kind: str, function: Callable[..., Any]) -> Judge:
    """A function where it is defined; one that another function makes is named after that."""
    file, name = function.__code__.co_filename, function.__qualname__.partition(".<locals>")[0]
    return Judge(kind, _in_project(file), _def_line(function), name)


@functools.cache
def _def_line(function: Callable[..., Any]) -> int:
    """The line of ``def``: the code of a function begins at its first decorator."""
    code = function.__code__
    return _line(code.co_filename, code.co_firstlineno, r"\s*def ")


def _line(file: str, first: int, pattern: str) -> int:
    """The number of the first line from ``first`` on that begins so; ``first`` where none does."""
    lines = linecache.getlines(file)
    return next((at for at in range(first, len(lines) + 1) if re.match(pattern, lines[at - 1])), first)


def _in_project(file: str) -> str:
    return Path(file).relative_to(_PACKAGE).as_posix()
