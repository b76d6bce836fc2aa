"""Lives of containers, measured: each phase is a function that returns what its operations took.

Only calls of the runtime are timed, and the wait for the end of a container's program; making bundles, looking and
cleaning up are not.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ocivalidate.bench import memory, program
from ocivalidate.errors import CannotJudge
from ocivalidate.runtime.case_context import CaseContext
from ocivalidate.runtime.cases import Case
from ocivalidate.runtime.driving import driver
from ocivalidate.runtime.driving.container import Container
from ocivalidate.runtime.driving.driver import Call
from ocivalidate.runtime.inside import rootfs
from ocivalidate.runtime.run_context import RunContext

_PATIENCE = 60.0  # seconds that a life has
_SETTLES = 1.0  # seconds that a program has to take the place of the runtime's own
_numbers = itertools.count(1)

Values = dict[str, float]


class Lives:
    """Lives on a stage. ``parallel``: how many at a time in the phase of this name."""

    def __init__(self, stage: RunContext, parallel: int) -> None:
        self._stage = stage
        self._parallel = parallel
        program.put(stage.rootfs)
        self.phases: Mapping[str, Callable[[], tuple[Values, str]]] = {
            "alone": self._alone,
            "cold": self._cold,
            "parallel": self._at_once,
            "memory": self._memory,
        }

    def _alone(self) -> tuple[Values, str]:
        """Every operation of one container, and a program that ends at once."""
        return self._operations() | {"run": self._run()["run"], "call": self._call()}, ""

    def _cold(self) -> tuple[Values, str]:
        """A container by a runtime whose program has to be read from disk."""
        if why := forget(self._stage.subject.command[0]):
            return {}, why
        return self._run(), ""

    def _at_once(self) -> tuple[Values, str]:
        """The same as alone for several containers at a time: of each operation the median."""
        gate = threading.Barrier(self._parallel)

        def one() -> Values:
            gate.wait(_PATIENCE)
            every = self._operations()
            gate.wait(_PATIENCE)
            return every | self._run()

        with ThreadPoolExecutor(self._parallel) as pool:
            lives = [future.result() for future in [pool.submit(one) for _ in range(self._parallel)]]
        return {name: statistics.median(life[name] for life in lives) for name in lives[0]}, ""

    def _memory(self) -> tuple[Values, str]:
        """What the processes of the runtime have resident at most, and what stands for a container."""
        with self._trial() as trial:
            before = memory.descendants()
            container = _container(trial, waits=True)
            values: Values = {}

            def traced(name: str, call: Callable[..., Call]) -> None:
                file = trial.folder / f"peak-{name}"
                _must(container, call(wrapper=memory.traced(file)), name)
                if (most := memory.peak(file)) is not None:
                    values[name] = most

            traced("create", container.create)
            values["created"] = memory.resident(memory.descendants() - before)
            traced("start", container.start)
            # The program of the container is ours, and no memory of the runtime.
            own = {container.pid} if self._settle(container) else set()
            values["running"] = memory.resident(memory.descendants() - before - own)
        return values, "" if "create" in values else "the processes of a runtime cannot be traced here"

    def _operations(self) -> Values:
        with self._trial() as trial:
            container = _container(trial, waits=True)
            times = {"create": _must(container, container.create(), "create")}
            times["start"] = _must(container, container.start(), "start")
            self._settle(container)
            times["state"] = _must(container, trial.runtime.state(container.id), "state")
            times["kill"] = _must(container, container.kill(), "kill")
            container.wait_stopped()
            times["delete"] = _must(container, container.delete(), "delete")
        return times

    def _run(self) -> Values:
        with self._trial() as trial:
            container = _container(trial, waits=False)
            create = _must(container, container.create(), "create")
            start = _must(container, container.start(), "start")
            begun = time.monotonic()
            container.wait_exit()
            waited = time.monotonic() - begun
            # Some runtimes take a moment to notice, and delete nothing before.
            container.wait_stopped()
            delete = _must(container, container.delete(), "delete")
        return {"create": create, "run": create + start + waited + delete}

    def _call(self) -> float:
        """A call of a program that does nothing, in just the way in which the runtime is called."""
        place = str(self._stage.rootfs / program.PLACE.lstrip("/"))
        found = place if os.path.exists(place) else shutil.which("true")
        if found is None:
            return 0.0
        return driver.call([found], timeout=_PATIENCE, keep=str(self._stage.folder)).seconds

    def _settle(self, container: Container) -> bool:
        """Wait until the program of the container runs, and return whether this kernel shows that it does."""
        wanted = container.bundle / "rootfs" / (program.arguments(waits=True) or [rootfs.PYTHON])[0].lstrip("/")
        until = time.monotonic() + _SETTLES * self._stage.pace
        while self._stage.subject.isolates and not self._stage.own_kernel and time.monotonic() < until:
            with contextlib.suppress(OSError):
                if os.path.samestat(os.stat(f"/proc/{container.pid}/exe"), os.stat(wanted)):
                    return True
            time.sleep(0.001)  # there is no notice of what a process executes
        return False

    @contextlib.contextmanager
    def _trial(self) -> Iterator[CaseContext]:
        """What a life needs. Everything of it is gone afterwards; raises :class:`CannotJudge` if something is left."""
        trial = CaseContext(self._stage, Case(f"bench-{next(_numbers)}", lambda _trial: None, (), timeout=_PATIENCE))
        try:
            yield trial
        finally:
            left = trial.clean_up()
            self._stage.devices.look()
            shutil.rmtree(trial.folder, ignore_errors=True)
        if left:
            raise CannotJudge(f"could not remove: {', '.join(left)}")


def _container(trial: CaseContext, *, waits: bool) -> Container:
    config: dict[str, Any] = trial.config("wait" if waits else "cwd")
    if trial.subject.isolates:
        config["process"]["args"] = program.arguments(waits=waits) or config["process"]["args"]
    return trial.container(config)


def _must(container: Container, done: Call, operation: str) -> float:
    """The seconds of a call that succeeded. Raises :class:`RuntimeFailed` for any other."""
    if not done.ok:
        container.raise_refusal(done, operation)
    return done.seconds


def forget(path: str) -> str:
    """Have the kernel drop what it holds in memory of a file, and return why that did not work, ``""`` if it did."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(OSError):
            # What was just built is not on disk yet, and stays where it is until then.
            os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        try:
            # Answers only from memory.
            os.preadv(descriptor, [bytearray(1)], 0, os.RWF_NOWAIT)
        except OSError:
            return ""
        return f"the kernel keeps {path} in memory: others use it, or its file system has no disk"
    finally:
        os.close(descriptor)
