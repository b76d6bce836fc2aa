"""A parser for which ``--`` as the value of an option is a text like any other, and which imports little.

It takes no abbreviated options, complains in one line, and prints help that fits the terminal.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from ocivalidate.errors import UsageError

# En dash, em dash, minus sign, and the like.
_OTHER_DASHES = tuple("\u2010\u2011\u2012\u2013\u2014\u2015\u2212")
_DASHES = "-" + "".join(_OTHER_DASHES)


class DashParser(argparse.ArgumentParser):
    """argparse takes ``--`` away wherever it stands, also in ``--format=--``, and gives a list where a text is due.

    ``examples``: what each shows, and its command line. ``commands``: the titles below which they are listed, each with
    names and what these are for.
    """

    def __init__(self, *, add_help: bool = True, **keywords: Any) -> None:
        super().__init__(**keywords, allow_abbrev=False, add_help=False)
        self.examples: Sequence[tuple[str, str]] = ()
        self.commands: Mapping[str, Mapping[str, str]] = {}
        if add_help:
            self.add_argument("-h", "--help", action="help", help="print this help and exit")

    def group(self, title: str) -> argparse._ArgumentGroup:
        """The group of options with this title, which is made where there is none."""
        found = next((known for known in self._action_groups if known.title == title), None)
        return self.add_argument_group(title) if found is None else found

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        if action.option_strings and action.nargs is None and arg_strings == ["--"]:
            value = self._get_value(action, "--")
            self._check_value(action, value)
            return value
        return super()._get_values(action, arg_strings)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Read a command line, and remember it for complaints."""
        self.given = [*(sys.argv[1:] if args is None else args)]
        self._refuse_other_dashes()
        return super().parse_known_args(args, namespace)

    def _refuse_other_dashes(self) -> None:
        """Tell of options that begin with a dash as word processors write it, which looks the same."""
        for one in self.given:
            name = f"--{one.lstrip(_DASHES)}"
            if one[:1] in _OTHER_DASHES and name.partition("=")[0] in self._option_string_actions:
                self.error(f"unrecognized arguments: {one}, which begins with another dash; did you mean {name}?")

    def _get_value(self, action: argparse.Action, arg_string: str) -> Any:
        try:
            return super()._get_value(action, arg_string)
        except argparse.ArgumentError as problem:
            if action.type is not int:
                raise
            raise argparse.ArgumentError(action, f"needs a whole number, not {arg_string!r}") from problem

    def unknown_option(self) -> str:
        """The first of the given options that this parser does not have, ``""`` for none."""
        known = self._option_string_actions
        for one in self.given:
            if one[:1] == "-" and one not in ("-", "--") and " " not in one:
                # A letter may have others, or its value, right behind it.
                name = one.partition("=")[0] if one[1] == "-" else one[:2]
                if name not in known:
                    return str(one)
        return ""

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            from ocivalidate.cli import mistakes

            names = [str(choice) for choice in action.choices]
            guess = mistakes.value(str(value), names) or f" (choose from {', '.join(names)})"
            raise argparse.ArgumentError(action, f"invalid choice: {str(value)!r}{guess}")

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the command line. Raises :class:`UsageError`."""
        if message.startswith("the following arguments are required") and (stray := self.unknown_option()):
            # What is missing may have been taken for the value of an option that was misspelled.
            from ocivalidate.cli import mistakes

            message = f"unrecognized arguments: {stray}{mistakes.option(stray, self._option_string_actions)}"
        raise UsageError(f"{message} (try {self.prog} --help)")

    def format_help(self) -> str:
        """The help without colours."""
        from ocivalidate.cli.help import help_of
        from ocivalidate.cli.screen import PLAIN

        return help_of(self, PLAIN)

    def print_help(self, file: object = None) -> None:  # noqa: ARG002  # so argparse calls it
        """Print the help, in colours where a terminal reads it."""
        from ocivalidate.cli.help import help_of
        from ocivalidate.cli.screen import screen

        self._print_message(help_of(self, screen()))

    def _print_message(self, message: str, file: object = None) -> None:  # noqa: ARG002  # so argparse calls it
        """Print what --help and --version say. That of argparse is silent when it cannot be written."""
        from ocivalidate.cli.streams import print_text

        print_text(message)

    def _get_formatter(self) -> argparse.HelpFormatter:
        """Argparse makes one for each option, and asks shutil how wide it is, which imports every compression."""
        return self.formatter_class(prog=self.prog, width=80)  # type: ignore[call-arg]  # every one of argparse has it
