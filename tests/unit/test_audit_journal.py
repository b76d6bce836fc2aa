"""What an audit has verified is kept in a file, and believed in what it can say alone."""

from __future__ import annotations

import itertools
import json
import os
import pickle
import resource
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures.layouts import Entry, tar
from ocivalidate.audit import facts_json
from ocivalidate.audit.api import audit
from ocivalidate.audit.journal import Journal, Kept, age
from ocivalidate.errors import Malformed, UsageError
from ocivalidate.image.layers.blob import BlobFacts, BlobRequest, verify
from ocivalidate.image.layers.limits import DEFAULT
from ocivalidate.registry.answers import Answer
from ocivalidate.vocabulary import digests
from tests.blobs import opener
from tests.tarforms import FORMS, archive

LAYERS = [tar([Entry(f"usr/{name}", name.encode() * 9)]) for name in "abc"]


def requested(data: bytes, key: bytes, **more: Any) -> BlobRequest:
    return BlobRequest(opener(data), layer=True, size=len(data), used=True, key=key, **more)


def take(journal: Journal, data: bytes, digest: str = "", target: str = "./registry") -> BlobFacts:
    request = requested(data, journal.key)
    facts = verify(request)
    journal.take(target, "blobs/x", digest or str(digests.of(data)), request, facts)
    return facts


def filled(path: Path) -> list[BlobFacts]:
    with Journal(str(path), DEFAULT) as journal:
        return [take(journal, data) for data in LAYERS]


def entries(path: Path) -> list[Kept]:
    with Journal(str(path), DEFAULT) as journal:
        return list(journal.entries())


def test_a_run_goes_on_with_what_was_verified(tmp_path: Path) -> None:
    found = filled(tmp_path / "journal")
    with Journal(str(tmp_path / "journal"), DEFAULT) as journal:
        kept = list(journal.entries())
        assert [one.facts for one in kept] == found
        assert [one.digest for one in kept] == [str(digests.of(data)) for data in LAYERS]
        assert all(one.answers(requested(data, journal.key)) for one, data in zip(kept, LAYERS, strict=True))
        assert journal.passed_over == 0
        # What it takes now is not among what it had.
        take(journal, LAYERS[0])
        assert len(list(journal.entries())) == len(LAYERS)
    assert len(entries(tmp_path / "journal")) == len(LAYERS) + 1


@pytest.mark.parametrize(
    "answer",
    [
        Answer("GET", "blob", "sha256:x", 200),
        Answer("GET", "manifest", "latest", 200, "sha256:x", "a/b", -1, 7, "sha256:y", ranges=False, elsewhere=True),
    ],
)
def test_what_a_server_said_comes_back_as_it_was(answer: Answer) -> None:
    facts = BlobFacts(7, answers=(answer, answer))
    assert facts_json.read(json.loads(json.dumps(facts_json.written(facts))), b"") == facts


@pytest.mark.parametrize("name", FORMS)
def test_facts_come_back_as_they_were(name: str) -> None:
    facts = verify(BlobRequest(opener(archive(FORMS[name])), layer=True, used=True, key=b"k" * 16))
    text = json.dumps(facts_json.written(facts))
    again = facts_json.read(json.loads(text), b"k" * 16)
    assert again == facts
    assert pickle.dumps(again) == pickle.dumps(facts) or again.counts == facts.counts


def test_facts_with_another_meaning_get_another_number() -> None:
    """Whoever changes what facts are made of counts MEANING up, and writes the new number here."""
    known = digests.of("\n".join(facts_json.shape()).encode())
    assert (facts_json.MEANING, str(known)[:23]) == (2, "sha256:ebcf47fa3f220a23")


def test_what_did_not_match_is_read_again(tmp_path: Path) -> None:
    with Journal(str(tmp_path / "journal"), DEFAULT) as journal:
        take(journal, LAYERS[0], digest=str(digests.of(b"other")))
        journal.take("r", "p", "sha256:x", requested(b"", journal.key), BlobFacts(failure="Input/output error"))
    assert entries(tmp_path / "journal") == []


def test_a_journal_is_its_owners_alone(tmp_path: Path) -> None:
    filled(tmp_path / "journal")
    assert stat.S_IMODE(os.stat(tmp_path / "journal").st_mode) == 0o600


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
def test_a_journal_to_which_everybody_may_write_is_not_believed(tmp_path: Path) -> None:
    filled(tmp_path / "journal")
    (tmp_path / "journal").chmod(0o660)
    Journal(str(tmp_path / "journal"), DEFAULT).close()
    (tmp_path / "journal").chmod(0o602)
    with pytest.raises(UsageError, match="everybody may write to this journal"):
        Journal(str(tmp_path / "journal"), DEFAULT)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="needs root")
def test_somebody_elses_journal_in_a_common_folder_is_not_believed(tmp_path: Path) -> None:
    filled(tmp_path / "journal")
    os.chown(tmp_path / "journal", 12345, 12345)
    Journal(str(tmp_path / "journal"), DEFAULT).close()
    tmp_path.chmod(0o1777)
    with pytest.raises(UsageError, match="somebody else's file"):
        Journal(str(tmp_path / "journal"), DEFAULT)


def test_two_runs_do_not_write_one_journal(tmp_path: Path) -> None:
    with (
        Journal(str(tmp_path / "journal"), DEFAULT),
        pytest.raises(UsageError, match="another run is writing this journal"),
    ):
        Journal(str(tmp_path / "journal"), DEFAULT)
    filled(tmp_path / "journal")


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a folder": (lambda path: path.mkdir(), "not a regular file"),
    "a FIFO": (os.mkfifo, "not a regular file"),
    "another file": (lambda path: path.write_text("hello\n"), "it has no head of one"),
    "another JSON": (lambda path: path.write_text('{\n  "a": 1\n}\n'), "it has no head of one"),
    "a head of another release": (lambda path: headed(path, meaning=99), "another release"),
    "a head of no release": (lambda path: headed(path, meaning=True), "another release"),
    "other limits": (lambda path: headed(path, limits={}), "other limits"),
    "no key": (lambda path: headed(path, key="zz"), "it has no key"),
    "a short key": (lambda path: headed(path, key="00"), "it has no key"),
    "a key that is no text": (lambda path: headed(path, key=5), "it has no key"),
    "a long first line": (lambda path: path.write_text('{"ocivalidate audit journal": ' + "9" * 9999), "no head"),
}


def headed(path: Path, **changed: Any) -> None:
    filled(path)
    first, *lines = path.read_text().splitlines()
    head = json.loads(first)
    if "meaning" in changed:
        head["ocivalidate audit journal"] = changed.pop("meaning")
    path.write_text("\n".join([json.dumps(head | changed), *lines, ""]))


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_journal_of_ours_is_refused_and_left_as_it_is(tmp_path: Path, case: str) -> None:
    make, wanted = REFUSED[case]
    path = tmp_path / "journal"
    make(path)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(UsageError, match=wanted) as refused:
        Journal(str(path), DEFAULT)
    assert "\n" not in str(refused.value)
    assert (path.read_bytes() if path.is_file() else b"") == before


def test_a_journal_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written: no such file"):
        Journal(str(tmp_path / "none" / "journal"), DEFAULT)


def test_a_full_disk_ends_a_run_with_one_line(tmp_path: Path) -> None:
    code = (
        "import resource, signal, sys\n"
        "from ocivalidate.audit.journal import Journal\n"
        "from ocivalidate.errors import UsageError\n"
        "from ocivalidate.image.layers.blob import BlobRequest, verify\n"
        "from ocivalidate.image.layers.limits import DEFAULT\n"
        "from ocivalidate.vocabulary import digests\n"
        "import io\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "journal = Journal(sys.argv[1], DEFAULT)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "request = BlobRequest(lambda: io.BytesIO(b'a'))\n"
        "try:\n"
        "    for _turn in range(99):\n"
        "        journal.take('t', 'p', str(digests.of(b'a')), request, verify(request))\n"
        "except UsageError as problem:\n"
        "    print(problem)\n"
    )
    path = tmp_path / "journal"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert "cannot be written" in done.stdout
    assert done.stdout.count("\n") == 1
    # What was written to its end counts, and the rest is passed over.
    assert len(entries(path)) == path.read_bytes().count(b"]}}\n") >= 1


def hostile_lines() -> Iterator[tuple[str, Callable[[dict[str, Any]], object]]]:
    def member(name: str, value: Any) -> Callable[[dict[str, Any]], object]:
        return lambda line: line.__setitem__(name, value)

    def fact(name: str, value: Any) -> Callable[[dict[str, Any]], object]:
        return lambda line: line["facts"].__setitem__(name, value)

    def tar_fact(name: str, value: Any) -> Callable[[dict[str, Any]], object]:
        return lambda line: line["facts"]["tar"].__setitem__(name, value)

    yield "another digest", member("digest", str(digests.of(b"other")))
    yield "no digest", member("digest", None)
    yield "one member more", member("sound", True)
    yield "one member less", lambda line: line.pop("when")
    yield "a time that is none", member("when", "now")
    yield "a flag that is none", member("layer", 1)
    yield "algorithms that are none", member("diff", "sha256")
    yield "a path that is none", member("path", ["x"])
    yield "facts that are none", member("facts", [])
    yield "an unknown fact", fact("sound", True)
    yield "a failure", fact("failure", "no")
    for number in (-1, 1 << 64, 1.5, True, "9", None):
        yield f"a size of {number!r}", fact("size", number)
    yield "a digest of nothing", fact("digests", [])
    yield "a digest with a line end", fact("digests", ["sha256:" + "0" * 64 + "\n"])
    yield "a diffID that is none", fact("diff_ids", ["sha256:12"])
    yield "a compression that is none", fact("compression", "rar")
    yield "a problem of an unknown kind", fact("problems", [["x", "m", 0, None]])
    yield "half a problem", fact("problems", [["not-tar", "m"]])
    yield "a lone surrogate", fact("problems", [["not-tar", "\ud800", 0, None]])
    yield "a long message", fact("problems", [["not-tar", "m" * 99999, 0, None]])
    yield "a count below zero", tar_fact("counts", {"not-tar": -1})
    yield "types that are none", tar_fact("types", {"0": "many"})
    for hashes in ("no base64!", "AAAA", 7, None):
        yield f"hashes of {hashes!r}", tar_fact("used", [hashes, "", 0])
    yield "a hard link of one member", tar_fact("hardlinks", [["a"]])
    for row in ([], ["GET"], ["GET", "blob", "x", "200", *[None] * 4, "", None], 7):
        yield f"an answer of {row!r}", fact("answers", [row])
    yield "deep facts", lambda line: line.__setitem__("facts", deep(400))


def deep(levels: int) -> Any:
    value: Any = {}
    for _level in range(levels):
        value = {"tar": value}
    return value


@pytest.mark.parametrize("change", [pytest.param(change, id=name) for name, change in hostile_lines()])
def test_a_line_that_none_of_ours_wrote_is_passed_over(
    tmp_path: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    path = tmp_path / "journal"
    filled(path)
    head, first, *others = path.read_text().splitlines()
    line = json.loads(first)
    change(line)
    path.write_text("\n".join([head, json.dumps(line), *others, ""]))
    with Journal(str(path), DEFAULT) as journal:
        assert [one.digest for one in journal.entries()] == [str(digests.of(data)) for data in LAYERS[1:]]
        assert journal.passed_over == 1


@pytest.mark.parametrize("junk", [b"\0" * 5000, b"[" * 100_000, b"\xff\xfe\n\xff", b'null\n[]\n7\n"x"', b"{" * 70])
def test_junk_between_lines_is_passed_over(tmp_path: Path, junk: bytes) -> None:
    path = tmp_path / "journal"
    filled(path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], junk + b"\n", *lines[2:]]))
    with Journal(str(path), DEFAULT) as journal:
        assert len(list(journal.entries())) == len(LAYERS)
        assert journal.passed_over == junk.count(b"\n") + 1


def test_a_line_answers_only_what_was_asked() -> None:
    data = LAYERS[0]
    request = requested(data, b"k" * 16)
    kept = Kept("t", "p", str(digests.of(data)), 0, layer=True, diff=("sha256",), facts=verify(request))
    assert kept.answers(request)
    assert kept.answers(replace(request, size=None))
    for change in (
        {"size": len(data) + 1},
        {"layer": False},
        {"diff_algorithms": ("sha256", "sha512")},
        {"algorithms": ("sha256", "sha512")},
        {"algorithms": ()},
    ):
        assert not kept.answers(replace(request, **change)), change


def test_what_is_old_or_comes_from_the_future_is_verified_again() -> None:
    kept = Kept("t", "p", "d", 1000, layer=False, diff=(), facts=BlobFacts())
    assert not kept.older_than(60, 1060)
    assert kept.older_than(60, 1061)
    assert kept.older_than(60, 999)


def test_ages() -> None:
    assert [age(one) for one in ("0s", "90s", "5m", "12h", "1d", "2w", " 1 D ")] == [
        0,
        90,
        300,
        43200,
        86400,
        1209600,
        86400,
    ]


@pytest.mark.parametrize("written", ["", "d", "1", "1y", "-1d", "1.5h", "1dd", "9999999999d", "²d"])
def test_what_is_no_age_is_refused_in_one_line(written: str) -> None:
    with pytest.raises(UsageError, match="not an age"):
        age(written)


def test_reading_a_long_journal_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    filled(path)
    head, *lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(head + b"".join(itertools.islice(itertools.cycle(lines), 12_000)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with Journal(str(path), DEFAULT) as journal:
        assert sum(1 for _kept in journal.entries()) == 12_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 4096


def test_the_time_is_that_of_verifying(tmp_path: Path) -> None:
    before = int(time.time())
    filled(tmp_path / "journal")
    assert all(before <= one.when <= time.time() for one in entries(tmp_path / "journal"))


def test_malformed_facts_say_what_was_wanted() -> None:
    with pytest.raises(Malformed, match="not a number"):
        facts_json.read({"size": -1}, b"")


def test_a_relative_path_means_another_folder_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"a blob of which one copy is broken"
    digest = digests.of(data)
    for name, held in (("whole", data), ("broken", data[::-1])):
        blob = tmp_path / name / "blobs" / digest.algorithm / digest.encoded
        blob.parent.mkdir(parents=True)
        blob.write_bytes(held)
    found = []
    for name in ("whole", "broken"):
        monkeypatch.chdir(tmp_path / name)
        found.append(len(audit(".", journal=tmp_path / "journal").findings))
    assert found == [0, 1]
