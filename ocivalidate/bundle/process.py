"""Checks of process (runtime-spec config.md#process)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from ocivalidate.bundle.cpulists import list_form
from ocivalidate.bundle.paths import not_absolute
from ocivalidate.bundle.registry import CONFIG
from ocivalidate.bundle.values import CAPABILITIES, LINUX_RLIMITS, SOLARIS_RLIMITS, in_open_list
from ocivalidate.jsontext.pointers import Path
from ocivalidate.rules.checks import CheckContext, Node, Violation
from ocivalidate.rules.clauses import Severity
from ocivalidate.rules.remedies import Drop, Write, near, same

CWD = "runtime/config.process.cwd.absolute"
ARGS = "runtime/config.process.args.non-empty-non-windows"
UID = "runtime/config.process.user.uid.required"
GID = "runtime/config.process.user.gid.required"
ENV = "safety/config.process.env.name-value"
RLIMIT_LINUX = "runtime/config.process.rlimits.type.linux-values"
RLIMIT_SOLARIS = "runtime/config.process.rlimits.type.solaris-values"
RLIMIT_UNIQUE = "runtime/config.process.rlimits.type.unique"
SOFT_ABOVE_HARD = "safety/config.process.rlimits.soft-above-hard"
CAPABILITY = "runtime/config.process.capabilities.values"
NOT_PERMITTED = "safety/config.process.capabilities.not-permitted"
PRIORITY = "safety/config.process.scheduler.priority"
DEADLINE = "safety/config.process.scheduler.deadline"
POLICY = "safety/config.process.scheduler.policy"
PROGRAM = "safety/config.process.args.program"
AFFINITY = {
    "initial": "runtime/config.process.execCPUAffinity.initial.format",
    "final": "runtime/config.process.execCPUAffinity.final.format",
}

CAPABILITY_SETS = ("effective", "bounding", "inheritable", "permitted", "ambient")
REAL_TIME_POLICIES = ("SCHED_FIFO", "SCHED_RR")
# include/uapi/linux/sched.h: the name is reserved for a policy that was never implemented.
_NEVER_MADE = "SCHED_ISO"
# kernel/sched/deadline.c, __checkparam_dl(): the shortest runtime, in nanoseconds, and the first time that is too long.
_SHORTEST, _TOO_LONG = 1024, 2**63
_CAPABILITY_NAME = r"[A-Za-z_]+"
# Nobody writes a capability wrongly more often and wants all of it mended.
_MOST_PLACES = 64


@CONFIG.check("/process/cwd", CWD)
def cwd_is_absolute(node: Node, context: CheckContext) -> Iterator[Violation]:
    """The working directory is a path in the container."""
    yield from not_absolute(node, CWD, context.platforms)


@CONFIG.check("/process", ARGS)
def args_are_there(node: Node, context: CheckContext) -> Iterator[Violation]:
    """An empty args cannot be run.

    A missing one is a note: the text calls args OPTIONAL, and tools fill it in later. Windows is exempt since 1.0.2,
    which allows commandLine instead.
    """
    if context.on("windows") and context.since("1.0.2"):
        return
    args = node.get("args")
    if args is not None and not args.value:
        yield args.breaks(ARGS, "process.args has no entry", want="at least the program to run")
    elif not node.has("args") and context.since("1.0.2"):
        message = "process.args is missing: there is no program to run"
        yield node.breaks(ARGS, message, got="", severity=Severity.NOTE)


@CONFIG.check("/process/args/*", PROGRAM)
def program_has_a_name(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """execve(2) returns ENOENT for the empty path, and a search finds nothing by that name."""
    if node.name == "0" and node.value == "":
        yield node.breaks(PROGRAM, "process.args[0] is empty: there is no program to run", want="a program")


@CONFIG.check("/process/user", UID, GID)
def user_has_ids(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Not on Windows, where users have names instead."""
    if context.on("windows"):
        return
    for name, clause in (("uid", UID), ("gid", GID)):
        if not node.has(name):
            yield node.breaks(clause, f"process.user.{name} is missing", got="", want=f"a member {name}")


@CONFIG.check("/process/env/*", ENV)
def env_entry_has_a_name(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """The environment holds strings of the form NAME=value (POSIX, environ); others are dropped or refused."""
    if not is_variable(node.value):
        yield node.breaks(ENV, f"{node.place} is not of the form NAME=value")


def is_variable(entry: str) -> bool:
    """Whether an entry of an environment gives a value to a name (POSIX, environ)."""
    name, equals, _value = entry.partition("=")
    return bool(equals and name)


@CONFIG.check("/process/rlimits/*/type", RLIMIT_LINUX, RLIMIT_SOLARIS)
def rlimit_is_known(node: Node, context: CheckContext) -> Iterator[Violation]:
    """A document for several platforms may use the limits of any of them."""
    if context.on("linux"):
        extra = SOLARIS_RLIMITS if context.on("solaris") else {}
        yield from in_open_list(node, context, RLIMIT_LINUX, {**extra, **LINUX_RLIMITS})
    elif context.on("solaris"):
        yield from in_open_list(node, context, RLIMIT_SOLARIS, {**dict.fromkeys(LINUX_RLIMITS), **SOLARIS_RLIMITS})


@CONFIG.check("/process/rlimits", RLIMIT_UNIQUE)
def rlimits_are_unique(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """A runtime has to refuse a type that is listed twice."""
    yield from repeated(node, "type", RLIMIT_UNIQUE)


@CONFIG.check("/process/rlimits/*", SOFT_ABOVE_HARD)
def soft_limit_is_below_hard(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """setrlimit(2) returns EINVAL."""
    soft, hard = node.number("soft"), node.number("hard")
    if soft is not None and hard is not None and soft > hard:
        yield node.breaks(
            SOFT_ABOVE_HARD, f"{node.place} has a soft limit above its hard limit", got=f"{soft} > {hard}"
        )


@CONFIG.check(tuple(f"/process/capabilities/{name}/*" for name in CAPABILITY_SETS), CAPABILITY)
def capability_is_known(node: Node, context: CheckContext) -> Iterator[Violation]:
    """Until 1.0.2 runtimes had to refuse an unknown capability; from 1.1.0 on they warn about it."""
    if node.value in CAPABILITIES:
        return
    meant = _capability_meant(node.value)
    lowered = Severity.WARNING if context.since("1.1.0") else None
    hint = f"did you mean {meant}?" if meant else ""
    remedy = _capability_remedy(meant, node, context) if meant else None
    message = f"{node.place} is not a known capability"
    yield node.breaks(CAPABILITY, message, hint=hint, severity=lowered, remedy=remedy)


def _capability_meant(given: str) -> str:
    name = given.upper()
    guess = name if name.startswith("CAP_") else f"CAP_{name}"
    if re.fullmatch(_CAPABILITY_NAME, given) is not None and guess in CAPABILITIES:
        return guess
    return near(given, sorted(CAPABILITIES))


def _capability_remedy(name: str, node: Node, context: CheckContext) -> Write:
    """It is written rightly in every set at once: what is effective has to be permitted by the same name."""
    places = context.once("misspelled capabilities", lambda: _misspelled_capabilities(context))
    return Write(json.dumps(name), tuple(path for path in places[name] if path != node.path))


def _misspelled_capabilities(context: CheckContext) -> dict[str, list[Path]]:
    places: dict[str, list[Path]] = {}
    for name in CAPABILITY_SETS:
        for entry in context.root.elements("process", "capabilities", name):
            meant = "" if entry.value in CAPABILITIES else _capability_meant(entry.value)
            if meant and len(places.setdefault(meant, [])) <= _MOST_PLACES:
                places[meant].append(entry.path)
    return places


@CONFIG.check("/process/capabilities/effective", NOT_PERMITTED)
def effective_is_permitted(node: Node, context: CheckContext) -> Iterator[Violation]:
    """capset(2) returns EPERM."""
    permitted = context.root.children_if_all_sound("process", "capabilities", "permitted")
    if permitted is None:
        return
    held = {capability.value for capability in permitted}
    for capability in node.children():
        if capability.value not in held:
            yield capability.breaks(NOT_PERMITTED, f"{capability.value} is effective, but not permitted", got="")


@CONFIG.check("/process/scheduler/policy", POLICY)
def policy_is_one_of_the_kernel(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """The specification lists one policy that no kernel has."""
    if node.value == _NEVER_MADE:
        yield node.breaks(POLICY, f"no kernel has the policy {_NEVER_MADE}")


@CONFIG.check("/process/scheduler", PRIORITY)
def priority_fits_the_policy(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """sched_setattr(2): real-time policies have priorities from 1, other policies none."""
    policy, priority = node.text("policy"), node.number("priority") or 0
    if policy is None or (node.has("priority") and node.get("priority") is None):
        return
    if policy in REAL_TIME_POLICIES and not 1 <= priority <= 99:
        yield node.breaks(PRIORITY, f"{policy} needs a priority", got=f"priority {priority}", want="1 to 99")
    elif policy not in REAL_TIME_POLICIES and priority != 0:
        yield node.breaks(PRIORITY, f"{policy} takes no priority", got=f"priority {priority}", want="0")


@CONFIG.check("/process/scheduler", DEADLINE)
def deadline_parameters_fit(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """sched_setattr(2) returns EINVAL unless 1024 <= runtime <= deadline <= period, where period 0 is the deadline.

    For other policies they mean nothing, or a time slice: some runtimes refuse them and others set them.
    """
    policy = node.text("policy")
    names = ("runtime", "deadline", "period")
    if policy is None or any(node.has(name) and node.get(name) is None for name in names):
        return
    runtime, deadline, period = (node.number(name) or 0 for name in names)
    if policy != "SCHED_DEADLINE":
        if runtime or deadline or period:
            message = f"runtime, deadline and period have no meaning for {policy}"
            yield node.breaks(DEADLINE, message, got="", severity=Severity.WARNING)
    elif not (_SHORTEST <= runtime <= deadline <= (period or deadline) < _TOO_LONG):
        got = f"{runtime}, {deadline}, {period}"
        message = f"SCHED_DEADLINE needs {_SHORTEST} <= runtime <= deadline <= period"
        yield node.breaks(DEADLINE, message, got=got)


@CONFIG.check(("/process/execCPUAffinity/initial", "/process/execCPUAffinity/final"), *AFFINITY.values())
def affinity_is_a_cpu_list(node: Node, _context: CheckContext) -> Iterator[Violation]:
    """The same form as cpusets have."""
    yield from list_form(node, AFFINITY[node.name])


def repeated(entries: Node, member: str, clause: str) -> Iterator[Violation]:
    """A violation for each entry whose ``member`` has a value that an earlier entry has."""
    first: dict[str, Node] = {}
    for entry in entries.children():
        value = entry.text(member)
        if value is None:
            continue
        if value in first:
            message = f"{entry.place} repeats the {member} of {first[value].place}"
            remedy = Drop() if same(entry.value, first[value].value) else None
            yield entry.breaks(clause, message, got=value, remedy=remedy)
        else:
            first[value] = entry
