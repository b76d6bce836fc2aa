"""What a command line that makes no sense was meant to be: tables, and properties of them."""

from __future__ import annotations

import argparse
import importlib

import pytest
from hypothesis import given, strategies as st

from ocivalidate.cli import mistakes
from ocivalidate.cli.dashes import DashParser
from ocivalidate.cli.entry import COMMANDS
from ocivalidate.errors import UsageError
from ocivalidate.report import FORMATS
from ocivalidate.vocabulary.versions import RUNTIME_CHOICES
from tests.unit.command_line import Command, complaint

NAMES = [name for name in COMMANDS if name != "generate"]


def options_of(command: str) -> set[str]:
    parser = DashParser()
    importlib.import_module(f"ocivalidate.cli.{COMMANDS[command][0]}").add_options(parser, command)
    return {flag for action in parser._actions for flag in action.option_strings}


def test_what_the_tables_say_to_write_is_there() -> None:
    assert {say for say in mistakes.COMMANDS.values() if not say.startswith("--")} <= set(COMMANDS)
    known = set().union(*map(options_of, NAMES))
    assert {say.partition(" ")[0] for say in mistakes.OPTIONS.values()} <= known
    assert not set(mistakes.COMMANDS) & set(COMMANDS)
    assert {f"--format {name}" for name in FORMATS} >= {say for say in mistakes.OPTIONS.values() if "--format " in say}


@pytest.mark.parametrize("command", NAMES)
def test_an_option_that_is_there_is_never_taken_for_another(command: str) -> None:
    parser = DashParser(prog="p")
    importlib.import_module(f"ocivalidate.cli.{COMMANDS[command][0]}").add_options(parser, command)
    for flag in sorted(options_of(command) - {"-h", "--help"}):
        parser.given = [flag, f"{flag}=x"]
        assert parser.unknown_option() == ""


@pytest.mark.parametrize(
    ("written", "choices", "guess"),
    [
        ("v1.1.0", RUNTIME_CHOICES, "1.1.0"),
        ("1", RUNTIME_CHOICES, "1.3.0"),
        ("latest", RUNTIME_CHOICES, "1.3.0"),
        ("draft", RUNTIME_CHOICES, "next"),
        ("9.9.9", RUNTIME_CHOICES, ""),
        ("v", RUNTIME_CHOICES, ""),
        ("", FORMATS, ""),
        (" Sarif ", FORMATS, "sarif"),
        ("codeclimate", FORMATS, "gitlab"),
        ("markdwon", FORMATS, "markdown"),
        ("off", ("auto", "always", "never"), "never"),
        ("x" * 100_000, FORMATS, ""),
    ],
)
def test_values(written: str, choices: tuple[str, ...], guess: str) -> None:
    assert mistakes.value(written, choices) == (f"; did you mean {guess}?" if guess else "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("runtime", "--runtime-args", "x"), "unrecognized arguments: --runtime-args x; did you mean --runtime-arg?"),
        (("bundle", "b", "--tag", "x"), "unrecognized arguments: --tag x; did you mean --ref?"),
        (("state", "s", "--tag", "x"), "unrecognized arguments: --tag x (try ocivalidate state --help)"),
        (("rules", "--levl", "must"), "unrecognized arguments: --levl; did you mean --level?"),
        (
            ("image", "--jobs=2", "--colour=never"),
            "unrecognized arguments: --colour=never; did you mean --color=never?",
        ),
        (("bundle", "--select"), "argument --select: expected one argument (try ocivalidate bundle --help)"),
        (("unpack", "--refs", "x", "app"), "unrecognized arguments: --refs; did you mean --ref?"),
        (("--nosuch",), "unrecognized arguments: --nosuch (try ocivalidate --help)"),
        (("x\n::error::y",), r"there is no command x ::error::y (choose from"),
    ],
)
def test_command_lines(say: Command, arguments: tuple[str, ...], said: str) -> None:
    assert complaint(say(*arguments)).startswith(said)


WORDS = st.text(st.sampled_from("-=abcdeflmnorstuv ./\n\x1b|"), max_size=30) | st.sampled_from(
    [*COMMANDS, *mistakes.OPTIONS]
)


@given(st.lists(WORDS, min_size=1, max_size=4), st.sampled_from(NAMES))
def test_any_words_are_answered(words: list[str], command: str) -> None:
    known = options_of("bundle")
    for said in (
        mistakes.no_command(words[0], COMMANDS),
        mistakes.before_command(words, COMMANDS),
        mistakes.stray(command, words, known),
        mistakes.stray_of_generate("oci-gen", words, known),
        mistakes.output(words[0], FORMATS),
        mistakes.value(words[0], RUNTIME_CHOICES),
    ):
        assert isinstance(said, str)


def test_a_parser_says_which_choices_there_are_where_nothing_is_alike() -> None:
    parser = DashParser(prog="p")
    parser.add_argument("--number", type=int, choices=(1, 2))
    with pytest.raises(UsageError, match=r"argument --number: invalid choice: '7' \(choose from 1, 2\)"):
        parser.parse_args(["--number", "7"], argparse.Namespace())
