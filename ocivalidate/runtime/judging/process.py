"""Rules on ``process``, except its capabilities."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ocivalidate.rules.declared import judges
from ocivalidate.runtime.judging.judgements import FactContext, Judgement, compare, unseen
from ocivalidate.runtime.kernel.cgroup_values import numbers_of
from ocivalidate.runtime.kernel.kernelnames import (
    DOMAINS,
    IO_CLASSES,
    KEPT_SCHEDULING_FLAGS,
    MEMORY_FLAGS,
    MEMORY_MODES,
    NO_LIMIT,
    POLICIES,
)
from ocivalidate.runtime.properties import APPLIES_CONFIG, CREATES_ENVIRONMENT

# Member of an entry of process.rlimits, or of process.scheduler → its clause.
_LIMITS = {
    "soft": "runtime/config.process.rlimits.soft-applied",
    "hard": "runtime/config.process.rlimits.hard-applied",
}
_DEFAULTS = {
    "nice": "runtime/config.process.scheduler.nice.default",
    "priority": "runtime/config.process.scheduler.priority.default",
    "runtime": "runtime/config.process.scheduler.runtime.default",
    "deadline": "runtime/config.process.scheduler.deadline.default",
    "period": "runtime/config.process.scheduler.period.default",
}
_FAIR = ("SCHED_OTHER", "SCHED_BATCH")


@judges(CREATES_ENVIRONMENT)
def user(context: FactContext) -> Iterator[Judgement]:
    """``process.user``."""
    ids, asked = context.facts.get("ids"), context.section("process").get("user") or {}
    if ids is None:
        return
    for name, kept in (("uid", "uids"), ("gid", "gids")):
        if name in asked:
            # Real, effective and saved.
            yield compare(f"/process/user/{name}", ids[kept], [asked[name]] * 3)
    if "additionalGids" in asked:
        # The primary group may be listed too or not; it gives no additional rights.
        main = {asked.get("gid")}
        yield compare(
            "/process/user/additionalGids",
            sorted(set(ids["groups"]) - main),
            sorted(set(asked["additionalGids"]) - main),
            message="the supplementary groups are not those of process.user.additionalGids",
        )
    if "umask" in asked:
        yield compare("/process/user/umask", ids["umask"], asked["umask"])


@judges(CREATES_ENVIRONMENT, "runtime/config.process.consoleSize.ignored-without-terminal")
def execution(context: FactContext) -> Iterator[Judgement]:
    """``process.cwd``, ``env``, ``args``, ``terminal``."""
    process, facts = context.section("process"), context.facts
    if "cwd" in facts and "cwd" in process:
        link = context.path(process["cwd"])
        want = link["real"] if link else process["cwd"]
        yield compare("/process/cwd", facts["cwd"], want.rstrip("/") or "/")
    if "environ" in facts and "env" in process:
        yield _environment(facts["environ"], process["env"])
    if facts.get("ids", {}).get("pid", 1) != 1:
        reason = "the probe was not the first process of the container"
        yield from (unseen(f"/process/{name}", reason) for name in ("args", "terminal") if name in process)
        return
    if "argv" in facts and "args" in process:
        yield compare("/process/args", facts["argv"], process["args"])
    if "tty" in facts:
        yield from _terminal(facts["tty"], process)


def _environment(got: list[str], given: list[str]) -> Judgement:
    """The variables of the config are set. A runtime may add others."""
    # If a variable is set twice, readers take one or the other.
    times = Counter(map(_variable, given))
    there = set(got)
    lost = [entry for entry in given if times[_variable(entry)] == 1 and entry not in there]
    # Other variables are not shown.
    names = set(map(_variable, lost))
    instead = [entry for entry in got if _variable(entry) in names]
    message = "variables of process.env are missing from the environment"
    return Judgement("/process/env", "", message, not lost, got=instead, want=lost)


def _variable(entry: str) -> str:
    return entry.partition("=")[0]


def _terminal(tty: Mapping[str, Any], process: Mapping[str, Any]) -> Iterator[Judgement]:
    if "terminal" in process:
        want = [0, 1, 2] if process["terminal"] else []
        message = "the standard streams do not match process.terminal"
        yield compare("/process/terminal", tty["terminals"], want, message=message)
    size = process.get("consoleSize")
    if size and process.get("terminal"):
        rows_and_columns = tty.get("size") or [None, None]
        for name, got in zip(("height", "width"), rows_and_columns, strict=False):
            yield compare(f"/process/consoleSize/{name}", got, size.get(name))
    elif size:
        yield compare(
            "/process/consoleSize",
            tty["terminals"],
            [],
            clause="runtime/config.process.consoleSize.ignored-without-terminal",
            message="the standard streams are a terminal although process.terminal is not true",
        )


@judges(CREATES_ENVIRONMENT)
def privileges(context: FactContext) -> Iterator[Judgement]:
    """``process.noNewPrivileges`` and the labels of security modules."""
    process, facts = context.section("process"), context.facts
    if "noNewPrivileges" in process and "status" in facts:
        flag = facts["status"].get("NoNewPrivs")
        if flag is None:
            yield unseen("/process/noNewPrivileges", "the status of the process has no NoNewPrivs")
        elif process["noNewPrivileges"]:
            yield compare("/process/noNewPrivileges", flag, "1")
        elif flag == "0":
            yield compare("/process/noNewPrivileges", "0", "0")
        else:
            yield unseen("/process/noNewPrivileges", "the flag is inherited, and may have been set in the caller")
    label = facts.get("label")
    for name in ("apparmorProfile", "selinuxLabel"):
        if name not in process:
            continue
        if label is None:
            yield unseen(f"/process/{name}", "no security module there reports a label")
        else:
            got = label.partition(" (")[0] if name == "apparmorProfile" else label
            yield compare(f"/process/{name}", got, process[name])


@judges(CREATES_ENVIRONMENT, "runtime/config.process.rlimits.getrlimit-succeeds", *_LIMITS.values())
def rlimits(context: FactContext) -> Iterator[Judgement]:
    """``process.rlimits``."""
    seen = context.facts.get("rlimits")
    if seen is None:
        return
    for number, entry in enumerate(context.section("process").get("rlimits") or ()):
        place, kind = f"/process/rlimits/{number}", entry.get("type")
        known = kind in seen
        yield compare(
            f"{place}/type",
            kind if known else None,
            kind,
            clause="runtime/config.process.rlimits.getrlimit-succeeds",
            message=f"{kind} is unknown to getrlimit in the container",
        )
        for (name, clause), got in zip(_LIMITS.items(), seen[kind] if known else (), strict=False):
            want = -1 if entry.get(name) == NO_LIMIT else entry.get(name)
            message = f"the {name} limit of {kind} is not as configured"
            yield compare(f"{place}/{name}", got, want, clause=clause, message=message)


@judges(CREATES_ENVIRONMENT, APPLIES_CONFIG, "runtime/config.process.oomScoreAdj.applied", *_DEFAULTS.values())
def scheduling(context: FactContext) -> Iterator[Judgement]:
    """``process.oomScoreAdj``, ``scheduler``, ``ioPriority``, ``execCPUAffinity``, ``linux.personality``."""
    process, facts = context.section("process"), context.facts
    if "oomScoreAdj" in process and "oom-score-adj" in facts:
        clause = "runtime/config.process.oomScoreAdj.applied"
        yield compare("/process/oomScoreAdj", facts["oom-score-adj"], process["oomScoreAdj"], clause=clause)
    if process.get("scheduler") and "scheduler" in facts:
        yield from _scheduler(facts["scheduler"], process["scheduler"])
    if process.get("ioPriority") and "ioprio" in facts:
        asked = process["ioPriority"]
        yield compare("/process/ioPriority/class", facts["ioprio"]["class"], IO_CLASSES.get(asked.get("class")))
        # Newer kernels store hints above these three bits.
        yield compare("/process/ioPriority/priority", facts["ioprio"]["priority"] & 7, asked.get("priority"))
    for name in process.get("execCPUAffinity") or ():
        yield unseen(f"/process/execCPUAffinity/{name}", "it does not apply to the first process of the container")
    personality = context.section("linux").get("personality")
    if personality and "personality" in facts:
        domain = DOMAINS.get(personality.get("domain"))
        yield compare("/linux/personality/domain", facts["personality"] & 0xFF, domain)


def _scheduler(got: Mapping[str, int], asked: Mapping[str, Any]) -> Iterator[Judgement]:
    place, policy = "/process/scheduler", asked.get("policy")
    yield compare(f"{place}/policy", got["policy"], POLICIES.get(str(policy)))
    if got["policy"] != POLICIES.get(str(policy)):
        # The other fields have another meaning then.
        return
    fields = {
        "nice": policy in _FAIR,
        "priority": True,
        **dict.fromkeys(("runtime", "deadline", "period"), policy == "SCHED_DEADLINE"),
    }
    for name, meant in fields.items():
        if not meant:
            if name in asked:
                yield unseen(f"{place}/{name}", f"the kernel keeps no {name} under {policy}")
            continue
        want = asked.get(name, 0)
        clause = "" if name in asked else _DEFAULTS[name]
        if name == "period" and not want:
            # sched_setattr(2): a period of zero means the deadline.
            want = asked.get("deadline", 0)
        yield compare(f"{place}/{name}" if name in asked else place, got[name], want, clause=clause)
    if "flags" in asked:
        yield from _flags(got["flags"], asked["flags"])


def _flags(got: int, asked: list[str]) -> Iterator[Judgement]:
    kept = sorted(name for name in asked if name in KEPT_SCHEDULING_FLAGS)
    seen = sorted(name for name, bit in KEPT_SCHEDULING_FLAGS.items() if got & bit)
    if len(kept) < len(asked):
        yield unseen("/process/scheduler/flags", "the kernel does not report which other flags were used")
    if kept:
        yield compare("/process/scheduler/flags", seen, kept)


@judges(APPLIES_CONFIG)
def processors_and_memory(context: FactContext) -> Iterator[Judgement]:
    """``linux.resources.cpu.cpus``, as far as the process sees it, and ``linux.memoryPolicy``."""
    linux, facts = context.section("linux"), context.facts
    listed = set(numbers_of(str(((linux.get("resources") or {}).get("cpu") or {}).get("cpus") or "")))
    if listed and "affinity" in facts:
        others = sorted(set(facts["affinity"]) - listed)
        message = "the process may run on processors that linux.resources.cpu.cpus does not list"
        yield compare("/linux/resources/cpu/cpus", others, [], message=message)
    policy, got = linux.get("memoryPolicy"), facts.get("mempolicy")
    if not policy or got is None:
        return
    flags = sum(MEMORY_FLAGS.values())
    place = "/linux/memoryPolicy"
    yield compare(f"{place}/mode", got["mode"] & ~flags, MEMORY_MODES.get(policy.get("mode")))
    if policy.get("nodes") and "RELATIVE" not in " ".join(policy.get("flags") or ()):
        yield compare(f"{place}/nodes", got["nodes"], numbers_of(policy["nodes"]))
    if "flags" in policy:
        want = sum(MEMORY_FLAGS.get(name, 0) for name in set(policy["flags"]))
        yield compare(f"{place}/flags", got["mode"] & flags, want)


RULES = (user, execution, privileges, rlimits, scheduling, processors_and_memory)
