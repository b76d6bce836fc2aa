"""What the pages of the site are made of: facts of clauses and records, as text that is only text."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from fixtures.site import rst
from fixtures.site.building import CannotBuild, clear
from fixtures.site.clause_html import Known, body, words
from fixtures.site.markdown_pages import ROOT, linked, markdown_pages, sources
from fixtures.site.outcomes import OfRuntime, from_records
from fixtures.site.saying import say
from ocivalidate.explained import Explained, explained
from ocivalidate.judges import cases
from ocivalidate.programme.record import Host, Outcome, Record
from ocivalidate.report.escape import visible
from ocivalidate.rules.clauses import load
from ocivalidate.runtime.expectations import Expectation

CWD = "runtime/config.process.cwd.absolute"
START = "runtime/runtime.start.not-created-error"
HOSTILE = '</p><script>alert(1)</script> `x` *y* |z| \x1b[31m \u202e <https://x.example> a_b_ "q" & \\'


class Tags(HTMLParser):
    """The tags of a text, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def plain_code(text: str, language: str) -> str:
    return f'<pre class="{language}">{html.escape(text)}</pre>'


def shown(text: str) -> Tags:
    reader = Tags()
    reader.feed(text)
    return reader


def record(name: str, version: str, *outcomes: tuple[str, str, str, tuple[str, ...]], groups: str = "hybrid") -> Record:
    return Record(name, version, host=Host(cgroup_mode=groups), outcomes=tuple(Outcome(*one) for one in outcomes))


# --- What runtimes came to


def test_a_version_fails_a_clause_that_any_case_fails_and_keeps_one_that_some_passed() -> None:
    kept = [
        record(
            "a", "1", ("x.one", START, "pass", ()), ("x.two", START, "fail", ("it starts",)), ("x.one", CWD, "skip", ())
        ),
        record("a", "2", ("x.one", START, "pass", ()), ("x.two", START, "skip", ("no room",))),
        record("a", "3", ("x.two", START, "xfail", ("it starts", "it lies")), groups="v2"),
    ]
    found = from_records(kept)
    assert list(found) == [START]
    told = found[START]["a"]
    assert told.fails == ["1", "3 on control groups of version 2"]
    assert told.keeps == ["2"]
    assert told.said == {"it starts": [*told.fails], "it lies": told.fails[1:]}


def test_what_is_known_of_a_failure_is_told_for_that_runtime_and_case_alone() -> None:
    listed = [
        Expectation("a", "x.*", START, "starts it again"),
        Expectation("b", "x.*", START, "of another runtime"),
        Expectation("a", "y.*", START, "in another case"),
    ]
    found = from_records([record("a", "1", ("x.one", START, "fail", ("m",)))], listed)
    assert found[START]["a"].reasons == ["starts it again"]


# --- The page of a clause


def page(told: Explained, **runtimes: OfRuntime) -> str:
    return body(told, Known({case.id: case for case in cases()}, runtimes, say(told.clause)), plain_code)


def test_a_page_says_what_breaks_and_what_keeps_the_clause_and_what_the_tool_says() -> None:
    text = shown(page(explained(load()[CWD]))).text
    assert text.index("srv/tides") < text.index("is not an absolute path") < text.index("/srv/tides")


def test_a_page_names_cases_with_links_to_them() -> None:
    text = page(explained(load()[START]))
    assert 'href="../../cases/refusals.html#running-container"' in text
    assert "driving a runtime" in shown(text).text


@pytest.mark.parametrize(
    "name", [CWD, START, "image/layer.gzip.payload", "storage/blob.absent", "lint/members.unknown"]
)
def test_every_kind_of_clause_has_a_page(name: str) -> None:
    told = explained(load()[name])
    text = shown(page(told)).text
    assert f"{told.clause.summary}." in text
    assert told.clause.severity.value in text
    assert name.split(".", maxsplit=1)[0] in text


def test_what_a_runtime_says_is_only_text() -> None:
    hostile = OfRuntime(fails=[HOSTILE], said={HOSTILE: [HOSTILE]})
    quiet = shown(page(explained(load()[START]), fine=OfRuntime(fails=["1"], said={"m": ["1"]})))
    loud = shown(page(explained(load()[START]), **{HOSTILE: hostile}))
    assert loud.tags == quiet.tags
    assert "<script>alert(1)</script>" in loud.text
    assert "\x1b" not in loud.text
    assert "\u202e" not in loud.text


def test_a_search_finds_a_clause_by_its_words_its_cases_and_runtimes() -> None:
    told = explained(load()[START])
    found = words(told, Known({}, {"crun": OfRuntime()}, None))
    for word in ("start", "not-created-error", "refusals.running-container", "crun"):
        assert word in found


def test_a_fix_is_told_where_there_is_one() -> None:
    said = say(load()["lint/members.misspelled"])
    assert said
    assert said.fix
    assert said.text.startswith("warning[lint/members.misspelled]: ")
    assert "/tmp" not in said.text  # noqa: S108  # the folder of the example is nobody's


def test_what_no_one_command_judges_has_no_words_of_the_tool() -> None:
    assert say(load()["image/conversion.verbatim"]) is None
    assert say(load()["runtime/runtime.create.creates"]) is None


# --- Text of reStructuredText


@pytest.mark.parametrize(
    "text", [HOSTILE, "1. one", "a) b", "- c", "# d", "*.json", "x_", "`:doc:`", "|a|", "..", ":a: b", "a::"]
)
def test_foreign_text_is_a_paragraph_with_that_text(text: str) -> None:
    core = pytest.importorskip("docutils.core", reason="the site needs docutils (pip install -e '.[docs]')")
    document = core.publish_doctree(f"{rst.plain(text)}\n", settings_overrides={"report_level": 5})
    (paragraph,) = document.children
    assert (paragraph.tagname, len(paragraph.children)) == ("paragraph", 1)
    assert paragraph.astext() == re.sub(r"\s+", " ", visible(text))


# --- Links of pages


def linked_from(text: str, page: str = "docs/tutorials/x.md") -> str:
    root = Path(__file__).parents[2]
    return linked(text, root / page, page.removeprefix("docs/").removesuffix(".md"))


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("[a](../image.md#limits)", "[a](../image.md#limits)"),
        ("[a](../../CONTRIBUTING.md)", "[a](../contributing.md)"),
        ("[a](../../conformance/PROTOCOL.md)", "[a](../protocol.md)"),
        ("[`r`](../../schemas/output/report.json)", "[`r`](../formats/report.rst)"),
        ("[a](../../conformance/support.toml)", "`conformance/support.toml`"),
        ("[a](https://x.example/y) and [b](#c)", "[a](https://x.example/y) and [b](#c)"),
        ("```\n[a](nosuch.md)\n```\n", "```\n[a](nosuch.md)\n```\n"),
    ],
)
def test_a_link_of_the_repository_leads_to_where_it_stands_in_the_site(text: str, want: str) -> None:
    assert linked_from(text) == want


def test_a_link_to_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"docs/tutorials/x\.md links to \.\./nosuch\.md, which is not there"):
        linked_from("[a](../nosuch.md)")


def test_every_page_of_the_repository_is_one_of_the_site() -> None:
    assert {"verdicts", "tutorials/pipeline", "contributing", "changelog", "protocol"} <= set(sources())


def test_every_page_is_listed_once_on_the_front_page_and_has_links_to_somewhere() -> None:
    listed = re.findall(r"^   ([\w/-]+)$", (ROOT / "docs" / "index.rst").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(page for page, _text in markdown_pages() if page not in listed) == []
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("place", ["file", "file/below", "folder"])
def test_a_place_for_the_site_that_cannot_be_one_is_told_at_once(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "index.html").write_text("mine")
    with pytest.raises(CannotBuild, match=place):
        clear(tmp_path / place)
    assert ((tmp_path / "file").read_text(), (tmp_path / "folder" / "index.html").read_text()) == ("mine", "mine")


def test_an_earlier_site_makes_way(tmp_path: Path) -> None:
    (tmp_path / "searchindex.js").touch()
    clear(tmp_path)
    assert [*tmp_path.iterdir()] == []
