"""Hooks of all six kinds: when they run, where, with what, and what becomes of a container of which one fails.

Every hook is a recorder, which notes when it ran and what it found; see ``ocivalidate.runtime.case_helpers.tracing``.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ocivalidate.rules.clauses import Severity, load
from ocivalidate.runtime import (
    Call,
    CaseContext,
    Container,
    Record,
    RuntimeFailed,
    Trace,
    case,
    judge_document,
    namespaces_of,
    pid_of,
)
from ocivalidate.runtime.case_helpers.hooking import (
    CREATE_CONTAINER,
    CREATE_RUNTIME,
    KINDS,
    POSTSTART,
    POSTSTOP,
    PRESTART,
    START_CONTAINER,
    HookTimeline,
    Kind,
    create_faults,
    false_statuses,
    follows,
    in_turn,
    poststart_faults,
    poststop_faults,
    prestart_faults,
    start_container_faults,
    without_late,
)
from ocivalidate.runtime.kernel.processes import began

INVOKED, FAILED = "runtime.lifecycle.{}-invoked", "runtime.lifecycle.{}-failure"
AFTERWARDS = "runtime.lifecycle.poststop-invoked"
STATE = "config.hooks.state-on-stdin"
DESTROYED = "runtime.lifecycle.destroy-undo"
CONTINUED = "runtime.warnings.continue"
FEATURES = "features.hooks.supported"


ENVIRONMENT = ["KIND=hook", "EMPTY=", "EQUALS=a=b=c", "WORDS=two  words", "LETTERS=zażółć-日本", "PATH=/nowhere"]
WORDS = ["", " ", "two words", "-x", "$HOME", "'q'", "zażółć-日本", "a=b"]
ANNOTATIONS = {"org.example.note": "some words: zażółć", "org.example.empty": ""}


def kinds_of(trial: CaseContext) -> list[Kind]:
    """The kinds that the release has."""
    return [kind for kind in KINDS if trial.holds(kind.since)]


def prepared(trial: CaseContext) -> tuple[Container, Trace]:
    """A container that is to be, whose program pauses, and its trace."""
    config = trial.config()
    config["annotations"] = dict(ANNOTATIONS)
    if trial.subject.isolates:
        config["linux"]["namespaces"].append({"type": "network"})
    container = trial.container(config)
    trace = Trace(container)
    trace.program("pause")
    return container, trace


# --- a container whose hooks all succeed


@dataclass(frozen=True, slots=True)
class FinishedContainer:
    """A container that has lived, the hooks that it was given, by kind, and what became of them."""

    container: Container
    hooks: Mapping[str, Sequence[Mapping[str, Any]]]
    life: HookTimeline


def _live(trial: CaseContext) -> FinishedContainer:
    container, trace = prepared(trial)
    line = trace.program("pause")
    hooks: dict[str, list[dict[str, Any]]] = {}
    groups = [mount + container.group for mount in trial.stage.layout.hierarchies if container.group]
    # A start that does not wait for a startContainer hook is caught: the hook waits for it to return, for a while.
    returned = container.bundle / "rootfs" / "returned"
    state = trial.subject.argv(str(trial.runtime.root), str(trial.runtime.log), "state", container.id)
    for kind in kinds_of(trial):
        actions = {
            START_CONTAINER: (["note"], ["until", "/returned", *WORDS]),
            POSTSTART: (["await", "program/0"], ["note", *WORDS]),
            # Words that are no paths lead to nothing.
            POSTSTOP: (["look", *groups, *WORDS], ["ask", *state]),
        }
        first, second = actions.get(kind, (["note"], ["note", *WORDS]))
        given = trace.add(kind.name, *first, inside=kind.path_inside, env=ENVIRONMENT, timeout=3600)
        hooks[kind.name] = [given, trace.add(kind.name, *second, inside=kind.path_inside)]
    trace.write()
    spans = {"create": _timed(container.must_create)}
    namespaces = namespaces_of(container.pid)
    spans["start"] = _timed(container.must_start)
    returned.touch()
    container.wait_output(lambda text: "program/0" in text or None)
    container.must_kill().wait_stopped()
    spans["delete"] = _timed(container.must_delete)
    mounts = [str(container.bundle / "rootfs") + entry["destination"] for entry in trace.config["mounts"]]
    root = os.stat("/")
    life = HookTimeline(trace.records(), spans, namespaces, line, mounts, (root.st_dev, root.st_ino))
    return FinishedContainer(container, hooks, life)


def _timed(operation: Callable[[], Any]) -> tuple[float, float]:
    begun = time.monotonic()
    operation()
    return begun, time.monotonic()


_TIMINGS = (
    "config.hooks.prestart.timing",
    "config.hooks.prestart.timing-at-start",
    "config.hooks.prestart.before-createRuntime",
    "config.hooks.createRuntime.timing",
    "config.hooks.createContainer.timing",
    "config.hooks.createContainer.after-createRuntime",
    "config.hooks.startContainer.timing",
    "config.hooks.poststart.timing",
    "config.hooks.poststop.timing",
    "runtime.lifecycle.prestart-invoked-at-start",
)


def _namespace_clause(kind: Kind) -> str:
    return f"config.hooks.{kind.name}.executed-{'container' if kind.inside else 'runtime'}-ns"


@case(
    *(kind.clause(INVOKED) for kind in KINDS),
    *_TIMINGS,
    *map(_namespace_clause, KINDS),
    "config.hooks.order",
    STATE,
    FEATURES,
    sets=[f"/hooks/{kind.name}/*/{name}" for kind in KINDS for name in ("path", "args", "env")],
    needs=["root"],
)
def all_kinds_in_the_life_of_a_container(trial: CaseContext) -> None:
    """Two hooks of each kind run once each, at their time, in their order and namespaces, with what the config says."""
    lived = _live(trial)
    life = lived.life
    for kind in kinds_of(trial):
        _judge_invoked(trial, life, kind)
        _judge_given(trial, life, kind, lived.hooks[kind.name])
        _judge_namespaces(trial, life, kind)
        for record in life.of(kind):
            _judge_state(trial, lived, kind, record)
    _judge_times(trial, life)
    _judge_features(trial, life)


def _judge_features(trial: CaseContext, life: HookTimeline) -> None:
    claimed = (trial.subject.features or {}).get("hooks")
    if not isinstance(claimed, list):
        trial.skip("the runtime does not say which hooks it has", FEATURES)
        return
    ran = {record.kind for record in life.records}
    unheard = [name for name in claimed if name not in ran]
    trial.expect(FEATURES, "hooks that features lists do not run", got=unheard, want=[])


def _judge_invoked(trial: CaseContext, life: HookTimeline, kind: Kind) -> None:
    """Both ran, once, and the second when the first was over."""
    records = life.of(kind)
    names, want = [record.name for record in records], [f"{kind.name}/{number}" for number in (0, 1)]
    trial.expect(kind.clause(INVOKED), f"{kind.name} hooks did not all run once", got=sorted(names), want=want)
    trial.expect_that(
        "config.hooks.order",
        f"{kind.name} hooks do not run one after the other in the order of the config",
        held=in_turn(records) and names == want,
        got=names,
        want=str(want),
    )


def _judge_given(trial: CaseContext, life: HookTimeline, kind: Kind, hooks: Sequence[Mapping[str, Any]]) -> None:
    """Path, arguments and environment; an environment that is not given is not spoken of."""
    for number, hook in enumerate(hooks):
        record = life.first(f"{kind.name}/{number}")
        pointer = f"/hooks/{kind.name}/*"
        trial.applied(f"{pointer}/path", got=record is not None, want=True, message="the program at path did not run")
        trial.applied(f"{pointer}/args", got=list(record.argv) if record else None, want=hook["args"])
        if "env" in hook:
            trial.applied(f"{pointer}/env", got=sorted(record.environ) if record else None, want=sorted(hook["env"]))


def _judge_namespaces(trial: CaseContext, life: HookTimeline, kind: Kind) -> None:
    want = without_late(life.namespaces) if kind.inside else namespaces_of()
    for record in life.of(kind) or [Record(kind.name)]:
        got = without_late(record.namespaces) if kind.inside else record.namespaces
        place = "container" if kind.inside else "runtime"
        message = f"{kind.name} hooks are not executed in the namespaces of the {place}"
        trial.expect(_namespace_clause(kind), message, got=dict(got), want=dict(want))


def _judge_times(trial: CaseContext, life: HookTimeline) -> None:
    for kind in (PRESTART, CREATE_RUNTIME, CREATE_CONTAINER):
        if trial.holds(kind.since):
            clause = f"config.hooks.{kind.name}.timing"
            message = (
                f"{kind.name} hooks do not run within create, between making the environment and changing the root"
            )
            _judge_faults(trial, clause, message, create_faults(life, kind))
    for clause, later, earlier in _SEQUENCES:
        message = f"{later.name} hooks do not wait for {earlier.name} hooks"
        got = [record.name for record in life.records]
        trial.expect_that(clause, message, held=follows(life, later, earlier), got=got, want=f"{earlier.name} first")
    for clause, message, look in _FAULTS:
        _judge_faults(trial, clause, f"hooks do not run {message}", look(life))


def _judge_faults(trial: CaseContext, clause: str, message: str, faults: Sequence[str]) -> None:
    """Each fault is a finding of its own, so that one that is known does not hide another one."""
    trial.expect_that(clause, message, held=True)
    for fault in faults:
        trial.expect(clause, f"{message}: {fault}", got=faults, want=[])


_SEQUENCES = (
    ("config.hooks.prestart.before-createRuntime", CREATE_RUNTIME, PRESTART),
    ("config.hooks.createContainer.after-createRuntime", CREATE_CONTAINER, CREATE_RUNTIME),
)
_FAULTS: Sequence[tuple[str, str, Callable[[HookTimeline], list[str]]]] = (
    ("config.hooks.prestart.timing-at-start", "between start and the program", prestart_faults),
    ("runtime.lifecycle.prestart-invoked-at-start", "between start and the program", prestart_faults),
    ("config.hooks.startContainer.timing", "within start and before the program", start_container_faults),
    ("config.hooks.poststart.timing", "between the program's execution and the end of start", poststart_faults),
    ("config.hooks.poststop.timing", "within delete, after the container is gone", poststop_faults),
)


# --- state


def _judge_state(trial: CaseContext, lived: FinishedContainer, kind: Kind, record: Record) -> None:
    """The state that a hook reads: valid, of this container, and true at this moment."""
    state = record.state()
    broken = ["no JSON object"] if state is None else _broken(trial, state)
    trial.expect(STATE, f"{record.name} does not get a valid state", got=broken, want=[])
    if state is None:
        return
    want = {"id": lived.container.id, "bundle": str(lived.container.bundle), "annotations": ANNOTATIONS}
    got = {name: state.get(name) for name in want}
    trial.expect(STATE, f"{record.name} gets the state of another container", got=got, want=want)
    status = state.get("status")
    false = false_statuses(kind, executed=lived.life.executed_by(record))
    trial.expect_that(
        STATE, f"{record.name} gets a wrong status", held=status not in false, got=status, want=f"none of {false}"
    )
    pids = _pids(trial, kind, lived.container.pid)
    # Only what is created or runs has to have one.
    if pids and ("pid" in state or status in ("created", "running")):
        trial.expect_that(
            STATE,
            f"{record.name} gets a wrong pid",
            held=state.get("pid") in pids,
            got=state.get("pid"),
            want=str(pids),
        )


def _broken(trial: CaseContext, state: Mapping[str, Any]) -> list[str]:
    key = f"state:{json.dumps(state, sort_keys=True)}"
    if key not in trial.notes:
        file = trial.folder / "state.json"
        file.write_text(json.dumps(state), encoding="utf-8")
        judged = judge_document("state", file, trial.release)
        errors = {name for name, clause in load("runtime").items() if clause.severity is Severity.ERROR}
        trial.notes[key] = [clause for clause, judgement in judged.items() if judgement.broken and clause in errors]
    found: list[str] = trial.notes[key]
    return found


def _pids(trial: CaseContext, kind: Kind, pid: int) -> tuple[int, ...]:
    """The numbers that the container process may have in a state; none for any.

    Up to 1.0.2 the text speaks of the host only, and is not clear on hooks in the container.
    """
    if kind is POSTSTOP:
        return ()
    if not kind.inside or not trial.subject.isolates:
        return (pid,)
    return (1,) if trial.holds("1.1.0") else (1, pid)


# --- hooks that fail


def _ran_twice(trace: Trace, kinds: Sequence[Kind], failing: Kind, *failure: str) -> None:
    """Give a container one hook of each kind, and three of one kind, of which the second fails."""
    for kind in kinds:
        trace.add(kind.name, inside=kind.path_inside)
    trace.add(failing.name, *failure, inside=failing.path_inside)
    trace.add(failing.name, inside=failing.path_inside)
    trace.write()


def _begin(container: Container) -> tuple[Call, Call | None]:
    """Create and, where that succeeds, start a container."""
    created = container.create()
    return created, container.start() if created.ok else None


def _judge_end(trial: CaseContext, clause: str, container: Container, trace: Trace) -> None:
    """After an error the process is stopped, the container destroyed, nothing else runs but its poststop hooks."""
    # A start that does not wait for its hooks returns before they have run.
    pids = {pid_of((record.state() or {}).get("pid")) for record in trace.records() if _is_outside(record)}
    living = sorted(pid for pid in {*pids, container.pid} if pid > 0 and not _ends(pid))
    names = trace.names()
    failed = f"{clause.rpartition('.')[2].partition('-')[0]}/1"
    place = next((place for place, name in enumerate(names) if name.lower() == failed), None)
    if place is None:
        raise RuntimeFailed(f"the hook {failed} was not run; those run were {', '.join(names) or 'none'}")
    late = [name for name in names[place + 1 :] if not name.startswith("poststop/")]
    trial.expect(clause, "the lifecycle goes on after the hook that failed", got=late, want=[])
    trial.expect(clause, "the container process is not stopped", got=living, want=[])
    trial.expect(clause, "the container still exists", got=container.exists(), want=False)
    trial.expect(DESTROYED, "the container is not undone", got=container.leftovers_of_failure(), want=[])
    stops = [name for name in names if name.startswith("poststop/")]
    trial.expect(AFTERWARDS, "poststop hooks do not run after a hook has failed", got=stops, want=["poststop/0"])


def _is_outside(record: Record) -> bool:
    return record.kind in (PRESTART.name, CREATE_RUNTIME.name, POSTSTART.name)


def _ends(pid: int) -> bool:
    """Whether a process ends; it gets a moment for it."""
    end = time.monotonic() + 1
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            os.waitpid(pid, os.WNOHANG)
        if not began(pid):
            return True
        time.sleep(0.002)  # the process may be nobody's child, so that nothing tells
    return False


def _fails(trial: CaseContext, kind: Kind) -> None:
    if not trial.holds(kind.since):
        trial.skip(f"runtime-spec {trial.release} has no {kind.name} hooks")
    container, trace = prepared(trial)
    _ran_twice(trace, kinds_of(trial), kind, "exit", "3")
    created, started = _begin(container)
    clause = kind.clause(FAILED)
    # The time of prestart hooks is judged elsewhere.
    failed, where = (created, "create") if started is None else (started, "start")
    right = where == kind.during or kind is PRESTART
    trial.expect_that(
        clause,
        f"a {kind.name} hook that fails is no error of {kind.during}",
        held=failed.refused and right,
        got=f"{where}: {'no error' if failed.ok else failed.words}",
        want=f"an error of {kind.during}",
    )
    _judge_end(trial, clause, container, trace)


def _failure_of(kind: Kind) -> Callable[[CaseContext], None]:
    def function(trial: CaseContext) -> None:
        _fails(trial, kind)

    function.__name__ = f"{kind.name.lower()}-failure"
    function.__doc__ = f"When a {kind.name} hook fails, {kind.during} fails, and the container is destroyed."
    return case(kind.clause(FAILED), AFTERWARDS, DESTROYED, needs=("root",))(function)


_failures = {kind.name: _failure_of(kind) for kind in (PRESTART, CREATE_RUNTIME, CREATE_CONTAINER, START_CONTAINER)}
globals().update({f"failure_of_{name}": function for name, function in _failures.items()})


@case(
    "runtime.lifecycle.poststart-failure",
    "runtime.lifecycle.poststart-failure-warning",
    AFTERWARDS,
    DESTROYED,
    CONTINUED,
    needs=["root"],
)
def poststart_failure(trial: CaseContext) -> None:
    """When a poststart hook fails, start fails and the container is destroyed; up to 1.2.1 all goes on."""
    container, trace = prepared(trial)
    _ran_twice(trace, kinds_of(trial), POSTSTART, "exit", "3")
    created, started = _begin(container)
    failed = created if started is None else started
    got = f"{'create' if started is None else 'start'}: {'no error' if failed.ok else failed.words}"
    if trial.holds("1.3.0"):
        clause = "runtime.lifecycle.poststart-failure"
        held = started is not None and started.refused
        trial.expect_that(
            clause, "a poststart hook that fails is no error of start", held=held, got=got, want="an error of start"
        )
        _judge_end(trial, clause, container, trace)
        trial.skip("from 1.3.0 on a poststart hook that fails is an error", CONTINUED)
        return
    clause = "runtime.lifecycle.poststart-failure-warning"
    trial.expect_that(clause, "a poststart hook that fails is an error", held=failed.ok, got=got, want="no error")
    ran = [name for name in trace.names() if name.startswith("poststart/")]
    want = [f"poststart/{number}" for number in (0, 1, 2)]
    trial.expect(clause, "the remaining poststart hooks do not run", got=ran, want=want)
    trial.expect(CONTINUED, "the container does not run on", got=container.status(), want="running")
    container.kill()
    if created.ok:
        container.wait_stopped()
        container.delete()
    trial.expect(DESTROYED, "the container is not undone", got=container.leftovers(), want=[])
    stops = [name for name in trace.names() if name.startswith("poststop/")]
    trial.expect(AFTERWARDS, "poststop hooks do not run after a hook has failed", got=stops, want=["poststop/0"])


@case("runtime.lifecycle.poststop-failure-warning", CONTINUED, DESTROYED, needs=["root"])
def poststop_failure(trial: CaseContext) -> None:
    """When a poststop hook fails, the remaining ones run, and the container is gone."""
    clause = "runtime.lifecycle.poststop-failure-warning"
    container, trace = prepared(trial)
    _ran_twice(trace, [POSTSTOP], POSTSTOP, "exit", "3")
    container.must_create().must_start().must_kill().wait_stopped()
    deleted = container.delete()
    ran = trace.names()
    trial.expect_that(clause, "no poststop hook ran", held="poststop/1" in ran, got=ran, want="poststop/1")
    want = [f"poststop/{number}" for number in (0, 1, 2)]
    stops = [name for name in ran if name.startswith("poststop/")]
    trial.expect(clause, "the remaining poststop hooks do not run", got=stops, want=want)
    words = "no error" if deleted.ok else deleted.words
    trial.expect_that(CONTINUED, "a poststop hook that fails is an error", held=deleted.ok, got=words, want="no error")
    trial.expect(DESTROYED, "the container still exists", got=container.exists(), want=False)
    trial.expect(DESTROYED, "the container is not undone", got=container.leftovers(), want=[])


# --- hooks that take too long

SECONDS = 1
LONG = 8.0
_SOON = 0.5  # seconds in which a hook begins for which its operation does not wait


@dataclass(slots=True)
class Sleeper:
    """A container with a hook that sleeps.

    ``least``: seconds between the beginning of the operation that ran the hook and its end; ``most``: seconds that the
    hook has been there by its own account, or, if it did not come so far, ``least``.
    """

    kind: Kind
    container: Container
    trace: Trace
    least: float = 0.0
    most: float = 0.0

    @property
    def hook(self) -> str:
        """The name of the hook."""
        return f"{self.kind.name}/0"


@case(sets=[f"/hooks/{kind.name}/*/timeout" for kind in KINDS], needs=["root"])
def hooks_are_aborted_after_their_timeout(trial: CaseContext) -> None:
    """A hook of each kind that sleeps for longer is ended after its timeout."""
    sleepers = [_sleeper(trial, kind) for kind in kinds_of(trial)]
    with ThreadPoolExecutor(len(sleepers)) as threads:
        list(threads.map(_abort, sleepers))
    for sleeper in sleepers:
        survived = f"{sleeper.hook}/survived" in sleeper.trace.names()
        trial.applied(
            f"/hooks/{sleeper.kind.name}/*/timeout",
            got=sleeper.least >= SECONDS * 0.9 and sleeper.most < LONG * 0.9 and not survived,
            want=True,
            message=f"a {sleeper.kind.name} hook with a timeout of {SECONDS} s was there for {sleeper.most:.2f} s",
        )


def _sleeper(trial: CaseContext, kind: Kind) -> Sleeper:
    container, trace = prepared(trial)
    trace.add(kind.name, "sleep", str(LONG), inside=kind.path_inside, timeout=SECONDS)
    trace.write()
    return Sleeper(kind, container, trace)


def _abort(sleeper: Sleeper) -> None:
    """Bring a container as far as its hook lets it come, and see how long the hook is there."""
    container = sleeper.container
    for name in ("create", "start", "kill", "delete"):
        if name == "delete":
            container.wait_exit()
            container.wait_for_status("stopped")
        before = time.monotonic()
        done: Call = getattr(container, name)()
        # Only a hook of this operation can be about to begin.
        begun = sleeper.trace.wait(sleeper.hook, _SOON if name == sleeper.kind.during else 0.0)
        end = sleeper.trace.wait_for_end(sleeper.hook, LONG) if begun else before + done.seconds
        # On a busy machine a hook may be aborted before it could note anything: then the time is that of the operation.
        sleeper.least, sleeper.most = end - before, end - begun.begun if begun else 0.0
        if begun or not done.ok or sleeper.least >= SECONDS:
            return


# --- other ways to fail


@case("runtime.lifecycle.prestart-failure", "runtime.lifecycle.createruntime-failure", needs=["root"])
def hooks_that_cannot_run_or_are_killed_have_failed(trial: CaseContext) -> None:
    """A hook whose program is not there, and one that a signal ends, are errors as well."""
    kinds = [kind for kind in (PRESTART, CREATE_RUNTIME) if trial.holds(kind.since)]
    for kind in kinds:
        for action, path in ((("signal", "9"), None), ((), "/nosuch/hook")):
            container, trace = prepared(trial)
            trace.add(kind.name, *action, path=path)
            trace.write()
            created, started = _begin(container)
            failed = started or created
            trial.expect_that(
                kind.clause(FAILED),
                f"a {kind.name} hook {'without a program' if path else 'that a signal ends'} is no error",
                held=failed.refused,
                got=failed.words,
                want="an error",
            )
            container.clean_up()
