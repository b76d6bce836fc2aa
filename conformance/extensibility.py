"""Unknown members of config.json: wherever they stand, they are ignored."""

from __future__ import annotations

import os
from typing import Any

from ocivalidate.runtime import CaseContext, Facts, case, objects_of, steps

NAME = "org.example.unknown"
VALUES: tuple[Any, ...] = ({"nested": [1, None, {"deep": True}]}, "a text", [], 5, None)


def _rich(trial: CaseContext) -> dict[str, Any]:
    """A config with an object of as many kinds as can be applied on every host with control groups."""
    config = trial.config(*steps(["rlimits"], ["uname"], ["ids"], ["stat", "/dev/given"], ["mountinfo"], ["wait"]))
    config |= {"hostname": "known", "annotations": {"org.example.known": "known"}}
    config["process"] |= {
        "user": {"uid": 0, "gid": 0, "additionalGids": [5]},
        "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 64, "hard": 128}],
        "consoleSize": {"height": 25, "width": 80},
    }
    hook = {"path": "/bin/sh", "args": ["sh", "-c", "cat > /dev/null"], "timeout": 3600}
    config["hooks"] = {kind: [dict(hook)] for kind in ("prestart", "poststart", "poststop")}
    linux = config["linux"]
    linux["devices"] = [{"path": "/dev/given", "type": "c", "major": 1, "minor": 3, "fileMode": 438}]
    linux["resources"] = {"devices": [{"allow": False, "type": "c", "major": 1, "minor": 99, "access": "w"}]}
    for controller, limits in {"memory": {"limit": 1 << 29}, "cpu": {"shares": 512}, "pids": {"limit": 99}}.items():
        if controller in trial.host.controllers:
            linux["resources"][controller] = limits
    if trial.host.seccomp_actions:
        argument = {"index": 0, "value": 77, "op": "SCMP_CMP_EQ"}
        rule = {"names": ["getpriority"], "action": "SCMP_ACT_ERRNO", "args": [argument]}
        linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]}
    _add_newer(trial, config)
    return config


def _add_newer(trial: CaseContext, config: dict[str, Any]) -> None:
    """Add the objects that later releases brought."""
    process, linux = config["process"], config["linux"]
    if trial.holds("1.0.2"):
        linux["personality"] = {"domain": "LINUX"}
        hook = config["hooks"]["prestart"][0]
        config["hooks"] |= {"createRuntime": [dict(hook)], "createContainer": [dict(hook)]}
        # In the container there is no shell.
        config["hooks"]["startContainer"] = [{"path": process["args"][0], "args": ["python3", "-I", "-S", "-c", ""]}]
    if trial.holds("1.1.0"):
        process["scheduler"] = {"policy": "SCHED_OTHER", "nice": 0}
        process["ioPriority"] = {"class": "IOPRIO_CLASS_BE", "priority": 4}
        if "time" in trial.host.namespaces:
            linux["namespaces"].append({"type": "time"})
            linux["timeOffsets"] = {"boottime": {"secs": 5}}
    if trial.holds("1.2.1"):
        process["execCPUAffinity"] = {"initial": str(trial.host.cpus[0])}
    if trial.holds("1.3.0") and os.path.isdir("/sys/devices/system/node/node0"):
        linux["memoryPolicy"] = {"mode": "MPOL_BIND", "nodes": "0"}


def _seen(facts: Facts) -> dict[str, Any]:
    """What shows that the known members were applied."""
    given = facts.outcome("stat")  # whether there is one at all is not the matter
    return {
        "nofile": facts.value("rlimits")["RLIMIT_NOFILE"],
        "hostname": facts.value("uname")["nodename"],
        "groups": facts.value("ids")["groups"],
        "device": [given[name] for name in ("kind", "major", "minor")] if isinstance(given, dict) else given,
        "mounts": sorted(mount["point"] for mount in facts.value("mountinfo")),
    }


@case(
    "config.extensibility.ignore-unknown",
    "config.extensibility.unknown-no-error",
    "config.annotations.unknown-key-ignored",
    needs=["root", "isolation"],
)
def unknown_members_everywhere(trial: CaseContext) -> None:
    """With an unknown member in every object, a container is what it is without them."""
    plain = _rich(trial)
    trial.control(plain)
    want = _seen(trial.run(plain))
    strange = _rich(trial)
    for number, found in enumerate([*objects_of(strange)]):
        found[NAME] = VALUES[number % len(VALUES)]
    strange["annotations"] |= {"org.example.unknown": "unknown", "io.example/other": "", "unknown": "x"}
    container = trial.container(strange)
    created = container.create()
    ignored = ("config.extensibility.ignore-unknown", "config.extensibility.unknown-no-error")
    for clause in (*ignored, "config.annotations.unknown-key-ignored"):
        trial.expect(clause, f"unknown members are an error: {created.last_error_line}", got=created.ok, want=True)
    container.must_start()
    got = _seen(container.facts())
    for clause in (*ignored, "config.annotations.unknown-key-ignored"):
        trial.expect(clause, "unknown members change the container", got=got, want=want)
    told = container.state().get("annotations")
    clause = "config.annotations.unknown-key-ignored"
    trial.expect(clause, "annotations with unknown keys are lost", got=told, want=strange["annotations"])
    container.must_kill()
    container.wait_stopped()
    deleted = container.delete()
    for clause in ignored:
        trial.expect(clause, f"unknown members make delete fail: {deleted.last_error_line}", got=deleted.ok, want=True)
