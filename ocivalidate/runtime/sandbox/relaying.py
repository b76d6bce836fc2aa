"""Passing on what a guest says, and telling how it ended. Everything that is waited for has an end."""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from ocivalidate.errors import ProtocolError
from ocivalidate.runtime.protocol import Alive, Bailout, Event, Lines, write
from ocivalidate.runtime.sandbox.last_words import meaning
from ocivalidate.runtime.sandbox.wanted import Sandbox, shown

BOOTING = 180.0
"""Seconds for a guest to boot, on a host that is busy."""
SILENT = 50.0
"""Seconds of silence after which a guest that was up hangs: the engine in it says every few that it is alive."""
LONGEST = 6 * 3600.0
"""The most seconds that a guest lives. The engine in it ends a run long before."""
_ENDING = 10.0  # seconds for a guest to switch itself off when its engine has ended
_HEARTBEAT = 5.0
_PAUSE = 0.5  # seconds between two looks at the clock
_MOST_LOG = 64 * 1024
_MOST_CONTROL = 64 * 1024


class Process(Protocol):
    """What runs a guest."""

    def poll(self) -> int | None:
        """Its exit code, if it has ended."""

    def kill(self) -> None:
        """End it."""

    def wait(self) -> int:
        """Wait for its end."""


@dataclass(frozen=True, slots=True)
class Guest:
    """A guest: its process, and our ends of its lines."""

    process: Process
    stop: int
    events: int
    control: int
    log: int


@dataclass(frozen=True, slots=True)
class Caller:
    """Who wants the guest's work: when ``source`` ends it is to stop, and what it says goes to ``output``."""

    source: int = 0
    output: int = 1


@dataclass(slots=True)
class _State:
    """What is known of a guest."""

    began: float
    heard: float
    lines: Lines = field(default_factory=Lines)
    log: bytes = b""
    control: bytes = b""
    stopped: bool = False

    def word(self, name: str) -> str | None:
        """What the guest has said behind this word on its control line; ``None`` if it has not said it."""
        for line in self.control.split(b"\n")[:-1]:
            if line.split(b" ", 1)[0] == name.encode():
                return line.partition(b" ")[2].decode(errors="replace")
        return None


class _Relay:
    """One guest, from its boot to its end."""

    def __init__(self, guest: Guest, sandbox: Sandbox, caller: Caller, clock: Callable[[], float]) -> None:
        self._guest, self._sandbox, self._caller, self._clock = guest, sandbox, caller, clock
        now = clock()
        self._state = _State(now, now)
        self._said = now
        self._poller = select.poll()
        for descriptor in (caller.source, guest.events, guest.control, guest.log):
            self._poller.register(descriptor, select.POLLIN)
        # That nobody reads any more is seen without writing.
        self._poller.register(caller.output, 0)

    def run(self) -> int:
        """Relay until the guest is over; the exit code."""
        try:
            problem = self._until_end()
        except BrokenPipeError:
            return 2
        except ProtocolError as strange:
            problem = f"what it says cannot be read ({strange})"
        finally:
            with contextlib.suppress(OSError):
                self._guest.process.kill()
            self._guest.process.wait()
        return self._result(problem)

    def _until_end(self) -> str:
        """Pass on what is said, and return what is wrong with the guest; ``""`` if it has ended."""
        ended = 0.0
        while True:
            over = self._guest.process.poll() is not None
            ready = self._poller.poll(0 if over else _PAUSE * 1000)
            for descriptor, _ in ready:
                self._take(descriptor)
            now = self._clock()
            if over and not ready:
                return ""
            if self._state.word("ended") is not None:
                ended = ended or now
                if now > ended + _ENDING:
                    return ""
            elif problem := self._overdue(now):
                return problem
            if self._stopped_in_vain():
                return ""
            self._say_alive(now)

    def _stopped_in_vain(self) -> bool:
        """Whether it was told to stop before it could hear of that."""
        return self._state.stopped and self._state.word("up") is None

    def _say_alive(self, now: float) -> None:
        if self._state.word("up") is None and now > self._said + _HEARTBEAT:
            self._said = now
            self._emit(write(Alive()))

    def _overdue(self, now: float) -> str:
        state = self._state
        if state.word("up") is None:
            late = now > state.began + BOOTING
            return f"it did not boot within {BOOTING:.0f} s" if late else ""
        if now > state.heard + SILENT:
            return f"it hangs, and was silent for {SILENT:.0f} s"
        return f"it took more than {LONGEST / 3600:.0f} h" if now > state.began + LONGEST else ""

    def _take(self, descriptor: int) -> None:
        """Take what has come on one of the lines. Raises :class:`BrokenPipeError` if nobody reads what we say."""
        if descriptor == self._caller.output:
            raise BrokenPipeError
        try:
            part = os.read(descriptor, 1 << 16)
        except ConnectionResetError:
            # It ended before it had heard all.
            part = b""
        if not part:
            self._poller.unregister(descriptor)
            if descriptor == self._caller.source:
                self._stop()
            return
        if descriptor == self._guest.events:
            self._emit(b"".join(line + b"\n" for line in self._state.lines.feed(part)))
            # Passing it on may take long, where several guests are heard in turn.
            self._state.heard = self._clock()
        elif descriptor == self._guest.control:
            self._state.heard = self._clock()
            self._state.control = (self._state.control + part)[:_MOST_CONTROL]
        elif descriptor == self._guest.log:
            self._state.log = (self._state.log + part)[-_MOST_LOG:]

    def _stop(self) -> None:
        self._state.stopped = True
        with contextlib.suppress(OSError):
            os.write(self._guest.stop, b"\n")

    def _emit(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._caller.output, data) :]

    def _result(self, problem: str) -> int:
        state = self._state
        code = state.word("ended")
        if not problem and code is not None and code.isdecimal() and int(code) < 128:
            return int(code)
        if self._stopped_in_vain():
            return 0
        self._tell(problem, code)
        return 2

    def _tell(self, problem: str, code: str | None) -> None:
        memory = self._sandbox.memory
        failed = self._state.word("failed")
        why, hint = meaning(self._state.log, shown(memory), shown(memory * 2))
        if failed is not None:
            why = f"its first process failed: {failed}"
        what = problem or (f"the engine in it ended with {code}" if code else "it ended before its work was done")
        told = "; ".join(filter(None, (what, why, hint)))
        self._say(Bailout(f"the guest could not do its work: {told}"))

    def _say(self, event: Event) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._emit(write(event))


def relay(
    guest: Guest, sandbox: Sandbox, caller: Caller = Caller(), clock: Callable[[], float] = time.monotonic
) -> int:
    """Pass on what a guest says, tell it to stop when the caller does, and return the exit code.

    When it returns, the guest has ended. One that could not do its work is told as a :class:`Bailout`, with code 2.
    """
    return _Relay(guest, sandbox, caller, clock).run()
