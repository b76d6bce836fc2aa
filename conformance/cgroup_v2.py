"""What version 2 of control groups alone has: ``unified``, threaded groups, and settings that it has nothing like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ocivalidate.runtime import (
    CaseContext,
    Container,
    RuntimeFailed,
    case,
    cgroup_values,
    cgroups,
    changed,
    grouping,
    limits,
    steps,
)

MISSING = "config-linux.resources.unified.missing-controller-error"
WRITTEN = "config-linux.resources.unified.unknown-written"
ENABLED = "config-linux.resources.unified.controllers-enabled"
UNCONVERTIBLE = "config-linux.resources.v1-to-v2.unconvertible-error"
ABSOLUTE = "config-linux.cgroupsPath.absolute-from-mount"
UNFIT = "config-linux.cgroup.check-fail-error"
CREATES = "runtime.create.creates"
RUNS = "runtime.start.runs-process"
OTHERS = "safety/runtime.foreign-groups"
UNIFIED = f"{cgroup_values.RESOURCES}/unified"
V2 = ("root", "cgroup:v2", "controller:memory", "controller:pids")
MIB = 1 << 20


def with_unified(trial: CaseContext, files: dict[str, str], path: str = "") -> dict[str, Any]:
    """A config with these values for files of version 2; ``path``: its cgroupsPath (default: one of its own)."""
    config = trial.config("wait")
    config["linux"]["resources"] = {"unified": files}
    if path:
        config["linux"]["cgroupsPath"] = path
    return config


def text_of(container: Container, file: str) -> str:
    """What stands in a file of the group of a created container."""
    return cgroups.content(container.group_folder(""), file) or ""


# ------------------------------------------------------------------------------------------------------------ unified


@case(ENABLED, WRITTEN, sets=limits.pointers("unified/*"), needs=V2)
def below_groups_without_controllers(trial: CaseContext) -> None:
    """Controllers are enabled all the way down, through groups that are to be made or have none enabled."""
    files = {"memory.high": str(100 * MIB), "pids.max": "77"}
    bare = trial.make_group("bare")
    grouping.remove_later(trial, grouping.own_path(trial))
    for path in (grouping.own_path(trial, "above", "deeper", "own"), f"{bare}/deeper/own"):
        grouping.remove_later(trial, path.removesuffix("/own"))
        container = trial.container(with_unified(trial, files, path)).must_create()
        for file, text in files.items():
            got = text_of(container, file)
            trial.expect(ENABLED, f"the controller of {file} is not enabled for the group", got=bool(got), want=True)
            trial.expect(WRITTEN, f"{file} is not written", got=got, want=text)
            trial.applied(f"{UNIFIED}/*", got=got, want=text, message=f"{file} is not written")
        container.clean_up()


@case(MISSING, needs=V2)
def controller_that_cannot_be_enabled(trial: CaseContext) -> None:
    """Below a group that has processes no controller of memory can be enabled: a file of it is an error."""
    busy = trial.make_group("busy")
    config = trial.config("wait")
    config["linux"]["cgroupsPath"] = busy
    trial.container(config).must_create()
    if not cgroups.members(f"{trial.stage.layout.unified}{busy}"):
        trial.skip("the runtime puts a container elsewhere than in its cgroupsPath")
    grouping.remove_later(trial, f"{busy}/below")
    config = with_unified(trial, {"memory.high": str(100 * MIB)}, f"{busy}/below")
    message = (
        "unified speaks of a controller that cannot be enabled below a group with processes, and create does not say so"
    )
    trial.refused(MISSING, config, message, pointer=UNIFIED)


@case(MISSING, needs=V2)
def controller_of_a_threaded_group(trial: CaseContext) -> None:
    """In a threaded group memory has no controller: a file of it is an error."""
    path = _threaded(trial)
    config = with_unified(trial, {"memory.high": str(100 * MIB)}, path)
    message = "unified speaks of a controller that a threaded group cannot have, and create does not say so"
    trial.refused(MISSING, config, message, pointer=UNIFIED)


@case(sets=limits.pointers("unified/*"), needs=V2)
def file_that_is_not_there(trial: CaseContext) -> None:
    """A file that no kernel has, of a controller that is there, cannot be written: create fails and says so."""
    for file in ("memory.nosuch", "pids.nosuch.max"):
        config = with_unified(trial, {file: "1"})
        container = trial.container(config)
        done = container.create()
        got = "refused" if done.refused else "created" if done.ok else done.last_error_line
        message = f"unified speaks of {file}, which is not there, and create does not say so"
        trial.applied(f"{UNIFIED}/*", got=got, want="refused", message=message)
        container.clean_up()


@case(sets=limits.pointers("unified/*"), needs=V2)
def value_that_the_kernel_refuses(trial: CaseContext) -> None:
    """A value that the kernel does not take for a file is an error, as it cannot be applied."""
    for file, text in (("pids.max", "some"), ("memory.high", "12x")):
        container = trial.container(with_unified(trial, {file: text}))
        done = container.create()
        got = "refused" if done.refused else "created" if done.ok else done.last_error_line
        message = f"the kernel does not take {text} for {file}, and create does not say so"
        trial.applied(f"{UNIFIED}/*", got=got, want="refused", message=message)
        container.clean_up()


@case(OTHERS, needs=V2)
def file_of_another_group(trial: CaseContext) -> None:
    """A name that leads out of the group is refused, or changes nothing there."""
    beside = trial.make_group("beside")
    folder = Path(f"{trial.stage.layout.unified}{beside}")
    name = beside.rpartition("/")[2]
    for file, text in ((f"../{name}/pids.max", "1234"), (f"{folder}/memory.high", str(100 * MIB))):
        container = trial.container(with_unified(trial, {file: text}))
        container.create()
        got = cgroups.content(str(folder), file.rpartition("/")[2])
        message = f"unified changes a group beside that of the container, by the name {file.replace(name, 'beside')}"
        trial.expect(OTHERS, message.replace(str(folder.parent), "…"), got=got, want="max", pointer=UNIFIED)
        container.clean_up()


@case(sets=limits.pointers("unified/*"), needs=["root", "cgroup:v2", "controller:io"])
def several_lines(trial: CaseContext) -> None:
    """A value of several lines, as in the example of the specification, sets what each line says."""
    group = Path(f"{trial.stage.layout.controllers['io']}{trial.make_group('try')}")
    numbers = [one for one in _block_devices() if limits.takes(group / "io.max", f"{one} rbps=1000000")]
    if len(numbers) < 2:
        trial.skip(f"{len(numbers)} block device here takes a value in io.max, and it needs two")
    lines = [f"{one} rbps={rate}" for one, rate in zip(numbers, (7654321, 6543217), strict=False)]
    container = trial.container(with_unified(trial, {"io.max": "\n".join(lines)})).must_create()
    found = text_of(container, "io.max").splitlines()
    got = [line for line in lines if any(one.startswith(f"{line} ") for one in found)]
    trial.applied(f"{UNIFIED}/*", got=got, want=lines, message="of several lines for io.max not all are written")


def _block_devices() -> list[str]:
    return [path.read_text(encoding="ascii").strip() for path in sorted(Path("/sys/block").glob("*/dev"))]


# ----------------------------------------------------------------------------------------------------- threaded groups


def _threaded(trial: CaseContext) -> str:
    """The path of a new group that is threaded, below one of ours that has no processes."""
    domain = trial.make_group("domain")
    path = f"{domain}/own"
    grouping.remove_later(trial, path)
    folder = Path(f"{trial.stage.layout.unified}{path}")
    folder.mkdir()
    try:
        limits.put(trial, folder / "cgroup.type", "threaded")
    except OSError as problem:
        trial.skip(f"this kernel makes no threaded group below ours: {problem.strerror}")
    return path


@case(UNFIT, CREATES, RUNS, ABSOLUTE, needs=["root", "cgroup:v2"])
def threaded_group(trial: CaseContext) -> None:
    """A container whose cgroupsPath is a threaded group is refused, or it runs in that group."""
    path = _threaded(trial)
    config = grouping.without_limits(grouping.with_path(trial, path, *steps(["ids"], ["wait"])))
    trial.control(grouping.with_path(trial, None))
    container = trial.container(config)
    done = container.create(may_hang=True)
    message = "for a threaded group, create neither makes a container nor refuses it"
    trial.expect_that(CREATES, message, held=done.ok or done.refused, got=done.last_error_line, want="either of them")
    if not done.ok:
        if done.refused:
            trial.expect_that(UNFIT, "an unfit group is no error", held=True)
        trial.skip(f"there is no container in a threaded group: {done.last_error_line}")
    trial.skip("the runtime does not check whether the group is fit", UNFIT)
    got = container.groups.get("", "none")
    trial.expect(ABSOLUTE, "the process is not in the threaded group at cgroupsPath", got=got, want=path)
    trial.expect(RUNS, "a container in a threaded group does not run", got=_runs(container), want="it runs")


def _runs(container: Container) -> str:
    try:
        return "it runs" if "ids" in container.must_start().facts() else "it reports nothing"
    except RuntimeFailed as problem:
        return str(problem)


@case(sets=limits.pointers("memory/limit"), needs=V2)
def memory_of_a_threaded_group(trial: CaseContext) -> None:
    """In a threaded group there is no limit of memory: one in the config is refused, never passed over."""
    config = grouping.without_limits(grouping.with_path(trial, _threaded(trial)))
    config["linux"]["resources"] = {"memory": {"limit": 40 * MIB}}
    container = trial.container(config)
    done = container.create()
    got = "refused" if done.refused else text_of(container, "memory.max") if done.ok else done.last_error_line
    message = "in a threaded group, which has no limit of memory, that of the config is passed over"
    held = got in ("refused", str(40 * MIB))
    trial.applied(f"{cgroup_values.RESOURCES}/memory/limit", got=held, want=True, message=message)


# ------------------------------------------------------------------------------------- settings of version 1 alone

# Property → a value that version 2 cannot do, whatever it is made of.
NOTHING_LIKE: dict[str, Any] = {
    "memory/swappiness": 10,
    "memory/kernel": 40 * MIB,
    "memory/kernelTCP": 8 * MIB,
    "memory/disableOOMKiller": True,
    "memory/useHierarchy": False,
    "cpu/realtimeRuntime": 1500,
    "cpu/realtimePeriod": 600000,
    "blockIO/leafWeight": 345,
    "network/classID": 0x00100003,
    "network/priorities": [{"name": "lo", "priority": 345}],
}


@case(UNCONVERTIBLE, needs=["root", "cgroup:v2"])
def without_equivalent(trial: CaseContext) -> None:
    """Each setting of version 1 that version 2 has nothing like is an error where a value asks for what cannot be."""
    for name, value in NOTHING_LIKE.items():
        section, _, member = name.partition("/")
        config = trial.config("wait")
        config["linux"]["resources"] = changed({}, f"/{section}", {member: value})
        message = f"{section}.{member}, which version 2 has nothing like, is passed over"
        trial.refused(UNCONVERTIBLE, config, message, pointer=f"{cgroup_values.RESOURCES}/{name}")


@case(UNCONVERTIBLE, needs=["root", "cgroup:v2", "controller:io"])
def leaf_weight_of_a_device(trial: CaseContext) -> None:
    """A leaf weight on one device is an error, as version 2 has nothing like it."""
    numbers = next(iter(_block_devices()), "")
    if not numbers:
        trial.skip("this host has no block device")
    major, minor = map(int, numbers.split(":"))
    config = trial.config("wait")
    entry = {"major": major, "minor": minor, "leafWeight": 234}
    config["linux"]["resources"] = {"blockIO": {"weightDevice": [entry]}}
    message = "blockIO.weightDevice.leafWeight, which version 2 has nothing like, is passed over"
    trial.refused(UNCONVERTIBLE, config, message, pointer=f"{cgroup_values.RESOURCES}/blockIO/weightDevice")


@case(sets=limits.pointers("memory/limit", "memory/swap"), needs=["root", "cgroup:v2", "controller:memory"])
def no_swap_at_all(trial: CaseContext) -> None:
    """A limit of memory with swap that is no more than that of memory leaves no swap, in a group that had some, too."""
    limits.limited(trial, {"memory": {"limit": 40 * MIB, "swap": 40 * MIB}}).clean_up()
    group = trial.make_group("swap")
    limits.preset(trial, "memory", group, "memory.swap.max", str(24 * MIB))
    limits.limited(trial, {"memory": {"limit": 40 * MIB, "swap": 40 * MIB}}, group=group)
