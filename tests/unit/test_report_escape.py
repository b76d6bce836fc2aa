from __future__ import annotations

import pytest

from ocivalidate.report.escape import line_start, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("process.cwd", "process.cwd"),
        ("größe 大小", "größe 大小"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x1b[31m\x00\x7f\x9b", r"\x1b[31m\x00\x7f\x9b"),
        ("\u202etxt\u2066\u200b\ufeff", r"\u202etxt\u2066\u200b\ufeff"),
        ("\u2028\u2029\u00a0", r"\u2028\u2029\xa0"),
        ("\ud800\udcff\ufffe", r"\ud800\udcff\ufffe"),
        ("\U000e0001\U0010ffff", r"\U000e0001\U0010ffff"),
        (r"C:\new", r"C:\new"),
        ("##[error]x ##vso[task]y ## z", r"#\x23[error]x #\x23vso[task]y ## z"),
        ("##teamcity[buildStop]", r"#\x23teamcity[buildStop]"),
        ("###[error]", r"##\x23[error]"),
    ],
)
def test_what_is_not_printable_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_limit_cuts_and_says_so() -> None:
    assert visible("abc", 3) == "abc"
    assert visible("abcd", 3) == "abc…"
    assert visible("\n" * 9, 2) == r"\n\n…"


@pytest.mark.parametrize(
    ("line", "safe"),
    [
        ("::set-env name=x::y", r"\x3a:set-env name=x::y"),
        ("  ::warning::x", r"  \x3a:warning::x"),
        ("a::b", "a::b"),
        (":a", ":a"),
    ],
)
def test_a_line_never_starts_a_command_of_a_log_reader(line: str, safe: str) -> None:
    assert line_start(line) == safe
