"""Of each kind of finding the first are shown and the others counted, in every format, and none is lost."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ocivalidate.bundle.api import check_config
from ocivalidate.image import check_image
from ocivalidate.keeping import MOST_OF_A_KIND
from ocivalidate.rules.clauses import Selection, Severity
from ocivalidate.rules.findings import ExitCode, Report, exit_code
from tests.unit.command_line import GOOD, Command, complaint

MANY = 70
DESTINATION = "runtime/config.mounts.destination.required"
RELATIVE = "runtime/config.mounts.destination.absolute-linux"


def config(**members: Any) -> bytes:
    """The sound sample with some members replaced."""
    document = json.loads(Path(GOOD, "config.json").read_text(encoding="utf-8"))
    return json.dumps(document | members).encode()


def found(report: Report, clause: str) -> list[int]:
    """How many more there are of each finding on a clause."""
    return [finding.more for finding in report.findings if finding.clause.id == clause]


FLOATS = b'"additionalGids": [' + b", ".join([b"1.0"] * MANY) + b"]"
# Each gives MANY findings of one kind: what finds them, and the clause.
KINDS: dict[str, tuple[Callable[[], bytes], str]] = {
    "schema, absent member": (lambda: config(mounts=[{}] * MANY), DESTINATION),
    "schema, wrong type": (lambda: config(mounts=[1] * MANY), "runtime/config.mounts.type"),
    "check": (lambda: config(mounts=[{"destination": "a", "type": "tmpfs"}] * MANY), RELATIVE),
    "strangers": (lambda: config(**{f"com{n}": 1 for n in range(MANY)}), "lint/members.unknown"),
    "names of a map": (
        lambda: config(annotations={f"a{n}": 1 for n in range(MANY)}),
        "runtime/config.annotations.type",
    ),
    "integers written as none": (
        lambda: config().replace(b'"uid": 1000', b'"uid": 1000, ' + FLOATS),
        "lint/json.integer-notation",
    ),
    "repeated names": (
        lambda: config(annotations={})[:-1] + b', "x": {' + b", ".join([b'"a": 1'] * (MANY + 1)) + b"}}",
        "runtime/glossary.json.no-duplicate-names",
    ),
    "numbers out of range": (
        lambda: config()[:-1] + b', "x": [' + b", ".join([b"1e999"] * MANY) + b"]}",
        "safety/json.number-range",
    ),
}


@pytest.mark.parametrize("name", KINDS)
def test_the_first_of_a_kind_are_kept_and_the_others_counted(name: str) -> None:
    make, clause = KINDS[name]
    report = check_config(make())
    kept = found(report, clause)
    assert kept == [0] * (MOST_OF_A_KIND - 1) + [MANY - MOST_OF_A_KIND]
    everything = check_config(make(), selection=Selection(most=None))
    assert found(everything, clause) == [0] * MANY
    assert everything.severities() == report.severities()
    ignored = check_config(make(), selection=Selection(ignore=(clause,)))
    assert ignored.suppressed == MANY


def test_those_that_are_kept_are_the_first() -> None:
    report = check_config(config(mounts=[{}] * MANY))
    pointers = [finding.location.pointer for finding in report.findings if finding.clause.id == DESTINATION]
    assert pointers == [f"/mounts/{number}" for number in range(MOST_OF_A_KIND)]
    assert all(finding.location.line for finding in report.findings)


def test_places_of_another_pattern_are_another_kind() -> None:
    report = check_config(config(mounts=[{}] * MANY, linux={"devices": [{}] * MANY}))
    assert len(found(report, DESTINATION)) == MOST_OF_A_KIND
    assert len(found(report, "runtime/config-linux.devices.path.required")) == MOST_OF_A_KIND


def test_what_weighs_more_is_never_hidden_behind_what_weighs_less() -> None:
    """Every severity has its own first findings, so that --fail-on sees the gravest."""
    report = check_config(config(mounts=[{}] * MANY), selection=Selection(most=1))
    assert exit_code([report]) is ExitCode.FINDINGS
    strange = check_config(config(**{f"com{n}": 1 for n in range(MANY)}), selection=Selection(most=1))
    assert exit_code([strange]) is ExitCode.CONFORMS
    assert exit_code([strange], Severity.WARNING) is ExitCode.FINDINGS
    assert strange.severities()[Severity.WARNING] == MANY


def test_findings_on_many_documents_of_an_image_are_one_kind(tmp_path: Path) -> None:
    index = {"schemaVersion": 2, "manifests": [{"mediaType": "a/b", "digest": "sha256:x", "size": 1}] * MANY}
    (tmp_path / "index.json").write_text(json.dumps(index), encoding="utf-8")
    report = check_image(str(tmp_path))
    kinds = {finding.clause.id for finding in report.findings if finding.more}
    assert kinds
    for clause in kinds:
        assert len(found(report, clause)) == MOST_OF_A_KIND
        assert sum(found(report, clause)) == MANY - MOST_OF_A_KIND


@pytest.fixture
def bundle(tmp_path: Path) -> str:
    path = tmp_path / "c.json"
    path.write_bytes(config(mounts=[{}] * MANY))
    return str(path)


def test_text_says_how_many_more(say: Command, bundle: str) -> None:
    said = say("bundle", bundle, "--select", DESTINATION)
    assert said.code == 1
    assert said.out.count(f"error[{DESTINATION}]") == MOST_OF_A_KIND
    assert said.out.count("and 50 more (--max-findings all shows them)") == 1
    assert f"{MANY} errors against" in said.out.splitlines()[-1]
    quiet = say("bundle", bundle, "--select", DESTINATION, "-q")
    assert [line.endswith("and 50 more (--max-findings all shows them)") for line in quiet.out.splitlines()[:-1]] == [
        *[False] * (MOST_OF_A_KIND - 1),
        True,
    ]


def test_every_other_format_says_how_many_more(say: Command, bundle: str) -> None:
    report = say("bundle", bundle, "--select", DESTINATION, "--format", "json").json["reports"][0]
    assert [finding.get("more", 0) for finding in report["findings"]] == [0] * 19 + [50]
    assert report["counts"]["severities"]["error"] == MANY
    assert f"  findings: {MANY}\n" in say("bundle", bundle, "--select", DESTINATION, "--format", "tap").out
    assert say("bundle", bundle, "--select", DESTINATION, "--format", "junit").out.count("and 50 more") == 1
    (run,) = say("bundle", bundle, "--select", DESTINATION, "--format", "sarif").json["runs"]
    assert [result.get("properties") for result in run["results"]] == [None] * 19 + [{"more": 50}]
    assert run["results"][-1]["message"]["text"].endswith("and 50 more (--max-findings all shows them)")


@pytest.mark.parametrize(("written", "shown"), [("1", 1), ("69", 69), ("70", 70), ("all", 70), ("9999999", 70)])
def test_the_number_is_an_option(say: Command, bundle: str, written: str, shown: int) -> None:
    out = say("bundle", bundle, "--select", DESTINATION, "--max-findings", written).out
    assert out.count(f"error[{DESTINATION}]") == shown
    assert bool(re.search("and [0-9]+ more", out)) == (shown < MANY)


@pytest.mark.parametrize("written", ["2", '"2"', '"all"'])
def test_the_number_is_a_setting(say: Command, bundle: str, tmp_path: Path, written: str) -> None:
    (tmp_path / "ocivalidate.toml").write_text(f"max-findings = {written}\n", encoding="utf-8")
    said = say("bundle", bundle, "--select", DESTINATION, "--config", str(tmp_path / "ocivalidate.toml"))
    assert said.out.count(f"error[{DESTINATION}]") == (MANY if "all" in written else 2)


@pytest.mark.parametrize("written", ["0", "-1", "", "some", "1.5", "9" * 30])
def test_anything_else_is_no_number(say: Command, bundle: str, written: str) -> None:
    assert "--max-findings needs a number of at least 1, or all" in complaint(
        say("bundle", bundle, "--select", DESTINATION, f"--max-findings={written}")
    )
