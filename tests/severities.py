"""How much a finding may weigh: what its clause says, or less where the inventory says why."""

from __future__ import annotations

from ocivalidate.rules.clauses import Clause, Level, Severity
from ocivalidate.rules.findings import Finding

MUST = frozenset({Level.MUST, Level.MUST_NOT})
FAMILIES = frozenset({"runtime", "safety", "image"})


def excused(clause: Clause) -> bool:
    """Whether the inventory has a reason, which ``explain`` prints, to weigh a violation of the clause less."""
    return bool(clause.contested) or clause.open_list


def fault_of(clause: Clause) -> str:
    """Why the severity of a clause does not follow from its level; empty when it does."""
    if clause.level in MUST and clause.severity is not Severity.ERROR and not excused(clause):
        return f"{clause.id} is a {clause.level.value}, a {clause.severity.value}, and nothing says why"
    return ""


def fault_in(finding: Finding) -> str:
    """Why a finding may not weigh what it does; empty when it may."""
    clause = finding.clause
    if clause.family not in FAMILIES:
        return ""
    if finding.severity is not clause.severity and not excused(clause):
        return f"{clause.id} weighs {clause.severity.value}, a finding {finding.severity.value}, and nothing says why"
    return fault_of(clause)
