"""What runs in containers that are measured, and what looks at the memory of a runtime."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("runtimes are driven on Linux", allow_module_level=True)

from ocivalidate.bench import memory, program

MACHINES = ("x86_64", "aarch64")


@pytest.fixture
def nothing(tmp_path: Path) -> str:
    program.put(tmp_path)
    return str(tmp_path / program.PLACE.lstrip("/"))


@pytest.mark.skipif(platform.machine() not in MACHINES, reason="there is no such program for this machine")
def test_the_program_ends_at_once_or_never(nothing: str) -> None:
    assert program.arguments(waits=False) == [program.PLACE]
    assert subprocess.run([nothing], check=False, timeout=10).returncode == 0
    with subprocess.Popen([nothing, *program.arguments(waits=True)[1:]]) as waiting:
        until = time.monotonic() + 10
        # It sleeps: state S, with no time spent.
        while Path(f"/proc/{waiting.pid}/stat").read_text().rpartition(")")[2].split()[0] != "S":
            assert time.monotonic() < until
        assert waiting.poll() is None
        waiting.kill()


def test_a_machine_without_such_a_program_gets_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "pdp11")
    program.put(tmp_path)
    assert [*tmp_path.iterdir()] == []
    assert program.arguments(waits=True) == []


def peak_of(folder: Path, *words: str) -> tuple[int, float | None]:
    """The exit status of a command, and what it had resident at most."""
    file = folder / "peak"
    done = subprocess.run([*memory.traced(file), *words], check=False, timeout=30, stdin=subprocess.DEVNULL)
    return done.returncode, memory.peak(file)


def test_the_peak_of_a_small_program_is_not_that_of_who_starts_it(tmp_path: Path) -> None:
    code, peak = peak_of(tmp_path, "/bin/sh", "-c", "exit 3")
    assert code == 3
    # This process has many times as much.
    assert peak is not None
    assert 100_000 < peak < 12e6 < memory.resident({os.getpid()})


def test_the_peak_is_what_was_resident_at_most(tmp_path: Path) -> None:
    code, peak = peak_of(tmp_path, sys.executable, "-I", "-S", "-c", "text = 'x' * 40_000_000; del text")
    assert code == 0
    assert peak is not None
    assert 40e6 < peak < 90e6


def test_a_program_that_is_killed_ends_as_in_a_shell(tmp_path: Path) -> None:
    assert peak_of(tmp_path, "/bin/sh", "-c", "kill -9 $$")[0] == 128 + 9


def test_there_is_no_peak_where_nothing_was_written(tmp_path: Path) -> None:
    assert memory.peak(tmp_path / "absent") is None
    (tmp_path / "odd").write_text("many", encoding="ascii")
    assert memory.peak(tmp_path / "odd") is None


def test_processes_that_have_gone_have_nothing_resident() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    assert memory.resident({gone.pid}) == 0
