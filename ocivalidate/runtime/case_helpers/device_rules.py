"""Rules on devices, tried with nodes that no driver is behind: nothing is done to any device of the host.

No driver has the major number that most of them have: opening such a device fails with ENXIO once it is allowed, and
with EPERM before.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from typing import Any

from ocivalidate.runtime.case_context import CaseContext
from ocivalidate.runtime.driving.configs import steps
from ocivalidate.runtime.driving.container import Container

# Majors of character and block devices end at 511.
MAJOR, OTHER_MAJOR = 1600, 1601
DENIED = ("EPERM", "EACCES")
ALLOW_ALL = {"allow": True, "access": "rwm"}
DENY_ALL = {"allow": False, "access": "rwm"}
NODES = "/opt/nodes"
# Node → type and numbers.
NUMBERS = {
    "c1": ("c", MAJOR, 1),
    "c2": ("c", MAJOR, 2),
    "c3": ("c", MAJOR, 3),
    "c4": ("c", MAJOR, 4),
    "c5": ("c", MAJOR, 5),
    "c6": ("c", MAJOR, 6),
    "b1": ("b", MAJOR, 1),
    "b2": ("b", MAJOR, 2),
    "other": ("c", OTHER_MAJOR, 77),
    "next": ("c", OTHER_MAJOR + 1, 78),
    "last": ("c", OTHER_MAJOR + 1, 79),
}


def device(path: str, kind: str, minor: int, **members: int) -> dict[str, Any]:
    """An entry of linux.devices."""
    return {"path": path, "type": kind, "major": MAJOR, "minor": minor, **members}


def rules_or_skip(trial: CaseContext) -> None:
    """Skip where rules on devices cannot be, or where we ourselves may not use the devices that they are tried with.

    Raises :class:`Skipped`.
    """
    mode = trial.stage.layout.mode
    if mode == "none" or (mode != "v2" and "devices" not in trial.host.controllers):
        trial.skip("this host has no control group controller devices")
    node = trial.folder / "node"
    node.unlink(missing_ok=True)
    os.mknod(node, stat.S_IFCHR | 0o600, os.makedev(MAJOR, 1))
    try:
        os.close(os.open(node, os.O_RDONLY | os.O_NONBLOCK))
    except PermissionError as problem:
        trial.skip(f"we may not use devices of our own choice here: {problem.strerror}")
    except OSError:
        return


def make_node(container: Container, path: str, kind: int, minor: int, major: int = MAJOR) -> None:
    """Put a device into the root filesystem of a container that is not created yet. Raises :class:`OSError`.

    ``path`` is that in the container, ``kind`` the type bit of a mode (``stat.S_IFCHR``).
    """
    target = container.bundle / "rootfs" / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    os.mknod(target, kind | 0o666, os.makedev(major, minor))


def rule(allow: bool, kind: str, major: int | None, minor: int | None, access: str) -> dict[str, Any]:  # noqa: FBT001  # as in the config
    """An entry of linux.resources.devices; ``None`` stands for all numbers."""
    numbers = {name: number for name, number in (("major", major), ("minor", minor)) if number is not None}
    return {"allow": allow, "type": kind, **numbers, "access": access}


def tried(
    trial: CaseContext, rules: Sequence[dict[str, Any]], wanted: Mapping[tuple[str, str], bool]
) -> dict[str, bool | str]:
    """Which openings succeed under some rules, of those wanted: ``name mode`` → whether it was allowed, or what came.

    No driver has these numbers: what is allowed ends in ENXIO, and what ends otherwise was not seen to be allowed.
    Where the kernel in the container shows no devices of the root filesystem, they are listed, below /dev.
    """
    rules_or_skip(trial)
    found: dict[str, Any] = {}
    for folder in (NODES, "/dev/nodes"):
        config = trial.config(*steps(*(["open", f"{folder}/{name}", how] for name, how in wanted), ["wait"]))
        config["linux"]["resources"] = {"devices": list(rules)}
        listed = folder != NODES
        for name in dict.fromkeys(name for name, _ in wanted) if listed else ():
            kind, major, minor = NUMBERS[name]
            entry = {"path": f"{folder}/{name}", "type": kind, "major": major, "minor": minor, "fileMode": 0o666}
            config["linux"].setdefault("devices", []).append(entry)
        container = trial.container(config)
        for name in {name for name, _ in wanted} if not listed else ():
            kind, major, minor = NUMBERS[name]
            make_node(container, f"{folder}/{name}", stat.S_IFCHR if kind == "c" else stat.S_IFBLK, minor, major)
        facts = container.must_create().must_start().facts()
        found = {f"{name} {how}": facts.outcome("open", f"{folder}/{name}", how) for name, how in wanted}
        container.clean_up()
        if "ENOENT" not in found.values():
            break
    return {key: {"ENXIO": True, **dict.fromkeys(DENIED, False)}.get(got, got) for key, got in found.items()}
