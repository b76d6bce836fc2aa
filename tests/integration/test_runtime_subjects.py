"""Real runtimes: what they are known to do otherwise is expected, all else conforms, and the host stays as it was."""

from __future__ import annotations

import gzip
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ocivalidate.coverage import unjudged
from ocivalidate.programme.reading import read_records
from ocivalidate.resources import folder as resource
from ocivalidate.rules.clauses import Level, load
from ocivalidate.runtime.properties import properties
from ocivalidate.runtime.running.loading import load_cases
from tests.integration.enclosure import why_not_root
from tests.integration.host import snapshot

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(why_not_root() is not None, reason=str(why_not_root())),
]

# Those of the system, and whatever the environment names besides.
SUBJECTS = ["runc", "crun", *filter(None, os.environ.get("OCIVALIDATE_SUBJECTS", "").split(os.pathsep))]
JUDGED = ("pass", "fail", "xfail", "xpass")
# How much of the dynamic MUST and MUST NOT clauses, and of the properties, is to be judged at least.
CLAUSES, PROPERTIES = 0.85, 0.80


@pytest.fixture(scope="module", params=SUBJECTS)
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report on one runtime, with ``exit``, what it ``said``, and what is ``left`` on the host that was not.

    runc is run as ``docs/programme.md`` runs a runtime that is to be handed in, in ``folder``: by another name.
    """
    runtime = str(request.param)
    if shutil.which(runtime) is None:
        pytest.skip(f"{runtime} is not installed")
    folder = tmp_path_factory.mktemp("report")
    file = folder / "report.json"
    before = snapshot()
    words = ["runtime", "--runtime", runtime]
    if runtime == "runc":
        (folder / "my-runtime").write_text('#!/bin/sh\nexec runc "$@"\n', encoding="utf-8")
        (folder / "my-runtime").chmod(0o755)
        words = documented()[0]
    done = subprocess.run(
        [sys.executable, "-m", "ocivalidate", *words, "--no-config", "--output", f"json={file}"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    content = json.loads(file.read_text()) if file.exists() else {"reports": [{"results": [], "findings": []}]}
    found: dict[str, Any] = content["reports"][0]
    mine = str(found.get("facts", {}).get("prefix", "")).rstrip("-")
    # Another run of ours on this host has things of its own.
    left = {thing for thing in snapshot() - before if mine in thing or thing.startswith("mount")}
    return found | {
        "exit": done.returncode,
        "said": done.stdout[-3000:] + done.stderr,
        "left": left,
        "folder": folder,
    }


def documented() -> list[list[str]]:
    """The three commands that hand in a runtime, without the name of the program."""
    page = (Path(__file__).parents[2] / "docs" / "programme.md").read_text(encoding="utf-8")
    block = page.partition("```console\n")[2].partition("```")[0]
    lines = [shlex.split(line[2:]) for line in block.splitlines()]
    assert [line[0] for line in lines] == ["ocivalidate"] * 3
    return [line[1:] for line in lines]


def test_only_known_deviations(report: dict[str, Any]) -> None:
    wrong = [
        (result["outcome"], result["case"], result["clause"], result["reason"])
        for result in report["results"]
        if result["outcome"] in ("fail", "error", "xpass")
    ]
    warnings = {finding["location"]["case"] for finding in report["findings"] if finding["severity"] != "error"}
    assert [entry for entry in wrong if entry[1] not in warnings] == []
    assert report["exit"] == 0, report["said"]


def test_most_clauses_are_judged(report: dict[str, Any]) -> None:
    judged = {result["clause"] for result in report["results"] if result["outcome"] in JUDGED}
    must = [
        clause.id
        for clause in load("runtime").values()
        if clause.judged == "dynamic"
        and clause.level in (Level.MUST, Level.MUST_NOT)
        and clause.holds_in(report["release"])
        and clause.concerns({"linux"})
    ]
    missed = [clause for clause in must if clause not in judged]
    assert len(must) - len(missed) >= CLAUSES * len(must), missed
    if report["release"] == "1.3.0":
        assert len(judged) >= 150
    # Whatever is not judged here was skipped for a fact, or stands in the list with its reason.
    skipped = {result["clause"] for result in report["results"] if result["outcome"] == "skip"}
    assert [clause for clause in missed if clause not in skipped and clause not in unjudged()] == []


def test_most_properties_are_observed(report: dict[str, Any]) -> None:
    ran = {result["case"] for result in report["results"] if result["outcome"] in JUDGED}
    observed = {pointer for case in load_cases(resource("conformance")) if case.id in ran for pointer in case.sets}
    leaves = [leaf.pointer for leaf in properties() if leaf.holds_in(report["release"])]
    missed = [pointer for pointer in leaves if pointer not in observed]
    assert len(leaves) - len(missed) >= PROPERTIES * len(leaves), missed


def test_the_host_is_as_it_was(report: dict[str, Any]) -> None:
    assert sorted(report["left"]) == []


def test_every_skip_has_a_reason(report: dict[str, Any]) -> None:
    assert [result for result in report["results"] if result["outcome"] == "skip" and not result["reason"]] == []


def test_a_runtime_is_handed_in_by_three_commands(report: dict[str, Any]) -> None:
    folder: Path = report["folder"]
    if not (folder / "my-runtime").exists():
        pytest.skip("only runc is handed in")
    _run, check, page = documented()
    assert "ocivalidate: wrote results/my-runtime/1.0+" in report["said"]
    checked = command_line(check, folder)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "results: 1 sound record, 0 faults\n", "")
    [record] = read_records(folder / "results")
    assert (record.name, record.version, record.said.name) == ("my-runtime", "1.0", "runc")
    outcomes = {(one["case"], one["clause"]): one["outcome"] for one in report["results"]}
    bare = {"xfail": "fail", "xpass": "pass"}
    assert {(one.case, one.clause): one.outcome for one in record.outcomes} == {
        key: bare.get(outcome, outcome) for key, outcome in outcomes.items()
    }
    assert record.timings.keys() == {"create", "start", "state", "kill", "delete"}
    assert all(0 < one.low <= one.median <= one.high for one in record.timings.values())
    shown = command_line(page, folder)
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, "", "")
    [made] = (folder / "page").iterdir()
    assert "my-runtime" in made.read_text(encoding="utf-8")
    edited_and_cut(check, folder)


def edited_and_cut(check: list[str], folder: Path) -> None:
    """What was edited or cut is refused."""
    [file] = (folder / "results").glob("*/*/results.json.gz")
    before = file.read_bytes()
    text = gzip.decompress(before).replace(b'"outcome":"fail"', b'"outcome":"skip"', 1)
    for after in (before[:-1], gzip.compress(text), before + b"\n"):
        file.write_bytes(after)
        refused = command_line(check, folder)
        assert refused.returncode == 1
        assert refused.stdout.startswith("results/my-runtime/1.0+")
        assert refused.stdout.count("\n") == 2


def command_line(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ocivalidate", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("path", [Path("/bin/true"), Path("/bin/false")])
def test_what_is_no_runtime_never_conforms(path: Path) -> None:
    command = [sys.executable, "-m", "ocivalidate", "runtime", "--no-config", "--runtime", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "Bail out!" in done.stdout
