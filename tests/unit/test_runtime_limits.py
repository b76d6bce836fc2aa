"""Verdicts on control groups, on faked trees of both versions."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ocivalidate.runtime.case_context import CaseContext, Skipped
from ocivalidate.runtime.case_helpers.limits import found, is_unified, processor_time, scratch, skip_without_files
from ocivalidate.runtime.driving.container import Container
from ocivalidate.runtime.kernel import cgroups
from ocivalidate.runtime.kernel.cgroup_values import expected

RESOURCES: dict[str, Any] = {
    "cpu": {"shares": 1024, "quota": 20000},
    "memory": {"limit": 1 << 20, "swap": 3 << 20},
    "pids": {"limit": 7},
}
TREES = {
    "v1": {
        "cpu/own/cpu.shares": "1024\n",
        "cpu/own/cpu.cfs_quota_us": "20000\n",
        "memory/own/memory.limit_in_bytes": "1048576\n",
        "memory/own/memory.memsw.limit_in_bytes": "3145728\n",
        "pids/own/pids.max": "7\n",
    },
    "v2": {
        "own/cpu.weight": "100\n",
        "own/cpu.max": "20000 100000\n",
        "own/memory.max": "1048576\n",
        "own/memory.swap.max": "2097152\n",
        "own/pids.max": "7\n",
    },
}


def made(tmp_path: Path, mode: str) -> tuple[cgroups.Layout, Container]:
    """A tree with the files of a group /own, and a container that is in it."""
    for name, text in TREES[mode].items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    if mode == "v2":
        layout = cgroups.Layout("v2", dict.fromkeys(("cpu", "memory", "pids"), str(tmp_path)), str(tmp_path))
        groups = {"": "/own"}
    else:
        layout = cgroups.Layout("v1", {name: str(tmp_path / name) for name in ("cpu", "memory", "pids")}, "")
        groups = dict.fromkeys(("cpu", "memory", "pids"), "/own")
    container = Container(cast(Any, SimpleNamespace(note=lambda _step: None)), "a", tmp_path, layout)
    container._process.groups = groups
    return layout, container


def trial(layout: cgroups.Layout, group: str = "/own") -> CaseContext:
    def skip(reason: str) -> None:
        raise Skipped(reason)

    return cast(
        CaseContext,
        SimpleNamespace(
            stage=SimpleNamespace(layout=layout, group=group),
            skip=skip,
            runtime=SimpleNamespace(note=lambda _step: None),
        ),
    )


@pytest.mark.parametrize("mode", TREES)
def test_values_that_are_applied(tmp_path: Path, mode: str) -> None:
    layout, container = made(tmp_path, mode)
    wanted = expected(RESOURCES, unified=is_unified(trial(layout)))
    assert len(wanted) == 5
    assert all(got == want for got, want in (found(container, one) for one in wanted))


@pytest.mark.parametrize("mode", TREES)
def test_values_that_are_not(tmp_path: Path, mode: str) -> None:
    layout, container = made(tmp_path, mode)
    for file in tmp_path.rglob("*.*"):
        if file.is_file():
            file.write_text("max\n" if file.name != "cpu.shares" else "512\n")
    wanted = expected(RESOURCES, unified=is_unified(trial(layout)))
    assert all(got != want for got, want in (found(container, one) for one in wanted))


@pytest.mark.parametrize("mode", TREES)
def test_a_process_that_is_in_no_group(tmp_path: Path, mode: str) -> None:
    _, container = made(tmp_path, mode)
    container._process.groups = {}
    (one,) = expected({"pids": {"limit": 7}}, unified=mode == "v2")
    assert found(container, one) == ("the process is in no group of pids", "7")


@pytest.mark.parametrize("mode", TREES)
def test_files_that_the_kernel_does_not_have(tmp_path: Path, mode: str) -> None:
    layout, _ = made(tmp_path, mode)
    unified = mode == "v2"
    skip_without_files(trial(layout), expected(RESOURCES, unified=unified))
    with pytest.raises(Skipped, match=r"this kernel has no cpu\..*burst"):
        skip_without_files(trial(layout), expected({"cpu": {"burst": 5}}, unified=unified))
    assert scratch(trial(layout), "pids").endswith("/own")


def test_what_version_2_has_nothing_like(tmp_path: Path) -> None:
    layout, _ = made(tmp_path, "v2")
    with pytest.raises(Skipped, match="no equivalent"):
        skip_without_files(trial(layout), expected({"memory": {"swappiness": 5}}, unified=True))


def test_files_are_kept_before_a_delete(tmp_path: Path) -> None:
    _, container = made(tmp_path, "v2")
    container.runtime = cast(
        Any, SimpleNamespace(delete=lambda *_args, **_options: SimpleNamespace(ok=True), note=lambda _step: None)
    )
    container.delete()
    assert container.group_files == {}
    container.keeps_groups = True
    container.delete()
    assert container.group_files[f"{tmp_path}/own/pids.max"] == "7"


@pytest.mark.parametrize(
    ("mode", "file", "text", "seconds"),
    [
        ("v1", "cpuacct/own/cpuacct.usage", "250000000\n", 0.25),
        ("v2", "own/cpu.stat", "usage_usec 250000\nuser_usec 9\n", 0.25),
        # The first version has such a file without it, and need not have the controller that counts.
        ("v1", "cpu/own/cpu.stat", "nr_periods 1\n", None),
    ],
)
def test_the_time_that_a_group_got_is_what_the_host_counts(
    tmp_path: Path, mode: str, file: str, text: str, seconds: float | None
) -> None:
    layout, container = made(tmp_path, mode)
    counter = file.split("/", maxsplit=1)[0]
    container._layout = cgroups.Layout(
        layout.mode, {**layout.controllers, counter: str(tmp_path / counter)}, layout.unified
    )
    container._process.groups = {**container._process.groups, counter: "/own"}
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(text)
    assert processor_time(container) == seconds
