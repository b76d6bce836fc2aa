"""Capabilities: the five sets as the kernel has them once the program runs, and what they allow."""

from __future__ import annotations

from typing import Any

from ocivalidate.runtime import CaseContext, Container, caller, case, steps, text_of

SETS = tuple(
    f"/process/capabilities/{name}" for name in ("bounding", "effective", "inheritable", "permitted", "ambient")
)
WARNING = "config.process.capabilities.ungrantable-warning"
NO_FAIL = "config.process.capabilities.ungrantable-no-fail"
ERROR = "config.process.capabilities.ungrantable-error"
# A capability that no runtime needs for its own work.
DROPPED = "WAKE_ALARM"
UNKNOWN = "CAP_OCIVALIDATE"
# Those of Linux 5.8 and 5.9, which a runtime need not know that does not say so.
RECENT = frozenset({"PERFMON", "BPF", "CHECKPOINT_RESTORE"})
# Looks at its capabilities, and uses two of them.
USES = steps(
    ["status"],
    ["ids"],
    ["write", "/tmp/f"],
    ["chown", "/tmp/f", "5", "5"],
    ["mknod", "/tmp/n", "c", "1", "3"],
    ["wait"],
)


def names(words: str) -> list[str]:
    """Capabilities by their names without ``CAP_``."""
    return [f"CAP_{word}" for word in words.split()]


def given(config: dict[str, Any], uid: int, **sets: str) -> dict[str, Any]:
    """Have a user run with these sets, those not named being empty."""
    config["process"]["user"] = {"uid": uid, "gid": uid}
    empty = dict.fromkeys((pointer.rpartition("/")[2] for pointer in SETS), "")
    config["process"]["capabilities"] = {name: names(words) for name, words in (empty | sets).items()}
    return config


@case(sets=SETS, needs=["root"])
def root_with_some(trial: CaseContext) -> None:
    """Root has of every set what is given, and no more; what it lacks it cannot do."""
    config = trial.config(*USES)
    some = "CHOWN KILL NET_RAW SETPCAP"
    given(config, 0, bounding=some, permitted=some, effective=some, inheritable="KILL NET_RAW")
    facts = trial.run(config)
    trial.judge_facts(config, facts)
    got = [facts.outcome("chown", "/tmp/f"), facts.outcome("mknod", "/tmp/n")]
    message = "root, with CAP_CHOWN and without CAP_MKNOD, can or cannot do what these allow"
    trial.applied(SETS[1], got=got, want=[True, "EPERM"], message=message)


@case(sets=SETS, needs=["root"])
def every_one_that_can_be_had(trial: CaseContext) -> None:
    """A user has each capability that a process here can have at all, in every set."""
    known = set(((trial.subject.features or {}).get("linux") or {}).get("capabilities") or ())
    every = " ".join(name for name in trial.host.bounding if name not in RECENT or f"CAP_{name}" in known)
    config = trial.config(*steps(["status"], ["ids"], ["wait"]))
    given(config, 1000, **dict.fromkeys(("bounding", "permitted", "effective", "inheritable", "ambient"), every))
    trial.judge_facts(config, trial.run(config))


@case(sets=SETS, needs=["root"])
def root_with_none(trial: CaseContext) -> None:
    """Root without any capability has none, and cannot give a file away."""
    config = trial.config(*steps(["status"], ["ids"], ["write", "/tmp/f"], ["chown", "/tmp/f", "5", "5"], ["wait"]))
    facts = trial.run(given(config, 0))
    trial.judge_facts(config, facts)
    message = "root without capabilities can give a file away"
    trial.applied(SETS[1], got=facts.outcome("chown", "/tmp/f"), want="EPERM", message=message)


@case(sets=SETS, needs=["root"])
def root_without_new_privileges(trial: CaseContext) -> None:
    """With noNewPrivileges, what root has after execve is cut down to the permitted set: each set shows on its own."""
    config = trial.config(*steps(["status"], ["ids"], ["wait"]))
    config["process"]["noNewPrivileges"] = True
    every = "CHOWN KILL NET_RAW SETUID SETPCAP"
    given(config, 0, bounding=every, permitted="CHOWN NET_RAW", effective="CHOWN", inheritable="NET_RAW")
    trial.judge_facts(config, trial.run(config))


@case(sets=SETS, needs=["root"])
def user_with_ambient(trial: CaseContext) -> None:
    """Of another user's capabilities those that are ambient survive execve, and work."""
    config = trial.config(*USES)
    some = "CHOWN KILL NET_BIND_SERVICE"
    given(
        config, 1000, bounding=f"{some} MKNOD", permitted=some, effective=some, inheritable=some, ambient="CHOWN KILL"
    )
    facts = trial.run(config)
    trial.judge_facts(config, facts)
    got = [facts.outcome("chown", "/tmp/f"), facts.outcome("mknod", "/tmp/n")]
    message = "a user with CAP_CHOWN in the ambient set and without CAP_MKNOD can or cannot do what these allow"
    trial.applied(SETS[4], got=got, want=[True, "EPERM"], message=message)


@case(sets=SETS, needs=["root"])
def user_without_ambient(trial: CaseContext) -> None:
    """A user who is not root, with no ambient set, can do nothing; the bounding and the inheritable set stay."""
    config = trial.config(*steps(["status"], ["ids"], ["write", "/tmp/f"], ["chown", "/tmp/f", "5", "5"], ["wait"]))
    some = "CHOWN KILL NET_BIND_SERVICE"
    given(config, 1000, bounding=some, permitted=some, effective=some, inheritable="KILL")
    facts = trial.run(config)
    trial.judge_facts(config, facts)
    message = "a user without ambient capabilities can give a file away"
    trial.applied(SETS[4], got=facts.outcome("chown", "/tmp/f"), want="EPERM", message=message)


def said(trial: CaseContext, container: Container) -> str:
    """All that the runtime said of a container: its log and what it printed."""
    calls = "\n".join(call.stdout + call.stderr for call in trial.runtime.calls)
    files = (trial.runtime.log, container.errors, container.output)
    return calls + "\n".join(map(text_of, files))


def judge_warned(trial: CaseContext, name: str, config: dict[str, Any], wrapper: tuple[str, ...] = ()) -> None:
    """Judge that a capability that cannot be had is warned of, and that all else is as it would be without."""
    others = {key: [*kept] for key, kept in config["process"]["capabilities"].items()}
    for kept in config["process"]["capabilities"].values():
        kept.append(name)
    container = trial.container(config)
    done = container.create(wrapper=wrapper)
    started = container.start(wrapper=wrapper) if done.ok else done
    message = f"the container is refused for {name}: {started.last_error_line}"
    trial.expect_that(NO_FAIL, message, held=started.ok, got=started.last_error_line, want="a container, and a warning")
    bare = name.removeprefix("CAP_").lower()
    message = f"the runtime does not say a word on {name}, which the process cannot have"
    trial.expect_that(WARNING, message, held=bare in said(trial, container).lower(), want="a warning that names it")
    if started.ok:
        config["process"]["capabilities"] = others
        trial.judge_facts(config, container.facts())
    elif trial.case.sets:
        trial.skip(f"the runtime refuses the container, as it should not, for {name}", "runtime.lifecycle.create-env")


@case(ERROR, WARNING, NO_FAIL, sets=SETS[:1], needs=["root"])
def unknown_capability(trial: CaseContext) -> None:
    """A capability that nobody knows is an error to 1.0.2; later it is warned of, and the others are granted."""
    config = trial.config(*steps(["status"], ["ids"], ["wait"]))
    if trial.holds("1.1.0"):
        judge_warned(trial, UNKNOWN, config)
        return
    wrong = trial.config("wait")
    for kept in wrong["process"]["capabilities"].values():
        kept.append(UNKNOWN)
    trial.refused(
        ERROR, wrong, "a capability that the kernel does not know does not generate an error", pointer=SETS[0]
    )
    trial.judge_facts(config, trial.run(config))


@case(WARNING, NO_FAIL, needs=["root", "isolation"])
def capability_that_cannot_be_granted(trial: CaseContext) -> None:
    """A capability that the caller of the runtime cannot have itself is warned of; the container is made without it."""
    trial.control(trial.config("wait"))
    judge_warned(trial, f"CAP_{DROPPED}", trial.config("status", ",", "ids", ",", "wait"), caller(drop=[DROPPED]))
