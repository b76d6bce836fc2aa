"""Devices whose paths are written otherwise, are those of default devices, or are for other users than root."""

from __future__ import annotations

import os
import stat
from typing import Any

from ocivalidate.runtime import CaseContext, caller, case, mounting, steps

AVAILABLE = "config-linux.devices.available"
UNLISTED = "config-linux.devices.no-unlisted-access"
DEVICES = "/linux/devices/*"
PATH = f"{DEVICES}/path"
NEEDS = ("root", "isolation", "cap:MKNOD")
NULL = (1, 3)
TUNNELS = (10, 200)
DENIED = ("EPERM", "EACCES")


def null(path: str, **members: int) -> dict[str, Any]:
    """An entry of linux.devices for a null device."""
    return {"path": path, "type": "c", "major": NULL[0], "minor": NULL[1], **members}


def numbers(found: Any) -> Any:
    """Kind and numbers of what the probe found at a path, or why it found nothing."""
    return (found["kind"], found["major"], found["minor"]) if isinstance(found, dict) else found


@case(AVAILABLE, sets=[PATH], needs=NEEDS)
def paths_that_are_not_written_shortly(trial: CaseContext) -> None:
    """A device is where its path leads, also if that has two slashes in a row, or one at its end."""
    for path in ("/dev//twice", "/dev/ends/"):
        place = os.path.normpath(path)
        config = trial.config(*steps(["stat", place], ["open", place, "r"], ["wait"]))
        config["linux"]["devices"] = [null(path)]
        facts = trial.run(config)
        message = f"there is no device at the path {path}"
        got = numbers(facts.outcome("stat", place))
        trial.applied(PATH, got=got, want=("char", *NULL), message=message)
        trial.expect(AVAILABLE, f"{place} cannot be opened", got=facts.outcome("open", place), want=True)


@case(sets=[f"{DEVICES}/{name}" for name in ("fileMode", "uid", "gid")], needs=NEEDS)
def default_device_that_is_listed(trial: CaseContext) -> None:
    """A device that every container has may be listed, too, and then has the mode and the owner given there."""
    config = trial.config(*steps(["look", "/dev/null"], ["look", "/dev/full"], ["wait"]))
    full = {"path": "/dev/full", "type": "c", "major": 1, "minor": 7}
    config["linux"]["devices"] = [
        null("/dev/null", fileMode=0o666, uid=0, gid=0),
        full | {"fileMode": 0o640, "uid": 7, "gid": 8},
    ]
    # Who lists a device does not allow it by that.
    config["linux"]["resources"] = {"devices": [{"allow": True, "access": "rwm"}]}
    trial.judge_facts(config, trial.run(config))


@case(AVAILABLE, needs=NEEDS)
def another_user_reaches_them(trial: CaseContext) -> None:
    """A device that everybody may use is reached by a user who is not root, through folders that the runtime made."""
    config = trial.config(*steps(["open", "/dev/made/deep/null", "rw"], ["wait"]))
    config["process"]["user"] = {"uid": 1000, "gid": 1000}
    config["linux"]["devices"] = [null("/dev/made/deep/null", fileMode=0o666, uid=0, gid=0)]
    container = trial.container(config)
    somebody = caller(umask=0o077)
    container.must_create(wrapper=somebody).must_start(wrapper=somebody)
    message = "a device with mode 0666 cannot be opened by a user who is not root"
    trial.expect(AVAILABLE, message, got=container.facts().outcome("open"), want=True)


@case(AVAILABLE, sets=[f"{DEVICES}/fileMode"], needs=(*NEEDS, "namespace:user"))
def modes_in_a_user_namespace(trial: CaseContext) -> None:
    """In a user namespace, too, a listed device has the mode that is given, and whoever may use it can."""
    modes = {"/dev/all": 0o666, "/dev/owner": 0o600}
    opens = [["open", path, "rw"] for path in modes]
    config = trial.config(*steps(*(["stat", path] for path in modes), *opens, ["wait"]))
    mounting.in_user_namespace(config)
    config["process"]["user"] = {"uid": 1000, "gid": 1000}
    config["linux"]["devices"] = [null(path, fileMode=mode, uid=0, gid=0) for path, mode in modes.items()]
    config["linux"]["resources"] = {"devices": [{"allow": True, "access": "rwm"}]}
    facts = trial.run(config)
    for path, mode in modes.items():
        found = facts.outcome("stat", path)
        got = f"{found['mode']:o}" if isinstance(found, dict) else found
        message = f"in a user namespace a device of mode {mode:o} has another one"
        trial.applied(f"{DEVICES}/fileMode", got=got, want=f"{mode:o}", message=message)
    want = {"/dev/all": True, "/dev/owner": "EACCES"}
    got = {path: facts.outcome("open", path, "rw") for path in modes}
    trial.expect(AVAILABLE, "in a user namespace devices cannot be used as their modes say", got=got, want=want)


@case(UNLISTED, needs=NEEDS)
def tunnels_are_no_default_devices(trial: CaseContext) -> None:
    """Without rules, the device for network tunnels, which is neither listed nor a default one, cannot be used."""
    node = trial.folder / "tunnels"
    os.mknod(node, stat.S_IFCHR | 0o600, os.makedev(*TUNNELS))
    try:
        os.close(os.open(node, os.O_RDWR))
    except PermissionError as problem:
        trial.skip(f"we may not use the device for tunnels: {problem.strerror}")
    except OSError:
        pass  # no driver: the rules are asked before
    container = trial.container(trial.config(*steps(["open", "/opt/tunnels", "rw"], ["wait"])))
    inside = container.bundle / "rootfs" / "opt" / "tunnels"
    inside.parent.mkdir(exist_ok=True)
    os.mknod(inside, stat.S_IFCHR | 0o666, os.makedev(*TUNNELS))
    got = container.must_create().must_start().facts().outcome("open")
    message = "the device for network tunnels, which is not listed, can be used"
    held = got in (*DENIED, "ENOENT")  # a kernel in the container may not show nodes that it has no driver for
    trial.expect_that(UNLISTED, message, held=held, got=got, want="EPERM", pointer="/linux/devices")
