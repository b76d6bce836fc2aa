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

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the command line. Raises :class:`UsageError`."""
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
