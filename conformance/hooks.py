"""Hooks of all six kinds: when they run, where, with what, and what becomes of a container of which one fails.

Every hook is a recorder, which notes when it ran and what it found; see ``ocivalidate.runtime.case_helpers.tracing``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ocivalidate.runtime import (
    CaseContext,
    Record,
    case,
    hook_containers,
    hook_sleepers,
    hook_states,
    hooking,
    namespaces_of,
)

CONTINUED = "runtime.warnings.continue"
FEATURES = "features.hooks.supported"

# --- a container whose hooks all succeed

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


@case(
    *(kind.invoked for kind in hooking.KINDS),
    *_TIMINGS,
    *(kind.executed for kind in hooking.KINDS),
    "config.hooks.order",
    hook_states.STATE,
    FEATURES,
    sets=[f"/hooks/{kind.name}/*/{name}" for kind in hooking.KINDS for name in ("path", "args", "env")],
    needs=["root"],
)
def all_kinds_in_the_life_of_a_container(trial: CaseContext) -> None:
    """Two hooks of each kind run once each, at their time, in their order and namespaces, with what the config says."""
    lived = hook_containers.live_with_hooks(trial)
    timeline = lived.timeline
    for kind in hook_containers.kinds_of(trial):
        _judge_invoked(trial, timeline, kind)
        _judge_given(trial, timeline, kind, lived.hooks[kind.name])
        _judge_namespaces(trial, timeline, kind)
        for record in timeline.of(kind):
            hook_states.judge_state(trial, lived, kind, record)
    _judge_times(trial, timeline)
    _judge_features(trial, timeline)


def _judge_features(trial: CaseContext, timeline: hooking.HookTimeline) -> None:
    claimed = (trial.subject.features or {}).get("hooks")
    if not isinstance(claimed, list):
        trial.skip("the runtime does not say which hooks it has", FEATURES)
        return
    ran = {record.kind for record in timeline.records}
    unheard = [name for name in claimed if name not in ran]
    trial.expect(FEATURES, "hooks that features lists do not run", got=unheard, want=[])


def _judge_invoked(trial: CaseContext, timeline: hooking.HookTimeline, kind: hooking.Kind) -> None:
    """Both ran, once, and the second when the first was over."""
    records = timeline.of(kind)
    names, want = [record.name for record in records], [f"{kind.name}/{number}" for number in (0, 1)]
    trial.expect(kind.invoked, f"{kind.name} hooks did not all run once", got=sorted(names), want=want)
    trial.expect_that(
        "config.hooks.order",
        f"{kind.name} hooks do not run one after the other in the order of the config",
        held=hooking.in_turn(records) and names == want,
        got=names,
        want=str(want),
    )


def _judge_given(
    trial: CaseContext, timeline: hooking.HookTimeline, kind: hooking.Kind, hooks: Sequence[Mapping[str, Any]]
) -> None:
    """Path, arguments and environment; an environment that is not given is not spoken of."""
    for number, hook in enumerate(hooks):
        record = timeline.first(f"{kind.name}/{number}")
        pointer = f"/hooks/{kind.name}/*"
        trial.applied(f"{pointer}/path", got=record is not None, want=True, message="the program at path did not run")
        trial.applied(f"{pointer}/args", got=list(record.argv) if record else None, want=hook["args"])
        if "env" in hook:
            trial.applied(f"{pointer}/env", got=sorted(record.environ) if record else None, want=sorted(hook["env"]))


def _judge_namespaces(trial: CaseContext, timeline: hooking.HookTimeline, kind: hooking.Kind) -> None:
    want = hooking.without_late(timeline.namespaces) if kind.inside else namespaces_of()
    for record in timeline.of(kind) or [Record(kind.name)]:
        got = hooking.without_late(record.namespaces) if kind.inside else record.namespaces
        place = "container" if kind.inside else "runtime"
        message = f"{kind.name} hooks are not executed in the namespaces of the {place}"
        trial.expect(kind.executed, message, got=dict(got), want=dict(want))


def _judge_times(trial: CaseContext, timeline: hooking.HookTimeline) -> None:
    for kind, clause in _WITHIN_CREATE:
        if trial.holds(kind.since):
            message = (
                f"{kind.name} hooks do not run within create, between making the environment and changing the root"
            )
            _judge_faults(trial, clause, message, hooking.create_faults(timeline, kind), hidden=timeline.hidden(kind))
    for clause, later, earlier in _SEQUENCES:
        message = f"{later.name} hooks do not wait for {earlier.name} hooks"
        got = [record.name for record in timeline.records]
        trial.expect_that(
            clause, message, held=hooking.follows(timeline, later, earlier), got=got, want=f"{earlier.name} first"
        )
    for clause, message, look in _FAULTS:
        hidden = look is hooking.poststart_faults and timeline.hidden(hooking.POSTSTART)
        _judge_faults(trial, clause, f"hooks do not run {message}", look(timeline), hidden=hidden)


def _judge_faults(
    trial: CaseContext, clause: str, message: str, faults: Sequence[str], *, hidden: bool = False
) -> None:
    """Each fault is a finding of its own, so that one that is known does not hide another one.

    ``hidden``: what makes no fault was not wholly seen.
    """
    if hidden and not faults:
        trial.skip("not reached: the process that state names does not run the program of the container", clause)
        return
    trial.expect_that(clause, message, held=True)
    for fault in faults:
        trial.expect(clause, f"{message}: {fault}", got=faults, want=[])


_WITHIN_CREATE = (
    (hooking.PRESTART, "config.hooks.prestart.timing"),
    (hooking.CREATE_RUNTIME, "config.hooks.createRuntime.timing"),
    (hooking.CREATE_CONTAINER, "config.hooks.createContainer.timing"),
)
_SEQUENCES = (
    ("config.hooks.prestart.before-createRuntime", hooking.CREATE_RUNTIME, hooking.PRESTART),
    ("config.hooks.createContainer.after-createRuntime", hooking.CREATE_CONTAINER, hooking.CREATE_RUNTIME),
)
_FAULTS: Sequence[tuple[str, str, Callable[[hooking.HookTimeline], list[str]]]] = (
    ("config.hooks.prestart.timing-at-start", "between start and the program", hooking.prestart_faults),
    ("runtime.lifecycle.prestart-invoked-at-start", "between start and the program", hooking.prestart_faults),
    ("config.hooks.startContainer.timing", "within start and before the program", hooking.start_container_faults),
    ("config.hooks.poststart.timing", "between the program's execution and the end of start", hooking.poststart_faults),
    ("config.hooks.poststop.timing", "within delete, after the container is gone", hooking.poststop_faults),
)


# --- hooks that fail


def _fails(trial: CaseContext, kind: hooking.Kind) -> None:
    if not trial.holds(kind.since):
        trial.skip(f"runtime-spec {trial.release} has no {kind.name} hooks")
    container, trace = hook_containers.prepared(trial)
    hook_containers.write_failing_hook(trace, hook_containers.kinds_of(trial), kind, "exit", "3")
    created, started = hook_containers.create_and_start(container)
    clause = kind.failure
    # The time of prestart hooks is judged elsewhere.
    failed, where = (created, "create") if started is None else (started, "start")
    right = where == kind.during or kind is hooking.PRESTART
    trial.expect_that(
        clause,
        f"a {kind.name} hook that fails is not an error of {kind.during}",
        held=failed.refused and right,
        got=f"{where}: {'no error' if failed.ok else failed.last_error_line}",
        want=f"an error of {kind.during}",
    )
    hook_containers.judge_end(trial, clause, kind, container, trace)


@case("runtime.lifecycle.prestart-failure", hook_containers.AFTERWARDS, hook_containers.DESTROYED, needs=["root"])
def prestart_failure(trial: CaseContext) -> None:
    """When a prestart hook fails, create fails, and the container is destroyed."""
    _fails(trial, hooking.PRESTART)


@case("runtime.lifecycle.createruntime-failure", hook_containers.AFTERWARDS, hook_containers.DESTROYED, needs=["root"])
def createruntime_failure(trial: CaseContext) -> None:
    """When a createRuntime hook fails, create fails, and the container is destroyed."""
    _fails(trial, hooking.CREATE_RUNTIME)


@case(
    "runtime.lifecycle.createcontainer-failure", hook_containers.AFTERWARDS, hook_containers.DESTROYED, needs=["root"]
)
def createcontainer_failure(trial: CaseContext) -> None:
    """When a createContainer hook fails, create fails, and the container is destroyed."""
    _fails(trial, hooking.CREATE_CONTAINER)


@case("runtime.lifecycle.startcontainer-failure", hook_containers.AFTERWARDS, hook_containers.DESTROYED, needs=["root"])
def startcontainer_failure(trial: CaseContext) -> None:
    """When a startContainer hook fails, start fails, and the container is destroyed."""
    _fails(trial, hooking.START_CONTAINER)


@case(
    "runtime.lifecycle.poststart-failure",
    "runtime.lifecycle.poststart-failure-warning",
    hook_containers.AFTERWARDS,
    hook_containers.DESTROYED,
    CONTINUED,
    needs=["root"],
)
def poststart_failure(trial: CaseContext) -> None:
    """When a poststart hook fails, start fails and the container is destroyed; up to 1.2.1 all goes on."""
    container, trace = hook_containers.prepared(trial, silent=True)
    hook_containers.write_failing_hook(trace, hook_containers.kinds_of(trial), hooking.POSTSTART, "exit", "3")
    created, started = hook_containers.create_and_start(container)
    failed = created if started is None else started
    got = f"{'create' if started is None else 'start'}: {'no error' if failed.ok else failed.last_error_line}"
    if trial.holds("1.3.0"):
        clause = "runtime.lifecycle.poststart-failure"
        held = started is not None and started.refused
        trial.expect_that(
            clause, "a poststart hook that fails is not an error of start", held=held, got=got, want="an error of start"
        )
        hook_containers.judge_end(trial, clause, hooking.POSTSTART, container, trace)
        trial.skip("from 1.3.0 on a poststart hook that fails is an error", CONTINUED)
        return
    clause = "runtime.lifecycle.poststart-failure-warning"
    trial.expect_that(clause, "a poststart hook that fails is an error", held=failed.ok, got=got, want="no error")
    # Whether start waits for them is asked elsewhere.
    trace.wait("poststart/2", hook_containers.ENDING_PATIENCE)
    ran = [name for name in trace.names() if name.startswith("poststart/")]
    want = [f"poststart/{number}" for number in (0, 1, 2)]
    trial.expect(clause, "the remaining poststart hooks do not run", got=ran, want=want)
    trial.expect(CONTINUED, "the container does not run on", got=container.status(), want="running")
    # One that was stopped, as it should not have been, may take a moment to be destroyed.
    if created.ok and (failed.ok or container.wait_for_status("", hook_containers.DESTROYING_PATIENCE)):
        container.must_kill().wait_stopped().must_delete()
    trial.expect(hook_containers.DESTROYED, "the container is not undone", got=container.leftovers(), want=[])
    hook_containers.judge_poststop_ran(trial, trace)


@case("runtime.lifecycle.poststop-failure-warning", CONTINUED, hook_containers.DESTROYED, needs=["root"])
def poststop_failure(trial: CaseContext) -> None:
    """When a poststop hook fails, the remaining ones run, and the container is gone."""
    clause = "runtime.lifecycle.poststop-failure-warning"
    container, trace = hook_containers.prepared(trial)
    hook_containers.write_failing_hook(trace, [hooking.POSTSTOP], hooking.POSTSTOP, "exit", "3")
    container.must_create().must_start().must_kill().wait_stopped()
    deleted = container.delete()
    ran = trace.names()
    trial.expect_that(clause, "no poststop hook ran", held="poststop/1" in ran, got=ran, want="poststop/1")
    want = [f"poststop/{number}" for number in (0, 1, 2)]
    stops = [name for name in ran if name.startswith("poststop/")]
    trial.expect(clause, "the remaining poststop hooks do not run", got=stops, want=want)
    words = "no error" if deleted.ok else deleted.last_error_line
    trial.expect_that(CONTINUED, "a poststop hook that fails is an error", held=deleted.ok, got=words, want="no error")
    trial.expect(hook_containers.DESTROYED, "the container still exists", got=container.exists(), want=False)
    trial.expect(hook_containers.DESTROYED, "the container is not undone", got=container.leftovers(), want=[])


# --- hooks that take too long


@case(sets=[f"/hooks/{kind.name}/*/timeout" for kind in hooking.KINDS], needs=["root"], timeout=90.0)
def hooks_are_aborted_after_their_timeout(trial: CaseContext) -> None:
    """A hook of each kind that sleeps for longer is ended after its timeout."""
    for sleeper in hook_sleepers.tried(trial):
        pointer = f"/hooks/{sleeper.kind.name}/*/timeout"
        if sleeper.hung:
            message = f"{sleeper.hung} hangs when a {sleeper.kind.name} hook is there for longer than its timeout"
            trial.applied(pointer, got="hangs", want="ends", message=message)
            continue
        message = f"a {sleeper.kind.name} hook with a timeout of {sleeper.timeout} s was there for {sleeper.most:.2f} s"
        trial.applied(pointer, got=sleeper.aborted, want=True, message=message)


# --- other ways to fail


@case("runtime.lifecycle.prestart-failure", "runtime.lifecycle.createruntime-failure", needs=["root"])
def hooks_that_cannot_run_or_are_killed_have_failed(trial: CaseContext) -> None:
    """A hook whose program is not there, and one that a signal ends, are errors as well."""
    kinds = [kind for kind in (hooking.PRESTART, hooking.CREATE_RUNTIME) if trial.holds(kind.since)]
    for kind in kinds:
        for action, path in ((("signal", "9"), None), ((), "/nosuch/hook")):
            container, trace = hook_containers.prepared(trial)
            trace.add(kind.name, *action, path=path)
            trace.write()
            created, started = hook_containers.create_and_start(container)
            failed = started or created
            trial.expect_that(
                kind.failure,
                f"a {kind.name} hook {'without a program' if path else 'killed by signal'} does not generate an error",
                held=failed.refused,
                got=failed.last_error_line,
                want="an error",
            )
            container.clean_up()
