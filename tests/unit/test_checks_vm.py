from __future__ import annotations

from typing import Any

import pytest

from ocivalidate.bundle import vm as checks
from tests.unit.checking import broken_clauses, outcome
from tests.unit.sayings import ERROR, config, said

IMAGE = {"path": "/vm/rootfs.img", "format": "raw"}


def document(pointer: str, value: Any) -> dict[str, Any]:
    """A sound configuration of a virtual machine with another value at the pointer, ``/vm/<part>/<member>``."""
    machine: dict[str, dict[str, Any]] = {
        "hypervisor": {"path": "/path/to/vmm"},
        "kernel": {"path": "/path/to/vmlinuz", "initrd": "/path/to/initrd.img"},
        "image": dict(IMAGE),
    }
    _empty, _vm, part, member = pointer.split("/")
    machine[part][member] = value
    return {"vm": machine}


@pytest.mark.parametrize(("pointer", "clause"), checks.PATHS.items())
@pytest.mark.parametrize("path", ["path/to/it", "./it", "C:\\it", "~/it"])
@pytest.mark.parametrize("platforms", [["vm"], ["vm", "linux"]])
def test_relative_paths(pointer: str, clause: str, path: str, platforms: list[str]) -> None:
    assert broken_clauses(checks, document(pointer, path), *platforms) == [(clause, pointer)]


@pytest.mark.parametrize("pointer", checks.PATHS)
def test_windows_paths_are_absolute_on_windows(pointer: str) -> None:
    assert broken_clauses(checks, document(pointer, "C:\\vm\\it"), "vm", "windows") == []


@pytest.mark.parametrize("pointer", checks.PATHS)
def test_absolute_paths_and_wrong_types_break_nothing_here(pointer: str) -> None:
    assert broken_clauses(checks, document(pointer, "/it"), "vm", "linux") == []
    assert broken_clauses(checks, document(pointer, 1), "vm", "linux") == []


def test_an_empty_path_is_relative_but_an_empty_initrd_is_none() -> None:
    assert broken_clauses(checks, document("/vm/kernel/initrd", ""), "vm") == []
    assert broken_clauses(checks, document("/vm/image/path", ""), "vm") == [
        (checks.PATHS["/vm/image/path"], "/vm/image/path")
    ]


@pytest.mark.parametrize("image_format", ["raw", "qcow2", "vdi", "vmdk", "vhd", ""])
def test_common_image_formats(image_format: str) -> None:
    assert broken_clauses(checks, document("/vm/image/format", image_format), "vm") == []


@pytest.mark.parametrize("image_format", ["RAW", "iso", "qcow2 "])
def test_image_formats_that_are_not_common(image_format: str) -> None:
    found = broken_clauses(checks, document("/vm/image/format", image_format), "vm")
    assert found == [(checks.IMAGE_FORMAT, "/vm/image/format")]


def test_only_the_paths_that_are_there_are_judged() -> None:
    judged = outcome(checks, {"vm": {"kernel": {"path": "/vmlinuz"}}}, "vm").clauses
    assert judged == {checks.PATHS["/vm/kernel/path"]}


def test_there_were_no_virtual_machines_before_1_0_2() -> None:
    assert broken_clauses(checks, document("/vm/kernel/path", "vmlinuz"), "vm", release="1.0.1") == []


@pytest.mark.parametrize(
    "member",
    [
        {"vcpus": -1},
        {"memory": -4096},
        {"irqs": [3, -1]},
        {"iomems": [{"firstGFN": -1, "firstMFN": 0, "nrMFNs": 0}]},
        {"iomems": [{"firstMFN": -1, "nrMFNs": 1}]},
        {"iomems": [{"firstMFN": 1, "nrMFNs": -1}]},
    ],
)
def test_hardware_is_not_below_zero(member: dict[str, Any]) -> None:
    """Numbers of processors, of bytes, of frames and of interrupts: the prose says int, and none can be negative."""
    machine = {"hypervisor": {"path": "/h"}, "kernel": {"path": "/k"}, "hwConfig": member}
    ((clause, severity),) = said(config(vm=machine))
    assert clause.startswith("runtime/config-vm.hwConfig.")
    assert clause.endswith(".type")
    assert severity is ERROR
