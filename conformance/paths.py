"""Masked and read-only paths, judged by reading and writing them."""

from __future__ import annotations

import os
from typing import Any

from ocivalidate.runtime import CaseContext, Facts, case, steps

MASKED, READONLY = "/linux/maskedPaths", "/linux/readonlyPaths"
SECRET = "not for everybody"  # the content of a file
# Below /there of the root filesystem: name → what it is.
FILES = ("file", "folder/inner", "nested/deep/hidden", "nested/deep/shown", "other")


def furnished(trial: CaseContext, config: dict[str, Any]) -> Facts:
    """What the probe reports from a container whose root filesystem has files and folders below /there."""
    container = trial.container(config)
    there = container.bundle / "rootfs" / "there"
    for name in FILES:
        (there / name).parent.mkdir(parents=True, exist_ok=True)
        (there / name).write_text(SECRET)
    return container.must_create().must_start().facts()


def unreadable(facts: Facts, step: str, path: str) -> bool:
    """Whether nothing can be had from a path: it cannot be opened, or is empty."""
    return isinstance(facts.outcome(step, path), str | list) and (
        facts.error(step, path) is not None or not facts.value(step, path)
    )


@case("config-linux.maskedPaths.masked", sets=[MASKED])
def masked_paths_cannot_be_read(trial: CaseContext) -> None:
    """Of masked files, folders and files of /proc nothing can be read; what is beside them can."""
    masked = ["/there/file", "/there/folder", "/there/nested/deep/hidden", "/proc/version", "/dev/zero", "/absent/path"]
    reads = ["/there/file", "/there/nested/deep/hidden", "/proc/version"]
    config = trial.config(
        *steps(
            *(["read", path] for path in reads),
            ["read", "/dev/zero", "16"],
            ["read", "/there/folder/inner"],
            ["list", "/there/folder"],
            ["read", "/there/nested/deep/shown"],
            ["read", "/there/other"],
            ["read", "/proc/uptime"],
        )
    )
    config["linux"]["maskedPaths"] = masked
    facts = furnished(trial, config)
    got = {path: unreadable(facts, "read", path) for path in (*reads, "/dev/zero", "/there/folder/inner")}
    got |= {"/there/folder": unreadable(facts, "list", "/there/folder")}
    want = dict.fromkeys(got, True)
    trial.expect("config-linux.maskedPaths.masked", "masked paths can be read", got=got, want=want, pointer=MASKED)
    beside = [facts.outcome("read", path) for path in ("/there/nested/deep/shown", "/there/other")]
    trial.applied(
        MASKED,
        got=[*beside, bool(facts.outcome("read", "/proc/uptime"))],
        want=[SECRET, SECRET, True],
        message="paths beside masked ones cannot be read",
    )


@case("config-linux.readonlyPaths.readonly", sets=[READONLY])
def readonly_paths_cannot_be_written(trial: CaseContext) -> None:
    """Read-only files, folders with all below, mounts and /proc/sys cannot be written, and can be read."""
    readonly = ["/there/file", "/there/folder", "/there/nested/deep/hidden", "/mounted", "/proc/sys", "/absent/path"]
    changes = [
        ["overwrite", "/there/file"],
        ["overwrite", "/there/folder/inner"],
        ["write", "/there/folder/new"],
        ["unlink", "/there/folder/inner"],
        ["overwrite", "/there/nested/deep/hidden"],
        ["write", "/mounted/new"],
        ["overwrite", "/proc/sys/kernel/msgmax", "8192"],
    ]
    allowed = [["overwrite", "/there/nested/deep/shown"], ["write", "/there/new"], ["overwrite", "/there/other"]]
    reads = [["read", "/there/file"], ["read", "/there/folder/inner"]]
    config = trial.config(*steps(*changes, *allowed, *reads))
    config["mounts"].append({"destination": "/mounted", "type": "tmpfs", "source": "tmpfs"})
    config["linux"]["readonlyPaths"] = readonly
    facts = furnished(trial, config)
    got = {" ".join(change[:2]): facts.outcome(*change) for change in changes}
    want = dict.fromkeys(got, "EROFS")
    trial.expect(
        "config-linux.readonlyPaths.readonly", "read-only paths can be written", got=got, want=want, pointer=READONLY
    )
    others = [facts.outcome(*step) for step in (*allowed, *reads)]
    message = "paths beside read-only ones cannot be written, or read-only ones cannot be read"
    trial.applied(READONLY, got=others, want=[True] * 3 + [SECRET] * 2, message=message)


@case(sets=[MASKED, READONLY], needs=["root", "cap:MKNOD"])
def special_files_are_masked_and_readonly(trial: CaseContext) -> None:
    """Masked FIFOs and devices give nothing, and a device node in a read-only folder cannot be made."""
    config = trial.config(
        *steps(["read", "/there/fifo"], ["read", "/there/device", "4"], ["mknod", "/there/folder/new", "c", "1", "3"])
    )
    config["linux"] |= {"maskedPaths": ["/there/fifo", "/there/device"], "readonlyPaths": ["/there/folder"]}
    container = trial.container(config)
    there = container.bundle / "rootfs" / "there"
    (there / "folder").mkdir(parents=True)
    os.mkfifo(there / "fifo")
    # Without content, a FIFO that is not masked would look as if it were.
    pipe = os.open(there / "fifo", os.O_RDWR | os.O_CLOEXEC)
    trial.undo(lambda: os.close(pipe))
    os.write(pipe, SECRET.encode())
    os.mknod(there / "device", 0o020666, os.makedev(1, 5))
    facts = container.must_create().must_start().facts()
    got = {path: unreadable(facts, "read", path) for path in ("/there/fifo", "/there/device")}
    trial.applied(MASKED, got=got, want=dict.fromkeys(got, True), message="special files are not masked")
    trial.applied(READONLY, got=facts.outcome("mknod", "/there/folder/new"), want="EROFS")
