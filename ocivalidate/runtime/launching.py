"""Where an engine runs, and how to talk to it there.

A run starts its engine through a :class:`Launcher`. The default, :class:`LocalLauncher`,
starts a process on this host. Another usually needs only a command line for :class:`EngineProcess`: one that
runs :func:`engine_command` in the end, and passes on its standard streams.
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
from ocivalidate.runtime.protocol import Alive, Event, Lines, Request, Turn, read_event, write

SILENCE = 60.0
"""Seconds after which a silent engine, which does not even report that it is alive, is ended."""
STOPPING = 180.0
"""Seconds for an engine to end after it was asked to stop: it finishes the running cases first."""
_DYING = 10.0  # seconds for a process to end after it was told to
_PAUSE = 0.5  # seconds between two looks at the clock


class RunningEngine(Protocol):
    """A started engine. Iterate over it for its events; that raises :class:`ProtocolError`."""

    @property
    def hung(self) -> str:
        """Why it had to be killed; ``""`` if it ended by itself."""

    def __iter__(self) -> Iterator[Event]:
        """Its events, except ``Alive``, until it ends."""

    def stop(self) -> None:
        """Ask it to begin no further case and to clean up. Safe in a signal handler."""

    def kill(self) -> None:
        """End it at once. Safe in a signal handler."""

    def wait(self) -> int:
        """Stop it, wait for its end, ignoring further events, and return its exit code."""


class Launcher(Protocol):
    """Starts engines in some location, and cleans up there."""

    def start(self, request: Request) -> RunningEngine:
        """Start an engine for a request. Raises :class:`OSError`."""

    def sweep(self, name: str) -> None:
        """Remove what an engine that broke off left; ``name`` is the name of its run, ``""`` if unknown."""


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
    """The command line of an engine, which uses its standard streams for messages."""
    return interpreter.ours("ocivalidate.runtime.running.engine")


class EngineProcess:
    """An engine reached through the standard streams of a process of ours.

    ``hung``: why it had to be killed, ``""`` if it ended by itself. The constructor raises :class:`OSError`, and
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
            # Ctrl-C in the terminal is for the command line, which asks the engine to stop.
            start_new_session=True,
        )
        self.hung = ""
        # When it was asked to stop, and when it was told to end.
        self._stopped = self._killed = math.inf
        self._input = cast(IO[bytes], self._process.stdin)
        with contextlib.suppress(BrokenPipeError):
            # If it has ended already, its exit code says so.
            self._input.write(line)
            self._input.flush()

    def __iter__(self) -> Iterator[Event]:
        lines = Lines()
        for part in self._parts():
            # An incomplete last line comes from an engine that was killed while writing it.
            for line in lines.feed(part):
                event = read_event(line)
                if not isinstance(event, Alive):
                    yield event

    def _parts(self) -> Iterator[bytes]:
        """Its output, as it comes, until it ends; it is killed if it is silent for long, or does not stop."""
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
                self.hung = self.hung or f"the engine was silent for {now - heard:.0f} s, and was killed"
                self.kill()
            if now > self._killed + _DYING:
                self._end_all()
                return

    def ask(self, turn: Turn) -> None:
        """Ask an engine that measures for one more turn. One that has ended, or is to stop, takes none."""
        # Past the buffer, which a signal handler may close meanwhile; a turn is short enough for one piece.
        with contextlib.suppress(OSError, ValueError):
            os.write(self._input.fileno(), write(turn))

    def stop(self) -> None:
        """Ask the engine to begin no further case and to clean up."""
        self._stopped = min(self._stopped, time.monotonic())
        with contextlib.suppress(BrokenPipeError):
            self._input.close()

    def kill(self) -> None:
        """End it at once; :meth:`Launcher.sweep` removes what it leaves."""
        self._killed = min(self._killed, time.monotonic())
        # The first process of the engine takes all others with it.
        self._process.terminate()

    def _end_all(self) -> None:
        """Kill it, and whatever is in its process group."""
        # Until it is reaped, its pid cannot be reused.
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def wait(self) -> int:
        """Wait for its end, and return its exit code."""
        self.stop()
        for _part in self._parts():
            # It must not block on writing the rest.
            pass
        try:
            code = self._process.wait(_DYING)
        except subprocess.TimeoutExpired:
            self._end_all()
            code = -signal.SIGKILL
        cast(IO[bytes], self._process.stdout).close()
        return code


def run_events(request: Request, launcher: Launcher | None = None) -> Iterator[Event]:
    """The events of a run's engine, as they come. Raises :class:`ProtocolError`."""
    engine = (launcher or LocalLauncher()).start(request)
    try:
        yield from engine
    finally:
        engine.wait()
