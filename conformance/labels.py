"""Labels of SELinux: that of the process, and that of what is mounted.

The policy of a host knows no type of ours. What it lets us have is what we have, in other categories (MCS).
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from ocivalidate.runtime import CaseContext, case, steps

PROCESS, MOUNT = "/process/selinuxLabel", "/linux/mountLabel"
CATEGORIES = "c123,c456"
NEEDS = ("root", "isolation", "lsm:selinux")


def own_label() -> str:
    """The label of this process."""
    return Path("/proc/self/attr/current").read_text(encoding="ascii").strip("\0\n")


def label_of(path: str) -> str:
    """The label of a file, as the kernel tells it; empty where files have none, as before a policy is loaded."""
    try:
        return os.getxattr(path, "security.selinux").decode().rstrip("\0")
    except OSError as problem:
        if problem.errno != errno.ENODATA:
            raise
        return ""


def in_other_categories(label: str) -> str:
    """A label that differs from another one in its categories alone; empty where the policy has none."""
    parts = label.split(":", 3)
    if len(parts) < 4:
        return ""
    lowest = parts[3].partition("-")[0].partition(":")[0]
    return ":".join([*parts[:3], lowest, CATEGORIES])


@case(sets=[PROCESS], needs=NEEDS)
def process_has_the_label(trial: CaseContext) -> None:
    """The process has the label that is given, and not that of the runtime's caller."""
    wanted = in_other_categories(own_label())
    if not wanted:
        trial.skip("this host has no policy with categories, so that there is no other label for us")
    config = trial.config(*steps(["label"], ["wait"]))
    config["process"]["selinuxLabel"] = wanted
    trial.applied(PROCESS, got=trial.run(config).value("label"), want=wanted)


@case(sets=[MOUNT], needs=NEEDS)
def mounts_have_the_label(trial: CaseContext) -> None:
    """What a file system in memory holds has the label that is given for mounts."""
    wanted = in_other_categories(label_of(str(trial.folder)))
    if not wanted:
        trial.skip("this host has no policy with categories, so that there is no other label for files")
    config = trial.config("wait")
    config["mounts"].append({"destination": "/var", "type": "tmpfs", "source": "tmpfs"})
    config["linux"]["mountLabel"] = wanted
    container = trial.container(config).must_create()
    trial.applied(MOUNT, got=label_of(f"/proc/{container.pid}/root/var"), want=wanted)
