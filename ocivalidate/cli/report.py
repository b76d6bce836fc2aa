"""``ocivalidate report``: reports and kept records of many subjects, merged, or what changed between two."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from ocivalidate import __version__
from ocivalidate.cli import programme
from ocivalidate.cli.dashes import DashParser
from ocivalidate.cli.files import write_file
from ocivalidate.cli.lines import print_lines
from ocivalidate.cli.rules import add_color
from ocivalidate.cli.screen import screen
from ocivalidate.cli.settings_table import PRINTED
from ocivalidate.cli.streams import print_pieces, tell
from ocivalidate.errors import Unreadable, UsageError
from ocivalidate.matrix.benches import Bench
from ocivalidate.matrix.changes import Difference, difference
from ocivalidate.matrix.model import Matrix, matrix
from ocivalidate.matrix.reading import files_of, is_own_output, subjects_of
from ocivalidate.matrix.subjects import Subject
from ocivalidate.report.escape import visible
from ocivalidate.report.painting import Line, plain
from ocivalidate.rules.findings import ExitCode

_EXAMPLES = (
    ("What several runtimes keep and break:", "ocivalidate report runc.json crun.json"),
    ("A page of all records in a folder:", "ocivalidate report results --format html --output site"),
    ("What changed, for a comment:", "ocivalidate report --diff old.json new.json --format markdown"),
    ("Whether records can be handed in:", "ocivalidate report --check results"),
)
_EXIT_CODES = (
    "Exit codes: 0 all was read, 2 something could not be read. With --diff: 0 nothing got worse, 1 something did, "
    "2 that cannot be said. With --check: 0 all is sound, 1 something is not."
)


class Merged(NamedTuple):
    """What was read, and with ``--diff`` what changed in it."""

    matrix: Matrix
    found: Difference | None

    @property
    def exit_code(self) -> ExitCode:
        """The exit code, if all could be read."""
        return ExitCode.CONFORMS if self.found is None else self.found.exit_code


def add_options(parser: DashParser, _command: str) -> None:
    """The options of the command."""
    parser.examples = _EXAMPLES
    parser.epilog = _EXIT_CODES
    parser.add_argument(
        "reports",
        nargs="*",
        metavar="REPORT",
        help="a JSON report (--format json), a kept record of a run, what bench measured, or a folder that has some",
    )
    parser.group("What changed").add_argument(
        "--diff",
        nargs=2,
        metavar=("OLD", "NEW"),
        help="instead, what changed from one report to another, or from one folder of them to another",
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
    programme.add_options(parser)


def run(options: argparse.Namespace) -> int:
    """Merge the reports, and print or write what they come to. Raises :class:`UsageError`."""
    _refuse(options)
    if options.check or options.badges is not None:
        return programme.run(options)
    problems: list[str] = []
    if options.diff:
        merged = _compared(options.diff, problems)
    else:
        merged = Merged(matrix(_read(options.reports, problems)), None)
    for problem in problems:
        tell(problem)
    if not merged.matrix.sheets and not merged.matrix.benches:
        raise UsageError("nothing that can be compared was read" if options.diff else "nothing was read")
    told = _with(problems, merged)
    if options.output is not None:
        _write(options.output, options.format, told)
    elif options.format == "text":
        print_lines(_lines(merged), screen(options.color))
    else:
        print_pieces(_FORMATS[options.format].make(told))
    if merged.found is not None and (options.output is not None or options.format != "text"):
        for line in merged.found.unjudged:
            tell(line)
    return ExitCode.COULD_NOT_JUDGE if problems else merged.exit_code


def _refuse(options: argparse.Namespace) -> None:
    """Refuse what asks for nothing that can be done. Raises :class:`UsageError`."""
    if "" in [*options.reports, *(options.diff or ()), options.output, options.badges]:
        raise UsageError("a path is empty: is it a variable that is not set?")
    if options.check and not options.reports:
        raise UsageError("--check needs a folder of records, such as results")
    if bool(options.diff) is bool(options.reports):
        raise UsageError("name reports to merge, or with --diff two to compare")


def _compared(paths: Sequence[str], problems: list[str]) -> Merged:
    """Two sides, and what changed from one to the other."""
    old, new = (
        matrix(replace(one, side=side) for one in _read([path], problems) if isinstance(one, Subject))
        for path, side in zip(paths, ("before", "now"), strict=True)
    )
    return Merged(matrix([*old.subjects, *new.subjects]), difference(old, new))


def _with(problems: Sequence[str], merged: Merged) -> Merged:
    """What changed, with what could not be read: who reads a file or a comment does not see the standard error."""
    if merged.found is None:
        return merged
    return merged._replace(found=merged.found._replace(unjudged=(*merged.found.unjudged, *problems)))


def _read(paths: Sequence[str], problems: list[str]) -> Iterator[Subject | Bench]:
    """What was judged, as these files say; for each that cannot be read, a line."""
    for path in dict.fromkeys(paths):
        try:
            files = files_of(path)
        except Unreadable as problem:
            problems.append(f"{visible(path)}: {problem}")
            continue
        for file in files:
            try:
                yield from subjects_of(file, programme.today())
            except Unreadable as problem:
                if file == path or not is_own_output(file):
                    problems.append(f"{visible(file)}: {problem}")


# --- The formats, each of which is loaded where it is asked for


def _lines(merged: Merged) -> Iterable[Line]:
    from ocivalidate.matrix import text, text_changes

    return text.lines(merged.matrix) if merged.found is None else text_changes.lines(merged.found)


def _markdown(merged: Merged) -> Iterable[str]:
    from ocivalidate.matrix import markdown

    return markdown.pieces(merged.matrix) if merged.found is None else markdown.changes(merged.found)


def _json(merged: Merged) -> Iterable[str]:
    from ocivalidate.matrix import json_changes, json_matrix

    if merged.found is None:
        return json_matrix.pieces(merged.matrix, __version__)
    return json_changes.pieces(merged.found, __version__)


def _html(merged: Merged) -> Iterable[str]:
    from ocivalidate.matrix import html

    return html.pieces(merged.matrix, __version__, merged.found)


class _Format(NamedTuple):
    """What makes a format, and the name of its file in the folder of ``--output``."""

    make: Callable[[Merged], Iterable[str]]
    file: str


_FORMATS = {
    "text": _Format(lambda merged: plain(_lines(merged)), "report.txt"),
    "markdown": _Format(_markdown, "report.md"),
    "json": _Format(_json, "report.json"),
    "html": _Format(_html, "index.html"),
}


def _write(folder: str, format_name: str, merged: Merged) -> None:
    make, name = _FORMATS[format_name]
    try:
        os.makedirs(folder, exist_ok=True)
    except (OSError, ValueError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "not a path"
        raise UsageError(f"cannot make the folder {visible(folder)}: {why}") from problem
    write_file(os.path.join(folder, name), make(merged))
