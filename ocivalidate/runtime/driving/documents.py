"""Judging the documents that a runtime prints by the clauses on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ocivalidate.rules.clauses import Level, Selection, load
from ocivalidate.rules.findings import Outcome


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict of a clause on a document: ``broken`` says how it is broken, ``skipped`` why it was not judged."""

    broken: str = ""
    skipped: str = ""


def document_clauses(kind: str) -> tuple[str, ...]:
    """The clauses on a kind of document (``state``, ``features``) that can be broken."""
    inventory = load("runtime").values()
    return tuple(
        clause.id
        for clause in inventory
        if clause.subject == kind and clause.judged == "static" and clause.level is not Level.MAY and not clause.same_as
    )


def judge_document(kind: str, file: Path, release: str) -> Mapping[str, Judgement]:
    """Judge the document in a file: every clause of a release → its verdict.

    Text that is not JSON breaks the clauses on JSON, and nothing else is judged.
    """
    from ocivalidate.bundle import api  # whose schemas take a while to load

    check = {"state": api.check_state, "features": api.check_features}[kind]
    report = check(file, Selection(spec_version=release, platform="linux"))
    return {
        result.clause.id: Judgement(
            broken="; ".join(finding.message for finding in result.findings) if result.outcome is Outcome.FAIL else "",
            skipped=result.reason if result.outcome is Outcome.SKIP else "",
        )
        for result in report.results
    }
