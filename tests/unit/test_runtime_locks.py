"""Whether somebody holds a lock."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from ocivalidate.runtime.kernel.locks import is_locked


def test_a_lock_is_seen_as_long_as_it_is_held(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with file.open("w") as holder:
        assert not is_locked(file)
        fcntl.flock(holder, fcntl.LOCK_EX)
        assert is_locked(file)
    assert not is_locked(file)


def test_a_file_that_cannot_be_opened_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        is_locked(tmp_path / "none")
