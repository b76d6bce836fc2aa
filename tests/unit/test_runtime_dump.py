"""Where ``--dump-dir`` keeps what a case did: nothing of anybody else's is removed for it, or written to."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

if not hasattr(os, "O_DIRECTORY"):
    pytest.skip("runtimes are driven on Linux", allow_module_level=True)

from ocivalidate.errors import ProtocolError
from ocivalidate.rules.findings import Outcome
from ocivalidate.runtime import kept
from ocivalidate.runtime.cases import Case
from ocivalidate.runtime.driving.driver import Call
from ocivalidate.runtime.kept import DumpFolder, place
from ocivalidate.runtime.protocol import DEEPEST, MOST_PIECE, Dump, read, write
from ocivalidate.runtime.running import dump
from ocivalidate.runtime.running.attempt import Attempt
from ocivalidate.runtime.verdicts import Verdict
from tests.unit.engines import result

CASE = "process.env"
FOLDER, FILE = stat.S_IFDIR | 0o755, stat.S_IFREG | 0o644


def sent(pieces: Iterable[Dump], folder: Path) -> str:
    """What is told of a case after its pieces have travelled."""
    target = DumpFolder(str(folder))
    for piece in pieces:
        message = read(write(piece).rstrip(b"\n"))
        assert message == piece
        target.take(piece)
    return target.settle(CASE)


def test_what_an_earlier_run_kept_is_replaced(tmp_path: Path) -> None:
    kept_before = tmp_path / "process.env"
    kept_before.mkdir()
    (kept_before / "verdicts.json").write_text("[]")
    assert place(kept_before) == kept_before
    assert not kept_before.exists()


@pytest.mark.parametrize("what", ["folder", "file", "link", "link to one that is ours"])
def test_what_is_of_somebody_else_stays(tmp_path: Path, what: str) -> None:
    wanted, other = tmp_path / "process.env", tmp_path / "other"
    other.mkdir()
    (other / "notes").write_text("mine")
    if what == "folder":
        wanted.mkdir()
        (wanted / "notes").write_text("mine")
    elif what == "file":
        wanted.write_text("mine")
    else:
        wanted.symlink_to(other)
        if what != "link":
            (other / "verdicts.json").write_text("[]")
    (tmp_path / "process.env.2").write_text("mine")
    assert place(wanted) == tmp_path / "process.env.3"
    assert sent([Dump(CASE, "", FOLDER), Dump(CASE, "x", FILE, b"x")], tmp_path) == f"{tmp_path}/process.env.3"
    assert wanted.exists()
    assert (other / "notes").read_text() == "mine"
    assert what != "folder" or (wanted / "notes").read_text() == "mine"


def test_what_is_kept_of_a_case_has_a_limit(tmp_path: Path) -> None:
    """A runtime writes what it wants into the folder of a case: folders without end, files of any size."""
    source = tmp_path / "source"
    for number in range(60):
        (source / f"{number}" / "x").mkdir(parents=True)
    sent(dump.files(CASE, source, 20, 100), tmp_path / "many")
    assert 10 < sum(len(folders) for _, folders, _ in os.walk(tmp_path / "many" / CASE)) <= 20
    large = tmp_path / "large"
    large.mkdir()
    for number in range(5):
        (large / f"file{number}").write_bytes(b"x" * 70)
    sent(dump.files(CASE, large, 20, 100), tmp_path / "size")
    assert sum(file.stat().st_size for file in (tmp_path / "size").rglob("*") if file.is_file()) == 100
    deep = tmp_path / "deep"
    (deep / "/".join("d" * 40)).mkdir(parents=True)
    sent(dump.files(CASE, deep, 1000, 100), tmp_path / "depth")
    assert len([*(tmp_path / "depth" / CASE).rglob("*")]) == DEEPEST


def attempted(folder: Path, *outcomes: Outcome, said: str = "") -> Attempt:
    """A case that was tried in this folder."""
    groups: list[dict[str, str]] = [{"/cpu.max": "max"}, {}]
    trial = SimpleNamespace(
        folder=folder,
        notes={},
        runtime=SimpleNamespace(journal=None, calls=[Call(("runc", "create"), 1, "", said, 0.5)]),
        containers=[SimpleNamespace(id=f"a-{n}", group_files=found) for n, found in enumerate(groups, 1)],
        verdicts=[Verdict("runtime/runtime.create.creates", held=False, message="not created")],
    )
    results = tuple(result(CASE, outcome) for outcome in outcomes)
    return Attempt(Case(CASE, lambda _trial: None, ()), results, trial=cast(Any, trial))


def test_all_that_is_kept_arrives(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "bundle-1" / "rootfs" / "usr").mkdir(parents=True)
    (source / "bundle-1" / "config.json").write_text("{}")
    (source / "bundle-1" / "empty").touch()
    (source / "bundle-1" / "hook").write_text("#!/bin/sh")
    (source / "bundle-1" / "hook").chmod(0o4711)
    (source / "bundle-1" / "odd\udcff\nname").write_bytes(bytes(range(256)))
    (source / "nothing").mkdir()
    whole = bytes(range(256)) * (MOST_PIECE // 128) + b"rest"
    (source / "log").write_bytes(whole)
    (source / "even").write_bytes(whole[:MOST_PIECE])
    os.mkfifo(source / "fifo")
    (source / "link").symlink_to("/etc/passwd")
    told = sent(dump.pieces(attempted(source, Outcome.PASS, Outcome.FAIL)), tmp_path / "new" / "kept")
    target = Path(told)
    assert target == tmp_path / "new" / "kept" / CASE
    bundle = ["", "/config.json", "/empty", "/hook", "/odd\udcff\nname"]
    ours = ["a-1.cgroups.json", "calls.json", "verdicts.json"]
    wanted = {*ours, "even", "log", "nothing", *(f"bundle-1{name}" for name in bundle)}
    assert {str(file.relative_to(target)) for file in target.rglob("*")} == wanted
    assert (target / "log").read_bytes() == whole
    assert (target / "even").read_bytes() == whole[:MOST_PIECE]
    assert (target / "bundle-1/hook").stat().st_mode & 0o7777 == 0o711 & ~_mask() | 0o600
    assert '"not created"' in (target / "verdicts.json").read_text()


def _mask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize("outcomes", [(Outcome.PASS, Outcome.PASS), (Outcome.SKIP,)])
def test_nothing_is_kept_of_a_case_that_did_not_fail(tmp_path: Path, outcomes: tuple[Outcome, ...]) -> None:
    assert sent(dump.pieces(attempted(tmp_path, *outcomes)), tmp_path / "kept") == ""
    assert not (tmp_path / "kept").exists()


def test_what_a_runtime_said_without_end_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dump, "_MOST_DOCUMENTS", 60_000)
    (tmp_path / "source").mkdir()
    told = sent(dump.pieces(attempted(tmp_path / "source", Outcome.FAIL, said="\0" * 100_000)), tmp_path / "kept")
    assert 1000 < (Path(told) / "calls.json").stat().st_size < 20_000
    assert "not created" in (Path(told) / "verdicts.json").read_text()


def test_what_is_kept_goes_into_the_folder_that_was_made(tmp_path: Path) -> None:
    """Whoever owns the folder around it may move it away and put a link there."""
    other = tmp_path / "other"
    other.mkdir()
    target = DumpFolder(str(tmp_path))
    target.take(Dump(CASE, "", FOLDER))
    made = tmp_path / CASE
    assert made.stat().st_mode & 0o777 == 0o700
    made.rename(tmp_path / "moved")
    made.symlink_to(other)
    target.take(Dump(CASE, "notes", FILE, b"kept"))
    assert target.settle(CASE) == str(made)
    assert [*other.iterdir()] == []
    assert (tmp_path / "moved" / "notes").read_text() == "kept"
    assert (tmp_path / "moved").stat().st_mode & 0o777 == 0o777 & ~_mask()


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = sent([Dump(CASE, "", FOLDER), Dump(CASE, "x", FILE, b"x")], tmp_path / "file")
    assert told == f"{tmp_path}/file/{CASE} (incomplete: Not a directory)"
    told = sent([Dump(CASE, "", FOLDER), Dump(CASE, "y" * 300, FILE), Dump(CASE, "x", FILE)], tmp_path / "kept")
    assert told == f"{tmp_path}/kept/{CASE} (incomplete: File name too long)"


def test_what_could_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_more_files(*_: object) -> Any:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(dump, "files", no_more_files)
    told = sent(dump.pieces(attempted(tmp_path, Outcome.ERROR)), tmp_path / "kept")
    assert told == f"{tmp_path}/kept/{CASE} (incomplete: Too many open files)"


@pytest.mark.parametrize(
    "pieces",
    [
        [Dump(CASE, "../x", FILE)],
        [Dump(CASE, "/etc/x", FILE)],
        [Dump(CASE, "a//x", FILE)],
        [Dump(CASE, "a/./x", FILE)],
        [Dump(CASE, "x\0", FILE)],
        [Dump(CASE, "\ud800", FILE)],
        [Dump(CASE, "a/\udfff", FOLDER)],
        [Dump("\ud800", "x", FILE)],
        [Dump("..", "x", FILE)],
        [Dump("a/b", "x", FILE)],
        [Dump("", "x", FILE)],
        [Dump(CASE, "/".join("d" * 40), FOLDER)],
        [Dump(CASE, "x", stat.S_IFLNK | 0o777, b"/etc/passwd")],
        [Dump(CASE, "x", stat.S_IFCHR | 0o666)],
        [Dump(CASE, "x", -1)],
        [Dump(CASE, "x", 1 << 70)],
        [Dump(CASE, "x", FOLDER, b"data")],
        [Dump(CASE, "", FILE, b"data")],
        [Dump(CASE, "x", FILE, b"x" * (MOST_PIECE + 1))],
        [Dump(CASE, "x", FILE, b"x", 7)],
        [Dump(CASE, "x", FILE, b"x", -1)],
        [Dump(CASE, "x", FILE, b"x"), Dump(CASE, "y", FILE, b"x", 1)],
        [Dump(CASE, "x", FILE, b"x"), Dump(CASE, "x", FILE, b"x", 2)],
        [Dump(CASE, f"{number}", FILE) for number in range(11)],
        [Dump(CASE, f"{number}", FOLDER) for number in range(11)],
        [Dump(CASE, "x", FILE, b"x" * 60), Dump(CASE, "y", FILE, b"x" * 60)],
    ],
)
def test_what_leads_elsewhere_or_is_too_much_is_refused(
    pieces: list[Dump], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MOST_FILES", 10)
    monkeypatch.setattr(kept, "MOST_BYTES", 100)
    target = DumpFolder(str(tmp_path / "kept"))
    *before, last = pieces
    for piece in before:
        target.take(piece)
    with pytest.raises(ProtocolError) as refused:
        target.take(last)
    assert "\n" not in str(refused.value)
    target.close()
    assert {file.name for file in tmp_path.iterdir()} <= {"kept"}
    assert {file.name for file in (tmp_path / "kept").glob("*")} <= {CASE}


@pytest.mark.parametrize(("limit", "most", "whole"), [("MOST_BYTES_OF_A_RUN", 15, 1), ("MOST_PIECES_OF_A_RUN", 4, 2)])
def test_a_run_keeps_no_more_than_it_may(
    limit: str, most: int, whole: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, limit, most)
    target = DumpFolder(str(tmp_path))
    told = []
    for case in ("area.first", "area.second", "area.third"):
        for name in ("x", "y"):
            target.take(Dump(case, name, FILE, b"12345"))
        told.append(target.settle(case))
    assert ["incomplete: the run has kept as much as it may" in line for line in told].count(True) == 3 - whole
    assert told[0] == str(tmp_path / "area.first")
    assert sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file()) <= 20


def test_nothing_is_kept_unasked_or_late(tmp_path: Path) -> None:
    with pytest.raises(ProtocolError):
        DumpFolder(None).take(Dump(CASE, "", FOLDER))
    target = DumpFolder(str(tmp_path))
    target.take(Dump(CASE, "", FOLDER))
    target.settle(CASE)
    with pytest.raises(ProtocolError):
        target.take(Dump(CASE, "x", FILE))
