"""JUnit as GitLab reads it: a test is known by its classname and name, and only the text of a failure is shown."""

from __future__ import annotations

import shutil
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from ocivalidate import check_bundle
from ocivalidate.report import render
from ocivalidate.report.junit import MOST_CASES
from ocivalidate.report.verdicts import fails
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.findings import Outcome, Report, Result
from tests.reports import ALL, ARGS, NOT_ABSOLUTE, OPTIONS, RUN, RUNTIME, UNREADABLE, bundle
from tests.unit.command_line import BROKEN, GOOD

MOST_BYTES = 30_000_000
LONGEST_TEXT = 10_000_000


class Seen(NamedTuple):
    """What GitLab keeps of a test case."""

    status: str
    text: str
    file: str


def seen(*reports: Report) -> dict[tuple[str, str], Seen]:
    """The tests that GitLab shows: of two with the same names only the first one counts, whatever it came to."""
    text = render("junit", reports, OPTIONS)
    assert len(text.encode()) < MOST_BYTES
    found: dict[tuple[str, str], Seen] = {}
    for case in ET.fromstring(text).iter("testcase"):  # noqa: S314 - our own output
        outcome = next((child for child in case if child.tag in ("failure", "error", "skipped")), None)
        status, shown = ("success", "") if outcome is None else (outcome.tag, outcome.text or "")
        found.setdefault((case.attrib["classname"], case.attrib["name"]), Seen(status, shown, case.attrib["file"]))
    return found


def failures(*reports: Report) -> dict[tuple[str, str], Seen]:
    return {names: test for names, test in seen(*reports).items() if test.status in ("failure", "error")}


def errors_of(report: Report) -> set[tuple[str, str]]:
    """The clauses that a subject breaks: two that say the same both fail, by one finding."""
    failed = [result for result in report.results if result.outcome is Outcome.FAIL]
    return {(report.subject, one.clause.id) for one in failed if fails(one, Severity.ERROR)}


def test_of_500_bundles_the_failures_of_the_3_that_are_broken(tmp_path: Path) -> None:
    folders = [tmp_path / f"{number:03}" for number in range(500)]
    for number, folder in enumerate(folders):
        folder.mkdir()
        (folder / "rootfs").mkdir()
        shutil.copy(f"{BROKEN if number in (7, 250, 499) else GOOD}/config.json", folder)
    reports = [check_bundle(folder) for folder in folders]
    wanted = set().union(*map(errors_of, reports))
    assert {Path(subject).name for subject, _clause in wanted} == {"007", "250", "499"}
    shown = failures(*reports)
    assert set(shown) == wanted
    assert all(test.text and test.file == f"{subject}/config.json" for (subject, _name), test in shown.items())
    assert len(seen(*reports)) < MOST_CASES


def test_one_input_given_twice_is_two() -> None:
    shown = failures(bundle(NOT_ABSOLUTE), bundle(NOT_ABSOLUTE), bundle(NOT_ABSOLUTE))
    name = NOT_ABSOLUTE.clause.id
    assert list(shown) == [("b", name), ("b", f"{name} (2)"), ("b", f"{name} (3)")]
    loose = replace(bundle(), findings=(replace(NOT_ABSOLUTE, clause=ARGS),))
    assert [names for names in seen(loose) if names[1].startswith(ARGS.id)] == [("b", ARGS.id), ("b", f"{ARGS.id} (2)")]
    assert list(failures(loose)) == [("b", f"{ARGS.id} (2)")]


def test_every_failure_has_a_text_and_a_file() -> None:
    shown = failures(*ALL, RUN)
    assert len(shown) >= 8
    assert all(test.text and test.file for test in shown.values())
    assert failures(RUNTIME)[("runc", "runtime/runtime.state.pid")].text.startswith("passed, but is expected to fail")
    assert failures(UNREADABLE)[("bundle", "c")] == Seen("error", "c: no such file or folder", "c")
    assert failures(RUN)[("state.started", "runtime/runtime.state.pid")].file == "mine/state.py"


def test_of_too_many_those_that_passed_are_one() -> None:
    many = replace(
        bundle(NOT_ABSOLUTE), results=(*bundle(NOT_ABSOLUTE).results, *[Result(ARGS, Outcome.PASS)] * MOST_CASES)
    )
    text = render("junit", [many, bundle()], OPTIONS)
    assert set(seen(many, bundle(subject="good"))) == {
        ("b", NOT_ABSOLUTE.clause.id),
        ("b", "all other clauses"),
        ("good", "all other clauses"),
    }
    assert f"<system-out>{MOST_CASES + 1} passed, 1 skipped</system-out>" in text


def test_no_text_is_longer_than_readers_take() -> None:
    long = replace(NOT_ABSOLUTE, message="x" * LONGEST_TEXT)
    (test,) = failures(
        replace(bundle(long), results=(Result(long.clause, Outcome.FAIL, findings=(long,) * 30),))
    ).values()
    assert len(test.text) < 1_100_000
    assert test.text.endswith("\nand 29 more")
    text = render("junit", [replace(UNREADABLE, problem="y" * LONGEST_TEXT)], OPTIONS)
    assert max(map(len, text.split('"'))) < 1_100_000
