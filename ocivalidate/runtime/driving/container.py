"""One container of a case: the operations on it, waiting for what it does, and what it left behind."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from ocivalidate.errors import CannotJudge, ConfigRefused, RuntimeFailed, Unreadable
from ocivalidate.runtime.driving import configs
from ocivalidate.runtime.driving.driver import Call, json_object
from ocivalidate.runtime.driving.operations import Operations
from ocivalidate.runtime.driving.process import Process
from ocivalidate.runtime.inside.facts import Facts, find_facts, lines
from ocivalidate.runtime.kernel import cgroups, handed, kin, processes, syscalls
from ocivalidate.runtime.kernel.handed import Growing
from ocivalidate.runtime.kernel.mounts import mounts_below

WAITING_PATIENCE = 10.0  # seconds in which a container is to do what was asked of it, on the slowest of hosts
_STATUS_PATIENCE = 5.0  # seconds in which a runtime is to notice that a process has ended
_OFTEN = 20  # times that it is asked at least, where each takes long
_DYING_PATIENCE = 1.0  # seconds in which what a runtime has killed is to be gone
_CLEANING_PATIENCE = 10.0  # seconds that a case has at least to clean up
_PAUSE = 0.05  # seconds between two looks at much text
_SMALL = 64 * 1024  # bytes: as long as no more was printed, every change is looked at


class Container:
    """A container, from before it is created until after it is deleted.

    ``output``: the file to which its standard output goes, behind what ``create`` prints. ``pid`` is that of the
    container process, known once created. ``group`` is the control group that its config names, ``""`` for none.
    """

    def __init__(
        self, runtime: Operations, container_id: str, bundle: Path, layout: cgroups.Layout, group: str = ""
    ) -> None:
        self.runtime = runtime
        self.group = group
        self.id = container_id
        self.bundle = bundle
        # Two containers of one case may have an id in common, one after the other; their bundles differ.
        self.output, self.errors, self.pid_file = (
            bundle.parent / f"{container_id.replace('/', '_')}@{bundle.name}.{kind}" for kind in ("out", "err", "pid")
        )
        self._process = Process()
        self._printed = Growing(self.output)
        self._created = False
        self._cleaned = False
        self._layout = layout
        # The files of its groups, before it is deleted, where they are to be kept.
        self.keeps_groups = False
        self.group_files: dict[str, str] = {}

    @property
    def pid(self) -> int:
        """The container process, 0 as long as it is not known."""
        return self._process.pid

    # ------------------------------------------------------------------------------------------------ operations

    def create(self, bundle: str | None = None, *, cwd: str | None = None, **more: Any) -> Call:
        """Create it; ``bundle`` is how the bundle is named, if not by its absolute path.

        Raises :class:`RuntimeFailed` when what the runtime takes for the container process can be none of its making.
        """
        try:
            with handed.opened(self.output, os.O_WRONLY | os.O_CREAT):
                pass
        except (OSError, Unreadable) as problem:
            raise RuntimeFailed(f"the file for what the container prints {problem}") from problem
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

    def delete(self, *, force: bool = False) -> Call:
        """Delete it."""
        if self.keeps_groups and self._process.groups:
            self.group_files |= cgroups.every_file(self._layout, self._process.groups)
        done = self.runtime.delete(self.id, force=force)
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
        if done.ended == "timeout":
            raise CannotJudge(f"{operation} {done.last_error_line}")
        if not done.ok:
            self.raise_refusal(done, operation)
        return self

    def raise_refusal(self, done: Call, operation: str = "create") -> NoReturn:
        """Say what an operation came to that failed.

        Raises :class:`ConfigRefused` when the runtime refused the config and made no container, else
        :class:`RuntimeFailed`.
        """
        said = done.last_error_line
        if operation == "create" and done.generates_error and not self.exists():
            raise ConfigRefused(f"create failed: {said}", said, configs.of_bundle(self.bundle, self.id))
        raise RuntimeFailed(f"{operation} failed: {said}")

    # ----------------------------------------------------------------------------------------------------- state

    def state(self) -> dict[str, Any]:
        """What ``state`` prints. Raises :class:`RuntimeFailed` when that is no JSON object, or it fails."""
        done = self.runtime.state(self.id)
        self._must(done, "state")
        try:
            return json_object(done.stdout)
        except ValueError as problem:
            raise RuntimeFailed(f"state {problem}") from problem

    def status(self) -> str:
        """The status that the runtime reports; ``""`` when it knows of no such container."""
        done = self.runtime.state(self.id)
        if not done.ok:
            return ""
        with contextlib.suppress(ValueError):
            return str(json_object(done.stdout).get("status", ""))
        return ""

    def exists(self) -> bool:
        """Whether the runtime knows the container."""
        return self.runtime.state(self.id).ok

    def wait_for_status(self, status: str) -> str:
        """Ask until the runtime reports this status, for some seconds, and return the last that it reported."""
        soon = time.monotonic() + _STATUS_PATIENCE * self.runtime.pace
        asked = 0
        while True:
            now, asked = self.status(), asked + 1
            over = time.monotonic() > soon and asked >= _OFTEN
            if now == status or over or time.monotonic() > self.runtime.deadline:
                return now
            with self.runtime.call_times.waiting():
                time.sleep(0.005)  # nothing tells when a runtime has noticed

    def snapshot(self) -> dict[str, Any]:
        """All that an operation without effect has to leave as it is.

        These are the state as the runtime tells it (``None`` when it knows none), the container process with the moment
        at which it began, the processes in its control groups, and what it printed.
        """
        done = self.runtime.state(self.id)
        began = processes.began(self.pid)
        members = [cgroups.members(folder) for folder in self._own_groups()]
        return {
            "state": done.stdout if done.ok else None,
            "alive": self.alive(),
            "process": f"{self.pid} since {began}" if began else None,
            "members": sorted({pid for some in members for pid in some if not pid or processes.began(pid)}),
            "printed": self.printed(),
        }

    def _pid(self, pid_file: str) -> int:
        """The container process as the pid file names it, or else the state; 0 when neither does."""
        try:
            pid = handed.pid_in(pid_file)
        except Unreadable as problem:
            raise RuntimeFailed(f"the pid file {problem}") from problem
        with contextlib.suppress(RuntimeFailed):
            pid = pid or handed.pid_of(self.state().get("pid"))
        return pid

    def _remember(self, pid: int, begun: int) -> None:
        """Note the process and its groups, as the runtime will not know them when they matter.

        It is killed in the end, so it must be one that this create has made: a runtime may be wrong about it.
        """
        try:
            if pid:
                self._process.remember(pid, begun)
        except kin.Foreign as problem:
            raise RuntimeFailed(f"the runtime names a foreign process as the container's: {problem}") from problem

    # --------------------------------------------------------------------------------------------------- waiting

    def alive(self) -> bool:
        """Whether the container process has not ended."""
        return self._process.alive

    def wait_exit(self) -> None:
        """Wait for the end of the container process, which has been killed or has nothing more to do.

        Raises :class:`RuntimeFailed` when it does not end.
        """
        if self._process.descriptor < 0:
            raise RuntimeFailed("the runtime did not say which process is the container's")
        self._poll(self._process.descriptor, "the end of the container process")

    def end_process(self) -> None:
        """Kill the container process without the runtime, and wait for its end.

        Raises :class:`RuntimeFailed` when the runtime did not say which it is.
        """
        self._process.kill()
        self.wait_exit()

    def wait_stopped(self) -> Container:
        """Wait for the end of the container process, and until the runtime reports it.

        Raises :class:`RuntimeFailed` when it does not.
        """
        self.wait_exit()
        status = self.wait_for_status("stopped")
        if status != "stopped":
            raise RuntimeFailed(f"the process has ended, but the status is {status or 'unknown'}")
        return self

    def facts(self, timeout: float | None = None) -> Facts:
        """Wait for what the probe in the container prints.

        Raises :class:`RuntimeFailed` when the container ends without, or ``timeout`` is over, :class:`CannotJudge`.
        """
        found: Facts | None = self.wait_output(find_facts, timeout)
        if found is None and self.alive():
            raise RuntimeFailed(f"the program in the container reports nothing within {timeout:.0f} s")
        if found is None:
            raise RuntimeFailed(f"the container ended without a report: {self._last_words()}")
        return found

    def wait_line(self, wanted: Callable[[Any], bool], timeout: float | None = None) -> Any:
        """Wait for a line of JSON that is ``wanted``; ``None`` when the container ends without printing it."""
        return self.wait_output(lambda text: next((data for data in lines(text) if wanted(data)), None), timeout)

    def wait_output(self, look: Callable[[str], Any], timeout: float | None = None) -> Any:
        """Wait until ``look`` finds something (not ``None``) in what the container printed, and return that.

        ``None`` when the container has ended, or after ``timeout`` seconds (default: raises :class:`RuntimeFailed`
        when nothing comes for long).
        """
        until = None if timeout is None else time.monotonic() + timeout * self.runtime.pace
        try:
            watch = syscalls.watch(str(self.output))
        except OSError as problem:
            raise RuntimeFailed(f"the file for what the container prints is gone: {problem.strerror}") from problem
        try:
            while True:
                # In this order: what it printed before it ended is there when its end is seen.
                ended = not self.alive()
                text = self.printed()
                found = look(text)
                if found is not None or ended:
                    return found
                if not self._poll(watch, "what the container prints", until and max(0.0, until - time.monotonic())):
                    return None
                if len(text) > _SMALL:
                    # Looking at much text again for every line of it would take for ever.
                    self._rest(_PAUSE)
                with contextlib.suppress(BlockingIOError):
                    os.read(watch, 65536)
        finally:
            os.close(watch)

    def printed(self) -> str:
        """What the container printed to standard output so far.

        Raises :class:`RuntimeFailed` when that is more than can be looked at.
        """
        self._refuse_flood()
        return self._printed.text()

    def _refuse_flood(self) -> None:
        """End a container that has printed too much. Raises :class:`RuntimeFailed`."""
        for path in (self.output, self.errors):
            if Growing(path).too_much:
                self._process.kill()
                raise RuntimeFailed(f"the container printed without end: more than {handed.MOST_PRINTED} bytes")

    def _last_words(self) -> str:
        said = [*self.printed().splitlines(), *handed.text_of(self.errors, handed.MOST_PRINTED).splitlines()]
        return said[-1][:300] if said else "it printed nothing"

    def _rest(self, seconds: float) -> None:
        with self.runtime.call_times.waiting():
            time.sleep(seconds)

    def _poll(self, descriptor: int, what: str, timeout: float | None = None) -> bool:
        """Wait until a descriptor can be read, or the container process has ended.

        False when neither comes within ``timeout`` seconds. Without it, raises :class:`RuntimeFailed` when nothing
        comes for long: the runtime did not do what it said it did. Raises :class:`CannotJudge` when the time of the
        case is over before that can be known.
        """
        left = self.runtime.deadline - time.monotonic()
        seconds = min(left, WAITING_PATIENCE * self.runtime.pace if timeout is None else timeout)
        with self.runtime.call_times.waiting():
            ready = left > 0 and self._process.or_readable(descriptor, seconds, self._refuse_flood)
            late = not ready and self._process.works()
        if not ready and (seconds == left or late):
            raise CannotJudge(f"waited in vain for {what}{', and the container is still at work' if late else ''}")
        if not ready and timeout is None:
            raise RuntimeFailed(f"waited {seconds:g} s in vain for {what}")
        return bool(ready)

    # ----------------------------------------------------------------------------------------------- what is left

    @property
    def groups(self) -> dict[str, str]:
        """The control groups of the container process: controller → path, as it was when created."""
        return dict(self._process.groups)

    def group_folder(self, controller: str) -> str:
        """Where a controller governs the container process (``""``: in version 2); ``""`` where none does."""
        return cgroups.folder_of(self._layout, self._process.groups, controller)

    def leftovers_of_failure(self) -> list[str]:
        """What is still there after a create that failed: processes that it killed may take a moment to be gone."""
        deadline = time.monotonic() + _DYING_PATIENCE * self.runtime.pace
        while left := self.leftovers():
            if time.monotonic() > deadline:
                break
            with self.runtime.call_times.waiting():
                time.sleep(0.005)  # nothing tells when a process of somebody else is gone
        return left

    def leftovers(self) -> list[str]:
        """What is still there of the container: process, control groups, mounts below its bundle, state.

        An empty list after ``delete``.
        """
        left = [f"process {self.pid}"] if self.alive() else []
        left += [f"control group {folder}" for folder in self._own_groups()]
        left += [f"mount {point}" for point in sorted(mounts_below(str(self.bundle)))]
        if self._has_state():
            left.append(f"state {self.runtime.root / self.id}")
        return left

    def _has_state(self) -> bool:
        """Whether the folder of states has an entry of this name; an id may be any text, also ``..``."""
        with contextlib.suppress(OSError):
            return self.id in os.listdir(self.runtime.root)
        return False

    def _own_groups(self) -> list[str]:
        """The folders of the groups that were made for this container."""
        return [folder for path in self._group_paths() for folder in cgroups.folders(self._layout, path)]

    def _group_paths(self) -> list[str]:
        """The groups that can only be this container's: they bear the name of this run."""
        every = {self.group, *self._process.groups.values()}
        return sorted(path for path in every if self.runtime.mark in path)

    def clean_up(self) -> list[str]:
        """Remove the container, whatever became of it, and return what could not be removed."""
        if self._cleaned:
            return []
        self._cleaned = True
        more = min(time.monotonic() + _CLEANING_PATIENCE * self.runtime.pace, self.runtime.last)
        self.runtime.deadline = max(self.runtime.deadline, more)
        # Killed by us first: a runtime that has to do it waits for the end of the process by the clock.
        left = self._process.end(_STATUS_PATIENCE * self.runtime.pace)
        if (self._created or self._has_state()) and not self.delete().ok:
            self.delete(force=True)
        for path in self._group_paths():
            left += [f"control group {folder}" for folder in cgroups.remove(self._layout, path)]
        for point in sorted(mounts_below(str(self.bundle)), reverse=True):
            with contextlib.suppress(OSError):
                syscalls.unmount(point)
        return left
