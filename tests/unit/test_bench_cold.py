"""A program is read from disk once the kernel has dropped it, and whoever cannot have that is told."""

from __future__ import annotations

import mmap
import sys
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("runtimes are driven on Linux", allow_module_level=True)

from ocivalidate.bench.lives import forget


def test_what_was_just_written_can_be_dropped(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(bytes(1 << 20))
    told = forget(str(program))
    # A file system without a disk keeps everything.
    assert told in ("", f"the kernel keeps {program} in memory: others use it, or its file system has no disk")


def test_what_others_use_stays_in_memory(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(bytes(1 << 20))
    with program.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as used:
        assert used[0] == 0
        assert forget(str(program)).startswith(f"the kernel keeps {program} in memory")
