"""How the process is scheduled: policy, nice value, priority, deadline, I/O priority, affinity, execution domain."""

from __future__ import annotations

from typing import Any

from ocivalidate.runtime import CaseContext, Facts, caller, case, grouping, steps

SCHEDULER = "/process/scheduler"
POLICY, NICE, PRIORITY, FLAGS = (f"{SCHEDULER}/{name}" for name in ("policy", "nice", "priority", "flags"))
DEADLINE = tuple(f"{SCHEDULER}/{name}" for name in ("runtime", "deadline", "period"))
NICE_DEFAULT = "config.process.scheduler.nice.default"
PRIORITY_DEFAULT = "config.process.scheduler.priority.default"
MILLISECOND = 1_000_000
TRIES = 3
BUDGET = {"runtime": 3 * MILLISECOND, "deadline": 20 * MILLISECOND, "period": 30 * MILLISECOND}
LOOK = steps(["scheduler"], ["wait"])


def scheduled(trial: CaseContext, **members: Any) -> dict[str, Any]:
    """A config with this scheduler, whose probe looks at what it got; skips where the kernel refuses it to anybody."""
    config = with_scheduler(trial, members)
    grouping.skip_unscheduled(trial, config)
    return config


def with_scheduler(trial: CaseContext, members: dict[str, Any]) -> dict[str, Any]:
    """A config with this scheduler, whatever the kernel makes of it."""
    config = trial.config(*LOOK)
    config["process"]["scheduler"] = members
    if members["policy"] in ("SCHED_FIFO", "SCHED_RR"):
        trial.allow_real_time(config)
    return config


def judge(trial: CaseContext, config: dict[str, Any], wrapper: tuple[str, ...] = ()) -> Facts:
    """Run a container and judge what its process is."""
    container = trial.container(config)
    container.must_create(wrapper=wrapper).must_start(wrapper=wrapper)
    facts = container.facts()
    trial.judge_facts(config, facts)
    container.clean_up()
    return facts


@case(NICE_DEFAULT, PRIORITY_DEFAULT, sets=[POLICY, NICE])
def time_sharing(trial: CaseContext) -> None:
    """The policies of ordinary processes with their nice value; one that is not given is zero, whoever calls."""
    judge(trial, scheduled(trial, policy="SCHED_OTHER", nice=7))
    judge(trial, scheduled(trial, policy="SCHED_BATCH", nice=9))
    judge(trial, scheduled(trial, policy="SCHED_IDLE"))
    if trial.host.root:
        # To become less nice again takes a privilege.
        judge(trial, scheduled(trial, policy="SCHED_OTHER"), caller(nice=5))


@case(sets=[NICE], needs=["root", "cap:SYS_NICE"])
def less_nice_than_others(trial: CaseContext) -> None:
    """A nice value below zero, which takes a privilege of the runtime, is applied; for another user too."""
    config = scheduled(trial, policy="SCHED_OTHER", nice=-11)
    config["process"]["user"] = {"uid": 1000, "gid": 1000}
    judge(trial, config)


@case(sets=[POLICY, PRIORITY], needs=["root", "isolation", "policy:SCHED_FIFO"], alone=["real-time"])
def real_time(trial: CaseContext) -> None:
    """The policies of real-time processes with their priority."""
    judge(trial, scheduled(trial, policy="SCHED_FIFO", priority=12))
    judge(trial, scheduled(trial, policy="SCHED_RR", priority=34))


@case(PRIORITY_DEFAULT, needs=["root", "isolation", "policy:SCHED_FIFO"], alone=["real-time"])
def real_time_without_priority(trial: CaseContext) -> None:
    """A priority that is not given is zero, which SCHED_FIFO cannot have: no other one is chosen in its place."""
    message = "SCHED_FIFO without a priority is run with some priority"
    refused(trial, PRIORITY_DEFAULT, {"policy": "SCHED_FIFO"}, {"policy": "SCHED_FIFO", "priority": 1}, message)


def refused(trial: CaseContext, clause: str, wrong: dict[str, Any], right: dict[str, Any], message: str) -> None:
    """Judge that a scheduler which the kernel refuses is refused, by create or by start, when another one is not."""
    trial.control(scheduled(trial, **right))
    for _ in range(TRIES):
        container = trial.container(with_scheduler(trial, wrong))
        created = container.create()
        done = container.start() if created.ok else created
        got = "an error" if done.refused else f"runs: {container.facts().outcome('scheduler')}"
        container.clean_up()
        # The kernel counts the budgets of groups that are being removed: a refusal counts beside what is accepted now.
        if not done.refused or _is_accepted(trial, right):
            trial.expect(clause, message, got=got, want="an error", pointer=SCHEDULER)
            return
    trial.skip("what was accepted before is refused now: this kernel has no budget left")


def _is_accepted(trial: CaseContext, members: dict[str, Any]) -> bool:
    container = trial.container(with_scheduler(trial, members))
    done = container.create()
    container.clean_up()
    return done.ok


@case(sets=[POLICY, FLAGS], needs=["root"])
def scheduling_flags(trial: CaseContext) -> None:
    """The flags that the kernel keeps are kept."""
    judge(trial, scheduled(trial, policy="SCHED_BATCH", nice=3, flags=["SCHED_FLAG_RESET_ON_FORK"]))


@case(
    "config.process.scheduler.period.default",
    sets=[POLICY, *DEADLINE, FLAGS],
    needs=["root", "isolation", "policy:SCHED_DEADLINE"],
)
def deadline(trial: CaseContext) -> None:
    """The deadline policy with its budget and flags; without a period the kernel takes the deadline for it."""
    judge(trial, scheduled(trial, policy="SCHED_DEADLINE", **BUDGET, flags=["SCHED_FLAG_RECLAIM"]))
    without = {name: value for name, value in BUDGET.items() if name != "period"}
    got = judge(trial, scheduled(trial, policy="SCHED_DEADLINE", **without)).value("scheduler")["period"]
    message = "a period that is not given is not zero, for which the kernel takes the deadline"
    trial.expect("config.process.scheduler.period.default", message, got=got, want=BUDGET["deadline"])


NO_BUDGET = {
    "runtime": "config.process.scheduler.runtime.default",
    "deadline": "config.process.scheduler.deadline.default",
}


@case(
    *NO_BUDGET.values(),
    needs=["root", "isolation", "policy:SCHED_DEADLINE"],
)
def deadline_without_budget(trial: CaseContext) -> None:
    """A runtime or a deadline that is not given is zero, which the kernel refuses: none is made up."""
    right = {"policy": "SCHED_DEADLINE", **BUDGET}
    for name, clause in NO_BUDGET.items():
        wrong = {key: value for key, value in right.items() if key != name}
        message = f"SCHED_DEADLINE without a {name} is run with some {name}"
        refused(trial, clause, wrong, right, message)


@case(sets=["/process/ioPriority/class", "/process/ioPriority/priority"], needs=["root"])
def io_priority(trial: CaseContext) -> None:
    """Class and priority of input and output, and those of children."""
    for kind, priority in (("IOPRIO_CLASS_BE", 6), ("IOPRIO_CLASS_RT", 2)):
        config = trial.config(*steps(["ioprio"], ["wait"]))
        config["process"]["ioPriority"] = {"class": kind, "priority": priority}
        judge(trial, config)


@case(
    "config.process.execCPUAffinity.final-unset-no-change",
    sets=["/process/execCPUAffinity/initial", "/process/execCPUAffinity/final"],
    needs=["root", "cpus:2"],
)
def affinity_for_exec_alone(trial: CaseContext) -> None:
    """The first process is none of execCPUAffinity's affair: it runs where all others do, with final and without."""
    one = str(trial.host.cpus[0])
    want = trial.run(trial.config(*steps(["affinity"], ["wait"]))).value("affinity")
    for given in ({"initial": one}, {"initial": one, "final": one}):
        config = trial.config(*steps(["affinity"], ["wait"]))
        config["process"]["execCPUAffinity"] = given
        got = trial.run(config).value("affinity")
        for name in given:
            message = "the container's first process is kept to the processors of execCPUAffinity"
            trial.applied(f"/process/execCPUAffinity/{name}", got=got, want=want, message=message)
        if "final" not in given:
            message = "without final, the affinity is another than before"
            clause = "config.process.execCPUAffinity.final-unset-no-change"
            trial.expect(clause, message, got=got, want=want)


@case(sets=["/linux/personality/domain"], needs=["root", "machine:x86_64"])
def execution_domain(trial: CaseContext) -> None:
    """The process has the execution domain given, and is told of the machine that belongs to it."""
    config = trial.config(*steps(["personality"], ["uname"], ["wait"]))
    config["linux"]["personality"] = {"domain": "LINUX32"}
    facts = trial.run(config)
    trial.judge_facts(config, facts)
    if not grouping.linux32_is_told():
        # A kernel that has no programs of that domain, as User-mode Linux, tells everybody of its own machine.
        return
    message = "the process is not told the machine of LINUX32"
    trial.applied("/linux/personality/domain", got=facts.value("uname")["machine"], want="i686", message=message)
