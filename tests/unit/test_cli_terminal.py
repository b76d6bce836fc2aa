"""The commands on a terminal: fitted, coloured, with links, and saying the same as in a pipe."""

from __future__ import annotations

import os
import re
from collections import Counter

import pytest

from ocivalidate.cli import output
from ocivalidate.cli.lines import clipped
from ocivalidate.report.tap_colours import coloured, pieces
from ocivalidate.rules.references import SITE
from tests.unit.command_line import BROKEN, CWD, GOOD, SAMPLES, Command
from tests.unit.terminal import give_terminal

ESCAPES = re.compile(r"\x1b\[[0-9;]*m|\x1b\]8;;[^\x1b]*\x1b\\")
IMAGE = str(SAMPLES / "image-broken")
CASE = "signals.running-container-gets-signals"
COMMANDS = [
    ("bundle", BROKEN),
    ("bundle", BROKEN, GOOD, "-v"),
    ("bundle", BROKEN, "--statistics"),
    ("explain", CWD),
    ("explain", CASE),
    ("rules", "lint"),
    ("rules", "lint", "-v"),
    ("rules", "--diff", "1.2.1..1.3.0"),
    ("rules", "--coverage"),
    ("runtime", "--list", "-v", "--select", "signals"),
    ("bundle", "--help"),
]


def words(text: str) -> Counter[str]:
    """The words of an output, but for lines of documents, which may be cut, and for what draws the frame."""
    said = re.sub(r"(?m)^ *\d+ \|.*$", "", text)
    return Counter(word for word in said.split() if word.strip("^=|"))


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_what_a_terminal_shows_is_what_a_pipe_gets(
    say: Command, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    piped = say(*arguments)
    assert "\x1b" not in piped.out
    for width in (60, 120):
        give_terminal(monkeypatch, width)
        shown = say(*arguments)
        assert "\x1b[" in shown.out
        assert shown.code == piped.code
        if "--help" not in arguments:
            same, other = words(ESCAPES.sub("", shown.out)), words(piped.out)
            # On a narrow terminal a table says once what rows have in common.
            assert (set(same) == set(other)) if "--coverage" in arguments else same == other
        monkeypatch.setenv("NO_COLOR", "1")
        assert say(*arguments).out == ESCAPES.sub("", shown.out)


@pytest.mark.parametrize(
    ("term", "variables", "coloured_at_all", "links"),
    [
        ("xterm-kitty", {}, True, True),
        ("xterm-256color", {}, True, False),
        ("xterm-kitty", {"NO_COLOR": "1"}, False, False),
        ("dumb", {}, False, False),
        ("dumb", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_what_a_terminal_can(
    say: Command,
    monkeypatch: pytest.MonkeyPatch,
    term: str,
    variables: dict[str, str],
    coloured_at_all: bool,  # noqa: FBT001  # pytest hands it over
    links: bool,  # noqa: FBT001
) -> None:
    give_terminal(monkeypatch, 80, term)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    for arguments in (("bundle", BROKEN), ("explain", CWD), ("rules", CWD)):
        said = say(*arguments).out
        assert ("\x1b[" in said, f"\x1b]8;;{SITE}" in said) == (coloured_at_all, links)


def test_digests_are_whole_wherever_no_terminal_reads(say: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = re.compile(r"[0-9a-f]{64}")
    assert digest.search(say("image", IMAGE).out)
    give_terminal(monkeypatch, 80)
    assert not digest.search(re.sub(r"(?m)^ *\d* \|.*$", "", ESCAPES.sub("", say("image", IMAGE).out)))
    assert digest.search(say("image", IMAGE, "--format", "json").out)
    assert "\x1b" not in say("image", IMAGE, "--format", "json").out


# --- TAP


def test_tap_has_colours_on_a_terminal_and_nowhere_else(say: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    piped = say("bundle", BROKEN, "--format", "tap").out
    for how in ("--color=always", "--color=auto"):
        monkeypatch.setenv("FORCE_COLOR", "1")
        assert say("bundle", BROKEN, "--format", "tap", how).out == piped
    give_terminal(monkeypatch, 80)
    monkeypatch.setattr(output, "is_terminal", lambda: True)
    shown = say("bundle", BROKEN, "--format", "tap").out
    assert "\x1b[1;38;5;160mnot ok\x1b[0m" in shown
    assert ESCAPES.sub("", shown) == piped
    assert say("bundle", BROKEN, "--format", "tap", "--color=never").out == piped


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("ok 1 - a", "\x1b[1mok\x1b[0m 1 - a"),
        ("not ok 2 - a", "\x1b[1;31mnot ok\x1b[0m 2 - a"),
        ("ok 3 - a # SKIP b", "ok 3 - a\x1b[1;94m # SKIP b\x1b[0m"),
        ("not ok 4 - a # TODO b", "not ok 4 - a\x1b[1;35m # TODO b\x1b[0m"),
        (r"ok 5 - a \# SKIP b", "\x1b[1mok\x1b[0m 5 - a \\# SKIP b"),
        ("# runtime: runc", "\x1b[94m# runtime: runc\x1b[0m"),
        ("1..3", "1..3"),
        ("  ---", "\x1b[94m  ---\x1b[0m"),
        ('  message: "m"', '\x1b[1m  message: "m"\x1b[0m'),
        ("Bail out! why", "\x1b[1;31mBail out! why\x1b[0m"),
    ],
)
def test_lines_of_tap(line: str, shown: str) -> None:
    assert coloured(f"{line}\n", 16) == f"{shown}\n"
    assert coloured(f"{line}\n", 0) == f"{line}\n"
    assert "".join(pieces(iter([line[:3], line[3:], "\n"]), 16)) == f"{shown}\n"


# --- explain and rules


def test_explain_takes_a_case(say: Command) -> None:
    said = say("explain", CASE)
    assert said.code == 0
    assert said.out.startswith(f"{CASE}\n  Each signal that is sent by its name reaches the process")
    for part in (
        "conformance/signals.py:",
        "needs      root",
        "at most 30 s",
        "runtime/runtime.kill.sends-signal [MUST]",
    ):
        assert part in said.out
    content = say("explain", CASE, CWD, "--format", "json").json
    assert [one["id"] for one in content["clauses"]] == [CWD]
    assert content["cases"][0]["id"] == CASE
    assert content["cases"][0]["clauses"] == ["runtime/runtime.kill.sends-signal"]
    assert content["cases"][0]["judged_by"][0]["file"] == "conformance/signals.py"


def test_explain_lists_what_has_a_word(say: Command) -> None:
    said = say("explain", "CWD")
    assert said.code == 0
    *lines, last = said.out.splitlines()
    assert f"{CWD}  process.cwd is an absolute path" in lines
    assert "case process.cwd-in-a-mount  " in said.out
    assert all("cwd" in line.lower() for line in lines)
    assert re.fullmatch(r"\d+ clauses and \d+ cases for CWD; explain one by its id: ocivalidate explain \S+", last)


@pytest.mark.parametrize("word", ["cwd.absolute", "windows-volume-g"])
def test_explain_explains_the_only_one_that_has_a_word(say: Command, word: str) -> None:
    said = say("explain", word)
    assert said.code == 0
    assert "\n  severity " in said.out


def test_explain_lists_what_begins_so(say: Command) -> None:
    lines = say("explain", "runtime/config.process.cwd").out.splitlines()
    assert [line.partition(" ")[0] for line in lines[:-1]] == [
        f"runtime/config.process.cwd.{end}" for end in ("type", "required", "absolute")
    ]
    assert say("explain", "lint/members.*").code == 0


def test_a_list_of_explain_keeps_to_a_line_each(say: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    piped = say("explain", "hook").out.splitlines()
    give_terminal(monkeypatch, 70)
    shown = ESCAPES.sub("", say("explain", "hook").out).splitlines()
    # The last line, which says how many there are, may be two.
    assert len(shown) - len(piped) in (0, 1)
    assert all(len(line) <= 70 for line in shown)
    assert any(line.endswith("…") for line in shown)


@pytest.mark.parametrize("name", ["", " ", "zzz", "*zzz*", "runtime/zzz"])
def test_explain_of_nothing(say: Command, name: str) -> None:
    said = say("explain", name)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"ocivalidate: error: no clause {name.strip()}")


def test_rules_searches_ids_and_summaries(say: Command) -> None:
    ids = [one["id"] for one in say("rules", "absolute path", "--format", "json").json["clauses"]]
    assert CWD in ids
    more = [one["id"] for one in say("rules", "OOMSCORE", "lint", "--format", "json").json["clauses"]]
    assert any("oomScoreAdj" in one for one in more)
    assert any(one.startswith("lint/") for one in more)
    assert "memoryPolicy" in say("rules", "memoryPolicy", "--diff", "1.2.1..1.3.0").out


def test_a_prefix_of_rules_is_no_word(say: Command) -> None:
    ids = [one["id"] for one in say("rules", "lint/members", "--format", "json").json["clauses"]]
    assert all(one.startswith("lint/members.") for one in ids)


def test_clipping() -> None:
    assert clipped([("大小", "a"), ("xyz", "b")], 6) == [("大小", "a"), ("x…", "b")]
    assert clipped([("大小", "a")], 4) == [("大小", "a")]
    assert clipped([("大小", "a")], 3) == [("大…", "a")]
    assert clipped([("abc", "a")], 0) == [("abc", "a")]


# --- A run without root


@pytest.mark.parametrize(("user", "told"), [(1000, True), (0, False)])
def test_a_run_without_root_says_so_first(
    say: Command,
    monkeypatch: pytest.MonkeyPatch,
    user: int,
    told: bool,  # noqa: FBT001  # pytest hands it over
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    from ocivalidate.runtime import api

    def start(*_arguments: object) -> object:
        raise RuntimeError("nothing may run before")

    monkeypatch.setattr(api, "start_run", start)
    said = say("runtime", "--runtime", "runc", "--select", "signals")
    first = said.err.splitlines()[0]
    found = re.fullmatch(
        r"ocivalidate: note: this is user 1000, not root: (\d+) of (\d+) cases need root, and are skipped unless the "
        r"runtime does not isolate; to have all judged, use --sandbox uml, or run this as root \(sudo\)",
        first,
    )
    assert bool(found) == told
    if found:
        assert 0 < int(found[1]) <= int(found[2]) < 100
        assert "note: this is user" not in say("runtime", "--runtime", "runc", "-q").err
        assert "note: this is user 1000, not root; to have" in say("runtime", "--runtime", "runc", "--explore", "5").err
