"""Hooks that do not read their state, when it is larger than a pipe holds: whoever writes it may block, or be ended.

A state has the annotations of the config in it. A hook may end without having read a word: it has succeeded, the hooks
after it run, and so does the operation.
"""

from __future__ import annotations

from collections.abc import Callable

from ocivalidate.runtime import Call, CaseContext, Container, Trace, case, hook_containers, hook_states, hooking

# A pipe holds 64 KiB, or as much as /proc/sys/fs/pipe-max-size says, commonly 1 MiB, where somebody has it grow.
ANNOTATIONS = {f"org.example.large-{number}": "x" * (256 << 10) for number in range(5)}
# In the order of a life; what comes after the operation of the hook is of no interest.
OPERATIONS = ("create", "start", "kill", "delete")


def _lives(trial: CaseContext, kind: hooking.Kind, *, reads: bool) -> tuple[str, list[str], bool]:
    """What became of the operation of two hooks, which of them ran, and whether the second had its state.

    The second is a recorder. So is the first if it ``reads``; else it is a program that ends at once.
    """
    container, trace = hook_containers.prepared(trial)
    trace.config["annotations"] = ANNOTATIONS
    hook = trace.add(kind.name, inside=kind.path_inside)
    if not reads:
        hook["args"] = [hook["args"][0], "-I", "-S", "-c", "pass"]
    trace.add(kind.name, inside=kind.path_inside)
    trace.write()
    said = _operate(container, kind)
    second = trace.wait(f"{kind.name}/1", 1.0 if said == "no error" else 0.0)
    state = second.state() if second else None
    container.clean_up()
    return said, _ran(trace), (state or {}).get("annotations") == ANNOTATIONS


def _operate(container: Container, kind: hooking.Kind) -> str:
    """Bring a container as far as the operation in which a kind of hooks runs; what that or one before it said."""
    for operation in OPERATIONS:
        if operation == "delete":
            container.wait_stopped()
        done: Call = getattr(container, operation)()
        if not done.ok:
            return f"{operation}: {done.last_error_line or 'ended by a signal'}"
        if operation == kind.during:
            break
    return "no error"


def _ran(trace: Trace) -> list[str]:
    return [name for name in trace.names() if not name.startswith("program/")]


def _judge(trial: CaseContext, kind: hooking.Kind) -> None:
    if not trial.holds(kind.since):
        trial.skip(f"runtime-spec {trial.release} has no {kind.name} hooks")
    said, ran, whole = _lives(trial, kind, reads=False)
    if not (said == "no error" and ran == [f"{kind.name}/1"] and whole):
        _compare(trial, kind)
    message = f"a {kind.name} hook that does not read a large state makes {kind.during} fail"
    trial.expect(kind.invoked, message, got=said, want="no error")
    message = f"after a {kind.name} hook that does not read a large state the next one does not run"
    trial.expect(kind.invoked, message, got=ran, want=[f"{kind.name}/1"])
    if f"{kind.name}/1" not in ran:
        trial.skip("there is no hook that could have read its state")
    trial.expect(hook_states.STATE, f"a {kind.name} hook does not get the whole of a large state", got=whole)


def _compare(trial: CaseContext, kind: hooking.Kind) -> None:
    """Skip where hooks that read their state fare no better."""
    said, ran, _ = _lives(trial, kind, reads=True)
    if said != "no error" or f"{kind.name}/1" not in ran:
        trial.skip(f"two {kind.name} hooks that read a state of 1.3 MB do not both run either: {said}")


def _case_of(kind: hooking.Kind) -> Callable[[CaseContext], None]:
    def function(trial: CaseContext) -> None:
        _judge(trial, kind)

    function.__name__ = f"{kind.name.lower()}-hook-that-does-not-read"
    function.__doc__ = f"A {kind.name} hook that does not read a large state has succeeded, and the next one runs."
    return case(kind.invoked, hook_states.STATE, needs=["root"])(function)


CASES = [_case_of(kind) for kind in hooking.KINDS]
