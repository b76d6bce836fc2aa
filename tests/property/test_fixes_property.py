"""A fix leaves its finding gone and breaks nothing else: alone, and with all others of its document."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from ocivalidate.bundle.api import _judged, check_config
from ocivalidate.fixes.changing import Changed, changed
from ocivalidate.fixes.choosing import broken_in
from ocivalidate.fixes.diff import diff
from ocivalidate.jsontext.documents import read_document
from ocivalidate.rules.clauses import Selection
from ocivalidate.rules.findings import Change, Finding, Fix, Report
from ocivalidate.rules.witnesses import Side, Witness, apply, base_document, witnesses
from tests.property.strategies import Sample, samples

EVERYTHING = Selection(lint=True, most=None)
SIDES: list[tuple[Witness, Side]] = [
    (witness, side)
    for witness in witnesses().values()
    for side in ("violates", "satisfies")
    if witness.kind == "bundle" and not any("folder" in edit for edit in witness.edits(side))
]
PATCH = shutil.which("patch")


def judged(data: bytes, selection: Selection = EVERYTHING) -> Report:
    return check_config(data, selection, fixes=True)


def with_fix(report: Report) -> list[Finding]:
    return [finding for finding in report.findings if finding.fix]


def fixes(findings: list[Finding]) -> list[Fix]:
    return [finding.fix for finding in findings if finding.fix]


def assert_better(before: Report, after: Report, mended: list[Finding]) -> None:
    """That what was mended is gone, and nothing else is there."""
    gone = Counter(finding.clause.id for finding in mended)
    broken, left = broken_in(before), broken_in(after)
    assert {clause: count for clause, count in left.items() if count > broken[clause] - gone[clause]} == {}
    assert not after.problem


def assert_bytes_stay(data: bytes, fix: Fix) -> None:
    """That the result is the original but for the changes, whose places and lines agree."""
    text, lines = data.decode(), data.split(b"\n")
    for change in fix.changes:
        start = sum(len(line) + 1 for line in lines[: change.line - 1])
        assert start + len(lines[change.line - 1].decode()[: change.column - 1].encode()) == change.start
        end = sum(len(line) + 1 for line in lines[: change.end_line - 1])
        assert end + len(lines[change.end_line - 1].decode()[: change.end_column - 1].encode()) == change.end
        assert data[: change.start].decode() + data[change.start :].decode() == text


def check_fixes(data: bytes, selection: Selection = EVERYTHING) -> list[Finding]:
    report = judged(data, selection)
    mended = with_fix(report)
    if mended:
        assert_better(report, judged(changed(data, fixes(mended)), selection), mended)
    for fix in fixes(mended):
        assert_bytes_stay(data, fix)
    return mended


@pytest.mark.parametrize(("witness", "side"), SIDES, ids=lambda one: getattr(one, "clause", one))
def test_fixes_of_a_witness_are_safe_alone_and_together(witness: Any, side: Any) -> None:
    data = apply(base_document(witness.base), witness.edits(side))
    selection = Selection(lint=True, platform=witness.platform, extra=(witness.clause,))
    report = judged(data, selection)
    for finding in check_fixes(data, selection):
        assert finding.fix
        assert_better(report, judged(changed(data, [finding.fix]), selection), [finding])


def test_witnesses_have_enough_fixes_to_hold() -> None:
    """Candidates are enough to count, and quicker to find than fixes."""
    fixable = set()
    for witness, side in SIDES[::5]:
        data = apply(base_document(witness.base), witness.edits(side))
        fixable |= {one.clause.id for one in with_fix(_judged("", read_document(data), EVERYTHING, mending=True))}
    assert len(fixable) >= 5, sorted(fixable)


@given(samples())
def test_fixes_of_a_tampered_document_are_safe(sample: Sample) -> None:
    check_fixes(sample.data)


WHOLE = json.loads(apply(base_document("linux.json"), []))


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way, *(found for name, one in inner for found in places(one, (*way, name)))]


WAYS = [way for way in places(WHOLE) if way]
SPELLINGS = st.sampled_from(["drop", "double", "swap", "upper", "quote"])


def misspelled(name: str, how: str, at: int) -> str:
    if how == "drop":
        return name[:at] + name[at + 1 :]
    if how == "double":
        return name[:at] + name[at : at + 1] + name[at:]
    if how == "swap":
        return name[:at] + name[at + 1 : at + 2] + name[at : at + 1] + name[at + 2 :]
    return name.swapcase()


@given(st.sampled_from(WAYS), SPELLINGS, st.integers(0, 30), st.sampled_from([None, 1, "\t"]))
def test_fix_of_one_error_gives_back_the_document_to_the_byte(way: Any, how: str, at: int, indent: Any) -> None:
    """What a typing error made of a sound document, a fix unmakes, or leaves alone."""
    document = json.loads(json.dumps(WHOLE))
    whole = json.dumps(document, indent=indent, ensure_ascii=False).encode()
    around: Any = document
    for token in way[:-1]:
        around = around[token]
    last = way[-1]
    if how == "quote":
        if not isinstance(around[last], (int, bool)):
            return
        around[last] = json.dumps(around[last])
    elif isinstance(around, dict):
        renamed = {misspelled(name, how, at) if name == last else name: value for name, value in around.items()}
        around.clear()
        around.update(renamed)
    elif isinstance(around[last], str):
        around[last] = misspelled(around[last], how, at)
    data = json.dumps(document, indent=indent, ensure_ascii=False).encode()
    mended = check_fixes(data)
    if mended:
        assert changed(data, fixes(mended)) == whole


def test_most_misspelled_members_of_a_sound_document_are_mended() -> None:
    named = [way for way in WAYS if isinstance(way[-1], str) and len(way[-1]) > 4 and len(way) < 3]
    mended = 0
    for way in named:
        document = json.loads(json.dumps(WHOLE))
        around: Any = document
        for token in way[:-1]:
            around = around[token]
        around[misspelled(way[-1], "drop", 3)] = around.pop(way[-1])
        mended += bool(with_fix(judged(json.dumps(document).encode())))
    assert mended / len(named) > 0.8


# --- Changes and diffs

TEXTS = st.text("ab\n\té€😀", max_size=30).map(str.encode)


@st.composite
def rounds(draw: st.DrawFn) -> tuple[bytes, list[Fix]]:
    """A text and fixes, each to what it has become by the one before."""
    data = draw(TEXTS)
    found, now = [], data
    for _ in range(draw(st.integers(0, 5))):
        letters = now.decode()
        start = draw(st.integers(0, len(letters)))
        end = draw(st.integers(start, len(letters)))
        text = draw(st.text("xy\n", max_size=4))
        first, last = len(letters[:start].encode()), len(letters[:end].encode())
        found.append(Fix("", (Change(first, last, 1, 1, 1, 1, text),)))
        now = now[:first] + text.encode() + now[last:]
    return data, found


def applied(data: bytes, rounds: list[Fix]) -> bytes:
    for fix in rounds:
        (change,) = fix.changes
        data = data[: change.start] + change.text.encode() + data[change.end :]
    return data


@given(rounds())
def test_rounds_of_fixes_come_to_what_each_makes_of_the_other(case: tuple[bytes, list[Fix]]) -> None:
    data, found = case
    document = Changed(data)
    for fix in found:
        document.apply([fix])
    assert document.data == applied(data, found)
    position, rebuilt = 0, b""
    for piece in document.pieces:
        assert position <= piece.start <= piece.end
        rebuilt += data[position : piece.start] + (piece.now or b"")
        position = piece.end
    assert rebuilt + data[position:] == document.data


@pytest.mark.skipif(PATCH is None, reason="there is no patch")
@pytest.mark.parametrize(
    ("data", "changes"),
    [
        (b"a\nb\nc\n", [(2, 3, "B")]),
        (b"a\nb\nc", [(4, 5, "C")]),
        (b"a", [(0, 1, "b")]),
        (b"a\n" * 50, [(0, 1, "x"), (20, 21, "y\nz"), (98, 99, "w")]),
        (b"a,\n  a\n]\n", [(1, 6, "")]),
        (b"".join(b"%d\n" % number for number in range(30)), [(2, 5, ""), (40, 41, "q"), (60, 60, "\n\n")]),
        ("é\n€😀\n".encode() * 9, [(0, 2, "e"), (33, 35, "E")]),
        (b"a\r\nb\r\nc\r\n", [(3, 4, "B")]),
    ],
)
def test_patch_takes_the_diff(data: bytes, changes: list[tuple[int, int, str]], tmp_path: Path) -> None:
    document = Changed(data)
    document.apply([Fix("", tuple(Change(first, last, 1, 1, 1, 1, text) for first, last, text in changes))])
    assert document.data != data
    file = tmp_path / "f"
    file.write_bytes(data)
    said = "".join(diff("f", document)).encode()
    subprocess.run(["patch", "--binary", "f"], cwd=tmp_path, input=said, check=True, capture_output=True)
    assert file.read_bytes() == document.data
