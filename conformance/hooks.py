"""Hooks of all six kinds: when they run, where, with what, and what becomes of a container of which one fails.

Every hook is a recorder, which notes when it ran and what it found; see ``ocivalidate.runtime.tracing``.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ocivalidate.runtime import (
    Call,
    Container,
    Record,
    RuntimeFailed,
    Trace,
    Trial,
    case,
    judge_document,
    namespaces_of,
)

INVOKED, FAILED = "runtime.lifecycle.{}-invoked", "runtime.lifecycle.{}-failure"
POSTSTOP = "runtime.lifecycle.poststop-invoked"
STATE = "config.hooks.state-on-stdin"
DESTROYED = "runtime.lifecycle.destroy-undo"
CONTINUED = "runtime.warnings.continue"
FEATURES = "features.hooks.supported"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of hooks.

    ``inside``: its paths and its namespaces are those of the container. ``during``: the operation to which it belongs.
    ``path_inside``: its path is resolved in the container.
    """

    name: str
    during: str
    since: str = "1.0.0"
    inside: bool = False
    path_inside: bool = False

    def clause(self, pattern: str) -> str:
        """The clause on this kind."""
        return pattern.format(self.name.lower())


PRESTART = Kind("prestart", "create")
CREATE_RUNTIME = Kind("createRuntime", "create", "1.0.2")
CREATE_CONTAINER = Kind("createContainer", "create", "1.0.2", inside=True)
START_CONTAINER = Kind("startContainer", "start", "1.0.2", inside=True, path_inside=True)
POSTSTART = Kind("poststart", "start")
POSTSTOP_KIND = Kind("poststop", "delete")
KINDS = (PRESTART, CREATE_RUNTIME, CREATE_CONTAINER, START_CONTAINER, POSTSTART, POSTSTOP_KIND)

ENVIRONMENT = ["KIND=hook", "EMPTY=", "EQUALS=a=b=c", "WORDS=two  words", "LETTERS=zażółć-日本", "PATH=/nowhere"]
WORDS = ["", " ", "two words", "-x", "$HOME", "'q'", "zażółć-日本", "a=b"]
ANNOTATIONS = {"org.example.note": "some words: zażółć", "org.example.empty": ""}


def kinds_of(trial: Trial) -> list[Kind]:
    """The kinds that the release has."""
    return [kind for kind in KINDS if trial.holds(kind.since)]


def prepared(trial: Trial) -> tuple[Container, Trace]:
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


@dataclass(slots=True)
class Life:
    """A container's life with hooks: when its operations began and ended, and what was noted in all."""

    container: Container
    trace: Trace
    hooks: dict[str, list[dict[str, Any]]]
    spans: dict[str, tuple[float, float]]
    records: list[Record]
    own: Mapping[str, str]
    namespaces: Mapping[str, str]
    program: list[str]

    def of(self, kind: Kind) -> list[Record]:
        """What the hooks of a kind noted."""
        return [record for record in self.records if record.kind == kind.name]

    def first(self, name: str) -> Record | None:
        """What one recorder noted."""
        return next((record for record in self.records if record.name == name), None)


def _live(trial: Trial) -> Life:
    container, trace = prepared(trial)
    line = trace.program("pause")
    hooks: dict[str, list[dict[str, Any]]] = {}
    groups = [mount + container.group for mount in trial.stage.layout.hierarchies if container.group]
    # A start that does not wait for a startContainer hook is caught: the hook waits for it to return, for a while.
    returned = container.bundle / "rootfs" / "returned"
    for kind in kinds_of(trial):
        action = {POSTSTART: ["await", "program/0"], POSTSTOP_KIND: ["look", *groups]}.get(kind, ["note"])
        given = trace.add(kind.name, *action, inside=kind.path_inside, env=ENVIRONMENT, timeout=3600)
        action = ["until", "/returned"] if kind is START_CONTAINER else ["note"]
        hooks[kind.name] = [given, trace.add(kind.name, *action, *WORDS, inside=kind.path_inside)]
    trace.write()
    spans = {"create": _timed(container.must_create)}
    namespaces = namespaces_of(container.pid)
    spans["start"] = _timed(container.must_start)
    returned.touch()
    container.wait_output(lambda text: "program/0" in text or None)
    container.must_kill().wait_stopped()
    spans["delete"] = _timed(container.must_delete)
    return Life(container, trace, hooks, spans, trace.records(), namespaces_of(os.getpid()), namespaces, line)


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
def all_kinds_in_the_life_of_a_container(trial: Trial) -> None:
    """Two hooks of each kind run once each, at their time, in their order and namespaces, with what the config says."""
    life = _live(trial)
    for kind in kinds_of(trial):
        _judge_invoked(trial, life, kind)
        _judge_given(trial, life, kind)
        _judge_namespaces(trial, life, kind)
        for record in life.of(kind):
            _judge_state(trial, life, kind, record)
    _judge_create(trial, life)
    _judge_start(trial, life)
    _judge_delete(trial, life)
    _judge_features(trial, life)


def _judge_features(trial: Trial, life: Life) -> None:
    claimed = (trial.subject.features or {}).get("hooks")
    if not isinstance(claimed, list):
        trial.skip("the runtime does not say which hooks it has", FEATURES)
        return
    ran = {record.kind for record in life.records}
    unheard = [name for name in claimed if name not in ran]
    trial.expect(FEATURES, "hooks that features lists do not run", got=unheard, want=[])


def _judge_invoked(trial: Trial, life: Life, kind: Kind) -> None:
    """Both ran, once, and the second when the first was over."""
    records = life.of(kind)
    names, want = [record.name for record in records], [f"{kind.name}/{number}" for number in (0, 1)]
    trial.expect(kind.clause(INVOKED), f"{kind.name} hooks did not all run once", got=sorted(names), want=want)
    in_turn = len(records) > 1 and all(later.begun >= earlier.ended for earlier, later in itertools.pairwise(records))
    trial.expect_that(
        "config.hooks.order",
        f"{kind.name} hooks do not run one after the other in the order of the config",
        held=in_turn and names == want,
        got=names,
        want=str(want),
    )


def _judge_given(trial: Trial, life: Life, kind: Kind) -> None:
    """Path, arguments and environment; an environment that is not given is not spoken of."""
    for number, hook in enumerate(life.hooks[kind.name]):
        record = life.first(f"{kind.name}/{number}")
        pointer = f"/hooks/{kind.name}/*"
        trial.applied(f"{pointer}/path", got=record is not None, want=True, message="the program at path did not run")
        trial.applied(f"{pointer}/args", got=list(record.argv) if record else None, want=hook["args"])
        if "env" in hook:
            trial.applied(f"{pointer}/env", got=sorted(record.environ) if record else None, want=sorted(hook["env"]))


# A runtime may put a container into its control groups after its hooks, and its namespace with them.
_LATE_NAMESPACES = ("cgroup",)


def _without_late(namespaces: Mapping[str, str]) -> dict[str, str]:
    return {name: link for name, link in namespaces.items() if name not in _LATE_NAMESPACES}


def _judge_namespaces(trial: Trial, life: Life, kind: Kind) -> None:
    want = _without_late(life.namespaces) if kind.inside else life.own
    for record in life.of(kind) or [Record(kind.name)]:
        got = _without_late(record.namespaces) if kind.inside else record.namespaces
        place = "container" if kind.inside else "runtime"
        message = f"{kind.name} hooks are not executed in the namespaces of the {place}"
        trial.expect(_namespace_clause(kind), message, got=dict(got), want=dict(want))


# --- time


def _judge_create(trial: Trial, life: Life) -> None:
    """The hooks of create: while it lasts, in a container that is built and not entered, one kind after the other."""
    for kind in (PRESTART, CREATE_RUNTIME, CREATE_CONTAINER):
        if not trial.holds(kind.since):
            continue
        records = life.of(kind)
        trial.expect(
            f"config.hooks.{kind.name}.timing",
            f"{kind.name} hooks do not run within create, after the environment is made and before the root changes",
            got=_faults(records, _outside_of(life, "create"), functools.partial(_unready, life, kind)),
            want=[],
        )
    _judge_sequence(trial, life, "config.hooks.prestart.before-createRuntime", PRESTART, CREATE_RUNTIME)
    _judge_sequence(trial, life, "config.hooks.createContainer.after-createRuntime", CREATE_RUNTIME, CREATE_CONTAINER)


Fault = Callable[[Record], str]


def _faults(records: Sequence[Record], *looks: Fault) -> list[str]:
    """What is wrong with the time of each; that there are none is wrong too."""
    if not records:
        return ["did not run"]
    return [f"{record.name}: {fault}" for record in records for look in looks if (fault := look(record))]


def _outside_of(life: Life, operation: str) -> Fault:
    begun, ended = life.spans[operation]

    def look(record: Record) -> str:
        if record.begun < begun:
            return f"ran before {operation} was called"
        return f"ended after {operation} had returned" if record.ended > ended else ""

    return look


def _unready(life: Life, kind: Kind, record: Record) -> str:
    """What the environment lacked when a hook of create ran, or that the root had changed already."""
    host, rootfs = _place("/"), str(life.container.bundle / "rootfs")
    root = record.root if kind.inside else record.process.get("root")
    if root is None:
        return "its state names no process"
    if list(root) != host:
        return "ran after the root was changed"
    if kind.inside:
        return ""
    made = _without_late(record.process.get("namespaces", {}))
    if made != _without_late(life.namespaces):
        return "ran before the namespaces were made"
    wanted = [rootfs + mount["destination"] for mount in life.trace.config["mounts"]]
    missing = sorted(set(wanted) - set(record.process.get("mounts", ())))
    return f"ran before {missing[0].removeprefix(rootfs)} was mounted" if missing else ""


def _place(path: str) -> list[int]:
    found = os.stat(path)
    return [found.st_dev, found.st_ino]


def _judge_sequence(trial: Trial, life: Life, clause: str, earlier: Kind, later: Kind) -> None:
    before, after = life.of(earlier), life.of(later)
    held = bool(before) and bool(after) and max(one.ended for one in before) <= min(one.begun for one in after)
    trial.expect_that(
        clause,
        f"{later.name} hooks do not wait for {earlier.name} hooks",
        held=held,
        got=[record.name for record in life.records],
        want=f"{earlier.name} first",
    )


def _judge_start(trial: Trial, life: Life) -> None:
    """The hooks of start: before the program is executed, or after."""
    program = life.first("program/0")
    executed = program.begun if program else float("inf")
    begun, _ = life.spans["start"]

    def too_late(record: Record) -> str:
        return "ended after the program had been executed" if record.ended > executed else ""

    def too_early(record: Record) -> str:
        return "ran before start was called" if record.begun < begun else ""

    def unexecuted(record: Record) -> str:
        return "" if record.process.get("argv") == life.program else "ran before the program was executed"

    def overtaken(record: Record) -> str:
        last = max((one.ended for one in life.of(START_CONTAINER)), default=0.0)
        return "did not wait for startContainer hooks" if record.begun < last else ""

    got = _faults(life.of(PRESTART), too_early, too_late)
    for clause in ("config.hooks.prestart.timing-at-start", "runtime.lifecycle.prestart-invoked-at-start"):
        trial.expect(clause, "prestart hooks do not run between start and the program", got=got, want=[])
    if trial.holds(START_CONTAINER.since):
        trial.expect(
            "config.hooks.startContainer.timing",
            "startContainer hooks do not run within start and before the program",
            got=_faults(life.of(START_CONTAINER), _outside_of(life, "start"), too_late),
            want=[],
        )
    trial.expect(
        "config.hooks.poststart.timing",
        "poststart hooks do not run between the execution of the program and the end of start",
        got=_faults(life.of(POSTSTART), _outside_of(life, "start"), unexecuted, overtaken),
        want=[],
    )


def _judge_delete(trial: Trial, life: Life) -> None:
    """The hooks of delete: when nothing of the container is there any more, and before delete returns."""

    def undeleted(record: Record) -> str:
        left = [path for path, there in record.there.items() if there]
        return f"ran before {left[0]} was removed" if left else ""

    trial.expect(
        "config.hooks.poststop.timing",
        "poststop hooks do not run within delete, after the container is gone",
        got=_faults(life.of(POSTSTOP_KIND), _outside_of(life, "delete"), undeleted),
        want=[],
    )


# --- state


def _judge_state(trial: Trial, life: Life, kind: Kind, record: Record) -> None:
    """The state that a hook reads: valid, of this container, and true at this moment."""
    state = record.state()
    broken = ["no JSON object"] if state is None else _broken(trial, state)
    trial.expect(STATE, f"{record.name} does not get a valid state", got=broken, want=[])
    if state is None:
        return
    want = {"id": life.container.id, "bundle": str(life.container.bundle), "annotations": ANNOTATIONS}
    got = {name: state.get(name) for name in want}
    trial.expect(STATE, f"{record.name} gets the state of another container", got=got, want=want)
    status = state.get("status")
    false = _false_statuses(kind, executed=record.process.get("argv") == life.program)
    trial.expect_that(
        STATE, f"{record.name} gets a wrong status", held=status not in false, got=status, want=f"none of {false}"
    )
    pids = _pids(trial, life, kind)
    if pids:
        trial.expect_that(
            STATE,
            f"{record.name} gets a wrong pid",
            held=state.get("pid") in pids,
            got=state.get("pid"),
            want=str(pids),
        )


def _broken(trial: Trial, state: Mapping[str, Any]) -> list[str]:
    key = f"state:{json.dumps(state, sort_keys=True)}"
    if key not in trial.notes:
        file = trial.folder / "state.json"
        file.write_text(json.dumps(state), encoding="utf-8")
        judged = judge_document("state", file, trial.release)
        trial.notes[key] = [clause for clause, judgement in judged.items() if judgement.broken]
    found: list[str] = trial.notes[key]
    return found


_STATUSES = ("creating", "created", "running", "stopped")


def _false_statuses(kind: Kind, *, executed: bool) -> list[str]:
    """The statuses that are not true when hooks of a kind run; a runtime may have others of its own.

    The texts do not say whether a container is being created or created when hooks of create run.
    """
    true = {
        "prestart": ("creating", "created"),
        "createRuntime": ("creating", "created"),
        "createContainer": ("creating", "created"),
        "startContainer": ("created",),
        # That a hook runs too early is another matter.
        "poststart": ("running",) if executed else ("created", "running"),
        "poststop": ("stopped",),
    }[kind.name]
    return [status for status in _STATUSES if status not in true]


def _pids(trial: Trial, life: Life, kind: Kind) -> tuple[int, ...]:
    """The numbers that the container process may have in a state; none for any.

    Up to 1.0.2 the text speaks of the host only, and is not clear on hooks in the container.
    """
    if kind is POSTSTOP_KIND:
        return ()
    if not kind.inside or not trial.subject.isolates:
        return (life.container.pid,)
    return (1,) if trial.holds("1.1.0") else (1, life.container.pid)


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


def _judge_end(trial: Trial, clause: str, container: Container, trace: Trace) -> None:
    """After an error the process is stopped, the container destroyed, nothing else runs but its poststop hooks."""
    # A start that does not wait for its hooks returns before they have run.
    pids = {int((record.state() or {}).get("pid") or 0) for record in trace.records() if _is_outside(record)}
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
    trial.expect(DESTROYED, "the container is not undone", got=container.leftovers(), want=[])
    stops = [name for name in names if name.startswith("poststop/")]
    trial.expect(POSTSTOP, "poststop hooks do not run after a hook has failed", got=stops, want=["poststop/0"])


def _is_outside(record: Record) -> bool:
    return record.kind in (PRESTART.name, CREATE_RUNTIME.name, POSTSTART.name)


def _ends(pid: int) -> bool:
    """Whether a process ends; it gets a moment for it."""
    end = time.monotonic() + 1
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            os.waitpid(pid, os.WNOHANG)
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
                if file.read().rpartition(")")[2].split()[0] in "ZX":
                    return True
        except OSError:
            return True
        time.sleep(0.002)  # the process may be nobody's child, so that nothing tells
    return False


def _fails(trial: Trial, kind: Kind) -> None:
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


def _failure_of(kind: Kind) -> Callable[[Trial], None]:
    def function(trial: Trial) -> None:
        _fails(trial, kind)

    function.__name__ = f"{kind.name.lower()}-failure"
    function.__doc__ = f"When a {kind.name} hook fails, {kind.during} fails, and the container is destroyed."
    return case(kind.clause(FAILED), POSTSTOP, DESTROYED, needs=("root",))(function)


_failures = {kind.name: _failure_of(kind) for kind in (PRESTART, CREATE_RUNTIME, CREATE_CONTAINER, START_CONTAINER)}
globals().update({f"failure_of_{name}": function for name, function in _failures.items()})


@case(
    "runtime.lifecycle.poststart-failure",
    "runtime.lifecycle.poststart-failure-warning",
    POSTSTOP,
    DESTROYED,
    CONTINUED,
    needs=["root"],
)
def poststart_failure(trial: Trial) -> None:
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
    trial.expect(POSTSTOP, "poststop hooks do not run after a hook has failed", got=stops, want=["poststop/0"])


@case("runtime.lifecycle.poststop-failure-warning", CONTINUED, DESTROYED, needs=["root"])
def poststop_failure(trial: Trial) -> None:
    """When a poststop hook fails, the remaining ones run, and the container is gone."""
    clause = "runtime.lifecycle.poststop-failure-warning"
    container, trace = prepared(trial)
    _ran_twice(trace, [POSTSTOP_KIND], POSTSTOP_KIND, "exit", "3")
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
def hooks_are_aborted_after_their_timeout(trial: Trial) -> None:
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


def _sleeper(trial: Trial, kind: Kind) -> Sleeper:
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
        sleeper.least, sleeper.most = end - before, end - (begun.begun if begun else before)
        # On a busy machine a hook may be aborted before it could note anything.
        if begun or not done.ok or sleeper.least >= SECONDS:
            return


# --- other ways to fail


@case("runtime.lifecycle.prestart-failure", "runtime.lifecycle.createruntime-failure", needs=["root"])
def hooks_that_cannot_run_or_are_killed_have_failed(trial: Trial) -> None:
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
