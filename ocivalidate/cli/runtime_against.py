"""``ocivalidate runtime --explore N --against OTHER``: the same configs on a second runtime, and where they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ocivalidate.cli.interrupts import forward_interrupts
from ocivalidate.errors import UsageError
from ocivalidate.report.escape import visible
from ocivalidate.rules.clauses import Selection
from ocivalidate.rules.findings import Report
from ocivalidate.runtime.api import start_run
from ocivalidate.runtime.comparing import differences
from ocivalidate.runtime.options import RuntimeOptions


def compared(report: Report, other: str, selection: Selection, driving: RuntimeOptions) -> Report:
    """The report of an exploration, with what another runtime makes of the same configs. Raises :class:`UsageError`.

    Both are judged by the same release, or they would not get the same configs.
    """
    if report.problem or not report.complete:
        return report
    own = driving._replace(dump_dir=None, resume=None)
    running = start_run(other, replace(selection, spec_version=report.release), own)
    with forward_interrupts(running):
        for _step in running:
            pass
    beside = running.report()
    if beside.problem or not beside.complete:
        raise UsageError(f"--against {other}: {beside.problem or beside.facts.get('stopped', 'it was stopped')}")
    found = [one._asdict() for one in differences(report.results, beside.results)]
    told = {"runtime": other, "name": _name(beside), "results": len(beside.results), "differences": found}
    return replace(report, facts=report.facts | {"against": told})


def _name(report: Report) -> str:
    runtime: Mapping[str, Any] = report.facts.get("runtime", {})
    return f"{runtime.get('name') or report.subject} {runtime.get('version', '')}".strip()


def told(report: Report) -> Iterator[str]:
    """Where the two differ, as lines."""
    against: Mapping[str, Any] = report.facts.get("against") or {}
    if not against:
        return
    one, other, found = _name(report), against["name"], against["differences"]
    yield f"# against {visible(other)}: {len(found) or 'no'} difference{'' if len(found) == 1 else 's'}"
    for each in found:
        yield f"# {each['case']}"
        yield f"#   {visible(one)}: {visible(each['one'])}"
        yield f"#   {visible(other)}: {visible(each['other'])}"
