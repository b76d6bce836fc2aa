"""A clause is found by its id: in the inventory, where it is judged, and in the fixtures; and nothing judges in secret.

What judges is declared in code and in the schemas (``ocivalidate.judges``). These tests look for the ids as ``grep``
would, in the text of the files.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ocivalidate import judges as judging
from ocivalidate.coverage import is_witnessed, unjudged
from ocivalidate.explained import explained
from ocivalidate.judges import Judge, cases, judges, judges_of as found_for
from ocivalidate.rules import schema
from ocivalidate.rules.clauses import Level, load
from ocivalidate.rules.declared import FUNCTIONS
from ocivalidate.rules.nodes import nodes
from tests.unit.command_line import CWD, Command

ROOT = Path(__file__).parents[2]
CLAUSES = {clause.id: clause for clause in load().values()}
CODE = ("check", "function", "table")


def such(*judged: str) -> list[str]:
    """The clauses that are judged so, and can be broken: nothing judges what a text allows."""
    return [clause.id for clause in CLAUSES.values() if clause.judged in judged and clause.level is not Level.MAY]


def reported(clause_id: str) -> str:
    """The id under which code knows a clause."""
    return CLAUSES[clause_id].same_as or clause_id


def judges_of(clause_id: str, *kinds: str) -> list[Judge]:
    return [judge for judge in judges().get(reported(clause_id), ()) if judge.kind in kinds]


@cache
def text_of(folder: str) -> str:
    files = (path for path in sorted((ROOT / folder).rglob("*")) if path.suffix in (".py", ".json"))
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def stands_in(folder: str, clause_id: str) -> bool:
    """Whether the whole id is in some file of a folder, not only as a part of another."""
    return re.search(rf"(?<![\w/.-]){re.escape(clause_id)}(?![\w-]|\.\w)", text_of(folder)) is not None


# --- Asking for one clause


@pytest.mark.parametrize("family", ["dynamic", "static"])
def test_asking_for_one_clause_finds_all_that_judges_it(family: str) -> None:
    some = [clause_id for clause_id in such(family) if clause_id.startswith("runtime/")]
    wanted = {clause_id: judges_of(clause_id, "case") for clause_id in some}
    assert {clause_id: [one for one in found_for(CLAUSES[clause_id]) if one.kind == "case"] for clause_id in some} == (
        wanted
    )
    assert sum(map(bool, wanted.values())) > 40


def test_asking_for_one_clause_loads_few_cases() -> None:
    script = (
        "import sys; from ocivalidate.judges import judges_of; from ocivalidate.rules.clauses import load\n"
        "assert judges_of(load()['runtime/runtime.kill.sends-signal'])\n"
        "print(*sorted(name for name in sys.modules if '_conformance_' in name))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == ["ocivalidate_conformance_signals"]


# --- Each clause by its id


@pytest.mark.parametrize("clause_id", such("static", "static-host"))
def test_a_static_clause_is_found_where_it_is_judged_and_in_the_fixtures(clause_id: str) -> None:
    assert stands_in("schemas/clauses", clause_id)
    found = judges_of(clause_id, *CODE), judges_of(clause_id, "schema")
    assert any(found)
    if found[0]:
        assert stands_in("ocivalidate", reported(clause_id))
    if found[1]:
        assert any(is_named_in(judge, reported(clause_id)) for judge in found[1])
    assert stands_in("fixtures", reported(clause_id))


def is_named_in(judge: Judge, clause_id: str) -> bool:
    """Whether a node of a schema names a clause; shared definitions name only what they add to what is around them."""
    node: Any = json.loads((ROOT / judge.file).read_bytes())
    for token in judge.name.split("/")[1:]:
        node = node[token.replace("~1", "/").replace("~0", "~")]
    derived = [f"{node['x-clause']}.{part}" for part in ("type", "required")] if "x-clause" in node else []
    named = [*derived, *node.get("x-clauses", {}).values()]
    return any(clause_id == name or (name[0] == "." and clause_id.endswith(name)) for name in named)


@pytest.mark.parametrize("clause_id", such("dynamic"))
def test_a_dynamic_clause_is_found_in_its_cases_or_rules(clause_id: str) -> None:
    assert stands_in("schemas/clauses", clause_id)
    if not judges_of(clause_id, "case", "rule"):
        # No case drives tools that read images, and none another platform.
        clause = CLAUSES[clause_id]
        assert reported(clause_id) in unjudged() or clause.family == "image" or clause.platform not in ("any", "linux")
        return
    # Cases leave out the family.
    short = reported(clause_id).removeprefix("runtime/")
    assert (
        stands_in("conformance", short)
        or stands_in("ocivalidate/runtime", short)
        or stands_in("ocivalidate/runtime", reported(clause_id))
    )


@pytest.mark.parametrize("clause_id", such("none"))
def test_what_nothing_judges_has_a_reason(clause_id: str) -> None:
    assert CLAUSES[clause_id].reason
    assert reported(clause_id) not in judges()


def beginnings() -> frozenset[str]:
    """What an id can begin with, up to a dot, with its family and without."""
    ids = [*CLAUSES, *(clause_id.removeprefix("runtime/") for clause_id in CLAUSES)]
    return frozenset(clause_id[: at + 1] for clause_id in ids for at, letter in enumerate(clause_id) if letter == ".")


@pytest.mark.parametrize("folder", ["ocivalidate", "conformance", "fixtures"])
def test_nothing_puts_ids_together(folder: str) -> None:
    starts = beginnings()
    found = []
    # The scaffold asks of what part a new id is.
    for path in sorted(path for path in (ROOT / folder).rglob("*.py") if path.parent.name != "scaffold"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = node.values[0] if isinstance(node, ast.JoinedStr) and node.values else node
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                begins = text.value if text is node else text.value.rpartition(".")[0] + "."
                if begins in starts and " " not in text.value:
                    found.append(f"{path.relative_to(ROOT)}:{text.lineno} {text.value}")
    assert found == []


# --- What is declared


def test_who_asks_for_one_clause_gets_all_that_judges_it() -> None:
    every = judges()
    for clause in CLAUSES.values():
        assert set(found_for(clause)) == set(every.get(reported(clause.id), ())), clause.id


@pytest.mark.parametrize(
    ("clause_id", "module"),
    [
        (CWD, "bundle.mounts"),
        ("runtime/config.process.cwd.type", "bundle.process"),
        ("image/config.rootfs.type", "image.found"),
    ],
)
def test_who_asks_for_one_clause_waits_for_no_other_module(clause_id: str, module: str) -> None:
    program = f"import sys; from ocivalidate.cli import main; main(['explain', '{clause_id}']); print(*sys.modules)"
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "\n  by " in out
    assert f"ocivalidate.{module}" not in out.splitlines()[-1].split()


def test_nothing_declares_what_is_no_clause() -> None:
    assert sorted(set(judges()) - set(CLAUSES)) == []
    assert [clause_id for clause_id in judges() if CLAUSES[clause_id].same_as] == []


def test_what_is_declared_has_a_witness() -> None:
    static = [clause_id for clause_id in judges() if judges_of(clause_id, *CODE, "schema")]
    allowed = {clause_id for clause_id in static if CLAUSES[clause_id].level is Level.MAY}
    assert len(static) > 900
    assert [
        clause_id for clause_id in static if clause_id not in allowed and not is_witnessed(CLAUSES[clause_id])
    ] == []


@pytest.mark.parametrize("kind", schema.KINDS)
def test_the_nodes_of_a_schema_make_its_clauses(kind: str) -> None:
    assert {node.clause for node in nodes(kind)} == schema.clause_ids(kind)


def declaring_modules() -> list[ModuleType]:
    judges()
    return [importlib.import_module(name) for name in sorted({function.__module__ for function in FUNCTIONS})]


def put_down(module: ModuleType) -> Iterator[tuple[str, int, str]]:
    """Function, its line and each clause that it puts down itself: the constant in ``….add(CLAUSE, …)``."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.FunctionDef):
            for call in ast.walk(node):
                match call:
                    # What was judged is a set of ids, and takes them too.
                    case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="judged"))):
                        continue
                    case ast.Call(func=ast.Attribute(attr="add"), args=[ast.Name(id=name), *_]):
                        clause = getattr(module, name, None)
                        if clause in CLAUSES:
                            yield node.name, node.lineno, clause


def test_a_function_declares_what_it_puts_down() -> None:
    declared = {(one.__module__, one.__name__, clause) for one, clauses in FUNCTIONS.items() for clause in clauses}
    found = [(module, *told) for module in declaring_modules() for told in put_down(module)]
    assert len(found) > 20
    assert [
        f"{module.__name__}:{line} {name} {clause}"
        for module, name, line, clause in found
        if (module.__name__, name, clause) not in declared
    ] == []


def test_every_module_of_the_package_that_puts_something_down_declares_it() -> None:
    names = {module.__name__ for module in declaring_modules()}
    paths = [*(ROOT / "ocivalidate" / "image").rglob("*.py"), *(ROOT / "ocivalidate" / "unpack").rglob("*.py")]
    for path in paths:
        name = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
        assert name in names or not list(put_down(importlib.import_module(name))), name


# --- Where it stands


@pytest.mark.parametrize("judge", sorted({judge for every in judges().values() for judge in every}), ids=str)
def test_a_line_is_that_of_what_judges(judge: Judge) -> None:
    line = (ROOT / judge.file).read_text(encoding="utf-8").splitlines()[judge.line - 1]
    if judge.kind == "schema":
        assert judge.name == "" or f'"{judge.name.split("/")[-1].replace("~1", "/")}"' in line
    elif judge.kind == "table":
        assert line.startswith(judge.name)
    else:
        assert re.match(r"\s*def ", line)
        assert judge.kind == "case" or f"def {judge.name.rpartition('.')[2]}(" in line


def test_explain_names_what_judges(say: Command) -> None:
    said = say("explain", CWD)
    assert re.search(r"^  by +ocivalidate/bundle/process\.py:\d+ cwd_is_absolute$", said.out, re.MULTILINE)
    found = say("explain", CWD, "--format", "json").json["clauses"][0]["judged_by"]
    assert [(judge["kind"], judge["file"], judge["name"]) for judge in found] == [
        ("check", "ocivalidate/bundle/process.py", "cwd_is_absolute")
    ]


def test_an_installation_without_sources_names_what_judges_too(say: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Path.read_text

    def without_sources(path: Path, *args: Any, **more: Any) -> str:
        if path.suffix == ".py":
            raise FileNotFoundError(path)
        return read(path, *args, **more)

    for remembered in (judging._lines, judging._text, judging._ids_in):
        remembered.cache_clear()
    monkeypatch.setattr(Path, "read_text", without_sources)
    assert re.search(r"ocivalidate/bundle/process\.py:\d+ cwd_is_absolute$", say("explain", CWD).out, re.MULTILINE)
    for remembered in (judging._lines, judging._text, judging._ids_in):
        remembered.cache_clear()


def test_explain_names_all_cases_of_a_dynamic_clause(say: Command) -> None:
    clause_id = "runtime/config.mounts.order"
    out = say("explain", clause_id).out
    own = [case.id for case in cases() if clause_id in case.clauses]
    assert own
    for name in own:
        file = f"conformance/{name.partition('.')[0].replace('-', '_')}.py"
        assert re.search(rf"{file}:\d+ {re.escape(name)}$", out, re.MULTILINE)
    assert re.search(r"ocivalidate/runtime/judging/files\.py:\d+ mounts$", out, re.MULTILINE)


def test_explain_says_why_no_case_judges(say: Command) -> None:
    clause_id, reason = next(iter(unjudged().items()))
    assert " ".join(f"no case: {reason}".split()) in " ".join(say("explain", clause_id).out.split())


def test_explain_names_what_judges_each_clause_or_says_why_nothing_does() -> None:
    silent = [
        clause.id
        for clause in CLAUSES.values()
        if clause.judged != "none" and not any(name == "by" and text for name, text in explained(clause).facts)
    ]
    assert silent == []


@pytest.mark.parametrize(
    ("clause_id", "said"),
    [
        ("runtime/config.root.optional", "nothing: what is allowed cannot be broken"),
        ("image/manifest.layers.final-fs", "no case: it binds the unpacker of an image, and cases drive runtimes"),
        ("runtime/config.mounts.options.windows-ro", "no case: it is about windows, and cases run on Linux"),
    ],
)
def test_explain_says_why_nothing_judges(say: Command, clause_id: str, said: str) -> None:
    assert said in " ".join(say("explain", clause_id).out.split())


def test_explain_of_what_is_told_under_another_id(say: Command) -> None:
    out = say("explain", "runtime/bundle.config-json.at-root").out
    assert re.search(r"ocivalidate/bundle/api\.py:\d+ BUNDLE$", out, re.MULTILINE)


def test_rules_names_what_judges(say: Command) -> None:
    lines = say("rules", "-v", CWD).out.splitlines()
    assert len(lines) == 3
    assert re.fullmatch(r"    ocivalidate/bundle/process\.py:\d+ cwd_is_absolute", lines[1])
    assert len(say("rules", CWD).out.splitlines()) == 2
    found = say("rules", "--format", "json").json["clauses"]
    assert {clause["id"] for clause in found if "judged_by" in clause} == {
        clause_id for clause_id in CLAUSES if reported(clause_id) in judges()
    }
