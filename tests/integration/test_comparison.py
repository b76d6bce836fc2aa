"""The page that sets us beside other tools: what it says that ours does is done, and every row is there."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "comparison.md").read_text(encoding="utf-8")
TABLE = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.splitlines() if line.startswith("| ")]


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("comparison", ROOT / "benchmarks" / "comparison.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


comparison = load()
ROWS: Any = comparison.load("comparison_rows")


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("git") is None or os.name == "nt":
        pytest.skip("not installed: git")
    folder = tmp_path_factory.mktemp("samples")
    comparison.prepare(folder)
    return folder


def test_every_row_is_on_the_page_and_no_other() -> None:
    head, versions, *rows, times = TABLE
    assert head == ["expected", *ROWS.TOOLS, "where ours does less"]
    assert (versions[0], times[0]) == ("version", "one small file")
    assert [(row[0], row[-1]) for row in rows] == [(row.expected, row.why) for row in ROWS.ROWS]


def test_ours_does_less_nowhere_without_a_reason() -> None:
    less = [row[0] for row in TABLE[2:-1] if "✓" in row[2:-1] and row[1] != "✓"]
    assert less == [row.expected for row in ROWS.ROWS if row.why]


@pytest.mark.parametrize("row", ROWS.ROWS, ids=lambda row: row.expected)
def test_ours_does_what_the_page_says(samples: Path, row: Any) -> None:
    ask = row.asks[0]
    program = f"{sys.executable} -P -m ocivalidate"
    assert ask.words.startswith("ocivalidate ")
    code, said = comparison.run(re.sub(r"\Aocivalidate", program, ask.words), samples, ask.given)
    assert row.why or comparison.failing(code, said, ask) == "", said
