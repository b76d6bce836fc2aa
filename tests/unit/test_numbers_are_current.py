"""The numbers in README and the documentation are those of records, counts and limits, and none is forgotten."""

from __future__ import annotations

import sys
from pathlib import Path

import jsonschema
import pytest

if not sys.platform.startswith("linux"):
    pytest.skip("cases can only be loaded on Linux", allow_module_level=True)

from fixtures import numbers
from fixtures.numbers import claims, counts
from fixtures.numbers.__main__ import main
from fixtures.numbers.rows import ROWS, Row
from ocivalidate import resources

ROOT = Path(__file__).parents[2]


def row(sentence: str, *values: str) -> Row:
    return Row("page.md", sentence, lambda: values)


def test_no_number_is_stale(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("page", claims.pages())
def test_every_number_has_a_row_or_a_reason_for_none(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    held = [(place.begin, place.end) for one in ROWS if one.page == page for place in numbers.places(one, text)]
    held += claims.excused(page, text)
    assert [
        claim.text for claim in claims.claims(page, text) if not any(begin <= claim.begin < end for begin, end in held)
    ] == []


def test_the_recorded_comparison_is_one() -> None:
    validator = jsonschema.Draft202012Validator(resources.read_json("schemas", "output/bench.json"))
    assert [*validator.iter_errors(counts.measured())] == []


def test_reasons_are_for_pages_that_are_there() -> None:
    assert {page for page, _words in claims.REASONS} <= set(claims.pages())


def test_a_number_is_found_where_its_sentence_is_broken() -> None:
    text = "It takes about 12\nseconds, and\n  1,000 MB of it."
    found = numbers.places(row("about {} seconds, and {} MB", "12", "2,000"), text)
    assert [(place.shown, place.wanted) for place in found] == [("12", "12"), ("1,000", "2,000")]
    assert text[found[1].begin : found[1].end] == "1,000"


@pytest.mark.parametrize("text", ["nothing of it", "takes 1 s and takes 2 s"])
def test_a_sentence_that_is_not_there_once_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"page\.md has [02] times: takes \{\} s"):
        numbers.places(row("takes {} s", "1"), text)


def test_stale_numbers_are_told_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text("About seven of 10 cases,\nand 3.5 hours. Seven more.", encoding="utf-8")
    monkeypatch.setattr(numbers, "ROOT", tmp_path)
    monkeypatch.setattr(numbers, "BLOCKS", {})
    monkeypatch.setattr(numbers, "ROWS", (row("About {} of {} cases, and {} hours", "nine", "12", "3.5"),))
    assert main(["--check"]) == 1
    told = capsys.readouterr().out.splitlines()
    assert [line.partition(": A")[0] for line in told] == [
        "page.md: seven, wanted nine",
        "page.md: 10, wanted 12",
        "run python -m fixtures.numbers",
    ]
    assert main([]) == 0
    assert page.read_text(encoding="utf-8") == "About nine of 12 cases,\nand 3.5 hours. Seven more."
    assert main(["--check"]) == 0


def test_a_part_that_is_written_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "a\n<!-- written by python -m fixtures.numbers: it -->\nold\n<!-- its end -->\nb\n", encoding="utf-8"
    )
    monkeypatch.setattr(numbers, "ROOT", tmp_path)
    monkeypatch.setattr(numbers, "ROWS", ())
    monkeypatch.setattr(numbers, "BLOCKS", {("page.md", "it"): lambda: "new\n"})
    assert main(["--check"]) == 1
    assert capsys.readouterr().out.startswith("page.md: the part it is not as it would be written\n")
    assert main([]) == 0
    assert page.read_text(encoding="utf-8").splitlines()[2] == "new"
    assert main(["--check"]) == 0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("in 10 seconds", ["10 seconds"]),
        ("about nine hundred mutants", ["nine hundred mutants"]),
        ("2,000 files, 64 MiB", ["64 MiB"]),
        ("`--wait 10s` and release 1.2.0", []),
        ("```\n35 clauses\n```\n", []),
        ("95 % of them, half a minute", ["95 %", "half a minute"]),
        ("a second kill", []),
    ],
)
def test_amounts_are_found(text: str, found: list[str]) -> None:
    assert [claim.text for claim in claims.claims("page.md", text)] == found
