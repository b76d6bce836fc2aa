"""Every link from a page to a file of the repository leads to one, and to a heading in it as GitHub names them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
PAGES = sorted([*CHECKOUT.glob("docs/**/*.md"), *CHECKOUT.glob("*.md"), *CHECKOUT.glob("conformance/*.md")])
LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]*)(#[^)\s]*)?\)")
BLOCK = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def links_in(page: Path) -> list[tuple[str, str]]:
    """The links of a page to files: a path, and a heading in it, each of which may be empty."""
    text = re.sub(r"`[^`\n]*`", "", BLOCK.sub("", page.read_text(encoding="utf-8")))
    return [(found[1], (found[2] or "").removeprefix("#")) for found in LINK.finditer(text)]


def anchors_of(page: Path) -> set[str]:
    """The names of the headings of a page."""
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    heads = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", head) for head in re.findall(r"^#+ (.*)$", text, re.MULTILINE)]
    return {re.sub(r"[^\w\- ]", "", head.strip().lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(CHECKOUT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    wrong = []
    for path, anchor in links_in(page):
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors_of(target)):
            wrong.append(f"{path}#{anchor}")
    assert wrong == []


def test_links_are_found() -> None:
    found = links_in(CHECKOUT / "README.md")
    assert ("docs/pictures/finding.svg", "") in found
    assert ("docs/commands.md", "") in found
    assert "reproducing-a-failure" in anchors_of(CHECKOUT / "docs" / "runtime.md")
