"""When hooks run, of one kind alone: a fault of another kind changes nothing here."""

from __future__ import annotations

from ocivalidate.runtime import CaseContext, case, hook_containers, hooking

POSTSTART = "config.hooks.poststart.timing"


@case(POSTSTART, needs=["root"])
def poststart_hooks_wait_for_start(trial: CaseContext) -> None:
    """Poststart hooks do not run before start is called, and have run when it returns."""
    container, trace = hook_containers.prepared(trial)
    for _ in range(2):
        trace.add(hooking.POSTSTART.name)
    trace.write()
    container.must_create()
    early = trace.names()
    container.must_start()
    names = sorted(name for name in trace.names() if name.startswith(hooking.POSTSTART.name))
    trial.expect(POSTSTART, "poststart hooks run before start is called", got=early, want=[])
    want = ["poststart/0", "poststart/1"]
    trial.expect(POSTSTART, "poststart hooks have not run when start returns", got=names, want=want)
