"""Records of runs: written, read, and what is none refused in one line."""

from __future__ import annotations

import gzip
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, strategies as st

from fixtures.subjects.recording import RESULTS
from ocivalidate import resources
from ocivalidate.errors import Unreadable, UsageError
from ocivalidate.programme.keeping import anonymous
from ocivalidate.programme.reading import document_in, read_any, read_record, read_records, record_in
from ocivalidate.programme.readme import readme
from ocivalidate.programme.record import (
    Host,
    Outcome,
    Record,
    Said,
    Suite,
    Timing,
    as_json,
    content_digest,
    folder_of,
    order,
    packed,
)
from ocivalidate.programme.reports import records_of_report
from ocivalidate.programme.storing import store

CLAUSE = "runtime/runtime.create.applies-config"
DIGEST = f"sha256:{'0' * 64}"
ONE = Record(
    name="runc",
    version="1.5.3",
    said=Said("runc", "1.5.3"),
    claim="1.3.0",
    release="1.3.0",
    digest=DIGEST,
    suite=Suite("0.1.0", DIGEST, 2),
    host=Host("6.18.44", "x86_64", "v2", ("cpu", "pids"), ("apparmor",), root=True, own_kernel=False, sandbox="uml"),
    date="2026-11-28",
    submitter="somebody",
    source="Go module",
    command=("ocivalidate", "runtime", "--runtime", "runc"),
    outcomes=(
        Outcome("a", CLAUSE, "fail", ("wrong",), "this", "that"),
        Outcome("b", CLAUSE, "pass"),
        Outcome("c", CLAUSE, "skip", ("no seccomp",)),
    ),
    timings={"create": Timing(20, 0.05, 0.04, 0.06)},
)


def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(resources.read_json("schemas", "output/results.json"))


def test_a_record_survives_a_round_and_keeps_its_schema() -> None:
    assert record_in(document_in(packed(ONE))) == ONE
    validator().validate(as_json(ONE))


def test_the_same_record_is_the_same_bytes_which_every_gzip_reads() -> None:
    assert packed(ONE) == packed(replace(ONE))
    assert json.loads(gzip.decompress(packed(ONE))) == as_json(ONE)


@pytest.mark.parametrize("file", sorted(RESULTS.glob("*/*/results.json.gz")), ids=lambda file: file.parent.name)
def test_what_is_kept_keeps_its_schema(file: Path) -> None:
    document = json.loads(gzip.decompress(file.read_bytes()))
    one = record_in(document)
    # Sixteen records with hundreds of results each: one of each kind is enough for a slow validator.
    some = {one.outcome: one for one in one.outcomes}
    validator().validate(as_json(replace(one, outcomes=tuple(some.values()))))
    assert file.read_bytes() == packed(one)
    assert file.parent == RESULTS / folder_of(one)


def changed(**members: Any) -> bytes:
    """A document with other members, whose digest is right."""
    data = {**as_json(ONE), **members}
    return json.dumps({**data, "digest": content_digest(data)}, ensure_ascii=False).encode()


def result(**told: Any) -> dict[str, Any]:
    return {"results": {"a": {CLAUSE: told}}, "counts": {"pass": 0, "fail": 1, "skip": 0, "error": 0}}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not JSON"),
        (b"no gzip", "not JSON"),
        (b"\x1f\x8b no gzip", "damaged"),
        (packed(ONE)[:-4], "cut off"),
        (packed(ONE) + b"\0", "follows its end"),
        (packed(ONE) + packed(ONE), "follows its end"),
        (gzip.compress(b"{", mtime=0), "not JSON"),
        (gzip.compress(b"[" * 100_000, mtime=0), "too deeply"),
        (gzip.compress(b'{"a":' * 100_000, mtime=0), "too deeply"),
        (gzip.compress(b"7", mtime=0), "wanted an object, got 7"),
        (gzip.compress(b"{}", mtime=0), "wanted the schema"),
        (gzip.compress(b"0" * (9 << 20), mtime=0), "too large: wanted at most 8 MiB unpacked"),
        (b'{"schema": "urn:ocivalidate:results-2", "schema": "x"}', "twice"),
        (b'{"date": NaN}', "is not a number"),
        (changed(date="yesterday"), 'date: wanted text that matches [0-9]{4}-[0-9]{2}-[0-9]{2}, got "yesterday"'),
        (changed(runtime=1), "runtime: wanted an object, got 1"),
        (changed(release=[1]), "release: wanted text, got an array"),
        (changed(name="x" * 5000), "name: wanted at most 4000 characters"),
        (changed(extra=1), "extra: wanted no such member, got 1"),
        (changed(results={"a": ["x"]}), "results.a: wanted an object, got an array"),
        (changed(**result()), f"results.a.{CLAUSE}.outcome: it is missing"),
        (changed(**result(outcome="xfail", said=["x"])), "outcome: wanted one of pass, fail, skip, error"),
        (changed(**result(outcome="fail")), "said: it is missing"),
        (changed(**result(outcome="pass", said=["x"])), "said: wanted nothing of a pass"),
        (changed(**result(outcome="fail", said=[1])), "said: wanted an array of texts"),
        (changed(results={}), "counts.pass: wanted 0, as there are results, got 1"),
        (changed(counts={**as_json(ONE)["counts"], "pass": True}), "counts.pass: wanted a number of things, got true"),
        (changed(timings={"run": {}}), "timings.run: wanted one of create"),
        (changed(timings={"kill": {"count": 1, "median": 1, "low": 2, "high": 3}}), "a median between its quartiles"),
        (json.dumps({**as_json(ONE), "submitter": "\ud800"}).encode(), "not Unicode"),
        (json.dumps({**as_json(ONE), "date": "2020-01-01"}).encode(), "edited"),
    ],
)
def test_what_is_no_record_is_one_line(content: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "results.json.gz"
    file.write_bytes(content)
    with pytest.raises(Unreadable) as told:
        read_record(file)
    assert str(told.value).startswith(f"{file}: ")
    assert said in str(told.value)
    assert "\n" not in str(told.value)


@given(st.data())
def test_what_is_no_json_of_ours_never_breaks_the_reader(data: st.DataObject) -> None:
    document: Any = as_json(ONE)
    anything = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=2)
    )
    place = data.draw(st.sampled_from(["name", "runtime", "suite", "host", "results", "timings", "counts", "command"]))
    inner = document[place]
    if isinstance(inner, dict) and data.draw(st.booleans()):
        inner[data.draw(st.sampled_from([*inner, "x"]))] = data.draw(anything)
    else:
        document[place] = data.draw(anything)
    try:
        document["digest"] = content_digest(document)
    except ValueError:
        document["digest"] = DIGEST
    try:
        one = record_in(document)
    except Unreadable:
        return
    validator().validate(document)
    assert as_json(one) == document


def test_the_schema_refuses_what_the_reader_refuses() -> None:
    for name in as_json(ONE):
        document = {key: value for key, value in as_json(ONE).items() if key != name}
        assert not validator().is_valid(document), name
        with pytest.raises(Unreadable):
            record_in(document)


@pytest.mark.parametrize(
    ("name", "version", "folder"),
    [
        ("runc", "1.1.5+ds1", "runc/1.1.5+ds1+v2"),
        ("my runtime/x", "1 2/3", "my%20runtime%2Fx/1%202%2F3+v2"),
        ("..", ".", "%2E%2E/%2E+v2"),
        ("con", "x.", "%63on/x%2E+v2"),
        ("NUL.txt", "1", "%4EUL.txt/1+v2"),
        ("git~1", "\ud800", "%67it~1/%ED%A0%80+v2"),
        ("console", "1", "console/1+v2"),
        ("a.SVG", "b.json", "a%2ESVG/b%2Ejson+v2"),
        ("", "", "unknown/unknown+v2"),
        ("r\n", "v\0", "r%0A/v%00+v2"),
        ("ü", "0.0~1", "%C3%BC/0.0~1+v2"),
    ],
)
def test_every_name_has_a_folder(name: str, version: str, folder: str) -> None:
    assert folder_of(replace(ONE, name=name, version=version)) == folder


WORDS = st.text(st.characters(), max_size=300)


@given(WORDS, WORDS)
def test_a_folder_is_two_plain_names(name: str, version: str) -> None:
    runtime, _, run = folder_of(replace(ONE, name=name, version=version)).partition("/")
    for part in (runtime, run):
        assert part.isascii()
        assert part.isprintable()
        assert not part.startswith(".")
        assert not part.endswith(".")
        assert "/" not in part
        assert 0 < len(part) < 100


def test_names_that_are_cut_stay_different() -> None:
    assert folder_of(replace(ONE, name="x" * 200)) != folder_of(replace(ONE, name="x" * 201))


def test_versions_have_an_order() -> None:
    versions = ["1.10.0", "1.9.0-rc.1", "1.9.0", "1.9.0+ds1", "20221219"]
    kept = sorted((replace(ONE, version=version) for version in versions), key=order)
    assert [one.version for one in kept] == ["1.9.0-rc.1", "1.9.0", "1.9.0+ds1", "1.10.0", "20221219"]


def test_a_folder_is_written_whole_and_replaces_an_older_one(tmp_path: Path) -> None:
    store(ONE, tmp_path)
    place = store(replace(ONE, date="2026-11-29"), tmp_path)
    assert place == tmp_path / "runc/1.5.3+v2"
    assert sorted(entry.name for entry in place.iterdir()) == ["README.md", "results.json.gz"]
    assert [entry.name for entry in place.parent.iterdir()] == ["1.5.3+v2"]
    assert [one.date for one in read_records(tmp_path)] == ["2026-11-29"]


def test_what_is_no_record_alone_is_not_replaced(tmp_path: Path) -> None:
    place = store(ONE, tmp_path)
    (place / "notes.txt").write_text("mine")
    with pytest.raises(Exception, match="no record of a run alone"):
        store(ONE, tmp_path)
    assert (place / "notes.txt").read_text() == "mine"
    assert [entry.name for entry in place.parent.iterdir()] == ["1.5.3+v2"]


def test_a_link_in_the_folder_of_results_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "results").mkdir()
    (tmp_path / "results/runc").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="runc is a link"):
        store(ONE, tmp_path / "results")
    assert [*(tmp_path / "elsewhere").iterdir()] == []


def test_a_link_that_appears_meanwhile_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()

    def swapped(record: Record, content: bytes) -> str:
        (tmp_path / "runc").rename(tmp_path / "moved")
        (tmp_path / "runc").symlink_to(tmp_path / "elsewhere")
        return readme(record, content)

    monkeypatch.setattr("ocivalidate.programme.storing.readme", swapped)
    store(ONE, tmp_path)
    assert [*(tmp_path / "elsewhere").iterdir()] == []
    assert [entry.name for entry in (tmp_path / "moved").iterdir()] == ["1.5.3+v2"]


def test_what_was_there_survives_an_interrupt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store(ONE, tmp_path)
    rename, calls = os.rename, []

    def interrupted(*names: Any, **folders: Any) -> None:
        calls.append(names)
        if len(calls) == 2:
            raise KeyboardInterrupt
        rename(*names, **folders)

    monkeypatch.setattr("os.rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store(replace(ONE, date="2026-11-29"), tmp_path)
    assert [one.date for one in read_records(tmp_path)] == [ONE.date]
    assert [entry.name for entry in (tmp_path / "runc").iterdir()] == ["1.5.3+v2"]


def report(**more: Any) -> dict[str, Any]:
    finding = {"clause": CLAUSE, "message": "wrong", "got": "this", "want": "that", "location": {"case": "a"}}
    one = {
        "kind": "runtime",
        "subject": "/opt/x/runc",
        "release": "1.3.0",
        "problem": "",
        "complete": True,
        "facts": {
            "runtime": {"name": "runc", "version": "1.5.3", "claim": "1.3.0", "digest": DIGEST},
            "host": {"release": "6.1.0-x", "machine": "x86_64", "cgroup_mode": "v2", "controllers": [], "root": True},
            "timings": {"kill": {"count": 1, "median": 1, "low": 1, "high": 1}},
        },
        "findings": [finding],
        "results": [
            {"case": "a", "clause": CLAUSE, "outcome": "fail", "reason": "", "dump": "kept/a"},
            {"case": "b", "clause": CLAUSE, "outcome": "pass", "reason": ""},
            {
                "case": "c",
                "clause": CLAUSE,
                "outcome": "xfail",
                "reason": "known",
                "findings": [{**finding, "message": "deviates", "location": {"case": "c"}}],
            },
        ],
        **more,
    }
    return {"schema": "urn:ocivalidate:report-1", "tool": {"name": "ocivalidate", "version": "0.1.0"}, "reports": [one]}


def test_a_report_is_a_record_with_the_same_outcomes() -> None:
    [one] = records_of_report(report())
    assert [(each.outcome, each.said, each.dump) for each in one.outcomes] == [
        ("fail", ("wrong",), "kept/a"),
        ("pass", (), ""),
        ("xfail", ("deviates",), ""),
    ]
    assert (one.outcomes[0].got, one.outcomes[0].want) == ("this", "that")
    assert (one.title, one.host.kernel, one.digest, one.suite.cases) == ("runc 1.5.3", "6.1.0", DIGEST, 3)
    assert one.timings == {"kill": Timing(1, 1, 1, 1)}
    assert one.failed == {CLAUSE}
    # In what is kept, a known deviation is a failure.
    assert anonymous(one, "").counts == {"fail": 2, "pass": 1}


def test_a_runtime_without_a_name_is_called_by_its_program() -> None:
    facts = {"runtime": {"name": "", "version": "", "claim": ""}, "host": {}}
    [one] = records_of_report(report(facts=facts))
    assert one.title == "runc unknown"
    assert folder_of(one) == "runc/unknown"


def test_a_report_of_a_bundle_says_where_findings_stand() -> None:
    location = {"file": "b/config.json", "line": 3, "pointer": "/root"}
    [one] = records_of_report(
        report(
            kind="bundle",
            subject="b",
            facts={},
            results=[{"clause": CLAUSE, "outcome": "fail", "reason": ""}],
            findings=[{"clause": CLAUSE, "message": "wrong", "got": "", "want": "", "location": location}],
        )
    )
    assert (one.kind, one.name, one.version) == ("bundle", "b", "")
    assert one.outcomes == (Outcome("", CLAUSE, "fail", ("wrong",), place="b/config.json:3 /root"),)


TOO_LARGE = {"facts": {"timings": {"create": {"count": 1, "median": 10**400, "low": 1, "high": 1}}}}


@pytest.mark.parametrize("broken", [TOO_LARGE, {}, {"results": 1}, {"facts": []}, {"findings": [{}]}, {"results": [7]}])
def test_what_is_no_report_is_one_line(broken: dict[str, Any], tmp_path: Path) -> None:
    document = {**report(**broken), **({} if broken else {"reports": 1})}
    (tmp_path / "r.json").write_text(json.dumps(document))
    with pytest.raises(Unreadable, match=r"^\S+r\.json: not a report of ocivalidate"):
        read_any(tmp_path / "r.json")


def test_a_path_that_is_no_file_is_one_line(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(Unreadable, match=r"^\S+: "):
            read_record(path)


def test_nothing_of_the_machine_is_kept() -> None:
    said = ("/opt/x/runc: open /home/me/x and /tmp/ocivalidate-0123456789abcdef-1/b on build-7",)
    one = replace(ONE, outcomes=(Outcome("a", CLAUSE, "fail", said, "/root/got", "build-7x"),))
    [told] = anonymous(one, "/opt/x/runc", {"build-7": "HOST"}).outcomes
    assert (told.said, told.got, told.want) == (("runc: open PATH and PATH on HOST",), "PATH", "build-7x")
