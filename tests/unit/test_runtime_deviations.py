"""docs/deviations.md is made from the kept records and the expectations, which agree with each other."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.subjects import subject
from fixtures.subjects.deviations import PAGE, _applies, _judged, _section, cell, page, passed_over, unexplained
from fixtures.subjects.recording import RESULTS, keep, made, records
from fixtures.subjects.runs import Run
from ocivalidate.programme.reading import read_record
from ocivalidate.programme.readme import plain
from ocivalidate.programme.record import Record, as_json
from ocivalidate.runtime.expectations import Expectation
from ocivalidate.runtime.run import own_expectations

CLAUSE = "runtime/runtime.create.applies-config"
FOLDER = "/tmp"  # noqa: S108 # nothing is made there
PROGRAM = f"{FOLDER}/x/runc"


def test_the_page_says_what_the_records_and_the_expectations_say(pytestconfig: pytest.Config) -> None:
    before = PAGE.read_text(encoding="utf-8")
    now = page(before)
    if pytestconfig.getoption("--update-goldens"):
        PAGE.write_text(now, encoding="utf-8")
    else:
        assert before == now, "pytest --update-goldens, or python -m fixtures.subjects deviations, writes the page"


@pytest.fixture(autouse=True)
def parts_of_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record of a few cases is one here."""
    monkeypatch.setattr("ocivalidate.programme.submitting._refuse", lambda _told: None)
    monkeypatch.setattr("ocivalidate.programme.submitting.problems", lambda _record, _today: ())


def report(outcomes: Mapping[str, tuple[str, str]]) -> Run:
    """A run with an outcome and a message for each of these cases."""
    results, findings = [], []
    for case, (outcome, message) in outcomes.items():
        results.append({"case": case, "clause": CLAUSE, "outcome": outcome, "reason": message})
        if outcome == "fail":
            findings.append({"clause": CLAUSE, "location": {"case": case}, "message": message})
    facts = {
        "runtime": {"name": "runc", "version": "1.5.3", "claim": "1.3.0", "command": [PROGRAM]},
        "release": "1.3.0",
        "prefix": "ocivalidate-0123456789abcdef-",
        "host": {
            "release": "6.18.44-machine-name",
            "machine": "x86_64",
            "cgroup_mode": "hybrid",
            "controllers": ["pids"],
            "lsms": [],
            "root": True,
            "uid": 0,
            "rlimit_nofile": 20000,
        },
    }
    about = {"kind": "runtime", "subject": PROGRAM, "release": "1.3.0", "complete": True, "problem": ""}
    return Run({**about, "results": results, "findings": findings, "facts": facts}, 1)


def kept(outcomes: Mapping[str, tuple[str, str]]) -> Record:
    return made(subject("runc@1.5.3"), PROGRAM, report(outcomes))


def test_a_record_has_what_the_run_said_and_nothing_of_the_machine() -> None:
    said = f"{PROGRAM} says: open {FOLDER}/ocivalidate-0123456789abcdef/b/config.json"
    one = kept({"a": ("fail", said), "b": ("pass", ""), "c": ("skip", "no seccomp")})
    assert [(each.case, each.clause, each.outcome, each.said) for each in one.outcomes] == [
        ("a", CLAUSE, "fail", ("runc says: open PATH",)),
        ("b", CLAUSE, "pass", ()),
        ("c", CLAUSE, "skip", ("no seccomp",)),
    ]
    text = json.dumps(as_json(one))
    assert FOLDER not in text
    assert "0123456789abcdef" not in text
    assert "machine-name" not in text
    assert (one.host.kernel, one.host.cgroup_mode) == ("6.18.44", "hybrid")
    assert (one.name, one.version, one.release) == ("runc", "1.5.3", "1.3.0")


def test_a_record_is_not_replaced_for_its_date_alone(tmp_path: Path) -> None:
    one = kept({"a": ("fail", "wrong")})
    file = keep(replace(one, date="2020-01-01"), tmp_path)
    keep(one, tmp_path)
    assert read_record(file).date == "2020-01-01"
    keep(kept({"a": ("pass", "")}), tmp_path)
    assert read_record(file).date != "2020-01-01"


def entry(versions: str = "", *messages: str, sometimes: bool = False) -> Expectation:
    return Expectation("runc", "a", CLAUSE, "r", versions=versions, messages=messages, sometimes=sometimes, origin="o")


@pytest.mark.parametrize(
    ("outcome", "row", "shown"),
    [
        ("fail", [entry()], "✗"),
        ("fail", [entry("", "wr*")], "✗"),
        ("fail", [entry("<1.5")], "-"),
        ("fail", [entry("", "late")], "-"),
        ("fail", [entry("<1.5"), entry(">=1.5")], "✗"),
        ("pass", [entry("<1.5")], "✓"),
        ("skip", [entry()], "-"),
        ("error", [entry()], "-"),
    ],
)
def test_a_cell_says_whether_a_version_has_the_deviation(outcome: str, row: list[Expectation], shown: str) -> None:
    assert cell(kept({"a": (outcome, "wrong"), "b": ("fail", "other")}), row) == shown


def test_a_failure_that_no_expectation_knows_is_found() -> None:
    one = kept({"a": ("fail", "wrong"), "b": ("fail", "other")})
    assert list(unexplained(one, [entry()])) == [("b", CLAUSE, "other")]
    assert [message for *_, message in unexplained(one, [entry("<1.5")])] == ["wrong", "other"]


def test_an_expectation_that_a_version_has_outlived_is_found() -> None:
    one = kept({"a": ("pass", "")})
    assert list(passed_over(one, [entry()])) == [("a", CLAUSE, "o")]
    assert list(passed_over(one, [entry("<1.5"), entry(sometimes=True)])) == []


EVIL = "<img src=x>\n## a | [b](http://c) `$(id)` @d \x1b[31m"


def test_what_a_runtime_says_is_no_markup_of_the_page() -> None:
    shown = plain(EVIL)
    assert not set("<>|`[]\n\x1b") & set(shown)
    assert "://" not in shown
    assert "@d" not in shown
    one = kept({"nobody-knows-it": ("fail", EVIL)})
    one = replace(one, name=EVIL, version=EVIL, date=EVIL, release=EVIL)
    text = _section(EVIL, [one], []) + _judged([one])
    assert "\x1b" not in text
    assert "<img" not in text
    assert "](" not in text
    assert text.count("\n## ") == 1


@pytest.mark.parametrize("text", ["*a*", "_a_", "~~a~~", "$a$", "www.example.org", "WWW.example.org"])
def test_no_words_of_a_runtime_are_emphasis_or_a_link(text: str) -> None:
    assert not re.search(r"[*$]|www|WWW|\b_|_\b|~", plain(text))


@pytest.mark.parametrize("text", ["x86_64", "0.0~20221219.0", "a-b.c"])
def test_names_and_versions_stay_as_they_are(text: str) -> None:
    assert plain(text) == text


RECORDS = records()


@pytest.mark.parametrize("one", RECORDS, ids=lambda one: f"{one.name}-{one.version}")
def test_no_expectation_holds_for_a_version_that_passes(one: Record) -> None:
    assert list(passed_over(one, own_expectations())) == []


# Versions that nobody has looked into yet have no entries; the page lists what they fail.
LOOKED_INTO = [one for one in RECORDS if any(_applies(entry, one) for entry in own_expectations())]


@pytest.mark.parametrize("one", LOOKED_INTO, ids=lambda one: f"{one.name}-{one.version}")
def test_every_failure_that_was_recorded_is_expected(one: Record) -> None:
    assert list(unexplained(one, own_expectations())) == []


def test_the_records_are_small_and_name_no_place_of_a_machine() -> None:
    assert RECORDS
    for file in RESULTS.glob("*/*/results.json.gz"):
        assert file.stat().st_size < 64 * 1024, file
        text = json.dumps(as_json(read_record(file)))
        assert not any(place in text for place in ("/work", "/root/", "/home/", "ocivalidate-orft")), file
