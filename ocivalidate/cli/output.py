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
from ocivalidate.cli.streams import print_text, tell
from ocivalidate.findings import ExitCode, Report, exit_code
from ocivalidate.report import Options, problems, render


def publish(reports: Sequence[Report], settings: Settings) -> ExitCode:
    """Print the reports, write the files that ``--output`` asks for, and return the exit code.

    Raises :class:`UsageError` when a file cannot be written.
    """
    options = options_of(settings)
    write_outputs(reports, settings)
    colour = settings["format"] == "text" and wants_colour(settings["color"], terminal=sys.stdout.isatty())
    print_text(render(settings["format"], reports, replace(options, colour=colour)))
    if settings["format"] != "text":
        tell_problems(reports)
    return exit_code(reports, options.fail_on)


def options_of(settings: Settings) -> Options:
    """What the settings say to renderers."""
    return Options(
        fail_on=Severity(settings["fail-on"]),
        verbose=settings["verbose"],
        quiet=settings["quiet"],
        tap_version=int(settings["tap-version"]),
        tool_version=__version__,
    )


def write_outputs(reports: Sequence[Report], settings: Settings) -> None:
    """Write the files that ``--output`` asks for."""
    for format_name, file in settings.outputs:
        write_file(file, render(format_name, reports, options_of(settings)))


def tell_problems(reports: Sequence[Report]) -> None:
    """Say on standard error what could not be judged."""
    for line in problems(reports):
        tell(line)


def write_file(file: str, text: str) -> None:
    """Write a whole file or nothing: beside the target first, then renamed. Raises :class:`UsageError`."""
    try:
        if os.path.lexists(file) and (os.path.islink(file) or not os.path.isfile(file)):
            # A link or a device, such as /dev/stderr, is written to: a new file must not take its place.
            with open(file, "w", encoding="utf-8") as stream:
                stream.write(text)
            return
        descriptor, beside = tempfile.mkstemp(prefix=".ocivalidate-", dir=os.path.dirname(file) or ".")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
            os.chmod(beside, 0o666 & ~_umask())
            os.replace(beside, file)
        except BaseException:
            os.unlink(beside)
            raise
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"cannot write {file}: {reason}") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
