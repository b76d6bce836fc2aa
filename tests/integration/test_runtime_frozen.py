"""A process in a frozen control group looks as if it waited for a disk: it is not taken for one that works."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocivalidate.runtime.kernel import cgroups, processes

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(os.geteuid() != 0, reason="making control groups needs root"),
]


@pytest.fixture
def group() -> Iterator[tuple[Path, str]]:
    """The file that freezes a group of ours, and its path."""
    where = cgroups.layout()
    path = f"/ocivalidate-test-frozen-{os.getpid()}"
    if where.controllers.get("freezer", where.unified) != where.unified:
        file = Path(f"{where.controllers['freezer']}{path}", "freezer.state")
    elif where.unified:
        file = Path(f"{where.unified}{path}", "cgroup.freeze")
    else:
        pytest.skip("no control groups are mounted here")
    file.parent.mkdir()
    try:
        yield file, path
    finally:
        cgroups.remove(where, path)


def test_a_frozen_process_does_not_work(group: tuple[Path, str]) -> None:
    file, _path = group
    freeze, thaw = ("FROZEN", "THAWED") if file.name == "freezer.state" else ("1", "0")
    with subprocess.Popen(["sleep", "60"]) as process:
        try:
            (file.parent / "cgroup.procs").write_text(str(process.pid))
            assert not cgroups.frozen(process.pid)
            file.write_text(freeze)
            deadline = time.monotonic() + 10
            while not cgroups.frozen(process.pid) and time.monotonic() < deadline:
                time.sleep(0.01)
            assert cgroups.frozen(process.pid)
            assert not processes.works(process.pid, cgroups.frozen)
        finally:
            file.write_text(thaw)
            process.kill()


def test_a_process_that_computes_works() -> None:
    with subprocess.Popen(["sh", "-c", "while :; do :; done"]) as process:
        try:
            assert processes.works(process.pid, cgroups.frozen)
        finally:
            process.kill()
