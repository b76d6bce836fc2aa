"""Running the commands of a runtime: argument vectors, output files, limits on time and size.

Output goes to files, never to pipes: a container that the runtime leaves running inherits them, and a reader of
a pipe would wait until that container ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocivalidate.errors import CannotJudge, Unreadable
from ocivalidate.runtime.kernel import handed, interpreter
from ocivalidate.system import importing

MOST_OUTPUT = 16 * 1024 * 1024
"""The most bytes that a runtime may print in one call, before it is killed."""
# The longest JSON text that is read, in characters: its value may take thirty times as much memory.
_MOST_JSON = 4 * 1024 * 1024
# How crashed programs end: in Go, Rust, Python, and by a signal that a handler reports.
_CRASH = re.compile(
    r"^(panic: |fatal error: |thread '[^']*' (\(\d+\) )?panicked at|Traceback \(most recent call last\):|SIGSEGV: )",
    re.MULTILINE,
)
_LOOK_AT_SIZE = 0.02  # seconds between two looks at the size of the output
_DYING_PATIENCE = 5.0  # seconds for a killed process to disappear

# Variables of service managers and debuggers change what runtimes do; pytest's variables are not the user's.
UNWANTED = (
    *("NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "LD_PRELOAD", "_LIBCONTAINER_LOGLEVEL"),
    *("PYTEST_CURRENT_TEST", "PYTEST_VERSION", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"),
    "PYTEST_XDIST_TESTRUNUID",
)


def json_object(text: str) -> dict[str, Any]:
    """The JSON object that a program printed. Raises :class:`ValueError`; its message follows the command's name."""
    if len(text) > _MOST_JSON:
        raise ValueError(f"prints more than {_MOST_JSON >> 20} MB of JSON")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise ValueError("does not print JSON") from problem
    if not isinstance(value, dict):
        raise ValueError("does not print a JSON object")  # noqa: TRY004  # what is wrong is what a program printed
    return value


@dataclass(frozen=True, slots=True)
class Call:
    """One finished call of the runtime.

    ``status``: the exit status, negative for a signal. ``ended``: ``exit``, ``timeout`` (we killed it) or ``flood`` (it
    printed more than ``MOST_OUTPUT``, and we killed it). ``stdout`` and ``stderr`` are its output; if the
    caller gave a file for standard output, ``stdout`` is empty.
    """

    argv: tuple[str, ...]
    status: int
    stdout: str
    stderr: str
    seconds: float
    ended: str = "exit"

    @property
    def ok(self) -> bool:
        """Whether the runtime reports success: it exited with status 0."""
        return self.ended == "exit" and self.status == 0

    @property
    def refused(self) -> bool:
        """Whether the runtime reports an error: it exited with a status other than 0."""
        return self.ended == "exit" and self.status > 0

    @property
    def generates_error(self) -> bool:
        """Whether it refused with an error of its own: one that crashed did not."""
        return self.refused and not _CRASH.search(self.stderr)

    @property
    def last_error_line(self) -> str:
        """The last line of its output, before any backtrace, or how it ended."""
        if self.ended != "exit":
            return {"timeout": f"did not end within {self.seconds:.0f} s", "flood": "printed too much output"}[
                self.ended
            ]
        said, _, _ = (self.stderr or self.stdout).rpartition("Stack backtrace:")
        lines = [line.strip() for line in (said or self.stderr or self.stdout).splitlines() if line.strip()]
        return lines[-1][:500] if lines else f"exit status {self.status}, no output"


def environment() -> dict[str, str]:
    """The environment of the runtime, as documented in ``conformance/PROTOCOL.md``.

    It is ours, as wrappers may need it, without variables that change its behaviour, and without our own folder in
    PYTHONPATH: a runtime may run on another Python.
    """
    given = interpreter.environment()
    path = given.pop("PYTHONPATH", None)
    if path is not None:
        entries = [entry for entry in path.split(os.pathsep) if not entry or os.path.realpath(entry) != importing.HOME]
        given |= {"PYTHONPATH": os.pathsep.join(entries)} if entries else {}
    return {name: value for name, value in given.items() if name not in UNWANTED}


def call(  # noqa: PLR0913  # what subprocess takes
    argv: Sequence[str],
    *,
    timeout: float,
    stdout: str | None = None,
    stderr: str | None = None,
    cwd: str | None = None,
    pass_fds: Sequence[int] = (),
    keep: str | None = None,
    others: Sequence[Path] = (),
) -> Call:
    """Run a program to its end, or for ``timeout`` seconds.

    ``stdout`` and ``stderr`` name files to append to, instead of files of our own below ``keep`` (default: the
    directory for temporary files). ``others``: other files whose size is limited meanwhile. Standard input is empty.
    Raises :class:`CannotJudge`.
    """
    with _sink(stdout, keep) as out, _sink(stderr, keep) as err:
        before = os.fstat(err.fileno()).st_size
        start = time.monotonic()
        try:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=out.fileno(),
                stderr=err.fileno(),
                cwd=cwd,
                env=environment(),
                pass_fds=pass_fds,
                start_new_session=True,
            )
        except (OSError, ValueError) as problem:
            reason = problem.strerror if isinstance(problem, OSError) else str(problem)
            raise CannotJudge(f"cannot run {argv[0]}: {reason}") from problem
        ended = _wait(process, start + timeout, (out.fileno(), err.fileno(), *others))
        seconds = time.monotonic() - start
        said = "" if stdout else _read(out.fileno())
        status = -signal.SIGKILL if process.returncode is None else process.returncode
        return Call(tuple(argv), status, said, _read(err.fileno(), before), seconds, ended)


def _sink(path: str | None, folder: str | None) -> tempfile._TemporaryFileWrapper[bytes]:
    if path is not None:
        try:
            with handed.opened(path, os.O_RDWR | os.O_APPEND | os.O_CREAT) as descriptor:
                return os.fdopen(os.dup(descriptor), "a+b")  # type: ignore[return-value]  # both are binary files
        except (OSError, Unreadable) as problem:
            raise CannotJudge(f"the output file of the runtime {path} {problem}") from problem
    return tempfile.TemporaryFile(dir=folder)  # type: ignore[return-value]


def _wait(process: subprocess.Popen[bytes], deadline: float, files: Sequence[int | Path]) -> str:
    """Wait for exit, deadline or too much output; in the last two cases the whole process group is killed."""
    poller = select.poll()
    pidfd = os.pidfd_open(process.pid)
    try:
        poller.register(pidfd, select.POLLIN)
        while True:
            left = deadline - time.monotonic()
            if poller.poll(max(0.0, min(left, _LOOK_AT_SIZE)) * 1000):
                process.wait()
                return "exit"
            if left <= 0 or any(_size(file) > MOST_OUTPUT for file in files):
                kill_group(process.pid)
                # A process that hangs in the kernel does not end on any signal.
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_DYING_PATIENCE)
                return "timeout" if left <= 0 else "flood"
    finally:
        os.close(pidfd)


def _size(file: int | Path) -> int:
    try:
        return os.stat(file, follow_symlinks=isinstance(file, int)).st_size
    except OSError:
        return 0


def kill_group(process: int) -> None:
    """Kill a process group by its leader, which is a child of ours that has not been reaped."""
    for kill in (os.killpg, os.kill):
        try:
            kill(process, signal.SIGKILL)
        except ProcessLookupError:
            pass
        except PermissionError:
            pass


def _read(file: int, offset: int = 0) -> str:
    """The content of an open file, up to the limit of a call's output."""
    return handed.read(file, MOST_OUTPUT, offset).decode("utf-8", "replace")
