"""What GitHub demands of a SARIF log, held without programs of others; the rules are those of the SARIF multitool."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from ocivalidate.report import render
from ocivalidate.report.sarif import MOST_RESULTS
from ocivalidate.rules.clauses import Severity, load
from ocivalidate.rules.findings import Outcome, Report, Result
from ocivalidate.rules.references import SITE
from tests.reports import ALL, BROKEN, ESCAPES, HOSTILE, HOSTILE_PROBLEM, NOT_ABSOLUTE, OPTIONS, RUN, bundle

RUNS: dict[str, list[Report]] = {
    "none": [],
    "all": [*ALL],
    "run": [RUN],
    "hostile": [HOSTILE, HOSTILE_PROBLEM],
    "elsewhere": [replace(BROKEN, subject="/srv/b", file="/srv/b/config.json")],
}
ANCHORED = f"{SITE}clauses/"


def objections(log: Any) -> Iterator[str]:
    """What keeps GitHub from taking the log or from showing a result in it."""
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    if not urlsplit(driver["informationUri"]).netloc:
        yield "no informationUri (SARIF2005)"
    for rule in driver["rules"]:
        texts = [rule[name]["text"] for name in ("shortDescription", "fullDescription", "help")]
        if not all(0 < len(text) <= 1024 for text in texts):
            yield f"{rule['id']}: a text is missing or too long (GH2012)"
        if not rule["helpUri"].startswith(ANCHORED):
            yield f"{rule['id']}: no helpUri"
        if len(rule["properties"]["tags"]) > 10:
            yield f"{rule['id']}: tags"
    for number, count in (("results", MOST_RESULTS), ("rules", 25_000)):
        if len(run[number] if number == "results" else driver[number]) > count:
            yield f"too many {number} (GH1004)"
    root = run["invocations"][0].get("workingDirectory", {}).get("uri", "")
    for result in run["results"]:
        yield from _objections_to_result(result, root)
    names = [result["partialFingerprints"]["primaryLocationLineHash"] for result in run["results"]]
    if len(names) != len(set(names)):
        yield "two results are one to GitHub"


def _objections_to_result(result: Any, root: str) -> Iterator[str]:
    if not 0 < len(result["message"]["text"]) <= 3000:
        yield "a message is missing or too long (GH1015)"
    (location,) = result["locations"]
    artifact = location["physicalLocation"]["artifactLocation"]
    if location["physicalLocation"]["region"]["startLine"] < 1:
        yield "no line (GH1003)"
    uri = artifact["uri"]
    scheme = urlsplit(uri).scheme
    if not uri or scheme not in ("", "file"):
        yield f"{uri} is not a file (GH1005)"
    if scheme == "file" and not (root.startswith("file:///") and root.endswith("/")):
        yield f"{uri} is absolute, and nothing says where the checkout is (GH1006)"
    if (scheme == "") != (artifact.get("uriBaseId") == "%SRCROOT%"):
        yield f"{uri}: uriBaseId (SARIF1004)"


@pytest.mark.parametrize("verbose", [0, 1])
@pytest.mark.parametrize("name", RUNS)
def test_github_takes_it(name: str, verbose: int) -> None:
    options = replace(OPTIONS, verbose=verbose, root="/w/repo")
    assert [*objections(json.loads(render("sarif", RUNS[name], options)))] == []


def test_every_clause_is_a_rule_that_github_takes() -> None:
    results = tuple(Result(clause, Outcome.PASS) for clause in load().values())
    report = Report("bundle", "b", "runtime-spec", results=results)
    log = json.loads(render("sarif", [report], replace(OPTIONS, verbose=1)))
    assert [*objections(log)] == []
    assert len(log["runs"][0]["tool"]["driver"]["rules"]) == len(load())


def test_of_too_many_results_the_gravest_are_kept_and_the_others_counted() -> None:
    light = replace(ESCAPES, severity=Severity.WARNING)
    report = bundle(*[light] * MOST_RESULTS, NOT_ABSOLUTE)
    (run,) = json.loads(render("sarif", [replace(report, results=report.results[:1])], OPTIONS))["runs"]
    assert len(run["results"]) == MOST_RESULTS
    assert run["results"][-1]["level"] == "error"
    (told,) = run["invocations"][0]["toolExecutionNotifications"]
    assert told["message"]["text"].startswith("1 results are left out")
