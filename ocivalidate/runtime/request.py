"""What a run is asked for, and the process of the engine that is asked."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, cast

from ocivalidate.runtime.kernel import interpreter


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
    """The engine, running. Iterate over it for its events; :meth:`stop` ends it in order."""

    def __init__(self, request: Request) -> None:
        self._process = subprocess.Popen(
            interpreter.ours("ocivalidate.runtime.running.engine"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=interpreter.environment(),
            # An interrupt of the terminal is for the command line, which has the engine stop in order.
            start_new_session=True,
        )
        self._input = cast(IO[bytes], self._process.stdin)
        with contextlib.suppress(BrokenPipeError):
            # If it is gone already, its exit code says so.
            self._input.write(request.text().encode())
            self._input.flush()

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        for line in cast(IO[bytes], self._process.stdout):
            try:
                event = json.loads(line)
            except ValueError:
                # It was killed in the middle of a line.
                return
            yield event

    def stop(self) -> None:
        """Have the engine begin no further case, and clean up."""
        with contextlib.suppress(BrokenPipeError):
            self._input.close()

    def kill(self) -> None:
        """End it at once; what it leaves is for :func:`workspace.sweep`."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def wait(self) -> int:
        """Wait for its end, and return its exit code."""
        self.stop()
        for _event in self:
            # It must not wait for somebody to read the rest.
            pass
        code = self._process.wait()
        cast(IO[bytes], self._process.stdout).close()
        return code


def run_events(request: Request) -> Iterator[Mapping[str, Any]]:
    """The events of a run, as they come."""
    engine = EngineProcess(request)
    try:
        yield from engine
    finally:
        engine.wait()
