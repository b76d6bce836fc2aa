"""Patterns for paths, held against what git makes of them."""

from __future__ import annotations

import random
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from ocivalidate.many.globs import covers, pattern, patterns

PIECES = ["a", "b", "ab", "*", "?", "**", "[ab]", "[!a]", "[a-c]", "\\*", "/", "/", "x", ".", "[]a]", "[[:digit:]]"]
PIECES += ["1", " ", "!", "#", "\\", "["]
NAMES = ["a", "b", "ab", "ba", "x", "a.b", "1", "a1", ".a", "aab", "*", "a b", "!a", "#x"]


@pytest.mark.parametrize(
    ("written", "matched", "others"),
    [
        ("b", ["b", "a/b", "b/c"], ["bb", "a/bb"]),
        ("/b", ["b", "b/c"], ["a/b"]),
        ("a/b", ["a/b", "a/b/c"], ["x/a/b"]),
        ("b/", ["b/c", "a/b/c"], ["b", "a/b"]),
        ("*.bak", ["x.bak", "a/.bak"], ["x.bakk"]),
        ("a/**", ["a/b", "a/b/c"], ["a"]),
        ("a/**/c", ["a/c", "a/b/c", "a/b/b/c"], ["a/b"]),
        ("**/c", ["c", "a/b/c"], ["cc"]),
        ("[!a]*", ["b"], ["a"]),
        ("a[", [], ["a[", "a"]),
        (r"\#x", ["#x"], ["x"]),
        (r"x\ ", ["x "], ["x"]),
    ],
)
def test_what_a_pattern_matches(written: str, matched: list[str], others: list[str]) -> None:
    found = patterns([written])
    assert [path for path in matched if covers(found, path.split("/"))] == matched
    assert [path for path in others if covers(found, path.split("/"))] == []


@pytest.mark.parametrize("written", ["", "   ", "# comment", "a//b", "a\\", "x" * 5000])
def test_what_is_no_pattern(written: str) -> None:
    assert pattern(written) is None


def test_the_last_pattern_decides() -> None:
    found = patterns(["*.json", "!keep.json"])
    assert covers(found, ["a.json"])
    assert not covers(found, ["keep.json"])
    # What is in a folder that is left out cannot be kept.
    assert covers(patterns(["out", "!out/keep.json"]), ["out", "keep.json"])


@pytest.mark.parametrize("written", ["*a" * 60 + "b", "[ab]*" * 50 + "c", "**/a/" * 200 + "b"])
def test_no_pattern_takes_long(written: str) -> None:
    found = patterns([written])
    begun = time.process_time()
    assert not covers(found, ["a" * 250] * 4 + ["a"] * 200)
    assert time.process_time() - begun < 2


@pytest.mark.skipif(not shutil.which("git"), reason="no git")
def test_git_agrees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    subprocess.run(["git", "init", "-q"], check=True)
    draw = random.Random(1)  # noqa: S311  # no secret
    paths = sorted({"/".join(draw.choices(NAMES, k=draw.randint(1, 4))) for _ in range(60)})
    for _ in range(40):
        lines = ["".join(draw.choices(PIECES, k=draw.randint(1, 5))) for _ in range(draw.randint(1, 3))]
        Path(".gitignore").write_text("\n".join(lines) + "\n", encoding="utf-8")
        said = subprocess.run(
            ["git", "check-ignore", "--no-index", "--stdin", "-z"],
            input="\0".join(paths),
            capture_output=True,
            text=True,
            check=False,
        )
        ignored = set(said.stdout.split("\0")) - {""}
        found = patterns(lines)
        assert {path for path in paths if covers(found, path.split("/"))} == ignored, lines
