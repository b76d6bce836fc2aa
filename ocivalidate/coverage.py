"""How far the clauses are covered: which a check judges, and which have witnesses that prove the check."""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import dataclass

from ocivalidate import resources
from ocivalidate.image.documents.witnesses import image_witness, served_witness
from ocivalidate.judges import cases, judged_ids
from ocivalidate.rules.clauses import Clause, Level, load
from ocivalidate.rules.witnesses import witness_for
from ocivalidate.runtime.properties import Property, properties, reasons
from ocivalidate.vocabulary.versions import RUNTIME_RELEASES

_MUST = frozenset({Level.MUST, Level.MUST_NOT})
_SHOULD = frozenset({Level.SHOULD, Level.SHOULD_NOT})
# Family → its name in the table.
SPECIFICATIONS = {
    "runtime": "runtime-spec",
    "image": "image-spec",
    "distribution": "distribution-spec",
    "storage": "storage",
    "safety": "safety",
    "lint": "lint",
}


@dataclass(frozen=True, slots=True)
class Row:
    """How many clauses of a document have this level and way of judging, and how many are checked and witnessed."""

    specification: str
    document: str
    level: str
    judged: str
    clauses: int
    checked: int
    witnessed: int


@dataclass(frozen=True, slots=True)
class PropertyRow:
    """A property of ``config.json`` on Linux: the cases that set and observe it, or why none does."""

    property: Property
    cases: tuple[str, ...]
    reason: str


def property_table() -> list[PropertyRow]:
    """The coverage of all properties, in the order of the schema."""
    setters: dict[str, list[str]] = {}
    for case in cases():
        for pointer in case.sets:
            setters.setdefault(pointer, []).append(case.id)
    why = reasons()
    return [PropertyRow(leaf, tuple(setters.get(leaf.pointer, ())), why.get(leaf.pointer, "")) for leaf in properties()]


def unjudged() -> dict[str, str]:
    """Why no case judges a dynamic clause, by its id."""
    file = resources.folder("conformance") / "unjudged.toml"
    table = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return {entry["clause"]: entry["reason"] for entry in table.get("unjudged", ())}


@dataclass(frozen=True, slots=True)
class DynamicRow:
    """How many of the dynamic clauses of a release that bear on Linux cases judge; ``level``: MUST or SHOULD."""

    release: str
    level: str
    clauses: int
    judged: int
    properties: int
    observed: int


def dynamic_table() -> list[DynamicRow]:
    """What cases can judge of each release; the properties are counted in the rows of MUST."""
    judged = {clause for case in cases() for clause in case.clauses}
    rows = []
    for release in RUNTIME_RELEASES:
        leaves = [row for row in property_table() if row.property.holds_in(release)]
        for level, levels in (("MUST", _MUST), ("SHOULD", _SHOULD)):
            held = [clause for clause in _dynamic(release) if clause.level in levels]
            done = sum((clause.same_as or clause.id) in judged for clause in held)
            counted = leaves if level == "MUST" else []
            rows.append(
                DynamicRow(release, level, len(held), done, len(counted), sum(bool(row.cases) for row in counted))
            )
    return rows


def _dynamic(release: str) -> list[Clause]:
    return [
        clause
        for clause in load("runtime").values()
        if clause.judged == "dynamic" and clause.holds_in(release) and clause.concerns({"linux"})
    ]


def checked_clauses() -> set[str]:
    """The ids of all clauses that code, a schema or a case declares; those told under another id included."""
    judged = judged_ids()
    return {clause.id for clause in load().values() if (clause.same_as or clause.id) in judged}


def is_witnessed(clause: Clause) -> bool:
    """Whether there is a document that breaks the clause and one that keeps it."""
    clause_id = clause.same_as or clause.id
    return any(found(clause_id) is not None for found in (witness_for, image_witness, served_witness))


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
