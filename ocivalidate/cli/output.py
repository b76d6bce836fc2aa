"""Printing reports and writing them to files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from ocivalidate import __version__
from ocivalidate.cli.screen import is_terminal, screen
from ocivalidate.cli.settings import Settings
from ocivalidate.cli.streams import print_pieces, tell
from ocivalidate.errors import UsageError
from ocivalidate.report import Options, pieces, problems
from ocivalidate.report.escape import visible
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import ExitCode, Report, exit_code

# The root of the checkout, as GitHub and GitLab say it.
_CHECKOUTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")


def publish(reports: Sequence[Report], settings: Settings, notes: Sequence[str] = ()) -> ExitCode:
    """Print the reports, write the files that ``--output`` asks for, and return the exit code.

    ``notes``: lines on how the inputs were found, for those who want to read much.

    Raises :class:`UsageError` when a file cannot be written.
    """
    if settings["baseline"] or settings["per-path-ignores"] or settings["write-baseline"] is not None:
        from ocivalidate.cli.known import without_known

        reports, lines = without_known(reports, settings)
        for line in () if settings["quiet"] else lines:
            tell(f"ocivalidate: {visible(line)}")
    options = options_of(settings)
    options = replace(options, notes=(*options.notes, *notes))
    write_outputs(reports, settings)
    if settings["format"] == "text":
        seen = screen(settings["color"])
        options = replace(options, colour=seen.colours, width=seen.width, links=seen.links)
    made = pieces(settings["format"], reports, options)
    if colours := tap_screen(settings):
        from ocivalidate.report import tap_colours

        made = tap_colours.pieces(made, colours)
    print_pieces(made)
    if settings["format"] != "text":
        tell_problems(reports)
    return exit_code_of(reports, settings)


def tap_screen(settings: Settings) -> int:
    """How many colours TAP gets: on a terminal alone, as what is not shown is for a harness, whatever --color says."""
    return screen(settings["color"]).colours if settings["format"] == "tap" and is_terminal() else 0


def exit_code_of(reports: Sequence[Report], settings: Settings) -> ExitCode:
    """The exit code that the settings want for these reports."""
    code = exit_code(reports, Severity(settings["fail-on"]))
    return ExitCode.CONFORMS if settings["exit-zero"] and code is ExitCode.FINDINGS else code


def options_of(settings: Settings) -> Options:
    """What the settings say to renderers."""
    root, within = _checkout()
    return Options(
        fail_on=Severity(settings["fail-on"]),
        verbose=settings["verbose"],
        quiet=settings["quiet"],
        statistics=settings["statistics"],
        tap_version=int(settings["tap-version"]),
        tool_version=__version__,
        settings_file=settings.file,
        settings=settings.changed,
        unheeded=settings.unheeded,
        notes=tuple(settings.told()) if settings["verbose"] else (),
        root=root,
        within=within,
    )


def _checkout() -> tuple[str, str]:
    """Where the checkout is that a build service works on, and where we are in it; else it is where we are."""
    try:
        here = os.path.realpath(os.getcwd())
    except OSError:
        return "", ""
    for name in _CHECKOUTS:
        root = os.path.realpath(os.environ.get(name) or here)
        if here != root and here.startswith(root.rstrip(os.sep) + os.sep):
            return root, os.path.relpath(here, root).replace(os.sep, "/")
    return here, ""


def write_outputs(reports: Sequence[Report], settings: Settings) -> None:
    """Write the files that ``--output`` asks for, as many of them as can be. Raises :class:`UsageError`."""
    if not settings.outputs:
        return
    from ocivalidate.cli.confined import confined
    from ocivalidate.cli.files import write_file

    problems_met = []
    for format_name, file in settings.outputs:
        try:
            # What stands there may have changed while we judged.
            path = file if settings.outputs_by is None else confined(file, settings.outputs_by)
            write_file(path, pieces(format_name, reports, options_of(settings)))
        except UsageError as problem:
            problems_met.append(problem)
    if problems_met:
        raise problems_met[0]


def tell_problems(reports: Sequence[Report]) -> None:
    """Say on standard error what could not be judged."""
    for line in problems(reports):
        tell(line)
