"""Properties that a runtime sets by a system call which a filter denies to the container.

What the filter denies is denied to the program of the container. A runtime that loads the filter too early denies it to
itself, and what the call sets is refused, or lost. Each row is a case; its control has the same property and the same
filter, on a call that sets nothing. Where that is taken and applied, the runtime supports both values: a refusal of the
two together is no choice of a subset of the valid values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ocivalidate.runtime import CaseContext, Facts, RuntimeFailed, case, changed, filters, steps

NAMES = "/linux/seccomp/syscalls/*/names"
_MIB = 1 << 20
_GROUPS = [17, 4242]
# Above all ids that the root filesystem knows.
_USER = {"uid": 1234, "gid": 2345, "additionalGids": _GROUPS}
_LIMITS = [{"type": "RLIMIT_MSGQUEUE", "soft": 600_001, "hard": 600_002}]
_TMPFS = {"destination": "/mnt", "type": "tmpfs", "source": "tmpfs", "options": ["size=1m", "mode=0750"]}


@dataclass(frozen=True, slots=True)
class Setting:
    """A property, and the calls that set it.

    ``name`` is that of the case, ``pointer`` says where ``value`` is put. ``denied``: the calls of the filter, of which
    the first is tried inside: its number on x86_64 and on newer architectures, and its arguments. ``look``: the step
    that tells; ``got``: what of it, to equal ``want``. ``leaves``: the properties judged. ``with_privileges``: whether
    it is tried without ``noNewPrivileges`` too. To change its user or its capabilities is the last that a process does
    which has to keep a privilege, until then, for loading a filter: there it is tried with it alone. ``where``: the
    argument of the call by which the filter tells setting from asking.
    """

    name: str
    pointer: str
    value: Any
    denied: tuple[str, ...]
    numbers: tuple[int, int]
    arguments: tuple[str, ...]
    look: tuple[str, ...]
    got: Callable[[Any], Any]
    want: Any
    leaves: tuple[str, ...] = ("",)
    since: str = "1.0.0"
    needs: tuple[str, ...] = ()
    with_privileges: bool = True
    where: tuple[dict[str, Any], ...] = ()


SETTINGS = (
    Setting(
        "personality",
        "/linux/personality",
        {"domain": "LINUX32"},
        ("personality",),
        (135, 92),
        ("4294967295",),
        ("uname",),
        lambda names: names["machine"],
        "i686",
        ("/domain",),
        "1.0.2",
        ("machine:x86_64",),
    ),
    Setting(
        "scheduler",
        "/process/scheduler",
        {"policy": "SCHED_BATCH", "nice": 7},
        ("sched_setattr", "sched_setscheduler", "sched_setparam", "setpriority"),
        (314, 274),
        ("0", "0", "0"),
        ("scheduler",),
        lambda got: (got["policy"], got["nice"]),
        (3, 7),
        ("/policy", "/nice"),
        "1.1.0",
    ),
    Setting(
        "io-priority",
        "/process/ioPriority",
        {"class": "IOPRIO_CLASS_BE", "priority": 6},
        ("ioprio_set",),
        (251, 30),
        ("99", "0", "0"),
        ("ioprio",),
        lambda got: (got["class"], got["priority"] & 7),
        (2, 6),
        ("/class", "/priority"),
        "1.1.0",
    ),
    Setting(
        "memory-policy",
        "/linux/memoryPolicy",
        {"mode": "MPOL_BIND", "nodes": "0"},
        ("set_mempolicy", "mbind"),
        (238, 237),
        ("99", "0", "0"),
        ("mempolicy",),
        lambda got: (got["mode"], tuple(got["nodes"])),
        (2, (0,)),
        ("/mode", "/nodes"),
        "1.3.0",
        ("numa",),
    ),
    Setting(
        "umask",
        "/process/user/umask",
        0o027,
        ("umask",),
        (95, 166),
        ("18",),
        ("status",),
        lambda got: got["Umask"],
        "0027",
        since="1.0.2",
    ),
    Setting(
        "resource-limits",
        "/process/rlimits",
        _LIMITS,
        ("prlimit64", "setrlimit"),
        (302, 261),
        ("0", "12", "4096", "0"),
        ("rlimits",),
        lambda got: tuple(got["RLIMIT_MSGQUEUE"]),
        (600_001, 600_002),
        ("/*/type", "/*/soft", "/*/hard"),
        # The second argument of setrlimit is never 0, the third of prlimit64 only where nothing is set.
        where=({"index": 2, "value": 0, "op": "SCMP_CMP_NE"}, {"index": 1, "value": 0, "op": "SCMP_CMP_NE"}),
    ),
    Setting(
        "hostname",
        "/hostname",
        "denied-inside",
        ("sethostname",),
        (170, 161),
        ("0", "0"),
        ("uname",),
        lambda names: names["nodename"],
        "denied-inside",
    ),
    Setting(
        "domainname",
        "/domainname",
        "denied.inside",
        ("setdomainname",),
        (171, 162),
        ("0", "0"),
        ("uname",),
        lambda names: names["domainname"],
        "denied.inside",
        since="1.1.0",
    ),
    Setting(
        "working-directory",
        "/process/cwd",
        "/var/tmp",  # a path in the container
        ("chdir", "fchdir"),
        (80, 49),
        ("0",),
        ("cwd",),
        str,
        "/var/tmp",
    ),
    Setting(
        "mounts",
        "/mounts/-",
        _TMPFS,
        ("mount", "umount2", "pivot_root", "chroot", "fsopen", "fsconfig", "fsmount", "move_mount", "open_tree"),
        (165, 40),
        ("0", "0", "0", "0", "0"),
        ("stat", "/mnt"),
        lambda found: oct(found["mode"]),
        oct(0o750),
        ("/*/destination", "/*/type", "/*/options"),
    ),
    Setting(
        "user",
        "/process/user",
        _USER,
        ("setresuid", "setresgid", "setgroups", "setuid", "setgid", "setreuid", "setregid"),
        (117, 147),
        ("0", "0", "0"),
        ("ids",),
        lambda got: (got["uids"], got["gids"], sorted({*got["groups"]} - {_USER["gid"]})),
        ([1234] * 3, [2345] * 3, _GROUPS),
        ("/uid", "/gid", "/additionalGids"),
        with_privileges=False,
    ),
    Setting(
        "capabilities",
        "/process/capabilities",
        {name: ["CAP_KILL"] for name in ("bounding", "effective", "inheritable", "permitted")},
        ("capset",),
        (126, 91),
        ("0", "0"),
        ("status",),
        lambda got: tuple(got[name].lstrip("0") for name in ("CapBnd", "CapEff", "CapInh", "CapPrm")),
        ("20",) * 4,
        ("/bounding", "/effective", "/inheritable", "/permitted"),
        with_privileges=False,
    ),
)


def _config(trial: CaseContext, setting: Setting, *, no_new_privileges: bool) -> dict[str, Any]:
    """A config with the property, whose program looks at it and tries the call."""
    number = str(setting.numbers[trial.host.machine != "x86_64"])
    config = trial.config(*steps(setting.look, ["syscall", number, *setting.arguments], ["wait"]))
    config["process"]["noNewPrivileges"] = no_new_privileges
    return changed(config, setting.pointer, setting.value)


def _with_filter(trial: CaseContext, config: dict[str, Any], setting: Setting, *names: str) -> dict[str, Any]:
    more: dict[str, Any] = {"errnoRet": filters.MARK} if trial.holds("1.1.0") else {}
    rules = [filters.rule("SCMP_ACT_ERRNO", *names, **more)]
    if setting.where:
        rules = [filters.failing(name, args=[where], **more) for name, where in zip(names, setting.where, strict=False)]
    return filters.with_filter(config, *rules)


def _applies(trial: CaseContext, setting: Setting) -> None:
    if not trial.holds(setting.since):
        trial.skip(f"runtime-spec {trial.release} does not have it")
    _, got = _outcome(trial, setting, "getitimer")
    if got != setting.want:
        trial.skip(f"the runtime does not apply it without such a filter either: {got}")
    for no_new_privileges in (True, False) if setting.with_privileges else (True,):
        facts, got = _outcome(trial, setting, *setting.denied, no_new_privileges=no_new_privileges)
        where = f"noNewPrivileges {str(no_new_privileges).lower()} and a filter on {setting.denied[0]}"
        for leaf in setting.leaves:
            pointer = setting.pointer.removesuffix("/-") + leaf
            message = f"with {where}, {pointer.strip('/').replace('/', '.')} is not applied"
            trial.applied(pointer, got=got, want=setting.want, message=message)
        if facts:
            denied, outcome = filters.MARKED if trial.holds("1.1.0") else "EPERM", facts.outcome("syscall")
            trial.applied(NAMES, got=outcome, want=denied, message=f"with {where}, the program can make the call")


def _outcome(
    trial: CaseContext, setting: Setting, *names: str, no_new_privileges: bool = True
) -> tuple[Facts | None, Any]:
    """What a program saw under a filter on some calls, and what of it tells whether the property is applied."""
    config = _config(trial, setting, no_new_privileges=no_new_privileges)
    container = trial.container(_with_filter(trial, config, setting, *names))
    done = container.create()
    if done.ok:
        done = container.start()
    if not done.ok:
        container.clean_up()
        return None, done.last_error_line
    try:
        facts = container.facts()
    except RuntimeFailed as problem:
        return None, str(problem)
    container.clean_up()
    return facts, setting.got(facts.value(*setting.look))


def _case_of(setting: Setting) -> Callable[[CaseContext], None]:
    def function(trial: CaseContext) -> None:
        _applies(trial, setting)

    function.__name__ = setting.name
    function.__doc__ = f"{setting.pointer.removesuffix('/-')} is applied under a filter that denies what sets it."
    pointers = [setting.pointer.removesuffix("/-") + leaf for leaf in setting.leaves]
    needs = ("root", "isolation", "seccomp:errno", *setting.needs)
    return case(sets=[*pointers, NAMES], needs=needs)(function)


CASES = [_case_of(setting) for setting in SETTINGS]
