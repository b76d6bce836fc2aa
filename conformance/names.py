"""What a container is called, its kernel parameters, and its clocks: each in a namespace, and nowhere else."""

from __future__ import annotations

import os
import time
from pathlib import Path

from ocivalidate.runtime import CaseContext, Container, NamespaceHolder, case, namespaces_of, steps

HOSTNAME, DOMAINNAME = "ocivalidate-host.example", "ocivalidate.example"
APPLIES = "runtime.create.applies-config"


def _names() -> dict[str, str]:
    """What our own host is called."""
    domain = Path("/proc/sys/kernel/domainname").read_text(encoding="utf-8").strip()
    return {"nodename": os.uname().nodename, "domainname": domain}


@case(sets=["/hostname", "/domainname"], needs=["root"])
def host_has_the_name_of_the_config(trial: CaseContext) -> None:
    """Host and domain are called as the config says, in the container and not outside; a long name is whole."""
    before = _names()
    config = trial.config("uname")
    config["hostname"] = HOSTNAME
    if trial.holds("1.1.0"):
        config["domainname"] = DOMAINNAME
    found = trial.run(config).value("uname")
    trial.applied("/hostname", got=found["nodename"], want=HOSTNAME)
    trial.applied("/domainname", got=found["domainname"], want=DOMAINNAME)
    for name, length in (("hostname", 64), ("domainname", 64)):
        config[name] = name[0] * length
    if not trial.holds("1.1.0"):
        del config["domainname"]
    found = trial.run(config).value("uname")
    trial.applied("/hostname", got=found["nodename"], want="h" * 64)
    trial.applied("/domainname", got=found["domainname"], want="d" * 64)
    trial.applied("/hostname", got=_names(), want=before, message="the host outside got the name")


@case(sets=["/hostname", "/domainname"], needs=["root"])
def empty_names(trial: CaseContext) -> None:
    """An empty name is the name, or is taken for none, so that the one around is kept: nothing else is made up."""
    around = _names()
    for member, since, seen in (("hostname", "1.0.0", "nodename"), ("domainname", "1.1.0", "domainname")):
        if not trial.holds(since):
            continue
        config = trial.config("uname") | {member: ""}
        got = trial.run(config).value("uname")[seen]
        # The kernel shows a domain that has no name so.
        held = got in ("", "(none)", around[seen])
        message = f"an empty {member} gives another name: {got!r}"
        trial.applied(f"/{member}", got=held, want=True, message=message)


@case(sets=["/hostname"], needs=["root"])
def host_of_a_joined_namespace_gets_the_name(trial: CaseContext) -> None:
    """A hostname is set in a UTS namespace that is joined too."""
    holder = NamespaceHolder(["uts"], hostname="ocivalidate-before")
    trial.undo(holder.close)
    config = trial.config("uname")
    config["hostname"] = HOSTNAME
    for entry in config["linux"]["namespaces"]:
        if entry["type"] == "uts":
            entry["path"] = holder.path("uts")
    trial.applied("/hostname", got=trial.run(config).value("uname")["nodename"], want=HOSTNAME)


# Parameters → value, other than what kernels begin with. Those of net and of ipc are parts of their namespaces.
PARAMETERS = {
    "net.ipv4.ip_forward": "1",
    "net.core.somaxconn": "257",
    "kernel.msgmax": "8191",
    "kernel.shm_rmid_forced": "1",
    "net.ipv4.ip_local_port_range": "32767\t60001",
}


@case(sets=["/linux/sysctl/*"], needs=["root"])
def kernel_parameters_are_set_in_their_namespaces(trial: CaseContext) -> None:
    """Parameters of network and IPC namespaces have the values of the config inside, and theirs outside."""
    files = {name: f"/proc/sys/{name.replace('.', '/')}" for name in PARAMETERS}
    before = {name: _parameter(file) for name, file in files.items()}
    config = trial.config(*steps(*(["read", file] for file in files.values())))
    config["linux"]["namespaces"].append({"type": "network"})
    config["linux"]["sysctl"] = {name: value.replace("\t", " ") for name, value in PARAMETERS.items()}
    facts = trial.run(config)
    got = {name: facts.value("read", file).strip() for name, file in files.items()}
    trial.applied("/linux/sysctl/*", got=got, want=PARAMETERS)
    after = {name: _parameter(file) for name, file in files.items()}
    trial.applied("/linux/sysctl/*", got=after, want=before, message="parameters outside were changed")


def _parameter(file: str) -> str:
    return Path(file).read_text(encoding="ascii").strip()


# --- time

OFFSETS = {
    "boottime": {"secs": 7 * 86400, "nanosecs": 600_000_000},
    "monotonic": {"secs": 3 * 86400, "nanosecs": 300_000_000},
}
TIME = [f"/linux/timeOffsets/*/{name}" for name in ("secs", "nanosecs")]


@case(sets=TIME, needs=["root", "namespace:time"])
def clocks_are_offset(trial: CaseContext) -> None:
    """Boot and monotonic clocks in a time namespace are ahead by seconds and nanoseconds; those outside are not."""
    config = trial.config("clock", "BOOTTIME", ",", "clock", "MONOTONIC", ",", "wait")
    config["linux"]["namespaces"].append({"type": "time"})
    config["linux"]["timeOffsets"] = OFFSETS
    container = trial.container(config)
    before = _clocks()
    container.must_create().must_start()
    facts = container.facts()
    after = _clocks()
    offsets = _offsets(container)
    for name, offset in OFFSETS.items():
        seconds = offset["secs"] + offset["nanosecs"] / 1e9
        inside = facts.value("clock", name.upper()) - seconds
        between = before[name] - 0.001 <= inside <= after[name] + 0.001
        trial.applied(TIME[0], got=between, want=True, message=f"the clock {name} is not ahead by {seconds} s")
        for place, member in enumerate(("secs", "nanosecs")):
            trial.applied(TIME[place], got=offsets.get(name, (0, 0))[place], want=offset[member])
    trial.applied(TIME[0], got=namespaces_of(container.pid).get("time") != namespaces_of()["time"], want=True)


def _clocks() -> dict[str, float]:
    return {
        "boottime": time.clock_gettime(time.CLOCK_BOOTTIME),
        "monotonic": time.clock_gettime(time.CLOCK_MONOTONIC),
    }


def _offsets(container: Container) -> dict[str, tuple[int, int]]:
    """The offsets that the kernel gives processes of the container: clock → seconds and nanoseconds."""
    text = Path(f"/proc/{container.pid}/timens_offsets").read_text(encoding="ascii")
    lines = (line.split() for line in text.splitlines())
    return {name: (int(seconds), int(nanoseconds)) for name, seconds, nanoseconds in lines}


@case(sets=TIME[:1], needs=["root", "namespace:time"])
def clocks_can_be_behind(trial: CaseContext) -> None:
    """An offset of one clock alone, and a negative one, leave the other as it is."""
    config = trial.config("wait")
    config["linux"]["namespaces"].append({"type": "time"})
    config["linux"]["timeOffsets"] = {"boottime": {"secs": -1}}
    container = trial.container(config).must_create().must_start()
    trial.applied(TIME[0], got=_offsets(container), want={"monotonic": (0, 0), "boottime": (-1, 0)})
