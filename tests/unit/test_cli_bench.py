"""``ocivalidate bench`` as far as it needs no runtime: what makes no sense."""

from __future__ import annotations

import sys

import pytest

from tests.unit.command_line import Command, complaint


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        ([], "no runtime given: use --runtime PROGRAM (try ocivalidate bench --help)"),
        (["--runtime", "runc", "--rounds", "0"], "rounds: wanted 1 to 10000, got 0"),
        (["--runtime", "runc", "--parallel", "-1"], "parallel: wanted 0 to 256, got -1"),
        (["--runtime", "runc", "--parallel", "257"], "parallel: wanted 0 to 256, got 257"),
        (["--runtime", "runc", "--seconds", "nan"], "seconds: wanted 1 to 86400, got nan"),
        (["--runtime", "runc"] * 17, "runtimes: wanted 1 to 16, got 17"),
        (["--runtime", ""], "the name of a runtime is empty: is it a variable that is not set?"),
        (
            ["--output", "json=-", "--output", "text=-"],
            "standard output takes one format, not json and text: give the others a file",
        ),
        (["--output", "tap=x"], "--output needs FORMAT=FILE with a format of text, json, markdown, not tap=x"),
    ],
)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="runtimes are driven on Linux")
def test_what_makes_no_sense(words: list[str], wrong: str, say: Command) -> None:
    assert complaint(say("bench", *words)) == wrong


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="runtimes are driven on Linux")
def test_a_runtime_that_is_not_there(say: Command) -> None:
    assert complaint(say("bench", "--runtime", "./nosuch")) == "./nosuch: there is no program ./nosuch"
