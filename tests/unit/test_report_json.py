from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from ocivalidate import resources
from ocivalidate.report import render
from ocivalidate.report.escape import json_shield
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import Report
from tests.reports import (
    ALL,
    BROKEN,
    CONFORMING,
    HOSTILE,
    HOSTILE_PROBLEM,
    NASTY,
    NOT_ABSOLUTE,
    OPTIONS,
    RUNTIME,
    bundle,
)

SCHEMA = resources.read_json("schemas", "output/report.json")
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def read(*reports: Report, fail_on: Severity = Severity.ERROR) -> Any:
    return json.loads(render("json", reports, replace(OPTIONS, fail_on=fail_on)))


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    "reports", [[], [BROKEN], [*ALL], [HOSTILE, HOSTILE_PROBLEM]], ids=["none", "one", "all", "hostile"]
)
def test_it_is_what_the_schema_says(reports: list[Report]) -> None:
    VALIDATOR.validate(read(*reports))


@pytest.mark.parametrize("name", ["schema", "tool", "fail_on", "reports", "exit_code", "complete"])
def test_the_schema_refuses_a_document_that_lacks_a_member(name: str) -> None:
    document = read(BROKEN)
    del document[name]
    assert not VALIDATOR.is_valid(document)


def test_the_document_names_its_schema_and_ends_with_its_footer() -> None:
    document = read(CONFORMING)
    assert document["schema"] == SCHEMA["$id"]
    assert document["tool"] == {"name": "ocivalidate", "version": "1.2.3"}
    assert list(document)[-1] == "complete"
    assert render("json", [CONFORMING], OPTIONS).endswith('\n  "complete": true\n}\n')


@pytest.mark.parametrize(("reports", "code"), [([CONFORMING], 0), ([BROKEN], 1), ([CONFORMING, RUNTIME], 2), ([], 2)])
def test_the_exit_code_is_said(reports: list[Report], code: int) -> None:
    assert read(*reports)["exit_code"] == code


def test_the_exit_code_follows_fail_on() -> None:
    contested = replace(NOT_ABSOLUTE.clause, contested="the text says otherwise elsewhere")
    report = bundle(replace(NOT_ABSOLUTE, clause=contested, severity=Severity.WARNING))
    assert read(report)["exit_code"] == 0
    assert read(report, fail_on=Severity.WARNING)["exit_code"] == 1


def test_a_finding_is_whole() -> None:
    (finding,) = read(bundle(NOT_ABSOLUTE))["reports"][0]["findings"]
    assert finding == {
        "clause": "runtime/config.process.cwd.absolute",
        "level": "MUST",
        "severity": "error",
        "message": "process.cwd is not an absolute path",
        "location": {
            "file": "b/config.json",
            "pointer": "/process/cwd",
            "line": 14,
            "column": 12,
            "end_column": 17,
            "text": '    "cwd": "app",',
        },
        "got": '"app"',
        "want": "a path that starts with /",
        "hint": "",
        "reference": {
            "document": "config.md",
            "anchor": "process",
            "url": "https://github.com/opencontainers/runtime-spec/blob/v1.3.0/config.md#process",
        },
    }


def test_a_clause_that_ended_is_linked_where_it_stands() -> None:
    finding = replace(NOT_ABSOLUTE, clause=replace(NOT_ABSOLUTE.clause, until="1.0.2", anchor=""))
    (found,) = read(bundle(finding))["reports"][0]["findings"]
    assert found["reference"]["url"] == "https://github.com/opencontainers/runtime-spec/blob/v1.0.2/config.md"


def test_the_pointer_of_the_whole_document_is_kept() -> None:
    finding = replace(NOT_ABSOLUTE, location=replace(NOT_ABSOLUTE.location, pointer=""))
    assert read(bundle(finding))["reports"][0]["findings"][0]["location"]["pointer"] == ""


def test_a_very_long_line_is_not_repeated_in_every_finding() -> None:
    finding = replace(NOT_ABSOLUTE, location=replace(NOT_ABSOLUTE.location, text="x" * 10_000_000))
    assert "text" not in read(bundle(finding))["reports"][0]["findings"][0]["location"]


def test_counts_agree_with_the_last_line() -> None:
    assert read(BROKEN)["reports"][0]["counts"] == {
        "judged": 5,
        "failed": 3,
        "outcomes": {"pass": 1, "fail": 4, "skip": 2, "error": 0, "xfail": 0, "xpass": 0},
        "severities": {"error": 1, "warning": 2, "note": 1},
    }


def test_the_evidence_of_an_expected_failure_is_kept() -> None:
    (report,) = read(RUNTIME)["reports"]
    evidence = {result["clause"]: result.get("findings") for result in report["results"]}
    assert report["findings"] == []
    assert [finding["message"] for finding in evidence.pop("runtime/runtime.kill.stopped")] == [
        "kill of a stopped container succeeded"
    ]
    assert set(evidence.values()) == {None}


def test_foreign_text_survives_in_ascii_but_for_what_is_no_text() -> None:
    text = render("json", [HOSTILE], OPTIONS)
    (report,) = json.loads(text)["reports"]
    assert text.isascii()
    survived = NASTY.replace("\udcff", r"\udcff").replace("\ud800", r"\ud800")
    assert report["subject"] == "::warning file=" + survived
    assert report["findings"][0]["message"] == survived
    assert report["facts"][survived] == survived


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("a\ud800b\udfff", r"a\ud800b\udfff"),
        ("\U0001f600\udc00\ud83d\ud83d", "\U0001f600" + r"\udc00\ud83d\ud83d"),
        (r"\ud800 \\ud800", r"\ud800 \\ud800"),
        ('\\\ud800"\ud800', r"\\ud800" + '"' + r"\ud800"),
        ("##[error] ###vso[x] #### ##", "##[error] ###vso[x] #### ##"),
        ({"##[k]\ud800": ["\n\\##[v]"]}, {r"##[k]\ud800": ["\n\\##[v]"]}),
    ],
)
def test_a_json_text_acts_on_nobody_and_is_taken_by_strict_readers(value: object, read: object) -> None:
    text = json_shield(json.dumps(value))
    assert "##" not in text
    assert json.loads(text) == read
    json.dumps(json.loads(text), ensure_ascii=False).encode()  # no lone surrogate is left
