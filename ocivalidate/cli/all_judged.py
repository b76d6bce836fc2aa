"""Judging all inputs of a command: one after the other, or many of them in several processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ocivalidate.rules.findings import Report

STANDARD_INPUT = "-"
_MOST_PROCESSES = 256


def all_judged(
    kind: str,
    specification: str,
    judge: Callable[[str], Report],
    found: Sequence[tuple[str, str]],
    *,
    jobs: int | None,
    worth: int,
) -> list[Report]:
    """The reports on all inputs, in their order.

    ``judge`` pickles. ``jobs``: the number of processes (default: one per core, for each of which there are ``worth``
    inputs). Raises :class:`CannotJudge` if one of them dies.
    """
    paths = [path for path, problem in found if not problem and path != STANDARD_INPUT]
    if len(paths) < 2 * worth and (jobs is None or jobs == 1 or len(paths) < 2):  # two processes
        return [_report(kind, specification, path, problem) if problem else judge(path) for path, problem in found]
    from ocivalidate.many import workers

    processes = min(jobs or min(workers.processors(), len(paths) // worth), len(paths), _MOST_PROCESSES)
    reports = iter(workers.judged(judge, paths, processes) if processes > 1 else workers.judged_here(judge, paths))
    return [
        _report(kind, specification, path, problem)
        if problem
        else judge(path)
        if path == STANDARD_INPUT
        else next(reports)
        for path, problem in found
    ]


def _report(kind: str, specification: str, path: str, problem: str) -> Report:
    return Report(kind, path, specification, problem=problem)
