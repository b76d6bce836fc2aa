"""No module and no function of the project is crowded, unless it says why.

A module that is longer has a comment that begins with ``# Over 400 lines:``, a function one with ``# Over 50 lines:``,
with the reason. The docstring of a function does not count.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("ocivalidate", "conformance", "fixtures", "benchmarks")
MODULES = sorted(file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py"))
MODULE_LIMIT, FUNCTION_LIMIT = 400, 50
MODULE_REASON, FUNCTION_REASON = f"# Over {MODULE_LIMIT} lines: ", f"# Over {FUNCTION_LIMIT} lines: "


def crowded(text: str) -> Iterator[str]:
    """What is too long without a reason, or has a reason and no need of it."""
    lines = text.splitlines()
    count, excused = len(lines), any(line.startswith(MODULE_REASON) for line in lines)
    if (count > MODULE_LIMIT) != excused:
        yield f"the module has {count} lines and {'a' if excused else 'no'} reason"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            own = lines[node.lineno - 1 : node.end_lineno]
            count = len(own) - docstring_lines(node)
            excused = any(line.strip().startswith(FUNCTION_REASON) for line in own)
            if (count > FUNCTION_LIMIT) != excused:
                yield f"{node.name} has {count} lines and {'a' if excused else 'no'} reason"


def docstring_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is None or first.end_lineno is None:
        return 0
    return first.end_lineno - first.lineno + 1


def test_the_folders_are_those_of_the_project() -> None:
    assert {file.relative_to(ROOT).parts[0] for file in MODULES} == {*FOLDERS}
    assert len(MODULES) > 300


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(ROOT)))
def test_nothing_is_crowded(file: Path) -> None:
    assert [*crowded(file.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x = 1\n" * 400, []),
        ("x = 1\n" * 401, ["the module has 401 lines and no reason"]),
        ("x = 1\n" * 400 + MODULE_REASON + "it travels alone.\n", []),
        (MODULE_REASON + "none.\n", ["the module has 1 lines and a reason"]),
        ("def f():\n" + "    x = 1\n" * 49, []),
        ("def f():\n" + "    x = 1\n" * 50, ["f has 51 lines and no reason"]),
        ("def f():\n    '''One.\n\n    Two.\n    '''\n" + "    x = 1\n" * 49, []),
        ("class A:\n    def f(self):\n" + "        x = 1\n" * 50, ["f has 51 lines and no reason"]),
        ("def f():\n    " + FUNCTION_REASON + "it is one table.\n" + "    x = 1\n" * 50, []),
        ("def f():\n    " + FUNCTION_REASON + "none.\n    x = 1\n", ["f has 3 lines and a reason"]),
    ],
)
def test_what_is_crowded(text: str, found: list[str]) -> None:
    assert [*crowded(text)] == found
