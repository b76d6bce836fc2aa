"""A printed schema refuses what judging finds an error in, wherever JSON Schema can say it, and nothing else.

But for one thing: a member that belongs to a platform (``process.scheduler``) has its form in every document.

Both are run over every witness, and over documents that were tampered with.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import assume, given, strategies as st

from ocivalidate.bundle.api import check_config, check_features, check_state
from ocivalidate.jsontext.documents import read_document
from ocivalidate.jsontext.integers import Inexact
from ocivalidate.printed import limits, standalone
from ocivalidate.rules.clauses import PLATFORMS, Selection, Severity, load
from ocivalidate.rules.findings import Report
from ocivalidate.rules.schema import KINDS, releases
from ocivalidate.rules.witnesses import apply, base_document, witnesses
from ocivalidate.vocabulary.versions import IMAGE_CHOICES
from tests.imagedocs import findings, release_of
from tests.property.strategies import Sample, samples
from tests.property.test_image_documents_property import BASES as IMAGE_BASES, VALUES, tampered

# What witnesses call a document → its type.
_KINDS = {"bundle": "runtime-config", "state": "runtime-state", "features": "runtime-features"}
SIDES = [
    (witness, side)
    for witness in witnesses().values()
    for side in ("violates", "satisfies")
    # A conversion is no document: there is no schema of it.
    if witness.kind != "image-conversion"
    if witness.platform is None and not any("folder" in edit for edit in witness.edits(side))
]


@cache
def validator(kind: str, release: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(standalone(kind, release))


@cache
def unsaid(kind: str, release: str) -> frozenset[str]:
    return frozenset(limit.clause for limit in limits(kind, release))


def doubles(value: Any) -> Any:
    """The value with a plain fraction for each number that only looks like an integer as a double."""
    if isinstance(value, dict):
        return {name: doubles(member) for name, member in value.items()}
    if isinstance(value, list):
        return [doubles(entry) for entry in value]
    return 0.5 if isinstance(value, Inexact) else value


def judged(kind: str, data: bytes, folder: Path) -> Report:
    if kind == "runtime-config":
        return check_config(data)
    file = folder / "document.json"
    file.write_bytes(data)
    return {"runtime-state": check_state, "runtime-features": check_features}[kind](str(file))


def compare(kind: str, release: str, data: bytes, errors: set[str]) -> None:
    """That the schema refuses the document if there are errors that it can say, and takes it if there are none."""
    document = read_document(data)
    if not document.usable or document.problems:
        return
    sayable = {load()[clause].same_as or clause for clause in errors} - unsaid(kind, release)
    refused = not validator(kind, release).is_valid(doubles(document.value))
    if sayable:
        assert refused, f"the schema takes what breaks {sorted(sayable)}"
    if refused and kind == "runtime-config" and not errors:
        # A member that belongs to a platform has its form in documents for others too, where judging passes it over.
        errors = {clause for name in PLATFORMS for clause in errors_of(check_config(data, Selection(platform=name)))}
    if refused:
        assert errors, [error.message for error in validator(kind, release).iter_errors(doubles(document.value))]


def errors_of(report: Report) -> set[str]:
    return {finding.clause.id for finding in report.findings if finding.severity is Severity.ERROR}


@pytest.mark.parametrize(
    ("witness", "side"), SIDES, ids=lambda value: value if isinstance(value, str) else value.clause
)
def test_witness(witness: Any, side: str, tmp_path: Path) -> None:
    kind = _KINDS.get(witness.kind, witness.kind)
    data = apply(base_document(witness.base), witness.edits(side))
    if kind.startswith("image-"):
        release = release_of(witness.clause)
        found = {one.clause.id for one in findings(kind, data, release) if one.severity is Severity.ERROR}
        compare(kind, release, data, found)
    else:
        report = judged(kind, data, tmp_path)
        compare(kind, report.release, data, errors_of(report))


@given(samples(broken=False))
def test_document_that_somebody_tampered_with(tmp_path_factory: pytest.TempPathFactory, sample: Sample) -> None:
    assume(read_document(sample.data).usable)
    report = judged(sample.kind, sample.data, _folder(tmp_path_factory))
    assume(not report.problem)
    compare(sample.kind, report.release, sample.data, errors_of(report))


_folders: list[Path] = []


def _folder(factory: pytest.TempPathFactory) -> Path:
    if not _folders:
        _folders.append(factory.mktemp("printed"))
    return _folders[0]


@pytest.mark.parametrize("kind", IMAGE_BASES)
@given(st.data())
def test_image_document_that_somebody_tampered_with(kind: str, data: st.DataObject) -> None:
    text = json.dumps(data.draw(tampered(kind) | VALUES)).encode()
    release = data.draw(st.sampled_from(IMAGE_CHOICES))
    found = {one.clause.id for one in findings(kind, text, release) if one.severity is Severity.ERROR}
    compare(kind, release, text, found)


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_is_said_or_has_a_reason(kind: str) -> None:
    """Or looking for the limits fails; and no reason stands for a clause that nobody knows."""
    for release in releases(kind):
        assert all(limit.reason for limit in limits(kind, release))
