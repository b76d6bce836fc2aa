"""Cases without a run: the list of them, and which of them failed in a report."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from ocivalidate.bundle.sources import MAX_SIZE, read_file
from ocivalidate.cli.lines import print_lines
from ocivalidate.cli.screen import screen
from ocivalidate.cli.settings import Settings
from ocivalidate.cli.streams import print_text
from ocivalidate.errors import Unreadable, UsageError
from ocivalidate.report.painting import Line
from ocivalidate.runtime.cases import Case
from ocivalidate.runtime.running.planning import plan
from ocivalidate.vocabulary.versions import RUNTIME_RELEASES
from ocivalidate.vocabulary.wording import shortened

_SCHEMA = "urn:ocivalidate:report-1"
_BAD = ("fail", "error", "xpass")


def chosen(cases: Sequence[Case], settings: Settings) -> tuple[list[Case], dict[str, list[str]]]:
    """The cases that are selected, and the clauses that each judges. Raises :class:`UsageError` for none."""
    release = settings["spec-version"]
    selection = settings.selection
    wanted: dict[str, Case] = {}
    clauses: dict[str, list[str]] = {}
    for each in (release,) if release else RUNTIME_RELEASES:
        for one in plan(cases, each, selection, patterns=selection.select):
            wanted[one.case.id] = one.case
            known = clauses.setdefault(one.case.id, [])
            known += [clause.id for clause in one.clauses if clause.id not in known]
    if not wanted:
        raise UsageError("no case judges the selected clauses")
    # In the order of the plan, in which a case of an older release alone has its place too.
    return [case for case in cases if case.id in wanted], clauses


def print_cases(cases: Sequence[Case], settings: Settings) -> int:
    """Print the cases that are selected, and what each of them shows, judges, sets and needs."""
    listed, clauses = chosen(cases, settings)
    if settings["format"] == "json":
        content = {"cases": [_as_json(case, clauses[case.id]) for case in listed]}
        print_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
        return 0
    lines = [line for case in listed for line in _as_lines(case, clauses[case.id], settings["verbose"])]
    judged = {clause for names in clauses.values() for clause in names}
    print_lines([*lines, [(f"{len(listed)} cases, {len(judged)} clauses", "")]], screen(settings["color"]))
    return 0


def _as_json(case: Case, clauses: Sequence[str]) -> dict[str, Any]:
    return {
        "id": case.id,
        "summary": case.summary,
        "clauses": [*clauses],
        "properties": [*case.sets],
        "needs": [*case.needs],
        "alone": [*case.alone],
        "timeout": case.timeout,
    }


def _as_lines(case: Case, clauses: Sequence[str], verbose: int) -> Iterator[Line]:
    needs = f" (needs {', '.join(case.needs)})" if case.needs else ""
    yield [(case.id, "name"), (f": {case.summary}{needs}", "")]
    if verbose:
        yield from ([(f"  {name}", "")] for name in [*clauses, *case.sets])


def failed_cases(file: str, cases: Sequence[Case]) -> tuple[str, ...]:
    """The cases that failed, could not be judged, or passed although they were expected to fail, in a JSON report.

    Raises :class:`UsageError`.
    """
    try:
        content = json.loads(read_file(file, MAX_SIZE))
        results = [result for report in _reports_in(content) for result in report["results"]]
        bad = dict.fromkeys(result["case"] for result in results if result["outcome"] in _BAD)
    except Unreadable as problem:
        raise UsageError(f"{file}: {problem}") from problem
    except (ValueError, TypeError, KeyError, RecursionError) as problem:
        raise UsageError(f"{file} is not a report of a runtime: write one with --output json=FILE") from problem
    if not bad:
        raise UsageError(f"{file}: nothing failed in it: there is nothing to run again")
    known = {case.id for case in cases}
    strays = [str(name) for name in bad if name not in known]
    if strays:
        raise UsageError(
            f"{file}: no case is called {shortened(', '.join(strays), 200)}; ocivalidate runtime --list lists them"
        )
    return tuple(bad)


def _reports_in(content: Any) -> list[Any]:
    if content["schema"] != _SCHEMA:
        raise ValueError(f"of another kind: {content['schema']}")
    return [*content["reports"]]
