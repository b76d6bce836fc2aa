"""The console socket, with a thread in the place of the runtime; calling programs as somebody else."""

from __future__ import annotations

import os
import pty
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocivalidate.errors import RuntimeFailed
from ocivalidate.runtime.driving.callers import caller
from ocivalidate.runtime.driving.console import ConsoleSocket
from ocivalidate.runtime.inside import probe
from ocivalidate.runtime.inside.facts import find_facts


@pytest.fixture
def console(tmp_path: Path) -> Iterator[ConsoleSocket]:
    made = ConsoleSocket(tmp_path / "s")
    yield made
    made.close()


def send(path: Path, *descriptors: int) -> None:
    with socket.socket(socket.AF_UNIX) as runtime:
        runtime.connect(str(path))
        if descriptors:
            socket.send_fds(runtime, [b"/dev/ptmx"], list(descriptors))


def test_a_terminal_arrives_and_what_is_printed_on_it_is_kept(console: ConsoleSocket, tmp_path: Path) -> None:
    master, slave = pty.openpty()
    send(console.path, master)
    os.close(master)
    received = console.receive()
    output = tmp_path / "output"
    console.pump(output)
    os.write(slave, b"printed\n")
    deadline = time.monotonic() + 10
    while not (output.exists() and output.read_bytes()) and time.monotonic() < deadline:
        time.sleep(0.005)
    assert output.read_bytes() == b"printed\r\n"
    os.write(received, b"typed\n")
    assert os.read(slave, 100) == b"typed\n"
    os.close(slave)


def test_no_terminal_is_told(console: ConsoleSocket) -> None:
    with pytest.raises(RuntimeFailed, match="sent no terminal"):
        console.receive(0.05)


@pytest.mark.parametrize("what", ["nothing", "file"])
def test_something_else_is_no_terminal(console: ConsoleSocket, what: str) -> None:
    with open("/dev/null", "rb") as file:
        thread = threading.Thread(target=send, args=(console.path, *([file.fileno()] if what == "file" else [])))
        thread.start()
        with pytest.raises(RuntimeFailed, match="no file descriptor" if what == "nothing" else "is not a terminal"):
            console.receive()
        thread.join()


def test_a_caller_has_its_own_mask_and_nice_value() -> None:
    looks = [sys.executable, "-I", "-S", probe.__file__, "ids", ",", "scheduler", ",", "oom-score-adj"]
    said = subprocess.run(
        [*caller(umask=0o35, nice=4, oom_score_adj=1000), *looks], capture_output=True, text=True, check=True
    )
    facts = find_facts(said.stdout)
    assert facts is not None
    assert (facts.value("ids")["umask"], facts.value("scheduler")["nice"]) == (0o35, os.nice(0) + 4)
    assert facts.value("oom-score-adj") == 1000
