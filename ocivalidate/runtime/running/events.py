"""Results as events of the engine, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ocivalidate.rules.clauses import Severity, load
from ocivalidate.rules.findings import Finding, Location, Outcome, Result


def event_of(result: Result, kept: str = "") -> dict[str, Any]:
    """A result as an event; ``kept`` is the folder in which what the case did was kept, or ``""``."""
    return {
        "event": "result",
        "case": result.case,
        "clause": result.clause.id,
        "outcome": str(result.outcome),
        "reason": result.reason,
        "seconds": result.seconds,
        "findings": [_finding(finding) for finding in result.findings],
        "dump": kept,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    fields = {name: getattr(finding, name) for name in ("message", "got", "want", "hint", "more")}
    return {**fields, "severity": str(finding.severity), "location": asdict(finding.location)}


def result_of(event: Mapping[str, Any]) -> Result:
    """The result that an event tells. Raises :class:`KeyError` and :class:`ValueError` when it is none."""
    clause = load("runtime", "safety")[event["clause"]]
    findings = tuple(
        Finding(
            clause=clause,
            severity=Severity(entry["severity"]),
            message=entry["message"],
            location=Location(**entry["location"]),
            got=entry["got"],
            want=entry["want"],
            hint=entry["hint"],
            more=entry["more"],
        )
        for entry in event["findings"]
    )
    return Result(
        clause=clause,
        outcome=Outcome(event["outcome"]),
        reason=event["reason"],
        findings=findings,
        case=event["case"],
        seconds=event["seconds"],
        dump=event["dump"],
    )
