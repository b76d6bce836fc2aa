"""Features of ``process``, and of the names of a container."""

from __future__ import annotations

from typing import Any

from ocivalidate.runtime.exploring.features import Feature, Place, Value, single, value
from ocivalidate.runtime.kernel.kernelnames import NO_LIMIT

_LIMIT_CLAUSES = (
    "runtime/config.process.rlimits.getrlimit-succeeds",
    "runtime/config.process.rlimits.soft-applied",
    "runtime/config.process.rlimits.hard-applied",
)
_SETS = ("bounding", "effective", "inheritable", "permitted", "ambient")
_PATH = "PATH=/usr/bin:/bin"


def _limit(kind: str, soft: int, hard: int) -> dict[str, Any]:
    return {"type": f"RLIMIT_{kind}", "soft": soft, "hard": hard}


def _capabilities(name: str, sets: str, *names: str) -> Value:
    held = [f"CAP_{one}" for one in names]
    given = {one: held if one in sets.split() else [] for one in _SETS}
    return value(name, ("/process/capabilities", given), needs=[f"cap:{one}" for one in names])


FEATURES = (
    Feature(
        "user",
        (
            value("somebody", ("/process/user", {"uid": 1000, "gid": 1000})),
            value("another-group", ("/process/user", {"uid": 0, "gid": 5})),
            value("not-root", ("/process/user", {"uid": 1234, "gid": 0})),
        ),
    ),
    Feature(
        "groups", single("/process/user/additionalGids", two=[7, 8], repeated=[20, 20, 7], many=[*range(3000, 3040)])
    ),
    Feature("umask", single("/process/user/umask", usual=0o27, none=0, all=0o777)),
    Feature(
        "env",
        single(
            "/process/env",
            odd=[_PATH, "EMPTY=", "EQUALS=a=b=c", "WORDS=two  words", "LETTERS=zażółć-日本"],
            many=[_PATH, *(f"VARIABLE_{number}={number}" for number in range(300))],
            home=[_PATH, "HOME=/tmp"],
        ),
        needs=(),
    ),
    Feature("cwd", single("/process/cwd", folder="/var/kept", deep="/usr/lib", above="/usr/lib/..", linked="/lib")),
    Feature(
        "args",
        (
            value("odd", (Place.SAY, ["", " ", "two words", "-x", "$HOME", "'q'", "zażółć-日本", "a=b"])),
            value("long", (Place.SAY, ["x" * 60_000])),
        ),
        needs=(),
    ),
    Feature(
        "terminal",
        (
            value("on", ("/process/terminal", True)),
            value("sized", ("/process/terminal", True), ("/process/consoleSize", {"height": 37, "width": 111})),
            value("off", ("/process/terminal", False)),
        ),
    ),
    Feature("no-new-privileges", single("/process/noNewPrivileges", on=True, off=False)),
    Feature(
        "capabilities",
        (
            _capabilities("none", ""),
            _capabilities("few", "bounding effective permitted", "CHOWN", "KILL", "NET_BIND_SERVICE"),
            _capabilities("ambient", " ".join(_SETS), "NET_BIND_SERVICE", "KILL"),
            _capabilities("bounding-alone", "bounding", "CHOWN", "SETUID", "NET_RAW"),
            _capabilities("inheritable", "bounding inheritable permitted", "SYS_CHROOT", "MKNOD"),
        ),
    ),
    Feature(
        "rlimits",
        (
            *single("/process/rlimits/-", files=_limit("NOFILE", 200, 300), core=_limit("CORE", 0, 1 << 20)),
            value("stack", ("/process/rlimits/-", _limit("STACK", 4 << 20, 16 << 20))),
            value(
                "several",
                ("/process/rlimits/-", _limit("NPROC", 20_000, 30_000)),
                ("/process/rlimits/-", _limit("SIGPENDING", 700, 800)),
            ),
            value("none", ("/process/rlimits/-", _limit("FSIZE", 1 << 40, NO_LIMIT))),
        ),
        _LIMIT_CLAUSES,
    ),
    Feature(
        "oom-score",
        (
            *single("/process/oomScoreAdj", some=100, most=1000),
            value("less", ("/process/oomScoreAdj", -500), needs=["cap:SYS_RESOURCE"]),
        ),
        ("runtime/config.process.oomScoreAdj.applied",),
    ),
    Feature(
        "scheduler",
        (
            *single("/process/scheduler", nice={"policy": "SCHED_OTHER", "nice": 5}, idle={"policy": "SCHED_IDLE"}),
            value(
                "usual",
                ("/process/scheduler", {"policy": "SCHED_OTHER"}),
                clauses=["runtime/config.process.scheduler.nice.default"],
            ),
            value("batch", ("/process/scheduler", {"policy": "SCHED_BATCH", "nice": 7})),
            value("eager", ("/process/scheduler", {"policy": "SCHED_OTHER", "nice": -3}), needs=["cap:SYS_NICE"]),
        ),
        ("runtime/config.process.scheduler.priority.default",),
    ),
    Feature(
        "io-priority",
        (
            *single("/process/ioPriority", best={"class": "IOPRIO_CLASS_BE", "priority": 6}),
            value(
                "real-time",
                ("/process/ioPriority", {"class": "IOPRIO_CLASS_RT", "priority": 2}),
                needs=["cap:SYS_ADMIN"],
            ),
            value("idle", ("/process/ioPriority", {"class": "IOPRIO_CLASS_IDLE", "priority": 0})),
        ),
    ),
    Feature("exec-affinity", single("/process/execCPUAffinity", both={"initial": "0", "final": "0"})),
    Feature("apparmor", single("/process/apparmorProfile", unconfined="unconfined"), needs=("root", "lsm:apparmor")),
    Feature("hostname", single("/hostname", short="explored", longest="h" * 64)),
    Feature("domainname", single("/domainname", short="explored.example", longest="d" * 64)),
    Feature(
        "annotations",
        single(
            "/annotations",
            one={"org.example.note": "some words: zażółć"},
            several={"org.example.empty": "", **{f"org.example.number{number}": str(number) for number in range(20)}},
        ),
        needs=(),
    ),
    Feature(
        "root",
        (
            value("readonly", ("/root/readonly", True), clauses=["runtime/config.root.readonly.enforced"]),
            *single("/root/readonly", writable=False),
        ),
    ),
)
