"""The inventory, the schemas and the checks of image documents fit each other."""

from __future__ import annotations

import json

import pytest

from ocivalidate import schema
from ocivalidate.clauses import Clause, Level, Selection, load
from ocivalidate.image.registry import load_checks
from ocivalidate.image.subjects import SUBJECTS
from ocivalidate.versions import IMAGE_RELEASES, holds
from ocivalidate.witnesses import Witness, apply, base_document, witnesses
from tests.imagedocs import findings

load_checks()
INVENTORY = load()
CLAIMED = {clause for subject in SUBJECTS.values() for clause in subject.claimed()}
# Subjects of which one document tells all; "image" and "image-layer" need a whole image.
ALONE = ("image-json", "image-annotations", "image-descriptor", "image-index", "image-manifest", "image-config")
WITNESSES = [witness for witness in witnesses().values() if witness.kind in SUBJECTS]


@pytest.mark.parametrize("kind", SUBJECTS)
def test_every_clause_that_is_claimed_can_be_told(kind: str) -> None:
    subject = SUBJECTS[kind]
    unreachable = {clause for clause in subject.claimed() if INVENTORY[clause].subject not in subject.subjects}
    assert unreachable == set()


def test_every_clause_that_one_document_can_break_is_judged() -> None:
    wanted = [
        clause
        for clause in INVENTORY.values()
        if clause.family == "image" and clause.subject in ALONE and clause.judged == "static"
    ]
    assert len(wanted) > 150
    missing = {
        clause.id for clause in wanted if clause.level is not Level.MAY and (clause.same_as or clause.id) not in CLAIMED
    }
    assert missing == set()


def test_every_clause_that_is_judged_has_a_witness() -> None:
    own = {clause for clause in CLAIMED if not clause.startswith(("lint/", "safety/json."))}
    assert own - {witness.clause for witness in WITNESSES} == {clause for clause in own if INVENTORY[clause].same_as}


@pytest.mark.parametrize(
    "clause", [clause for clause in INVENTORY.values() if clause.family == "image"], ids=lambda c: c.id
)
def test_clauses_make_sense(clause: Clause) -> None:
    assert (clause.judged == "none") == bool(clause.reason)
    assert clause.since in IMAGE_RELEASES
    assert clause.until is None or clause.until in IMAGE_RELEASES[:-1]
    assert clause.until is None or holds(clause.until, clause.since, None)
    assert clause.document.endswith(".md")
    other = INVENTORY[clause.same_as] if clause.same_as else None
    assert other is None or (other.same_as is None and other.judged == clause.judged)
    if clause.level not in (Level.MAY, Level.NONE) and clause.severity.value != "note":
        lower = clause.severity.value == "warning" and clause.level in (Level.MUST, Level.MUST_NOT)
        assert bool(clause.contested) or not lower


@pytest.mark.parametrize("release", IMAGE_RELEASES)
@pytest.mark.parametrize("kind", SUBJECTS)
def test_schemas_stand_alone(kind: str, release: str) -> None:
    from jsonschema import Draft202012Validator

    text = json.dumps(schema.standalone(kind, release))
    assert '"x-' not in text
    assert "$ref" not in text
    Draft202012Validator.check_schema(json.loads(text))


def test_members_of_later_releases_are_not_in_earlier_schemas() -> None:
    assert "subject" in schema.standalone("image-manifest", "1.1.0")["properties"]
    assert "subject" not in schema.standalone("image-manifest", "1.0.2")["properties"]
    assert "variant" not in schema.standalone("image-config", "1.0.2")["properties"]


def _selection(witness: Witness) -> Selection:
    return Selection() if INVENTORY[witness.clause].default else Selection(select=(witness.clause,))


@pytest.mark.parametrize("witness", WITNESSES, ids=lambda witness: witness.clause)
def test_witnesses(witness: Witness) -> None:
    base = base_document(witness.base)
    broken = findings(witness.kind, apply(base, witness.violates), selection=_selection(witness))
    assert {finding.clause.id for finding in broken} == {witness.clause, *witness.also}
    kept = findings(witness.kind, apply(base, witness.satisfies), selection=_selection(witness))
    assert {finding.clause.id for finding in kept} <= set(witness.also)


@pytest.mark.parametrize(
    "base", sorted({(witness.kind, witness.base) for witness in WITNESSES}), ids=lambda base: base[1]
)
def test_bases_are_without_a_finding(base: tuple[str, str]) -> None:
    kind, name = base
    assert findings(kind, apply(base_document(name), ())) == ()
