"""``ocivalidate runtime --submit DIR``: the run becomes a record that others may have."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from pathlib import Path

from ocivalidate.cli.output import options_of
from ocivalidate.cli.settings import Settings
from ocivalidate.cli.streams import tell
from ocivalidate.errors import UsageError
from ocivalidate.programme.storing import store
from ocivalidate.programme.submitting import Submission, submitted
from ocivalidate.report import pieces
from ocivalidate.report.escape import visible
from ocivalidate.rules.findings import Outcome, Report

# Options that make it another measure than that of all others.
_OTHER_MEASURE = ("cases", "rerun_failed", "explore", "strict", "list")


def asked(options: argparse.Namespace, settings: Settings) -> Submission | None:
    """What is to be submitted, if anything. Raises :class:`UsageError` for what makes no whole run, before it runs."""
    if options.submit is None:
        given = [name for name in ("submit_as", "submitter") if getattr(options, name) is not None]
        if given:
            raise UsageError(f"--{given[0].replace('_', '-')} is for --submit DIR")
        return None
    beside = [f"--{name.replace('_', '-')}" for name in _OTHER_MEASURE if getattr(options, name)]
    selection = settings.selection
    beside += ["--select"] * bool(selection.select) + ["--ignore"] * bool(selection.ignore)
    beside += ["--level"] * (selection.level != "may")
    if beside:
        raise UsageError(f"--submit keeps a whole run of our cases: {beside[0]} cannot be given with it")
    submission = Submission(
        called=options.submit_as or "",
        submitter=options.submitter or "",
        command=tuple(_command(options, settings)),
        sandbox=(options.sandbox or "").partition(",")[0],
    )
    _refuse_place(options.submit)  # last, as it makes the folder
    return submission


def _refuse_place(folder: str) -> None:
    """Refuse, before all runs for minutes, a folder that cannot be written. Raises :class:`UsageError`."""
    if not folder:
        raise UsageError("--submit needs a folder")
    try:
        os.makedirs(folder, exist_ok=True)
    except (OSError, ValueError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "not a path"
        raise UsageError(f"--submit: cannot make the folder {visible(folder)}: {why}") from problem
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"--submit: cannot write into the folder {visible(folder)}")


def _command(options: argparse.Namespace, settings: Settings) -> Iterator[str]:
    """The words that say what was run, without where its record goes and what it is called there."""
    yield from ("ocivalidate", "runtime", "--runtime", os.path.basename(options.runtime) or options.runtime)
    for argument in options.runtime_arg:
        yield f"--runtime-arg={argument}"
    if settings["spec-version"]:
        yield f"--spec-version={settings['spec-version']}"
    for need in options.require:
        yield f"--require={need}"
    if options.rootfs:
        yield "--rootfs=DIR"
    if options.sandbox:
        parts = ("kernel=PATH" if part.startswith("kernel=") else part for part in options.sandbox.split(","))
        yield f"--sandbox={','.join(parts)}"
    for name in ("guests", "jobs"):
        if getattr(options, name):
            yield f"--{name}={getattr(options, name)}"


def submit(report: Report, submission: Submission, folder: str, settings: Settings, *, interrupted: bool) -> None:
    """Write the folder of the record. Raises :class:`UsageError`, and writes nothing, if it must not be kept."""
    if interrupted:
        tell("ocivalidate: nothing is submitted: the run was interrupted")
        return
    document = json.loads("".join(pieces("json", [report], options_of(settings))))
    place = store(submitted(document, submission), Path(folder))
    if settings["quiet"]:
        return
    errors = report.count(Outcome.ERROR)
    said = f"; {errors} results could not be judged, and it says so" if errors else ""
    tell(f"ocivalidate: wrote {visible(str(place))}{said}")
