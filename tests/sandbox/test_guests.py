"""Guests that are interrupted, killed and starved at many moments, and whole runs: a line says it, nothing is left."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ocivalidate.errors import CannotJudge
from ocivalidate.runtime.sandbox import machines
from ocivalidate.runtime.sandbox.wanted import parse

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.skipif(shutil.which("runc") is None, reason="runc is not installed"),
]
# Seconds from the start of the keeper: before the kernel is there, in its boot, in the first container, in cases.
MOMENTS = (0.0, 0.3, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
_PATIENCE = 400.0
_WHOLE = 3600.0
_GONE = 60.0  # seconds for all to be gone


class Machine:
    """Guests that are known by a name which is in the command lines of all their processes."""

    def __init__(self, kind: str) -> None:
        # Where the user who runs the kernel can go.
        self.folder = Path(tempfile.mkdtemp(prefix="ocivalidate-test-"))
        self.folder.chmod(0o755)
        self.kind = kind
        self.kernel = _named_kernel(kind, self.folder)
        # Where their keepers work, as soon as that has been seen: QEMU is started with files from there.
        self._places: set[str] = set()

    def words(self, settings: str = "", *, runtime: str = "runc") -> list[str]:
        """The command line of a run."""
        words = [sys.executable, "-m", "ocivalidate", "runtime", "--no-config", "--runtime", runtime]
        return [*words, "--format", "text", "--sandbox", f"{self.kind},kernel={self.kernel}{settings}"]

    def start(
        self, *words: str, settings: str = "", select: str = "process", environment: dict[str, str] | None = None
    ) -> subprocess.Popen[str]:
        command = [*self.words(settings), "--select", select, *words]
        variables = os.environ | (environment or {})
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=variables)

    def processes(self, *words: str) -> list[int]:
        """The processes of its kernels and keepers, whose command lines have these words, too."""
        lines = {}
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                lines[int(process.name)] = (
                    (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
        for pid, line in lines.items():
            if str(self.folder) in line and "sandbox.keeper" in line:
                self._places |= _work_places(pid)
        marks = (str(self.folder), *self._places)
        ours = {pid: line for pid, line in lines.items() if any(mark in line for mark in marks)}
        return sorted(
            pid for pid, line in ours.items() if " --sandbox " not in line and all(word in line for word in words)
        )

    def kernels(self) -> list[int]:
        """The processes of its kernels, the first of each before others."""
        return self.processes("virtserialport" if self.kind == "qemu" else "uml_dir=")

    def left(self) -> list[str]:
        """What is left of them."""
        return [f"process {pid}" for pid in self.processes()] + sorted(filter(os.path.exists, self._places))

    def is_gone(self) -> bool:
        end = time.monotonic() + _GONE
        while self.left() and time.monotonic() < end:
            time.sleep(0.1)
        return not self.left()

    def until_kept(self) -> None:
        """Wait for the process between the command line and the guest."""
        self._until(lambda: self.processes("sandbox.keeper"))

    def until_booted(self) -> None:
        """Wait for the kernel of a guest."""
        self._until(self.kernels)

    @staticmethod
    def _until(there: Callable[[], object]) -> None:
        end = time.monotonic() + _GONE
        while not there() and time.monotonic() < end:
            time.sleep(0.02)


def _work_places(pid: int) -> set[str]:
    """The folders of sandboxes that a process has open."""
    found = set()
    with contextlib.suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            name = os.path.basename(target := str(descriptor.readlink()))
            found |= {target} if name.startswith("ocivalidate-") else set()
    return found


def _named_kernel(kind: str, folder: Path) -> Path:
    """A kernel whose path is below a folder, with its modules. Raises :class:`CannotJudge` if there is none."""
    if kind == "uml":
        named = folder / "linux.uml"
        shutil.copy(machines.find(parse(kind)).path, named)
        return named
    fetched = os.environ.get("OCIVALIDATE_QEMU_KERNEL", "")
    found = machines.find(parse(f"{kind},kernel={fetched}" if fetched else kind))
    named = folder / "boot" / "vmlinuz"
    for place, target in ((named, found.path), (folder / "lib" / "modules", os.path.dirname(found.modules))):
        place.parent.mkdir(exist_ok=True)
        place.symlink_to(target)
    return named


@pytest.fixture(params=["uml", "qemu"])
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    try:
        made = Machine(request.param)
    except CannotJudge as problem:
        pytest.skip(str(problem))
    yield made
    assert made.is_gone(), made.left()
    shutil.rmtree(made.folder)


def one_line(said: str) -> str:
    """The only line that was said."""
    [line] = said.strip().splitlines()
    return line


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_interrupt_ends_a_run(machine: Machine, moment: float) -> None:
    running = machine.start()
    machine.until_kept()
    time.sleep(moment)
    running.send_signal(signal.SIGINT)
    said = running.communicate(timeout=_PATIENCE)[0]
    assert running.returncode == 130, said
    assert not said or "Traceback" not in said
    assert machine.is_gone(), machine.left()


@pytest.mark.parametrize("moment", MOMENTS[2::2])
def test_a_second_interrupt_ends_it_at_once(machine: Machine, moment: float) -> None:
    running = machine.start()
    machine.until_kept()
    time.sleep(moment)
    for _ in range(2):
        running.send_signal(signal.SIGINT)
        time.sleep(0.2)
    running.communicate(timeout=_PATIENCE)
    assert running.returncode in (130, -signal.SIGINT)


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_command_line_that_is_killed_takes_its_guest_along(machine: Machine, moment: float) -> None:
    running = machine.start()
    machine.until_kept()
    time.sleep(moment)
    running.kill()
    running.communicate(timeout=_PATIENCE)
    assert machine.is_gone(), machine.left()


@pytest.mark.parametrize("after", [0.0, 1.0, 5.0])
def test_a_kernel_that_is_killed_is_told(machine: Machine, after: float) -> None:
    running = machine.start()
    machine.until_booted()
    time.sleep(after)
    # The first is the kernel; the others are processes of the guest.
    os.kill(machine.kernels()[0], signal.SIGKILL)
    said = running.communicate(timeout=_PATIENCE)[0]
    assert running.returncode == 2, said
    assert "the guest could not do its work: it ended before its work was done" in said


@pytest.mark.parametrize("after", [0.0, 5.0])
def test_a_keeper_that_is_killed_takes_its_guest_along(machine: Machine, after: float) -> None:
    running = machine.start()
    machine.until_booted()
    time.sleep(after)
    killed = time.monotonic()
    os.kill(machine.processes("sandbox.keeper")[0], signal.SIGKILL)
    said = running.communicate(timeout=_PATIENCE)[0]
    assert running.returncode == 2, said
    assert "the engine ended before its work was done" in said
    assert time.monotonic() < killed + 40


@pytest.mark.parametrize("machine", ["uml"], indirect=True)
def test_a_starved_guest_is_told(machine: Machine) -> None:
    # With twice of that it swaps, and does its work.
    running = machine.start(settings=",memory=32M")
    said = running.communicate(timeout=_PATIENCE)[0]
    assert running.returncode == 2, said
    assert "the guest could not do its work: " in one_line(said)


@pytest.mark.parametrize("machine", ["uml"], indirect=True)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small file system")
def test_a_full_disk_is_told(machine: Machine) -> None:
    small = machine.folder / "small"
    small.mkdir()
    script = 'mount -t tmpfs -o size=24m,mode=1777 small "$1" && shift && TMPDIR=$0 exec "$@"'
    done = subprocess.run(
        [
            *("unshare", "--mount", "--propagation", "private", "sh", "-c", script, str(small), str(small)),
            *(*machine.words(), "--select", "signals"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    assert done.returncode == 2, done.stdout
    assert "this host has no space left for its memory" in one_line(done.stdout)


def test_one_of_two_guests_that_is_killed_is_told_and_its_cases_are_errors(machine: Machine, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    running = machine.start("--guests", "2", "--format", "tap", "--output", f"json={report}", select="process")
    assert running.stdout is not None
    for line in running.stdout:
        if line.startswith("ok "):
            break
    # Other processes of a guest are children of its kernel.
    os.kill(machine.kernels()[0], signal.SIGKILL)
    said = running.communicate(timeout=_PATIENCE)[0]
    assert running.returncode == 2, said
    [told] = json.loads(report.read_text())["reports"]
    lost = [one for one in told["results"] if one["outcome"] == "error"]
    assert lost
    assert all(one["reason"].startswith("the guest that tried it broke off: ") for one in lost)
    # The other one did its part to the end.
    assert len(lost) < len(told["results"]) * 3 / 4
    assert "1 of 2 guests broke off" in told["facts"]["stopped"]


@pytest.mark.parametrize("runtime", ["runc", "crun"])
def test_a_whole_run(machine: Machine, runtime: str) -> None:
    if shutil.which(runtime) is None:
        pytest.skip(f"{runtime} is not installed")
    done = subprocess.run(machine.words(runtime=runtime), capture_output=True, text=True, timeout=_WHOLE, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
