"""The site as it is built: without a warning, whole, of static files, and every link in it leads somewhere."""

from __future__ import annotations

import functools
import html
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import ocivalidate
from fixtures.site.format_pages import format_names
from fixtures.site.markdown_pages import sources
from ocivalidate.cli.entry import COMMANDS
from ocivalidate.judges import cases
from ocivalidate.rules.clauses import load
from ocivalidate.rules.references import SITE, page
from tests.site.conftest import Site

MATRIX = "matrix/index.html"
TAG = re.compile(r"<(?P<tag>a|link|script|img|iframe|source|use)\b(?P<rest>[^>]*)>")
HREF = re.compile(r'\b(?:href|src)="([^"]*)"')
ID = re.compile(r'\bid="([^"]*)"')
# Parts of a tag that a browser loads by itself.
LOADED = ("script", "img", "iframe", "source", "use")
NOT_LOADED = ('rel="canonical"', 'rel="author"', 'rel="next"', 'rel="prev"', 'rel="search"', 'rel="index"')


def test_it_is_built_without_a_warning(site: Site) -> None:
    assert site.said == ""
    assert site.code == 0


def test_what_findings_link_to_is_a_page_of_it(site: Site) -> None:
    addresses = {clause.id: page(clause) for clause in load().values()}
    assert all(address.startswith(SITE) for address in addresses.values())
    missing = [
        clause
        for clause, address in addresses.items()
        if not (site.folder / unquote(address.removeprefix(SITE))).is_file()
    ]
    assert missing == []
    # Some disks do not tell letters from capitals.
    assert len({address.lower() for address in addresses.values()}) == len(addresses) == len(load())


def test_everything_has_its_page(site: Site) -> None:
    wanted = {*sources(), "index", "api", "search"}
    wanted |= {f"commands/{name}" for name in COMMANDS} | {f"formats/{name}" for name in format_names()}
    wanted |= {f"cases/{case.id.partition('.')[0]}" for case in cases()}
    built = {file.relative_to(site.folder).with_suffix("").as_posix() for file in site.pages()}
    assert sorted(wanted - built) == []


def test_every_public_name_is_in_the_reference(site: Site) -> None:
    text = (site.folder / "api.html").read_text(encoding="utf-8")
    anchors = set(ID.findall(text))
    missing = [name for name in ocivalidate.__all__ if f"ocivalidate.{name}" not in anchors]
    assert missing == ["__version__"]


def links(text: str) -> Iterator[tuple[str, str, str]]:
    """Tag, what else stands in it, and where it leads."""
    for found in TAG.finditer(text):
        for address in HREF.findall(found["rest"]):
            yield found["tag"], found["rest"], html.unescape(address)


def test_every_link_inside_leads_somewhere_and_nothing_is_loaded_from_elsewhere(site: Site) -> None:
    wanted: dict[tuple[str, str], str] = {}
    loaded: set[str] = set()
    for file in site.pages():
        name = file.relative_to(site.folder).as_posix()
        if name == MATRIX:
            continue  # its fragments are states, which tests of its own hold
        for tag, rest, address in set(links(file.read_text(encoding="utf-8"))):
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                if tag in LOADED or (tag == "link" and not any(one in rest for one in NOT_LOADED)):
                    loaded.add(f"{name}: {address}")
                continue
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(parts.path)))
            wanted.setdefault((target if parts.path else name, unquote(parts.fragment)), name)
    assert sorted(loaded) == []
    assert (
        sorted(
            f"{name} → {target}#{mark}"
            for (target, mark), name in wanted.items()
            if not is_there(site.folder, target, mark)
        )
        == []
    )
    assert len(wanted) > 4000


def is_there(folder: Path, target: str, mark: str) -> bool:
    file = folder / target
    if target.startswith("..") or not file.is_file():
        return False
    return not mark or mark in ("", "top") or file.suffix != ".html" or mark in anchors_of(file)


@functools.cache
def anchors_of(file: Path) -> frozenset[str]:
    return frozenset(map(html.unescape, ID.findall(file.read_text(encoding="utf-8"))))


def test_links_are_found(tmp_path: Path) -> None:
    text = '<a class="x" href="b.html#c&amp;d">b</a><link rel="stylesheet" href="https://x.example/y.css"><p id="e">'
    assert [(tag, address) for tag, _rest, address in links(text)] == [
        ("a", "b.html#c&d"),
        ("link", "https://x.example/y.css"),
    ]
    (tmp_path / "b.html").write_text(text, encoding="utf-8")
    assert is_there(tmp_path, "b.html", "e")
    assert not is_there(tmp_path, "b.html", "f")
    assert not is_there(tmp_path, "c.html", "")
    assert not is_there(tmp_path, "../b.html", "")


def test_a_search_knows_every_clause_and_case(site: Site) -> None:
    index = (site.folder / "searchindex.js").read_text(encoding="utf-8")
    assert [clause for clause in load() if f'"clauses/{clause}"' not in index] == []
    assert index.startswith("Search.setIndex(")


def test_the_page_of_a_clause_says_what_is_known_of_it(site: Site) -> None:
    text = (site.folder / "clauses/runtime/config.process.cwd.absolute.html").read_text(encoding="utf-8")
    shown = html.unescape(re.sub(r"<[^>]*>", "", text))
    for part in (
        "process.cwd is an absolute path.",
        "MUST",
        "ocivalidate/bundle/process.py:",
        "from 1.0.0 on",
        "runtime-spec 1.3.0, config.md#process",
        '{"process": {"cwd": "srv/tides"}}',
        '{"process": {"cwd": "/srv/tides"}}',
        "error[runtime/config.process.cwd.absolute]: process.cwd is not an absolute path",
    ):
        assert part in shown, part


def test_a_clause_that_runtimes_fail_says_which_and_how(site: Site) -> None:
    text = (site.folder / "clauses/runtime/runtime.start.not-created-error.html").read_text(encoding="utf-8")
    assert 'href="../../cases/refusals.html#running-container"' in text
    assert "versions that fail it" in text
