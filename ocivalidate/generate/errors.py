"""What can go wrong while a config is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ocivalidate.rules.findings import Report


class OptionError(ValueError):
    """An option asks for something that cannot be written. The message is one line."""


class Rejected(Exception):
    """The config is one that ``check_bundle`` would reject; ``report`` says why."""

    def __init__(self, report: Report) -> None:
        first = report.findings[0].message if report.findings else report.problem
        super().__init__(first)
        self.report = report
