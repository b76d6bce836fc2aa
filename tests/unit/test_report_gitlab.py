"""The Code Quality report, as GitLab's own parser takes it: it stops at the first issue that is not valid."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ocivalidate import check_bundle
from ocivalidate.report import render
from ocivalidate.rules.findings import Report
from tests.reports import (
    ALL,
    BROKEN,
    CONFORMING,
    HOSTILE,
    HOSTILE_PROBLEM,
    NOT_ABSOLUTE,
    OPTIONS,
    RUN,
    UNREADABLE,
    bundle,
)


def issues(*reports: Report) -> list[Any]:
    found: list[Any] = json.loads(render("gitlab", reports, OPTIONS))
    return found


def test_a_finding() -> None:
    (issue,) = issues(bundle(NOT_ABSOLUTE))
    fingerprint = issue.pop("fingerprint")
    assert issue == {
        "check_name": "runtime/config.process.cwd.absolute",
        "description": 'process.cwd is not an absolute path: got "app", want a path that starts with /',
        "severity": "major",
        "location": {"path": "b/config.json", "lines": {"begin": 14}},
    }
    assert len(fingerprint) > 32


def test_severities() -> None:
    assert [issue["severity"] for issue in issues(BROKEN)] == ["minor", "major", "minor", "info"]
    assert issues(CONFORMING) == []
    (unread,) = issues(UNREADABLE)
    assert (unread["severity"], unread["check_name"]) == ("blocker", "ocivalidate/could-not-be-judged")
    found = {(issue["check_name"], issue["severity"], issue["location"]["path"]) for issue in issues(RUN)}
    assert found == {
        ("runtime/runtime.state.pid", "major", "mine/state.py"),
        ("runtime/runtime.state.pid", "major", "runc"),
        ("ocivalidate/could-not-be-judged", "blocker", "runc"),
    }


@pytest.mark.parametrize("reports", [ALL, [RUN], [HOSTILE, HOSTILE_PROBLEM], [BROKEN] * 3])
def test_gitlab_takes_every_issue(reports: list[Report]) -> None:
    found = issues(*reports)
    assert found
    for issue in found:
        assert issue["description"]
        assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert issue["location"]["path"]
        assert isinstance(issue["location"]["lines"]["begin"], int)
    # GitLab shows one issue for each fingerprint.
    assert len({issue["fingerprint"] for issue in found}) == len(found)


def test_descriptions_are_cut() -> None:
    (issue,) = issues(bundle(replace(NOT_ABSOLUTE, message="x" * 100_000)))
    assert len(issue["description"]) < 1100


def test_a_line_more_makes_no_new_issue(tmp_path: Path) -> None:
    def prints(text: str) -> list[str]:
        (tmp_path / "config.json").write_text(text)
        return [issue["fingerprint"] for issue in issues(check_bundle(tmp_path))]

    process = '{"cwd": "app", "args": ["x"], "user": {}}'
    config = f'{{"ociVersion": "1.0.2", "process": {process}, "mounts": [%s{{"destination": "a"}}]}}'
    before = prints(config % "")
    assert before == prints((config % "").replace("{", "{\n\n"))
    assert set(before) <= set(prints(config % '{"destination": "/first"}, '))
