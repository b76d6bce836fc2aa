from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ocivalidate import BundleOptions, check_bundle, check_image
from ocivalidate.report import render
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import Report
from tests.reports import (
    ALL,
    BROKEN,
    CONFORMING,
    CUT_OFF,
    ESCAPES,
    HOSTILE,
    HOSTILE_PROBLEM,
    IMAGE,
    OPTIONS,
    RUN,
    bundle,
)
from tests.unit.command_line import GOOD, SAMPLES, Command

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "output" / "in-toto.json").read_bytes())
DIGEST = "sha256:" + "ab" * 32


def statement(*reports: Report, fail_on: Severity = Severity.ERROR) -> Any:
    found = json.loads(render("in-toto", reports, replace(OPTIONS, fail_on=fail_on)))
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    return found


@pytest.mark.parametrize("reports", [[], ALL, [RUN], [HOSTILE, HOSTILE_PROBLEM], [CUT_OFF]])
def test_it_is_what_the_schema_says(reports: list[Report]) -> None:
    assert statement(*reports)["predicate"]["result"] == "FAILED"


@pytest.mark.parametrize(
    ("reports", "fail_on", "result"),
    [
        ([CONFORMING], Severity.ERROR, "PASSED"),
        ([BROKEN], Severity.ERROR, "FAILED"),
        ([bundle(ESCAPES)], Severity.ERROR, "WARNED"),
        ([bundle(ESCAPES)], Severity.WARNING, "FAILED"),
        ([IMAGE], Severity.ERROR, "WARNED"),
        ([CONFORMING, BROKEN], Severity.ERROR, "FAILED"),
    ],
)
def test_the_result_is_that_of_the_exit_code(reports: list[Report], fail_on: Severity, result: str) -> None:
    assert statement(*reports, fail_on=fail_on)["predicate"]["result"] == result


def test_clauses_are_the_tests() -> None:
    predicate = statement(BROKEN)["predicate"]
    assert predicate["passedTests"] == ["runtime/config.process.args.type", "lint/members.unknown"]
    assert predicate["warnedTests"] == ["runtime/config.root.path.rootfs", "safety/mounts.escape"]
    assert predicate["failedTests"] == ["runtime/config.process.cwd.absolute"]
    assert statement(CONFORMING, CONFORMING)["predicate"]["passedTests"] == ["b: runtime/config.process.args.type"] * 2
    assert statement(RUN)["predicate"]["failedTests"][0] == "state.pids: runtime/runtime.state.pid"


def test_the_configuration_names_us_and_the_specification() -> None:
    assert statement(CONFORMING)["predicate"]["configuration"] == [
        {"name": "ocivalidate", "uri": "pkg:pypi/ocivalidate@1.2.3"},
        {"name": "runtime-spec 1.2.0", "uri": "https://github.com/opencontainers/runtime-spec/tree/v1.2.0"},
    ]


@pytest.mark.parametrize(
    ("digests", "subject"),
    [
        ([{"name": "x", "digest": DIGEST}] * 2, [{"name": "x", "digest": {"sha256": "ab" * 32}}]),
        ([{"name": "", "digest": DIGEST}], [{"name": "_", "digest": {"sha256": "ab" * 32}}]),
        ([{"name": "x", "digest": "sha256:../../x"}, {"name": "x"}, 7, None], []),
        ("sha256", []),
    ],
)
def test_subjects_are_digests_each_once(digests: object, subject: object) -> None:
    assert statement(replace(CONFORMING, facts={"digests": digests}))["subject"] == subject


def test_a_bundle_is_known_by_its_config() -> None:
    digest = hashlib.sha256(Path(GOOD, "config.json").read_bytes()).hexdigest()
    report = check_bundle(GOOD, None, BundleOptions(digests=True))
    assert statement(report)["subject"] == [{"name": f"{GOOD}/config.json", "digest": {"sha256": digest}}]
    assert "digests" not in check_bundle(GOOD).facts


def test_an_image_is_known_by_what_its_index_leads_to() -> None:
    layout = SAMPLES / "image-good"
    index = json.loads((layout / "index.json").read_bytes())
    wanted = {entry["digest"].removeprefix("sha256:") for entry in index["manifests"]}
    found = {entry["digest"]["sha256"] for entry in statement(check_image(layout))["subject"]}
    assert wanted <= found


def test_the_command_line_has_digests_for_it(say: Command, tmp_path: Path) -> None:
    assert len(say("bundle", GOOD, "--format", "in-toto").json["subject"]) == 1
    say("bundle", GOOD, "--output", "in-toto=s.json")
    assert len(json.loads((tmp_path / "s.json").read_bytes())["subject"]) == 1
    (tmp_path / "state.json").write_text('{"ociVersion": "1.0.2", "id": "a", "status": "created", "bundle": "/b"}')
    assert say("state", "state.json", "--format", "in-toto").json["subject"][0]["name"] == "state.json"
