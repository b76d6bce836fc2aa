"""Audits of storages that tests made, and what they found."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from fixtures.registries.storing import Storage
from ocivalidate.audit.api import audit
from ocivalidate.audit.options import AuditOptions
from ocivalidate.audit.store import Store
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import Finding, Report


class Found(NamedTuple):
    """What is compared with a table of faults: the clause, and the place below the storage."""

    clause: str
    place: str


def audited(storage: Storage, options: AuditOptions | None = None) -> Report:
    """Audit a storage where it lies."""
    return audited_at(str(storage.root), options)


def audited_at(target: str | Path | Store, options: AuditOptions | None = None) -> Report:
    """Audit something that can be audited."""
    report = audit(target, options=options)
    assert not report.problem
    assert report.complete
    return report


def findings(report: Report) -> list[Finding]:
    """What counts: all but the notes of image-spec, which sound images have too (such as one on zstd)."""
    return [one for one in report.findings if one.severity is not Severity.NOTE or one.clause.id.startswith("storage/")]


def found(report: Report) -> set[Found]:
    """The findings, by clause and place."""
    top = report.subject.rstrip("/") + "/"
    return {Found(one.clause.id, one.location.file.removeprefix(top)) for one in findings(report)}


def not_sound(report: Report) -> set[str]:
    """The tags that are not sound, as ``REPOSITORY:TAG``."""
    return {f"{row['repository']}:{row['name']}" for row in report.facts["not_sound"]}
