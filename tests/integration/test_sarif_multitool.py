"""Microsoft's SARIF multitool (npm: @microsoft/sarif-multitool) finds no fault with us, by its rules and GitHub's."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from ocivalidate.image.api import check_image
from ocivalidate.report import render
from ocivalidate.rules.clauses import load
from ocivalidate.rules.findings import Outcome, Report, Result
from ocivalidate.rules.references import SITE
from tests.reports import ALL, BROKEN, HOSTILE, HOSTILE_PROBLEM, OPTIONS, RUN
from tests.unit.command_line import SAMPLES

pytestmark = pytest.mark.integration

TOOL = shutil.which("sarif-multitool") or shutil.which("sarif")
EVERY = Report("bundle", "b", "runtime-spec", results=tuple(Result(each, Outcome.PASS) for each in load().values()))
RUNS: dict[str, list[Report]] = {
    "none": [],
    "all": [*ALL],
    "run": [RUN],
    "every clause": [EVERY],
    "hostile": [HOSTILE, HOSTILE_PROBLEM],
    "elsewhere": [replace(BROKEN, subject="/srv/b", file="/srv/b/config.json")],
    "image": [check_image(str(SAMPLES / "image-broken"))],
}


def found(log: Path) -> list[str]:
    """The rules by which the tool finds something in a log."""
    assert TOOL is not None
    result = log.with_name("found.sarif")
    arguments = ["validate", str(log), "--rule-kind", "Sarif;Ghas", "--output", str(result)]
    if os.path.realpath(TOOL).endswith(".js"):
        # The program of the npm package hands them to a shell as they are.
        arguments = [shlex.quote(argument) for argument in arguments]
    done = subprocess.run([TOOL, *arguments], capture_output=True, text=True, check=False, timeout=120)
    assert "Analysis completed successfully" in done.stdout, done.stdout
    (run,) = json.loads(result.read_text(encoding="utf-8-sig"))["runs"]
    return [each["ruleId"] for each in run.get("results", [])]


@pytest.mark.skipif(TOOL is None, reason="not installed: sarif-multitool")
@pytest.mark.parametrize("name", RUNS)
def test_the_multitool_finds_nothing(name: str, tmp_path: Path) -> None:
    log = tmp_path / "log.sarif"
    text = render("sarif", RUNS[name], replace(OPTIONS, verbose=1, root="/w/repo"))
    # It tries to reach each address that it has not met, which says nothing of the log and takes minutes.
    log.write_text(re.sub(re.escape(SITE) + r'[^"#)]+', f"{SITE}clauses.html", text), encoding="utf-8")
    assert found(log) == []


@pytest.mark.skipif(TOOL is None, reason="not installed: sarif-multitool")
def test_the_multitool_would_find_what_is_missing(tmp_path: Path) -> None:
    log = tmp_path / "log.sarif"
    whole = json.loads(render("sarif", [BROKEN], OPTIONS))
    del whole["runs"][0]["tool"]["driver"]["rules"][0]["fullDescription"]
    log.write_text(json.dumps(whole), encoding="utf-8")
    assert found(log) == ["GH2012"]
