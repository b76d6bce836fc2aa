from __future__ import annotations

from dataclasses import replace

import pytest

from ocivalidate.report import render
from ocivalidate.report.markdown import MOST_LETTERS
from ocivalidate.rules.findings import Location, Report
from ocivalidate.rules.references import SITE
from tests.readers import page
from tests.reports import (
    ALL,
    BROKEN,
    CONFORMING,
    HARMLESS,
    HOSTILE,
    HOSTILE_PROBLEM,
    NOT_ABSOLUTE,
    OPTIONS,
    RUN,
    bundle,
)

HEADS = [["", "subject"], ["", "clause", "where", "what"]]


def read(*reports: Report, verbose: int = 0) -> list[list[str]]:
    """The rows of the tables; nothing else is on the page but what we write."""
    seen = page(render("markdown", reports, replace(OPTIONS, verbose=verbose)))
    assert len(seen.headings) == 1
    assert seen.odd == []
    assert all(link.startswith(f"{SITE}clauses/") for link in seen.links)
    return [row for row in seen.rows if row not in HEADS]


def test_findings_stand_below_the_subjects_the_gravest_first() -> None:
    rows = read(BROKEN, CONFORMING)
    assert [row[0] for row in rows] == ["❌", "✅", "error", "warning", "warning"]
    assert rows[2] == [
        "error",
        "runtime/config.process.cwd.absolute",
        "b/config.json:14:12 /process/cwd",
        'process.cwd is not an absolute path: got "app", want a path that starts with /',
    ]
    assert [row[0] for row in read(BROKEN, verbose=1)] == ["❌", "error", "warning", "warning", "note"]


@pytest.mark.parametrize(
    ("reports", "title"),
    [
        ([CONFORMING], "ocivalidate: passed"),
        ([BROKEN], "ocivalidate: findings"),
        ([RUN], "ocivalidate: could not be judged"),
        ([], "ocivalidate: nothing was judged"),
        (ALL, "ocivalidate: 1 failed, 4 could not be judged of 7 subjects"),
        ([CONFORMING, CONFORMING], "ocivalidate: all passed of 2 subjects"),
    ],
)
def test_the_title_says_how_it_went(reports: list[Report], title: str) -> None:
    assert page(render("markdown", reports, OPTIONS)).headings == [title]


def test_what_is_no_finding_is_told_too() -> None:
    assert [row[:2] for row in read(RUN)][1:] == [
        ["unexpected pass", "runtime/runtime.state.pid"],
        ["not judged", "runtime/runtime.create.unique-id"],
        ["error", "runtime/runtime.state.pid"],
    ]


def test_hostile_input_adds_no_row_and_no_markup() -> None:
    shape = [len(row) for row in read(HARMLESS, verbose=1)]
    assert [len(row) for row in read(HOSTILE, verbose=1)] == shape
    assert len(read(HOSTILE_PROBLEM)) == 2


@pytest.mark.parametrize(
    "text",
    [
        "a | b \\| c \\\\| d",
        "`code` ``` fence",
        "</code><script>x</script>",
        "<!-- comment",
        "[link](https://example.org) ![image](x) [ref]: y",
        "@everybody #123 owner/repo#1 :tada: $x$ www.example.org https://example.org a@b.example",
        "*a* _b_ ~~c~~ **d**",
        "&lt;b&gt; &#124; &",
        "# heading",
        "- item",
        "WWW.Example.ORG",
    ],
)
def test_text_means_nothing_but_itself(text: str) -> None:
    found = replace(NOT_ABSOLUTE, message=text, got="", location=Location(f"{text}.json", f"/{text}"), want="")
    (_subject, row) = read(replace(bundle(found), subject=text))
    assert row[3] == text
    assert row[2].endswith(f"/{text}")


def test_it_fits_into_a_comment() -> None:
    text = render("markdown", [bundle(*[NOT_ABSOLUTE] * 5000)], OPTIONS)
    assert len(text) < MOST_LETTERS + 200
    assert text.endswith(" more are in the full report.\n")
    left = int(text.splitlines()[-1].split()[0].replace(",", ""))
    assert left + sum(row[0] == "error" for row in page(text).rows) == 5000
    many = render("markdown", [replace(BROKEN, subject="x" * 900)] * 10_000, OPTIONS)
    assert len(many) < MOST_LETTERS + 2000
