"""Where ``--dump-dir`` keeps what a case did: nothing of anybody else's is removed for it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ocivalidate.runtime.running import dump
from ocivalidate.runtime.running.dump import place


def test_what_an_earlier_run_kept_is_replaced(tmp_path: Path) -> None:
    kept = tmp_path / "process.env"
    kept.mkdir()
    (kept / "verdicts.json").write_text("[]")
    assert place(kept) == kept
    assert not kept.exists()


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
    assert wanted.exists()
    assert (other / "notes").read_text() == "mine"
    assert what != "folder" or (wanted / "notes").read_text() == "mine"


def test_what_is_kept_of_a_case_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A runtime writes what it wants into the folder of a case: folders without end, files of any size."""
    monkeypatch.setattr(dump, "_MOST_BYTES", 100)
    monkeypatch.setattr(dump, "_MOST_FILES", 20)
    source, target = tmp_path / "source", tmp_path / "target"
    target.mkdir()
    for number in range(60):
        (source / f"{number}" / "x").mkdir(parents=True)
    dump._copy_files(source, target)
    assert 10 < sum(len(folders) for _, folders, _ in os.walk(target)) <= 20
    large = tmp_path / "large"
    large.mkdir()
    for number in range(5):
        (large / f"file{number}").write_bytes(b"x" * 70)
    dump._copy_files(large, target)
    assert sum(file.stat().st_size for file in target.rglob("*") if file.is_file()) == 100
    deep = tmp_path / "deep"
    (deep / "/".join("d" * 40)).mkdir(parents=True)
    monkeypatch.setattr(dump, "_MOST_FILES", 1000)
    dump._copy_files(deep, target)
    assert len([*(target / "d").rglob("*")]) < 33


def test_what_is_kept_goes_into_the_folder_that_was_made(tmp_path: Path) -> None:
    """Whoever owns the folder around it may move it away and put a link there."""
    made, other = tmp_path / "process.env", tmp_path / "other"
    made.mkdir()
    other.mkdir()
    with dump._held(made) as inside:
        made.rename(tmp_path / "moved")
        made.symlink_to(other)
        (inside / "notes").write_text("kept")
    assert [*other.iterdir()] == []
    assert (tmp_path / "moved" / "notes").read_text() == "kept"
    with pytest.raises(OSError, match="irectory"), dump._held(made):
        pass
