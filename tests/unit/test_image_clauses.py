"""The inventory, the schemas and the checks of image documents fit each other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ocivalidate.image.documents.registry import load_checks
from ocivalidate.image.documents.subjects import SUBJECTS
from ocivalidate.jsontext.pointers import below
from ocivalidate.judges import judged_ids
from ocivalidate.printed import standalone
from ocivalidate.rules import schema
from ocivalidate.rules.clauses import Clause, Level, Selection, load
from ocivalidate.rules.findings import Outcome
from ocivalidate.rules.ledger import Verdicts
from ocivalidate.rules.witnesses import Witness, apply, base_document, witnesses
from ocivalidate.vocabulary.versions import IMAGE_CHOICES, IMAGE_RELEASES, holds
from tests.imagedocs import findings, release_of, verdicts

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
    assert clause.since in IMAGE_CHOICES
    assert clause.until is None or clause.until in IMAGE_RELEASES
    assert clause.until is None or holds(clause.until, clause.since, None)
    assert clause.document.endswith(".md")
    other = INVENTORY[clause.same_as] if clause.same_as else None
    assert other is None or (other.same_as is None and other.judged == clause.judged)
    if clause.level not in (Level.MAY, Level.NONE) and clause.severity.value != "note":
        lower = clause.severity.value == "warning" and clause.level in (Level.MUST, Level.MUST_NOT)
        assert bool(clause.contested) or not lower


@pytest.mark.parametrize("release", IMAGE_CHOICES)
@pytest.mark.parametrize("kind", SUBJECTS)
def test_schemas_stand_alone(kind: str, release: str) -> None:
    from jsonschema import Draft202012Validator

    text = json.dumps(standalone(kind, release))
    assert '"x-' not in text
    Draft202012Validator.check_schema(json.loads(text))


def test_members_of_later_releases_are_not_in_earlier_schemas() -> None:
    assert "subject" in standalone("image-manifest", "1.1.0")["properties"]
    assert "subject" not in standalone("image-manifest", "1.0.2")["properties"]
    assert "variant" not in standalone("image-config", "1.0.2")["properties"]


def _selection(witness: Witness) -> Selection:
    return Selection() if INVENTORY[witness.clause].default else Selection(select=(witness.clause,))


def _outcome(verdicts: Verdicts, clause: str) -> Outcome:
    return next(result.outcome for result in verdicts.results if result.clause.id == clause)


@pytest.mark.parametrize("witness", WITNESSES, ids=lambda witness: witness.clause)
def test_what_breaks_the_clause_is_found_and_nothing_else(witness: Witness) -> None:
    data = apply(base_document(witness.base), witness.violates)
    judged = verdicts(witness.kind, data, release_of(witness.clause), _selection(witness))
    assert sorted(finding.clause.id for finding in judged.findings) == sorted([witness.clause, *witness.also])
    assert {witness.clause, *witness.also} <= judged_ids()
    assert _outcome(judged, witness.clause) is Outcome.FAIL
    finding = next(finding for finding in judged.findings if finding.clause.id == witness.clause)
    assert finding.severity is finding.clause.severity


@pytest.mark.parametrize("witness", WITNESSES, ids=lambda witness: witness.clause)
def test_what_keeps_the_clause_passes(witness: Witness) -> None:
    data = apply(base_document(witness.base), witness.satisfies)
    judged = verdicts(witness.kind, data, release_of(witness.clause), _selection(witness))
    assert judged.findings == ()
    assert _outcome(judged, witness.clause) is Outcome.PASS


BASES = sorted({(witness.kind, witness.base) for witness in WITNESSES})
by_base = pytest.mark.parametrize(("kind", "base"), BASES, ids=[base for _, base in BASES])


@by_base
def test_bases_are_without_a_finding(kind: str, base: str) -> None:
    assert findings(kind, apply(base_document(base), ())) == ()


def _places(node: schema.Node, value: Any, place: str = "") -> Iterator[str]:
    """The places of a schema to which a document has values."""
    yield place
    if isinstance(value, dict):
        for name, member in value.items():
            known = node.get("properties", {}).get(name)
            child = known or node.get("additionalProperties")
            if child is not None:
                yield from _places(child, member, f"{place}/{name if known else '*'}")
    elif isinstance(value, list):
        for entry in value:
            yield from _places(node["items"], entry, f"{place}/*")


def _all_places(node: schema.Node, place: str = "") -> Iterator[str]:
    yield place
    for name, child in node.get("properties", {}).items():
        yield from _all_places(child, f"{place}/{name}")
    for keyword in ("items", "additionalProperties"):
        if keyword in node:
            yield from _all_places(node[keyword], f"{place}/*")


def test_bases_have_every_member_of_a_configuration() -> None:
    whole = schema.everything("image-config")
    seen = {place for kind, base in BASES if kind == "image-config" for place in _places(whole, base_document(base))}
    assert set(_all_places(whole)) - seen == {"/config/ArgsEscaped"}


def test_bases_have_every_member_of_a_descriptor() -> None:
    whole = schema.everything("image-descriptor")
    seen = set(_places(whole, base_document("image-descriptor.json")))
    for base in ("image-index.json", "image-list.json"):
        for descriptor in base_document(base)["manifests"]:
            seen |= set(_places(whole, descriptor))
    assert set(_all_places(whole)) == seen


WRONG: tuple[Any, ...] = (None, {"none": 1}, ["none"], "none", True, 0.5)


def _pointers(value: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    yield pointer, value
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in members:
        yield from _pointers(child, below(pointer, name))


@by_base
def test_a_value_of_a_wrong_type_is_one_finding(kind: str, base: str) -> None:
    document = base_document(base)
    odd = []
    for pointer, value in _pointers(document):
        # What a health check holds is reserved, and an entry of history that marks nothing is one of a layer.
        if pointer.startswith(("/config/Healthcheck/", "/history/1/empty_layer")):
            continue
        for wrong in [wrong for wrong in WRONG if type(wrong) is not type(value)]:
            found = findings(kind, apply(document, [{"set": pointer, "to": wrong}]))
            told = [(finding.severity.value, finding.location.pointer) for finding in found]
            if told != [("error", pointer)] and not (wrong is None and told == [] and kind == "image-config"):
                odd.append((pointer, wrong, found))
    assert odd == []
