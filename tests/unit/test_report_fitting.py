"""Lines that are fitted to a terminal: width, carets, digests, colours, links."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st
from rich.cells import cell_len

from ocivalidate.report import render
from ocivalidate.report.columns import columns
from ocivalidate.report.fitting import LEAST, Digests, fitted, together
from ocivalidate.report.painting import STYLES, Line, painted, plain
from ocivalidate.report.source import excerpt
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import Finding, Location
from tests.reports import ALL, BROKEN, CWD, OPTIONS

ESCAPES = re.compile(r"\x1b\[[0-9;]*m|\x1b\]8;;[^\x1b]*\x1b\\")
WIDTHS = (24, 40, 60, 80, 120)
A, B = "a" * 64, "a" * 20 + "b" * 44


def text_of(lines: object) -> str:
    return "".join(plain(lines))  # type: ignore[arg-type]  # lines of any kind


@given(
    st.lists(st.tuples(st.text("ab 大\u0301", max_size=12), st.sampled_from(["", "frame"])), max_size=12),
    st.integers(0, 60),
)
def test_fitting_loses_nothing_and_breaks_only_between_words(line: Line, width: int) -> None:
    rows = [*fitted(line, width, 2)]
    whole = "".join(text for text, _style in line)
    assert " ".join(text_of(rows).split()) == " ".join(whole.split())
    for row in rows if width else ():
        text = "".join(piece for piece, _style in row).rstrip(" ")
        assert columns(text) <= max(width, LEAST + 2) or " " not in text.strip(" ")


def test_lines_that_follow_are_hung_and_words_held_together() -> None:
    line: Line = [("  = ", "frame"), (f"help: {together('run it all')} now and then again", "")]
    assert text_of(fitted(line, 24, 4)) == "  = help: run it all now and\n    then again\n"
    assert text_of(fitted(line, 0, 4)) == "  = help: run it all now and then again\n"


@pytest.mark.parametrize("width", WIDTHS)
def test_a_report_fits(width: int) -> None:
    for line in render("text", [BROKEN], replace(OPTIONS, width=width, verbose=2)).splitlines():
        # Below that, and where an id, a path or a command is to be copied, the terminal breaks lines.
        least = max(width, LEAST + 6)
        assert len(line) <= least or max(map(len, line.split())) + 10 > least or "ocivalidate explain" in line, line


def test_where_there_is_room_nothing_changes() -> None:
    assert render("text", ALL, replace(OPTIONS, width=1000)) == render("text", ALL, OPTIONS)


@given(
    st.text('ab\t大e\u0301\x1b\u202e{"', min_size=1, max_size=90),
    st.integers(1, 90),
    st.integers(1, 30),
    st.sampled_from([24, 40, 120]),
)
def test_carets_stay_below_what_they_mark(text: str, column: int, length: int, width: int) -> None:
    shown = excerpt(text, column, column + length, width)
    assert columns(shown.line) <= width + 2
    start = min(column - 1, len(text))
    marked = text[start : start + length]
    if not marked or marked[0] == "\u0301":
        return
    # What stands in the columns of the mark is what is marked, as it is shown.
    before, rest, used = "", shown.line, 0
    while used < shown.indent or (rest[:1] == "\u0301"):
        used += columns(rest[0])
        before, rest = before + rest[0], rest[1:]
    assert used == shown.indent
    first = excerpt(marked[0], 1, 2).line
    assert rest.startswith(first[: columns(shown.line)]) or rest[:1] == "…"


def test_we_know_how_wide_letters_are() -> None:
    other = [chr(n) for n in range(0x20, 0x30000) if chr(n).isprintable() and columns(chr(n)) != cell_len(chr(n))]
    # Releases of Unicode differ in few of them; a mistake of ours would be a whole block.
    assert len(other) < 400, len(other)
    for letter in "aé大\uff57\u0301\u20dd한\u1161☃":
        assert columns(letter) == cell_len(letter), ascii(letter)


def finding(message: str, got: str = "", want: str = "", file: str = "b/config.json") -> Finding:
    return Finding(CWD, Severity.ERROR, message, Location(file), got=got, want=want)


def shown(one: Finding, width: int) -> str:
    return render("text", [replace(BROKEN, findings=(one,))], replace(OPTIONS, width=width))


def test_digests_are_short_on_a_terminal_and_whole_elsewhere() -> None:
    one = finding("digest differs", f"sha256:{'0' * 64}", f"sha512:{'1' * 128}", f"app/blobs/sha256/{'2' * 64}")
    narrow, whole = shown(one, 80), shown(one, 0)
    assert f"got sha256:{'0' * 12}…, want sha512:{'1' * 12}…\n" in narrow
    assert f"--> app/blobs/sha256/{'2' * 12}…\n" in narrow
    assert all(digit * 64 in whole for digit in "012")
    assert all(digit * 64 in render("json", [replace(BROKEN, findings=(one,))], OPTIONS) for digit in "012")


def test_digests_that_begin_alike_are_told_apart() -> None:
    said = shown(finding("m", f"sha256:{A}", f"sha256:{B}"), 80)
    assert f"got sha256:{'a' * 24}…, want sha256:{'a' * 20}bbbb…\n" in said
    last = A[:-1] + "c"
    said = shown(finding("m", f"sha256:{A}", f"sha256:{last}"), 200)
    assert f"got sha256:{A}, want sha256:{last}" in said


@given(st.lists(st.text("0123456789abcdef", min_size=64, max_size=64), min_size=1, max_size=5))
def test_what_differs_still_does(digests: list[str]) -> None:
    short = Digests([f"sha256:{one}" for one in digests]).shortened
    assert len({short(f"sha256:{one}") for one in digests}) == len(set(digests))


@pytest.mark.parametrize("text", ["0" * 64, "sha256:0123", f"x:{'0' * 64}g", f"sha256:{'A' * 64}", "md5"])
def test_what_is_no_digest_stays(text: str) -> None:
    assert Digests([text]).shortened(text) == text


def test_links_lead_to_the_clause_and_change_nothing_else() -> None:
    for width in (0, *WIDTHS):
        bare = render("text", ALL, replace(OPTIONS, width=width))
        linked = render("text", ALL, replace(OPTIONS, width=width, links=True, colour=16))
        assert ESCAPES.sub("", linked) == bare
    linked = render("text", ALL, replace(OPTIONS, links=True))
    address = "https://github.com/opencontainers/runtime-spec/blob/v1.3.0/config.md#process"
    assert f"\x1b]8;;{address}\x1b\\" in linked
    assert linked.count("\x1b]8;;\x1b\\") * 2 == linked.count("\x1b]8;;")
    assert "\x1b]8" not in render("text", ALL, replace(OPTIONS, width=80, colour=256))


# --- Colours


def light(code: int) -> float:
    """The relative luminance of a colour of the cube of 256 colours, which no theme changes (WCAG 2)."""
    levels = (0, 95, 135, 175, 215, 255)
    number = code - 16
    parts = [levels[number // 36] / 255, levels[number // 6 % 6] / 255, levels[number % 6] / 255]
    red, green, blue = (one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("name", STYLES)
def test_colours_can_be_read_on_black_and_on_white(name: str) -> None:
    many, few = STYLES[name]
    for code in re.findall(r"38;5;(\d+)", many):
        assert int(code) >= 16, "themes change the first 16"
        assert (light(int(code)) + 0.05) / 0.05 >= 3.8
        assert 1.05 / (light(int(code)) + 0.05) >= 3.8
    # Of 16 colours, red, magenta and bright blue are those that no usual palette has too dark or too pale.
    assert {*few.split(";")} <= {"1", "31", "35", "94"}
    assert "2" not in many.split(";")[:1]


def test_painting() -> None:
    line: Line = [("a", "bad"), ("b ", " https://x/"), ("  ", "frame")]
    assert [*plain([line])] == ["ab\n"]
    assert [*painted([line], 0)] == ["ab\n"]
    assert [*painted([line], 16)] == ["\x1b[31ma\x1b[0mb\n"]
    assert [*painted([line], 256, links=True)] == ["\x1b[38;5;160ma\x1b[0m\x1b]8;;https://x/\x1b\\b\x1b]8;;\x1b\\\n"]
