"""A zero byte in a text: where the kernel ends a text at it, no runtime can apply the whole, so it has to refuse it.

What is behind the byte would be lost in silence, and another file opened, another program run, or another word meant
than the config says. Each row is a case. Its control has the same text without the byte and what follows it, which is
also what a runtime that cuts would take. A name of the host may hold such a byte, as its length is handed over with it:
it is refused, or there as a whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ocivalidate.runtime import (
    CaseContext,
    Container,
    Facts,
    RuntimeFailed,
    capabilities,
    case,
    changed,
    filters,
    hooking,
    steps,
)

INVALID_ERROR = "config.valid-values.invalid-error"
TAIL = "\0tail"
_TMPFS = {"destination": "/mnt", "type": "tmpfs", "source": "tmpfs"}
_RULE = {"names": ["getitimer"], "action": "SCMP_ACT_ERRNO"}


def _string(text: str) -> Any:
    return text


_HOOK_TEXTS: tuple[tuple[str, str, Callable[[str], Any]], ...] = (
    ("path", "/bin/true", lambda text: [{"path": text}]),
    ("args", "true", lambda text: [{"path": "/bin/true", "args": [text]}]),
    ("env", "NAME=value", lambda text: [{"path": "/bin/true", "env": [text]}]),
)


@dataclass(frozen=True, slots=True)
class Text:
    """A text of the config. ``name`` is that of the case.

    ``pointer``: where what ``made`` makes of a ``text`` is put. ``since``: the first release that has it. ``needs``:
    those of the case. ``around``: what the control has beside it, by pointer. ``look``: the step that shows the text
    where it may be there as a whole.
    """

    name: str
    pointer: str
    text: str
    made: Callable[[str], Any] = _string
    since: str = "1.0.0"
    needs: tuple[str, ...] = ()
    around: tuple[tuple[str, Any], ...] = ()
    look: tuple[str, ...] = field(default=())


TEXTS = (
    Text("argument", "/process/args/-", "word"),
    Text("program", "/process/args/0", "/usr/bin/python3"),
    Text("variable", "/process/env/-", "NAME=value"),
    Text("working-directory", "/process/cwd", "/tmp"),
    Text("limit-type", "/process/rlimits/-", "RLIMIT_CORE", lambda text: {"type": text, "soft": 0, "hard": 0}),
    Text("scheduling-policy", "/process/scheduler", "SCHED_BATCH", lambda text: {"policy": text}, since="1.1.0"),
    Text(
        "io-class",
        "/process/ioPriority",
        "IOPRIO_CLASS_BE",
        lambda text: {"class": text, "priority": 4},
        since="1.1.0",
    ),
    Text("root-path", "/root/path", "rootfs"),
    Text("hostname", "/hostname", "name", look=("raw-name", "nodename")),
    Text("domainname", "/domainname", "name", since="1.1.0", look=("raw-name", "domainname")),
    Text("mount-destination", "/mounts/-", "/mnt", lambda text: _TMPFS | {"destination": text}),
    Text(
        "mount-source",
        "/mounts/-",
        "/tmp",
        lambda text: _TMPFS | {"type": "none", "source": text, "options": ["rbind"]},
    ),
    Text("mount-option", "/mounts/-", "nosuid", lambda text: _TMPFS | {"options": [text]}),
    Text("mount-data", "/mounts/-", "size=1m", lambda text: _TMPFS | {"options": [text]}),
    Text("mount-type", "/mounts/-", "tmpfs", lambda text: _TMPFS | {"type": text}),
    Text(
        "device-path",
        "/linux/devices/-",
        "/dev/given",
        lambda text: {"path": text, "type": "c", "major": 1, "minor": 3, "fileMode": 438},
    ),
    Text("masked-path", "/linux/maskedPaths", "/proc/version", lambda text: [text]),
    Text("readonly-path", "/linux/readonlyPaths", "/proc/sys", lambda text: [text]),
    Text("namespace-type", "/linux/namespaces/-", "network", lambda text: {"type": text}),
    Text(
        "namespace-path",
        "/linux/namespaces/-",
        "/proc/self/ns/net",
        lambda text: {"type": "network", "path": text},
    ),
    Text("kernel-parameter", "/linux/sysctl", "kernel.msgmax", lambda text: {text: "8192"}),
    Text("kernel-parameter-value", "/linux/sysctl", "8192", lambda text: {"kernel.msgmax": text}),
    Text("root-propagation", "/linux/rootfsPropagation", "slave"),
    Text("execution-domain", "/linux/personality", "LINUX", lambda text: {"domain": text}, since="1.0.2"),
    Text(
        "filter-action",
        "/linux/seccomp/syscalls/-",
        "SCMP_ACT_ERRNO",
        lambda text: _RULE | {"action": text},
        needs=("seccomp:errno",),
        around=(("/linux/seccomp", {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": []}),),
    ),
    *(
        Text(
            f"{kind.name.lower()}-{what}", f"/hooks/{kind.name}", text, made, since=kind.since, needs=("program:true",)
        )
        for kind in (hooking.PRESTART, hooking.CREATE_RUNTIME)
        for what, text, made in _HOOK_TEXTS
    ),
)


def _config(trial: CaseContext, row: Text, text: str) -> dict[str, Any]:
    config = trial.config(*steps(*([row.look] if row.look else []), ["wait"]))
    for pointer, value in (*row.around, (row.pointer, row.made(text))):
        config = changed(config, pointer, value)
    return config


def _refuses(trial: CaseContext, row: Text) -> None:
    if not trial.holds(row.since):
        trial.skip(f"runtime-spec {trial.release} does not have it")
    trial.control(_config(trial, row, row.text))
    held, got = _outcome(trial.container(_config(trial, row, row.text + TAIL)), row)
    message = f"a zero byte in a text does not generate an error: {row.name.replace('-', ' ')}"
    trial.expect_that(INVALID_ERROR, message, held=held, got=got, want="an error", pointer=row.pointer)


def _outcome(container: Container, row: Text) -> tuple[bool, str]:
    """Whether the runtime refused the text, or applied the whole, and what became of it."""
    done = container.create()
    if done.ok:
        done = container.start()
    if not done.ok:
        return done.refused, done.last_error_line
    if not row.look:
        return False, "created and started"
    try:
        facts = container.facts()
    except RuntimeFailed as problem:
        return False, str(problem)
    return _whole(facts, row)


def _whole(facts: Facts, row: Text) -> tuple[bool, str]:
    got = facts.value(*row.look)
    return got == row.text + TAIL, repr(got)


def _case_of(row: Text) -> Callable[[CaseContext], None]:
    def function(trial: CaseContext) -> None:
        _refuses(trial, row)

    function.__name__ = f"{row.name}-with-a-zero-byte"
    function.__doc__ = f"A zero byte in {row.pointer} is refused, and never taken for the end: {row.name}."
    return case(INVALID_ERROR, needs=("root", "isolation", *row.needs))(function)


CASES = [_case_of(row) for row in TEXTS]


@case(INVALID_ERROR, sets=["/linux/seccomp/syscalls/*/names"], needs=["root", "isolation", "seccomp:errno"])
def call_with_a_zero_byte(trial: CaseContext) -> None:
    """A system call of which the name goes on behind a zero byte is none: it is refused, or passed over as unknown."""
    look = ("syscall", filters.number(trial, "getpriority"), "0", "0")
    plain = trial.run(filters.with_filter(trial.config(*look), filters.failing("getpriority")))
    trial.applied("/linux/seccomp/syscalls/*/names", got=plain.outcome(*look), want="EPERM")
    container = trial.container(filters.with_filter(trial.config(*look), filters.failing(f"getpriority{TAIL}")))
    done = container.create()
    if done.ok:
        done = container.start()
    cut = container.facts().outcome(*look) if done.ok else done.last_error_line
    message = "a zero byte in a text does not generate an error, and what stands before it is filtered: call"
    trial.expect_that(INVALID_ERROR, message, held=cut != "EPERM", got=cut, want="an error, or another call")


@case(INVALID_ERROR, sets=["/process/capabilities/bounding"], needs=["root", "isolation"])
def capability_with_a_zero_byte(trial: CaseContext) -> None:
    """A capability of which the name goes on behind a zero byte is none: nobody gets the one before it."""
    name = next((name for name in ("SYS_PTRACE", "SYS_NICE", "IPC_LOCK") if name in trial.host.bounding), "")
    if not name:
        trial.skip("the capabilities to try are not to be had here")

    def given(text: str) -> dict[str, Any]:
        config = trial.config(*steps(["status"], ["wait"]))
        config["process"]["capabilities"]["bounding"].append(text)
        return config

    plain = _bounding(trial.run(given(f"CAP_{name}")))
    trial.applied("/process/capabilities/bounding", got=name in plain, want=True)
    container = trial.container(given(f"CAP_{name}{TAIL}"))
    done = container.create()
    if done.ok:
        done = container.start()
    got = name in _bounding(container.facts()) if done.ok else done.last_error_line
    message = "a zero byte in a text does not generate an error, and what stands before it is granted: capability"
    trial.expect_that(INVALID_ERROR, message, held=got is not True, got=got, want="an error, or none")


def _bounding(facts: Facts) -> tuple[str, ...]:
    return capabilities(int(facts.value("status")["CapBnd"], 16))
