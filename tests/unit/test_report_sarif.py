from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ocivalidate.report import render
from ocivalidate.rules.findings import Location, Report
from ocivalidate.rules.references import SITE
from tests.reports import (
    ALL,
    ALL_SKIPPED,
    BROKEN,
    CONFORMING,
    CUT_OFF,
    ESCAPES,
    HOSTILE,
    HOSTILE_PROBLEM,
    NOT_ABSOLUTE,
    OPTIONS,
    RUNTIME,
    UNREADABLE,
    bundle,
)

EXPLAIN = "ocivalidate explain runtime/config.process.cwd.absolute"
SCHEMA = json.loads((Path(__file__).parent.parent / "data" / "schemas" / "sarif-schema-2.1.0.json").read_bytes())
VALIDATOR = jsonschema.Draft7Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
RUNS: dict[str, list[Report]] = {
    "none": [],
    "conforming": [CONFORMING],
    "all": [*ALL],
    "hostile": [HOSTILE, HOSTILE_PROBLEM],
}


def sarif(*reports: Report, verbose: int = 0) -> Any:
    (run,) = json.loads(render("sarif", reports, replace(OPTIONS, verbose=verbose)))["runs"]
    return run


def uri(file: str) -> str:
    (result,) = sarif(bundle(replace(NOT_ABSOLUTE, location=Location(file))))["results"]
    value: str = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    return value


@pytest.mark.parametrize("verbose", [0, 1])
@pytest.mark.parametrize("name", RUNS)
def test_it_is_what_the_standard_says(name: str, verbose: int) -> None:
    log = json.loads(render("sarif", RUNS[name], replace(OPTIONS, verbose=verbose)))
    VALIDATOR.validate(log)
    run = log["runs"][0]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules))
    assert [rules[result["ruleIndex"]] for result in run["results"]] == [result["ruleId"] for result in run["results"]]
    assert len({"suppressions" in result for result in run["results"]}) <= 1


def test_a_finding() -> None:
    run = sarif(bundle(NOT_ABSOLUTE))
    (result,) = run["results"]
    fingerprints = result.pop("partialFingerprints")
    assert result == {
        "ruleId": "runtime/config.process.cwd.absolute",
        "ruleIndex": 0,
        "kind": "fail",
        "level": "error",
        "message": {"text": 'process.cwd is not an absolute path: got "app", want a path that starts with /'},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "b/config.json", "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": 14, "startColumn": 12, "endColumn": 17},
                },
                "logicalLocations": [{"fullyQualifiedName": "/process/cwd"}],
            }
        ],
        "suppressions": [],
    }
    assert list(fingerprints) == ["primaryLocationLineHash", "clauseAndPlace/v2"]
    assert run["originalUriBaseIds"] == {"%SRCROOT%": {"description": {"text": "The root of the checkout."}}}
    assert run["columnKind"] == "unicodeCodePoints"


def test_a_rule() -> None:
    clause = replace(NOT_ABSOLUTE.clause, since="1.0.0", until="1.1.0", summary="cwd is `absolute`")
    driver = sarif(bundle(replace(NOT_ABSOLUTE, clause=clause)))["tool"]["driver"]
    url = "https://github.com/opencontainers/runtime-spec/blob/v1.1.0/config.md#process"
    page = f"{SITE}clauses/{clause.id}.html"
    assert (driver["name"], driver["version"]) == ("ocivalidate", "1.2.3")
    assert driver["rules"] == [
        {
            "id": "runtime/config.process.cwd.absolute",
            "shortDescription": {"text": "cwd is `absolute`"},
            "fullDescription": {"text": "cwd is `absolute` (MUST in config.md#process)."},
            "help": {
                "text": f"cwd is `absolute` (MUST in config.md#process). {EXPLAIN} says more.",
                "markdown": f"cwd is \\`absolute\\`\n\n[MUST in config.md\\#process]({url})\n\n"
                f"[examples and more]({page}), `{EXPLAIN}`",
            },
            "helpUri": page,
            "defaultConfiguration": {"level": "error"},
            "properties": {"tags": ["runtime", "MUST"], "level": "MUST", "since": "1.0.0", "until": "1.1.0"},
        }
    ]


def test_a_clause_of_no_specification_links_to_its_page() -> None:
    (rule,) = sarif(bundle(ESCAPES))["tool"]["driver"]["rules"]
    assert rule["helpUri"] == f"{SITE}clauses/safety/mounts.escape.html"
    assert rule["fullDescription"]["text"] == "What safety/mounts.escape asks for (safety clause)."


def test_rules_are_only_those_of_the_results() -> None:
    assert sarif(CONFORMING)["tool"]["driver"]["rules"] == []
    assert len(sarif(BROKEN)["tool"]["driver"]["rules"]) == 4


def test_passes_are_listed_when_asked_for() -> None:
    assert sarif(CONFORMING)["results"] == []
    (result,) = sarif(CONFORMING, verbose=1)["results"]
    assert (result["kind"], result["level"], result["ruleId"]) == ("pass", "none", "runtime/config.process.args.type")


def test_the_outcomes_of_a_runtime() -> None:
    run = sarif(RUNTIME)
    expected, unexpected = run["results"]
    assert expected["suppressions"] == [{"kind": "external", "justification": "runc#1234, fixed in 1.3"}]
    artifact = {"uri": "conformance/kill.py", "uriBaseId": "%SRCROOT%"}
    physical = {"artifactLocation": artifact, "region": {"startLine": 41}}
    names = [{"fullyQualifiedName": "kill.stopped"}]
    assert expected["locations"] == [{"physicalLocation": physical, "logicalLocations": names}]
    assert (unexpected["level"], unexpected["suppressions"]) == ("error", [])
    assert "remove the expectation for runtime/runtime.state.pid" in unexpected["message"]["text"]
    (invocation,) = run["invocations"]
    (notification,) = invocation["toolExecutionNotifications"]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 2)
    assert notification["message"]["text"] == "runc: runtime/runtime.create.unique-id: no answer within 20 s"
    assert notification["associatedRule"]["id"] == "runtime/runtime.create.unique-id"


@pytest.mark.parametrize(
    ("reports", "message"),
    [
        ([], "nothing was judged"),
        ([UNREADABLE], "c: c: no such file or folder"),
        ([CUT_OFF], "d: the report is incomplete"),
        ([ALL_SKIPPED], "e: nothing was judged"),
    ],
)
def test_what_could_not_be_judged_is_a_failed_execution(reports: list[Report], message: str) -> None:
    (invocation,) = sarif(*reports)["invocations"]
    assert not invocation["executionSuccessful"]
    assert [each["message"]["text"] for each in invocation["toolExecutionNotifications"]] == [message]


@pytest.mark.parametrize(("report", "code"), [(CONFORMING, 0), (BROKEN, 1)])
def test_findings_are_a_successful_execution(report: Report, code: int) -> None:
    (invocation,) = sarif(report)["invocations"]
    assert invocation == {"executionSuccessful": True, "exitCode": code, "toolExecutionNotifications": []}


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("b/config.json", "b/config.json"),
        ("./b/../config.json", "config.json"),
        ("a b/ü#?%.json", "a%20b/%C3%BC%23%3F%25.json"),
        ("c:d/e", "c%3Ad/e"),
        ("/srv/a b/config.json", "file:///srv/a%20b/config.json"),
        ("x\udcff", "x%FF"),
        ("x\ud800", "x%ED%A0%80"),
        ("-", "-"),
    ],
)
def test_a_path_is_a_uri(file: str, expected: str) -> None:
    assert uri(file) == expected


def test_a_fingerprint_does_not_move_with_the_line() -> None:
    moved = replace(NOT_ABSOLUTE, location=replace(NOT_ABSOLUTE.location, line=99, column=1))
    elsewhere = replace(NOT_ABSOLUTE, location=replace(NOT_ABSOLUTE.location, pointer="/process/other"))
    prints = [
        sarif(bundle(finding))["results"][0]["partialFingerprints"] for finding in (NOT_ABSOLUTE, moved, elsewhere)
    ]
    assert prints[0] == prints[1]
    assert prints[0] != prints[2]


def test_the_same_violation_twice_is_two_results() -> None:
    report = bundle(NOT_ABSOLUTE, replace(NOT_ABSOLUTE, message="again"))
    prints = [result["partialFingerprints"]["clauseAndPlace/v2"] for result in sarif(report)["results"]]
    assert [each.partition(":")[2] for each in prints] == ["1", "2"]


def test_messages_hold_no_placeholder_and_no_link() -> None:
    report = bundle(replace(NOT_ABSOLUTE, message="see [x](https://example.org) {0} }{", got="", want=""))
    assert sarif(report)["results"][0]["message"]["text"] == r"see [x\](https://example.org) {{0}} }}{{"


def test_a_hostile_report_is_ascii_without_lone_surrogates() -> None:
    text = render("sarif", [HOSTILE, HOSTILE_PROBLEM], OPTIONS)
    assert text.isascii()
    assert "\\ud800" not in text.replace("\\\\", "")
    json.dumps(json.loads(text), ensure_ascii=False).encode()
