"""The page as a file: its modules, what its policy allows, how large it is."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import pytest

from benchmarks import page as benchmark
from ocivalidate.matrix import html
from ocivalidate.matrix.model import matrix
from ocivalidate.rules.clauses import load
from ocivalidate.rules.references import SITE, page as page_of_clause, page_path
from tests.matrices import RUNS

FOLDER = Path(html.__file__).parent / "page"
NAMES = [name.removesuffix(".js") for name in sorted(file.name for file in FOLDER.glob("*.js"))]
ORDER = re.findall(r"^modules\.(\w+) =", html.script(), re.MULTILINE)
# What makes markup or code of text, asks for something, or keeps something.
ACTING = (
    "innerHTML|outerHTML|insertAdjacentHTML|document\\.write|DOMParser|srcdoc|eval\\(|Function\\(|import\\(|fetch\\(|"
    "XMLHttpRequest|WebSocket|sendBeacon|\\.src\\b|localStorage|sessionStorage|cookie|style="
)


def test_every_module_is_in_the_page_below_what_it_imports() -> None:
    assert sorted(ORDER) == NAMES
    for name in NAMES:
        text = (FOLDER / f"{name}.js").read_text(encoding="utf-8")
        imported = re.findall(r'^import \{[^}]*\} from "\./(\w+)\.js";$', text, re.MULTILINE)
        assert len(imported) == len(re.findall(r"^import\b", text, re.MULTILINE)), name
        assert all(ORDER.index(one) < ORDER.index(name) for one in imported), name


@pytest.mark.parametrize("name", NAMES)
def test_what_a_module_imports_is_exported(name: str) -> None:
    text = (FOLDER / f"{name}.js").read_text(encoding="utf-8")
    for names, other in re.findall(r'^import \{([^}]*)\} from "\./(\w+)\.js";$', text, re.MULTILINE):
        there = (FOLDER / f"{other}.js").read_text(encoding="utf-8")
        for one in names.replace(" ", "").split(","):
            assert re.search(rf"^export (?:const|function) {one}\b", there, re.MULTILINE), (other, one)
            assert re.search(rf"\b{one}\b", text.partition(f"./{other}.js")[2]), f"{one} is not used"


@pytest.mark.parametrize("name", NAMES)
def test_no_module_makes_markup_or_asks_for_anything(name: str) -> None:
    assert re.findall(ACTING, (FOLDER / f"{name}.js").read_text(encoding="utf-8")) == []


def test_the_style_asks_for_nothing() -> None:
    assert re.findall(r"url\(|@import|@font-face|https?:", html.style()) == []


def test_the_policy_allows_what_is_there_and_no_more() -> None:
    page = "".join(html.pieces(matrix(RUNS), "1.2.3"))
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    styles = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert policy.startswith("default-src &#x27;none&#x27;; ")
    assert "unsafe" not in policy
    for texts in (scripts, styles):
        (digest,) = {base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts}
        assert f"&#x27;sha256-{digest}&#x27;" in policy
    assert page.index("Content-Security-Policy") < page.index("<style>")


def test_links_to_the_pages_of_clauses_are_theirs() -> None:
    clause = load()["runtime/runtime.create.creates"]
    assert SITE + page_path(clause) == page_of_clause(clause)


def test_thirty_runs_are_far_below_two_megabytes() -> None:
    subjects = [*benchmark.runs(30)]
    assert len({(one.name, one.version) for one in subjects}) == 30
    page = "".join(html.pieces(matrix(subjects), "1.2.3"))
    assert len(page.encode()) < 1_000_000
    assert "Messages are cut" not in page
