"""``ocivalidate runtime --submit``: a whole run becomes a record for others, and what is none becomes nothing."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from ocivalidate.errors import UsageError
from ocivalidate.programme import revisions
from ocivalidate.programme.checking import check
from ocivalidate.programme.reading import read_record, read_records
from ocivalidate.programme.record import Record, Timing
from ocivalidate.programme.revisions import current
from ocivalidate.programme.submitting import Submission
from ocivalidate.rules.clauses import load
from ocivalidate.rules.findings import Finding, Location, Outcome, Report, Result
from ocivalidate.runtime.protocol import Bailout, Begin, End, Event, Header, Plan, RuntimeFacts, Timing as Told
from ocivalidate.runtime.run import Run as OneRun
from tests.unit.command_line import Command, Said
from tests.unit.engines import HEADER, Elsewhere, Spoken

RELEASE = "1.0.0"
DIGEST = f"sha256:{'1' * 64}"
SUITE = replace(current(), results={RELEASE: frozenset(sorted(current().results[RELEASE])[:5])})
Run = Callable[..., Said]


def header(name: str = "my-runtime", version: str = "7.1") -> Header:
    program = f"{os.getcwd()}/opt/bin/my-runtime"
    facts = RuntimeFacts((program,), name, version, RELEASE, "banner", features=True, digest=DIGEST)
    return replace(HEADER, runtime=facts, release=RELEASE)


def whole(
    first: Header | None = None, *, last: Event | None = None, outcome: Outcome = Outcome.PASS, said: str = ""
) -> list[Event]:
    """The events of a run of all cases, of which the first one comes to this."""
    keys = sorted(SUITE.results[RELEASE])
    events: list[Event] = [first or header(), Plan(tuple(keys))]
    before = ""
    for number, (case, clause_id) in enumerate(keys):
        if case != before:
            events.append(Begin(case))
        before = case
        events.append(_result(case, clause_id, outcome if number == 0 else Outcome.PASS, said))
    return [*events, last or END]


END = End(complete=True, left=(), seconds=1.0, timings=(Told("create", 9, 0.02, 0.01, 0.03),))


def _result(case: str, clause_id: str, outcome: Outcome, said: str) -> Result:
    clause = load("runtime", "safety")[clause_id]
    if outcome is Outcome.FAIL:
        finding = Finding(clause, clause.severity, said or "wrong", Location(case=case), got=said, want="right")
        return Result(clause, outcome, findings=(finding,), case=case)
    return Result(clause, outcome, reason="" if outcome is Outcome.PASS else said or "no time", case=case)


@pytest.fixture(autouse=True)
def small_suite(monkeypatch: pytest.MonkeyPatch) -> None:
    """A suite of five results: the first of ours."""
    for module in ("revisions", "expiry"):
        monkeypatch.setattr(f"ocivalidate.programme.{module}.current", lambda: SUITE)
    monkeypatch.setattr(revisions, "known", {SUITE.digest: SUITE}.get)


@pytest.fixture
def run(say: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command with an engine that says these events."""

    def judged(events: Iterable[Event], *arguments: str, code: int = 0) -> Said:
        launcher = Elsewhere(Spoken(events, code=code))
        monkeypatch.setattr("ocivalidate.cli.runtime._launcher", lambda *_options: launcher)
        common = ("--runtime", "opt/bin/my-runtime", "--format", "text", "--no-config")
        return say("runtime", *common, "--submit", str(tmp_path / "results"), *arguments)

    return judged


def the_record(tmp_path: Path) -> Record:
    [record] = read_records(tmp_path / "results")
    return record


def test_a_whole_run_becomes_a_record_that_passes_the_check(run: Run, tmp_path: Path) -> None:
    said = run(whole())
    place = tmp_path / "results/my-runtime/7.1+v2"
    assert (said.code, said.err) == (0, f"ocivalidate: wrote {place}\n")
    found = check(str(tmp_path / "results"), dt.datetime.now(tz=dt.UTC).date())
    assert (found.faults, found.notes) == ([], [])
    [record] = found.records
    assert (record.name, record.version, record.digest, record.submitter) == ("my-runtime", "7.1", DIGEST, "")
    assert record.suite.revision == SUITE.digest
    assert record.timings == {"create": Timing(9, 0.02, 0.01, 0.03)}
    assert record.command == ("ocivalidate", "runtime", "--runtime", "my-runtime")
    text = (place / "README.md").read_text(encoding="utf-8")
    assert "\n    ocivalidate runtime --runtime my-runtime --submit results\n" in text


def test_what_was_measured_otherwise_stands_in_the_command(run: Run, tmp_path: Path) -> None:
    more = ("--runtime-arg=--debug", "--jobs", "3", "--sandbox", "uml,cgroup=v2,kernel=/home/me/linux")
    run(whole(), *more, "--submit-as", "other@8 beta/2", "--submitter", "A. Maintainer <a@example.org>")
    record = the_record(tmp_path)
    assert record.command[4:] == ("--runtime-arg=--debug", "--sandbox=uml,cgroup=v2,kernel=PATH", "--jobs=3")
    assert (record.name, record.version, record.said.name) == ("other", "8 beta/2", "my-runtime")
    assert (record.submitter, record.host.sandbox) == ("A. Maintainer <a@example.org>", "uml")
    text = (tmp_path / "results/other/8%20beta%2F2+v2/README.md").read_text(encoding="utf-8")
    assert "--submit results --submit-as 'other@8 beta/2'\n" in text
    assert check(str(tmp_path / "results"), dt.date(2999, 1, 1)).faults == []


@pytest.mark.parametrize(
    ("name", "version", "folder"),
    [
        ("", "", "my-runtime/unknown+v2"),
        ("runtime", "1.2.3.4", "runtime/1.2.3.4+v2"),
        ("a/b", "1/2", "a%2Fb/1%2F2+v2"),
        ("..", "..", "%2E%2E/%2E%2E+v2"),
    ],
)
def test_a_runtime_may_call_itself_anything(name: str, version: str, folder: str, run: Run, tmp_path: Path) -> None:
    said = run(whole(header(name, version)))
    assert said.code == 0
    assert (tmp_path / "results" / folder / "results.json.gz").is_file()
    assert "\x1b" not in (tmp_path / "results" / folder / "README.md").read_text(encoding="utf-8")
    assert check(str(tmp_path / "results"), dt.date(2999, 1, 1)).faults == []


@pytest.mark.parametrize("name", ["\x1b[31m", "run\u0441", "ru\u200bnc", "\u202ecnur"])
def test_a_name_that_is_read_as_another_is_not_submitted(name: str, run: Run, tmp_path: Path) -> None:
    said = run(whole(header(name, "1")))
    assert (said.code, said.err.splitlines()[-1].isprintable()) == (2, True)
    assert "name: wanted printable ASCII" in said.err
    assert [*(tmp_path / "results").rglob("*")] == []
    assert run(whole(header(name, "1")), "--submit-as", "my-runtime@1").code == 0
    assert "\x1b" not in (tmp_path / "results/my-runtime/1+v2/README.md").read_text(encoding="utf-8")


def test_failures_are_kept_and_tell_of_nobody(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.node", lambda: "Build-Host-7.example.org")
    monkeypatch.setenv("SUDO_USER", "jdoe")
    here = os.getcwd()
    text = f"{here}/opt/bin/my-runtime: /home/jdoe/x, jdoe on build-host-7 or build-host-7.example.org, {here}/x, "
    text += "mail jdoe@example.org, 10.1.2.3"
    assert run(whole(outcome=Outcome.FAIL, said=text)).code == 1
    [failed] = [one for one in the_record(tmp_path).outcomes if one.outcome == "fail"]
    assert failed.said == ("my-runtime: PATH, USER on HOST or HOST, PATH/x, mail USER@HOST, ADDRESS",)
    assert failed.got == failed.said[0]
    assert failed.want == "right"


def test_what_a_known_runtime_is_known_for_is_a_failure_all_the_same(run: Run, tmp_path: Path) -> None:
    case, clause = min(SUITE.results[RELEASE])
    (tmp_path / "known.toml").write_text(
        f'runtime = "my-runtime"\n[[expect]]\ncase = "{case}"\nclause = "{clause}"\nreason = "known"\n'
    )
    said = run(whole(outcome=Outcome.FAIL), "--expectations", str(tmp_path / "known.toml"))
    assert said.code == 0
    assert "1 expected failure" in said.out
    assert the_record(tmp_path).counts["fail"] == 1


def test_what_could_not_be_judged_is_marked(run: Run, tmp_path: Path) -> None:
    said = run(whole(outcome=Outcome.ERROR))
    assert said.err.endswith("; 1 results could not be judged, and it says so\n")
    assert the_record(tmp_path).counts["error"] == 1
    assert ", 1 error." in next((tmp_path / "results").glob("*/*/README.md")).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("events", "told"),
    [
        (whole()[:4], "nothing is submitted: the run was not finished"),
        ([*whole()[:4], replace(END, complete=False)], "nothing is submitted: the run was not finished"),
        ([header(), Bailout("no runtime")], "nothing is submitted: the run could not be judged: no runtime"),
        ([Bailout("no runtime")], "nothing is submitted: the run could not be judged: no runtime"),
        ([header(), Plan(()), END], "nothing is submitted: wanted 5 results of all cases, got 0"),
        (
            [replace(header(), release="1.3.1-dev"), Plan(()), END],
            "nothing is submitted: 1.3.1-dev is no release of the specification",
        ),
    ],
)
def test_what_is_no_whole_run_is_not_submitted(events: list[Event], told: str, run: Run, tmp_path: Path) -> None:
    said = run(events)
    assert said.code == 2
    assert said.err.splitlines()[-1].startswith(f"ocivalidate: error: {told}") or told in said.err.splitlines()[-1]
    assert [*(tmp_path / "results").rglob("*")] == []


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--select", "hooks"), "--submit keeps a whole run of our cases: --select cannot be given with it"),
        (("--ignore", "runtime/runtime.create"), "--ignore cannot be given with it"),
        (("--level", "must"), "--level cannot be given with it"),
        (("--strict",), "--strict cannot be given with it"),
        (("--explore", "3"), "--explore cannot be given with it"),
        (("--cases", "."), "--cases cannot be given with it"),
        (("--rerun-failed", "x"), "--rerun-failed cannot be given with it"),
        (("--submit-as", "@1"), "--submit-as: wanted NAME or NAME@VERSION, got '@1'"),
        (("--submit-as", "a@b@c"), "--submit-as: wanted NAME or NAME@VERSION"),
        (("--submitter", "two\nlines"), "--submitter: wanted one line of at most 200 characters"),
        (("--submitter", "me, see /home/me/x"), "submitter: wanted nothing that tells of a person or a machine, got"),
        (("--submit-as", "x /root/y"), "name: wanted nothing that tells of a person or a machine, got"),
        (("--submit-as", "x@1 /home/me/y"), "version: wanted nothing that tells of a person or a machine, got"),
    ],
)
def test_what_makes_no_whole_run_is_refused_before_it_runs(more: tuple[str, ...], told: str, run: Run) -> None:
    said = run([], *more)
    assert (said.code, said.out) == (2, "")
    assert told in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (
            ("--submitter", "me, see /home/me/x"),
            "nothing is submitted: submitter: wanted nothing that tells of a person",
        ),
        (("--submit-as", "x /root/y"), "nothing is submitted: name: wanted nothing that tells of a person"),
    ],
)
def test_what_the_check_would_refuse_is_not_written(more: tuple[str, ...], told: str, run: Run, tmp_path: Path) -> None:
    said = run(whole(), *more)
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert told in said.err
    assert [*(tmp_path / "results").rglob("*")] == []


def test_a_run_that_is_interrupted_is_not_submitted(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ocivalidate.cli.runtime._follow", _interrupted)
    said = run(whole())
    assert said.code == 130
    assert said.err == "ocivalidate: nothing is submitted: the run was interrupted\n"
    assert [*(tmp_path / "results").rglob("*")] == []


def _interrupted(running: OneRun, _settings: object) -> tuple[Report, bool]:
    for _step in running:
        pass
    return running.report(), True


def test_a_place_that_cannot_be_written_is_refused_before_it_runs(run: Run, tmp_path: Path) -> None:
    (tmp_path / "results").write_text("x")
    said = run([])
    assert (said.code, said.out) == (2, "")
    assert "--submit: cannot make the folder" in said.err


def test_the_words_of_a_submission_are_for_one(say: Command) -> None:
    said = say("runtime", "--runtime", "runc", "--submitter", "me")
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert "--submitter is for --submit DIR" in said.err


def test_a_record_that_cannot_be_written_leaves_what_was_there(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(whole())
    before = read_record(next((tmp_path / "results").glob("*/*/results.json.gz")))
    monkeypatch.setattr("ocivalidate.programme.storing.readme", _full)
    said = run(whole(outcome=Outcome.FAIL))
    assert said.code == 2
    assert "no space left on device" in said.err
    assert read_record(next((tmp_path / "results").glob("*/*/results.json.gz"))) == before
    assert len([*(tmp_path / "results/my-runtime").iterdir()]) == 1


def _full(*_arguments: object) -> str:
    raise OSError(28, os.strerror(28))


def test_a_submission_from_python_is_held_to_the_same() -> None:
    with pytest.raises(UsageError, match="--submit-as"):
        Submission(called="x" * 300)


@pytest.mark.parametrize("words", [("--submit-as", "@"), ("--submitter", "two\nlines"), ("--select", "runtime/*")])
def test_what_is_refused_makes_no_folder(words: tuple[str, ...], tmp_path: Path, say: Command) -> None:
    assert say("runtime", "--runtime", "runc", "--submit", str(tmp_path / "new"), *words).code == 2
    assert not (tmp_path / "new").exists()
