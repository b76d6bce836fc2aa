"""Where ``--dump-dir`` keeps what a case did: nothing of anybody else's is removed for it."""

from __future__ import annotations

from pathlib import Path

import pytest

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
