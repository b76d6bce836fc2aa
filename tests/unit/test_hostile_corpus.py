"""Every small hostile input ends soon, takes little memory, and gets findings or one clear line, as a user sees it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.hostile import INPUTS

ROOT = Path(__file__).parents[2]
MOST_SECONDS, MOST_MEGABYTES = 5, 300
# Starting takes longer than most inputs: one process starts, and a copy of it meets each input.
CHILD = """
import json, os, resource, sys, time
from ocivalidate.cli import main
jobs = json.load(open(sys.argv[1]))
for number, (arguments, folder) in enumerate(jobs):
    pid = os.fork()
    if pid == 0:
        os.chdir(folder)
        resource.setrlimit(resource.RLIMIT_CPU, (8, 8))
        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
        for target, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(f"{folder}.{name}", os.O_WRONLY | os.O_CREAT, 0o600), target)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        code = 99
        try:
            code = main(arguments)
            sys.stdout.flush()
        finally:
            peak = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")]
            open(f"{folder}.peak", "w").write(peak[0])
            os._exit(code)
    end = time.monotonic() + 30
    while not (done := os.wait4(pid, os.WNOHANG))[0]:
        if time.monotonic() > end:
            os.kill(pid, 9)
        time.sleep(0.005)
    used = done[2]
    print(json.dumps([os.waitstatus_to_exitcode(done[1]), used.ru_utime + used.ru_stime]), flush=True)
"""
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="fork and /proc")


class Ended(NamedTuple):
    code: int
    seconds: float
    megabytes: float
    out: str
    err: str


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ended]:
    """What became of each input."""
    base = tmp_path_factory.mktemp("hostile")
    jobs = []
    for number, make in enumerate(INPUTS.values()):
        folder = base / str(number)
        folder.mkdir()
        jobs.append((make(folder), str(folder)))
    (base / "jobs.json").write_text(json.dumps(jobs), encoding="utf-8")
    command = [sys.executable, "-c", CHILD, str(base / "jobs.json")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=600)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return {
        name: Ended(code, seconds, _peak(folder), _said(folder, "out"), _said(folder, "err"))
        for name, (code, seconds), (_arguments, folder) in zip(INPUTS, told, jobs, strict=True)
    }


def _peak(folder: str) -> float:
    file = Path(f"{folder}.peak")
    return int(file.read_text()) / 1024 if file.exists() else float("inf")


def _said(folder: str, name: str) -> str:
    return Path(f"{folder}.{name}").read_text(encoding="utf-8", errors="replace")


def test_there_are_enough_of_them() -> None:
    assert len(INPUTS) >= 100


@pytest.mark.parametrize("name", INPUTS)
def test_a_hostile_input_is_judged_or_refused(ended: dict[str, Ended], name: str) -> None:
    end = ended[name]
    assert end.code in (1, 2), end
    assert "Traceback" not in end.err
    assert "internal error" not in end.err
    assert end.out or len(end.err.splitlines()) == 1, end.err[:1000]
    assert end.seconds <= MOST_SECONDS
    assert end.megabytes <= MOST_MEGABYTES
