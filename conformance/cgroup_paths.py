"""Where the control groups of a container are, who they belong to, and what becomes of them.

Where a process is, the kernel says: /proc/PID/cgroup, not what the runtime prints.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from ocivalidate.runtime import (
    CaseContext,
    Container,
    Facts,
    RuntimeFailed,
    case,
    cgroups,
    grouping,
    limits,
    steps,
)

CREATED = "config-linux.cgroup.created"
ABSOLUTE = "config-linux.cgroupsPath.absolute-from-mount"
CONSISTENT = "config-linux.cgroupsPath.consistent"
REJECTED = "config-linux.cgroupsPath.reject-error"
UNFIT = "config-linux.cgroup.check-fail-error"
CREATES = "runtime.create.creates"
RUNS = "runtime.start.runs-process"
# Runtimes may check, and then have to generate an error (config-linux.md): of one that does not, nothing is asked.
NO_CHECK = "the runtime does not check whether the group is fit"
REMOVES = "runtime.delete.removes-resources"
NO_SIDE_EFFECTS = "runtime.errors.no-side-effects"
KEEPS = "runtime.delete.keeps-foreign-resources"
PATH = "/linux/cgroupsPath"
# Of a create or a start that ends usually within a tenth of a second.
_HANGS = 4.0


@case(CREATED, ABSOLUTE, CONSISTENT, sets=[PATH], needs=["root"])
def absolute_path(trial: CaseContext) -> None:
    """Groups at an absolute path are made, the process is in that of every controller, twice at the same place."""
    path = grouping.own_path(trial, "above", "deeper", "own")
    grouping.remove_later(trial, grouping.own_path(trial))
    seen = []
    for _ in range(2):
        container = trial.container(grouping.with_path(trial, path)).must_create()
        seen.append(grouping.places(trial, container))
        message = "the process is not in the group at cgroupsPath below the mount point"
        trial.expect(ABSOLUTE, message, got=seen[-1], want=dict.fromkeys(seen[-1], path))
        trial.applied(PATH, got=seen[-1], want=dict.fromkeys(seen[-1], path))
        missing = [name for name in seen[-1] if not _is_member(trial, name, path, container.pid)]
        trial.expect(CREATED, "there are no groups at cgroupsPath with the process in it", got=missing, want=[])
        container.clean_up()
    trial.expect(CONSISTENT, "the same cgroupsPath leads to another group", got=seen[1], want=seen[0])


def _is_member(trial: CaseContext, controller: str, path: str, pid: int) -> bool:
    """Whether a process is listed in the group at a path below the mount point."""
    text = cgroups.read(trial.stage.layout, controller, path, "cgroup.procs")
    return str(pid) in (text or "").split()


@case(CREATED, CONSISTENT, sets=[PATH], needs=["root"])
def relative_path(trial: CaseContext) -> None:
    """A relative path leads to a group of that name, and the second time to the same."""
    name = f"{trial.stage.prefix}relative"
    seen = []
    for _ in range(2):
        container = trial.container(grouping.with_path(trial, name)).must_create()
        seen.append(grouping.places(trial, container))
        held = all(name in place for place in seen[-1].values())
        message = "a group for the relative cgroupsPath was not made"
        trial.expect_that(CREATED, message, held=held, got=seen[-1], want=f"groups called {name}")
        trial.applied(PATH, got=held, want=True, message=message)
        container.clean_up()
    trial.expect(CONSISTENT, "the same cgroupsPath leads to another group", got=seen[1], want=seen[0])


@case(CREATED, "runtime.lifecycle.create-resources", needs=["root"])
def no_path(trial: CaseContext) -> None:
    """Without cgroupsPath the process is in groups that have the limits of the config."""
    container = trial.container(grouping.with_path(trial, None)).must_create()
    got = {
        name: cgroups.content(container.group_folder(name), file) for name, file in grouping.limit_files(trial).items()
    }
    want = {name: grouping.LIMITS[name] for name in got}
    trial.expect(CREATED, "without cgroupsPath the process is in no groups of its own", got=got, want=want)
    trial.expect("runtime.lifecycle.create-resources", "without cgroupsPath there are no limits", got=got, want=want)


@case(CONSISTENT, UNFIT, sets=[f"/linux/resources/{name}/limit" for name in ("memory", "pids")], needs=["root"])
def two_in_one_path(trial: CaseContext) -> None:
    """A second container with the path of a first that lives joins it in its group, or is refused."""
    path = grouping.own_path(trial)
    first = trial.container(grouping.with_path(trial, path)).must_create().must_start()
    second = trial.container(grouping.without_limits(grouping.with_path(trial, path, *steps(["ids"], ["wait"]))))
    done = second.create()
    if not done.ok:
        if not done.refused:
            second.raise_refusal(done)
        trial.expect_that(UNFIT, "create ends without an error", held=True)
        trial.expect(UNFIT, "a refused container is there", got=second.exists(), want=False)
        property_clause = "runtime.create.applies-config"
        trial.skip_refused(done.last_error_line, CONSISTENT, property_clause, odd=True)
    else:
        same = grouping.places(trial, second) == grouping.places(trial, first)
        trial.expect(CONSISTENT, "the same cgroupsPath leads to another group", got=same, want=True)
        second.must_start()
        second.facts()
        for name, file in grouping.limit_files(trial).items():
            got = cgroups.content(first.group_folder(name), file)
            message = f"a second container, without resources, takes the limit of {name} from the first"
            trial.applied(f"/linux/resources/{name}/limit", got=got, want=grouping.LIMITS[name], message=message)
        second.clean_up()
        trial.skip(NO_CHECK, UNFIT)


@case(UNFIT, CREATES, RUNS, needs=["root"])
def frozen_group(trial: CaseContext) -> None:
    """A container in a group that is frozen is refused, or it runs: it is never said to run and does not."""
    if not limits.is_unified(trial) and "freezer" not in trial.host.controllers:
        trial.skip("the control group controller freezer is not mounted on this host")
    path = trial.make_group("frozen")
    file, frozen, thawed = _freezer(trial, path)
    trial.control(grouping.with_path(trial, None))
    container = trial.container(grouping.without_limits(grouping.with_path(trial, path, *steps(["ids"], ["wait"]))))
    limits.put(trial, file, frozen)
    try:
        refused = _is_refused(trial, container)
    finally:
        # What is frozen cannot be killed.
        limits.put(trial, file, thawed)
    if refused:
        trial.expect_that(UNFIT, "an unfit group is no error", held=True)
    else:
        trial.skip(NO_CHECK, UNFIT)


def _freezer(trial: CaseContext, path: str) -> tuple[Path, str, str]:
    """The file that freezes a group, and what to write to it to freeze and to thaw."""
    if limits.is_unified(trial):
        return Path(f"{trial.stage.layout.unified}{path}", "cgroup.freeze"), "1", "0"
    return Path(f"{trial.stage.layout.controllers['freezer']}{path}", "freezer.state"), "FROZEN", "THAWED"


def _is_refused(trial: CaseContext, container: Container) -> bool:
    """Whether a container is refused when it is created or started; one that is not has to run."""
    done = container.create(may_hang=True, most=_HANGS)
    message = "in a frozen group, create neither makes a container nor refuses it"
    trial.expect_that(CREATES, message, held=done.ok or done.refused, got=done.last_error_line, want="either of them")
    if done.ok:
        done = container.start(may_hang=True, most=_HANGS)
    else:
        trial.skip("there is no container that could run", RUNS)
        return done.refused
    if done.refused:
        trial.skip("the runtime refuses to start it", RUNS)
        return True
    got = _runs(container) if done.ok else done.last_error_line
    trial.expect_that(RUNS, "a container in a frozen group hangs", held=got == "it runs", got=got, want="it runs")
    return False


def _runs(container: Container) -> str:
    try:
        return "it runs" if "ids" in container.facts() else "it does not run"
    except RuntimeFailed as problem:
        return str(problem)


def _refuses(trial: CaseContext, name: str) -> None:
    grouping.remove_later(trial, grouping.own_path(trial))
    config, control = grouping.with_path(trial, grouping.own_path(trial, name)), grouping.with_path(trial, None)
    message = "no group can be at such a cgroupsPath, and create does not say so"
    trial.refused(REJECTED, config, message, control=control, pointer=PATH)


@case(REJECTED, needs=["root"])
def path_too_long(trial: CaseContext) -> None:
    """A path that is longer than the kernel takes is an error."""
    _refuses(trial, "n" * 5000)


@case(REJECTED, needs=["root"])
def path_with_zero_byte(trial: CaseContext) -> None:
    """A path with a zero byte in it is an error: no name of a file can have one."""
    _refuses(trial, "zero\0byte")


@case(REJECTED, NO_SIDE_EFFECTS, sets=[PATH], needs=["root"])
def path_with_dots(trial: CaseContext) -> None:
    """A path with .. leads where it says, or is refused; one that leads out of the hierarchies leaves nothing there."""
    target = grouping.own_path(trial, "target")
    grouping.remove_later(trial, grouping.own_path(trial))
    container = trial.container(grouping.with_path(trial, grouping.own_path(trial, "a", "..", "target")))
    done = container.create()
    got = (
        sorted(set(grouping.places(trial, container).values()))
        if done.ok
        else ["refused" if done.refused else done.last_error_line]
    )
    held = got in ([target], ["refused"])
    trial.expect_that(REJECTED, "cgroupsPath with .. leads elsewhere", held=held, got=got, want=target)
    trial.applied(PATH, got=held, want=True, message="cgroupsPath with .. leads elsewhere")
    container.clean_up()
    # As many as it takes to leave any mount point.
    outside = trial.folder / "outside"
    container = trial.container(grouping.with_path(trial, f"{'/..' * 12}{outside}"))
    done = container.create()
    if done.refused:
        message = "a refused cgroupsPath that leads out of the hierarchies leaves a folder there"
        trial.expect(NO_SIDE_EFFECTS, message, got=outside.exists(), want=False)
        shutil.rmtree(outside, ignore_errors=True)
        return
    trial.skip("the runtime takes cgroupsPath to be below the mount point whatever is in it", NO_SIDE_EFFECTS)
    grouping.remove_later(trial, f"/{str(outside).split('/')[1]}")
    files = grouping.limit_files(trial).items()
    got = [name for name, file in files if cgroups.content(container.group_folder(name), file) != grouping.LIMITS[name]]
    trial.applied(PATH, got=got, want=[], message="with such a cgroupsPath there are no limits")


# --------------------------------------------------------------------------------------------------------- after delete


def _folders(trial: CaseContext, paths: Iterable[str]) -> list[str]:
    return [folder for path in paths for folder in cgroups.folders(trial.stage.layout, path)]


@case(REMOVES, KEEPS, needs=["root"])
def groups_after_delete(trial: CaseContext) -> None:
    """The groups that create made are gone after delete; those above and beside, which it did not make, stay."""
    above = trial.make_group("above", above_others=True)
    beside = trial.make_group("beside")
    before = _folders(trial, (above, beside))
    container = trial.container(grouping.with_path(trial, f"{above}/own")).must_create().must_start()
    container.must_kill().wait_stopped()
    container.must_delete()
    trial.expect(REMOVES, "groups are there after delete", got=_folders(trial, (f"{above}/own",)), want=[])
    left = [folder for folder in before if not os.path.isdir(folder)]
    trial.expect(KEEPS, "delete removes groups that it did not make", got=left, want=[])


@case(KEEPS, needs=["root"])
def group_that_was_there(trial: CaseContext) -> None:
    """A group that was there before the container, at its cgroupsPath, is there after delete."""
    path = trial.make_group("own")
    before = _folders(trial, (path,))
    # It ends by itself: whether kill works on one that is created is no matter of this case.
    container = trial.container(grouping.with_path(trial, path, "ids")).must_create().must_start()
    container.wait_stopped().must_delete()
    left = [folder for folder in before if not os.path.isdir(folder)]
    trial.expect(KEEPS, "delete removes the group that was at cgroupsPath before create", got=left, want=[])


# -------------------------------------------------------------------------------------------------------- in containers


def _seen_inside(trial: CaseContext, *, own_namespace: bool) -> Facts:
    config = grouping.with_path(trial, grouping.own_path(trial), "ids")
    folder = "/sys/fs/cgroup" if limits.is_unified(trial) else "/sys/fs/cgroup/pids"
    probe = steps(
        ["read", "/proc/self/cgroup"], ["read", f"{folder}/pids.max"], ["overwrite", f"{folder}/pids.max", "9"]
    )
    config["process"]["args"] = trial.config(*probe, ",", "wait")["process"]["args"]
    mount = {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["nosuid", "ro"]}
    config["mounts"].append(mount)
    if own_namespace:
        config["linux"]["namespaces"].append({"type": "cgroup"})
    return trial.run(config)


@case(
    sets=["/mounts/*/type", "/mounts/*/options", "/linux/namespaces/*/type"],
    needs=["root", "controller:pids", "namespace:cgroup"],
)
def seen_in_a_namespace(trial: CaseContext) -> None:
    """In a cgroup namespace of its own the container is at the top, and a cgroup mount shows its groups, read-only."""
    facts = _seen_inside(trial, own_namespace=True)
    paths = {line.split(":", 2)[2] for line in facts.value("read", "/proc/self/cgroup").splitlines()}
    message = "in a cgroup namespace of its own, the process is not in the group /"
    trial.applied("/linux/namespaces/*/type", got=sorted(paths), want=["/"], message=message)
    _judge_mount(trial, facts)


# Version 2 has no way to show a container no more than its own group, but a namespace.
@case(sets=["/mounts/*/type", "/mounts/*/options"], needs=["root", "controller:pids", "cgroup:v1"])
def seen_without_a_namespace(trial: CaseContext) -> None:
    """A cgroup mount shows the groups of the container, and read-only where it is to be so."""
    _judge_mount(trial, _seen_inside(trial, own_namespace=False))


def _judge_mount(trial: CaseContext, facts: Facts) -> None:
    step = next(record for record in facts.records if record["step"] == "read" and "pids.max" in record["args"][0])
    got = str(step.get("value", step.get("error"))).strip()
    message = "a mount of type cgroup does not show the container's own group"
    trial.applied("/mounts/*/type", got=got, want=grouping.LIMITS["pids"], message=message)
    message = "through a read-only mount of type cgroup, a limit can be changed"
    trial.applied("/mounts/*/options", got=facts.error("overwrite"), want="EROFS", message=message)
