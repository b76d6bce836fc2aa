"""Engines that say what a test has them say, and what they say, made by hand."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ocivalidate.rules.clauses import load
from ocivalidate.rules.findings import Outcome, Result
from ocivalidate.runtime.kernel.host import Host
from ocivalidate.runtime.launching import EngineProcess
from ocivalidate.runtime.protocol import Event, Header, Request, RuntimeFacts

CREATES = load("runtime")["runtime/runtime.create.creates"]

HEADER = Header(
    runtime=RuntimeFacts(("/usr/bin/none",), "none", "1.0", "1.2.0", "none version 1.0", features=True),
    release="1.2.0",
    prefix="ocivalidate-none-",
    host=Host(
        root=True,
        uid=0,
        gid=0,
        kernel=(6, 1),
        release="6.1.0",
        machine="x86_64",
        cpus=(0, 1),
        cgroup_mode="v2",
        controllers=("cpu",),
        unmounted=(),
        bounding=(),
        namespaces=(),
        lsms=(),
        seccomp_actions=(),
        resctrl=False,
        numa=False,
        rlimit_nofile=1024,
    ),
    name="ocivalidate-none",
)


def result(case: str, outcome: Outcome = Outcome.PASS) -> Result:
    return Result(CREATES, outcome, case=case)


def engine_of(program: str) -> EngineProcess:
    """An engine that is this Python program."""
    return EngineProcess([sys.executable, "-I", "-S", "-c", program], Request("none"))


def saying(*lines: bytes, then: str = "time.sleep(100)") -> str:
    """A Python program that says these lines, and then does something else."""
    return f"import os, time; os.write(1, {b''.join(lines)!r}); {then}"


@dataclass
class Spoken:
    """An engine without a process: it says these events, and that is all of it."""

    events: Iterable[Event]
    code: int = 0
    hung: str = ""
    told: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def stop(self) -> None:
        self.told.append("stop")

    def kill(self) -> None:
        self.told.append("kill")

    def wait(self) -> int:
        return self.code


@dataclass
class Elsewhere:
    """A launcher that starts such an engine. ``asked`` and ``swept`` are what it was told."""

    engine: Spoken
    asked: list[Request] = field(default_factory=list)
    swept: list[str] = field(default_factory=list)

    def start(self, request: Request) -> Spoken:
        self.asked.append(request)
        return self.engine

    def sweep(self, name: str) -> None:
        self.swept.append(name)


@dataclass
class Started:
    """A launcher that hands out an engine which runs already."""

    engine: EngineProcess

    def start(self, _request: Request) -> EngineProcess:
        return self.engine

    def sweep(self, name: str) -> None:
        pass
