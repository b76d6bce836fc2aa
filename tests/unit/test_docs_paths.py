"""Every path of the repository that a page of the documentation names is there, and so is every command and test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
PAGES = sorted([*CHECKOUT.glob("docs/**/*.md"), *CHECKOUT.glob("*.md"), *CHECKOUT.glob("conformance/*.md")])
FOLDERS = r"benchmarks|conformance|docs|fixtures|ocivalidate|schemas|tests|\.ci"
CODE = re.compile(r"```.*?```|``[^`]+``|`([^`\n]+)`", re.DOTALL)
# A path below one of our folders, or the name of a module alone, which stands somewhere below them.
PATH = re.compile(rf"(?<![\w/.<-])(?:(?:{FOLDERS})/[\w./*<>{{}},-]*|[a-z_]+\.py\b)")
MODULES = {path.name for folder in FOLDERS.split("|") for path in CHECKOUT.glob(f"{folder}/**/*.py")}
# What a page has the reader write, or says that somebody else has.
OTHERS = {"ocivalidate/report/csv.py", "look.py"}


def paths_in(text: str) -> list[str]:
    """The paths of the repository in the code of a page, those in the commands of a block too."""
    code = [found[1] or found[0] for found in re.finditer(CODE, text)]
    return [path.rstrip(".,") for piece in code for path in re.findall(PATH, piece)]


def is_there(path: str, beside: Path) -> bool:
    """Whether a path is in the repository, or beside a page; ``<name>`` and ``*`` stand for any name."""
    if "/" not in path:
        return path in MODULES or (CHECKOUT / path).is_file()
    pattern = re.sub(r"<[^>]*>", "*", path).rstrip("/")
    return any(next(folder.glob(pattern), None) is not None for folder in (CHECKOUT, beside))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(CHECKOUT).as_posix())
def test_every_path_is_there(page: Path) -> None:
    named = set(paths_in(page.read_text(encoding="utf-8"))) - OTHERS
    assert sorted(path for path in named if not is_there(path, page.parent)) == []


def test_paths_are_found() -> None:
    text = (
        "`ocivalidate/cli/`, `tests/a.py::b` and\n"
        "```console\n$ pytest tests/unit/test_x.py -k docs/y\n```\nat `judge.py`."
    )
    assert paths_in(text) == ["ocivalidate/cli/", "tests/a.py", "tests/unit/test_x.py", "docs/y", "judge.py"]
    assert not is_there("ocivalidate/nosuch.py", CHECKOUT)
    assert is_there("tests/golden/data/<name>", CHECKOUT)
    assert not is_there("ocivalidate/<name>.txt", CHECKOUT)
    assert is_there("judge.py", CHECKOUT)
    assert not is_there("nosuch.py", CHECKOUT)
