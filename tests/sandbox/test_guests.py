"""Guests that are interrupted, killed and starved at many moments, and whole runs: a line says it, nothing is left."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocivalidate.errors import CannotJudge
from ocivalidate.runtime.sandbox import kernels
from ocivalidate.runtime.sandbox.wanted import parse

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.skipif(shutil.which("runc") is None, reason="runc is not installed"),
]
# Seconds from the start of the keeper: before the kernel is there, in its boot, in the first container, in cases.
MOMENTS = (0.0, 0.3, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
_PATIENCE = 240.0
_GONE = 60.0  # seconds for all to be gone


class Machine:
    """Guests of a kernel that has a name of its own, by which its processes are known."""

    def __init__(self, folder: Path) -> None:
        self.kernel = folder / "linux.uml"
        shutil.copy(kernels.find(parse("uml")).path, self.kernel)
        self._before = self._folders()

    def start(
        self, *words: str, settings: str = "", select: str = "process", environment: dict[str, str] | None = None
    ) -> subprocess.Popen[str]:
        command = [
            sys.executable,
            "-m",
            "ocivalidate",
            "runtime",
            "--no-config",
            "--runtime",
            "runc",
            "--format",
            "text",
        ]
        command += ["--sandbox", f"uml,kernel={self.kernel}{settings}", "--select", select, *words]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | (environment or {})
        )

    def processes(self, *words: str) -> list[int]:
        """The processes of this kernel and of its keepers, whose command lines have these words, too."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if str(self.kernel) in line and " --sandbox " not in line and all(word in line for word in words):
                    found.append(int(process.name))
        return sorted(found)

    def left(self) -> list[str]:
        """What is left of them."""
        return [f"process {pid}" for pid in self.processes()] + sorted(self._folders() - self._before)

    def is_gone(self) -> bool:
        end = time.monotonic() + _GONE
        while self.left() and time.monotonic() < end:
            time.sleep(0.1)
        return not self.left()

    def until(self, word: str = "uml_dir=") -> None:
        """Wait for the kernel of a guest, or for what else has this word in its command line."""
        end = time.monotonic() + _GONE
        while not self.processes(word) and time.monotonic() < end:
            time.sleep(0.02)

    @staticmethod
    def _folders() -> set[str]:
        return {str(path) for path in Path(tempfile.gettempdir()).glob("ocivalidate-*/guest.py")}


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    try:
        made = Machine(tmp_path)
    except CannotJudge as problem:
        pytest.skip(str(problem))
    yield made
    assert made.is_gone(), made.left()


def one_line(said: str) -> str:
    """The only line that was said."""
    [line] = said.strip().splitlines()
    return line


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_interrupt_ends_a_run(machine: Machine, moment: float) -> None:
    running = machine.start()
    machine.until("sandbox.keeper")
    time.sleep(moment)
    running.send_signal(signal.SIGINT)
    said = running.communicate(timeout=_PATIENCE)[0]
    assert running.returncode == 130, said
    assert not said or "Traceback" not in said
    assert machine.is_gone(), machine.left()


@pytest.mark.parametrize("moment", MOMENTS[2::2])
def test_a_second_interrupt_ends_it_at_once(machine: Machine, moment: float) -> None:
    running = machine.start()
    machine.until("sandbox.keeper")
    time.sleep(moment)
    for _ in range(2):
        running.send_signal(signal.SIGINT)
        time.sleep(0.2)
    running.communicate(timeout=_PATIENCE)
    assert running.returncode in (130, -signal.SIGINT)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_command_line_that_is_killed_takes_its_guest_along(machine: Machine, moment: float) -> None:
    running = machine.start()
    machine.until("sandbox.keeper")
    time.sleep(moment)
    running.kill()
    running.communicate(timeout=_PATIENCE)
    assert machine.is_gone(), machine.left()


@pytest.mark.parametrize("after", [0.0, 1.0, 5.0])
def test_a_kernel_that_is_killed_is_told(machine: Machine, after: float) -> None:
    running = machine.start()
    machine.until()
    time.sleep(after)
    # The first is the kernel; the others are processes of the guest.
    os.kill(machine.processes("uml_dir=")[0], signal.SIGKILL)
    said = running.communicate(timeout=_PATIENCE)[0]
    assert running.returncode == 2, said
    assert "the guest could not do its work: it ended before its work was done" in said


@pytest.mark.parametrize("after", [0.0, 5.0])
def test_a_keeper_that_is_killed_takes_its_guest_along(machine: Machine, after: float) -> None:
    running = machine.start()
    machine.until()
    time.sleep(after)
    killed = time.monotonic()
    os.kill(machine.processes("sandbox.keeper")[0], signal.SIGKILL)
    said = running.communicate(timeout=_PATIENCE)[0]
    assert running.returncode == 2, said
    assert "the engine ended before its work was done" in said
    assert time.monotonic() < killed + 40


def test_a_starved_guest_is_told(machine: Machine) -> None:
    running = machine.start(settings=",memory=64M")
    said = running.communicate(timeout=_PATIENCE)[0]
    assert running.returncode == 2, said
    assert "its memory, 64M, is too little" in one_line(said)
    assert "give it more, as in memory=128M" in said


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")
def test_a_full_disk_is_told(machine: Machine) -> None:
    # Where the user who runs the kernel can go.
    small = Path(tempfile.mkdtemp(prefix="ocivalidate-test-"))
    small.chmod(0o755)
    script = 'mount -t tmpfs -o size=24m,mode=1777 small "$1" && shift && TMPDIR=$0 exec "$@"'
    command = [sys.executable, "-m", "ocivalidate", "runtime", "--no-config", "--runtime", "runc", "--format", "text"]
    command += ["--sandbox", f"uml,kernel={machine.kernel}", "--select", "signals"]
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, str(small), str(small), *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    small.rmdir()
    assert done.returncode == 2, done.stdout
    assert "this host has no space left for its memory" in one_line(done.stdout)


@pytest.mark.parametrize("runtime", ["runc", "crun"])
def test_a_whole_run(machine: Machine, runtime: str) -> None:
    if shutil.which(runtime) is None:
        pytest.skip(f"{runtime} is not installed")
    command = [sys.executable, "-m", "ocivalidate", "runtime", "--no-config", "--runtime", runtime, "--format", "text"]
    done = subprocess.run(
        [*command, "--sandbox", f"uml,kernel={machine.kernel}"],
        capture_output=True,
        text=True,
        timeout=2400,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
