"""Renderers of reports, one for each format. They show verdicts and make none.

Every renderer is a module with ``pieces(reports, options) -> Iterator[str]`` and one function through which all foreign
text goes, so that no subject, member name or value can forge a line, a directive or an element. What is rendered is
written as it comes: it may be many times as large as what was judged.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ocivalidate.report.options import Options
from ocivalidate.rules.findings import ExitCode, Report, exit_code

__all__ = ["FORMATS", "Options", "is_report", "names_digests", "pieces", "problems", "render", "shows_fixes"]


class Format(NamedTuple):
    """A format: the module below this package that renders it, and how its reports begin or end, as patterns of bytes.

    They tell a report of ours from other files. ``digests``: it names the digests of what was judged; ``fixes``: it
    says which findings can be mended.
    """

    module: str
    head: bytes = b""
    tail: bytes = b""
    digests: bool = False
    fixes: bool = False


_LAST_LINE = rb"(?:\bclauses? judged, |could not be judged|nothing was judged)[^\n]*\n\Z"

_FORMATS: Mapping[str, Format] = {
    # One row for each format.
    "text": Format("text", tail=_LAST_LINE, fixes=True),
    "json": Format("json_report", rb'\A\{\s*"schema": "urn:ocivalidate:report-1"', fixes=True),
    "tap": Format("tap", rb"\ATAP version 1[34]\n"),
    "junit": Format("junit", rb'\A<\?xml [^>]*>\s*<testsuites name="ocivalidate"'),
    "sarif": Format(
        "sarif",
        rb'\A\{\s*"\$schema": "[^"]*sarif[^"]*",[^{]*\{\s*"tool": \{\s*"driver": \{\s*"name": "ocivalidate"',
        fixes=True,
    ),
    "github": Format("github", tail=_LAST_LINE),
    "gitlab": Format(
        "gitlab",
        rb'\A\[(?:\]\n\Z|\s*\{\s*"check_name": "(?:runtime|image|storage|distribution|safety|lint|ocivalidate)/)',
    ),
    "markdown": Format("markdown", rb"\A## ocivalidate: "),
    "in-toto": Format(
        "in_toto",
        rb'\A\{\s*"_type": "https://in-toto[^{]*\{\s*"configuration": \[\s*\{\s*"name": "ocivalidate"',
        digests=True,
    ),
}
FORMATS = tuple(_FORMATS)


def pieces(format_name: str, reports: Sequence[Report], options: Options) -> Iterator[str]:
    """The reports in one of ``FORMATS``, piece by piece, ending in a newline. All of it can be written as UTF-8.

    Raises :class:`ValueError` when there is no such format.
    """
    if format_name not in _FORMATS:
        raise ValueError(f"no such format: {format_name}")
    made: Iterator[str] = importlib.import_module(f"{__name__}.{_FORMATS[format_name].module}").pieces(reports, options)
    return made


def render(format_name: str, reports: Sequence[Report], options: Options) -> str:
    """The same as one text."""
    return "".join(pieces(format_name, reports, options))


def names_digests(format_name: str) -> bool:
    """Whether a format names the digests of what was judged, so that they have to be known."""
    return _FORMATS[format_name].digests


def shows_fixes(format_name: str) -> bool:
    """Whether a format says which findings can be mended, so that this has to be known."""
    return _FORMATS[format_name].fixes


def is_report(head: bytes, tail: bytes) -> bool:
    """Whether what begins and ends so (some kilobytes of either) is a report in one of ``FORMATS``."""
    return any(
        (known.head and re.match(known.head, head)) or (known.tail and re.search(known.tail, tail))
        for known in _FORMATS.values()
    )


def problems(reports: Sequence[Report]) -> list[str]:
    """The last line of each subject that could not be judged, for standard error when the format is not text."""
    from ocivalidate.report.escape import line_start
    from ocivalidate.report.summary import closing_line

    unjudged = (report for report in reports if exit_code([report]) is ExitCode.COULD_NOT_JUDGE)
    return [line_start(closing_line(report)) for report in unjudged]
