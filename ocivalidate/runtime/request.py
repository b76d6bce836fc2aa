"""What a run is asked for, and the process of the engine that is asked."""

from __future__ import annotations

import contextlib
import json
import math
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, cast

from ocivalidate.runtime.kernel import inherited, interpreter

SILENCE = 60.0
"""Seconds after which an engine that says nothing, not even that it lives, is ended."""
STOPPING = 180.0
"""Seconds in which an engine that was asked to stop has to end: it sees the cases to their end that run."""
_DYING = 10.0  # seconds in which a process that was told to end is to be gone
_PAUSE = 0.5  # seconds between two looks at the clock


@dataclass(frozen=True, slots=True)
class Request:
    """What a run is asked for.

    ``runtime``: a program, by path or by its name in PATH; ``arguments`` stand before each of its commands.
    ``spec_version``: the release to judge by (default: the one that the runtime claims). ``select``: ids of cases or
    clauses, beginnings of ids, globs (default: all); ``ignore`` and ``level`` as for other commands; ``only``: ids
    of cases. ``cases``: a folder with cases of the caller's own. ``rootfs``: a ready root filesystem. ``jobs``: cases
    at a time (default: as many as processors). ``require``: needs whose absence is an error. ``dump_dir``: where is
    kept what cases did that did not pass.
    """

    runtime: str
    arguments: tuple[str, ...] = ()
    spec_version: str | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    level: str = "may"
    only: tuple[str, ...] = ()
    cases: str | None = None
    rootfs: str | None = None
    jobs: int | None = None
    require: tuple[str, ...] = ()
    dump_dir: str | None = None

    def text(self) -> str:
        """The line that the engine reads."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps(fields) + "\n"


class EngineProcess:
    """The engine, running. Iterate over it for its events; :meth:`stop` ends it in order.

    ``hung``: why it had to be ended, ``""`` for an engine that needed no help.
    """

    def __init__(self, request: Request) -> None:
        inherited.wait_for_children()
        self._process = subprocess.Popen(
            interpreter.ours("ocivalidate.runtime.running.engine"),
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
            self._input.write(request.text().encode())
            self._input.flush()

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        for line in self._lines():
            try:
                event = json.loads(line)
            except (ValueError, RecursionError):
                # It was killed in the middle of a line.
                return
            # That it lives is no news. What is no event at all somebody else wrote.
            if not isinstance(event, dict) or event.get("event") != "alive":
                yield event

    def _lines(self) -> Iterator[bytes]:
        """What it says, line by line, until it ends; one that says nothing for long, or does not stop, is ended."""
        output = cast(IO[bytes], self._process.stdout).fileno()
        poller = select.poll()
        poller.register(output, select.POLLIN)
        rest, heard = b"", time.monotonic()
        while True:
            if poller.poll(_PAUSE * 1000):
                part = os.read(output, 1 << 16)
                if not part:
                    return
                *lines, rest = (rest + part).split(b"\n")
                yield from lines
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
        """End it at once; what it leaves is for :func:`sweeping.sweep`."""
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
        for _event in self:
            # It must not wait for somebody to read the rest.
            pass
        try:
            code = self._process.wait(_DYING)
        except subprocess.TimeoutExpired:
            self._end_all()
            code = -signal.SIGKILL
        cast(IO[bytes], self._process.stdout).close()
        return code


def run_events(request: Request) -> Iterator[Mapping[str, Any]]:
    """The events of a run, as they come."""
    engine = EngineProcess(request)
    try:
        yield from engine
    finally:
        engine.wait()
