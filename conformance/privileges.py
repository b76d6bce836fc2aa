"""What the process may become: no new privileges, the score for memory shortage, the profile of AppArmor."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from ocivalidate.runtime import CaseContext, Container, Facts, caller, case, filters, programs, steps

APPLIED = "config.process.oomScoreAdj.applied"
UNTOUCHED = "config.process.oomScoreAdj.untouched"
CALLERS_SCORE = 321
SUID = "/usr/bin/set-uid"


def run_with_suid_file(trial: CaseContext, config: dict[str, Any]) -> Facts:
    """Run a container that has a set-uid Python in it."""
    container = trial.container(config)
    # A copy: the files of the root filesystem are shared with those of other containers.
    rootfs = container.bundle / "rootfs"
    program = "usr/bin/python3"
    while (rootfs / program).is_symlink():
        # In a ready root filesystem it may be a link, and an absolute one begins at this root.
        program = os.path.join(os.path.dirname(program), os.readlink(rootfs / program)).lstrip("/")
    shutil.copyfile(rootfs / program, rootfs / SUID.lstrip("/"))
    (rootfs / SUID.lstrip("/")).chmod(0o4755)
    container.must_create().must_start()
    return container.facts()


def effective_uid(facts: Facts, *step: str) -> Any:
    """The user that a program executed by a step found itself to be, or how it failed."""
    done = facts.outcome(*step)
    if not isinstance(done, dict) or done["status"]:
        return done
    records = next(iter(json.loads(done["stdout"]).values()))
    return records[0]["value"]["uids"][1]


@case(sets=["/process/noNewPrivileges"], needs=["root"])
def no_new_privileges(trial: CaseContext) -> None:
    """With noNewPrivileges a set-uid program gains nothing; without it does, which shows that it could."""
    step = ["execute", SUID, "-I", "-S", trial.probe_path, "ids"]
    for given, want in ((True, 1000), (False, 0)):
        config = trial.config(*steps(["status"], step, ["wait"]))
        config["process"]["user"] = {"uid": 1000, "gid": 1000}
        config["process"]["noNewPrivileges"] = given
        facts = run_with_suid_file(trial, config)
        trial.judge_facts(config, facts)
        message = f"a set-uid program is run as another user, noNewPrivileges being {json.dumps(given)}"
        trial.applied("/process/noNewPrivileges", got=effective_uid(facts, *step), want=want, message=message)


@case(
    sets=["/process/noNewPrivileges", "/linux/seccomp/syscalls/*/names"],
    needs=["root", "isolation", "seccomp:errno", "cap:SYS_ADMIN"],
)
def filter_without_no_new_privileges(trial: CaseContext) -> None:
    """A seccomp filter of a user without capabilities holds, and takes no privileges that the config leaves."""
    step = ["execute", SUID, "-I", "-S", trial.probe_path, "ids"]
    denied = ["syscall", filters.number(trial, "getitimer"), "0", "0"]
    config = filters.with_filter(trial.config(*steps(["status"], step, denied, ["wait"])), filters.failing())
    config["process"]["user"] = {"uid": 1000, "gid": 1000}
    config["process"]["capabilities"] = {}
    config["process"]["noNewPrivileges"] = False
    facts = run_with_suid_file(trial, config)
    trial.judge_facts(config, facts)
    message = "beside a seccomp filter, a set-uid program gains nothing, and the config has noNewPrivileges false"
    trial.applied(
        "/process/noNewPrivileges", got=effective_uid(facts, *step) in (0, "EPERM"), want=True, message=message
    )
    message = "the seccomp filter of a user without capabilities does not hold"
    trial.applied("/linux/seccomp/syscalls/*/names", got=facts.outcome(*denied), want="EPERM", message=message)


@case(APPLIED, sets=["/process/oomScoreAdj"])
def oom_score_is_set(trial: CaseContext) -> None:
    """The score is what is given, zero too, whatever that of the runtime's caller."""
    somebody = caller(oom_score_adj=CALLERS_SCORE)
    # To go below what it began with takes a privilege.
    lower = (-444,) if trial.host.root and "SYS_RESOURCE" in trial.host.bounding else ()
    for score in (777, 0, *lower):
        config = trial.config(*steps(["oom-score-adj"], ["wait"]))
        config["process"]["oomScoreAdj"] = score
        container = trial.container(config)
        container.must_create(wrapper=somebody).must_start(wrapper=somebody)
        if trial.stage.own_kernel:
            message = "process.oomScoreAdj is not applied to the process that runs the kernel of the container"
            trial.expect(APPLIED, message, got=_hosts_score(container), want=score)
            trial.applied("/process/oomScoreAdj", got=_hosts_score(container), want=score, message=message)
            continue
        trial.judge_facts(config, container.facts())


def _hosts_score(container: Container) -> int:
    """The score by which this host chooses: a kernel in a container ends nobody else's processes for want of memory."""
    return int(Path(f"/proc/{container.pid}/oom_score_adj").read_text(encoding="ascii"))


@case(UNTOUCHED)
def oom_score_is_untouched(trial: CaseContext) -> None:
    """Without oomScoreAdj the score stays that of whoever calls the runtime."""
    somebody = caller(oom_score_adj=CALLERS_SCORE)
    container = trial.container(trial.config(*steps(["oom-score-adj"], ["wait"])))
    container.must_create(wrapper=somebody).must_start(wrapper=somebody)
    own = trial.stage.own_kernel
    got = _hosts_score(container) if own else container.facts().value("oom-score-adj")
    trial.expect(UNTOUCHED, "the score is not that of the runtime's caller", got=got, want=CALLERS_SCORE)


_PROFILE = """
profile {name} flags=(attach_disconnected,mediate_deleted) {{
  capability, file, mount, umount, network, signal, ptrace, unix, pivot_root,
  deny /tmp/denied w,
}}
"""


@case(sets=["/process/apparmorProfile"], needs=["root", "lsm:apparmor", "program:apparmor_parser"], alone=["apparmor"])
def apparmor_profile(trial: CaseContext) -> None:
    """The process is confined by the profile of AppArmor that is given."""
    name = f"{trial.stage.prefix}profile"
    file = trial.folder / "profile"
    file.write_text(_PROFILE.format(name=name), encoding="ascii")
    loaded = subprocess.run(
        programs.command("apparmor_parser", "--replace", str(file)),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if loaded.returncode:
        trial.skip(f"AppArmor takes no profile of ours: {loaded.stderr.strip()[:200]}")
    trial.undo(
        lambda: subprocess.run(
            programs.command("apparmor_parser", "--remove", str(file)), capture_output=True, check=False, timeout=60
        )
    )
    config = trial.config(*steps(["label"], ["write", "/tmp/allowed"], ["write", "/tmp/denied"], ["wait"]))
    config["process"]["apparmorProfile"] = name
    container = trial.container(config).must_create().must_start()
    facts = container.facts()
    trial.judge_facts(config, facts)
    got = [facts.outcome("write", f"/tmp/{word}") for word in ("allowed", "denied")]
    message = "what the profile denies and allows is not what the process can do"
    trial.applied("/process/apparmorProfile", got=got, want=[True, "EACCES"], message=message)
    container.clean_up()
