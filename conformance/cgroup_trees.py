"""Control groups above, beside and below that of a container: what is not its own stays as it is."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from ocivalidate.runtime import CaseContext, case, cgroups, grouping, limits, steps

KEEPS = "runtime.delete.keeps-foreign-resources"
REMOVES = "runtime.delete.removes-resources"
OTHERS = "safety/runtime.foreign-groups"
MIB = 1 << 20
# Version → file → what stands there before, in a group that is not of the container.
SETTINGS: Mapping[str, Mapping[str, str]] = {
    "v1": {
        "cpu.shares": "777",
        "cpu.cfs_quota_us": "90000",
        "memory.limit_in_bytes": str(600 * MIB),
        "memory.soft_limit_in_bytes": str(300 * MIB),
        "pids.max": "444",
    },
    "v2": {
        "cpu.weight": "77",
        "cpu.max": "90000 100000",
        "cgroup.freeze": "0",
        "cgroup.max.depth": "9",
        "cgroup.type": "domain",
        "memory.high": str(500 * MIB),
        "memory.low": str(3 * MIB),
        "memory.max": str(600 * MIB),
        "memory.oom.group": "0",
        "pids.max": "444",
    },
}


def with_settings(trial: CaseContext, path: str) -> None:
    """Write the settings of this version of control groups to a group of ours, where its kernel has such files."""
    for folder in cgroups.folders(trial.stage.layout, path):
        for name, text in _settings(trial).items():
            file = Path(folder, name)
            if file.exists() and cgroups.content(folder, name) != text:
                limits.put(trial, file, text)


def _settings(trial: CaseContext) -> Mapping[str, str]:
    return SETTINGS["v2" if limits.is_unified(trial) else "v1"]


def found(trial: CaseContext, paths: Iterable[str]) -> dict[str, str]:
    """Group and file → what stands there, for the settings of these groups, and whose they are."""
    seen: dict[str, str] = {}
    for path in paths:
        for folder in cgroups.folders(trial.stage.layout, path):
            what = f"{path.rpartition('-')[2]} {folder.removesuffix(path).rpartition('/')[2]}"
            seen[f"{what}: owner"] = str(os.stat(folder).st_uid)
            texts = {name: cgroups.content(folder, name) for name in _settings(trial)}
            seen |= {f"{what}: {name}": text for name, text in texts.items() if text is not None}
    return seen


@case(OTHERS, needs=["root"])
def others_stay_as_they_are(trial: CaseContext) -> None:
    """In the life of a container with limits, those of the groups above and beside it stay as they are."""
    above, beside = trial.make_group("above", above_others=True), trial.make_group("beside")
    paths = (above, beside)
    for path in paths:
        with_settings(trial, path)
    before = found(trial, paths)
    container = trial.container(grouping.with_path(trial, f"{above}/own"))
    for what in ("create", "start", "kill", "delete"):
        if what == "delete":
            container.wait_stopped()
        getattr(container, f"must_{what}")()
        after = found(trial, paths)
        got = sorted(
            f"{name} was {text}, is {after.get(name)}" for name, text in before.items() if after.get(name) != text
        )
        trial.expect(OTHERS, f"{what} changes groups above or beside that of the container", got=got, want=[])


@case(REMOVES, needs=["root", "controller:pids", "namespace:cgroup"])
def made_inside(trial: CaseContext) -> None:
    """A group in which the container has made others, and has its process in one, is gone after delete."""
    top = "/sys/fs/cgroup" if limits.is_unified(trial) else "/sys/fs/cgroup/pids"
    make = [["mkdir", f"{top}/inner"], ["mkdir", f"{top}/inner/most"], ["mkdir", f"{top}/empty"]]
    move = ["overwrite", f"{top}/inner/most/cgroup.procs", "0"]
    path = grouping.own_path(trial, "own")
    grouping.remove_later(trial, grouping.own_path(trial))
    # Without limits: a processor can be had only where the groups above, which the runtime makes, have some.
    config = grouping.without_limits(grouping.with_path(trial, path, *steps(*make, move, ["wait"])))
    config["linux"]["namespaces"].append({"type": "cgroup"})
    config["mounts"].append(
        {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["nosuid", "rw"]}
    )
    container = trial.container(config).must_create().must_start()
    facts = container.facts()
    outcomes = [facts.outcome(*step) for step in (*make, move)]
    if outcomes != [True] * len(outcomes):
        trial.skip(f"a container cannot make groups below its own here: {outcomes}")
    container.must_kill().wait_stopped()
    container.must_delete()
    left = cgroups.folders(trial.stage.layout, path)
    trial.expect(REMOVES, "a group that the container has divided is there after delete", got=left, want=[])


# In version 1 runc tries for half a minute to remove what it must not, hierarchy by hierarchy.
@case(KEEPS, needs=["root", "cgroup:v2"])
def above_that_of_another(trial: CaseContext) -> None:
    """Delete of a container whose group is above that of another, which runs, leaves that one and its group alone."""
    above = grouping.own_path(trial, "above")
    grouping.remove_later(trial, grouping.own_path(trial))
    # It ends by itself: whether kill works on one that is created is no matter of this case.
    outer = trial.container(grouping.without_limits(grouping.with_path(trial, above, "ids")))
    outer.must_create().must_start().wait_stopped()
    inner = trial.container(
        grouping.without_limits(grouping.with_path(trial, f"{above}/inner", *steps(["ids"], ["wait"])))
    )
    done = inner.create()
    if not done.ok:
        trial.skip(f"the runtime makes no container below the group of another: {done.last_error_line}")
    inner.must_start().facts()
    # Whether it can be deleted while something of another is in its group, the specification does not say.
    outer.delete()
    there = bool(cgroups.folders(trial.stage.layout, f"{above}/inner"))
    got = ["alive" if inner.alive() else "dead", "there" if there else "gone"]
    message = "delete of a container takes the group and the process of another that is below its group"
    trial.expect(KEEPS, message, got=got, want=["alive", "there"])
