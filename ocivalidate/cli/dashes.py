"""A parser for which ``--`` as the value of an option is a text like any other."""

from __future__ import annotations

import argparse
from typing import Any


class DashParser(argparse.ArgumentParser):
    """argparse takes ``--`` away wherever it stands, also in ``--format=--``, and gives a list where a text is due."""

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        if action.option_strings and action.nargs is None and arg_strings == ["--"]:
            value = self._get_value(action, "--")
            self._check_value(action, value)
            return value
        return super()._get_values(action, arg_strings)
