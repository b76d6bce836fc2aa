"""What cases on the places of control groups share: configs with a cgroupsPath, and where a process is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ocivalidate.runtime.case_context import CaseContext
from ocivalidate.runtime.case_helpers.limits import is_unified
from ocivalidate.runtime.driving.container import Container
from ocivalidate.runtime.kernel import asking, cgroups

# Two containers may share a group, and a sandbox alone has dozens of threads.
_PIDS = 500
# Each with a value in the config, so that the process has to be in a group of it.
RESOURCES: dict[str, dict[str, Any]] = {
    "cpu": {"cpu": {"shares": 600}},
    "cpuset": {"cpu": {"cpus": str(min(getattr(os, "sched_getaffinity", lambda _pid: {0})(0)))}},
    "devices": {"devices": [{"allow": True, "access": "rwm"}]},
    "memory": {"memory": {"limit": 200 << 20}},
    "pids": {"pids": {"limit": _PIDS}},
}
# The values of those that both versions word alike.
LIMITS = {"memory": str(200 << 20), "pids": str(_PIDS)}


def usable(trial: CaseContext) -> list[str]:
    """The names of the controllers of ``RESOURCES`` that this host has.

    Raises :class:`Skipped` if it has none.
    """
    found = [name for name in RESOURCES if name in trial.host.controllers]
    if not found:
        trial.skip(f"this host has none of the controllers {', '.join(RESOURCES)}")
    return found


def with_path(trial: CaseContext, path: str | None, *probe: str) -> dict[str, Any]:
    """A config with this ``cgroupsPath`` and a value for every usable controller, so that each has to be applied.

    ``path`` is ``None`` for a config that names no group; ``probe`` are steps of the probe (default: it waits). Raises
    :class:`Skipped` if no controller is usable.
    """
    config = trial.config(*(probe or ("wait",)))
    config["linux"]["cgroupsPath"] = path
    resources: dict[str, Any] = {}
    config["linux"]["resources"] = resources
    for name in usable(trial):
        for section, values in RESOURCES[name].items():
            resources[section] = {**resources.get(section, {}), **values} if isinstance(values, dict) else values
    return config


def without_limits(config: dict[str, Any]) -> dict[str, Any]:
    """Take ``linux.resources`` out of a config, and return the same config.

    Its process joins a group whose limits are not to change.
    """
    config["linux"].pop("resources", None)
    return config


def places(trial: CaseContext, container: Container) -> dict[str, str]:
    """The path of the group of the container process in each usable controller; ``none`` if it is in none."""
    groups, unified = container.groups, is_unified(trial)
    return {name: groups.get("" if unified else name, "none") for name in usable(trial)}


def own_path(trial: CaseContext, *names: str) -> str:
    """An absolute ``cgroupsPath``, below the group of this run, that nothing has made: of the case, then ``names``."""
    return "/".join((trial.stage.group, trial.case.id.replace(".", "-"), *names))


def remove_later(trial: CaseContext, path: str) -> None:
    """Remove a group, by its path, when the case is over: a runtime makes it above that of a container.

    What cannot be removed is an error of the case.
    """
    layout = trial.stage.layout
    trial.undo(lambda: [f"control group {folder}" for folder in cgroups.remove(layout, path)])


def limit_files(trial: CaseContext) -> dict[str, str]:
    """Controller → the name of the file with its limit, for the usable ones that both versions word alike."""
    memory = "memory.max" if is_unified(trial) else "memory.limit_in_bytes"
    files = {"memory": memory, "pids": "pids.max"}
    return {name: files[name] for name in usable(trial) if name in files}


def skip_unscheduled(trial: CaseContext, config: Mapping[str, Any]) -> None:
    """Skip where the kernel refuses ``process.scheduler`` of a config to a process in a group like its container's.

    Raises :class:`Skipped`, with what the kernel said.
    """
    layout, group, folders = trial.stage.layout, "", list[str]()
    if trial.subject.isolates and trial.host.root and trial.stage.group:
        group = trial.make_group("asked")
        folders = cgroups.folders(layout, group)
        budget = ((config.get("linux") or {}).get("resources") or {}).get("cpu", {}).get("realtimeRuntime", 0)
        try:
            if budget and cgroups.has_real_time_budgets(layout):
                cgroups.give_real_time(layout, group, budget // 10)
        except OSError as problem:
            trial.skip(f"this kernel gives a control group below ours no real-time budget: {problem.strerror}")
    refused = asking.scheduling_refused(config["process"]["scheduler"], folders)
    if group:
        # Its budget is for the container. What is left is removed once more when the case is over.
        cgroups.remove(layout, group)
    if refused:
        trial.skip(refused)


def linux32_is_told() -> bool:
    """Whether this kernel tells a process whose execution domain is LINUX32 of another machine."""
    return asking.machine_of_linux32() != os.uname().machine
