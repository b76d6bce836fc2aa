"""Reports are written while they are made: memory does not grow with what is rendered."""

from __future__ import annotations

import json
import time
import tracemalloc
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from ocivalidate.cli.files import write_file
from ocivalidate.cli.streams import chunks
from ocivalidate.report import FORMATS, pieces
from ocivalidate.report.escape import json_shield
from ocivalidate.report.json_pieces import Opened, written
from ocivalidate.report.xml_pieces import branch, leaf
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import Location, Outcome, Report, Result
from tests.reports import ALL, CWD, NOT_ABSOLUTE, OPTIONS

MANY = 4_000
LONGEST_PIECE = 1 << 16
MOST_MEMORY = 3 << 19


def report_of(number: int, *, gravest_last: bool = False) -> Report:
    line = "x" * 100
    clause = replace(CWD, contested="judged by many readers")
    findings = tuple(
        replace(
            NOT_ABSOLUTE,
            clause=clause,
            location=Location("config.json", f"/mounts/{at}", at + 1, 1, 2, line),
            severity=Severity.WARNING if gravest_last and at + 1 < number else Severity.ERROR,
        )
        for at in range(number)
    )
    result = Result(clause, Outcome.FAIL, findings=findings)
    return Report("bundle", "b", "runtime-spec", "1.0.2", results=(result,), findings=findings)


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_large_report_is_never_one_text(format_name: str) -> None:
    report = report_of(MANY)
    tracemalloc.start()
    try:
        sizes = [0, 0]
        for piece in pieces(format_name, [report], OPTIONS):
            sizes = [sizes[0] + len(piece), max(sizes[1], len(piece))]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # A test point has the first finding, and how many there are.
    assert sizes[0] > {"tap": 100, "in-toto": 100, "markdown": 50_000}.get(format_name, MANY * 100)
    assert sizes[1] < LONGEST_PIECE
    assert peak < MOST_MEMORY


@pytest.mark.parametrize("format_name", FORMATS)
def test_time_grows_with_the_findings(format_name: str) -> None:
    def seconds(number: int) -> float:
        report = report_of(number, gravest_last=True)
        begun = time.process_time()
        for _piece in pieces(format_name, [report], replace(OPTIONS, quiet=True)):
            pass
        return time.process_time() - begun

    small = min(seconds(500) for _round in range(3))
    assert min(seconds(4_000) for _round in range(3)) < 24 * max(small, 0.005)


def opened(value: Any) -> Any:
    """The same value, to be written member by member and entry by entry."""
    if isinstance(value, dict):
        return Opened((name, opened(member)) for name, member in value.items())
    return map(opened, value) if isinstance(value, list) else value


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["##[x", "\ud800", "a\nb"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_json_is_what_the_encoder_writes(value: Any) -> None:
    expected = json_shield(json.dumps(value, indent=2))
    assert "".join(written(opened(value))) == expected
    assert "".join(written(value)) == expected
    assert json.loads(expected) == json.loads("".join(written(Opened(a=opened(value)))))["a"]


TEXTS = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"], exclude_characters="\x7f\ufffe\uffff"))


@given(TEXTS, st.lists(TEXTS, max_size=3))
def test_xml_is_what_element_tree_writes(value: str, lines: list[str]) -> None:
    root = ET.Element("a", one=value, two="2")
    ET.SubElement(root, "b", name=value).text = "\n".join(lines) or None
    ET.SubElement(ET.SubElement(root, "c"), "d")
    ET.SubElement(root, "e")
    ET.indent(root)

    def inner() -> Iterator[str]:
        yield from leaf("b", {"name": value}, lines if "\n".join(lines) else (), 1)
        yield from branch("c", {}, leaf("d", {}, (), 2), 1)
        yield from branch("e", {}, (), 1)

    assert "".join(branch("a", {"one": value, "two": "2"}, inner())).lstrip("\n") == ET.tostring(root, "unicode")


@given(st.lists(st.text(max_size=30_000), max_size=20))
def test_chunks_are_the_whole_text(texts: list[str]) -> None:
    made = list(chunks(text.encode("utf-8", "replace").decode() for text in texts))
    assert b"".join(made) == "".join(texts).encode("utf-8", "replace")
    assert len(made) <= len("".join(texts)) // LONGEST_PIECE + 1


def test_a_report_that_cannot_be_made_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    def broken() -> Iterable[str]:
        yield "x" * LONGEST_PIECE * 2
        raise RuntimeError("in the midst")

    (tmp_path / "report").write_text("old", encoding="utf-8")
    with pytest.raises(RuntimeError):
        write_file(str(tmp_path / "report"), broken())
    assert [(path.name, path.read_text(encoding="utf-8")) for path in tmp_path.iterdir()] == [("report", "old")]


@pytest.mark.parametrize("format_name", FORMATS)
def test_pieces_can_be_made_again(format_name: str) -> None:
    assert list(pieces(format_name, ALL, OPTIONS)) == list(pieces(format_name, ALL, OPTIONS))
