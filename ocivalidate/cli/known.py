"""Findings that are not told because somebody knows of them: ignored by path in a settings file, or in a baseline."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ocivalidate.cli.baseline import Baseline, Known, is_baseline, read
from ocivalidate.cli.settings_file import read_file
from ocivalidate.cli.settings_table import BASELINE
from ocivalidate.errors import OptionError, UsageError
from ocivalidate.report.options import Options
from ocivalidate.report.places import spot
from ocivalidate.report.verdicts import unjudged
from ocivalidate.rules.clauses import Selection, matches
from ocivalidate.rules.findings import Finding, Report
from ocivalidate.rules.suppressing import suppressed
from ocivalidate.vocabulary.wording import shortened

if TYPE_CHECKING:
    from ocivalidate.cli.settings import Settings
    from ocivalidate.many.globs import Pattern

_MOST_ROWS, _MOST_TOLD = 1000, 100


def without_known(reports: Sequence[Report], settings: Settings) -> tuple[Sequence[Report], list[str]]:
    """The reports without what is known, and lines on what became of the baseline.

    Writes the baseline if that is asked for. Raises :class:`UsageError`.
    """
    if settings["per-path-ignores"]:
        ignored = PathIgnores(settings.file, settings["per-path-ignores"])
        reports = [ignored.applied(report) for report in reports]
    if settings["write-baseline"] is not None:
        return _written(reports, settings)
    if not settings["baseline"]:
        return reports, []
    path, is_trusted = _named(settings)
    baseline = read(path, read_file(path, trusted=is_trusted))
    applied, gone = baseline.applied(reports)
    return applied, [*_told_gone(path, gone, verbose=bool(settings["verbose"]))]


def _named(settings: Settings) -> tuple[str, bool]:
    """The baseline that the settings name, and whether the user named it, who may name any."""
    is_of_file = "baseline" in settings.changed
    path = str(settings["baseline"])
    return (os.path.join(os.path.dirname(settings.file), path) if is_of_file else path), not is_of_file


def _written(reports: Sequence[Report], settings: Settings) -> tuple[Sequence[Report], list[str]]:
    from ocivalidate.cli.files import write_file

    path = settings["write-baseline"] or _target(settings)
    known = Baseline(path)
    if os.path.lexists(path):
        data = read_file(path)
        if not is_baseline(data):
            raise UsageError(f"{path} exists already and is not a baseline: --write-baseline=FILE names another file")
        known = read(path, data) if data.strip() else known
    unread = [report.subject for report in reports if unjudged(report)]
    if unread:
        raise UsageError(
            f"{path} is not written, as {len(unread):,} of {len(reports):,} could not be judged: {unread[0]}"
        )
    new = known.of(reports)
    write_file(path, new.pieces())
    number = "1 finding is" if len(new) == 1 else f"{len(new):,} findings are"
    return new.applied(reports)[0], [f"{path}: written, {number} known"]


def _target(settings: Settings) -> str:
    """Where a baseline is written that the user did not name now: not where a checkout of strangers wants it."""
    if not settings["baseline"]:
        path = BASELINE
    else:
        path, is_trusted = _named(settings)
        if is_trusted:
            return path
        home = os.path.realpath(os.path.dirname(settings.file) or ".")
        if os.path.commonpath([home, os.path.realpath(path)]) != home:
            raise UsageError(
                f"{settings.file}: baseline {path} is outside the folder of this file; --write-baseline=FILE names it"
            )
    if os.path.islink(path):
        raise UsageError(f"{path} is a link: --write-baseline=FILE names the file")
    return path


def _told_gone(path: str, gone: Sequence[Known], *, verbose: bool) -> Iterator[str]:
    if not gone:
        return
    number = "1 finding no longer occurs" if len(gone) == 1 else f"{len(gone):,} findings no longer occur"
    yield f"{path}: {number} (--write-baseline takes {'it' if len(gone) == 1 else 'them'} out)"
    if verbose:
        for one in gone[:_MOST_TOLD]:
            yield f"{path}: no longer occurs: {one.subject}: {one.clause}: {one.message}"
        if len(gone) > _MOST_TOLD:
            yield f"{path}: no longer occur: {len(gone) - _MOST_TOLD:,} more"


class PathIgnores:
    """The clauses whose findings a settings file does not want to be told in some files."""

    def __init__(self, file: str, table: Mapping[str, Sequence[str]]) -> None:
        from ocivalidate.many.globs import pattern

        self._file = file
        self._folder = os.path.realpath(os.path.dirname(file) or ".")
        within = os.path.relpath(os.getcwd(), self._folder).replace(os.sep, "/")
        self._options = Options(root=self._folder, within=within)
        self._rows: list[tuple[Pattern, Sequence[str]]] = []
        if len(table) > _MOST_ROWS:
            raise UsageError(
                f"{file}: per-path-ignores has {len(table):,} patterns; at most {_MOST_ROWS:,} are allowed"
            )
        for written, clauses in table.items():
            one = pattern(written.removeprefix("./"))
            if one is None or one.keeps:
                raise UsageError(f"{file}: per-path-ignores: not a pattern for paths: {shortened(written, 80)}")
            try:
                Selection(ignore=tuple(clauses)).refuse_unmatched()
            except OptionError as problem:
                raise UsageError(f"{file}: per-path-ignores: {problem}") from problem
            self._rows.append((one, clauses))

    def applied(self, report: Report) -> Report:
        """A report without the findings that are ignored where they stand."""
        known: dict[str, list[str]] = {}

        def by(finding: Finding) -> str:
            file = spot(report, self._options, finding.location).file
            if file not in known:
                known[file] = [*self._ignored(file)]
            is_ignored = any(matches(finding.clause.id, pattern) for pattern in known[file])
            return f"per-path-ignores of {self._file}" if is_ignored else ""

        return suppressed(report, by)

    def _ignored(self, file: str) -> Iterator[str]:
        from ocivalidate.many.globs import covers

        names = file.strip("/").split("/")
        for pattern, clauses in self._rows:
            if covers((pattern,), names):
                yield from clauses
