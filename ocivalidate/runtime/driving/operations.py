"""The operations of runtime.md on the command line of ``conformance/PROTOCOL.md``, each a :class:`Call`."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ocivalidate.errors import CannotJudge
from ocivalidate.runtime.driving.call_times import CallTimes
from ocivalidate.runtime.driving.driver import Call, call
from ocivalidate.runtime.driving.journal import Called, Journal, Step
from ocivalidate.runtime.driving.subject import RuntimeUnderTest
from ocivalidate.runtime.kernel.cgroups import PREFIX

MOST_SECONDS = 20.0
"""Seconds that one operation may take; a case may have less time left."""


@dataclass(slots=True)
class Operations:
    """A runtime with its own state directory.

    ``folder`` holds that folder, its log, and what it prints. ``calls`` keeps every call, for whoever looks into a
    failure; ``deadline`` is on the clock of ``time.monotonic``; ``call_times`` says where the time went.
    ``mark`` is what everything of this run is called by, and nothing else on this host. ``last`` is a moment beyond
    which no deadline is moved. ``outputs``: the files for what containers print, which must not grow without end while
    the runtime works. ``pace``: how much slower than usual everything goes here, at least
    1; every wait is as much longer. ``journal``: where it is noted what happens, ``None`` for nowhere.
    """

    subject: RuntimeUnderTest
    folder: Path
    deadline: float
    mark: str = PREFIX
    calls: list[Call] = field(default_factory=list)
    last: float = math.inf
    outputs: list[Path] = field(default_factory=list)
    pace: float = 1.0
    journal: Journal | None = None
    call_times: CallTimes = field(default_factory=CallTimes)

    @property
    def root(self) -> Path:
        """The state directory of the runtime."""
        return self.folder / "root"

    @property
    def log(self) -> Path:
        """The log file of the runtime, if it has an option for one."""
        return self.folder / "runtime.log"

    def invoke(
        self,
        *command: str,
        stdout: str | None = None,
        stderr: str | None = None,
        cwd: str | None = None,
        pass_fds: Sequence[int] = (),
        most: float = MOST_SECONDS,
        wrapper: Sequence[str] = (),
        may_hang: bool = False,
    ) -> Call:
        """Run one command of the runtime with any arguments.

        ``wrapper``: a command line that executes the command appended to it (see :mod:`callers`). Raises
        :class:`CannotJudge` if no time is left to start it, and when it does not end in time, unless it ``may_hang``:
        then that is for the caller to judge.
        """
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise CannotJudge(f"no time was left for {' '.join(command[:1])}")
        if self.journal is not None:
            self.journal.before(wrapper)
        with self.call_times.calling():
            done = call(
                [*wrapper, *self.subject.argv(str(self.root), str(self.log), *command)],
                timeout=min(left, most * self.pace),
                stdout=stdout,
                stderr=stderr,
                cwd=cwd,
                pass_fds=pass_fds,
                keep=str(self.folder),
                others=self.outputs,
            )
        self.calls.append(done)
        if done.ok and command and not wrapper and not may_hang:
            self.call_times.took(command[0], done.seconds)
        if self.journal is not None:
            self.journal.called(Called(command, done, cwd or "", tuple(wrapper), tuple(pass_fds), stdout or ""))
        if done.ended == "timeout" and not may_hang:
            raise CannotJudge(f"{' '.join(command[:1])} {done.last_error_line}")
        return done

    def would_hang(self) -> None:
        """Say of the last call that it would not have ended, had the case not helped it."""
        if self.journal is not None:
            self.journal.hung()

    def note(self, step: Step) -> None:
        """Note what the case did or saw, where that is kept."""
        if self.journal is not None:
            self.journal.note(step)

    def create(  # noqa: PLR0913  # the arguments of the command
        self,
        container_id: str,
        bundle: str | os.PathLike[str],
        *,
        pid_file: str = "",
        console_socket: str = "",
        stdout: str | None = None,
        stderr: str | None = None,
        cwd: str | None = None,
        pass_fds: Sequence[int] = (),
        wrapper: Sequence[str] = (),
        most: float = MOST_SECONDS,
        may_hang: bool = False,
    ) -> Call:
        """``create --bundle BUNDLE [--pid-file FILE] [--console-socket SOCKET] ID``."""
        words = ["create", "--bundle", os.fspath(bundle)]
        words += ["--pid-file", pid_file] if pid_file else []
        words += ["--console-socket", console_socket] if console_socket else []
        return self.invoke(
            *words,
            container_id,
            stdout=stdout,
            stderr=stderr,
            cwd=cwd,
            pass_fds=pass_fds,
            wrapper=wrapper,
            most=most,
            may_hang=may_hang,
        )

    def start(
        self,
        container_id: str,
        *,
        pass_fds: Sequence[int] = (),
        wrapper: Sequence[str] = (),
        most: float = MOST_SECONDS,
        may_hang: bool = False,
    ) -> Call:
        """``start ID``."""
        return self.invoke("start", container_id, pass_fds=pass_fds, wrapper=wrapper, most=most, may_hang=may_hang)

    def state(self, container_id: str) -> Call:
        """``state ID``."""
        return self.invoke("state", container_id)

    def kill(self, container_id: str, signal: str = "KILL") -> Call:
        """``kill ID SIGNAL``."""
        return self.invoke("kill", container_id, signal)

    def delete(self, container_id: str, *, force: bool = False, may_hang: bool = False) -> Call:
        """``delete [--force] ID``."""
        return self.invoke("delete", *(["--force"] if force else []), container_id, may_hang=may_hang)

    def has_state(self, container_id: str) -> bool:
        """Whether the state directory has an entry of this name; an id may be any text, even ``..``."""
        with contextlib.suppress(OSError):
            return container_id in os.listdir(self.root)
        return False
