"""Folders of records: what is sound passes, and whatever was edited, cut, forged or planted is told in one line."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from fixtures.subjects.recording import RESULTS
from ocivalidate.errors import Unreadable
from ocivalidate.programme import revisions
from ocivalidate.programme.checking import check
from ocivalidate.programme.expiry import RULES, age
from ocivalidate.programme.personal import KINDS, found_in, without
from ocivalidate.programme.readme import readme
from ocivalidate.programme.record import Host, Outcome, Record, Said, Suite, as_json, compressed, content_digest
from ocivalidate.programme.revisions import Revision, current, keep_current, known, listed
from ocivalidate.programme.storing import store
from tests.unit.command_line import Command

CLAUSE, OTHER = "runtime/runtime.create.applies-config", "runtime/runtime.create.creates"
DIGEST = f"sha256:{'0' * 64}"
TODAY = dt.date(2026, 11, 28)
SUITE = Revision(DIGEST, "0.1.0", {"1.3.0": frozenset({("a", CLAUSE), ("b", OTHER), ("c", CLAUSE)})})
ONE = Record(
    name="my-runtime",
    version="7.1",
    said=Said("my-runtime", "7.1"),
    claim="1.3.0",
    release="1.3.0",
    digest=DIGEST,
    suite=Suite("0.1.0", DIGEST, 3),
    host=Host("6.18.44", "x86_64", "v2", ("cpu",), root=True),
    date="2026-11-28",
    command=("ocivalidate", "runtime", "--runtime", "my-runtime"),
    outcomes=(
        Outcome("a", CLAUSE, "fail", ("wrong",), "this", "that"),
        Outcome("b", OTHER, "pass"),
        Outcome("c", CLAUSE, "skip", ("no seccomp",)),
    ),
)
PLACE = "my-runtime/7.1+v2"


@pytest.fixture(autouse=True)
def small_suite(monkeypatch: pytest.MonkeyPatch) -> None:
    """A suite of three results."""
    monkeypatch.setattr(revisions, "known", {DIGEST: SUITE}.get)
    monkeypatch.setattr("ocivalidate.programme.expiry.current", lambda: SUITE)


def faults(folder: Path) -> list[tuple[str, str]]:
    found = check(str(folder), TODAY).faults
    assert all("\n" not in f"{fault.path}{fault.message}" for fault in found)
    return [(fault.path, fault.message) for fault in found]


def told(folder: Path) -> str:
    """The one fault of a folder."""
    [(path, message)] = faults(folder)
    return f"{path}: {message}"


def test_what_was_written_is_sound(tmp_path: Path) -> None:
    store(ONE, tmp_path)
    store(replace(ONE, version="7.2"), tmp_path)
    (tmp_path / "README.md").write_text("what this folder is")
    found = check(str(tmp_path), TODAY)
    assert (found.faults, found.notes) == ([], [])
    assert [one.version for one in found.records] == ["7.1", "7.2"]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept")
    store(ONE, folder)
    return folder


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_with_any_byte_edited_or_cut_is_refused(kept: Path, data: st.DataObject) -> None:
    file = kept / PLACE / data.draw(st.sampled_from(["results.json.gz", "README.md"]))
    before = file.read_bytes()
    at = data.draw(st.integers(0, len(before) - 1))
    after = data.draw(
        st.sampled_from(
            [
                before[:at],
                before[:at] + bytes([before[at] ^ data.draw(st.integers(1, 255))]) + before[at + 1 :],
                before[:at] + before[at + 1 :],
                before[:at] + b"x" + before[at:],
            ]
        )
    )
    try:
        file.write_bytes(after)
        assert len(faults(kept)) >= 1, (file.name, at)
    finally:
        file.write_bytes(before)
    assert faults(kept) == []


def forged(folder: Path, **members: Any) -> Path:
    """A record with other members, whose digests and README are all right."""
    data = {**as_json(ONE), **members}
    data["digest"] = content_digest(data)
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    place = folder / PLACE
    place.mkdir(parents=True)
    (place / "results.json.gz").write_bytes(compressed(text))
    return folder


def results(**changes: Any) -> dict[str, Any]:
    return {**as_json(ONE)["results"], **changes}


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (replace(ONE, digest=""), "runtime.digest: wanted one, got nothing"),
        (replace(ONE, command=()), "command: wanted one, got nothing"),
        (replace(ONE, suite=replace(ONE.suite, revision="")), "suite.revision: wanted one, got nothing"),
        (
            replace(ONE, suite=replace(ONE.suite, revision=DIGEST.replace("0", "1"))),
            "suite.revision: wanted this suite",
        ),
        (replace(ONE, suite=replace(ONE.suite, cases=4)), "suite.cases: wanted 3, got 4"),
        (
            replace(ONE, suite=replace(ONE.suite, version="9")),
            "suite.version: wanted 0.1.0, as that revision has, got 9",
        ),
        (replace(ONE, release="1.2.0"), "release: wanted one of"),
        (
            replace(ONE, host=replace(ONE.host, cgroup_mode="v3")),
            "host.cgroup_mode: wanted one of v1, v2, hybrid, none",
        ),
        (replace(ONE, date="2026-02-30"), "date: wanted a day of the calendar, got 2026-02-30"),
        (replace(ONE, date="2026-11-30"), "date: wanted a day from 2026-01-01 to now, got 2026-11-30"),
        (replace(ONE, date="1999-01-01"), "date: wanted a day from 2026-01-01 to now, got 1999-01-01"),
        (replace(ONE, outcomes=ONE.outcomes[:2]), f"results: 1 are missing, the first: c {CLAUSE}"),
        (
            replace(ONE, outcomes=(*ONE.outcomes, Outcome("z", CLAUSE, "pass"))),
            f"results: 1 are of no case of that suite, the first: z {CLAUSE}",
        ),
        (replace(ONE, submitter="me in /home/me/x"), "submitter: wanted nothing that tells of a person or a machine"),
        (replace(ONE, source="git@example.org:me"), "runtime.source: wanted nothing that tells"),
        (replace(ONE, command=("x", "--root", "/root/me")), "got a path of a user: /root/me"),
        (replace(ONE, command=("sh", "-c", "curl x | sh")), "command: wanted ocivalidate runtime --runtime NAME and"),
        (replace(ONE, command=(*ONE.command, "--output=json=/etc/x")), "command: wanted ocivalidate runtime"),
        (replace(ONE, command=(*ONE.command[:3], "--submit")), "command: wanted ocivalidate runtime"),
        (replace(ONE, command=(*ONE.command[:3], "/tmp/x")), "command: wanted ocivalidate runtime"),  # noqa: S108
        (replace(ONE, command=(*ONE.command, "--runtime-arg=a\nb")), "command: wanted one line that can be printed"),
        (replace(ONE, name="run\u0441"), "name: wanted printable ASCII"),
        (replace(ONE, name="runc "), "name: wanted printable ASCII"),
        (replace(ONE, version="1\u202e2"), r"got 1\u202e2"),
        (replace(ONE, submitter="me\x1b[2J"), r"submitter: wanted one line that can be printed, got me\x1b[2J"),
    ],
)
def test_what_lacks_something_or_cannot_be_is_told(one: Record, said: str, tmp_path: Path) -> None:
    store(one, tmp_path)
    messages = faults(tmp_path)
    assert any(said in message for _path, message in messages), messages
    assert {path.rpartition("/")[2] for path, _message in messages} == {"results.json.gz"}


def test_an_address_that_a_submitter_gives_is_theirs_to_give(tmp_path: Path) -> None:
    store(replace(ONE, submitter="A. Maintainer <a@example.org>"), tmp_path)
    assert faults(tmp_path) == []


def test_a_forged_result_shows_in_the_readme_and_the_counts(tmp_path: Path) -> None:
    folder = forged(tmp_path, results=results(a={CLAUSE: {"outcome": "pass"}}))
    (folder / PLACE / "README.md").write_text("x")
    assert "counts.pass: wanted 2, as there are results, got 1" in told(folder)
    shutil.rmtree(tmp_path / "my-runtime")
    counts = {"pass": 2, "fail": 0, "skip": 1, "error": 0}
    folder = forged(tmp_path, results=results(a={CLAUSE: {"outcome": "pass"}}), counts=counts)
    # Whoever writes all of it anew, digests and README, is not found out: only another run can do that.
    content = (folder / PLACE / "results.json.gz").read_bytes()
    better = replace(ONE, outcomes=(Outcome("a", CLAUSE, "pass"), *ONE.outcomes[1:]))
    (folder / PLACE / "README.md").write_text(readme(ONE, content))
    assert told(folder).startswith(f"{PLACE}/README.md: edited")
    (folder / PLACE / "README.md").write_text(readme(better, content))
    assert faults(folder) == []


def moved(folder: Path) -> None:
    os.rename(folder / PLACE, folder / "my-runtime/8+v2")


def without_readme(folder: Path) -> None:
    (folder / PLACE / "README.md").unlink()


def with_more(folder: Path) -> None:
    (folder / PLACE / "notes\x1b.txt").write_text("x")


def linked(folder: Path) -> None:
    elsewhere = folder.parent / "elsewhere.gz"
    os.rename(folder / PLACE / "results.json.gz", elsewhere)
    os.symlink(elsewhere, folder / PLACE / "results.json.gz")


def linked_folder(folder: Path) -> None:
    os.rename(folder / PLACE, folder.parent / "elsewhere")
    os.symlink(folder.parent / "elsewhere", folder / PLACE)


def fifo(folder: Path) -> None:
    (folder / PLACE / "results.json.gz").unlink()
    os.mkfifo(folder / PLACE / "results.json.gz")


def bomb(folder: Path) -> None:
    (folder / PLACE / "results.json.gz").write_bytes(gzip.compress(bytes(9 << 20)))


def deep(folder: Path) -> None:
    (folder / PLACE / "results.json.gz").write_bytes(gzip.compress(b'{"a":' * 200_000))


def large(folder: Path) -> None:
    with (folder / PLACE / "README.md").open("ab") as file:
        file.truncate(2 << 20)


def a_file_among_runtimes(folder: Path) -> None:
    (folder / "notes.txt").write_text("x")


def a_file_among_versions(folder: Path) -> None:
    (folder / "my-runtime/notes.txt").write_text("x")


def named_in_gzip(folder: Path) -> None:
    file = folder / PLACE / "results.json.gz"
    content = io.BytesIO()
    with gzip.GzipFile("of-somebody", "wb", 9, content, 0) as stream:
        stream.write(gzip.decompress(file.read_bytes()))
    file.write_bytes(content.getvalue())
    (folder / PLACE / "README.md").write_text(readme(ONE, content.getvalue()))


def followed(folder: Path) -> None:
    file = folder / PLACE / "results.json.gz"
    file.write_bytes(file.read_bytes() * 2)
    (folder / PLACE / "README.md").write_text(readme(ONE, file.read_bytes()))


def other_lines(folder: Path) -> None:
    file = folder / PLACE / "README.md"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))


def in_capitals(folder: Path) -> None:
    store(replace(ONE, name="My-Runtime"), folder)


def an_empty_runtime(folder: Path) -> None:
    (folder / "other").mkdir()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (moved, "my-runtime/8+v2: it has the record of my-runtime/7.1+v2: wanted that name of the folder"),
        (without_readme, f"{PLACE}/README.md: it is missing"),
        (with_more, "wanted nothing but results.json.gz and README.md"),
        (linked, f"{PLACE}/results.json.gz: it is a link: wanted a regular file"),
        (linked_folder, f"{PLACE}: wanted a folder for a version"),
        pytest.param(
            *(fifo, f"{PLACE}/results.json.gz: not a file"),
            marks=pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs"),
        ),
        (bomb, f"{PLACE}/results.json.gz: too large: wanted at most 8 MiB unpacked"),
        (deep, f"{PLACE}/results.json.gz: not a record of a run: nested too deeply"),
        (large, f"{PLACE}/README.md: too large: wanted at most 1 MiB"),
        (a_file_among_runtimes, "notes.txt: wanted a folder for a runtime, or README.md"),
        (a_file_among_versions, "my-runtime/notes.txt: wanted a folder for a version"),
        (named_in_gzip, f"{PLACE}/results.json.gz: edited: it is not written as --submit writes it"),
        (followed, f"{PLACE}/results.json.gz: not a record of a run: something follows its end"),
        (other_lines, f"{PLACE}/README.md: edited"),
        (in_capitals, "my-runtime: wanted a name that is not My-Runtime in other letters"),
        (an_empty_runtime, "other: it is empty: wanted a folder for each version"),
    ],
)
def test_what_does_not_belong_there_is_told(change: Callable[[Path], None], said: str, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    store(ONE, folder)
    change(folder)
    assert said in told(folder)


def test_one_fault_does_not_hide_another(tmp_path: Path) -> None:
    store(replace(ONE, digest="", command=()), tmp_path)
    store(replace(ONE, version="8", date="1999-01-01"), tmp_path)
    assert len(faults(tmp_path)) == 3


@pytest.mark.parametrize("folder", ["none", "file", "empty"])
def test_a_folder_without_records_is_one_line(folder: str, tmp_path: Path, say: Command) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    done = say("report", "--check", str(tmp_path / folder))
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)


def test_the_command_says_each_fault_and_what_there_is(tmp_path: Path, say: Command) -> None:
    store(ONE, tmp_path)
    done = say("report", "--check", str(tmp_path))
    assert (done.code, done.err) == (0, "")
    assert done.out == f"{tmp_path}: 1 sound record, 0 faults\n"
    file = tmp_path / PLACE / "results.json.gz"
    file.write_bytes(file.read_bytes()[:-1])
    done = say("report", "--check", str(tmp_path))
    assert (done.code, done.err) == (1, "")
    assert done.out.splitlines() == [
        f"{file}: not a record of a run: it was cut off",
        f"{tmp_path}: 0 sound records, 1 fault",
    ]


def test_records_grow_old_as_the_table_says(tmp_path: Path) -> None:
    assert age(ONE, TODAY).state == "current"
    for rule in RULES:
        later = TODAY + dt.timedelta(days=rule.days)
        assert age(ONE, later).state != rule.state
        assert age(ONE, later + dt.timedelta(days=1)) == (rule.state, f"it is {rule.days + 1} days old")
    assert age(replace(ONE, outcomes=ONE.outcomes[:2]), TODAY) == (
        "expired",
        "1 of 3 results that this suite asks for are not in it",
    )
    assert age(replace(ONE, suite=Suite()), TODAY).reason == "nobody knows which revision of the suite judged it"
    assert age(replace(ONE, date=""), TODAY).reason == "nobody knows when it was judged"
    store(ONE, tmp_path)
    [note] = check(str(tmp_path), TODAY + dt.timedelta(days=400)).notes
    assert note == (PLACE, "stale: it is 400 days old: run it again")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("open /home/me/x: no such file", "open PATH: no such file"),
        ("at '/root/.cache/y'", "at 'PATH'"),
        ("/var/home/me/z and C:\\Users\\me\\z", "PATH and PATH"),
        ("/Users/me", "PATH"),
        ("me@build-7 says so, ask me.too@example.org", "USER@HOST says so, ask USER@HOST"),
        ("https://me:secret@example.org/x", "https://USER@HOST/x"),
        ("from 192.168.3.4, by 02:42:ac:11:00:02", "from ADDRESS, by ADDRESS"),
        ("ghp_0123456789abcdefghij0123", "TOKEN"),
        ("/tmp/ocivalidate-0123456789abcdef/b/config.json", "PATH"),  # noqa: S108  # nothing is made there
        ("rootfs /tmp/ocivalidate-0123", "rootfs PATH"),
        ("rootfs /tmp/ocivalidate-0123…", "rootfs PATH"),
        ("the group ocivalidate-0123", "the group ocivalidate-RUN"),
        ("file:///home/me/x, /a/b/c/d/e/home/me", "file:PATH, PATH"),
        ("%2Fhome%2Fme, C:\\\\Users\\\\me and c:/users/me", "PATH, PATH and PATH"),
        ("https://me:s@cret@example.org/x", "https://USER@HOST/x"),
        ("from fe80::1ff:fe23:4567:890a or 2001:db8:0:0:0:ff00:42:8329", "from ADDRESS or ADDRESS"),
        ("02-42-ac-11-00-02", "ADDRESS"),
        ("Authorization: Bearer abcdefghijklmnop0123456789", "Authorization: TOKEN"),
        ("npm_abcdefghijklmnopqrstuvwxyz0123456789 or password=hunter2", "TOKEN or TOKEN"),
        ("std::fe::abc, 2026::x, 12:34:56, 0:1000:1", "std::fe::abc, 2026::x, 12:34:56, 0:1000:1"),
        ("group ocivalidate-0123456789abcdef-1", "group ocivalidate-RUN-1"),
        (
            "rootfs/home/x, /mnt/file, /tmp/made, 127.0.0.1 and 1.2.3",
            "rootfs/home/x, /mnt/file, /tmp/made, 127.0.0.1 and 1.2.3",
        ),
    ],
)
def test_what_tells_of_somebody_is_replaced_and_found(text: str, kept: str) -> None:
    assert without(text) == kept
    assert (found_in(text) == "") is (text == kept)
    assert found_in(kept) == ""


@given(st.text())
def test_what_was_replaced_is_not_found_again(text: str) -> None:
    assert found_in(without(text)) == ""


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "/",
        "/a",
        "a:",
        "a.",
        "1.",
        "-",
        "00:",
        "eyJ",
        "eyJaaaaaaaa",
        "/ocivalidate-",
        "://a",
        "x@",
        "/home",
        "-/a",
        "fe80:",
    ],
)
def test_looking_takes_time_that_grows_as_the_text_does(piece: str) -> None:
    text = piece * (40_000 // len(piece))
    began = time.process_time()
    found_in(text)
    without(text)
    assert time.process_time() - began < 1.0


def test_every_kind_has_words() -> None:
    assert all(kind.called and kind.instead for kind in KINDS)


class TestOurSuite:
    """The revision that this checkout is, and those that are kept."""

    @pytest.fixture(autouse=True)
    def real(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(revisions, "known", known)
        monkeypatch.setattr("ocivalidate.programme.expiry.current", current)

    def test_a_revision_survives_being_kept(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        now = current()
        assert now.results["1.3.0"] > now.results["1.2.1"] - now.results["1.0.0"]
        keep_current(tmp_path)
        monkeypatch.setattr(revisions, "_kept", lambda: tmp_path)
        assert listed() == [now.digest]
        monkeypatch.setattr(revisions, "digest", lambda: DIGEST)
        known.cache_clear()
        assert known(now.digest) == now
        assert known(DIGEST[:-1] + "1") is None
        assert known("../../etc/passwd") is None
        known.cache_clear()

    @pytest.mark.parametrize(
        "members",
        [{}, {"releases": 1}, {"releases": [], "cases": []}, {"releases": ["1.3.0"], "cases": {"a": {"b": ""}}}],
    )
    def test_a_revision_of_another_shape_is_not_known(
        self, members: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(revisions, "_kept", lambda: tmp_path)
        name = f"{DIGEST.removeprefix('sha256:')[:16]}.json.gz"
        (tmp_path / name).write_bytes(gzip.compress(json.dumps({"digest": DIGEST, **members}).encode()))
        known.cache_clear()
        assert known(DIGEST) is None
        known.cache_clear()

    def test_all_that_is_kept_is_sound(self) -> None:
        found = check(str(RESULTS), dt.date(2999, 1, 1))
        assert found.faults == []
        assert {one.suite.revision for one in found.records} <= set(listed())


def test_a_folder_that_is_no_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="none: "):
        check(str(tmp_path / "none"), TODAY)


@pytest.mark.parametrize(("below", "up"), [("my-runtime", ".."), (PLACE, "../..")])
def test_the_folder_of_one_record_names_the_one_to_check(tmp_path: Path, below: str, up: str) -> None:
    store(ONE, tmp_path)
    with pytest.raises(Unreadable, match=re.escape(f"check {tmp_path / below}/{up}") + "$"):
        check(str(tmp_path / below), TODAY)
    assert not check(str(tmp_path / below / up), TODAY).faults


def test_a_check_of_nothing_says_what_it_wants(say: Command) -> None:
    assert say("report", "--check").err == "ocivalidate: error: --check needs a folder of records, such as results\n"
