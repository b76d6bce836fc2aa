"""One container of a case: the operations on it, waiting for it, and what it leaves behind."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from ocivalidate.errors import CannotJudge, ConfigRefused, RuntimeFailed, Unreadable
from ocivalidate.runtime.driving import configs
from ocivalidate.runtime.driving.driver import Call, json_object
from ocivalidate.runtime.driving.journal import Looked, Saw, Waited
from ocivalidate.runtime.driving.operations import Operations
from ocivalidate.runtime.driving.output import ContainerOutput
from ocivalidate.runtime.driving.process import Process
from ocivalidate.runtime.inside.facts import Facts, find_facts, lines
from ocivalidate.runtime.kernel import cgroups, handed, kin, processes, syscalls
from ocivalidate.runtime.kernel.mounts import mounts_below

_STATUS_PATIENCE = 5.0  # seconds in which a runtime is to notice that a process has ended
_OFTEN = 20  # times that it is asked at least, where each takes long
_DYING_PATIENCE = 1.0  # seconds in which what a runtime has killed is to be gone
_CLEANING_PATIENCE = 10.0  # seconds that a case has at least to clean up


class Container:
    """A container, from before it is created until after it is deleted.

    ``output``: the file for its standard output, after that of ``create``. ``pid`` is that of the
    container process, known after ``create``. ``group`` is the control group that its config names, ``""`` for none.
    """

    def __init__(
        self, runtime: Operations, container_id: str, bundle: Path, layout: cgroups.Layout, group: str = ""
    ) -> None:
        self.runtime = runtime
        self.group = group
        self.id = container_id
        self.bundle = bundle
        # Two containers of a case may use the same id, one after the other; their bundles differ.
        self.output, self.errors, self.pid_file = (
            bundle.parent / f"{container_id.replace('/', '_')}@{bundle.name}.{kind}" for kind in ("out", "err", "pid")
        )
        self._process = Process()
        self._output = ContainerOutput(runtime, container_id, self._process, self.output, self.errors)
        self._created = False
        self._cleaned = False
        self._layout = layout
        self.keeps_groups = False
        self.group_files: dict[str, str] = {}  # those of its groups before it was deleted, if they are to be kept

    @property
    def pid(self) -> int:
        """The pid of the container process; 0 if not known yet."""
        self.runtime.note(Looked("peeked", "the container process"))
        return self._process.pid

    def create(self, bundle: str | None = None, *, cwd: str | None = None, **more: Any) -> Call:
        """Create it; ``bundle``: how to name the bundle (default: its absolute path).

        Raises :class:`RuntimeFailed` if the runtime cannot have made the process that it names as the container's.
        """
        try:
            with handed.opened(self.output, os.O_WRONLY | os.O_CREAT):
                pass
        except (OSError, Unreadable) as problem:
            raise RuntimeFailed(f"the output file of the container {problem}") from problem
        self.runtime.outputs += [self.output, self.errors]
        pid_file = more.pop("pid_file", str(self.pid_file))
        begun = kin.now()
        done = self.runtime.create(
            self.id,
            bundle or self.bundle,
            pid_file=pid_file,
            stdout=str(self.output),
            stderr=str(self.errors),
            cwd=cwd,
            **more,
        )
        if done.ok:
            self._created = True
            self._remember(self._pid(pid_file), begun)
        return done

    def start(self, **more: Any) -> Call:
        """Start it."""
        return self.runtime.start(self.id, **more)

    def kill(self, name: str = "KILL") -> Call:
        """Send it a signal."""
        return self.runtime.kill(self.id, name)

    def delete(self, *, force: bool = False, may_hang: bool = False) -> Call:
        """Delete it."""
        if self.keeps_groups and self._process.groups:
            self.group_files |= cgroups.every_file(self._layout, self._process.groups)
        done = self.runtime.delete(self.id, force=force, may_hang=may_hang)
        self._created = self._created and not done.ok
        return done

    def must_create(self, **more: Any) -> Container:
        """Create it. Raises :class:`RuntimeFailed` when the runtime does not."""
        return self._must(self.create(**more), "create")

    def must_start(self, **more: Any) -> Container:
        """Start it. Raises :class:`RuntimeFailed` when the runtime does not."""
        return self._must(self.start(**more), "start")

    def must_kill(self, name: str = "KILL") -> Container:
        """Send it a signal. Raises :class:`RuntimeFailed` when the runtime does not."""
        return self._must(self.kill(name), "kill")

    def must_delete(self) -> Container:
        """Delete it. Raises :class:`RuntimeFailed` when the runtime does not."""
        return self._must(self.delete(), "delete")

    def _must(self, done: Call, operation: str) -> Container:
        if not done.ok:
            self.raise_refusal(done, operation)
        return self

    def raise_refusal(self, done: Call, operation: str = "create") -> NoReturn:
        """Say what an operation came to that failed.

        Raises :class:`ConfigRefused` when the runtime refused the config and made no container, else
        :class:`RuntimeFailed`.
        """
        said = done.last_error_line
        made = self._made_all_the_same() if operation == "create" else ""
        if operation == "create" and done.generates_error and not made:
            raise ConfigRefused(f"create failed: {said}", said, configs.of_bundle(self.bundle, self.id))
        raise RuntimeFailed(f"{operation} failed: {said}{made and f', and {made}'}")

    def _made_all_the_same(self) -> str:
        """What a create that failed has made of a container, in words; ``""`` for nothing.

        What the runtime says of it is not all: it may deny a process that runs. Those that it has killed may take a
        moment to be gone.
        """
        if self.exists():
            return "made a container all the same"
        deadline = time.monotonic() + _DYING_PATIENCE * self.runtime.pace
        while left := self._processes():
            if time.monotonic() > deadline:
                return f"left {', '.join(f'process {pid}' for pid in left)}"
            with self.runtime.call_times.waiting():
                time.sleep(0.005)  # there is no notice of the end of such a process
        return ""

    def _processes(self) -> list[int]:
        """Living processes in the control groups of this container, and one of ours that its pid file names."""
        found = {pid for folder in self._own_groups() for pid in cgroups.members(folder)}
        with contextlib.suppress(Unreadable):
            found |= {pid for pid in [handed.pid_in(str(self.pid_file))] if kin.descends(pid)}
        return sorted(pid for pid in found if pid and processes.began(pid))

    def state(self) -> dict[str, Any]:
        """The output of ``state``. Raises :class:`RuntimeFailed` if it fails or prints no JSON object."""
        done = self.runtime.state(self.id)
        self._must(done, "state")
        try:
            return json_object(done.stdout)
        except ValueError as problem:
            raise RuntimeFailed(f"state {problem}") from problem

    def status(self) -> str:
        """The status that the runtime reports; ``""`` if it does not know the container."""
        done = self.runtime.state(self.id)
        if not done.ok:
            return ""
        with contextlib.suppress(ValueError):
            return str(json_object(done.stdout).get("status", ""))
        return ""

    def exists(self) -> bool:
        """Whether the runtime knows the container."""
        return self.runtime.state(self.id).ok

    def wait_for_status(self, status: str, seconds: float = _STATUS_PATIENCE) -> str:
        """Ask until the runtime reports this status, for some ``seconds``, and return the last that it reported.

        Raises :class:`CannotJudge` if the time of the case is over first, or the container process is still at work.
        """
        soon = time.monotonic() + seconds * self.runtime.pace
        asked = 0
        while True:
            now, asked = self.status(), asked + 1
            if now == status:
                return now
            if time.monotonic() > self.runtime.deadline:
                raise CannotJudge(f"waited in vain for the status {status}: the time of the case is over")
            if time.monotonic() > soon and asked >= _OFTEN:
                self._output.refuse_work(f"the status {status}")
                return now
            with self.runtime.call_times.waiting():
                time.sleep(0.005)  # a runtime gives no notice

    def snapshot(self) -> dict[str, Any]:
        """Everything that an operation without effect must leave unchanged.

        The state that the runtime reports (``None`` if it does not know the container), the container process with its
        start time, the processes in its control groups, and its output.
        """
        done = self.runtime.state(self.id)
        began = processes.began(self._process.pid)
        members = [cgroups.members(folder) for folder in self._own_groups()]
        return {
            "state": done.stdout if done.ok else None,
            "alive": self._process.alive,
            "process": f"{self._process.pid} since {began}" if began else None,
            "members": sorted({pid for some in members for pid in some if not pid or processes.began(pid)}),
            "printed": self.printed(),
        }

    def _pid(self, pid_file: str) -> int:
        """The container process named by the pid file, or else by the state; 0 if neither names one."""
        try:
            pid = handed.pid_in(pid_file)
        except Unreadable as problem:
            raise RuntimeFailed(f"the pid file {problem}") from problem
        with contextlib.suppress(RuntimeFailed):
            pid = pid or handed.pid_of(self.state().get("pid"))
        return pid

    def _remember(self, pid: int, begun: int) -> None:
        """Remember the process and its groups: the runtime will not know them any more when they are needed.

        It is killed in the end, so this create must have made it: a runtime may be wrong about it.
        """
        try:
            if pid:
                self._process.remember(pid, begun)
        except kin.Foreign as problem:
            raise RuntimeFailed(f"the runtime names a foreign process as the container process: {problem}") from problem

    def alive(self) -> bool:
        """Whether the container process has not ended."""
        self.runtime.note(Looked("alive", "", self._process.alive, self.id))
        return self._process.alive

    def wait_exit(self) -> None:
        """Wait for the end of the container process, which was killed or is about to exit.

        Raises :class:`RuntimeFailed` when it does not end.
        """
        if self._process.descriptor < 0:
            raise RuntimeFailed("the runtime did not name the container process")
        self.runtime.note(Waited("end", self.id))
        self._output.poll(self._process.descriptor, "the end of the container process")

    def ends(self, seconds: float) -> bool:
        """Whether the container process ends, or has ended, within some seconds."""
        ended = self._process.descriptor >= 0 and self._process.ends(seconds * self.runtime.pace)
        if ended:
            self.runtime.note(Waited("end", self.id))
        return ended

    def end_process(self) -> None:
        """Kill the container process without the runtime, and wait for its end.

        Raises :class:`RuntimeFailed` if the runtime did not name it.
        """
        self.runtime.note(Waited("death", self.id))
        self._process.kill()
        self.wait_exit()

    def wait_stopped(self) -> Container:
        """Wait for the end of the container process, and until the runtime reports it.

        Raises :class:`RuntimeFailed` when it does not.
        """
        self.wait_exit()
        status = self.wait_for_status("stopped")
        if status != "stopped":
            raise RuntimeFailed(
                f"the container process has ended, but the status is {status or 'unknown'}, not stopped"
            )
        return self

    def facts(self, timeout: float | None = None) -> Facts:
        """Wait for what the probe in the container prints.

        Raises :class:`RuntimeFailed` if the container ends without them or ``timeout`` is over; :class:`CannotJudge`.
        """
        found: Facts | None = self.wait_output(find_facts, timeout)
        if found is None and self._process.alive:
            raise RuntimeFailed(f"the program in the container reported nothing within {timeout:.0f} s")
        if found is None:
            raise RuntimeFailed(f"the container ended without a report: {self._output.last_words()}")
        return replace(found, lookout=lambda record: self.runtime.note(Saw(self.id, record)))

    def wait_line(self, wanted: Callable[[Any], bool], timeout: float | None = None) -> Any:
        """Wait for a JSON line for which ``wanted`` is true; ``None`` if the container ends without printing it."""
        return self.wait_output(lambda text: next((data for data in lines(text) if wanted(data)), None), timeout)

    def wait_output(self, look: Callable[[str], Any], timeout: float | None = None) -> Any:
        """Wait until ``look`` finds something (not ``None``) in the output of the container, and return that.

        ``None`` if the container has ended, or after ``timeout`` seconds (default: raises :class:`RuntimeFailed`
        if there is no output for long).
        """
        return self._output.wait(look, timeout)

    def printed(self) -> str:
        """The standard output of the container so far.

        Raises :class:`RuntimeFailed` if it is over the limit.
        """
        return self._output.text()

    # ----------------------------------------------------------------------------------------------- what is left

    @property
    def groups(self) -> dict[str, str]:
        """The control groups of the container process after ``create``: controller → path."""
        self.runtime.note(Looked("peeked", "the control groups of the container process"))
        return dict(self._process.groups)

    def group_folder(self, controller: str) -> str:
        """The directory where a controller (``""``: version 2) governs the container process; ``""`` if none."""
        self.runtime.note(Looked("peeked", "the control groups of the container process"))
        return cgroups.folder_of(self._layout, self._process.groups, controller)

    def leftovers_of_failure(self) -> list[str]:
        """What is still there after a create that failed: processes that it killed may take a moment to be gone.

        Raises :class:`CannotJudge` if the container process is still at work then.
        """
        deadline = time.monotonic() + _DYING_PATIENCE * self.runtime.pace
        while left := self.leftovers():
            if time.monotonic() > deadline:
                self._output.refuse_work("the end of what failed")
                break
            with self.runtime.call_times.waiting():
                time.sleep(0.005)  # there is no notice of the end of such a process
        return left

    def leftovers(self) -> list[str]:
        """What is left of the container: process, control groups, mounts below its bundle, state.

        Empty after a correct ``delete``.
        """
        left = [f"process {self._process.pid}"] if self._process.alive else []
        left += [f"control group {folder}" for folder in self._own_groups()]
        left += [f"mount {point}" for point in sorted(mounts_below(str(self.bundle)))]
        if self.runtime.has_state(self.id):
            left.append(f"state {self.runtime.root / self.id}")
        self.runtime.note(Looked("left", "", left, self.id))
        return left

    def _own_groups(self) -> list[str]:
        """The directories of the groups that were created for this container."""
        return [folder for path in self._group_paths() for folder in cgroups.folders(self._layout, path)]

    def _group_paths(self) -> list[str]:
        """The groups that can only be this container's: their names have the prefix of this run."""
        every = {self.group, *self._process.groups.values()}
        return sorted(path for path in every if self.runtime.mark in path)

    def clean_up(self) -> list[str]:
        """Remove the container, whatever its state, and return what could not be removed."""
        if self._cleaned:
            return []
        self._cleaned = True
        more = min(time.monotonic() + _CLEANING_PATIENCE * self.runtime.pace, self.runtime.last)
        self.runtime.deadline = max(self.runtime.deadline, more)
        # Killed by us first: a runtime that has to do it waits for the end of the process by the clock.
        self.runtime.note(Waited("death", self.id))
        left = self._process.end(_STATUS_PATIENCE * self.runtime.pace)
        if (self._created or self.runtime.has_state(self.id)) and not self.delete(may_hang=True).ok:
            self.delete(force=True, may_hang=True)
        for path in self._group_paths():
            seconds = cgroups.DYING_PATIENCE * self.runtime.pace
            left += [f"control group {folder}" for folder in cgroups.remove(self._layout, path, seconds)]
        for point in sorted(mounts_below(str(self.bundle)), reverse=True):
            with contextlib.suppress(OSError):
                syscalls.unmount(point)
        return left
