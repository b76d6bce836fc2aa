"""A parser for which ``--`` as the value of an option is a text like any other, and which imports little.

It takes no abbreviated options, and complains in one line.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any, NoReturn

from ocivalidate.errors import UsageError


class DashParser(argparse.ArgumentParser):
    """argparse takes ``--`` away wherever it stands, also in ``--format=--``, and gives a list where a text is due."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(**keywords, allow_abbrev=False)

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        if action.option_strings and action.nargs is None and arg_strings == ["--"]:
            value = self._get_value(action, "--")
            self._check_value(action, value)
            return value
        return super()._get_values(action, arg_strings)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Read a command line, and remember it for complaints."""
        self.given = [*(sys.argv[1:] if args is None else args)]
        return super().parse_known_args(args, namespace)

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

    def _get_formatter(self) -> argparse.HelpFormatter:
        """Argparse makes one for each option, and asks shutil how wide it is, which imports every compression."""
        return self.formatter_class(prog=self.prog, width=_width())  # type: ignore[call-arg]  # every one of argparse has it


def _width() -> int:
    """How wide help is, as argparse has it: two columns less than the terminal, or than COLUMNS says."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit() and int(columns[:9]):
        return int(columns[:9]) - 2
    try:
        return (os.get_terminal_size(sys.__stdout__.fileno()).columns or 80) - 2  # type: ignore[union-attr]  # caught
    except (AttributeError, ValueError, OSError):
        return 78
