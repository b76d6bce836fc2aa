"""A text may not be empty where a path, a name or an entry of a list is due.

config.md and its companions say what stands there; where they ask for a form, the empty text has it not, and where they
ask for none, some runtimes take it for an unset member and others refuse it.
"""

from __future__ import annotations

from typing import Any

import pytest

from ocivalidate.bundle.api import check_config
from tests.unit.sayings import ERROR, NAMESPACES, WARNING, config, findings, linux, merged, placed, said

EMPTY = ("safety/config.text.empty", WARNING)
HYPERV: dict[str, Any] = {
    "ociVersion": "1.3.0",
    "process": {"cwd": "C:\\", "args": ["tides"]},
    "windows": {"layerFolders": ["C:\\layer"], "hyperv": {}},
}


@pytest.mark.parametrize(
    ("document", "clause"),
    [
        (config(root={"path": ""}), "runtime/config.root.path.directory-exists"),
        (config(root={"path": ""}, linux=None), "runtime/config.root.path.directory-exists"),
        (
            config(linux=linux(*NAMESPACES[1:], {"type": "pid", "path": ""})),
            "runtime/config-linux.namespaces.path.absolute",
        ),
        (config(linux=linux(rootfsPropagation="")), "runtime/config-linux.rootfsPropagation.values"),
        (config(linux=linux(cgroupsPath="")), "runtime/config-linux.cgroupsPath.absolute-or-relative"),
        (config(linux=linux(maskedPaths=["/proc/kcore", ""])), "runtime/config-linux.maskedPaths.absolute"),
        (config(linux=linux(readonlyPaths=[""])), "runtime/config-linux.readonlyPaths.absolute"),
        (config(hooks={"poststop": [{"path": ""}]}), "runtime/config.hooks.poststop.path.absolute"),
        (
            config(linux=None, zos={"namespaces": [{"type": "pid", "path": ""}]}),
            "runtime/config-zos.namespaces.path.absolute",
        ),
        (
            config(vm={"hypervisor": {"path": "/h"}, "kernel": {"path": "/k", "initrd": ""}}),
            "runtime/config-vm.kernel.initrd.absolute",
        ),
    ],
)
def test_form_that_is_asked_for(document: dict[str, Any], clause: str) -> None:
    assert said(document) == [(clause, ERROR)]


@pytest.mark.parametrize(
    "pointer",
    [
        "/linux/seccomp/listenerPath",
        "/linux/intelRdt/closID",
        "/linux/intelRdt/schemata/-",
        "/hooks/poststop/-/env/-",
        "/linux/netDevices/eth0/name",
    ],
)
def test_member_or_entry_without_a_form(pointer: str) -> None:
    document = merged(config(), placed("", pointer))
    if pointer.startswith("/hooks"):
        document["hooks"]["poststop"][0]["path"] = "/bin/hook"
    if "seccomp" in pointer:
        document["linux"]["seccomp"]["defaultAction"] = "SCMP_ACT_ALLOW"
    assert said(document) == [EMPTY]


def test_entry_of_syscall_names() -> None:
    rule = {"names": ["read", ""], "action": "SCMP_ACT_ERRNO"}
    assert said(config(linux=linux(seccomp={"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]}))) == [EMPTY]


@pytest.mark.parametrize("more", [{"layerFolders": ["C:\\layer", ""]}, {"hyperv": {"utilityVMPath": ""}}])
def test_windows(more: dict[str, Any]) -> None:
    assert said(HYPERV | {"windows": HYPERV["windows"] | more}) == [EMPTY]


def test_one_empty_text_is_one_finding_with_its_place() -> None:
    (finding,) = findings(config(linux=linux(intelRdt={"closID": ""})))
    assert finding.message == "linux.intelRdt.closID is empty"
    assert (finding.got, finding.want) == ('""', "a string that is not empty")


@pytest.mark.parametrize(
    "document",
    [
        # buildah writes it.
        config(mounts=[{"destination": "/run", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", ""]}]),
        # An unset name, and lists that are empty: both are forms of their own.
        config(hostname=""),
        config(linux=linux(resources={"cpu": {"cpus": "", "mems": ""}})),
        config(linux=linux(maskedPaths=[], readonlyPaths=[])),
        config(process={"user": {"uid": 0, "gid": 0}, "cwd": "/", "args": ["/bin/tides", ""]}),
        config(annotations={"org.example.empty": ""}),
    ],
)
def test_empty_text_that_means_something(document: dict[str, Any]) -> None:
    assert said(document) == []


def test_empty_root_path_leaves_the_folder_unjudged_otherwise() -> None:
    """Without a bundle folder, a path that is there says nothing: the clause is skipped, not passed."""
    report = check_config(b'{"ociVersion": "1.3.0", "root": {"path": "rootfs"}}')
    (result,) = (result for result in report.results if result.clause.id == "runtime/config.root.path.directory-exists")
    assert (result.outcome.value, result.reason) == ("skip", "no bundle folder")
