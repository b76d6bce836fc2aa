"""Reads the reports of shards, which anybody may have written: what is no report of ours is refused in one line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, NoReturn

from ocivalidate.audit.judging import STATES
from ocivalidate.audit.sharding import Shard, parse
from ocivalidate.errors import UsageError
from ocivalidate.rules.clauses import Clause, Severity, load
from ocivalidate.rules.findings import Outcome

SCHEMA = "urn:ocivalidate:report-1"
KIND = "audit"
ADDED = ("verified",)
"""The facts that are added up."""

FINDING = ("message", "got", "want", "hint")
"""What a finding says."""

_TEXTS = frozenset(("file", "text", "digest", "member", "case"))
_IMAGE = ("repository", "name", "digest")


class Part(NamedTuple):
    """The report of one shard: ``name`` is that of its file, ``tool`` what made it, ``said`` the report as JSON."""

    name: str
    tool: str
    shard: Shard
    said: Mapping[str, Any]

    @property
    def facts(self) -> Mapping[str, Any]:
        """Its facts."""
        facts: Mapping[str, Any] = self.said["facts"]
        return facts

    def same(self, member: str) -> Any:
        """What has to be the same in all."""
        if member == "tool":
            return self.tool
        return self.facts.get("selected") if member == "selected" else self.said.get(member)


def parts_of(name: str, document: Any) -> list[Part]:
    """The reports of a file. Raises :class:`UsageError`."""

    def refuse(why: str) -> NoReturn:
        raise UsageError(f"{name}: {why}")

    if not isinstance(document, dict) or document.get("schema") != SCHEMA or document.get("complete") is not True:
        refuse("not a JSON report: ocivalidate audit --shard N/M --format json makes one")
    reports, tool = document.get("reports"), document.get("tool")
    version = tool.get("version") if isinstance(tool, dict) else None
    if not isinstance(reports, list) or not reports or not isinstance(version, str):
        refuse("not a whole JSON report")
    parts = []
    for said in reports:
        for why in _faults(said):
            refuse(why)
        parts.append(Part(name, version, parse(said["facts"]["shard"]), said))
    if len({part.said["subject"] for part in parts}) < len(parts):
        refuse("a target is in it twice")
    return parts


def _faults(said: Any) -> Iterator[str]:
    """What is wrong with the report of one shard; only the first counts, as the others rest on it."""
    if not isinstance(said, dict) or said.get("kind") != KIND:
        yield "not the report of an audit"
    texts = ("subject", "specification", "release", "release_note", "problem")
    facts, results, findings, hidden = (said.get(name) for name in ("facts", "results", "findings", "hidden"))
    hidden = [] if hidden is None else hidden
    lists = all(isinstance(one, list) for one in (results, findings, hidden))
    if not all(isinstance(said.get(member), str) for member in texts) or not isinstance(said.get("complete"), bool):
        yield "not a whole report of an audit"
    if not lists or not isinstance(facts, dict):
        yield "not a whole report of an audit"
    if not isinstance(facts.get("shard"), str):
        yield "the report of a whole audit, not of a shard"
    known = load()
    if not all(_is_result(one, known) for one in results):
        yield "a result in it is none of this release"
    if not all(_is_finding(one, known) for one in (*findings, *hidden)):
        yield "a finding in it is none of this release"
    if not all(isinstance(one.get("by"), str) for one in hidden) or not (said["problem"] or _are_facts(facts)):
        yield "its facts are none of this release"


def _is_result(one: Any, known: Mapping[str, Clause]) -> bool:
    return (
        isinstance(one, dict)
        and isinstance(one.get("clause"), str)
        and one["clause"] in known
        and one.get("outcome") in [str(outcome) for outcome in Outcome]
        and isinstance(one.get("reason"), str)
    )


def _is_finding(one: Any, known: Mapping[str, Clause]) -> bool:
    if not isinstance(one, dict) or not isinstance(one.get("clause"), str) or one["clause"] not in known:
        return False
    place, more = one.get("location"), one.get("more", 0)
    ranks = {str(severity): severity.rank for severity in Severity}
    return (
        isinstance(one.get("severity"), str)
        and one["severity"] in ranks
        and ranks[one["severity"]] <= known[one["clause"]].severity.rank
        and all(isinstance(one.get(member), str) for member in FINDING)
        and _is_count(more)
        and isinstance(place, dict)
        and all(isinstance(place.get(member, ""), str) for member in (*_TEXTS, "pointer"))
        and all(type(place.get(member, 1)) is int for member in ("line", "column", "end_column"))
    )


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 63


def _are_uploads(found: Any) -> bool:
    """Whether this is what is said of uploads, if anything is."""
    return found is None or (isinstance(found, dict) and all(_is_count(found.get(name)) for name in ("count", "bytes")))


def _is_held(found: Any) -> bool:
    """Whether this is what is said of unreferenced blobs, if anything is."""
    return found is None or (
        isinstance(found, dict)
        and all(_is_count(found.get(name)) for name in ("blobs", "bytes"))
        and isinstance(found.get("certain"), bool)
    )


def _are_facts(facts: Mapping[str, Any]) -> bool:
    numbers = [facts.get(name, {}) for name in ADDED]
    sound, broken, mend = (facts.get(name) for name in ("sound", "not_sound", "mend"))
    return (
        all(isinstance(one, dict) and all(map(_is_count, one.values())) for one in numbers)
        and isinstance(sound, list)
        and isinstance(broken, list)
        and isinstance(mend, list)
        and all(_is_count(facts.get(name, 0)) for name in ("blobs", "bytes"))
        and _is_held(facts.get("unreferenced"))
        and _are_uploads(facts.get("uploads"))
        and all(isinstance(one, dict) and isinstance(one.get("what"), str) for one in mend)
        and all(isinstance(one, dict) and one.get("state") in STATES for one in (*sound, *broken))
        and all(isinstance(one.get(name), str) for one in (*sound, *broken) for name in _IMAGE)
    )
