"""What many reports come to: the same in any order, the worst of the cases, never a pass that nobody judged."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ocivalidate import resources
from ocivalidate.errors import Unreadable
from ocivalidate.matrix import json_matrix
from ocivalidate.matrix.model import matrix
from ocivalidate.matrix.reading import subjects_of
from ocivalidate.matrix.subjects import Point, Said, Subject, version_order, worst
from ocivalidate.programme.record import Host, Outcome, Record, Suite, as_json
from ocivalidate.report import render
from tests.reports import ALL, OPTIONS, RUNTIME
from tests.unit.command_line import Command

CREATES, DELETES = "runtime/runtime.create.creates", "runtime/runtime.delete.deletes"
NEW = "runtime/config-linux.netDevices.moved"
LATE = "runtime/config-linux.netDevices.type"
VALIDATOR = jsonschema.Draft202012Validator(resources.read_json("schemas", "output/matrix.json"))


def subject(version: str = "1.0.0", name: str = "runc", **members: Any) -> Subject:
    points = members.pop("points", (Point(CREATES, "create.one", "pass"),))
    return Subject("runtime", name, version, name, "runtime-spec", release="1.0.2", points=points, **members)


def record(results: Mapping[str, Mapping[str, list[str]]], version: str = "1.5.1") -> dict[str, Any]:
    outcomes = [
        Outcome(case, clause, outcome, tuple(said))
        for case, clauses in results.items()
        for clause, (outcome, *said) in clauses.items()
    ]
    kept = Record(
        "runc",
        version,
        release="1.3.0",
        suite=Suite("0.1.0", "", len(results)),
        host=Host("6.1.0", "x86_64", "v2", root=True),
        date="2026-11-28",
        outcomes=tuple(outcomes),
    )
    return as_json(kept)


@pytest.mark.parametrize(
    ("outcomes", "found"),
    [
        (["pass", "fail", "error"], "fail"),
        (["pass", "xfail", "error"], "xfail"),
        (["pass", "error", "skip"], "error"),
        (["pass", "xpass"], "xpass"),
        (["skip", "pass"], "pass"),
        (["skip"], "skip"),
        ([], "absent"),
    ],
)
def test_the_worst_case_is_that_of_the_clause(outcomes: list[str], found: str) -> None:
    assert worst(outcomes) == found


def test_a_clause_that_no_case_judged_has_a_reason() -> None:
    skipped = subject(points=(Point(CREATES, "create.one", "skip", (Said("no hugetlb"),)),))
    other = subject("1.2.0", points=(Point(DELETES, "delete.one", "error"), Point(NEW, "net.one", "fail")))
    cells = {row.id: row.cells for row in matrix([skipped, other]).sheets[0].rows}
    assert [(cell.outcome, cell.reason) for cell in cells[CREATES]] == [
        ("skip", "no hugetlb"),
        ("absent", "no case of this run is about it"),
    ]
    assert cells[DELETES][1].reason == "no reason is given"


def test_a_clause_of_a_later_release_is_not_passed() -> None:
    both = [subject(), subject("1.5.0", points=(Point(LATE, "net.one", "pass"),))]
    (cell, judged) = next(row.cells for row in matrix(both).sheets[0].rows if row.id == LATE)
    assert (cell.outcome, judged.outcome) == ("absent", "pass")
    assert cell.reason == "runtime-spec 1.0.2 does not have this clause (since 1.3.0)"


@pytest.mark.parametrize("release", ["../x", "1.3", "1.3.0-dev", "__proto__", "1.2.3.4", "9" * 5000 + ".0.0"])
def test_a_release_that_is_none_is_a_text(release: str) -> None:
    both = [subject(points=(Point(LATE, "net.one", "pass"),)), replace(subject("2"), release=release)]
    [row] = [row for row in matrix(both).sheets[0].rows if row.id == LATE]
    assert row.cells[1].reason == "no case of this run is about it"


def test_more_cells_than_anybody_reads_are_one_line(tmp_path: Path, say: Command) -> None:
    reports = [
        {"kind": "bundle", "subject": f"b{number}", "results": [{"clause": f"x/{number}", "outcome": "fail"}]}
        for number in range(3_000)
    ]
    document = {"schema": "urn:ocivalidate:report-1", "complete": True, "reports": reports}
    (tmp_path / "r.json").write_text(json.dumps(document))
    done = say("report", str(tmp_path / "r.json"))
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "got 3,000 runs by 3,000 clauses: merge fewer reports" in done.err


@pytest.mark.parametrize("number", [pytest.param(10**4290, id="huge"), -1, True, 1.5, "1"])
def test_a_number_that_counts_nothing_is_none(tmp_path: Path, say: Command, number: object) -> None:
    findings = [{"clause": CREATES, "message": "m", "more": number}] * 6
    timings = {"create": {"count": number, "median": 1, "low": 1, "high": 1}}
    result = {"clause": CREATES, "case": "a", "outcome": "fail", "findings": findings}
    one = {"kind": "runtime", "subject": "x", "results": [result], "facts": {"timings": timings}}
    (tmp_path / "r.json").write_text(
        json.dumps({"schema": "urn:ocivalidate:report-1", "complete": True, "reports": [one]})
    )
    [told] = [one for one in subjects_of(str(tmp_path / "r.json")) if isinstance(one, Subject)]
    assert (told.points[0].more, told.timings) == (0, ())
    for form in ("text", "markdown", "json", "html"):
        assert say("report", str(tmp_path / "r.json"), "--format", form).code == 0


def test_labels_tell_runs_apart() -> None:
    runs = [
        subject("1.0.0"),
        subject("1.2.0", host={"cgroup_mode": "v2"}),
        subject("1.2.0", host={"cgroup_mode": "hybrid"}),
        subject("1.2.0", host={"cgroup_mode": "hybrid"}, date="2026-01-01"),
        subject("0.0~20240729.0", name="runsc"),
    ]
    assert [one.label for one in matrix(runs).subjects] == [
        "runc 1.0.0",
        "runc 1.2.0, hybrid",
        "runc 1.2.0, hybrid, 2026-01-01",
        "runc 1.2.0, v2",
        "runsc 20240729.0",
    ]


def test_versions_are_in_order() -> None:
    versions = ["1.0.0-rc93", "1.0.0", "1.1.5", "1.1.5+ds1", "1.1.15", "1.6.0-rc.1", "1.6.0", "0.0~20240729.0"]
    assert sorted(sorted(versions, key=lambda one: one[::-1]), key=version_order) == versions


def test_the_order_of_arguments_and_doubles_change_nothing(tmp_path: Path) -> None:
    files = []
    for number, version in enumerate(("1.2.0", "1.1.0", "1.10.0")):
        data = record({"create.one": {CREATES: ["pass"]}}, version)
        files.append(tmp_path / f"{number}.json.gz")
        files[-1].write_bytes(gzip.compress(json.dumps(data).encode()))
    said = [
        "".join(json_matrix.pieces(matrix(one for file in order for one in subjects_of(str(file))), "0"))
        for order in (files, files[::-1], [*files, files[0]])
    ]
    assert said[0] == said[1] == said[2]
    labels = [one["label"] for one in json.loads(said[0])["sheets"][0]["subjects"]]
    assert labels == ["runc 1.1.0", "runc 1.2.0", "runc 1.10.0"]


def test_a_record_that_has_grown_old_says_so(tmp_path: Path, say: Command) -> None:
    file = tmp_path / "results.json"
    file.write_text(json.dumps(record({"create.one": {CREATES: ["pass"]}})), encoding="utf-8")
    [one] = subjects_of(str(file))
    assert isinstance(one, Subject)
    assert one.stale == ""
    [one] = subjects_of(str(file), dt.date(2026, 11, 28))
    assert isinstance(one, Subject)
    assert re.match(r"expired: \d+ of \d+ results that this suite asks for are not in it", one.stale)
    assert "expired: " in say("report", str(file)).out


def test_reports_of_every_kind_are_merged(tmp_path: Path) -> None:
    file = tmp_path / "all.json"
    file.write_text(render("json", [*ALL, RUNTIME], OPTIONS), encoding="utf-8")
    made = json.loads("".join(json_matrix.pieces(matrix(subjects_of(str(file))), "0")))
    VALIDATOR.validate(made)
    assert made["sheets"][0]["kind"] == "runtime"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"schema": "urn:else"}', "neither a JSON report"),
        (b'{"schema": "urn:ocivalidate:report-1", "reports": []}', "cut off"),
        (json.dumps(record({})).encode(), "no results"),
        (b'{"schema": "urn:ocivalidate:results-2"}', "not a record of a run: runtime: it is missing"),
        (b"[" * 100_000, "not JSON"),
        (gzip.compress(b"{}", mtime=0)[:-9], "cut off"),
        (gzip.compress(b"{}", mtime=0) * 2, "something follows the end"),
        (b"\x1f\x8bno", "compression is broken"),
        (gzip.compress(b"{}", mtime=0), "neither a JSON report"),
    ],
)
def test_what_is_no_report_is_refused_in_one_line(tmp_path: Path, data: bytes, said: str) -> None:
    file = tmp_path / "x.json"
    file.write_bytes(data)
    with pytest.raises(Unreadable, match=said) as problem:
        subjects_of(str(file))
    assert len(str(problem.value).splitlines()) == 1


def test_one_broken_file_among_several_is_told(tmp_path: Path, say: Command) -> None:
    (tmp_path / "a.json").write_text(json.dumps(record({"create.one": {CREATES: ["fail", "no"]}})), encoding="utf-8")
    (tmp_path / "b.json").write_text("{", encoding="utf-8")
    done = say("report", str(tmp_path), "--format", "json")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert done.err.startswith(f"{tmp_path / 'b.json'}: not JSON")
    VALIDATOR.validate(done.json)
    assert done.json["sheets"][0]["subjects"][0]["counts"]["fail"] == 1
    assert say("report", str(tmp_path / "a.json")).code == 0


def test_output_goes_into_a_folder(tmp_path: Path, say: Command) -> None:
    (tmp_path / "a.json").write_text(json.dumps(record({"create.one": {CREATES: ["pass"]}})), encoding="utf-8")
    done = say("report", str(tmp_path / "a.json"), "--output", str(tmp_path / "new/one"))
    assert (done.code, done.out) == (0, "")
    assert "runc 1.5.1" in (tmp_path / "new/one/report.txt").read_text(encoding="utf-8")


def bench(**members: Any) -> dict[str, Any]:
    spread = {"count": 20, "median": 0.02, "low": 0.01, "high": 0.03, "values": []}
    create = {
        "phase": "alone",
        "operation": "create",
        "unit": "s",
        "runtimes": [spread, {**spread, "median": 0.01}],
        "ratios": [{"runtime": 1, "to": 0, "median": 0.5, "low": 0.4, "high": None, "verdict": "less"}],
    }
    memory = {"phase": "memory", "operation": "running", "unit": "bytes", "runtimes": [spread, None], "ratios": []}
    return {
        "schema": "urn:ocivalidate:bench-1",
        "date": "2026-11-28T13:00:00Z",
        "host": {"kernel": "6.1.0", "machine": "x86_64"},
        "runtimes": [{"label": "runc 1.5.1"}, {"label": "crun 1.28"}],
        "measurements": [create, memory],
        "notes": ["the machine was busy"],
        "complete": True,
        **members,
    }


def test_what_bench_measured_is_taken_too(tmp_path: Path, say: Command) -> None:
    (tmp_path / "bench.json").write_text(json.dumps(bench()), encoding="utf-8")
    assert "alone create  runc 1.5.1: 20 ms, crun 1.28: 10 ms" in say("report", "bench.json").out
    made = say("report", "bench.json", "--format", "json").json
    VALIDATOR.validate(made)
    (found,) = made["benches"]
    assert found["measurements"][0]["ratios"][0]["median"] == 0.5
    assert found["measurements"][1]["runtimes"][1] is None
    for form in ("html", "markdown"):
        assert "crun 1.28" in say("report", "bench.json", "--format", form).out


@pytest.mark.parametrize(
    "members",
    [
        {"complete": False},
        {"runtimes": []},
        {"runtimes": [None]},
        {"measurements": []},
        {"measurements": [{"unit": "s", "runtimes": [None]}, "no", {"unit": 3}]},
        {"host": 3, "notes": 3, "runtimes": "no"},
    ],
)
def test_a_measurement_of_the_wrong_shape_is_refused(tmp_path: Path, say: Command, members: dict[str, Any]) -> None:
    (tmp_path / "bench.json").write_text(json.dumps(bench(**members)), encoding="utf-8")
    done = say("report", "bench.json")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 2)
    assert "this measurement" in done.err


def test_a_report_of_a_runtime_says_where_and_how_long(tmp_path: Path, say: Command) -> None:
    facts: dict[str, Any] = {
        "runtime": {"name": "runc", "version": "1.5.1", "claim": "1.3.0", "digest": "sha256:0"},
        "host": {"release": "6.18.44-fc-v657", "machine": "x86_64", "cgroup_mode": "v2", "root": True, "lsms": []},
        "timings": {
            "create": {"count": 3, "median": 0.02, "low": 0.01, "high": 0.03},
            "start": {"count": 3, "median": "no", "low": 0.01, "high": 0.03},
            "state": {"count": 3, "median": float("nan"), "low": 0.01, "high": 0.03},
            "kill": None,
        },
    }
    data = json.loads(render("json", [RUNTIME], OPTIONS))
    data["reports"][0]["facts"] = facts
    (tmp_path / "a.json").write_text(json.dumps(data), encoding="utf-8")
    (one,) = say("report", "a.json", "--format", "json").json["sheets"][0]["subjects"]
    assert one["host"] == {"cgroup_mode": "v2", "kernel": "6.18.44", "machine": "x86_64", "root": "yes"}
    assert one["timings"] == {"create": facts["timings"]["create"]}
    assert (one["label"], one["digest"], one["suite"]) == ("runc 1.5.1", "sha256:0", data["tool"]["version"])


def test_facts_of_a_container_are_told_apart_by_their_place(tmp_path: Path, say: Command) -> None:
    data = json.loads(render("json", [RUNTIME], OPTIONS))
    results = [
        {"clause": CREATES, "outcome": "pass", "reason": "", "pointer": ""},
        {"clause": CREATES, "outcome": "fail", "reason": "", "pointer": "/process/cwd"},
    ]
    finding = {"clause": CREATES, "message": "it is elsewhere", "location": {"pointer": "/process/cwd"}}
    data["reports"][0] |= {"kind": "facts", "results": results, "findings": [finding]}
    (tmp_path / "a.json").write_text(json.dumps(data), encoding="utf-8")
    (sheet,) = say("report", "a.json", "--format", "json").json["sheets"]
    (cell,) = sheet["areas"][0]["clauses"][0]["cells"]
    assert [(one["case"], one["outcome"]) for one in cell["cases"]] == [
        ("/process/cwd", "fail"),
        ("every container", "pass"),
    ]
    assert cell["cases"][0]["said"][0]["message"] == "it is elsewhere"


# --- A folder of mixed things


def kept(file: Path, outcome: str = "pass") -> None:
    file.write_text(json.dumps(record({"create.one": {CREATES: [outcome, *(["no"] * (outcome != "pass"))]}})), "utf-8")


@pytest.mark.parametrize("broken", ["", "{", '{"a": 1}', '{"schema": "urn:ocivalidate:report-1"}'])
def test_what_cannot_be_read_hides_nothing_that_follows_it(tmp_path: Path, say: Command, broken: str) -> None:
    (tmp_path / "a.json").write_text(broken, encoding="utf-8")
    kept(tmp_path / "b.json")
    (tmp_path / "c.json").write_text(broken, encoding="utf-8")
    done = say("report", str(tmp_path))
    assert (done.code, done.err.count("\n")) == (2, 2)
    assert "runc 1.5.1" in done.out


def test_an_empty_file_says_so(tmp_path: Path, say: Command) -> None:
    (tmp_path / "a.json").touch()
    assert "a.json: not JSON: it is empty" in say("report", str(tmp_path / "a.json")).err


def test_what_the_command_wrote_beside_its_reports_is_none(tmp_path: Path, say: Command) -> None:
    kept(tmp_path / "a.json")
    first = say("report", str(tmp_path))
    assert say("report", str(tmp_path), "--format", "json", "--output", str(tmp_path)).code == 0
    assert say("report", str(tmp_path), "--badges", str(tmp_path / "badges")).code == 0
    changes = say("report", "--diff", str(tmp_path), str(tmp_path), "--format", "json", "--output", f"{tmp_path}/diff")
    assert (changes.code, changes.err) == (0, "")
    assert say("report", str(tmp_path)) == first
    assert say("report", str(tmp_path), "--badges", str(tmp_path / "badges")).code == 0
    # Who names it asks for it.
    assert say("report", str(tmp_path / "report.json")).code == 2


def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path, say: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "closed").mkdir()
    kept(tmp_path / "a.json")
    scandir = os.scandir

    def refusing(path: str) -> Any:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    done = say("report", str(tmp_path))
    assert done.code == 2
    assert f"{tmp_path / 'closed'}: permission denied" in done.err.lower()


@pytest.mark.parametrize(
    "words",
    [("report", ""), ("report", "--diff", "", "x"), ("report", "x", "--output", ""), ("report", "x", "--badges", "")],
)
def test_an_empty_path_is_told_as_one(words: tuple[str, ...], say: Command) -> None:
    done = say(*words)
    assert (done.code, done.err) == (2, "ocivalidate: error: a path is empty: is it a variable that is not set?\n")


@pytest.mark.parametrize("format_name", ["text", "markdown"])
def test_results_that_were_left_out_are_told(tmp_path: Path, say: Command, format_name: str) -> None:
    file = tmp_path / "a.json"
    cases = {f"create.{number}": {CREATES: ["pass"]} for number in range(4)}
    file.write_text(json.dumps(record(cases)), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ocivalidate.matrix.reading.MOST_POINTS", 3)
        assert "1 result left out" in say("report", str(file), "--format", format_name).out
        # What was left out may have got worse.
        done = say("report", "--diff", str(file), str(file), "--format", format_name)
        assert (done.code, "1 not compared" in done.out) == (2, True)


def test_badges_pass_over_what_is_measured_in_a_folder(tmp_path: Path, say: Command) -> None:
    kept(tmp_path / "a.json")
    (tmp_path / "bench.json").write_text(json.dumps(bench()), encoding="utf-8")
    done = say("report", str(tmp_path), "--badges", str(tmp_path / "badges"))
    assert (done.code, (tmp_path / "badges/runc.svg").exists()) == (0, True)
    assert say("report", str(tmp_path / "bench.json"), "--badges", str(tmp_path / "badges")).code == 2


def test_measurements_alone_begin_at_the_top_and_have_no_changes(tmp_path: Path, say: Command) -> None:
    (tmp_path / "bench.json").write_text(json.dumps(bench()), encoding="utf-8")
    assert say("report", "bench.json").out.startswith("measured: ")
    done = say("report", "--diff", "bench.json", "bench.json")
    assert (done.code, done.err) == (2, "ocivalidate: error: nothing that can be compared was read\n")
