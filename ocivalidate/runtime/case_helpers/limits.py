"""What cases on limits share: containers with resources, and verdicts on what stands in their control groups."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ocivalidate.runtime.case_context import CaseContext
from ocivalidate.runtime.driving.container import Container
from ocivalidate.runtime.driving.journal import Grouped, Looked
from ocivalidate.runtime.inside.facts import Facts, find_facts
from ocivalidate.runtime.kernel.cgroup_values import RESOURCES, Expected, deciding, expected
from ocivalidate.runtime.kernel.cgroups import content

CREATE_RESOURCES = "runtime/runtime.lifecycle.create-resources"


def pointers(*names: str) -> list[str]:
    """The pointers of properties below ``linux.resources``: ``cpu/shares`` → ``/linux/resources/cpu/shares``."""
    return [f"{RESOURCES}/{name}" for name in names]


def is_unified(trial: CaseContext) -> bool:
    """Whether the controllers of this host are those of version 2."""
    return trial.stage.layout.mode == "v2"


def scratch(trial: CaseContext, controller: str) -> str:
    """The folder, in the hierarchy of a controller, of the group above those of all containers.

    Raises :class:`KeyError` for a controller that this host does not have.
    """
    return f"{trial.stage.layout.controllers[controller]}{trial.stage.group}"


def skip_without_files(trial: CaseContext, wanted: list[Expected]) -> None:
    """Skip where this kernel lacks a file that a value is expected in; it is looked for in our own group.

    Raises :class:`Skipped`, also when nothing is wanted: then version 2 has no equivalent.
    """
    if not wanted:
        trial.skip("control groups of version 2 have no equivalent")
    for one in wanted:
        folder = scratch(trial, one.controller)
        if not any(os.path.exists(f"{folder}/{place.file}") for place in one.places):
            trial.skip(f"this kernel has no {one.places[0].file} in control groups")


def preset(trial: CaseContext, controller: str, group: str, file: str, text: str) -> None:
    """Write ``text`` to a file of a group of ours (by its path), so that a container finds another value there.

    Raises :class:`Skipped` where the kernel has no such file, :class:`OSError` where it does not take the text.
    """
    path = f"{trial.stage.layout.controllers[controller]}{group}/{file}"
    if not os.path.exists(path):
        trial.skip(f"this kernel has no {file} in control groups")
    with open(path, "w", encoding="ascii") as opened:
        opened.write(text)
    trial.runtime.note(Grouped(group, controller, file, text))


def put(trial: CaseContext, file: Path, text: str) -> None:
    """Write ``text`` to a file of a group of ours, and note it in the journal. Raises :class:`OSError`."""
    file.write_text(text, encoding="ascii")
    group = str(file.parent)
    trial.runtime.note(Grouped(group[max(0, group.find(trial.stage.group)) :], "", file.name, text))


def found(container: Container, one: Expected) -> tuple[str, str]:
    """What stands in the files of a container's group for one expected value, and what is wanted there.

    Both are alike when what stands there is one of the values that it may have; else the first says what is there, in
    the unit of the file or in words.
    """
    folder = container.group_folder(one.controller)
    if not folder:
        return f"the process is in no group of {one.controller}", one.places[0].wants[0]

    def looked(file: str) -> str | None:
        text = content(folder, file)
        if text is not None:
            place = next(place for place in one.places if place.file == file)
            got = place.value(text)
            container.runtime.note(Looked("value", f"{one.controller}/{file}", [got, text], container.id))
        return text

    decided = deciding(one, looked)
    if decided is None:
        return f"no {one.places[0].file} in {folder}", one.places[0].wants[0]
    place, got = decided
    return got, got if got in place.wants else place.wants[0]


def io_controller(trial: CaseContext) -> str:
    """The controller of block devices, which version 2 calls otherwise. Skips where there is none."""
    name = "io" if is_unified(trial) else "blkio"
    if name not in trial.host.controllers:
        trial.skip(f"this host has no control group controller {name}")
    return name


def block_devices() -> dict[str, str]:
    """The whole block devices of this host that are in use: numbers → name."""
    found: dict[str, str] = {}
    for folder in sorted(Path("/sys/block").glob("*")):
        if int((folder / "size").read_text(encoding="ascii")) and not folder.name.startswith("zram"):
            found[(folder / "dev").read_text(encoding="ascii").strip()] = folder.name
    return found


def device_for(trial: CaseContext, controller: str, value: str, *files: str) -> dict[str, int]:
    """Numbers of a block device that takes a value in one of these files, as an entry of the config has them.

    It is tried in a group of ours; skips where there is none.
    """
    group = f"{trial.stage.layout.controllers[controller]}{trial.make_group('try')}"
    for numbers in block_devices():
        for path in (Path(group, file) for file in files):
            if path.exists() and takes(path, f"{numbers} {value}"):
                major, minor = map(int, numbers.split(":"))
                return {"major": major, "minor": minor}
    names = ", ".join(block_devices().values()) or "none"
    trial.skip(f"no block device here ({names}) takes a value in {' or '.join(files)}")
    return {}


def takes(path: Path, line: str) -> bool:
    """Whether the kernel takes a line for a file of a group of ours, and shows it there."""
    try:
        path.write_text(line, encoding="ascii")
    except OSError:
        return False
    return line in path.read_text(encoding="ascii")


def values(trial: CaseContext, resources: dict[str, Any]) -> list[Expected]:
    """What has to stand in the files of control groups of this host for ``linux.resources``.

    It depends on the release of the run, and on the version of control groups.
    """
    return expected(resources, unified=is_unified(trial), reserved=trial.holds("1.1.0"))


def judge_values(trial: CaseContext, container: Container, resources: dict[str, Any]) -> None:
    """Judge what stands in the groups of a created container against its ``linux.resources``.

    Only properties that the case declares in ``sets`` are judged, and ``CREATE_RESOURCES`` if it declares that.
    """
    for one in values(trial, resources):
        if one.pointer not in trial.case.sets:
            continue
        got, want = found(container, one)
        trial.applied(one.pointer, got=got, want=want)
        if CREATE_RESOURCES in trial.case.clauses:
            message = f"after create, {one.pointer} is not in force"
            trial.expect(CREATE_RESOURCES, message, got=got, want=want, pointer=one.pointer)


def limited(trial: CaseContext, resources: dict[str, Any], *probe: str, group: str = "") -> Container:
    """A created container with these ``linux.resources``, whose values were judged by :func:`judge_values`.

    ``probe``: the steps of its probe (default: it waits). ``group``: its ``cgroupsPath`` (default: one of its own).
    Raises :class:`Skipped` where the kernel has no file for a value, :class:`RuntimeFailed` if create fails.
    """
    skip_without_files(trial, values(trial, resources))
    config = trial.config(*(probe or ("wait",)))
    config["linux"]["resources"] = resources
    if group:
        config["linux"]["cgroupsPath"] = group
    container = trial.container(config).must_create()
    judge_values(trial, container, resources)
    return container


def processor_time(container: Container) -> float | None:
    """The seconds of processor time that the host counted for the group of a container; ``None`` if it does not."""
    usage = content(container.group_folder("cpuacct"), "cpuacct.usage")
    if usage is not None:
        return int(usage) / 1e9
    counted = dict(line.split() for line in (content(container.group_folder("cpu"), "cpu.stat") or "").splitlines())
    return int(counted["usage_usec"]) / 1e6 if "usage_usec" in counted else None


def reports(container: Container) -> bool:
    """Whether the probe in a running container comes to its report, and the container does not end before."""
    return container.wait_output(find_facts) is not None


def facts_of(container: Container) -> Facts:
    """Start a created container, and take what its probe reports.

    Raises :class:`RuntimeFailed` if start fails or no report comes.
    """
    return container.must_start().facts()
