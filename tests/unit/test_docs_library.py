"""The programs of docs/library.md run as they stand, and its tables name what there is."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ocivalidate
from ocivalidate import resources

PAGES = ("README.md", "docs/library.md", "docs/image.md", "docs/unpack.md", "docs/runtime.md", "docs/generate.md")
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="runtimes and unpacking need Linux")


@linux_only
@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_a_program_of_the_page_runs(number: int, tmp_path: Path) -> None:
    demo = resources.folder("fixtures") / "demo"
    shutil.copytree(demo / "bundle-good", tmp_path / "bundle")
    shutil.copytree(demo / "image-good", tmp_path / "layout")
    resources.load_package("fixtures", "fake_runtime").write(tmp_path / "my-runtime")
    command = [sys.executable, "-W", "error", "-c", PROGRAMS[number]]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_every_program_is_found() -> None:
    assert len(PROGRAMS) == PAGE.count("```python") > 4


@pytest.mark.parametrize("page", PAGES)
def test_what_pages_import_is_there(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = re.findall(r"^from (ocivalidate[\w.]*) import ([\w, ]+)$", text, flags=re.MULTILINE)
    for module, names in lines:
        code = f"from {module} import {names}"
        exec(code, {})  # noqa: S102  # a line of our own pages
        if module != "ocivalidate.runtime":
            assert module == "ocivalidate", f"{page}: {names} is to come from ocivalidate"


def test_the_page_names_every_call_option_and_error() -> None:
    missing = {name for name in ocivalidate.__all__ if name not in PAGE}
    # What reports are made of, and parts of options.
    assert missing <= {
        "Clause",
        "Level",
        "Location",
        "Severity",
        "Result",
        "Finding",
        "Report",
        "Unpacked",
        "__version__",
        "LayerLimits",
        "IdRange",
        "ConfigSteps",
        "Launcher",
    }
