"""What every operation has to refuse, beside what it has to do, and that a refusal changes nothing.

"Unless otherwise stated, generating an error MUST leave the state of the environment as if the operation were never
attempted" (runtime.md, errors): the state, the process and what it printed are compared before and after.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

from ocivalidate.runtime import Call, CaseContext, Container, case, steps

NO_SIDE_EFFECTS = "runtime.errors.no-side-effects"


def _refused(trial: CaseContext, clause: str, what: str, done: Call) -> None:
    got = "it says that it did it" if done.ok else done.last_error_line
    trial.expect_that(clause, f"{what} does not generate an error", held=done.refused, got=got, want="an error")


def _unchanged(trial: CaseContext, container: Container, what: str, before: dict[str, Any], *clauses: str) -> None:
    after = container.snapshot()
    differing = sorted(name for name, value in before.items() if after[name] != value)
    got = {name: after[name] for name in differing}
    want = {name: before[name] for name in differing}
    for clause in clauses:
        trial.expect(clause, f"{what} has an effect", got=got, want=want)


@case(
    "runtime.state-op.no-id-error",
    "runtime.state-op.unknown-id-error",
    "runtime.start.no-id-error",
    "runtime.start.not-created-error",
    "runtime.kill.no-id-error",
    "runtime.kill.bad-state-error",
    "runtime.delete.no-id-error",
    "runtime.delete.not-stopped-error",
    NO_SIDE_EFFECTS,
    needs=["root"],
)
def no_id_and_unknown_id(trial: CaseContext) -> None:
    """State, start, kill and delete refuse to work without an id and on one that nobody has, and work with one."""
    container = trial.container().must_create()
    unknown = f"{container.id}-unknown"
    controls: dict[str, Callable[[], bool]] = {
        "state": container.exists,
        "start": lambda: container.start().ok and "wait" not in container.facts(),
        "kill": lambda: container.kill().ok and container.wait_for_status("stopped") == "stopped",
        "delete": lambda: container.delete().ok,
    }
    clauses = {
        "state": ("runtime.state-op.no-id-error", "runtime.state-op.unknown-id-error"),
        "start": ("runtime.start.no-id-error", "runtime.start.not-created-error"),
        "kill": ("runtime.kill.no-id-error", "runtime.kill.bad-state-error"),
        "delete": ("runtime.delete.no-id-error", "runtime.delete.not-stopped-error"),
    }
    for operation, control in controls.items():
        without, of_unknown = clauses[operation]
        signals = ["KILL"] if operation == "kill" else []
        before = container.snapshot()
        _refused(trial, without, f"{operation} without an id", trial.runtime.invoke(operation))
        _refused(trial, without, f"{operation} of an empty id", trial.runtime.invoke(operation, "", *signals))
        done = trial.runtime.invoke(operation, unknown, *signals)
        _refused(trial, of_unknown, f"{operation} of an id that nobody has", done)
        _unchanged(trial, container, f"{operation} without an id or of another", before, NO_SIDE_EFFECTS)
        held = control()
        for clause in (without, of_unknown):
            trial.expect(clause, f"{operation} of a container that is there does not work", got=held, want=True)


@case("runtime.create.missing-args-error", NO_SIDE_EFFECTS, needs=["root"])
def create_without_arguments(trial: CaseContext) -> None:
    """Create refuses to work without an id and without a bundle, and works with both."""
    container = trial.container()
    bundle = str(container.bundle)
    empty = trial.folder / "empty"
    empty.mkdir()
    attempts = {
        "create without an id": ("create", "--bundle", bundle),
        "create with an empty id": ("create", "--bundle", bundle, ""),
        "create without an id and a bundle": ("create",),
        "create without a bundle, in a folder that is none": ("create", container.id),
        "create of a bundle that is not there": ("create", "--bundle", f"{bundle}-unknown", container.id),
        "create of a folder without config.json": ("create", "--bundle", str(empty), container.id),
    }
    for what, command in attempts.items():
        _refused(trial, "runtime.create.missing-args-error", what, trial.runtime.invoke(*command, cwd=str(empty)))
        trial.expect(NO_SIDE_EFFECTS, f"{what} leaves things behind", got=container.leftovers(), want=[])
    trial.expect(NO_SIDE_EFFECTS, "a create that failed made a container", got=container.exists(), want=False)
    created = container.create()
    message = f"with both it does not work: {created.last_error_line}"
    trial.expect("runtime.create.missing-args-error", message, got=created.ok, want=True)


@case(
    "runtime.create.bad-id-error",
    "runtime.create.bad-id-no-container",
    "runtime.state.id.unique-on-host",
    NO_SIDE_EFFECTS,
    needs=["root"],
)
def duplicate_id(trial: CaseContext) -> None:
    """The id of a container that is created, running or stopped cannot be given to another one."""
    first = trial.container().must_create()
    other = trial.bundle(trial.config(*steps(["write", "/tmp/ran"], ["wait"])))
    for status in ("created", "running", "stopped"):
        if status == "running":
            first.must_start().facts()
        if status == "stopped":
            first.must_kill()
            first.wait_stopped()
        before = first.snapshot()
        second = trial.container(bundle=other, container_id=first.id)
        done = second.create()
        what = f"create with the id of a container that is {status}"
        for clause in ("runtime.create.bad-id-error", "runtime.state.id.unique-on-host"):
            _refused(trial, clause, what, done)
        _unchanged(trial, first, what, before, "runtime.create.bad-id-no-container", NO_SIDE_EFFECTS)
    # A process of the second container would be in the group that its config names, or have run.
    left = [name for name in ("ran",) if (other / "rootfs" / "tmp" / name).exists()]
    trial.expect("runtime.create.bad-id-no-container", "the second container ran", got=left, want=[])
    first.must_delete()


@case("runtime.create.bad-id-error", "runtime.create.bad-id-no-container", NO_SIDE_EFFECTS, needs=["root"])
def id_that_is_none(trial: CaseContext) -> None:
    """An empty id is refused, and one that leads elsewhere too, or else it is an id like any other."""
    config = trial.config("wait")
    trial.control(config)
    bundle = trial.bundle(config)
    trial.runtime.root.mkdir(exist_ok=True)
    before = _names(trial)
    for bad in ("", "..", "../escaped"):
        container = trial.container(bundle=bundle, container_id=bad)
        done = container.create()
        if done.ok and bad:
            _lives(trial, container)
        else:
            _refused(trial, "runtime.create.bad-id-error", "an empty id", done)
            known = container.exists()
            trial.expect("runtime.create.bad-id-no-container", f"state knows the id {bad!r}", got=known, want=False)
        trial.expect(NO_SIDE_EFFECTS, f"the id {bad!r} leaves things behind", got=_names(trial), want=before)
        trial.expect(NO_SIDE_EFFECTS, f"the id {bad!r} leaves things behind", got=container.leftovers(), want=[])


def _lives(trial: CaseContext, container: Container) -> None:
    """Judge that an id that was accepted can be used with every operation."""
    got = {"state": container.status(), "start": container.start().ok, "kill": container.kill().ok}
    got |= {"stopped": container.wait_for_status("stopped"), "delete": container.delete().ok}
    want = {"state": "created", "start": True, "kill": True, "stopped": "stopped", "delete": True}
    message = f"the id {container.id} is accepted, and then is of no use"
    trial.expect("runtime.create.bad-id-error", message, got=got, want=want)


def _names(trial: CaseContext) -> list[str]:
    """What stands beside the folder of states, without what we keep there ourselves."""
    kept = ("root", "runtime.log")
    return sorted(path.name for path in trial.folder.iterdir() if path.name not in kept and "@" not in path.name)


@case(
    "runtime.start.not-created-error",
    "runtime.start.not-created-no-effect",
    "runtime.delete.not-stopped-error",
    "runtime.delete.not-stopped-no-effect",
    NO_SIDE_EFFECTS,
    needs=["root"],
)
def running_container(trial: CaseContext) -> None:
    """A container that runs is not started again and not deleted; it runs on."""
    container = trial.container(trial.config("catch", str(int(signal.SIGUSR1)))).must_create()
    created = container.snapshot()
    container.must_start()
    container.wait_line(lambda line: "catching" in line)
    before = container.snapshot()
    _refused(trial, "runtime.start.not-created-error", "start of a container that runs", container.start())
    _unchanged(
        trial,
        container,
        "start of a container that runs",
        before,
        "runtime.start.not-created-no-effect",
        NO_SIDE_EFFECTS,
    )
    _refused(trial, "runtime.delete.not-stopped-error", "delete of a container that runs", container.delete())
    _unchanged(
        trial,
        container,
        "delete of a container that runs",
        before,
        "runtime.delete.not-stopped-no-effect",
        NO_SIDE_EFFECTS,
    )
    trial.expect(
        "runtime.delete.not-stopped-no-effect", "it is another process", got=before["process"], want=created["process"]
    )
    container.must_kill("USR1")
    caught = container.wait_line(lambda line: "signal" in line, timeout=5)
    trial.expect(
        "runtime.delete.not-stopped-no-effect", "it does not run on", got=caught, want={"signal": int(signal.SIGUSR1)}
    )
    container.must_kill()
    container.wait_stopped()
    deleted = container.delete()
    trial.expect(
        "runtime.delete.not-stopped-error", "it cannot be deleted when it is stopped", got=deleted.ok, want=True
    )


@case(
    "runtime.start.not-created-error",
    "runtime.start.not-created-no-effect",
    "runtime.kill.bad-state-error",
    "runtime.kill.bad-state-no-effect",
    NO_SIDE_EFFECTS,
    needs=["root"],
)
def stopped_container(trial: CaseContext) -> None:
    """A container that has stopped is not started again and gets no signals; it stays stopped."""
    container = trial.container(trial.config("cwd")).must_create().must_start()
    container.facts()
    container.wait_stopped()
    before = container.snapshot()
    _refused(trial, "runtime.start.not-created-error", "start of a container that has stopped", container.start())
    _unchanged(
        trial,
        container,
        "start of a container that has stopped",
        before,
        "runtime.start.not-created-no-effect",
        NO_SIDE_EFFECTS,
    )
    for name in ("TERM", "KILL"):
        _refused(
            trial, "runtime.kill.bad-state-error", f"kill {name} of a container that has stopped", container.kill(name)
        )
    _unchanged(
        trial,
        container,
        "kill of a container that has stopped",
        before,
        "runtime.kill.bad-state-no-effect",
        NO_SIDE_EFFECTS,
    )
    container.must_delete()


@case("runtime.kill.bad-state-error", needs=["root", "isolation"])
def stopped_container_in_the_pid_namespace_of_others(trial: CaseContext) -> None:
    """One that has stopped gets no signals either where its PID namespace is that of the runtime."""
    config = trial.config("wait")
    config["linux"]["namespaces"] = [entry for entry in config["linux"]["namespaces"] if entry["type"] != "pid"]
    container = trial.container(config).must_create().must_start().must_kill().wait_stopped()
    what = "without a PID namespace, kill KILL of a container that has stopped"
    _refused(trial, "runtime.kill.bad-state-error", what, container.kill("KILL"))
    container.must_delete()


@case("runtime.delete.not-stopped-error", "runtime.delete.not-stopped-no-effect", needs=["root"])
def created_container_is_not_deleted(trial: CaseContext) -> None:
    """A container that is created, and so not stopped, is not deleted; it can be started."""
    container = trial.container(trial.config("cwd", ",", "wait")).must_create()
    before = container.snapshot()
    what = "delete of a container that is created"
    _refused(trial, "runtime.delete.not-stopped-error", what, container.delete())
    _unchanged(trial, container, what, before, "runtime.delete.not-stopped-no-effect")
    started = container.start()
    trial.expect("runtime.delete.not-stopped-no-effect", "it cannot be started any more", got=started.ok, want=True)
