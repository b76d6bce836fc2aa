"""What --help prints, at any width, with and without colours, and its examples."""

from __future__ import annotations

import re
import shlex

import pytest

from ocivalidate.cli import entry
from ocivalidate.cli.dashes import DashParser
from ocivalidate.cli.entry import COMMANDS
from ocivalidate.cli.help import help_of
from ocivalidate.cli.screen import Screen
from ocivalidate.cli.settings_table import SETTINGS
from tests.unit.command_line import Command

WIDTHS = (30, 60, 71, 72, 80, 120, 200)
NAMES = ["", *(name for name in COMMANDS if name != "generate"), "oci-gen"]
SHELL = re.compile(r"[|<>]|&&")


def parser_of(name: str) -> DashParser:
    if name == "oci-gen":
        # Not before: the function of the package that has this name makes way for the module.
        from ocivalidate.cli.oci_gen import parser_of as _parser

        return _parser("oci-gen")
    parser, commands = entry._parser([name])
    return commands[name] if name else parser


def shown(name: str, width: int, colours: int = 0) -> str:
    return help_of(parser_of(name), Screen(width, colours, links=False))


@pytest.mark.parametrize("name", NAMES)
def test_help_fits_and_says_the_same_at_every_width(name: str) -> None:
    texts = {width: shown(name, width) for width in WIDTHS}
    for width, text in texts.items():
        # A word alone, and one that a table has in front, may be longer.
        wide = [line for line in text.splitlines() if len(line) > min(width, 120) and " " in line.strip()]
        assert width < 60 or wide == []
    words = {width: re.sub(r"[\s\\]+", " ", text) for width, text in texts.items()}
    assert len(set(words.values())) == 1


@pytest.mark.parametrize("name", NAMES)
def test_colours_change_nothing_but_the_colour(name: str) -> None:
    for colours in (16, 256):
        assert "\x1b[" in shown(name, 80, colours)
        assert re.sub(r"\x1b\[[0-9;]*m", "", shown(name, 80, colours)) == shown(name, 80)


@pytest.mark.parametrize("name", NAMES)
def test_every_option_is_there_and_says_what_it_is_for(name: str) -> None:
    parser, text = parser_of(name), shown(name, 120)
    for action in parser._actions:
        if action.help == "==SUPPRESS==":
            continue
        assert action.help or action.dest == "command"
        assert all(re.search(rf"(^|[ ,]){re.escape(flag)}\b", text, re.MULTILINE) for flag in action.option_strings)
        # Tables of choices are for the parser; a metavar is for people.
        assert "{" not in str(action.metavar)
        if action.choices and action.dest != "command":
            assert action.metavar, action.option_strings


def test_every_setting_has_a_title_in_help() -> None:
    text = shown("bundle", 120)
    options = parser_of("bundle")._option_string_actions
    # Some are for files alone.
    of_command = [setting for setting in SETTINGS if f"--{setting.name}" in options]
    assert len(of_command) > 20
    for setting in of_command:
        section = text.split(f"\n{setting.group}:\n")[1].split("\n\n")[0]
        assert f"--{setting.name}" in section


@pytest.mark.parametrize("name", NAMES)
def test_examples_can_be_read(name: str) -> None:
    parser = parser_of(name)
    assert parser.examples or name in ("demo", "lsp")
    for _what, line in parser.examples:
        command = line.replace("%(prog)s", "oci-gen")
        for part in SHELL.split(command):
            words = shlex.split(part)
            if words[:1] == ["ocivalidate"] and "--help" not in words:
                assert entry._read(*entry._split(words[1:])).command in COMMANDS
            elif words[:1] == ["oci-gen"]:
                from ocivalidate.cli.oci_gen import parse

                assert parse(words[1:], "oci-gen").requests or "--list-paths" in words or "--profile" in words


def test_sizes_are_in_units_that_people_read() -> None:
    texts = [shown(name, 120) for name in NAMES]
    assert not [number for text in texts for number in re.findall(r"default: (\d{5,})", text)]
    assert "(default: 32 MiB)" in shown("bundle", 120)
    assert "(default: 64 GiB)" in shown("image", 120)


def test_columns_says_how_wide_help_is_where_no_terminal_reads(say: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    for value, width in (("60", 60), ("100", 100), ("", 80), ("wide", 80), ("0", 80)):
        monkeypatch.setenv("COLUMNS", value)
        assert say("bundle", "--help").out == shown("bundle", width)
