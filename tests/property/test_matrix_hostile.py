"""What a report holds is text in every form, whatever it looks like, and never more than there is room for."""

from __future__ import annotations

import json
import re
import string
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, strategies as st
from markdown_it import MarkdownIt

from ocivalidate.matrix import html, json_changes, json_matrix, markdown, reading, text, text_changes
from ocivalidate.matrix.changes import difference
from ocivalidate.matrix.model import Matrix, matrix
from ocivalidate.matrix.packing import MOST_LETTERS
from ocivalidate.matrix.reading import subjects_in
from ocivalidate.report.painting import plain

MOST = 9_000  # points of a subject, here
CREATES = "runtime/runtime.create.creates"
NASTY = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            "</script><script>alert(1)</script>",
            "<!--<script>",
            "<img src=x onerror=alert(1)>",
            '"><svg onload=alert(1)>',
            "]]>",
            "\0\x1b[2J\u202e\u2028\ud800\U000e0001",
            "\r\n::set-env name=X::y\n##[error]z",
            "`|` [x](javascript:alert(1)) @all <b>",
            "\N{ZERO WIDTH JOINER}" * 9,
            "__proto__",
            "constructor",
            ".",
            "/",
        ]
    ),
)
SCALARS = st.one_of(NASTY, st.none(), st.booleans(), st.integers(), st.floats(), st.just([]), st.just({}))
LOCATION = st.fixed_dictionaries({}, optional=dict.fromkeys(("file", "line", "pointer", "case", "member"), SCALARS))
FINDING = st.fixed_dictionaries(
    {"clause": st.one_of(NASTY, st.just(CREATES)), "location": st.one_of(LOCATION, SCALARS)},
    optional=dict.fromkeys(("message", "got", "want", "more"), SCALARS),
)
RESULT = st.fixed_dictionaries(
    {
        "clause": st.one_of(NASTY, st.just(CREATES)),
        "outcome": st.one_of(NASTY, st.sampled_from(["fail", "skip", "xfail", "error", "pass"])),
    },
    optional={"findings": st.lists(FINDING, max_size=2), **dict.fromkeys(("case", "reason", "dump"), SCALARS)},
)
REPORT = st.fixed_dictionaries(
    {"results": st.lists(RESULT, max_size=4), "findings": st.lists(FINDING, max_size=3)},
    optional={
        **dict.fromkeys(("kind", "subject", "release", "specification", "problem", "complete"), SCALARS),
        "facts": st.fixed_dictionaries(
            {}, optional={name: st.dictionaries(NASTY, SCALARS, max_size=3) for name in ("runtime", "host", "timings")}
        ),
    },
)
ALLOWED = set(string.printable) - set("\r\x0b\x0c\t")


class Elements(HTMLParser):
    """The elements of a page, the attributes that they have, and the text of its scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.attributes: set[str] = set()
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.attributes |= {name for name, _value in attrs}
        self._in_script = tag == "script"
        if self._in_script:
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002  # so HTMLParser calls it
        self._in_script = False

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts[-1] += data


def page_of(found: Matrix) -> Elements:
    page = "".join(html.pieces(found, "1.2.3"))
    assert all(letter.isprintable() or letter == "\n" for letter in page)
    return Elements(page)


PLAIN = page_of(matrix(subjects_in({"schema": "urn:ocivalidate:report-1", "complete": True, "reports": [{}]})))


def read(reports: list[Any]) -> Matrix:
    return matrix(subjects_in({"schema": "urn:ocivalidate:report-1", "tool": {}, "complete": True, "reports": reports}))


@given(st.lists(REPORT, min_size=1, max_size=3))
def test_the_page_holds_no_element_of_a_report(reports: list[Any]) -> None:
    found = read(reports)
    page = page_of(found)
    assert page.found - {"tr", "td"} <= PLAIN.found
    assert page.attributes <= PLAIN.attributes
    assert len(page.scripts) == 2
    assert page.scripts[1] == PLAIN.scripts[1]
    data = json.loads(page.scripts[0])
    assert [one["label"] for sheet in data["sheets"] for one in sheet["subjects"]] == [
        one.label for one in found.subjects
    ]


@given(st.lists(REPORT, min_size=1, max_size=3))
def test_text_and_markdown_hold_nothing_that_acts(reports: list[Any]) -> None:
    found, changed = read(reports), difference(read(reports[:1]), read(reports))
    for said in ("".join(plain(text.lines(found))), "".join(plain(text_changes.lines(changed)))):
        assert all(letter.isprintable() or letter == "\n" for letter in said)
        assert not re.search(r"^\s*::|##\w*\[", said, re.MULTILINE)
    for said in ("".join(markdown.pieces(found)), "".join(markdown.changes(changed))):
        tags = set(re.findall(r"<\s*/?\s*([a-zA-Z!?]+)", said))
        assert tags <= {"code", "br"}
        shown = MarkdownIt("gfm-like", {"linkify": False}).render(said)
        links = re.findall(r'href="([^"]*)"', shown)
        assert all(link.startswith("https://ocivalidate.readthedocs.io/") for link in links)
        assert not re.search(r"<(?:script|img|svg|a name)", shown)


@given(st.lists(REPORT, min_size=1, max_size=3), st.randoms())
def test_the_order_of_reports_changes_nothing(reports: list[Any], draw: Any) -> None:
    other = draw.sample(reports, len(reports)) + reports[:1]
    for made in (json_matrix.pieces, html.pieces):
        assert "".join(made(read(reports), "1")) == "".join(made(read(other), "1"))


@given(st.lists(REPORT, min_size=1, max_size=2))
def test_json_is_ascii_and_whole(reports: list[Any]) -> None:
    found, changed = read(reports), difference(read(reports), read(reports))
    for said in ("".join(json_matrix.pieces(found, "1")), "".join(json_changes.pieces(changed, "1"))):
        assert set(said) <= ALLOWED
        assert json.loads(said)["complete"] is True


def huge(results: int, letters: int) -> dict[str, Any]:
    message = "x<" * (letters // 2)
    return {
        "kind": "runtime",
        "subject": "runc",
        "complete": True,
        "results": [
            {
                "clause": f"runtime/a{number % 977}.b{number}",
                "case": f"c.{number}",
                "outcome": "fail",
                "reason": f"{number} {message}",
            }
            for number in range(results)
        ],
    }


@pytest.mark.parametrize(
    ("reports", "left"),
    [
        ([huge(1, 10_000_000)], 0),
        ([huge(MOST + 7, 0)], 7),
        ([huge(3_000, 300)] * 2, 0),
        ([huge(1, 10) | {"subject": f"runc-{number}", "facts": {"x": number}} for number in range(100)], 0),
    ],
    ids=["a long message", "many results", "much to say", "many runs"],
)
def test_a_page_is_never_too_large(reports: list[Any], left: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_POINTS", MOST)
    found = read(reports)
    assert found.subjects[0].clipped == left
    page = "".join(html.pieces(found, "1"))
    assert len(page.encode()) < MOST_LETTERS + 300_000 < 2_000_000
    said = "".join(markdown.pieces(found))
    assert len(said) < 65_536


def test_what_is_left_out_is_said() -> None:
    data = json.loads(page_of(read([huge(9_000, 300)])).scripts[0])
    assert "cut to" in data["cut"]
