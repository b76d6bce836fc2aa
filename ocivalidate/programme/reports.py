"""Records of a JSON report (``schemas/output/report.json``): of runtimes, and of bundles and images too.

Texts are taken as they are: a report is its owner's. What is kept of it for others says ``keeping``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ocivalidate.errors import Unreadable
from ocivalidate.programme.record import UNKNOWN, Host, Outcome, Record, Said, Suite, Timing, kernel_number
from ocivalidate.runtime.driving.call_times import OPERATIONS

REPORT_SCHEMA = "urn:ocivalidate:report-1"
_BAD = "not a report of ocivalidate (write one with --output json=FILE)"


def records_of_report(document: Mapping[str, Any]) -> list[Record]:
    """The record of each subject of a JSON report. Raises :class:`Unreadable` for what is none.

    Outcomes are exactly those of the report, in its order. It has no date, no revision of the suite and no submitter.
    """
    if document.get("schema") != REPORT_SCHEMA:
        raise Unreadable(f"{_BAD}: wanted the schema {REPORT_SCHEMA}")
    try:
        version = str(document["tool"]["version"])
        return [_record(one, version) for one in document["reports"]]
    except (KeyError, TypeError, AttributeError, ValueError, IndexError, OverflowError) as problem:
        raise Unreadable(f"{_BAD}: a member is missing, or of another type") from problem


def _record(report: Mapping[str, Any], tool: str) -> Record:
    facts = report["facts"]
    runtime = facts.get("runtime", {})
    outcomes = _outcomes(report)
    said = Said(str(runtime.get("name", "")), str(runtime.get("version", "")))
    subject = str(report["subject"])
    return Record(
        kind=str(report["kind"]),
        name=said.name or (subject.rpartition("/")[2] or UNKNOWN if runtime else subject),
        version=said.version or (UNKNOWN if runtime else ""),
        said=said,
        claim=str(runtime.get("claim", "")),
        release=str(report["release"]),
        digest=str(runtime.get("digest", "")),
        suite=Suite(tool, "", len({one.case for one in outcomes if one.case})),
        host=_host(facts.get("host", {}), own_kernel=bool(facts.get("own_kernel"))),
        outcomes=outcomes,
        timings=_timings(facts.get("timings", {})),
        complete=bool(report["complete"]),
        problem=str(report["problem"]),
    )


def _host(told: Mapping[str, Any], *, own_kernel: bool) -> Host:
    return Host(
        kernel=kernel_number(str(told.get("release", ""))),
        machine=str(told.get("machine", "")),
        cgroup_mode=str(told.get("cgroup_mode", "")),
        controllers=tuple(map(str, told.get("controllers", ()))),
        lsms=tuple(map(str, told.get("lsms", ()))),
        root=bool(told.get("root", False)),
        own_kernel=own_kernel,
    )


def _timings(told: Mapping[str, Any]) -> dict[str, Timing]:
    return {
        name: Timing(int(one["count"]), float(one["median"]), float(one["low"]), float(one["high"]))
        for name in OPERATIONS
        if (one := told.get(name)) is not None
    }


def _outcomes(report: Mapping[str, Any]) -> tuple[Outcome, ...]:
    """Each result with what was found: by case and clause, or for facts by place and clause."""
    results: Sequence[Mapping[str, Any]] = report["results"]
    by_place = any("pointer" in one for one in results)
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for finding in (*report["findings"], *(one for each in results for one in each.get("findings", ()))):
        found.setdefault((_key(finding["location"], by_place=by_place), finding["clause"]), []).append(finding)
    return tuple(
        _outcome(result, found.get((_key(result, by_place=by_place), result["clause"]), ())) for result in results
    )


def _key(told: Mapping[str, Any], *, by_place: bool) -> str:
    return str(told.get("case") or (told.get("pointer", "") if by_place else ""))


def _outcome(result: Mapping[str, Any], findings: Sequence[Mapping[str, Any]]) -> Outcome:
    messages = dict.fromkeys(str(one["message"]) for one in findings)
    reason = str(result["reason"])
    first = findings[0] if findings else {}
    return Outcome(
        case=str(result.get("case", "")),
        clause=str(result["clause"]),
        outcome=str(result["outcome"]),
        said=tuple(messages) or ((reason,) if reason else ()),
        got=str(first.get("got", "")),
        want=str(first.get("want", "")),
        place=_place(first.get("location", {})),
        dump=str(result.get("dump", "")),
    )


def _place(location: Mapping[str, Any]) -> str:
    """A finding's place in words, as far as it is known."""
    line = [location["file"], location.get("line")] if "file" in location else []
    words = [":".join(str(one) for one in line if one is not None), location.get("pointer"), location.get("digest")]
    return " ".join(str(word) for word in (*words, location.get("member")) if word)
