"""What cases on limits share: containers with resources, and verdicts on what stands in their control groups."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ocivalidate.runtime.case_context import CaseContext
from ocivalidate.runtime.driving.container import Container
from ocivalidate.runtime.driving.journal import Grouped, Looked
from ocivalidate.runtime.inside.facts import Facts
from ocivalidate.runtime.kernel.cgroup_values import RESOURCES, Expected, expected
from ocivalidate.runtime.kernel.cgroups import content

CREATE_RESOURCES = "runtime/runtime.lifecycle.create-resources"


def pointers(*names: str) -> list[str]:
    """Pointers below linux.resources."""
    return [f"{RESOURCES}/{name}" for name in names]


def is_unified(trial: CaseContext) -> bool:
    """Whether controllers are those of version 2."""
    return trial.stage.layout.mode == "v2"


def scratch(trial: CaseContext, controller: str) -> str:
    """The folder of the group above those of all containers."""
    return f"{trial.stage.layout.controllers[controller]}{trial.stage.group}"


def skip_without_files(trial: CaseContext, wanted: list[Expected]) -> None:
    """Skip what this kernel has no files for: they were looked for in a group of ours."""
    if not wanted:
        trial.skip("control groups of version 2 have no equivalent")
    for one in wanted:
        folder = scratch(trial, one.controller)
        if not any(os.path.exists(f"{folder}/{place.file}") for place in one.places):
            trial.skip(f"this kernel has no {one.places[0].file} in control groups")


def preset(trial: CaseContext, controller: str, group: str, file: str, text: str) -> None:
    """Write to a file of a group of ours, that the container finds another value there. Skips where there is none."""
    path = f"{trial.stage.layout.controllers[controller]}{group}/{file}"
    if not os.path.exists(path):
        trial.skip(f"this kernel has no {file} in control groups")
    with open(path, "w", encoding="ascii") as opened:
        opened.write(text)
    trial.runtime.note(Grouped(group, controller, file, text))


def put(trial: CaseContext, file: Path, text: str) -> None:
    """Write to a file of a group of ours. Raises :class:`OSError`."""
    file.write_text(text, encoding="ascii")
    group = str(file.parent)
    trial.runtime.note(Grouped(group[max(0, group.find(trial.stage.group)) :], "", file.name, text))


def found(container: Container, one: Expected) -> tuple[str, str]:
    """What stands where a value is expected, and what should; both alike when it may."""
    folder = container.group_folder(one.controller)
    if not folder:
        return f"the process is in no group of {one.controller}", one.places[0].wants[0]
    for place in one.places:
        text = content(folder, place.file)
        if text is not None:
            got = place.value(text)
            container.runtime.note(Looked("value", f"{one.controller}/{place.file}", [got, text], container.id))
            return got, got if got in place.wants else place.wants[0]
    return f"no {one.places[0].file} in {folder}", one.places[0].wants[0]


def values(trial: CaseContext, resources: dict[str, Any]) -> list[Expected]:
    """What a release wants in the files of the control groups of this host."""
    return expected(resources, unified=is_unified(trial), reserved=trial.holds("1.1.0"))


def judge_values(trial: CaseContext, container: Container, resources: dict[str, Any]) -> None:
    """Judge what stands in the groups of a container against its resources, as far as the case declares."""
    for one in values(trial, resources):
        if one.pointer not in trial.case.sets:
            continue
        got, want = found(container, one)
        trial.applied(one.pointer, got=got, want=want)
        if CREATE_RESOURCES in trial.case.clauses:
            message = f"after create, {one.pointer} is not in force"
            trial.expect(CREATE_RESOURCES, message, got=got, want=want, pointer=one.pointer)


def limited(trial: CaseContext, resources: dict[str, Any], *probe: str, group: str = "") -> Container:
    """A created container with these resources, whose values were judged."""
    skip_without_files(trial, values(trial, resources))
    config = trial.config(*(probe or ("wait",)))
    config["linux"]["resources"] = resources
    if group:
        config["linux"]["cgroupsPath"] = group
    container = trial.container(config).must_create()
    judge_values(trial, container, resources)
    return container


def facts_of(container: Container) -> Facts:
    """Start a container and take what its probe reports."""
    return container.must_start().facts()
