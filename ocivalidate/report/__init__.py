"""Renderers: what a report looks like as text, JSON, TAP, JUnit and SARIF. They show verdicts and make none.

Every renderer is a module with ``pieces(reports, options) -> Iterator[str]`` and one function through which all foreign
text goes, so that no subject, member name or value can forge a line, a directive or an element. What is rendered is
written as it comes: it may be many times as large as what was judged.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence

from ocivalidate.report.options import Options
from ocivalidate.rules.findings import ExitCode, Report, exit_code

__all__ = ["FORMATS", "Options", "pieces", "problems", "render"]

# The name of each format and the module that renders it.
_MODULES = {
    "text": "ocivalidate.report.text",
    "json": "ocivalidate.report.json_report",
    "tap": "ocivalidate.report.tap",
    "junit": "ocivalidate.report.junit",
    "sarif": "ocivalidate.report.sarif",
}
FORMATS = tuple(_MODULES)


def pieces(format_name: str, reports: Sequence[Report], options: Options) -> Iterator[str]:
    """The reports in one of ``FORMATS``, piece by piece, ending in a newline. All of it can be written as UTF-8.

    Raises :class:`ValueError` when there is no such format.
    """
    if format_name not in _MODULES:
        raise ValueError(f"no such format: {format_name}")
    made: Iterator[str] = importlib.import_module(_MODULES[format_name]).pieces(reports, options)
    return made


def render(format_name: str, reports: Sequence[Report], options: Options) -> str:
    """The same as one text."""
    return "".join(pieces(format_name, reports, options))


def problems(reports: Sequence[Report]) -> list[str]:
    """The last line of each subject that could not be judged, for standard error when the format is not text."""
    from ocivalidate.report.escape import line_start
    from ocivalidate.report.summary import closing_line

    unjudged = (report for report in reports if exit_code([report]) is ExitCode.COULD_NOT_JUDGE)
    return [line_start(closing_line(report)) for report in unjudged]
