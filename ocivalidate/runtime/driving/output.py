"""What a container prints, and waiting for it: by notice from the kernel, and never for longer than the case has."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ocivalidate.errors import CannotJudge, RuntimeFailed
from ocivalidate.runtime.driving.journal import Waited
from ocivalidate.runtime.driving.operations import Operations
from ocivalidate.runtime.driving.process import Process
from ocivalidate.runtime.inside.facts import without_facts
from ocivalidate.runtime.kernel import handed, syscalls
from ocivalidate.runtime.kernel.handed import Growing

WAITING_PATIENCE = 10.0  # seconds in which a container is to do what was asked of it, on the slowest of hosts
_PAUSE = 0.05  # seconds between two looks at much text
_SMALL = 64 * 1024  # bytes: as long as no more was printed, every change is looked at


class ContainerOutput:
    """The files of a container's standard output and errors, while its process writes to them."""

    def __init__(self, runtime: Operations, container_id: str, process: Process, output: Path, errors: Path) -> None:
        self._runtime = runtime
        self._id = container_id
        self._process = process
        self._output, self._errors = output, errors
        self._printed = Growing(output)

    def wait(self, look: Callable[[str], Any], timeout: float | None = None) -> Any:
        """Wait until ``look`` finds something (not ``None``) in the output of the container, and return that.

        ``None`` if the container has ended, or after ``timeout`` seconds (default: raises :class:`RuntimeFailed`
        if there is no output for long).
        """
        until = None if timeout is None else time.monotonic() + timeout * self._runtime.pace
        try:
            watch = syscalls.watch(str(self._output))
        except OSError as problem:
            raise RuntimeFailed(f"the output file of the container is gone: {problem.strerror}") from problem
        try:
            while True:
                # In this order: once its end is seen, all its output is there.
                ended = not self._process.alive
                text = self.text()
                found = look(text)
                if found is not None or ended:
                    self._runtime.note(Waited("output", self._id, text.count("\n"), without_facts(text)[-4096:]))
                    return found
                if not self.poll(watch, "output of the container", until and max(0.0, until - time.monotonic())):
                    return None
                if len(text) > _SMALL:
                    # Looking at long output again after every line would take quadratic time.
                    self._rest(_PAUSE)
                with contextlib.suppress(BlockingIOError):
                    os.read(watch, 65536)
        finally:
            os.close(watch)

    def text(self) -> str:
        """The standard output of the container so far.

        Raises :class:`RuntimeFailed` if it is over the limit.
        """
        self._refuse_flood()
        return self._printed.text()

    def _refuse_flood(self) -> None:
        """End a container that has printed too much. Raises :class:`RuntimeFailed`."""
        for path in (self._output, self._errors):
            if Growing(path).too_much:
                self._process.kill()
                raise RuntimeFailed(f"the container printed too much output: more than {handed.MOST_PRINTED} bytes")

    def last_words(self) -> str:
        """The last line that it printed, for a message."""
        said = [*self.text().splitlines(), *handed.text_of(self._errors, handed.MOST_PRINTED).splitlines()]
        return said[-1][:300] if said else "it printed nothing"

    def _rest(self, seconds: float) -> None:
        with self._runtime.call_times.waiting():
            time.sleep(seconds)

    def poll(self, descriptor: int, what: str, timeout: float | None = None) -> bool:
        """Wait until a descriptor can be read, or the container process has ended.

        False if neither happens within ``timeout`` seconds. Without a timeout, raises :class:`RuntimeFailed` if nothing
        happens for long: the runtime did not do what it reported. Raises :class:`CannotJudge` if the time of the
        case is over first.
        """
        left = self._runtime.deadline - time.monotonic()
        seconds = min(left, WAITING_PATIENCE * self._runtime.pace if timeout is None else timeout)
        with self._runtime.call_times.waiting():
            ready = left > 0 and self._process.or_readable(descriptor, seconds, self._refuse_flood)
        if not ready:
            self.refuse_work(what)
        if not ready and seconds == left:
            raise CannotJudge(f"waited in vain for {what}")
        if not ready and timeout is None:
            raise RuntimeFailed(f"waited {seconds:g} s in vain for {what}")
        return bool(ready)

    def refuse_work(self, what: str) -> None:
        """Raise :class:`CannotJudge` if the container process is at work: what was waited for may yet come."""
        with self._runtime.call_times.waiting():
            late = self._process.works()
        if late:
            raise CannotJudge(f"waited in vain for {what}, and the container is still at work")
