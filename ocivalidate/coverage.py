"""How far the clauses are covered: which a check judges, and which have witnesses that prove the check."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from ocivalidate.bundle import registry as bundle_checks
from ocivalidate.bundle.api import SUBJECTS
from ocivalidate.clauses import Clause, load
from ocivalidate.image import registry as image_checks
from ocivalidate.image.subjects import SUBJECTS as IMAGE_SUBJECTS
from ocivalidate.image.witnesses import claimed, image_witness
from ocivalidate.witnesses import witness_for

# Family → how it is called in the table.
SPECIFICATIONS = {"runtime": "runtime-spec", "image": "image-spec", "safety": "safety", "lint": "lint"}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    How many clauses of a document have this level and way of judging, and how many are checked and witnessed.
    """

    specification: str
    document: str
    level: str
    judged: str
    clauses: int
    checked: int
    witnessed: int


def checked_clauses() -> set[str]:
    """The ids of all clauses that some schema node or check judges, those told under the id of another included."""
    bundle_checks.load_checks()
    image_checks.load_checks()
    judged = claimed().union(*(subject.claimed() for subject in (*SUBJECTS, *IMAGE_SUBJECTS.values())))
    return {clause.id for clause in load().values() if (clause.same_as or clause.id) in judged}


def is_witnessed(clause: Clause) -> bool:
    """Whether there is a document that breaks the clause and one that keeps it."""
    clause_id = clause.same_as or clause.id
    return witness_for(clause_id) is not None or image_witness(clause_id) is not None


def table() -> list[Row]:
    """The coverage of all clauses, by specification, document, level and way of judging."""
    checked = checked_clauses()
    total: Counter[tuple[str, str, str, str]] = Counter()
    with_check: Counter[tuple[str, str, str, str]] = Counter()
    with_witness: Counter[tuple[str, str, str, str]] = Counter()
    for clause in load().values():
        key = (SPECIFICATIONS[clause.family], clause.document, clause.level.value, clause.judged)
        total[key] += 1
        with_check[key] += clause.id in checked
        with_witness[key] += clause.id in checked and is_witnessed(clause)
    return [Row(*key, total[key], with_check[key], with_witness[key]) for key in total]
