"""What judges each clause, and where that stands: checks, functions, tables, nodes of schemas, rules on facts, cases.

All of it is declared in code and in the schemas (``rules/declared.py``, ``Registry.check``, ``@case``, ``x-clause``);
nothing here is taken from witnesses. Asking for one clause loads only what can judge that clause, by their texts.
"""

from __future__ import annotations

import functools
import importlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ocivalidate import resources
from ocivalidate.bundle.registry import CHECK_MODULES
from ocivalidate.rules.clauses import Clause, load
from ocivalidate.rules.declared import FUNCTIONS, TABLES
from ocivalidate.rules.nodes import Node, nodes
from ocivalidate.rules.schema import KINDS, specification

if TYPE_CHECKING:
    from ocivalidate.jsontext.documents import Document
    from ocivalidate.rules.checks import Check
    from ocivalidate.runtime.cases import Case

_PACKAGE = Path(__file__).parent.parent
_RULES = "ocivalidate.runtime.judging."


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


_ID = re.compile(r"(?:distribution|image|lint|runtime|safety|storage)/[\w.*-]+")

Declared = Iterator[tuple[str, Callable[[], Judge]]]
"""Clauses, each with what looks up where its judge stands."""


@functools.cache
def cases() -> tuple[Case, ...]:
    """The cases that judge runtimes."""
    from ocivalidate.runtime.running.loading import load_cases

    return tuple(load_cases(resources.folder("conformance")))


def judges_of(clause: Clause) -> tuple[Judge, ...]:
    """What judges a clause, under its own id or under that of the one that it is the same as."""
    told = load()[clause.same_as] if clause.same_as else clause
    rooms = [room for each in _rooms_of(told) for room in (_case_rooms(told) if each == "cases" else [each])]
    found = (look() for room in rooms for look in _index(room).get(told.id, ()))
    return tuple(dict.fromkeys(found))


@functools.cache
def judges() -> Mapping[str, tuple[Judge, ...]]:
    """Clause → what judges it; a clause that is ``same_as`` another is not among them, nor one that nothing judges."""
    return {
        clause: tuple(dict.fromkeys(look() for room in _ROOMS for look in _index(room).get(clause, ())))
        for clause in judged_ids()
    }


@functools.cache
def judged_ids() -> frozenset[str]:
    """The ids that :func:`judges` has; nothing is looked up in a file."""
    return frozenset(clause for room in _ROOMS for clause in _index(room))


def _rooms_of(clause: Clause) -> list[str]:
    """Where a clause can be judged, by what it is about and by what names it."""
    rooms = [room for group in _groups_about(clause) for room in _GROUPS.get(group, (group,))]
    return [room for room in rooms if room not in _NAMED_IN or _names(room, clause.id)]


_GROUPS_ABOUT = {
    "converter": ("conversion",),
    "storage": ("storage",),
    "json": ("text", "bundle", "image"),
    # Of one image, and in an audit.
    "registry": ("image", "storage"),
}


def _groups_about(clause: Clause) -> tuple[str, ...]:
    if clause.judged == "dynamic":
        return ("facts", "cases")
    if clause.subject in _GROUPS_ABOUT:
        return _GROUPS_ABOUT[clause.subject]
    if clause.subject.startswith("image"):
        return ("text", "image")
    # Cases have runtimes print these, and judge what they print.
    return ("text", "bundle", "cases") if clause.subject in ("state", "features") else ("text", "bundle")


def _names(room: str, clause_id: str) -> bool:
    """Whether a module of the room has the id in its text; one that is installed without its source may have it."""
    ids = _ids_in(room)
    return ids is None or clause_id in ids


@functools.cache
def _ids_in(room: str) -> frozenset[str] | None:
    """The ids that stand in the modules of a room, or ``None`` when one of them has no source here."""
    files = [file for pattern in _NAMED_IN[room] for file in (_PACKAGE / "ocivalidate").glob(pattern)]
    texts = [_text(str(file)) for file in files]
    return frozenset(found for text in texts for found in _ID.findall(text)) if texts and all(texts) else None


_MODULE = "cases/"


def _case_rooms(clause: Clause) -> list[str]:
    """The modules of cases, a room each, that can judge a clause; ``cases`` if any of them can.

    They are those that name it, that use a helper which names it, and that judge whole documents, by all the clauses on
    these. What no such text names has an id that is put together; what another module of the family names, every case
    may judge.
    """
    texts, helpers = _case_texts()
    short = clause.id.removeprefix("runtime/")
    naming = {name for name, text in helpers.items() if short in text}
    while more := {name for name, text in helpers.items() if name not in naming and _uses(text, naming)}:
        naming |= more
    documents = {"document_clauses"} if clause.subject in ("state", "features") else set()
    found = [file for file, text in texts.items() if short in text or _uses(text, naming | documents)]
    named = naming or any(short in texts[file] for file in found)
    if not named or any(short in text for text in _other_texts()) or not all((*texts.values(), *helpers.values())):
        return ["cases"]
    return [_MODULE + file for file in found]


def _uses(text: str, names: Iterable[str]) -> bool:
    return any(re.search(rf"\b{name}\b", text) for name in names)


@functools.cache
def _case_texts() -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The texts of our modules of cases, by file name, and of those that help them, by module; each in order."""
    from ocivalidate.runtime.running.loading import may_hold_cases

    ours = sorted(file for file in resources.folder("conformance").glob("*.py") if may_hold_cases(file))
    helpers = sorted((_PACKAGE / "ocivalidate/runtime/case_helpers").glob("[!_]*.py"))
    return {file.name: _text(str(file)) for file in ours}, {file.stem: _text(str(file)) for file in helpers}


@functools.cache
def _other_texts() -> list[str]:
    """The texts of what every case uses."""
    return [_text(str(file)) for pattern in _USED_BY_CASES for file in (_PACKAGE / "ocivalidate/runtime").glob(pattern)]


@functools.cache
def _index(room: str) -> Mapping[str, list[Callable[[], Judge]]]:
    found: dict[str, list[Callable[[], Judge]]] = {}
    declared = _cases_of(room.removeprefix(_MODULE)) if room.startswith(_MODULE) else _ROOMS[room]()
    for clause, look in declared:
        found.setdefault(clause, []).append(look)
    return found


# --- What declares


def _text_rules() -> Declared:
    """What judges every JSON document."""
    yield from _declared("ocivalidate.rules.judge")


def _bundle_checks(name: str) -> Declared:
    """The checks of one module on bundles."""
    from ocivalidate.bundle import registry

    module = importlib.import_module(f"ocivalidate.bundle.{name}").__name__
    registries = (registry.CONFIG, registry.STATE, registry.FEATURES)
    checks = [check for each in registries for check in each.checks if check.function.__module__ == module]
    yield from _checks(checks)


def _image() -> Declared:
    from ocivalidate.image.documents import registry

    registry.load_checks()
    yield from _checks([check for each in registry.REGISTRIES for check in each.checks])
    yield from _declared("ocivalidate.image.api", "ocivalidate.image.")
    yield from _declared("ocivalidate.unpack.api")


def _storage() -> Declared:
    yield from _declared("ocivalidate.audit.api", "ocivalidate.audit.")


def _conversion() -> Declared:
    yield from _declared("ocivalidate.unpack.conversion")


def _facts() -> Declared:
    yield from _declared("ocivalidate.runtime.judging.rules", _RULES)


def _cases() -> Declared:
    yield from _declared_by(cases())


def _cases_of(module: str) -> Declared:
    """The cases of one of our modules."""
    from ocivalidate.runtime.running.loading import cases_of

    yield from _declared_by(cases_of(resources.folder("conformance") / module))


def _declared_by(some: Iterable[Case]) -> Declared:
    for case in some:
        look = functools.partial(case_place, case)
        yield from ((clause, look) for clause in case.clauses)


def case_place(case: Case) -> Judge:
    """Where one of our cases stands."""
    file = f"conformance/{Path(case.run.__code__.co_filename).name}"
    return Judge("case", file, _def_line(case.run), case.id)


_BUNDLES = tuple(f"bundle/{name}" for name in CHECK_MODULES)

_ROOMS: Mapping[str, Callable[[], Declared]] = {
    "text": _text_rules,
    **{f"bundle/{name}": functools.partial(_bundle_checks, name) for name in CHECK_MODULES},
    "bundle/api": lambda: _declared("ocivalidate.bundle.api"),
    "runtime schemas": lambda: _schemas("runtime"),
    "image code": _image,
    "image schemas": lambda: _schemas("image"),
    "storage": _storage,
    "conversion": _conversion,
    "facts": _facts,
    "cases": _cases,
}
_GROUPS = {"bundle": (*_BUNDLES, "bundle/api", "runtime schemas"), "image": ("image code", "image schemas")}
# Rooms that take long to load, and the modules that would have to name a clause which is judged there.
_NAMED_IN = {
    **{room: (f"{room}.py",) for room in _BUNDLES},
    "bundle/api": ("bundle/api.py",),
    "image code": ("image/**/*.py", "unpack/*.py"),
}

# What every case can use, other than the helpers of one area.
_USED_BY_CASES = ("*.py", "driving/*.py", "judging/*.py", "running/*.py", "inside/*.py", "kernel/*.py")


def _checks(checks: Iterable[Check]) -> Declared:
    for check in checks:
        look = functools.partial(_function, "check", check.function)
        yield from ((clause, look) for clause in check.clauses)


def _declared(module: str, within: str = "") -> Declared:
    """What ``module`` declares, or all that it imports and whose name begins with ``within``."""
    importlib.import_module(module)
    for function, clauses in FUNCTIONS.items():
        if function.__module__ == module or (within and function.__module__.startswith(within)):
            kind = "rule" if function.__module__.startswith(_RULES) else "function"
            look = functools.partial(_function, kind, function)
            yield from ((clause, look) for clause in clauses)
    for table in TABLES:
        if table.module == module or (within and table.module.startswith(within)):
            file = str(sys.modules[table.module].__file__)
            line = functools.partial(_line, file, 1, rf"{re.escape(table.name)}\b")
            look = functools.partial(_judge, "table", _in_project(file), line, table.name)
            yield from ((clause, look) for clause in table.clauses)


def _schemas(family: str) -> Declared:
    for kind in KINDS:
        if specification(kind) == family:
            yield from ((node.clause, functools.partial(_of_node, node)) for node in nodes(kind))


# --- Where it stands


def _judge(kind: str, file: str, line: Callable[[], int], name: str) -> Judge:
    return Judge(kind, file, line(), name)


def _function(kind: str, function: Callable[..., Any]) -> Judge:
    file = function.__code__.co_filename
    return Judge(kind, _in_project(file), _def_line(function), function.__qualname__)


def _def_line(function: Callable[..., Any]) -> int:
    """The line of ``def``: the code of a function begins at its first decorator."""
    code = function.__code__
    return _line(code.co_filename, code.co_firstlineno, r"\s*def ")


def _line(file: str, first: int, pattern: str) -> int:
    """The number of the first line from ``first`` on that begins so; ``first`` where none does."""
    lines = _lines(file)
    return next((at for at in range(first, len(lines) + 1) if re.match(pattern, lines[at - 1])), first)


@functools.cache
def _lines(file: str) -> list[str]:
    return _text(file).splitlines()


@functools.cache
def _text(file: str) -> str:
    """The text of a module; empty where it is installed without its source."""
    try:
        return Path(file).read_text(encoding="utf-8")
    except OSError:
        return ""


def _of_node(node: Node) -> Judge:
    span = _schema(node.file).span(node.pointer)
    return Judge("schema", f"schemas/{node.file}", span.line if span else 1, node.pointer)


@functools.cache
def _schema(file: str) -> Document:
    from ocivalidate.jsontext.documents import read_document

    return read_document((resources.folder("schemas") / file).read_bytes(), file)


def _in_project(file: str) -> str:
    return Path(file).relative_to(_PACKAGE).as_posix()
