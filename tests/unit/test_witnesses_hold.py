"""Each check finds what its witness shows and nothing else, and the documents that the witnesses change are valid.

One defect is told once: where a value has a wrong type, no check takes it for missing.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ocivalidate.bundle import host
from ocivalidate.bundle.api import check_bundle, check_features, check_state
from ocivalidate.bundle.options import BundleOptions
from ocivalidate.jsontext.pointers import below
from ocivalidate.judges import judged_ids
from ocivalidate.rules import schema
from ocivalidate.rules.clauses import Selection
from ocivalidate.rules.findings import Outcome, Report
from ocivalidate.rules.witnesses import Side, Witness, apply, lay_out, witness_from_json, witnesses

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bundles of Linux are judged on the disk of Linux only")

# Documents of images have a test of their own.
FILES = sorted((Path(__file__).parents[2] / "fixtures" / "bases").glob("*.json"))
BASES = [path for path in FILES if not path.name.startswith("image-")]
WITNESSES = [witness for witness in witnesses().values() if not witness.kind.startswith("image-")]
# Hardening takes members, and this one has as few as may be.
UNHARDENED = "minimal.json"
CHECKS: dict[str, Callable[..., Report]] = {"bundle": check_bundle, "state": check_state, "features": check_features}
by_clause = pytest.mark.parametrize("witness", WITNESSES, ids=lambda witness: witness.clause)
by_base = pytest.mark.parametrize("base", BASES, ids=lambda path: path.name)


@dataclass
class Judge:
    """Judges witnesses in folders of their own; a base that stands for many of them only once."""

    folder: Path
    numbers: Iterator[int] = field(default_factory=itertools.count)
    bases: dict[tuple[Any, ...], Report] = field(default_factory=dict)

    def __call__(self, witness: Witness, side: Side) -> Report:
        if witness.edits(side):
            return self._judged(witness, side)
        key = witness.kind, witness.base, witness.platform, witness.host, witness.lint
        if key not in self.bases:
            self.bases[key] = self._judged(witness, side)
        return self.bases[key]

    def _judged(self, witness: Witness, side: Side) -> Report:
        folder = self.folder / str(next(self.numbers))
        folder.mkdir()
        selection = Selection(platform=witness.platform, lint=witness.lint)
        options = (BundleOptions(host=witness.host),) if witness.kind == "bundle" else ()
        report = CHECKS[witness.kind](lay_out(witness, side, folder), selection, *options)
        assert {finding.clause.same_as or finding.clause.id for finding in report.findings} <= judged_ids()
        return report


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    """A judge on a host that has huge pages of 2 MiB, as most hosts have, though not all."""
    pages = tmp_path_factory.mktemp("hugepages")
    (pages / "hugepages-2048kB").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(host, "HUGE_PAGES", pages)
        yield Judge(tmp_path_factory.mktemp("witnesses"))


def kind_of(base: Path) -> str:
    return base.stem if base.stem in CHECKS else "bundle"


def told(report: Report) -> list[str]:
    return sorted(finding.clause.id for finding in report.findings)


def outcome_of(clause: str, report: Report) -> Outcome:
    return next(result.outcome for result in report.results if result.clause.id == clause)


# --- Bases


@by_base
def test_base_is_valid(base: Path, judge: Judge) -> None:
    entry = {"clause": "", "kind": kind_of(base), "base": base.name, "violates": [], "satisfies": []}
    report = judge(witness_from_json(entry | {"options": {"lint": base.name != UNHARDENED}}), "satisfies")
    assert report.problem == ""
    assert [(finding.clause.id, finding.location.pointer) for finding in report.findings] == []


def places(node: schema.Node, value: Any, path: str = "") -> Iterator[str]:
    """The places of a schema to which a document has values."""
    yield path
    if isinstance(value, dict):
        for name, member in value.items():
            known = name in node.get("properties", {})
            child = node["properties"][name] if known else node.get("additionalProperties")
            if child is not None:
                yield from places(child, member, f"{path}/{name if known else '*'}")
    elif isinstance(value, list):
        for entry in value:
            yield from places(node["items"], entry, f"{path}/*")


def all_places(node: schema.Node, path: str = "") -> Iterator[str]:
    """All places of a schema."""
    yield path
    for name, child in node.get("properties", {}).items():
        yield from all_places(child, f"{path}/{name}")
    for keyword in ("items", "additionalProperties"):
        if keyword in node:
            yield from all_places(node[keyword], f"{path}/*")


@pytest.mark.parametrize("kind", ["bundle", "state", "features"])
def test_bases_have_every_member_of_every_release(kind: str) -> None:
    whole = schema.everything({"bundle": "runtime-config"}.get(kind, f"runtime-{kind}"))
    documents = [json.loads(base.read_bytes()) for base in BASES if kind_of(base) == kind]
    seen = {place for document in documents for place in places(whole, document)}
    # No value is defined that could stand there.
    assert set(all_places(whole)) - seen <= {"/linux/personality/flags/*"}


# --- Witnesses


@by_clause
def test_what_breaks_the_clause_is_found_and_nothing_else(witness: Witness, judge: Judge) -> None:
    report = judge(witness, "violates")
    assert told(report) == sorted([witness.clause, *witness.also])
    assert outcome_of(witness.clause, report) is Outcome.FAIL
    finding = next(finding for finding in report.findings if finding.clause.id == witness.clause)
    # A value that nobody knows may weigh less in some releases than in others.
    assert finding.severity is finding.clause.severity or finding.clause.open_list


@by_clause
def test_what_keeps_the_clause_passes(witness: Witness, judge: Judge) -> None:
    report = judge(witness, "satisfies")
    assert told(report) == []
    assert outcome_of(witness.clause, report) is Outcome.PASS


# --- One defect, one finding

WRONG: tuple[Any, ...] = (None, {"none": 1}, "none")
KINDS_OF_VALUE = ((bool, "boolean"), (int, "number"), (float, "number"))


def json_type(value: Any) -> str:
    return next((name for kind, name in KINDS_OF_VALUE if isinstance(value, kind)), type(value).__name__)


def pointers(value: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    """Every value in a document; in credentialSpec anything may stand."""
    yield pointer, value
    if pointer == "/windows/credentialSpec":
        return
    for name, child in (
        value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
    ):
        yield from pointers(child, below(pointer, name))


@by_base
def test_value_of_a_wrong_type_is_one_finding(base: Path, tmp_path: Path) -> None:
    document, kind, file = json.loads(base.read_bytes()), kind_of(base), tmp_path / base.name
    # null stands for an absent member in features; another version means other rules.
    wrong = WRONG[1:] if kind == "features" else WRONG
    also: list[tuple[str, Any, list[str]]] = []
    for pointer, value in pointers(document):
        if pointer == "/ociVersion":
            continue
        for other in [other for other in wrong if json_type(other) != json_type(value)][:2]:
            file.write_bytes(apply(document, [{"set": pointer, "to": other}]))
            report = CHECKS[kind](str(file), selection=Selection(lint=base.name != UNHARDENED))
            where = [finding.location.pointer for finding in report.findings]
            if where != [pointer] or not told(report)[0].endswith(".type"):
                also.append((pointer, other, told(report)))
    assert also == []


@pytest.mark.parametrize("namespace", [{"type": "net"}, {"type": 1}, {}, "net"], ids=str)
def test_namespace_that_is_not_understood_may_be_the_one_that_others_need(namespace: Any, tmp_path: Path) -> None:
    document = json.loads((BASES[0].parent / "linux.json").read_bytes())
    entries = [entry for entry in document["linux"]["namespaces"] if entry["type"] != "network"]
    document["linux"]["namespaces"] = [*entries, namespace]
    file = tmp_path / "linux.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    assert len(check_bundle(str(file)).findings) == 1


def test_mappings_without_a_user_namespace_are_told_once(tmp_path: Path) -> None:
    document = json.loads((BASES[0].parent / "linux.json").read_bytes())
    document["linux"]["namespaces"] = [entry for entry in document["linux"]["namespaces"] if entry["type"] != "user"]
    file = tmp_path / "linux.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    assert told(check_bundle(str(file))) == ["safety/config.idMappings.no-user-namespace"]
