"""Printing reports and writing them to files."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace

from ocivalidate import __version__
from ocivalidate.clauses import Severity
from ocivalidate.cli.errors import UsageError
from ocivalidate.cli.settings import Settings, wants_colour
from ocivalidate.findings import ExitCode, Report, exit_code
from ocivalidate.report import Options, problems, render


def publish(reports: Sequence[Report], settings: Settings) -> ExitCode:
    """Print the reports, write the files that ``--output`` asks for, and return the exit code.

    Raises :class:`UsageError` when a file cannot be written.
    """
    fail_on = Severity(settings["fail-on"])
    options = Options(
        fail_on=fail_on,
        verbose=settings["verbose"],
        quiet=settings["quiet"],
        tap_version=int(settings["tap-version"]),
        tool_version=__version__,
    )
    for format_name, file in settings.outputs:
        write_file(file, render(format_name, reports, options))
    colour = settings["format"] == "text" and wants_colour(settings["color"], terminal=sys.stdout.isatty())
    print_text(render(settings["format"], reports, replace(options, colour=colour)))
    if settings["format"] != "text":
        for line in problems(reports):
            sys.stderr.write(f"{line}\n")
    return exit_code(reports, fail_on)


def print_text(text: str) -> None:
    """Write to standard output as UTF-8, whatever the locale says: JSON, SARIF and JUnit are UTF-8."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


def write_file(file: str, text: str) -> None:
    """Write a whole file or nothing: beside the target first, then renamed. Raises :class:`UsageError`."""
    folder = os.path.dirname(file) or "."
    try:
        if os.path.exists(file) and not os.path.isfile(file):
            # A device or a FIFO, such as /dev/stderr: nothing to rename over.
            with open(file, "w", encoding="utf-8") as stream:
                stream.write(text)
            return
        descriptor, beside = tempfile.mkstemp(prefix=".ocivalidate-", dir=folder)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
            os.chmod(beside, 0o666 & ~_umask())
            os.replace(beside, file)
        except BaseException:
            os.unlink(beside)
            raise
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
