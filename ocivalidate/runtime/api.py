"""Judging a runtime from Python.

>>> from ocivalidate import check_runtime
>>> report = check_runtime("runc")
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ocivalidate.rules.clauses import Selection, settled
from ocivalidate.rules.findings import Report, Result
from ocivalidate.rules.refusals import RunStopped
from ocivalidate.runtime.exploring import names
from ocivalidate.runtime.launching import Launcher, run_events
from ocivalidate.runtime.options import RuntimeOptions, expectation_files, journal, request_of
from ocivalidate.runtime.protocol import Request
from ocivalidate.system.arguments import StrPath, given, path_text
from ocivalidate.vocabulary.versions import RUNTIME_CHOICES

if TYPE_CHECKING:
    from ocivalidate.runtime.run import Run

SPECIFICATION = "runtime-spec"
__all__ = [
    "Launcher",
    "Request",
    "RunStopped",
    "RuntimeOptions",
    "check_runtime",
    "run_events",
    "run_runtime",
    "start_run",
]


def run_runtime(
    runtime: StrPath, selection: Selection | None = None, options: RuntimeOptions | None = None
) -> Iterator[Result]:
    """Yield the results of a run as they come, one for each case and clause. Stop iterating to stop the run.

    ``runtime``: a program, by path or by its name in PATH. ``selection``: what is judged; its ``select`` may name cases
    too, and without a ``spec_version`` the release that the runtime claims is used. ``options``: how it is driven.

    Raises :class:`OptionError` for an invalid option and ``TypeError`` for one of the wrong type, at once;
    then :class:`CannotJudge` when the run cannot begin, :class:`RunStopped`, with a ``report``, when it misses its
    complete, and :class:`UsageError` for an invalid file of expectations.
    """
    asked = _asked(runtime, selection, options)
    return _results(*asked)


def check_runtime(
    runtime: StrPath, selection: Selection | None = None, options: RuntimeOptions | None = None
) -> Report:
    """Return the report of a run. If nothing could be judged, the report has a ``problem``.

    Parameters as for :func:`run_runtime`. Raises :class:`OptionError`, ``TypeError``, :class:`BadCase` for cases that
    cannot be loaded, and :class:`UsageError` for an invalid file of expectations.
    """
    name, chosen, driving = _asked(runtime, selection, options)
    elsewhere = _elsewhere(name)
    if elsewhere is not None:
        return elsewhere
    run = start_run(name, chosen, driving)
    for _step in run:
        pass
    return run.report()


def start_run(runtime: str, selection: Selection, options: RuntimeOptions) -> Run:
    """Start a run on Linux, for the calls above and the command line. Raises as they do."""
    from ocivalidate.runtime.run import Run

    request = request_of(runtime, selection, options)
    return Run(request, expectation_files(options), options.launcher, journal(options, request))


def _results(runtime: str, selection: Selection, options: RuntimeOptions) -> Iterator[Result]:
    elsewhere = _elsewhere(runtime)
    if elsewhere is not None:
        raise RunStopped(elsewhere.problem, elsewhere)
    run = start_run(runtime, selection, options)
    for step in run:
        if isinstance(step, Result):
            yield step
    report = run.report()
    if report.problem or not report.complete:
        raise RunStopped(report.problem or report.facts["stopped"], report)


def _asked(
    runtime: StrPath, selection: Selection | None, options: RuntimeOptions | None
) -> tuple[str, Selection, RuntimeOptions]:
    """The selection and the options of a caller, checked."""
    name = path_text(runtime, "runtime")
    driving = given(options, RuntimeOptions, "options")
    request = request_of(name, Selection(), driving)
    expectation_files(driving)

    def cases() -> Iterator[str]:
        if request.explore:
            yield from names(request.explore)
            return
        from ocivalidate.runtime.running.loading import case_folder, load_cases

        yield from (case.id for case in load_cases(case_folder(request.cases)))

    return name, settled(selection, SPECIFICATION, RUNTIME_CHOICES, ("linux",), cases), driving


def _elsewhere(runtime: str) -> Report | None:
    """The report on systems other than Linux, where nothing can be judged."""
    platform: str = sys.platform  # not the one on which types are checked
    if platform.startswith("linux"):
        return None
    return Report("runtime", runtime, SPECIFICATION, problem="runtimes can only be judged on Linux")
