"""Files to subjects: JSON reports of any command, and kept records of runs, plain or compressed.

They may come from anybody. So their size is bounded, only what has the right type is taken, every text is made visible
and cut to a length that people read, and a file that is neither, or was cut off, is refused in one line.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shlex
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import PurePath
from typing import Any

from ocivalidate.bundle.sources import read_file
from ocivalidate.errors import TooLarge, Unreadable
from ocivalidate.matrix.benches import SCHEMA as BENCH, Bench, bench_in
from ocivalidate.matrix.subjects import RANK, RUNTIME, WORST, Point, Said, Subject, Timing
from ocivalidate.programme.expiry import CURRENT, Age, age
from ocivalidate.programme.reading import record_in
from ocivalidate.programme.record import OLD_SCHEMA, SCHEMA, Outcome, kernel_number
from ocivalidate.programme.reports import REPORT_SCHEMA
from ocivalidate.report.escape import visible
from ocivalidate.report.verdicts import EVERYWHERE
from ocivalidate.runtime.driving.call_times import OPERATIONS
from ocivalidate.system.reasons import reason
from ocivalidate.vocabulary.wording import bytes_in_words

MOST_BYTES = 64 << 20  # of one file, and of what is packed in it
MOST_FILES = 2_000  # that a folder may have
MOST_POINTS = 50_000  # of one subject
_LONGEST, _LONGEST_NAME = 300, 120
_MOST_SAID = 6  # of one point
_LONGEST_TIME = 1e6  # seconds
_GZIP = b"\x1f\x8b"
_WRITTEN = ("urn:ocivalidate:matrix-1", "urn:ocivalidate:diff-1")
_BADGE = {"schemaVersion", "label", "message", "color"}
_ENDINGS = (".json", ".json.gz")


def files_of(path: str) -> list[str]:
    """The file that a path means, or those in a folder that may be reports, in order.

    Raises :class:`Unreadable` where a folder has none, or too many.
    """
    if not os.path.isdir(path):
        return [path]
    found: list[str] = []
    for folder, folders, names in os.walk(path, onerror=_raised):
        folders.sort()
        found += [os.path.join(folder, name) for name in sorted(names) if name.endswith(_ENDINGS)]
        if len(found) > MOST_FILES:
            raise TooLarge(f"there are more than {MOST_FILES} files in it")
    if not found:
        raise Unreadable("no file in it ends in .json or .json.gz")
    return found


def _raised(problem: OSError) -> None:
    """A folder that cannot be read is told, so that nothing in it is missed unseen."""
    raise Unreadable(f"{visible(os.fsdecode(problem.filename))}: {reason(problem)}") from problem


def is_own_output(path: str) -> bool:
    """Whether this command wrote a file: what it merged, what changed, or a badge. It is no report."""
    document = _looked_at(path)
    return document.get("schema") in _WRITTEN or document.keys() == _BADGE


def is_no_verdict(path: str) -> bool:
    """Whether a file is one of ours that judges nothing: own output, or what was measured."""
    return is_own_output(path) or _looked_at(path).get("schema") == BENCH


def _looked_at(path: str) -> Mapping[str, Any]:
    try:
        return _parsed(_unpacked(read_file(path, MOST_BYTES)))
    except Unreadable:
        return {}


def subjects_of(path: str, today: dt.date | None = None) -> list[Subject | Bench]:
    """What was judged or measured, as a file says. ``today``: by it, kept records may be stale.

    Raises :class:`Unreadable`.
    """
    return subjects_in(_parsed(_unpacked(read_file(path, MOST_BYTES))), today)


def subjects_in(document: Mapping[str, Any], today: dt.date | None = None) -> list[Subject | Bench]:
    """What was judged or measured, as a document says. Raises :class:`Unreadable`."""
    schema = document.get("schema")
    if schema == REPORT_SCHEMA:
        if document.get("complete") is not True:
            raise Unreadable("this report was cut off: its last member is not there")
        suite = _text(_object(document.get("tool")).get("version"))
        return [_of_report(one, suite) for one in _objects(document.get("reports"))]
    if schema in (OLD_SCHEMA, SCHEMA):
        return [_of_record(document, today)]
    if schema == BENCH:
        return [bench_in(document)]
    raise Unreadable("neither a JSON report (--format json), nor a kept record of a run, nor a measurement")


def _unpacked(data: bytes) -> bytes:
    if not data.startswith(_GZIP):
        return data
    inflater = zlib.decompressobj(wbits=31)
    try:
        text = inflater.decompress(data, MOST_BYTES + 1)
    except zlib.error as problem:
        raise Unreadable(f"its compression is broken: {visible(str(problem))}") from problem
    if len(text) > MOST_BYTES:
        raise TooLarge(f"more than {bytes_in_words(MOST_BYTES)}, unpacked")
    if not inflater.eof:
        raise Unreadable("this compressed file was cut off")
    if inflater.unused_data:
        raise Unreadable("something follows the end of what is compressed in it")
    return text


def _parsed(data: bytes) -> Mapping[str, Any]:
    if not data.strip():
        raise Unreadable("not JSON: it is empty")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as problem:
        raise Unreadable(f"not JSON: {visible(str(problem), _LONGEST)}") from problem
    if not isinstance(document, dict):
        raise Unreadable("not a JSON object")
    return document


# --- What a member is, whoever wrote it


def _text(value: object, limit: int = _LONGEST_NAME) -> str:
    return visible(value, limit) if isinstance(value, str) else ""


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> Iterator[Mapping[str, Any]]:
    return (one for one in value if isinstance(one, dict)) if isinstance(value, list) else iter(())


def _outcome(value: object) -> str:
    """One of ours; what is none was not judged."""
    return value if isinstance(value, str) and value in WORST else "error"


# --- JSON reports


def _of_report(report: Mapping[str, Any], suite: str) -> Subject:
    facts = _object(report.get("facts"))
    kind, runtime = _text(report.get("kind")), _object(facts.get("runtime"))
    program = _text(report.get("subject"))
    name = _text(runtime.get("name")) or (PurePath(program).name if kind == RUNTIME else program)
    points, clipped = _first(_points_of_report(report))
    return Subject(
        kind or "report",
        name or "no name",
        _text(runtime.get("version")),
        program,
        _text(report.get("specification")),
        _text(report.get("release")),
        _text(runtime.get("claim")),
        _text(runtime.get("digest")) or _digest(facts),
        suite=suite,
        host=_host(_object(facts.get("host"))),
        problem=_trouble(report, facts),
        points=points,
        clipped=clipped,
        timings=tuple(_timings(_object(facts.get("timings")))),
    )


def _timings(told: Mapping[str, Any]) -> Iterator[Timing]:
    for operation in OPERATIONS:
        one = _object(told.get(operation))
        values = [one.get(name) for name in ("median", "low", "high")]
        if (calls := _count(one.get("count"))) and all(map(_is_time, values)):
            yield Timing(operation, calls, *map(float, values))  # type: ignore[arg-type]  # asked above


def _count(value: object) -> int:
    """A number of things; 0 for what is none, or more than anybody counts."""
    return value if type(value) is int and 0 < value < 1 << 31 else 0


def _is_time(value: object) -> bool:
    return isinstance(value, (int, float)) and 0 <= value < _LONGEST_TIME


def _digest(facts: Mapping[str, Any]) -> str:
    return next((_text(one.get("digest")) for one in _objects(facts.get("digests"))), "")


def _trouble(report: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    if problem := _text(report.get("problem"), _LONGEST):
        return problem
    if report.get("complete") is not True:
        return _text(facts.get("stopped"), _LONGEST) or "the report is incomplete"
    return ""


def _host(host: Mapping[str, Any]) -> dict[str, str]:
    told = {name: _text(host.get(name)) for name in ("machine", "cgroup_mode")}
    # The number alone, as in kept records: what a distribution adds tells nothing here.
    release = _text(host.get("release")) or _text(host.get("kernel"))
    told["kernel"] = kernel_number(release) or release
    for name in ("controllers", "lsms"):
        listed = host.get(name)
        told[name] = _text(", ".join(_text(one) for one in listed[:40])) if isinstance(listed, list) else ""
    for name in ("root", "own_kernel"):
        if isinstance(host.get(name), bool):
            told[name] = "yes" if host[name] else "no"
    return {name: value for name, value in sorted(told.items()) if value}


def _points_of_report(report: Mapping[str, Any]) -> Iterator[Point]:
    by_place = any("pointer" in result for result in _objects(report.get("results")))
    findings: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for finding in _objects(report.get("findings")):
        judged_by = _judged_by(_object(finding.get("location")), by_place=by_place)
        findings.setdefault((_text(finding.get("clause")), judged_by), []).append(finding)
    told = set()
    for result in _objects(report.get("results")):
        key = _text(result.get("clause")), _judged_by(result, by_place=by_place)
        told.add(key)
        outcome, own = _outcome(result.get("outcome")), [*_objects(result.get("findings"))]
        yield _point(key, outcome, own or findings.get(key, []), result)
    for key, own in findings.items():
        if key not in told:
            yield _point(key, "fail", own, {})


def _judged_by(told: Mapping[str, Any], *, by_place: bool) -> str:
    """The case of a result or a finding; where facts were judged, the place in the config."""
    return _text(told.get("case")) or ((_text(told.get("pointer")) or EVERYWHERE) if by_place else "")


def _point(key: tuple[str, str], outcome: str, findings: list[Mapping[str, Any]], result: Mapping[str, Any]) -> Point:
    clause, case = key
    if outcome in ("fail", "xfail") and findings:
        said = tuple(map(_said, findings[:_MOST_SAID]))
        others = sum(map(_count, (one.get("more") for one in findings[:_MOST_SAID])))
        return Point(clause, case, outcome, said, _text(result.get("dump")), len(findings) - len(said) + others)
    reason = _text(result.get("reason"), _LONGEST)
    return Point(clause, case, outcome, (Said(reason),) * bool(reason), _text(result.get("dump")))


def _said(finding: Mapping[str, Any]) -> Said:
    location = _object(finding.get("location"))
    numbers = [str(location[name]) for name in ("line", "column") if isinstance(location.get(name), int)]
    file = ":".join(filter(None, (_text(location.get("file")), *numbers)))
    parts = [file, *(_text(location.get(name)) for name in ("pointer", "member", "digest"))]
    return Said(
        _text(finding.get("message"), _LONGEST),
        _text(finding.get("got"), _LONGEST),
        _text(finding.get("want"), _LONGEST),
        _text(" ".join(filter(None, parts)), _LONGEST),
    )


# --- Kept records


def _of_record(document: Mapping[str, Any], today: dt.date | None) -> Subject:
    record = record_in(document)
    old = age(record, today) if today else Age(CURRENT)
    points, clipped = _first(map(_kept_point, record.outcomes))
    if not points:
        raise Unreadable("this record has no results")
    name = _text(record.name)
    return Subject(
        RUNTIME,
        name or "no name",
        _text(record.version),
        name,
        "runtime-spec",
        _text(record.release),
        _text(record.claim),
        _text(record.digest),
        _text(record.source),
        _text(record.suite.version),
        _host(asdict(record.host) | {"controllers": [*record.host.controllers], "lsms": [*record.host.lsms]}),
        _text(record.date),
        _text(record.submitter),
        _text(shlex.join(record.command), _LONGEST),
        stale="" if old.state == CURRENT else _text(f"{old.state}: {old.reason}", _LONGEST),
        points=points,
        clipped=clipped,
        timings=tuple(
            Timing(operation, one.count, one.median, one.low, one.high)
            for operation, one in sorted(record.timings.items())
        ),
    )


def _kept_point(one: Outcome) -> Point:
    texts = [_text(text, _LONGEST) for text in one.said]
    said = [Said(text) for text in texts[:_MOST_SAID]]
    if said:
        said[0] = Said(texts[0], _text(one.got, _LONGEST), _text(one.want, _LONGEST))
    return Point(_text(one.clause), _text(one.case), one.outcome, tuple(said), more=max(0, len(texts) - _MOST_SAID))


def _first(points: Iterable[Point]) -> tuple[tuple[Point, ...], int]:
    """As many points as are kept, one for each clause and case, the worst; and how many others there are."""
    kept: dict[tuple[str, str], Point] = {}
    left = 0
    for point in points:
        key = point.clause, point.case
        if not point.clause or (len(kept) >= MOST_POINTS and key not in kept):
            left += bool(point.clause)
        elif key not in kept or RANK[point.outcome] < RANK[kept[key].outcome]:
            kept[key] = point
    return tuple(sorted(kept.values())), left
