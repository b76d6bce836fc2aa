"""Containers with hooks of which each leaves a trace: those that live to their end, and those of which a hook fails."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ocivalidate.errors import CannotJudge, RuntimeFailed
from ocivalidate.runtime.case_context import CaseContext
from ocivalidate.runtime.case_helpers.hooking import (
    CREATE_RUNTIME,
    KINDS,
    POSTSTART,
    POSTSTOP,
    PRESTART,
    START_CONTAINER,
    HookTimeline,
    Kind,
    Span,
)
from ocivalidate.runtime.case_helpers.tracing import Record, Trace
from ocivalidate.runtime.driving.container import Container
from ocivalidate.runtime.driving.driver import Call
from ocivalidate.runtime.inside.recorder import clock
from ocivalidate.runtime.kernel.cgroups import frozen
from ocivalidate.runtime.kernel.handed import pid_of
from ocivalidate.runtime.kernel.namespaces import namespaces_of
from ocivalidate.runtime.kernel.processes import began, works

ENDING_PATIENCE = 1.0
"""Seconds in which a process is to end after an error."""
DESTROYING_PATIENCE = 0.4
"""Seconds in which a container is to be destroyed whose process has ended; the runtime is asked many times at least."""

AFTERWARDS = "runtime.lifecycle.poststop-invoked"
DESTROYED = "runtime.lifecycle.destroy-undo"

ENVIRONMENT = ["KIND=hook", "EMPTY=", "EQUALS=a=b=c", "WORDS=two  words", "LETTERS=zażółć-日本", "PATH=/nowhere"]
WORDS = ["", " ", "two words", "-x", "$HOME", "'q'", "zażółć-日本", "a=b"]
ANNOTATIONS = {"org.example.note": "some words: zażółć", "org.example.empty": ""}


def kinds_of(trial: CaseContext) -> list[Kind]:
    """The kinds of hooks that the release of the run has, in the order of a life."""
    return [kind for kind in KINDS if trial.holds(kind.since)]


def prepared(trial: CaseContext, *, silent: bool = False) -> tuple[Container, Trace]:
    """A container that is not created yet, whose program notes that it runs and waits, and the trace of its hooks.

    It has ``ANNOTATIONS``. ``silent``: its program notes nothing. A kernel of its own appends where it believes the end
    of a file to be, and writes over what hooks of the host note at the same time. Raises :class:`ControlFailed` if
    the runtime does not take its config without hooks.
    """
    config = trial.config(*(["wait"] if silent else []))
    config["annotations"] = dict(ANNOTATIONS)
    if trial.subject.isolates:
        config["linux"]["namespaces"].append({"type": "network"})
    # Hooks are what a runtime has to support, and what else is set here is not.
    trial.control(config)
    container = trial.container(config)
    trace = Trace(container)
    if not silent:
        trace.program("pause")
    return container, trace


@dataclass(frozen=True, slots=True)
class FinishedContainer:
    """A container that has lived, the hooks that it was given, by kind, and what became of them."""

    container: Container
    hooks: Mapping[str, Sequence[Mapping[str, Any]]]
    timeline: HookTimeline


def live_with_hooks(trial: CaseContext) -> FinishedContainer:
    """Create, start, kill and delete a container with two hooks of each kind, and say what they noted and when.

    Raises :class:`RuntimeFailed` if one of the operations fails, :class:`CannotJudge` if time runs out.
    """
    container, trace = prepared(trial)
    line = trace.program("pause")
    hooks: dict[str, list[dict[str, Any]]] = {}
    pace = trial.runtime.pace
    groups = [mount + container.group for mount in trial.stage.layout.hierarchies if container.group]
    # A start that does not wait for a startContainer hook is caught: the hook waits for it to return, for a while.
    returned = container.bundle / "rootfs" / "returned"
    state = trial.subject.argv(str(trial.runtime.root), str(trial.runtime.log), "state", container.id)
    for kind in kinds_of(trial):
        actions = {
            START_CONTAINER: (["note"], ["until", str(0.5 * pace), "/returned", *WORDS]),
            POSTSTART: (["await", str(0.1 * pace), "program/0"], ["note", *WORDS]),
            # Words that are no paths lead to nothing.
            POSTSTOP: (["look", *groups, *WORDS], ["ask", *state]),
        }
        first, second = actions.get(kind, (["note"], ["note", *WORDS]))
        given = trace.add(kind.name, *first, inside=kind.path_inside, env=ENVIRONMENT, timeout=3600)
        hooks[kind.name] = [given, trace.add(kind.name, *second, inside=kind.path_inside)]
    trace.write()
    spans = {"create": _timed(container.must_create, trace)}
    namespaces = namespaces_of(container.pid)
    spans["start"] = _timed(container.must_start, trace)
    returned.touch()
    container.wait_output(lambda text: "program/0" in text or None)
    container.must_kill().wait_stopped()
    spans["delete"] = _timed(container.must_delete, trace)
    mounts = [str(container.bundle / "rootfs") + entry["destination"] for entry in trace.config["mounts"]]
    root = os.stat("/")
    place, own = (root.st_dev, root.st_ino), trial.stage.own_kernel
    timeline = HookTimeline(trace.records(), spans, namespaces, line, mounts, place, clock(), sandboxed=own)
    return FinishedContainer(container, hooks, timeline)


def _timed(operation: Callable[[], Any], trace: Trace) -> Span:
    first, begun = len(trace.records()), time.monotonic()
    operation()
    ended = time.monotonic()
    return Span(begun, ended, first, len(trace.records()))


def write_failing_hook(trace: Trace, kinds: Sequence[Kind], failing: Kind, *failure: str) -> None:
    """Give a container one hook of each of ``kinds`` and two more of the kind ``failing``, and write its config.

    The second of that kind fails: ``failure`` is what its recorder is asked to do, as for :meth:`Trace.add`.
    """
    for kind in kinds:
        trace.add(kind.name, inside=kind.path_inside)
    trace.add(failing.name, *failure, inside=failing.path_inside)
    trace.add(failing.name, inside=failing.path_inside)
    trace.write()


def create_and_start(container: Container) -> tuple[Call, Call | None]:
    """Create and, where that succeeds, start a container: both calls, ``None`` for one that was not made.

    Neither has to succeed. Raises :class:`CannotJudge` for a call that does not end in time.
    """
    created = container.create()
    return created, container.start() if created.ok else None


def judge_end(trial: CaseContext, clause: str, failing: Kind, container: Container, trace: Trace) -> None:
    """Judge what becomes of a container of which the second hook of the kind ``failing`` has failed.

    Its process is stopped, it is destroyed, and nothing else runs but its poststop hooks (runtime.md, lifecycle).
    Raises :class:`RuntimeFailed` if that hook did not run, :class:`CannotJudge` if a process is still at work.
    """
    # A start that does not wait for its hooks returns before they have run.
    pids = {pid_of((record.state() or {}).get("pid")) for record in trace.records() if _is_outside(record)}
    patience = ENDING_PATIENCE * container.runtime.pace
    living = sorted(pid for pid in {*pids, container.pid} if pid > 0 and not ends(pid, patience))
    names, failed = trace.names(), f"{failing.name}/1"
    if failed not in names:
        raise RuntimeFailed(f"the hook {failed} was not run; those run were {', '.join(names) or 'none'}")
    late = late_records(failing, names)
    trial.expect(clause, "the lifecycle goes on after the hook that failed", got=late, want=[])
    trial.expect(clause, "the container process is not stopped", got=living, want=[])
    # What start began before it failed may take a moment: a runtime that keeps the container keeps it for good.
    container.wait_for_status("", DESTROYING_PATIENCE)
    trial.expect(clause, "the container still exists", got=container.exists(), want=False)
    trial.expect(DESTROYED, "the container is not undone", got=container.leftovers_of_failure(), want=[])
    judge_poststop_ran(trial, trace)


def late_records(failing: Kind, names: Sequence[str]) -> list[str]:
    """What was noted after the hook that failed and should not have been, by the names of the records.

    The program is executed before poststart hooks, and may take longer than these to note that it runs.
    """
    fine = ("poststop/", "program/") if failing is POSTSTART else ("poststop/",)
    return [name for name in names[names.index(f"{failing.name}/1") + 1 :] if not name.startswith(fine)]


def judge_poststop_ran(trial: CaseContext, trace: Trace) -> None:
    """Judge that the poststop hook of a container of which another hook has failed ran, once."""
    stops = [name for name in trace.names() if name.startswith("poststop/")]
    trial.expect(AFTERWARDS, "poststop hooks do not run after a hook has failed", got=stops, want=["poststop/0"])


def _is_outside(record: Record) -> bool:
    return record.kind in (PRESTART.name, CREATE_RUNTIME.name, POSTSTART.name)


def ends(pid: int, seconds: float) -> bool:
    """Whether a process ends within ``seconds``, or has ended; a zombie counts as ended.

    Raises :class:`CannotJudge` if it is still at work then.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            os.waitpid(pid, os.WNOHANG)
        if not began(pid):
            return True
        time.sleep(0.002)  # the process may be nobody's child, so that nothing tells
    if works(pid, frozen):
        raise CannotJudge(f"process {pid} has not ended yet, and is still at work")
    return False
