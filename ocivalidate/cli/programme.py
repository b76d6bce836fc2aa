"""``ocivalidate report --check`` and ``--badges``: kept records of runs, checked and shown as badges."""

from __future__ import annotations

import argparse
import datetime as dt
import os
from collections.abc import Iterable, Sequence

from ocivalidate.cli.dashes import DashParser
from ocivalidate.cli.files import write_file
from ocivalidate.cli.streams import print_text, tell
from ocivalidate.errors import UsageError
from ocivalidate.report.escape import visible
from ocivalidate.rules.findings import ExitCode

_TITLE = "Kept records of runs"


def add_options(parser: DashParser) -> None:
    """The options that ``report`` has for records."""
    group = parser.group(_TITLE)
    group.add_argument(
        "--check",
        action="store_true",
        help="check folders of records, such as results/: complete, not edited, of a known suite, telling of nobody",
    )
    group.add_argument("--badges", metavar="DIR", help="write a badge for each record here, as SVG and for shields.io")


def run(options: argparse.Namespace) -> ExitCode:
    """Check the records, or write their badges. Raises :class:`UsageError` and :class:`Unreadable`."""
    given = [name for name in ("check", "badges", "diff", "output") if getattr(options, name)]
    if len(given) > 1:
        raise UsageError(f"--{given[0]} and --{given[1]} cannot be given together")
    return check(options.reports) if options.check else write_badges(options.reports, options.badges)


def check(folders: Sequence[str]) -> ExitCode:
    """Check folders of records, and print each fault on a line. Raises :class:`Unreadable`."""
    from ocivalidate.programme import checking

    faults = 0
    for folder in folders:
        found = checking.check(folder, today())
        for fault in found.faults:
            print_text(f"{visible(os.path.join(folder, fault.path))}: {fault.message}\n")
        for note in found.notes:
            print_text(f"note: {visible(os.path.join(folder, note.path))}: {note.message}\n")
        number, wrong = len(found.records), len(found.faults)
        print_text(
            f"{visible(folder)}: {number} sound record{'s' * (number != 1)}, {wrong} fault{'s' * (wrong != 1)}\n"
        )
        faults += wrong
    return ExitCode.FINDINGS if faults else ExitCode.CONFORMS


def write_badges(paths: Sequence[str], folder: str) -> ExitCode:
    """Write the badges of records in files and folders. Raises :class:`UsageError` and :class:`Unreadable`."""
    from ocivalidate.matrix.reading import files_of, is_no_verdict
    from ocivalidate.programme.badges import badges
    from ocivalidate.programme.reading import read_any

    # What else is in a folder that the page is made of is passed over; what is named is wanted.
    files = [(path, file) for path in paths for file in files_of(path)]
    found = (read_any(file) for path, file in files if path == file or not is_no_verdict(file))
    records = [one for some in found for one in some if one.kind == "runtime"]
    if not records:
        raise UsageError("there is no record of a runtime in it: badges are for runtimes")
    _write(folder, badges(records, today()))
    return ExitCode.CONFORMS


def _write(folder: str, files: Iterable[tuple[str, str]]) -> None:
    number = 0
    for name, content in files:
        place = os.path.join(folder, name)
        try:
            os.makedirs(os.path.dirname(place), exist_ok=True)
        except (OSError, ValueError) as problem:
            why = problem.strerror if isinstance(problem, OSError) else "not a path"
            raise UsageError(f"cannot make the folder {visible(os.path.dirname(place))}: {why}") from problem
        write_file(place, [content])
        number += 1
    tell(f"ocivalidate: wrote {number} files to {visible(folder)}")


def today() -> dt.date:
    """The date, by which records grow old."""
    return dt.datetime.now(tz=dt.UTC).date()
