"""Trying cases on the fake runtime of ``fixtures/``.

In processes forked from this one: starting Python costs more than all that the fake does.
"""

from __future__ import annotations

import functools
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn, cast

import pytest

from fixtures import fake_runtime
from fixtures.fake_runtime import commands
from ocivalidate import resources
from ocivalidate.rules.clauses import Selection
from ocivalidate.rules.findings import Result
from ocivalidate.runtime.cases import Case
from ocivalidate.runtime.driving import container, driver, operations, output
from ocivalidate.runtime.driving.driver import Call
from ocivalidate.runtime.driving.subject import identify
from ocivalidate.runtime.inside import probe, rootfs
from ocivalidate.runtime.kernel import cgroups, host, kin
from ocivalidate.runtime.run_context import RunContext
from ocivalidate.runtime.running.attempt import attempt
from ocivalidate.runtime.running.loading import load_cases
from ocivalidate.runtime.running.planning import plan

MODULES = ("create", "extensibility", "hooks", "lifecycle", "refusals", "signals", "state", "versions")


@functools.cache
def cases() -> Mapping[str, Case]:
    """The cases on lifecycle, state and hooks."""
    every = load_cases(resources.folder("conformance"))
    return {one.id: one for one in every if one.id.partition(".")[0] in MODULES}


class Child:
    """A forked process, as far as the driver looks at one."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode = 0

    def wait(self, _timeout: float | None = None) -> int:
        self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.returncode


def forked(
    argv: Sequence[str],
    *,
    timeout: float,
    stdout: str | None = None,
    stderr: str | None = None,
    cwd: str | None = None,
    keep: str | None = None,
    **_others: Any,
) -> Call:
    """As the driver runs a program, but the fake without a new interpreter."""
    with driver._sink(stdout, keep) as out, driver._sink(stderr, keep) as err:
        before, start = os.fstat(err.fileno()).st_size, time.monotonic()
        pid = os.fork()
        if pid == 0:
            _become(argv[1:], (out.fileno(), err.fileno()), cwd)
        child = Child(pid)
        ended = driver._wait(cast(Any, child), start + timeout, (out.fileno(), err.fileno()))
        said = "" if stdout else driver._read(out.fileno())
        seconds = time.monotonic() - start
        return Call(tuple(argv), child.returncode, said, driver._read(err.fileno(), before), seconds, ended)


def _become(arguments: Sequence[str], sinks: tuple[int, int], cwd: str | None) -> NoReturn:
    code = 70
    try:
        os.setsid()
        for number, sink in enumerate(sinks, 1):
            os.dup2(sink, number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        # A container that is left would keep open what pytest waits for.
        os.closerange(3, 1024)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        if cwd:
            os.chdir(cwd)
        code = commands.main(arguments)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


@dataclass(frozen=True, slots=True)
class Faked:
    """A fake, ready to be judged: ``extra`` arguments are what makes it wrong."""

    stage: RunContext

    def results(self, case_id: str, fault: str = "", claim: str = "") -> tuple[Result, ...]:
        """What a case comes to on the fake with a fault, or without."""
        extra = (*(("--fault", fault) if fault else ()), *(("--claim", claim) if claim else ()))
        tested = self.stage.subject
        if fault.startswith("claims-"):
            tested = identify(str(self.stage.folder.parent / "fake"), ("--fault", fault))
        if claim:
            tested = replace(tested, claim=claim, release=claim, oci_version=claim)
        folder = Path(tempfile.mkdtemp(dir=self.stage.folder))
        stage = replace(self.stage, subject=replace(tested, extra=extra), folder=folder, accepted=set())
        [planned] = plan([cases()[case_id]], tested.release, Selection())
        case = replace(planned.case, timeout=10.0) if fault else planned.case
        return attempt(stage, case, planned.clauses).results


def _impatient(wait: Callable[..., Any]) -> Callable[..., Any]:
    def wait_output(self: Any, look: Any, timeout: float | None = None) -> Any:
        return wait(self, look, timeout and 2.0)

    return wait_output


def faked(folder: Path) -> Iterator[Faked]:
    """A fake in a folder, for a fixture."""
    kin.gather()
    program = fake_runtime.write(folder / "fake")
    subject = identify(str(program))
    image = folder / "rootfs"
    python = image / rootfs.PYTHON.lstrip("/")
    python.parent.mkdir(parents=True)
    python.touch(0o755)
    for name in ("tmp", "var", "run", "dev", "proc"):
        (image / name).mkdir()
    script = image / rootfs.PROBE.lstrip("/")
    script.parent.mkdir(parents=True)
    rootfs._compile(str(probe.__file__), script)
    cases_folder = folder / "cases"
    cases_folder.mkdir()
    stage = RunContext(subject, host.look(), cgroups.layout(), f"{cgroups.PREFIX}fake-", "", image, cases_folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operations, "call", forked)
        # On some faults a case waits for what never comes.
        patch.setattr(output, "WAITING_PATIENCE", 2.0)
        patch.setattr(container, "_STATUS_PATIENCE", 2.0)
        patch.setattr(container.Container, "wait_output", _impatient(container.Container.wait_output))
        yield Faked(stage)
    _end_processes(folder)


def _end_processes(folder: Path) -> None:
    """Kill what still has a file below a folder open: some faults lose a process that nobody else can know of."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            opened = [os.readlink(link) for link in (entry / "fd").iterdir()]
            if any(name.startswith(f"{folder}/") for name in opened):
                kin.kill(int(entry.name))
        except OSError:
            continue  # it has ended, or is not ours
