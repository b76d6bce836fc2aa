"""What an exploration has judged is kept in a file, and a run goes on with it."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ocivalidate.errors import UsageError
from ocivalidate.rules.clauses import Severity, load
from ocivalidate.rules.findings import Finding, Location, Outcome, Result
from ocivalidate.runtime.comparing import differences
from ocivalidate.runtime.journal import Journal
from ocivalidate.runtime.protocol import Request, RuntimeFacts, write

CWD, REMOVES = (
    load("runtime")[f"runtime/{name}"] for name in ("config.process.cwd.absolute", "runtime.delete.removes-resources")
)
LEFT = Finding(REMOVES, Severity.ERROR, "delete leaves things behind", Location(case="explore.00001"), "a mount", "[]")
REQUEST = Request("runc", explore=3, seed=4)
FIRST = [Result(CWD, Outcome.PASS, case="explore.00001"), Result(REMOVES, Outcome.FAIL, "", (LEFT,), "explore.00001")]
SECOND = [Result(CWD, Outcome.SKIP, "refused: no", case="explore.00002")]
RUNC = RuntimeFacts(
    ("/usr/bin/runc",), "runc", "1.3.0", "1.2.0", "runc version 1.3.0", True, "sha256:aa"
)  # as it stands in the protocol
PLAN = [(one.case, one.clause.id) for one in (*FIRST, *SECOND)]


def opened(path: Path, request: Request = REQUEST, runtime: RuntimeFacts = RUNC) -> Journal:
    """A journal that was begun, and that another run may have again."""
    journal = Journal(str(path), request)
    with contextlib.closing(journal):
        journal.begin(runtime)
    return journal


def kept(path: Path, *results: Result, request: Request = REQUEST) -> None:
    journal = Journal(str(path), request)
    journal.begin(RUNC)
    journal.plan(PLAN)
    for result in results:
        journal.take(result)
    journal.close()


def test_lives_are_kept_as_configs_are(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    lives = [replace(one, case=one.case.replace("explore", "lives")) for one in (*FIRST, *SECOND)]
    journal = Journal(str(path), REQUEST)
    journal.begin(RUNC)
    journal.plan([(one.case, one.clause.id) for one in (*FIRST, *lives)])
    for result in (*FIRST, *lives):
        journal.take(result)
    journal.close()
    again = opened(path, replace(REQUEST, explore=2))
    assert again.done == ("explore.00001", "lives.00001", "lives.00002")
    assert [*again.results] == [*FIRST, *lives]
    # Of fewer lives than were lived, those that there are.
    assert opened(path, replace(REQUEST, explore=1)).done == ("explore.00001", "lives.00001")


def test_a_run_goes_on_with_what_was_judged(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    kept(path, *FIRST)
    again = opened(path, replace(REQUEST, explore=9, jobs=1, dump_dir="/elsewhere"))
    assert again.done == ("explore.00001",)
    assert [*again.results] == FIRST
    kept(path, *SECOND)
    assert opened(path).done == ("explore.00001", "explore.00002")


def test_a_case_counts_when_all_of_it_was_judged(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    kept(path, FIRST[0])
    assert opened(path).done == ()


def test_what_could_not_be_judged_and_single_features_are_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    kept(path, replace(SECOND[0], outcome=Outcome.ERROR), replace(SECOND[0], case="parts.user.somebody"))
    assert opened(path).done == ()


def test_what_two_runs_wrote_is_told_once_and_only_as_far_as_a_run_goes(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    kept(path, *FIRST, *SECOND)
    kept(path, *FIRST)
    assert opened(path).done == ("explore.00001", "explore.00002")
    assert [*opened(path, replace(REQUEST, explore=1)).results] == FIRST


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink("nothing", path)])
def test_what_is_no_regular_file_is_refused_at_once(make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / "journal")
    with pytest.raises(UsageError, match="not a regular file"):
        Journal(str(tmp_path / "journal"), REQUEST)


def test_a_line_that_was_cut_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    kept(path, *FIRST)
    kept(path, *SECOND)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    kept(path, *SECOND)
    assert opened(path).done == ("explore.00001", "explore.00002")
    for length in range(0, len(whole), 11):
        path.write_bytes(whole[:length])
        try:
            done = opened(path).done
        except UsageError:
            continue
        assert len(done) <= 2


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (replace(REQUEST, seed=5), "the journal of another run"),
        (replace(REQUEST, runtime="crun"), "the journal of another run"),
        (replace(REQUEST, spec_version="1.0.2"), "the journal of another run"),
    ],
)
def test_the_journal_of_another_run_is_refused(tmp_path: Path, request_: Request, why: str) -> None:
    path = tmp_path / "journal"
    kept(path, *FIRST)
    with pytest.raises(UsageError, match=why):
        Journal(str(path), request_)


def test_a_file_that_is_none_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("my notes\n", encoding="utf-8")
    with pytest.raises(UsageError, match="not a journal of an exploration"):
        Journal(str(path), REQUEST)
    assert path.read_text(encoding="utf-8") == "my notes\n"
    with pytest.raises(UsageError, match="cannot be written"):
        Journal(str(tmp_path / "none" / "journal"), REQUEST)


def test_one_run_at_a_time_has_a_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    first = Journal(str(path), REQUEST)
    with pytest.raises(UsageError, match="another run is writing this journal"):
        Journal(str(path), REQUEST)
    first.begin(RUNC)
    first.close()
    assert opened(path).done == ()
    assert path.read_bytes().count(b"\n") == 2


@pytest.mark.parametrize(
    ("runtime", "why"),
    [
        (replace(RUNC, digest="sha256:b"), "another build of this runtime: it was built anew since"),
        (replace(RUNC, version="1.3.1", digest="sha256:b"), "it is version 1.3.1 now, and was 1.3.0"),
        (replace(RUNC, version=""), "it is version unknown now, and was 1.3.0"),
    ],
)
def test_a_runtime_that_was_built_anew_has_another_journal(tmp_path: Path, runtime: RuntimeFacts, why: str) -> None:
    path = tmp_path / "journal"
    kept(path, *FIRST)
    before = path.read_bytes()
    with pytest.raises(UsageError, match=why):
        opened(path, runtime=runtime)
    assert path.read_bytes() == before
    assert opened(path).done == ("explore.00001",)


def test_what_another_version_of_ours_kept_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal"
    kept(path, *FIRST)
    monkeypatch.setattr("importlib.metadata.version", lambda _name: "9.9.9")
    with pytest.raises(UsageError, match=r"another version of ocivalidate: kept by version .*, and this is 9\.9\.9"):
        Journal(str(path), REQUEST)


def test_results_of_nobody_knows_which_program_are_not_told(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    kept(path, *FIRST)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], *lines[2:]]))
    assert opened(path).done == ()


@pytest.mark.parametrize("told", ["x", ["x"], 7, {"version": 1, "digest": []}, {"version": "1"}, {}])
def test_a_program_that_is_none_is_nobody(tmp_path: Path, told: object) -> None:
    path = tmp_path / "journal"
    kept(path, *FIRST)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], json.dumps({"runtime": told}).encode() + b"\n", *lines[2:]]))
    assert opened(path).done == ()


@pytest.mark.parametrize(
    "line",
    [
        [FIRST[0], replace(FIRST[1], case="explore.00002")],
        [FIRST[0], replace(FIRST[1], case="lives.00001")],
        [FIRST[0], replace(FIRST[1], case="mounts.bind")],
        [replace(FIRST[0], case="00001")],
        [replace(FIRST[0], outcome=Outcome.ERROR)],
        [FIRST[0], FIRST[0]],
    ],
)
def test_a_line_that_no_run_writes_is_passed_over(tmp_path: Path, line: list[Result]) -> None:
    path = tmp_path / "journal"
    kept(path, *SECOND)
    with path.open("ab") as file:
        file.write(json.dumps([write(one).decode() for one in line]).encode() + b"\n")
    assert opened(path).done == ("explore.00002",)
    assert [*opened(path).results] == SECOND


# --- two runtimes


def test_two_runtimes_differ_where_one_fails_or_refuses() -> None:
    fine = [replace(one, outcome=Outcome.PASS, findings=(), reason="") for one in (*FIRST, *SECOND)]
    assert [*differences(fine, fine)] == []
    found = [*differences(fine, [*FIRST, *SECOND])]
    assert [(one.case, one.one) for one in found] == [
        ("explore.00001", "does as it says"),
        ("explore.00002", "does as it says"),
    ]
    assert LEFT.message in found[0].other
    assert found[1].other == "refused: no"


def test_what_one_could_not_judge_or_did_not_try_is_no_difference() -> None:
    open_ = [replace(one, outcome=Outcome.ERROR, reason="no time", findings=()) for one in FIRST]
    assert [*differences(FIRST, open_)] == []
    assert [*differences(FIRST, SECOND)] == []
    unseen = [replace(one, outcome=Outcome.SKIP, reason="nothing shows it", findings=()) for one in FIRST]
    assert [*differences(FIRST, unseen)] == []
