"""``ocivalidate bundle --fix`` and ``--diff``: what has one safe answer is mended, or shown."""

from __future__ import annotations

import argparse
import os
import stat
import sys
from collections.abc import Sequence

from ocivalidate.bundle.api import SPECIFICATION, check_bundle
from ocivalidate.bundle.mending import Mended, mend_bundle
from ocivalidate.bundle.options import BundleOptions
from ocivalidate.bundle.sources import STANDARD_INPUT
from ocivalidate.cli.output import exit_code_of, options_of, tell_problems, write_outputs
from ocivalidate.cli.rewriting import rewrite
from ocivalidate.cli.settings import Settings
from ocivalidate.cli.streams import print_bytes, print_pieces, tell
from ocivalidate.errors import Unreadable, UsageError
from ocivalidate.fixes.diff import diff
from ocivalidate.report import pieces
from ocivalidate.report.escape import visible, without_log_commands
from ocivalidate.rules.findings import ExitCode, Report

# The variables of build services that obey commands in the middle of a line.
_OBEYING = ("GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION")


def refuse_nonsense(options: argparse.Namespace, settings: Settings) -> None:
    """Raise :class:`UsageError` for options that do not go together with ``--fix`` or ``--diff``."""
    if options.diff and (settings["format"] != "text" or settings.outputs or options.image is not None):
        raise UsageError("--diff prints a diff and no report: leave out --format, --output and --image")
    if options.fix and STANDARD_INPUT in options.paths:
        if len(options.paths) > 1:
            raise UsageError("--fix prints what standard input becomes: give - alone")
        if settings["format"] != "text":
            raise UsageError("--fix prints what standard input becomes: write the report with --output FORMAT=FILE")


def show(found: Sequence[tuple[str, str]], settings: Settings, looking: BundleOptions) -> ExitCode:
    """Print what ``--fix`` would change: the exit code is 1 where it would change anything.

    ``found``: the inputs, each with what keeps it from being judged.
    """
    code = ExitCode.CONFORMS
    for path, problem in found:
        mended, report = _looked_at(path, problem, settings, looking)
        if mended and mended.titles:
            print_pieces(_shown(mended))
            code = max(code, ExitCode.FINDINGS)
        if exit_code_of([report], settings) is ExitCode.COULD_NOT_JUDGE:
            code = ExitCode.COULD_NOT_JUDGE
            tell_problems([report])
    return ExitCode.CONFORMS if settings["exit-zero"] and code is ExitCode.FINDINGS else code


def _looked_at(path: str, problem: str, settings: Settings, looking: BundleOptions) -> tuple[Mended | None, Report]:
    if problem:
        return None, Report("bundle", path, SPECIFICATION, problem=problem)
    try:
        mended = _mended(path, settings, looking)
    except Unreadable:
        return None, check_bundle(path, settings.selection, looking)
    return mended, mended.report


def _mended(path: str, settings: Settings, looking: BundleOptions) -> Mended:
    """A document mended, but for what the settings ignore at its path. Raises :class:`Unreadable`."""
    if not settings["per-path-ignores"]:
        return mend_bundle(path, settings.selection, looking)
    from ocivalidate.cli.known import PathIgnores

    ignored = PathIgnores(settings.file, settings["per-path-ignores"])
    return mend_bundle(path, settings.selection, looking, ignored.applied)


def _shown(mended: Mended) -> list[str]:
    lines = [*diff(visible(mended.source.name), mended.document)]
    # Whoever reads a pipe wants every byte; a terminal would obey some, and so would what keeps the log of a build.
    if sys.stdout.isatty():
        return [visible(line.removesuffix("\n")) + "\n" for line in lines]
    return [*map(without_log_commands, lines)] if _is_log() else lines


def _is_log() -> bool:
    """Whether a build service reads standard output, as far as can be told: a file is for somebody else."""
    if not any(os.environ.get(name) for name in _OBEYING):
        return False
    try:
        return not stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode)
    except (OSError, ValueError):
        return True


def mend(paths: Sequence[str], settings: Settings, looking: BundleOptions) -> ExitCode:
    """Write what is mended: 2 if some of it cannot be written, and 0."""
    code = ExitCode.CONFORMS
    for path in paths:
        try:
            mended = _mended(path, settings, looking)
            if not mended.titles:
                continue
            folder = None if looking.follow_links else mended.source.folder
            rewrite(mended.source.name, mended.document.before, mended.document.data, within=folder)
            if not settings["quiet"]:
                _tell(mended)
        except Unreadable:
            continue  # as the report says
        except UsageError as problem:
            tell(f"ocivalidate: error: {visible(str(problem))}")
            code = ExitCode.COULD_NOT_JUDGE
    return code


def _tell(mended: Mended) -> None:
    number = len(mended.titles)
    tell(f"{visible(mended.source.name)}: fixed {number} finding{'s' * (number != 1)}")
    for title in dict.fromkeys(mended.titles):
        tell(f"  {visible(title)}")


def mend_standard_input(settings: Settings, looking: BundleOptions) -> ExitCode:
    """Print what standard input becomes; what is left to find goes to standard error."""
    mended = _mended(STANDARD_INPUT, settings, looking)
    print_bytes(mended.document.data)
    if mended.titles and not settings["quiet"]:
        _tell(mended)
    reports: Sequence[Report] = [mended.report]
    if settings["per-path-ignores"] or settings["baseline"]:
        from ocivalidate.cli.known import without_known

        reports, lines = without_known(reports, settings)
        for line in lines:
            tell(f"ocivalidate: {visible(line)}")
    write_outputs(reports, settings)
    for piece in pieces("text", reports, options_of(settings)):
        tell(piece.removesuffix("\n"))
    return exit_code_of(reports, settings)
