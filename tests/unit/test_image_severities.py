"""What a finding on an image weighs, and that whatever weighs less than its clause has a reason that `explain` prints.

The sentences: RFC 1952, section 2.2, of the members of a gzip file: "simply appear one after another in the file, with
no additional information before, between, or after them"; layer.md: "Layer tarballs MUST NOT include duplicate entries
for file paths in the resulting tar archive"; config.md of ExposedPorts: "Its keys can be in the format of".
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from fixtures.layouts import BROKEN, Entry, Image, Index, Layer, Layout, folder, tar
from fixtures.layouts.tars import gzip, zstd
from ocivalidate.image.api import check_image
from ocivalidate.image.documents import registry
from ocivalidate.image.layers import judging
from ocivalidate.rules.clauses import load
from ocivalidate.rules.findings import ExitCode, exit_code
from tests.severities import excused

MODULES = [importlib.import_module(f"ocivalidate.image.documents.{name}") for name in registry.CHECK_MODULES]


def told(layer: Layer, path: Path) -> list[tuple[str, str]]:
    report = check_image(str(Layout(Index((Image((layer,)),))).write(path / "image")))
    assert (exit_code([report]) is ExitCode.FINDINGS) == any(found.severity == "error" for found in report.findings)
    return [(found.severity.value, found.clause.id) for found in report.findings if found.severity != "note"]


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
@pytest.mark.parametrize("count", [1, 8, 512, 1 << 16])
def test_zeros_after_a_stream_are_an_error(compression: str, count: int, tmp_path: Path) -> None:
    data = tar([Entry("file")])
    blob = (gzip(data) if compression == "gzip" else zstd(data)) + bytes(count)
    assert told(Layer(data, compression, blob=blob), tmp_path) == [("error", "safety/layer.stream-end")]


@pytest.mark.parametrize(
    "entries",
    [
        [folder("etc/"), folder("etc/")],
        [folder("etc"), folder("./etc/")],
        [folder("etc/"), folder("etc/", mode=0o700), folder("etc//")],
        [folder("etc/"), Entry("etc/motd"), folder("etc/")],
        [folder("./"), folder(".")],
    ],
)
def test_a_directory_twice_is_an_error(entries: list[Entry], tmp_path: Path) -> None:
    found = told(Layer(tar(entries)), tmp_path)
    assert set(found) == {("error", "image/layer.no-duplicate-paths")}


def lowered(module: ModuleType) -> Iterator[set[str]]:
    """For each place where a check gives a violation a severity: the clauses that it may be of."""
    for call in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(call, ast.Call) and any(keyword.arg == "severity" for keyword in call.keywords):
            name = call.args[0]
            if isinstance(name, ast.Subscript):
                name = name.value
            assert isinstance(name, ast.Name), f"{module.__name__}:{call.lineno}: name the clause"
            value = getattr(module, name.id, None) or _local(module, name.id)
            yield set(value.values()) if isinstance(value, dict) else {value}


def _local(module: ModuleType, name: str) -> Any:
    """The table from which a function of the module takes what it calls by this name."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript):
            target, table = node.targets[0], node.value.value
            if isinstance(target, ast.Name) and target.id == name and isinstance(table, ast.Name):
                return getattr(module, table.id)
    raise AssertionError(f"{module.__name__}: which clause is {name}?")


def test_every_check_that_weighs_less_has_a_reason_in_the_inventory() -> None:
    clauses = load()
    found = [clause for module in MODULES for ids in lowered(module) for clause in ids]
    assert len(found) >= 8
    assert [clause for clause in found if not excused(clauses[clause])] == []


def test_every_problem_of_layers_that_weighs_less_has_a_reason_in_the_inventory() -> None:
    clauses = load()
    table = {kind: broken for kind, broken in judging.BROKEN.items() if broken.severity is not None}
    assert [kind for kind, broken in table.items() if not excused(clauses[broken.clause])] == []


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_layer_fails_when_its_clause_is_an_error(name: str, tmp_path: Path) -> None:
    """Whatever is found in it weighs what its clause does: the hook of all tests holds each finding to that."""
    told(BROKEN[name](), tmp_path)
