"""Judging a runtime from Python.

>>> from ocivalidate import check_runtime
>>> report = check_runtime("runc")
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ocivalidate.errors import CannotJudge
from ocivalidate.rules.findings import Report, Result
from ocivalidate.runtime.launching import Launcher, run_events
from ocivalidate.runtime.protocol import Request

if TYPE_CHECKING:
    from ocivalidate.runtime.run import Run

__all__ = ["CannotJudge", "Launcher", "Request", "check_runtime", "run_events", "run_runtime"]


def run_runtime(
    runtime: str,
    *,
    expectations: Sequence[str] = (),
    own_expectations: bool = True,
    launcher: Launcher | None = None,
    **options: Any,
) -> Iterator[Result]:
    """The results of a run, as they come, one for each case and clause.

    ``options`` are those of :class:`Request`. ``expectations``: files with known deviations, beside those that come
    with our cases unless ``own_expectations`` is false. ``launcher``: where the engine runs that drives the runtime
    (default: on this host). Whoever stops iterating stops the run.

    Raises :class:`CannotJudge` when the run cannot begin or does not come to its end.
    """
    elsewhere = _elsewhere(runtime)
    if elsewhere is not None:
        raise CannotJudge(elsewhere.problem, report=elsewhere)
    run = _run(Request(runtime, **options), expectations, launcher, own=own_expectations)
    for step in run:
        if isinstance(step, Result):
            yield step
    report = run.report()
    if report.problem or not report.complete:
        raise CannotJudge(report.problem or report.facts["stopped"], report=report)


def check_runtime(
    runtime: str,
    *,
    expectations: Sequence[str] = (),
    own_expectations: bool = True,
    launcher: Launcher | None = None,
    **options: Any,
) -> Report:
    """The report of a run; see :func:`run_runtime`."""
    elsewhere = _elsewhere(runtime)
    if elsewhere is not None:
        return elsewhere
    run = _run(Request(runtime, **options), expectations, launcher, own=own_expectations)
    for _step in run:
        pass
    return run.report()


def _elsewhere(runtime: str) -> Report | None:
    """The report on a system that is not Linux, where nothing can be judged."""
    platform: str = sys.platform  # not the one on which types are checked
    if platform.startswith("linux"):
        return None
    return Report(
        kind="runtime", subject=runtime, specification="runtime-spec", problem="runtimes are driven on Linux alone"
    )


def _run(request: Request, expectations: Sequence[str], launcher: Launcher | None, *, own: bool) -> Run:
    from ocivalidate.runtime.run import ExpectationFiles, Run

    return Run(request, ExpectationFiles(tuple(expectations), own), launcher)
