"""``ocivalidate report``: reports and kept records of many subjects, merged."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Iterator, Sequence

from ocivalidate import __version__
from ocivalidate.cli.dashes import DashParser
from ocivalidate.cli.files import write_file
from ocivalidate.cli.lines import print_lines
from ocivalidate.cli.rules import add_color
from ocivalidate.cli.screen import screen
from ocivalidate.cli.settings_table import PRINTED
from ocivalidate.cli.streams import print_pieces, tell
from ocivalidate.errors import Unreadable, UsageError
from ocivalidate.matrix import json_matrix, text
from ocivalidate.matrix.model import Matrix, matrix
from ocivalidate.matrix.reading import files_of, subjects_of
from ocivalidate.matrix.subjects import Subject
from ocivalidate.report.escape import visible
from ocivalidate.report.painting import plain
from ocivalidate.rules.findings import ExitCode

_EXAMPLES = (
    ("What several runtimes keep and break:", "ocivalidate report runc.json crun.json"),
    ("All records in a folder, for programs:", "ocivalidate report results --format json"),
)
# Format → what makes it, and the name of its file in the folder of --output.
_FORMATS: dict[str, tuple[Callable[[Matrix], Iterable[str]], str]] = {
    "text": (lambda found: plain(text.lines(found)), "report.txt"),
    "json": (lambda found: json_matrix.pieces(found, __version__), "report.json"),
}


def add_options(parser: DashParser, _command: str) -> None:
    """The options of the command."""
    parser.examples = _EXAMPLES
    parser.epilog = "Exit codes: 0 all was read, 2 something could not be read."
    parser.add_argument(
        "reports",
        nargs="+",
        metavar="REPORT",
        help="a JSON report (--format json) or a kept record of a run, or a folder that has some",
    )
    shown = parser.group(PRINTED)
    shown.add_argument(
        "--format",
        choices=(*_FORMATS,),
        default="text",
        metavar="FORMAT",
        help=f"what is written: {', '.join(_FORMATS)} (default: text)",
    )
    shown.add_argument("--output", metavar="DIR", help="write it into this folder, which is made if need be")
    add_color(shown)


def run(options: argparse.Namespace) -> int:
    """Merge the reports and print or write what they come to."""
    problems: list[str] = []
    found = matrix(_read(options.reports, problems))
    for problem in problems:
        tell(problem)
    if not found.sheets:
        raise UsageError("nothing was read")
    if options.output is not None:
        _write(options.output, options.format, found)
    elif options.format == "text":
        print_lines(text.lines(found), screen(options.color))
    else:
        print_pieces(_FORMATS[options.format][0](found))
    return ExitCode.COULD_NOT_JUDGE if problems else ExitCode.CONFORMS


def _read(paths: Sequence[str], problems: list[str]) -> Iterator[Subject]:
    """What was judged, as these files say; for each that cannot be read, a line."""
    for path in dict.fromkeys(paths):
        file = path
        try:
            for file in files_of(path):
                yield from subjects_of(file)
        except Unreadable as problem:
            problems.append(f"{visible(file)}: {problem}")


def _write(folder: str, format_name: str, found: Matrix) -> None:
    make, name = _FORMATS[format_name]
    try:
        os.makedirs(folder, exist_ok=True)
    except (OSError, ValueError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "not a path"
        raise UsageError(f"cannot make the folder {visible(folder)}: {why}") from problem
    write_file(os.path.join(folder, name), make(found))
