"""Devices: those that are listed are there, and what may be done with them is what the list of rules says.

No driver has the major number that most of them have: opening such a device fails with ENXIO once it is allowed, and
with EPERM before. So nothing is done to any device of the host.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from typing import Any

from ocivalidate.runtime import CaseContext, Facts, caller, case, device_rules, mounting, steps

AVAILABLE = "config-linux.devices.available"
MISMATCH = "config-linux.devices.path.mismatch-error"
UNLISTED = "config-linux.devices.no-unlisted-access"
ORDER = "config-linux.resources.devices.order"
DEVICES = "/linux/devices/*"
device, rule, MAJOR, OTHER_MAJOR = device_rules.device, device_rules.rule, device_rules.MAJOR, device_rules.OTHER_MAJOR
DENIED, ALLOW_ALL, DENY_ALL = device_rules.DENIED, device_rules.ALLOW_ALL, device_rules.DENY_ALL
RULES = "/linux/resources/devices/*"
OF_THE_HOST = "safety/runtime.host-devices"


def with_devices(trial: CaseContext, *entries: dict[str, Any], probe: Sequence[str]) -> dict[str, Any]:
    """A config with these devices, all of which may be used."""
    device_rules.rules_or_skip(trial)
    config = trial.config(*probe)
    config["linux"]["devices"] = list(entries)
    config["linux"]["resources"] = {"devices": [ALLOW_ALL]}
    return config


LISTED = (
    device("/dev/listed-char", "c", 1, fileMode=0o640, uid=7, gid=8),
    device("/dev/listed-block", "b", 2, fileMode=0o606, uid=0, gid=9),
    # Its mode is more than most masks let through.
    device("/dev/listed-open", "c", 3, fileMode=0o666, uid=11, gid=0),
    device("/dev/folder/deep/listed", "c", 4, fileMode=0o600, uid=0, gid=0),
    {"path": "/dev/listed-zero", "type": "c", "major": 1, "minor": 5, "fileMode": 0o444, "uid": 0, "gid": 0},
    {"path": "/dev/listed-fifo", "type": "p", "fileMode": 0o622, "uid": 3, "gid": 4},
)


@case(
    AVAILABLE,
    sets=[f"{DEVICES}/{leaf}" for leaf in ("path", "type", "major", "minor", "fileMode", "uid", "gid")],
    needs=["root", "cap:MKNOD"],
)
def listed(trial: CaseContext) -> None:
    """Listed devices are there: kind, numbers, mode, owner, in whatever folder; they can be opened."""
    looks = [["look", str(entry["path"])] for entry in LISTED]
    opens = [["open", str(entry["path"]), "r"] for entry in LISTED]
    probe = steps(*looks, *opens, ["read", "/dev/listed-zero", "4"], ["wait"])
    config = with_devices(trial, *LISTED, probe=probe)
    container = trial.container(config)
    somebody = caller(umask=0o077)
    container.must_create(wrapper=somebody).must_start(wrapper=somebody)
    facts = container.facts()
    trial.judge_facts(config, facts)
    for entry in LISTED:
        path = str(entry["path"])
        found = facts.outcome("look", path)
        there = isinstance(found, Mapping) and bool(found.get("stat"))
        trial.applied(f"{DEVICES}/path", got=there, want=True, message=f"there is no {path}")
        want = "ENXIO" if entry.get("major") == MAJOR else True
        trial.expect(AVAILABLE, f"{path} cannot be opened", got=facts.outcome("open", path), want=want)
    got = facts.outcome("read", "/dev/listed-zero", "4")
    trial.expect(AVAILABLE, "a device does not do what its numbers mean", got=got, want="\0" * 4)


@case(AVAILABLE, sets=[f"{DEVICES}/path"], needs=["root", "cap:MKNOD"])
def listed_outside_of_dev(trial: CaseContext) -> None:
    """A device may be anywhere in the container, not below /dev alone."""
    entry = device("/opt/listed", "c", 5, fileMode=0o600, uid=0, gid=0)
    config = with_devices(trial, entry, probe=steps(["look", "/opt/listed"], ["open", "/opt/listed", "r"], ["wait"]))
    facts = trial.run(config)
    trial.judge_facts(config, facts)
    got = facts.outcome("open", "/opt/listed")
    trial.applied(f"{DEVICES}/path", got=got, want="ENXIO", message="there is no /opt/listed")
    trial.expect(AVAILABLE, "/opt/listed cannot be opened", got=got, want="ENXIO")


@case(AVAILABLE, sets=[f"{DEVICES}/type"], needs=["root", "cap:MKNOD"])
def unbuffered(trial: CaseContext) -> None:
    """A device of type u is a character device."""
    entry = device("/dev/listed-unbuffered", "u", 6, fileMode=0o600)
    config = with_devices(trial, entry, probe=steps(["look", entry["path"]], ["wait"]))
    trial.judge_facts(config, trial.run(config))


@case(AVAILABLE, sets=[f"{DEVICES}/type", f"{DEVICES}/major", f"{DEVICES}/minor"], needs=["root", "cap:MKNOD"])
def without_mode_and_owner(trial: CaseContext) -> None:
    """A device needs neither mode nor owner; a FIFO needs no numbers."""
    entries = [device("/dev/bare", "c", 7), {"path": "/dev/bare-fifo", "type": "p"}]
    probe = steps(*(["look", str(entry["path"])] for entry in entries), ["open", "/dev/bare", "r"], ["wait"])
    config = with_devices(trial, *entries, probe=probe)
    facts = trial.run(config)
    trial.judge_facts(config, facts)
    trial.expect(AVAILABLE, "the process cannot open its device", got=facts.outcome("open", "/dev/bare"), want="ENXIO")


# ---------------------------------------------------------------------------------------------- what is there already

# Below /dev first, as a runtime may take devices nowhere else.
PLACES = ("/dev/found", "/opt/found")


def with_found(trial: CaseContext, path: str, probe: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A config with one device at a path of the root filesystem, and its entry; nothing is mounted on what holds it."""
    entry = device(path, "c", 8, fileMode=0o600)
    config = with_devices(trial, entry, probe=probe)
    config["mounts"] = [one for one in config["mounts"] if not one["destination"].startswith(os.path.dirname(path))]
    return config, entry


def _mismatched(trial: CaseContext, kind: int, minor: int, what: str) -> None:
    for path in PLACES:
        config, _entry = with_found(trial, path, ["wait"])
        trial.control(config)
        container = trial.container(config)
        device_rules.make_node(container, path, kind, minor)
        done = container.create()
        message = f"at the path of a listed device there is {what}, and create does not say so"
        got = f"{path}: {'created' if done.ok else done.last_error_line}"
        trial.expect_that(
            MISMATCH, message, held=done.refused, got=got, want="an error", pointer="/linux/devices/0/path"
        )
        container.clean_up()


@case(MISMATCH, needs=["root", "cap:MKNOD"])
def path_with_a_file(trial: CaseContext) -> None:
    """A regular file at the path of a listed device is an error."""
    _mismatched(trial, stat.S_IFREG, 0, "a regular file")


@case(MISMATCH, needs=["root", "cap:MKNOD"])
def path_with_another_device(trial: CaseContext) -> None:
    """A device with another number at the path of a listed device is an error."""
    _mismatched(trial, stat.S_IFCHR, 9, "another device")


@case(AVAILABLE, sets=[f"{DEVICES}/type", f"{DEVICES}/major", f"{DEVICES}/minor"], needs=["root", "cap:MKNOD"])
def path_with_the_device(trial: CaseContext) -> None:
    """The very device at the path is no error."""
    for path in PLACES:
        config, entry = with_found(trial, path, steps(["look", path], ["open", path, "r"], ["wait"]))
        if path != PLACES[0]:
            trial.control(config)
        container = trial.container(config)
        device_rules.make_node(container, path, stat.S_IFCHR, entry["minor"])
        facts = container.must_create().must_start().facts()
        trial.judge_facts(config, facts)
        trial.expect(AVAILABLE, "the device cannot be opened", got=facts.outcome("open", path), want="ENXIO")
        container.clean_up()


DEFAULTS = frozenset({(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 1), (5, 2)})


@case(UNLISTED, needs=["root", "cap:MKNOD"])
def unlisted(trial: CaseContext) -> None:
    """Without rules, a device that is not listed cannot be used, and /dev has none but the default devices."""
    looks = steps(
        ["open", f"{device_rules.NODES}/one", "r"],
        ["mknod", "/tmp/made", "c", str(MAJOR), "2"],
        ["open", "/tmp/made", "r"],
    )
    names = sorted({"kmsg", "mem", "kvm", "fuse", "loop0", "tty0", "ttyS0", "vda", "sda", *os.listdir("/dev")})
    inside = [f"/dev/{name}" for name in names if not os.path.isdir(f"/dev/{name}") or os.path.islink(f"/dev/{name}")]
    config = trial.config(*looks, ",", *steps(*(["follow", path] for path in inside), ["wait"]))
    container = trial.container(config)
    device_rules.make_node(container, f"{device_rules.NODES}/one", stat.S_IFCHR, 1)
    facts = container.must_create().must_start().facts()
    # What is not there is not used either: it could not be made, or the kernel in the container does not show it.
    fine = (*DENIED, "ENOENT")
    for path in (f"{device_rules.NODES}/one", "/tmp/made"):
        got, message = facts.outcome("open", path), f"a device that is not listed can be used: {path}"
        trial.expect_that(UNLISTED, message, held=got in fine, got=got, want="EPERM", pointer="/linux/devices")
    message = "a device that is neither listed nor a default one is in /dev"
    trial.expect(UNLISTED, message, got=_strange(facts, inside), want=[], pointer="/linux/devices")


def _strange(facts: Facts, paths: Sequence[str]) -> list[str]:
    found = []
    for path in paths:
        said = facts.outcome("follow", path)
        # Standard descriptors lead to whatever they are.
        if path.rpartition("/")[2] in ("stdin", "stdout", "stderr", "console") or not isinstance(said, Mapping):
            continue
        if said["kind"] in ("char", "block") and (said["major"], said["minor"]) not in DEFAULTS:
            found.append(path)
    return found


# --------------------------------------------------------------------------------------------------- what is allowed


def _judge_rules(
    trial: CaseContext, rules: Sequence[dict[str, Any]], wanted: Mapping[tuple[str, str], tuple[bool, str]]
) -> None:
    """Judge what is allowed under some rules: (node, mode) → whether it is to be, and the member that it shows."""
    got = device_rules.tried(trial, rules, {key: allowed for key, (allowed, _) in wanted.items()})
    for (name, how), (allowed, leaf) in wanted.items():
        kind, major, minor = device_rules.NUMBERS[name]
        message = f"opening {kind} {major}:{minor} for {how} is {'refused' if allowed else 'allowed'} against the rules"
        if leaf == "order":
            trial.expect(ORDER, message, got=got[f"{name} {how}"], want=allowed, pointer="/linux/resources/devices")
        else:
            trial.applied(f"{RULES}/{leaf}", got=got[f"{name} {how}"], want=allowed, message=message)


@case(sets=[f"{RULES}/{leaf}" for leaf in ("allow", "type", "major", "minor", "access")], needs=["root", "cap:MKNOD"])
def rules_that_allow(trial: CaseContext) -> None:
    """After all is denied, what rules allow is allowed, and nothing else: by type, numbers, wildcards and access."""
    rules = [
        DENY_ALL,
        rule(True, "c", MAJOR, 1, "r"),
        rule(True, "c", MAJOR, 2, "w"),
        rule(True, "c", MAJOR, 3, "rw"),
        rule(True, "b", MAJOR, 1, "rw"),
        rule(True, "c", OTHER_MAJOR, None, "rw"),
        rule(True, "c", None, 78, "rw"),
    ]
    _judge_rules(
        trial,
        rules,
        {
            ("c1", "r"): (True, "access"),
            ("c1", "w"): (False, "access"),
            ("c2", "r"): (False, "access"),
            ("c2", "w"): (True, "access"),
            ("c3", "rw"): (True, "allow"),
            ("c4", "r"): (False, "minor"),
            ("c4", "w"): (False, "allow"),
            ("b1", "rw"): (True, "type"),
            ("b2", "r"): (False, "type"),
            ("other", "rw"): (True, "minor"),
            ("next", "rw"): (True, "major"),
            ("last", "r"): (False, "major"),
        },
    )


@case(sets=[f"{RULES}/{leaf}" for leaf in ("allow", "type", "major", "minor", "access")], needs=["root", "cap:MKNOD"])
def rules_that_deny(trial: CaseContext) -> None:
    """After all is allowed, what rules deny is denied, and nothing else; a rule without type is about all devices."""
    rules = [
        ALLOW_ALL,
        rule(False, "c", MAJOR, 1, "w"),
        rule(False, "c", MAJOR, 2, "rw"),
        rule(False, "b", MAJOR, 1, "rw"),
    ]
    _judge_rules(
        trial,
        rules,
        {
            ("c1", "r"): (True, "access"),
            ("c1", "w"): (False, "access"),
            ("c2", "r"): (False, "allow"),
            ("c3", "rw"): (True, "minor"),
            ("b1", "r"): (False, "type"),
            ("b2", "rw"): (True, "type"),
            ("other", "rw"): (True, "major"),
        },
    )


@case(ORDER, needs=["root", "cap:MKNOD"])
def rules_in_order(trial: CaseContext) -> None:
    """Of rules on the same device the last counts, and a rule on all of them undoes those before it."""
    rules = [
        rule(True, "c", MAJOR, 1, "rw"),
        {**DENY_ALL, "type": "a"},
        rule(True, "c", MAJOR, 2, "rw"),
        rule(False, "c", MAJOR, 2, "w"),
        rule(False, "c", MAJOR, 3, "w"),
        rule(True, "c", MAJOR, 3, "rw"),
        rule(True, "c", MAJOR, 4, "rw"),
        rule(False, "c", MAJOR, 4, "rw"),
        rule(True, "c", MAJOR, 4, "r"),
    ]
    _judge_rules(
        trial,
        rules,
        {
            ("c1", "r"): (False, "order"),
            ("c2", "r"): (True, "order"),
            ("c2", "w"): (False, "order"),
            ("c3", "w"): (True, "order"),
            ("c3", "r"): (True, "order"),
            ("c4", "r"): (True, "order"),
            ("c4", "w"): (False, "order"),
            ("c5", "r"): (False, "order"),
        },
    )


@case(sets=[f"{RULES}/access"], needs=["root", "cap:MKNOD"])
def rules_on_making_nodes(trial: CaseContext) -> None:
    """A device can be made only where a rule allows it."""
    device_rules.rules_or_skip(trial)
    allowed, denied = (
        ["mknod", "/allowed", "c", str(MAJOR), "1"],
        ["mknod", "/denied", "c", str(MAJOR), "2"],
    )
    config = trial.config(*steps(allowed, denied, ["wait"]))
    config["linux"]["resources"] = {"devices": [DENY_ALL, rule(True, "c", MAJOR, 1, "m")]}
    facts = trial.run(config)
    trial.applied(f"{RULES}/access", got=facts.outcome(*allowed), want=True, message="an allowed device cannot be made")
    got = facts.outcome(*denied)
    message = "a device can be made although no rule allows it"
    trial.applied(f"{RULES}/access", got="refused" if got in DENIED else got, want="refused", message=message)


ALL_OF_THEM_NULL = ("/bin/sh", "-c", 'exec "$@" < /dev/null > /dev/null 2> /dev/null', "sh")
OTHER_STREAMS = ("/bin/sh", "-c", 'exec "$@" < /dev/null > /dev/zero 2> /dev/full', "sh")


def give_nodes(trial: CaseContext, streams: tuple[str, ...]) -> None:
    """Run containers with nodes of the host to their end."""
    for mapped in (False, True):
        container = trial.container(with_nodes_of_the_host(trial, mapped=mapped))
        for name in ("masked", "mounted"):
            (container.bundle / "rootfs" / name).touch()
        if container.create(wrapper=streams).ok and container.start().ok:
            container.wait_exit()
        container.clean_up()


def with_nodes_of_the_host(trial: CaseContext, *, mapped: bool) -> dict[str, Any]:
    """A config by which a container gets nodes of the host, and whose user is not root; ``mapped``: nor is root."""
    config = trial.config("exit", "0")
    config["process"]["user"] = {"uid": 1000, "gid": 1000}
    config["mounts"].append({"destination": "/mounted", "type": "none", "source": "/dev/null", "options": ["bind"]})
    config["linux"] |= {
        "devices": [
            {"path": "/dev/given", "type": "c", "major": 1, "minor": 5, "fileMode": 0o600, "uid": 1000, "gid": 1000}
        ],
        "maskedPaths": ["/masked"],
    }
    if mapped:
        mounting.in_user_namespace(config)
    return config


@case(OF_THE_HOST, needs=["root", "isolation"], last=True)
def of_the_host_stay_as_they_are(trial: CaseContext) -> None:
    """Owner and mode of the devices of the host are what they were, whatever a container has of them.

    It has them as its standard streams, as nodes that are bound where none can be made, as mounts, and over what is
    masked; its user is one who is not root, also one whom a user namespace maps to somebody else.
    """
    give_nodes(trial, ALL_OF_THEM_NULL)
    before = trial.stage.devices.look()
    trial.expect(OF_THE_HOST, "devices in the /dev of the host have changed", got=before, want=[])
    give_nodes(trial, OTHER_STREAMS)
    after = [change for change in trial.stage.devices.look() if change not in before]
    message = "devices other than /dev/null that are given as standard streams have changed"
    trial.expect(OF_THE_HOST, message, got=after, want=[])
