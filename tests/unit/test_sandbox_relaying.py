"""What becomes of what a guest says, and of a guest that says nothing any more; guests are small programs here."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from ocivalidate.runtime.protocol import MOST_LINE, Alive, Bailout, Event, read_event, write
from ocivalidate.runtime.sandbox import relaying
from ocivalidate.runtime.sandbox.relaying import Caller, Guest, relay
from ocivalidate.runtime.sandbox.wanted import Sandbox

# In a guest: ev, ctl and log write to its lines, stop reads the word to stop.
HEAD = """
import os, sys, time
stop, *lines = (int(word) for word in sys.argv[1:])
ev, ctl, log = ((lambda text, fd=fd: os.write(fd, text.encode())) for fd in lines)
"""
ALIVE = write(Alive()).decode()


class Ended(NamedTuple):
    code: int
    said: list[Event]
    seconds: float

    @property
    def reason(self) -> str:
        [bailout] = [event for event in self.said if isinstance(event, Bailout)]
        return bailout.reason


Run = Callable[..., Ended]


@pytest.fixture
def run() -> Iterator[Run]:
    """Runs a guest with this program; the caller stops it after ``stop`` seconds, or closes what it reads."""
    timers: list[threading.Timer] = []
    processes: list[subprocess.Popen[bytes]] = []

    def running(program: str, stop: float | None = None, *, deaf: bool = False) -> Ended:
        theirs_stop, ours_stop = os.pipe()
        pairs = [os.pipe() for _ in range(3)]
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", HEAD + program, str(theirs_stop), *(str(pair[1]) for pair in pairs)],
            pass_fds=(theirs_stop, *(pair[1] for pair in pairs)),
        )
        processes.append(process)
        for descriptor in (theirs_stop, *(pair[1] for pair in pairs)):
            os.close(descriptor)
        source, to_source = os.pipe()
        from_output, output = os.pipe()
        said: list[bytes] = []
        if deaf:
            os.close(from_output)
        reader = threading.Thread(target=lambda: said.extend(iter(lambda: os.read(from_output, 65536), b"")))
        if not deaf:
            reader.start()
        if stop is not None:
            timers.append(threading.Timer(stop, os.close, (to_source,)))
            timers[-1].start()
        began = time.monotonic()
        code = relay(Guest(process, ours_stop, *(pair[0] for pair in pairs)), Sandbox("uml"), Caller(source, output))
        seconds = time.monotonic() - began
        os.close(output)
        if not deaf:
            reader.join()
            os.close(from_output)
        for descriptor in (ours_stop, source, *(pair[0] for pair in pairs)):
            os.close(descriptor)
        if stop is None:
            os.close(to_source)
        assert process.returncode is not None
        return Ended(code, [read_event(line) for line in b"".join(said).splitlines()], seconds)

    yield running
    for timer in timers:
        timer.join()


@pytest.mark.parametrize("code", [0, 2, 70, 75])
def test_what_is_said_and_the_exit_code_are_passed_on(run: Run, code: int) -> None:
    ended = run(f"ctl('up\\n'); ev({ALIVE!r} * 3000); ctl('ended {code}\\n')")
    assert (ended.code, len(ended.said)) == (code, 3000)


def test_half_a_message_of_a_guest_that_died_is_none(run: Run) -> None:
    ended = run(f"ctl('up\\n'); ev({ALIVE!r} + '{{\"type\"'); log('Kernel panic - not syncing: Fatal exception\\n')")
    assert ended.code == 2
    assert isinstance(ended.said[0], Alive)
    assert ended.reason == (
        "the guest could not do its work: it ended before its work was done; its kernel panicked: Fatal exception"
    )


def test_an_engine_that_was_killed_in_the_guest_is_told_with_the_reason(run: Run) -> None:
    ended = run("ctl('up\\n'); log('Out of memory: Killed process 9 (python3)\\n'); ctl('ended 137\\n')")
    assert ended.code == 2
    assert "the engine in it ended with 137; its memory, 1G, is too little: Out of memory" in ended.reason
    assert ended.reason.endswith("give it more, as in memory=2G")


def test_a_first_process_that_fails_is_told(run: Run) -> None:
    ended = run("ctl('failed OSError: no such mount\\n')")
    assert (ended.code, len(ended.said)) == (2, 1)
    assert ended.reason.endswith("; its first process failed: OSError: no such mount")


def test_a_guest_that_does_not_boot_is_ended(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relaying, "BOOTING", 0.6)
    monkeypatch.setattr(relaying, "_HEARTBEAT", 0.1)
    ended = run("log('Checking things\\n'); time.sleep(60)")
    assert (ended.code, ended.seconds < 30) == (2, True)
    assert any(isinstance(event, Alive) for event in ended.said)
    assert "it did not boot within 1 s; its kernel said last: Checking things" in ended.reason


def test_a_guest_that_hangs_is_ended(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relaying, "SILENT", 0.6)
    ended = run(f"ctl('up\\n'); ev({ALIVE!r}); time.sleep(60)")
    assert (ended.code, ended.seconds < 30) == (2, True)
    assert "it hangs, and was silent for 1 s" in ended.reason


def test_a_guest_that_does_not_switch_itself_off_is_ended(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relaying, "_ENDING", 0.3)
    ended = run("ctl('up\\nended 0\\n'); time.sleep(60)")
    assert (ended.code, ended.seconds < 30, ended.said) == (0, True, [])


def test_a_guest_hears_that_it_is_to_stop(run: Run) -> None:
    ended = run(f"ctl('up\\n'); os.read(stop, 1); ev({ALIVE!r}); ctl('ended 0\\n')", stop=0.3)
    assert (ended.code, len(ended.said)) == (0, 1)


def test_a_guest_that_is_stopped_while_it_boots_is_ended(run: Run) -> None:
    ended = run("time.sleep(60)", stop=0.2)
    assert (ended.code, ended.said, ended.seconds < 30) == (0, [], True)


def test_where_nobody_listens_any_more_the_guest_is_ended(run: Run) -> None:
    ended = run("ctl('up\\n'); time.sleep(60)", deaf=True)
    assert (ended.code, ended.seconds < 30) == (2, True)


def test_a_line_without_end_ends_the_guest(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from ocivalidate.runtime import protocol

    assert MOST_LINE > 1 << 20
    monkeypatch.setattr(protocol, "MOST_LINE", 1 << 20)
    ended = run("ctl('up\\n')\nwhile True: ev('x' * 65536)")
    assert ended.code == 2
    assert "what it says cannot be read (a line is too long" in ended.reason
