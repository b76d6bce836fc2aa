"""Seccomp, judged by what becomes of system calls in the container."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

from ocivalidate.runtime import CannotJudge, CaseContext, Facts, case, filters, seccomp, steps, supervising

SECCOMP = "/linux/seccomp"
RULES = f"{SECCOMP}/syscalls/*"
_ALLOWED = Path(__file__).with_name("syscalls.txt")


# --- which call, which errno


@case(
    "config-linux.seccomp.syscalls.errnoRet.default",
    sets=[f"{SECCOMP}/defaultAction", f"{RULES}/names", f"{RULES}/action", f"{RULES}/errnoRet"],
    needs=["seccomp:errno"],
)
def rules_decide_which_calls_fail_and_how(trial: CaseContext) -> None:
    """Calls that a rule names fail with its errno, EPERM without one; others work."""
    names = ("getitimer", "sched_get_priority_max", "getpgid", "sched_get_priority_min")
    config = trial.config(*steps(*(["syscall", filters.number(trial, name), "0", "0"] for name in names)))
    without = filters.rule("SCMP_ACT_ERRNO", "getpgid")
    facts = trial.run(
        filters.with_filter(
            config,
            filters.failing("getitimer", errnoRet=filters.MARK),
            filters.failing("sched_get_priority_max", errnoRet=errno.EXDEV),
            without,
        )
    )
    outcomes = [facts.outcome("syscall", filters.number(trial, name)) for name in names]
    if trial.holds("1.1.0"):
        trial.applied(f"{RULES}/errnoRet", got=outcomes[:2], want=[filters.MARKED, "EXDEV"])
    trial.expect(
        "config-linux.seccomp.syscalls.errnoRet.default",
        "a rule without errnoRet does not give EPERM",
        got=outcomes[2],
        want="EPERM",
    )
    trial.applied(f"{RULES}/names", got=[isinstance(outcome, str) for outcome in outcomes], want=[True] * 3 + [False])
    trial.applied(f"{RULES}/action", got=outcomes[2], want="EPERM")
    trial.applied(f"{SECCOMP}/defaultAction", got=outcomes[3], want=0, message="the default action is not to allow")


@case(
    "config-linux.seccomp.defaultErrnoRet.default",
    sets=[f"{SECCOMP}/defaultAction", f"{SECCOMP}/defaultErrnoRet"],
    needs=["seccomp:errno", "machine:x86_64"],
)
def default_action_denies_what_no_rule_allows(trial: CaseContext) -> None:
    """With SCMP_ACT_ERRNO as the default action, a call that no rule allows fails, and those allowed work."""
    allowed = filters.rule("SCMP_ACT_ALLOW", *_ALLOWED.read_text(encoding="utf-8").split())
    # Which would succeed.
    probe = steps(["syscall", filters.number(trial, "getpriority"), "0", "0"], ["ids"])
    members = {"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"]}
    facts = trial.run(filters.with_filter(trial.config(*probe), allowed, **members))
    denied = facts.outcome("syscall")
    trial.applied(f"{SECCOMP}/defaultAction", got=isinstance(denied, str), want=True)
    trial.expect("config-linux.seccomp.defaultErrnoRet.default", "the default errno", got=denied, want="EPERM")
    if trial.holds("1.1.0"):
        facts = trial.run(filters.with_filter(trial.config(*probe), allowed, **members, defaultErrnoRet=filters.MARK))
        trial.applied(f"{SECCOMP}/defaultErrnoRet", got=facts.outcome("syscall"), want=filters.MARKED)


@case(
    "config-linux.seccomp.defaultErrnoRet.unsupported-error",
    "config-linux.seccomp.syscalls.errnoRet.unsupported-error",
    needs=["seccomp:errno"],
)
def an_errno_for_an_action_that_takes_none_is_refused(trial: CaseContext) -> None:
    """An errno beside an action that gives none, such as SCMP_ACT_KILL or SCMP_ACT_ALLOW, is an error."""
    control = filters.with_filter(trial.config("wait"), filters.rule("SCMP_ACT_KILL", "getitimer"))
    trial.refused(
        "config-linux.seccomp.defaultErrnoRet.unsupported-error",
        filters.with_filter(
            trial.config("wait"), filters.rule("SCMP_ACT_KILL", "getitimer"), defaultErrnoRet=filters.MARK
        ),
        "a container whose default action, SCMP_ACT_ALLOW, has an errno was created",
        control=control,
    )
    trial.refused(
        "config-linux.seccomp.syscalls.errnoRet.unsupported-error",
        filters.with_filter(trial.config("wait"), filters.rule("SCMP_ACT_KILL", "getitimer", errnoRet=filters.MARK)),
        "a container with a rule of SCMP_ACT_KILL that has an errno was created",
        control=control,
    )


@case(sets=[f"{RULES}/errnoRet", f"{RULES}/names"], needs=["seccomp:errno", "machine:x86_64"])
def rules_that_say_what_the_default_action_does(trial: CaseContext) -> None:
    """A rule with the default action changes nothing, and those beside it hold; one with another errno is another."""
    probe = steps(*(["syscall", filters.number(trial, name), "0", "0"] for name in ("getpriority", "getitimer")))
    redundant = filters.rule("SCMP_ACT_ALLOW", "getpriority")
    denying = filters.failing("getitimer", errnoRet=filters.MARK)
    facts = trial.run(filters.with_filter(trial.config(*probe), redundant, denying))
    got = [isinstance(facts.outcome("syscall", *step), str) for step in _arguments(trial)]
    message = "beside a rule with the default action, another does not hold"
    trial.applied(f"{RULES}/names", got=got, want=[False, True], message=message)
    allowed = filters.rule("SCMP_ACT_ALLOW", *_ALLOWED.read_text(encoding="utf-8").split())
    members = {"defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64"]}
    same = filters.rule("SCMP_ACT_ERRNO", "getpriority")
    facts = trial.run(filters.with_filter(trial.config(*probe), allowed, same, denying, **members))
    if trial.holds("1.1.0"):
        got = [facts.outcome("syscall", *step) for step in _arguments(trial)]
        message = "a rule with the default action and another errno does not give that"
        trial.applied(f"{RULES}/errnoRet", got=got, want=["EPERM", filters.MARKED], message=message)


def _arguments(trial: CaseContext) -> list[list[str]]:
    return [[filters.number(trial, name), "0", "0"] for name in ("getpriority", "getitimer")]


# --- arguments

MASKED = "SCMP_CMP_MASKED_EQ"
# Operator → the call, members of the argument, and for values of the call's argument whether they match: below, equal
# and above, which tell each operator from each other one.
OPERATORS: dict[str, tuple[str, dict[str, int], dict[int, bool]]] = {
    "SCMP_CMP_NE": ("getpriority", {"value": 77}, {76: True, 77: False, 78: True}),
    "SCMP_CMP_LT": ("sched_get_priority_max", {"value": 77}, {76: True, 77: False, 78: False}),
    "SCMP_CMP_LE": ("sched_get_priority_min", {"value": 77}, {76: True, 77: True, 78: False}),
    "SCMP_CMP_EQ": ("timer_getoverrun", {"value": 77}, {76: False, 77: True, 78: False}),
    "SCMP_CMP_GE": ("inotify_rm_watch", {"value": 77}, {76: False, 77: True, 78: True}),
    "SCMP_CMP_GT": ("getpgid", {"value": 99999990}, {99999989: False, 99999990: False, 99999991: True}),
    MASKED: (
        "getitimer",
        {"value": 0xF0, "valueTwo": 0x70},
        {0x7B: True, 0x6B: False, 0x70: True, 0xF0: False, 0x17B: True},
    ),
}


@case(
    sets=[f"{RULES}/args/*/{name}" for name in ("index", "value", "valueTwo", "op")],
    needs=["seccomp:errno"],
)
def arguments_decide_with_every_operator(trial: CaseContext) -> None:
    """A rule with arguments matches by each of the seven operators, by the argument at its index, and only then."""
    rules = [
        filters.failing(name, errnoRet=filters.MARK, args=[{"index": 0, "op": op, **values}])
        for op, (name, values, _) in OPERATORS.items()
    ]
    # The second argument, and two at once.
    rules.append(
        filters.failing(
            "sched_rr_get_interval", errnoRet=filters.MARK, args=[{"index": 1, "op": "SCMP_CMP_EQ", "value": 5}]
        )
    )
    both = [{"index": index, "op": "SCMP_CMP_EQ", "value": 3} for index in (0, 1)]
    rules.append(filters.failing("mq_unlink", errnoRet=filters.MARK, args=both))
    calls = [
        ["syscall", filters.number(trial, name), str(argument)]
        for name, _, matching in OPERATORS.values()
        for argument in matching
    ]
    interval, unlink = filters.number(trial, "sched_rr_get_interval"), filters.number(trial, "mq_unlink")
    pairs = [[interval, "99999991", "5"], [interval, "5", "0"], [unlink, "3", "3"], [unlink, "0", "3"]]
    facts = trial.run(
        filters.with_filter(trial.config(*steps(*calls, *(["syscall", *pair] for pair in pairs))), *rules)
    )
    denied = "ENOANO" if trial.holds("1.1.0") else facts.outcome("syscall", *calls[0][1:])
    matched = {op: _matches(facts, trial, denied, op) for op in OPERATORS}
    want = {op: matching for op, (_, _, matching) in OPERATORS.items()}
    plain = {op: pair for op, pair in want.items() if op != MASKED}
    trial.applied(f"{RULES}/args/*/op", got=matched, want=want, message="operators do not match as they are defined")
    trial.applied(f"{RULES}/args/*/value", got={op: matched[op] for op in plain}, want=plain)
    trial.applied(f"{RULES}/args/*/valueTwo", got=matched[MASKED], want=want[MASKED])
    got = [facts.outcome("syscall", *pair) == denied for pair in pairs]
    trial.applied(f"{RULES}/args/*/index", got=got, want=[True, False, True, False])


def _matches(facts: Facts, trial: CaseContext, denied: Any, op: str) -> dict[int, bool]:
    name, _, matching = OPERATORS[op]
    return {
        argument: facts.outcome("syscall", filters.number(trial, name), str(argument)) == denied
        and isinstance(denied, str)
        for argument in matching
    }


# --- the other actions


@case(sets=[f"{RULES}/action"], needs=["seccomp:kill_process", "seccomp:trap", "seccomp:log"])
def actions_do_what_they_say(trial: CaseContext) -> None:
    """Trap raises SIGSYS, log lets the call through, trace without a tracer is ENOSYS, kill ends the caller."""
    actions = {"SCMP_ACT_TRAP": "getpriority", "SCMP_ACT_LOG": "sched_get_priority_max", "SCMP_ACT_TRACE": "getpgid"}
    kills = {"SCMP_ACT_KILL": "getitimer"}
    if trial.holds("1.1.0"):
        kills |= {"SCMP_ACT_KILL_PROCESS": "timer_getoverrun", "SCMP_ACT_KILL_THREAD": "inotify_rm_watch"}
    numbers = {action: filters.number(trial, name) for action, name in (actions | kills).items()}
    probe = steps(
        ["in-child", "trap", numbers["SCMP_ACT_TRAP"]],
        ["syscall", numbers["SCMP_ACT_LOG"], "1"],
        ["syscall", numbers["SCMP_ACT_TRACE"], "0"],
        *(["in-child", "trap", numbers[action]] for action in kills),
        *(["in-child", "in-thread", numbers[action]] for action in kills),
    )
    rules = [filters.rule(action, name) for action, name in (actions | kills).items()]
    facts = trial.run(filters.with_filter(trial.config(*probe), *rules))
    trapped = json.loads(facts.value("in-child", "trap", numbers["SCMP_ACT_TRAP"])["printed"] or "{}")
    got: dict[str, Any] = {
        "SCMP_ACT_TRAP": trapped.get("value"),
        "SCMP_ACT_LOG": facts.outcome("syscall", numbers["SCMP_ACT_LOG"]),
        "SCMP_ACT_TRACE": facts.outcome("syscall", numbers["SCMP_ACT_TRACE"]),
    }
    want: dict[str, Any] = {"SCMP_ACT_TRAP": {"caught": [31]}, "SCMP_ACT_LOG": 99, "SCMP_ACT_TRACE": "ENOSYS"}
    for action in kills:
        got[action] = facts.value("in-child", "trap", numbers[action])["signal"]
        want[action] = 31
    for action in {"SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD"} & set(kills):
        # The signal that ended the process, or 0 where it outlived its thread.
        got[f"{action} in a thread"] = facts.value("in-child", "in-thread", numbers[action])["signal"]
        want[f"{action} in a thread"] = 31 if action == "SCMP_ACT_KILL_PROCESS" else 0
    trial.applied(f"{RULES}/action", got=got, want=want, message="actions do not do what they say")


@case(sets=[f"{SECCOMP}/architectures"], needs=["seccomp:errno", "machine:x86_64"])
def architectures_decide_which_calls_are_looked_at(trial: CaseContext) -> None:
    """With x86 listed a rule holds for 32-bit calls too; without it they end the process."""
    if not filters.has_32_bit_calls():
        trial.skip("this kernel has no 32-bit system calls")
    probe = steps(["in-child", "int80", "105", "0", "0"], ["syscall", filters.number(trial, "getitimer"), "0", "0"])
    both = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]
    facts = trial.run(filters.with_filter(trial.config(*probe), filters.failing(), architectures=both))
    said = facts.value("in-child")
    allowed = json.loads(said["printed"]).get("value") if said["printed"] else f"signal {said['signal']}"
    alone = trial.run(filters.with_filter(trial.config(*probe), filters.failing(), architectures=both[:1]))
    trial.applied(
        f"{SECCOMP}/architectures",
        got={"both": allowed, "x86_64 alone": alone.value("in-child")["signal"], "64 bit": alone.outcome("syscall")},
        want={"both": errno.EPERM, "x86_64 alone": 31, "64 bit": "EPERM"},
    )


@case(sets=[f"{SECCOMP}/flags"], needs=["root", "seccomp:log", "cap:SYS_ADMIN"])
def filter_has_the_flags_that_are_listed(trial: CaseContext) -> None:
    """With SECCOMP_FILTER_FLAG_LOG the kernel knows the filter as one that logs; without it, not."""
    seen = {}
    for flags in (["SECCOMP_FILTER_FLAG_LOG"], ["SECCOMP_FILTER_FLAG_SPEC_ALLOW"]):
        config = filters.with_filter(trial.config("ids", ",", "wait"), filters.failing(), flags=flags)
        container = trial.container(config).must_create().must_start()
        container.facts()
        try:
            seen[flags[0]] = any(flag & seccomp.FLAG_LOG for flag in seccomp.filter_flags(container.pid))
        except CannotJudge as reason:
            trial.skip(str(reason))
        container.clean_up()
    want = {"SECCOMP_FILTER_FLAG_LOG": True, "SECCOMP_FILTER_FLAG_SPEC_ALLOW": False}
    trial.applied(f"{SECCOMP}/flags", got=seen, want=want)


# --- a supervisor


@case(
    "config-linux.seccomp.listenerPath.one-state",
    "config-linux.seccomp.listenerPath.no-reuse",
    "config-linux.seccomp.listenerPath.closed",
    "config-linux.seccomp.listener.seccompFd.required",
    "config-linux.seccomp.listenerMetadata.sent",
    "config-linux.containerProcessState.json-payload",
    "config-linux.containerProcessState.scm-rights",
    "config-linux.containerProcessState.fds-first-call",
    "config-linux.containerProcessState.fds.type",
    "config-linux.containerProcessState.fds.order",
    *(clause for _name, _kind, *clauses in supervising.MEMBERS for clause in clauses),
    "config-linux.containerProcessState.metadata.type",
    sets=[f"{SECCOMP}/listenerPath", f"{SECCOMP}/listenerMetadata"],
    needs=["root", "seccomp:user_notif"],
)
def supervisor_gets_the_container_process_state(trial: CaseContext) -> None:
    """The socket of listenerPath gets one state with the descriptor that answers calls, and is closed."""
    listener = seccomp.Listener(trial.folder / "s", filters.MARK)
    trial.undo(listener.close)
    config = filters.with_filter(
        trial.config("syscall", filters.number(trial, "getitimer"), "0", "0", ",", "wait"),
        filters.rule("SCMP_ACT_NOTIFY", "getitimer"),
        listenerPath=str(listener.path),
        listenerMetadata=supervising.METADATA,
    )
    container = trial.container(config).must_create().must_start()
    facts = container.facts()
    listener.wait_closed(2.0 * trial.runtime.pace)
    messages = listener.messages
    states = [supervising.count_documents(message) for message in messages]
    trial.expect("config-linux.seccomp.listenerPath.one-state", "states on each connection", got=states, want=[1])
    trial.applied(
        f"{SECCOMP}/listenerPath", got=facts.outcome("syscall"), want=filters.MARKED, message="calls go unanswered"
    )
    if not messages:
        trial.skip("the runtime sends no state of which more could be said")
    trial.expect("config-linux.seccomp.listenerPath.no-reuse", "connections to the socket", got=len(messages), want=1)
    trial.expect("config-linux.seccomp.listenerPath.closed", "the connection stays open", got=messages[0].closed)
    supervising.judge_process_state(trial, container, messages[0])


@case("config-linux.seccomp.listenerPath.ignored", "config-linux.seccomp.listenerPath.send-fail-error", needs=["root"])
def listener_that_is_not_there_matters_only_with_notify(trial: CaseContext) -> None:
    """A socket that nobody made is an error with SCMP_ACT_NOTIFY, and ignored without."""
    nobody = str(trial.folder / "nobody")
    plain = trial.config("syscall", filters.number(trial, "getitimer"), "0", "0")
    trial.control(filters.with_filter(plain, filters.failing()))
    container = trial.container(filters.with_filter(plain, filters.failing(), listenerPath=nobody))
    created = container.create()
    started = container.start() if created.ok else created
    trial.expect_that(
        "config-linux.seccomp.listenerPath.ignored",
        "listenerPath is not ignored without SCMP_ACT_NOTIFY",
        held=started.ok,
        got=started.last_error_line,
        want="a container",
    )
    notify = filters.rule("SCMP_ACT_NOTIFY", "getitimer")
    # With a socket that is there it is accepted: it is the path alone that is wrong.
    there = trial.console_socket()
    trial.control(filters.with_filter(trial.config("ids"), notify, listenerPath=str(there.path)))
    unheard = trial.container(filters.with_filter(trial.config("ids"), notify, listenerPath=nobody))
    done = unheard.create()
    if done.ok:
        done = unheard.start()
    trial.expect_that(
        "config-linux.seccomp.listenerPath.send-fail-error",
        "a state that could not be sent does not generate an error",
        held=done.refused,
        got=done.last_error_line,
        want="an error",
    )
