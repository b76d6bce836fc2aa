"""Where an engine runs, and how it is spoken to there.

A run starts its engine by a :class:`Launcher`. The one that is used unless another is given, :class:`LocalLauncher`,
starts a process on this host. Another mostly needs no more than a command line for :class:`EngineProcess`: whatever has
:func:`engine_command` run in the end, and hands its standard streams on.
"""

from __future__ import annotations

import contextlib
import math
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from typing import IO, Protocol, cast

from ocivalidate.runtime.kernel import inherited, interpreter
from ocivalidate.runtime.protocol import Alive, Event, Lines, Request, read_event, write

SILENCE = 60.0
"""Seconds after which an engine that says nothing, not even that it lives, is ended."""
STOPPING = 180.0
"""Seconds in which an engine that was asked to stop has to end: it sees the cases to their end that run."""
_DYING = 10.0  # seconds in which a process that was told to end is to be gone
_PAUSE = 0.5  # seconds between two looks at the clock


class RunningEngine(Protocol):
    """An engine that was started. Iterate over it for what it says; that raises :class:`ProtocolError`."""

    @property
    def hung(self) -> str:
        """Why it had to be ended; ``""`` for an engine that needed no help."""

    def __iter__(self) -> Iterator[Event]:
        """What it says, but for that it lives, until it ends."""

    def stop(self) -> None:
        """Have it begin no further case, and clean up; a signal handler may call it."""

    def kill(self) -> None:
        """End it at once; a signal handler may call it."""

    def wait(self) -> int:
        """Stop it, wait for its end, hearing nothing more of what it says, and return its exit code."""


class Launcher(Protocol):
    """Starts engines in some place, and cleans up there."""

    def start(self, request: Request) -> RunningEngine:
        """Start an engine that does what is asked. Raises :class:`OSError`."""

    def sweep(self, name: str) -> None:
        """Remove what an engine left that did not come to its end; ``name`` is that of its run, ``""`` if unknown."""


class LocalLauncher:
    """Starts engines as processes of this host."""

    def start(self, request: Request) -> EngineProcess:
        """Start an engine."""
        return EngineProcess(engine_command(), request)

    def sweep(self, name: str) -> None:
        """Remove folders and control groups of runs that have ended."""
        from ocivalidate.runtime.kernel import cgroups
        from ocivalidate.runtime.running import sweeping

        sweeping.sweep_after(name, cgroups.layout())


def engine_command() -> tuple[str, ...]:
    """The command line of an engine, which speaks on its standard streams."""
    return interpreter.ours("ocivalidate.runtime.running.engine")


class EngineProcess:
    """An engine behind the standard streams of a process of ours.

    ``hung``: why it had to be ended, ``""`` for an engine that needed no help. To make one raises :class:`OSError`, and
    :class:`ProtocolError` for a request that is too long.
    """

    def __init__(self, command: Sequence[str], request: Request) -> None:
        line = write(request)
        inherited.wait_for_children()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=interpreter.environment(),
            # An interrupt of the terminal is for the command line, which has the engine stop in order.
            start_new_session=True,
        )
        self.hung = ""
        # When it was asked to stop, and when it was told to end.
        self._stopped = self._killed = math.inf
        self._input = cast(IO[bytes], self._process.stdin)
        with contextlib.suppress(BrokenPipeError):
            # If it is gone already, its exit code says so.
            self._input.write(line)
            self._input.flush()

    def __iter__(self) -> Iterator[Event]:
        lines = Lines()
        for part in self._parts():
            # What stands after the last end of a line is of an engine that was killed in the midst of it.
            for line in lines.feed(part):
                event = read_event(line)
                if not isinstance(event, Alive):
                    yield event

    def _parts(self) -> Iterator[bytes]:
        """What it says, as it comes, until it ends; one that says nothing for long, or does not stop, is ended."""
        output = cast(IO[bytes], self._process.stdout).fileno()
        poller = select.poll()
        poller.register(output, select.POLLIN)
        heard = time.monotonic()
        while True:
            if poller.poll(_PAUSE * 1000):
                part = os.read(output, 1 << 16)
                if not part:
                    return
                yield part
                heard = time.monotonic()
            now = time.monotonic()
            if now > heard + SILENCE or now > self._stopped + STOPPING:
                self.hung = self.hung or f"the engine said nothing for {now - heard:.0f} s, and was ended"
                self.kill()
            if now > self._killed + _DYING:
                self._end_all()
                return

    def stop(self) -> None:
        """Have the engine begin no further case, and clean up."""
        self._stopped = min(self._stopped, time.monotonic())
        with contextlib.suppress(BrokenPipeError):
            self._input.close()

    def kill(self) -> None:
        """End it at once; what it leaves is for :meth:`Launcher.sweep`."""
        self._killed = min(self._killed, time.monotonic())
        # The first process of the engine takes all others with it.
        self._process.terminate()

    def _end_all(self) -> None:
        """Kill it, and whatever is in its process group."""
        # As long as nobody has waited for it, its number is its own.
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def wait(self) -> int:
        """Wait for its end, and return its exit code."""
        self.stop()
        for _part in self._parts():
            # It must not wait for somebody to read the rest.
            pass
        try:
            code = self._process.wait(_DYING)
        except subprocess.TimeoutExpired:
            self._end_all()
            code = -signal.SIGKILL
        cast(IO[bytes], self._process.stdout).close()
        return code


def run_events(request: Request, launcher: Launcher | None = None) -> Iterator[Event]:
    """What the engine of a run says, as it comes. Raises :class:`ProtocolError`."""
    engine = (launcher or LocalLauncher()).start(request)
    try:
        yield from engine
    finally:
        engine.wait()
