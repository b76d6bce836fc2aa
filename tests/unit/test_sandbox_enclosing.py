"""What a guest's kernel starts does not outlive it, nor us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

# Starts a kernel that starts something which leaves its session, says so, and is then ended as the last word says.
PROGRAM = """
import os, signal, sys
from ocivalidate.runtime.sandbox import enclosing
mine = enclosing.own_numbers()
told, output = os.pipe()
script = "setsid sleep 600.%s & echo begun; exec sleep 600.%s" % (sys.argv[1], sys.argv[1])
kernel = enclosing.start(["sh", "-c", script], output, (), dict(os.environ))
assert os.read(told, 100) == b"begun\\n"
print(int(mine), flush=True)
if sys.argv[2] == "us":
    os.kill(os.getpid(), signal.SIGKILL)
kernel.kill()
print(kernel.wait(), kernel.poll())
"""
CODE = """
import os
from ocivalidate.runtime.sandbox import enclosing
told, output = os.pipe()
print(enclosing.start(["sh", "-c", "exit 7"], output, (), dict(os.environ)).wait())
told, output = os.pipe()
print(enclosing.start(["/nonexistent"], output, (), {}).wait(), os.read(told, 1000).decode())
"""


def sleeping(mark: str) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if line.startswith(b"sleep\0") and mark.encode() in line:
            found.append(process.name)
    return found


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="namespaces are Linux")
@pytest.mark.parametrize("who", ["kernel", "us"])
def test_nothing_outlives_the_kernel_of_a_guest(who: str) -> None:
    mark = f"{os.getpid()}{who == 'us':d}"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, mark, who], capture_output=True, text=True, timeout=60, check=False
    )
    if done.stdout.startswith("0"):
        for process in sleeping(mark):
            os.kill(int(process), signal.SIGKILL)
        pytest.skip("no process namespaces can be made here")
    assert done.stdout == ("1\n" if who == "us" else "1\n-9 -9\n"), done.stderr
    end = time.monotonic() + 20
    while sleeping(mark) and time.monotonic() < end:
        time.sleep(0.02)
    assert sleeping(mark) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="namespaces are Linux")
def test_how_a_kernel_ended_is_told() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=60, check=True)
    first, second, *_ = done.stdout.splitlines()
    assert first == "7"
    assert second.startswith("127 /nonexistent cannot be started: ")
