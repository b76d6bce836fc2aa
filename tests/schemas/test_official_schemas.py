"""Documents by the thousand are judged by us and by the official schema of their release; every difference has a row.

Only with ``--official-schemas``, or ``tox -e schemas``, as the schemas come from the Go module proxy.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import assume, given, strategies as st

from ocivalidate.bundle.api import check_config, check_features, check_state
from ocivalidate.jsontext.documents import read_document
from ocivalidate.jsontext.pointers import parse_pointer
from ocivalidate.rules.clauses import Selection, Severity
from ocivalidate.rules.findings import Finding
from ocivalidate.rules.witnesses import apply, base_document, witnesses
from ocivalidate.vocabulary.versions import IMAGE_RELEASES, RUNTIME_RELEASES
from tests.imagedocs import findings as image_findings
from tests.property.strategies import Sample, samples
from tests.property.test_image_documents_property import BASES as IMAGE_BASES, VALUES, tampered
from tests.property.test_printed_schema import doubles
from tests.schemas.disagreements import OURS, THEIRS
from tests.schemas.hashes import HASHES
from tests.schemas.official import Fault, Unavailable, checksum, faults, folder

pytestmark = pytest.mark.official

RELEASES = {"runtime-spec": RUNTIME_RELEASES, "image-spec": IMAGE_RELEASES}
_KINDS = {"bundle": "runtime-config", "state": "runtime-state", "features": "runtime-features"}


@pytest.fixture(scope="module", autouse=True)
def _schemas() -> None:
    """Without the schemas there is nothing to compare with; other ones than those recorded are a failure."""
    try:
        got = {
            f"{name} {release}": checksum(folder(name, release)) for name, them in RELEASES.items() for release in them
        }
    except Unavailable as error:
        pytest.skip(str(error))
    assert got == HASHES


class Judged(NamedTuple):
    """A document with both verdicts."""

    kind: str
    release: str
    value: Any
    platforms: tuple[str, ...]
    ours: tuple[Finding, ...]
    theirs: set[Fault]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for documents that are judged as files."""
    return tmp_path_factory.mktemp("documents")


TALLY: Counter[str] = Counter()


@pytest.fixture(scope="module", autouse=True)
def _told(request: pytest.FixtureRequest) -> Iterator[None]:
    """Say how much was compared, when all of it was."""
    yield
    rows = sum(1 for name in TALLY if name.startswith(("theirs", "ours")))
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter.write_line(
            f"\n{TALLY['documents']} documents, {TALLY['differences']} differences,"
            f" under {rows} of {len(THEIRS) + len(OURS)} rows"
        )


# --- Comparing


def related(one: str, other: str) -> bool:
    """Whether one place is the other, or within it."""
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def pattern(pointer: str) -> str:
    """A place without the numbers of entries."""
    return re.sub(r"/[0-9]+(?=/|$)", "/*", pointer)


def compare(judged: Judged) -> None:
    """Fail for the first difference without a row."""
    TALLY["documents"] += 1
    errors = [finding for finding in judged.ours if finding.severity is Severity.ERROR]
    for fault in sorted(judged.theirs):
        if not any(_covers(finding, fault) for finding in errors):
            _under_a_row_of_theirs(fault, judged)
    for finding in errors:
        place = finding.location.pointer or ""
        if not any(related(place, fault.pointer) for fault in judged.theirs):
            _under_a_row_of_ours(finding, judged)


def _covers(finding: Finding, fault: Fault) -> bool:
    place = finding.location.pointer or ""
    # Of many findings of a kind the first are kept.
    return related(place, fault.pointer) or (bool(finding.more) and related(pattern(place), pattern(fault.pointer)))


def _under_a_row_of_theirs(fault: Fault, judged: Judged) -> None:
    value = _at(judged.value, fault.pointer)
    for number, row in enumerate(THEIRS):
        if (
            judged.kind.startswith(row.kinds)
            and fault.keyword in row.keywords.split()
            and re.fullmatch(row.place, fault.pointer)
            and row.when(value)
            and judged.release in (row.releases or (judged.release,))
            and not set(row.platforms) & set(judged.platforms)
        ):
            TALLY["differences"] += 1
            TALLY[f"theirs {number}"] += 1
            return
    pytest.fail(f"{judged.kind} {judged.release}: the schema alone refuses {fault}: {value!r:.200} {judged.platforms}")


def _under_a_row_of_ours(finding: Finding, judged: Judged) -> None:
    for number, row in enumerate(OURS):
        if re.fullmatch(row.clauses, finding.clause.id) and judged.release in (row.releases or (judged.release,)):
            TALLY["differences"] += 1
            TALLY[f"ours {number}"] += 1
            return
    place = finding.location.pointer or ""
    value = _at(judged.value, place)
    pytest.fail(f"{judged.kind} {judged.release}: we alone refuse {place}: {finding.clause.id}: {value!r:.200}")


def _at(value: Any, pointer: str) -> Any:
    for token in parse_pointer(pointer):
        value = value[int(token)] if isinstance(value, list) else value[token]
    return value


# --- Judging


def judged_bundle(kind: str, data: bytes, release: str, work: Path) -> Judged | None:
    """Both verdicts on a document of a bundle.

    None for one that is no sound JSON, too deep for the other validator, or taken for another document by us: that is
    refused in one line, which names the command that judges it.
    """
    document = read_document(data)
    if not document.usable or document.problems:
        return None
    if kind == "runtime-config":
        report = check_config(data, Selection(spec_version=release))
    else:
        file = work / "document.json"
        file.write_bytes(data)
        check = check_state if kind == "runtime-state" else check_features
        report = check(file, Selection(spec_version=release))
    if report.problem:
        return None
    value = doubles(document.value)
    theirs = _faults(kind, release, value)
    return None if theirs is None else Judged(kind, release, value, report.platforms, report.findings, theirs)


def _faults(kind: str, release: str, value: Any) -> set[Fault] | None:
    try:
        return faults(kind, release, value)
    except (RecursionError, ValueError):
        return None  # nested deeper than the other validator goes


def releases_of(kind: str) -> tuple[str, ...]:
    """The releases whose official schemas have the document; that of features came with 1.1.0."""
    if kind.startswith("image-"):
        return IMAGE_RELEASES
    return RUNTIME_RELEASES[3:] if kind == "runtime-features" else RUNTIME_RELEASES


@given(samples(broken=False), st.data())
def test_documents_of_bundles(work: Path, sample: Sample, data: st.DataObject) -> None:
    release = data.draw(st.sampled_from(releases_of(sample.kind)))
    judged = judged_bundle(sample.kind, sample.data, release, work)
    assume(judged)
    assert judged is not None
    compare(judged)


@pytest.mark.parametrize("kind", IMAGE_BASES)
@given(st.data())
def test_documents_of_images(kind: str, data: st.DataObject) -> None:
    text = json.dumps(data.draw(tampered(kind) | VALUES)).encode()
    judged = judged_image(kind, text, data.draw(st.sampled_from(IMAGE_RELEASES)))
    assume(judged)
    assert judged is not None
    compare(judged)


def judged_image(kind: str, data: bytes, release: str) -> Judged | None:
    """Both verdicts on a document of an image."""
    document = read_document(data)
    if not document.usable or document.problems:
        return None
    value = doubles(document.value)
    theirs = _faults(kind, release, value)
    return None if theirs is None else Judged(kind, release, value, (), image_findings(kind, data, release), theirs)


SIDES: list[tuple[Any, Any]] = [
    (witness, side)
    for witness in witnesses().values()
    for side in ("violates", "satisfies")
    if witness.platform is None and not any("folder" in edit for edit in witness.edits(side))
]


@pytest.mark.parametrize("kind", [*IMAGE_BASES, *_KINDS.values()])
def test_witnesses(kind: str, work: Path) -> None:
    for witness, side in SIDES:
        if _KINDS.get(witness.kind, witness.kind) != kind:
            continue
        data = apply(base_document(witness.base), witness.edits(side))
        for release in releases_of(kind):
            judged = (
                judged_image(kind, data, release) if kind in IMAGE_BASES else judged_bundle(kind, data, release, work)
            )
            if judged is not None:
                compare(judged)
