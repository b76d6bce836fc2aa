"""Whatever a document holds, it gets an answer that is whole, lies within it, and rests on its values alone."""

from __future__ import annotations

import json
import random
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
from hypothesis import assume, given, settings, strategies as st

from ocivalidate import resources
from ocivalidate.bundle import check_bundle, check_config, check_features, check_state
from ocivalidate.bundle.api import SUBJECTS
from ocivalidate.bundle.options import BundleOptions
from ocivalidate.jsontext.documents import Document, read_document
from ocivalidate.jsontext.integers import Inexact
from ocivalidate.jsontext.pointers import parse_pointer
from ocivalidate.report import FORMATS, Options, render
from ocivalidate.rules import schema
from ocivalidate.rules.clauses import Clause, Level, Selection, Severity, load, matches
from ocivalidate.rules.findings import Finding, Location, Outcome, Report, exit_code
from ocivalidate.rules.judge import PROBLEM_CLAUSES
from ocivalidate.vocabulary.versions import RUNTIME_RELEASES
from tests.property.strategies import DICE, Sample, samples
from tests.property.trees import Members, Tree, containers, shuffled, tree_of, written
from tests.tap14 import parse

MOST_SECONDS = 1.0
FILES: dict[str, Callable[..., Report]] = {"runtime-state": check_state, "runtime-features": check_features}
CLAUSE_SUBJECTS = {subject.kind: subject.subjects for subject in SUBJECTS}
EVERYTHING = Selection(select=("*",))
# What judges a document several times, or shows it in every way, has fewer of them: a long run has to end.
FEWER = settings(max_examples=max(10, settings().max_examples // 2))
FEW = settings(max_examples=max(10, settings().max_examples // 4))
TEXT_CLAUSES = frozenset(PROBLEM_CLAUSES.values())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle folder whose root has something in it."""
    bundle = tmp_path_factory.mktemp("bundle")
    (bundle / "rootfs" / "bin").mkdir(parents=True)
    (bundle / "rootfs" / "bin" / "true").touch()
    (bundle / "rootfs" / "loop").symlink_to("/loop")
    return bundle


def judged(sample: Sample, folder: Path, selection: Selection | None = None, data: bytes | None = None) -> Report:
    """What the library says of the sample, or of other bytes in its place. Fails when that takes too long."""
    text = sample.data if data is None else data
    asked = replace(selection or Selection(), spec_version=sample.spec_version, platform=sample.platform)
    # The memory of a long run of tests is cleared up now and then: that may fall into any one attempt, but not in all.
    for _attempt in range(3):
        start = time.thread_time()
        if sample.kind == "runtime-config":
            report = check_config(text, asked)
        else:
            file = folder / f"{sample.kind}.json"
            file.write_bytes(text)
            report = FILES[sample.kind](file, asked)
        if time.thread_time() - start < MOST_SECONDS:
            return report
    pytest.fail(f"judging takes more than {MOST_SECONDS} seconds")


def points(report: Report) -> set[tuple[str, str | None, Severity]]:
    """What is wrong, and where in the document, but not where in its text."""
    return {(finding.clause.id, finding.location.pointer, finding.severity) for finding in report.findings}


# --- The answer is whole


@given(samples())
def test_every_document_gets_a_whole_answer(folder: Path, sample: Sample) -> None:
    report = judged(sample, folder)
    assert_whole(report, expected_clauses(sample.kind, report))
    document = read_document(sample.data)
    for finding in report.findings:
        assert_stands_in(finding, document)
    assert judged(sample, folder) == report


@cache
def _expected(kind: str, release: str, platforms: tuple[str, ...]) -> frozenset[str]:
    return frozenset(
        clause.id
        for clause in load("runtime", "safety", "lint").values()
        if clause.subject in CLAUSE_SUBJECTS[kind]
        and clause.judged in ("static", "static-host")
        and clause.level is not Level.MAY
        and clause.holds_in(release)
        and clause.concerns(platforms)
        and clause.default
    )


def expected_clauses(kind: str, report: Report) -> frozenset[str]:
    """The clauses that a report on such a document has to speak of."""
    return _expected(kind, report.release, report.platforms)


def assert_whole(report: Report, clauses: frozenset[str]) -> None:
    """Every clause has one result, every finding belongs to one, and the exit code follows from them."""
    assert report.complete
    assert report.problem == ""
    assert report.release in RUNTIME_RELEASES
    outcomes = {result.clause.id: result.outcome for result in report.results}
    assert len(outcomes) == len(report.results)
    assert outcomes.keys() == clauses
    assert set(outcomes.values()) <= {Outcome.PASS, Outcome.FAIL, Outcome.SKIP}
    for result in report.results:
        assert (result.outcome is Outcome.FAIL) == bool(result.findings)
        assert (result.outcome is Outcome.SKIP) == bool(result.reason)
        same = result.clause.same_as or result.clause.id
        assert result.findings == tuple(finding for finding in report.findings if finding.clause.id == same)
    assert {finding.clause.id for finding in report.findings} <= outcomes.keys()
    told = [(finding.clause.id, finding.location, finding.message) for finding in report.findings]
    assert len(set(told)) == len(told)
    severities = {finding.severity for finding in report.findings}
    assert exit_code([report]) == int(Severity.ERROR in severities)
    assert exit_code([report], Severity.WARNING) == int(bool(severities & {Severity.ERROR, Severity.WARNING}))


def assert_stands_in(finding: Finding, document: Document) -> None:
    """The finding points to something that is there."""
    location = finding.location
    if document.usable and finding.clause.id not in TEXT_CLAUSES:
        assert location.line is not None
        assert location.pointer is not None
        value_at(document.value, location.pointer)
    if location.line is None:
        assert not document.usable
        return
    line = document.text.split("\n")[location.line - 1].removesuffix("\r")
    assert location.text == line
    assert location.column is not None
    assert location.end_column is not None
    # What is missing at the end of a line stands one column behind it; the carriage return is no part of the line.
    assert 1 <= location.column < location.end_column <= len(line) + 3


def value_at(value: Any, pointer: str) -> Any:
    """The value that a pointer leads to. Raises LookupError when there is none."""
    for token in parse_pointer(pointer):
        value = value[int(token)] if isinstance(value, list) else value[token]
    return value


@given(samples(), st.data())
def test_a_folder_around_it_changes_nothing_in_that(folder: Path, sample: Sample, data: st.DataObject) -> None:
    assume(sample.kind == "runtime-config")
    (folder / "config.json").write_bytes(sample.data)
    host = data.draw(st.booleans(), "host")
    asked = Selection(spec_version=sample.spec_version, platform=sample.platform)
    report = check_bundle(folder, asked, BundleOptions(host=host))
    assert_whole(report, expected_clauses(sample.kind, report))
    alone = judged(sample, folder)
    needs_more = {result.clause.id for result in alone.results if result.outcome is Outcome.SKIP}
    assert points(alone) == {point for point in points(report) if point[0] not in needs_more}


# --- It can be shown


@FEW
@given(
    samples(),
    st.builds(
        Options,
        fail_on=st.sampled_from([Severity.ERROR, Severity.WARNING]),
        verbose=st.integers(0, 2),
        quiet=st.booleans(),
        colour=st.booleans(),
        tap_version=st.sampled_from([13, 14]),
    ),
)
def test_every_format_shows_the_answer(folder: Path, sample: Sample, options: Options) -> None:
    report = judged(sample, folder, EVERYTHING)
    code = exit_code([report], options.fail_on)
    texts = {name: render(name, [report], options) for name in FORMATS}
    for text in texts.values():
        assert text.encode().endswith(b"\n")
    content = json.loads(texts["json"])
    report_schema().validate(content)
    assert content["exit_code"] == code
    assert len(content["reports"][0]["findings"]) == len(report.findings)
    assert parse(texts["tap"]).passed == (code == 0)
    junit = ET.fromstring(texts["junit"])  # noqa: S314 - our own output
    assert (junit.get("failures") == junit.get("errors") == "0") == (code == 0)
    assert len(json.loads(texts["sarif"])["runs"]) == 1


@cache
def report_schema() -> Any:
    return jsonschema_rs.validator_for(resources.read_json("schemas", "output/report.json"))


# --- It rests on the values alone


@FEWER
@given(samples(broken=False), st.sampled_from(["", " ", "\t"]), DICE)
def test_order_and_white_space_change_no_verdict(
    folder: Path, sample: Sample, indent: str, dice: random.Random
) -> None:
    before = judged(sample, folder, EVERYTHING)
    assume(read_document(sample.data).usable)
    again = written(shuffled(sample.tree, dice), indent, ascii_only=dice.random() < 0.5).encode()
    after = judged(sample, folder, EVERYTHING, again)
    assert points(after) == points(before)
    assert outcomes(after) == outcomes(before)


def outcomes(report: Report) -> dict[str, tuple[Outcome, str]]:
    return {result.clause.id: (result.outcome, result.reason) for result in report.results}


# --- It is made of parts


@FEWER
@given(samples(), DICE, st.sampled_from(["must", "should", "may"]))
def test_a_selection_gives_its_part_of_the_answer(
    folder: Path, sample: Sample, dice: random.Random, level: str
) -> None:
    whole = judged(sample, folder, EVERYTHING)
    named = Selection(select=some_clauses(whole, dice), level=level)
    for selection in (named, Selection(level=level), Selection(lint=True)):
        part = judged(sample, folder, selection)
        wanted = [result for result in whole.results if selection.wants(result.clause)]
        predicates = {predicate(result.clause) for result in wanted}
        assert defects(part.findings) == defects(
            finding for finding in whole.findings if predicate(finding.clause) in predicates
        )
        assert outcomes(part) == {result.clause.id: (result.outcome, result.reason) for result in wanted}


@FEWER
@given(samples(), DICE)
def test_what_is_ignored_is_counted_and_no_pass(folder: Path, sample: Sample, dice: random.Random) -> None:
    whole = judged(sample, folder)
    ignored = some_clauses(whole, dice)
    part = judged(sample, folder, Selection(ignore=ignored))
    hidden = {finding for finding in whole.findings if any(matches(finding.clause.id, one) for one in ignored)}
    assert part.suppressed == len(hidden)
    assert part.findings == tuple(finding for finding in whole.findings if finding not in hidden)
    before = outcomes(whole)
    assert {clause: before[clause] for clause in outcomes(part)} == outcomes(part)


def some_clauses(report: Report, dice: random.Random) -> tuple[str, ...]:
    """Patterns that mean some clauses of a report, with luck such as have failed."""
    results = [result for result in report.results if result.outcome is Outcome.FAIL] or report.results
    chosen = [dice.choice(results).clause.id, dice.choice(report.results).clause.id]
    return (chosen[0], f"*.{chosen[1].rpartition('.')[2]}", chosen[1].rpartition(".")[0])[dice.randrange(3) :]


def predicate(clause: Clause) -> str:
    """What a clause shares with one that says the same."""
    return clause.same_as or clause.id


def defects(findings: Iterable[Finding]) -> list[tuple[str, Location, str]]:
    """What the findings say, whichever of the clauses that say the same is named, in order."""
    return sorted(
        ((predicate(finding.clause), finding.location, finding.message) for finding in findings),
        key=lambda defect: (defect[1].line or 0, defect[1].column or 0, defect[0]),
    )


# --- Two validators agree


@given(samples(), st.sampled_from(RUNTIME_RELEASES))
def test_another_validator_comes_to_the_same_verdict(sample: Sample, release: str) -> None:
    document = read_document(sample.data)
    assume(document.usable and not document.problems)
    sound, by_annotated = validators(sample.kind, release)
    want = sound.is_valid(document.value)
    # An oracle that knows doubles alone gets one that is no integer either.
    value = doubles(document.value)
    assert by_annotated.is_valid(value) == want
    assert (not list(schema.validate(sample.kind, release, document.value))) == want


def doubles(value: Any) -> Any:
    """The value with a plain fraction for each number that only looks like an integer as a double."""
    if isinstance(value, dict):
        return {name: doubles(member) for name, member in value.items()}
    if isinstance(value, list):
        return [doubles(entry) for entry in value]
    return 0.5 if isinstance(value, Inexact) else value


@cache
def validators(kind: str, release: str) -> tuple[Any, Any]:
    """That of jsonschema and that of jsonschema-rs, for the schema with our annotations."""
    annotated = schema.derive(kind, release)
    return jsonschema.Draft202012Validator(annotated), jsonschema_rs.Draft202012Validator(annotated)


# --- Members that nobody knows


@FEWER
@given(samples(broken=False), DICE)
def test_an_unknown_member_is_never_an_error(folder: Path, sample: Sample, dice: random.Random) -> None:
    assume(sample.kind != "runtime-features")  # features.md forbids such members
    document = read_document(sample.data)
    assume(document.usable and not document.problems)
    tree = tree_of(document.value)
    places = closed_objects(tree, schema.everything(sample.kind))
    assume(places)
    members = dice.choice(places)
    members.insert(dice.randrange(len(members) + 1), ("com.example.unknown", dice.choice([1, None, [], "x"])))
    before, after = judged(sample, folder, EVERYTHING), judged(sample, folder, EVERYTHING, written(tree).encode())
    added = points(after) - points(before)
    assert {clause for clause, _, severity in added if severity is Severity.ERROR} == set()
    assert {clause for clause, _, _ in added} <= {"lint/members.unknown"}
    assert points(before) <= points(after)


def closed_objects(tree: Tree, node: schema.Node) -> list[Members]:
    """The objects in which a member of any name is not just one more entry."""
    if not isinstance(tree, Members):
        items = tree if isinstance(tree, list) and "items" in node else []
        return [found for item in items for found in closed_objects(item, node["items"])]
    found = [] if "additionalProperties" in node else [tree]
    members = node.get("properties", {})
    for name, member in tree:
        if name in members:
            found += closed_objects(member, members[name])
        elif "additionalProperties" in node:
            found += closed_objects(member, node["additionalProperties"])
        else:
            found += [inner for inner in containers(member) if isinstance(inner, Members)]
    return found
