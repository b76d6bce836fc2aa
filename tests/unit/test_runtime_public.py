"""What ``ocivalidate.runtime`` offers to cases: all that ours need, so that those of users lack nothing."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import ocivalidate
from ocivalidate import resources, runtime

if not hasattr(os, "O_DIRECTORY"):
    pytest.skip("runtimes are driven on Linux", allow_module_level=True)

MODULES = sorted(resources.folder("conformance").glob("*.py"))
OFFERED = {"ocivalidate": {*ocivalidate.__all__}, "ocivalidate.runtime": {*runtime.__all__}}


def strange_imports(source: str) -> Iterator[str]:
    """What a module of cases takes from elsewhere in the package."""
    nodes = [*ast.walk(ast.parse(source))]
    froms = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    taken = {each.asname or each.name for node in froms for each in node.names}
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name.partition(".")[0] == "ocivalidate")
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            if module.partition(".")[0] in ("", "ocivalidate"):
                offered = OFFERED.get(module, set())
                yield from (f"{module}.{each.name}" for each in node.names if each.name not in offered)
        elif isinstance(node, ast.Attribute) and node.attr.startswith("_") and ast.unparse(node.value) in taken:
            yield ast.unparse(node)


@pytest.mark.parametrize("module", MODULES, ids=lambda file: file.stem)
def test_a_case_of_ours_needs_nothing_but_what_is_public(module: Path) -> None:
    assert [*strange_imports(module.read_text(encoding="utf-8"))] == []


def test_what_is_not_public_is_noticed() -> None:
    source = """
import os
import ocivalidate.rules
from ocivalidate import Outcome, nothing
from ocivalidate.runtime import case, hidden
def look():
    from ocivalidate.runtime.kernel import cgroups
    from . import beside
    return cgroups._kept
"""
    assert [*strange_imports(source)] == [
        "ocivalidate.rules",
        "ocivalidate.nothing",
        "ocivalidate.runtime.hidden",
        "ocivalidate.runtime.kernel.cgroups",
        "..beside",
        "cgroups._kept",
    ]


@pytest.mark.parametrize("name", runtime.__all__)
def test_every_public_name_works_alone(name: str) -> None:
    assert getattr(runtime, name)


def test_public_names_are_those_that_have_a_home() -> None:
    assert {*runtime.__all__} == {*runtime._HOMES, *runtime._ROOMS}
    with pytest.raises(AttributeError, match=r"'ocivalidate\.runtime' has no attribute 'cases_'"):
        runtime.cases_  # noqa: B018  # the look-up is the test


def test_the_package_loads_nothing_before_it_is_asked() -> None:
    code = "import sys, ocivalidate.runtime; print(*(name for name in sys.modules if name.startswith('ocivalidate.')))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split() == [
        "ocivalidate.runtime"
    ]
