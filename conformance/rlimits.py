"""Resource limits of the process: every type of getrlimit(2), the soft and the hard value."""

from __future__ import annotations

from typing import Any

from ocivalidate.runtime import CaseContext, case, steps

UNLIMITED = 2**64 - 1
GETRLIMIT = "config.process.rlimits.getrlimit-succeeds"
SOFT = "config.process.rlimits.soft-applied"
HARD = "config.process.rlimits.hard-applied"
SETS = ("/process/rlimits/*/type", "/process/rlimits/*/soft", "/process/rlimits/*/hard")
MIB = 1 << 20

# Type → its number, and a soft and a hard value that let the probe live and that nothing else sets. The numbers are
# those of all architectures that containers commonly run on.
LIMITS = {
    "RLIMIT_CPU": (0, 1001, 1002),
    "RLIMIT_FSIZE": (1, 101 * MIB, 102 * MIB),
    "RLIMIT_DATA": (2, 4097 * MIB, 4098 * MIB),
    "RLIMIT_STACK": (3, 5 * MIB, 6 * MIB),
    "RLIMIT_CORE": (4, 3 * MIB, 7 * MIB),
    "RLIMIT_RSS": (5, 301 * MIB, 302 * MIB),
    "RLIMIT_NPROC": (6, 2001, 2002),
    "RLIMIT_NOFILE": (7, 301, 302),
    "RLIMIT_MEMLOCK": (8, 17 * 4096, 18 * 4096),
    "RLIMIT_AS": (9, 8193 * MIB, 8194 * MIB),
    "RLIMIT_LOCKS": (10, 401, 402),
    "RLIMIT_SIGPENDING": (11, 501, 502),
    "RLIMIT_MSGQUEUE": (12, 600_001, 600_002),
    "RLIMIT_NICE": (13, 3, 4),
    "RLIMIT_RTPRIO": (14, 5, 6),
    "RLIMIT_RTTIME": (15, 700_001, 700_002),
}

# The number of truncate(2) on x86_64 and on newer architectures.
_TRUNCATE = ("76", "45")


def own_hard(number: int) -> int:
    """The hard limit of this process, above which it cannot let anybody go."""
    import resource  # cases are listed on systems without it

    hard = resource.getrlimit(number)[1]
    return UNLIMITED if hard == resource.RLIM_INFINITY else hard


def with_limits(config: dict[str, Any], limits: dict[str, tuple[int, int]]) -> dict[str, Any]:
    """Limits by type: soft and hard."""
    config["process"]["rlimits"] = [{"type": name, "soft": soft, "hard": hard} for name, (soft, hard) in limits.items()]
    return config


def allowed() -> dict[str, tuple[int, int]]:
    """The limits of the table, as low as this process has to keep them."""
    return {
        name: (min(soft, own_hard(number)), min(hard, own_hard(number)))
        for name, (number, soft, hard) in LIMITS.items()
    }


@case(GETRLIMIT, SOFT, HARD, sets=SETS)
def every_limit(trial: CaseContext) -> None:
    """Every type of limit has the soft and the hard value given."""
    config = with_limits(trial.config(*steps(["rlimits"], ["wait"])), allowed())
    trial.judge_facts(config, trial.run(config))


@case(SOFT, HARD, sets=SETS, needs=["root"])
def limits_of_another_user(trial: CaseContext) -> None:
    """A user who is not root has the limits too, and equal, zero and absent limits are what they say."""
    limits = {
        "RLIMIT_NOFILE": (64, 64),
        "RLIMIT_CORE": (0, 0),
        "RLIMIT_FSIZE": (MIB, own_hard(1)),
        "RLIMIT_CPU": (own_hard(0), own_hard(0)),
    }
    # A file beyond its limit brings a signal, which Python ignores: the write fails.
    beyond = ["syscall", _TRUNCATE[trial.host.machine != "x86_64"], "=/tmp/f", str(2 * MIB)]
    config = with_limits(trial.config(*steps(["rlimits"], ["write", "/tmp/f", "x"], beyond, ["wait"])), limits)
    config["process"]["user"] = {"uid": 1000, "gid": 1000}
    facts = trial.run(config)
    trial.judge_facts(config, facts)
    got = facts.error(*beyond)
    trial.expect(SOFT, "a file can be made larger than RLIMIT_FSIZE", got=got, want="EFBIG", pointer="/process/rlimits")


@case(HARD, sets=["/process/rlimits/*/hard"], needs=["root", "cap:SYS_RESOURCE"])
def limit_above_the_callers(trial: CaseContext) -> None:
    """A hard limit above that of the runtime's caller is reached, as whoever may raise limits can do it."""
    above = trial.host.rlimit_nofile + 1
    with open("/proc/sys/fs/nr_open", encoding="ascii") as file:
        most = int(file.read())
    if above > most:
        trial.skip(f"our hard limit of open files is {trial.host.rlimit_nofile} and the kernel's is {most}")
    config = with_limits(trial.config(*steps(["rlimits"], ["wait"])), {"RLIMIT_NOFILE": (256, above)})
    trial.judge_facts(config, trial.run(config))
