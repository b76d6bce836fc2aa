"""Masked and read-only paths that are links, that lie in mounts, that lie in each other, and that are not there."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from typing import Any

from ocivalidate.runtime import CaseContext, Container, Facts, case, mounting, steps

MASKED = "config-linux.maskedPaths.masked"
READONLY = "config-linux.readonlyPaths.readonly"
SECRET = "nobody is to read this"
TREE = "/opt/tree"
# A null device, and an empty folder, are what runtimes put there; both have nothing to read.
NOTHING: tuple[Any, ...] = ("", [], "ENOENT", "EACCES", "EPERM", "ENXIO", "ENOTDIR")


def populate(container: Container) -> None:
    """Put files, folders, a FIFO and links into the root filesystem of a container."""
    tree = container.bundle / "rootfs" / TREE.lstrip("/")
    for folder in ("folder/deep", "beside"):
        (tree / folder).mkdir(parents=True)
    for name in ("file", "folder/file", "folder/deep/file", "beside/file", "open"):
        (tree / name).write_text(SECRET, encoding="ascii")
        (tree / name).chmod(0o666)
    (tree / "link").symlink_to("open")
    (tree / "link-to-folder").symlink_to(f"{TREE}/beside")
    # What makes it is not told by its owner or mode.
    for below, _, _ in os.walk(tree):
        os.chmod(below, 0o777)  # noqa: S103  # in the container, for all its users


def seen(trial: CaseContext, member: str, paths: Sequence[str], *looks: Sequence[str], user: int = 0) -> Facts:
    """What a probe saw in the tree of a container with these paths."""
    config = trial.config(*steps(*looks, ["wait"]))
    config["linux"][member] = list(paths)
    config["process"]["user"] = {"uid": user, "gid": user}
    container = trial.container(config)
    populate(container)
    return container.must_create().must_start().facts()


def judge_hidden(trial: CaseContext, facts: Facts, *looks: Sequence[str]) -> None:
    """Nothing of what is masked is seen."""
    for look in looks:
        got = facts.outcome(*look)
        message = f"{look[1]} is masked, and can be read"
        trial.expect_that(MASKED, message, held=got in NOTHING, got=got, want="nothing", pointer="/linux/maskedPaths")
        trial.applied("/linux/maskedPaths", got=got in NOTHING, want=True, message=message)


def judge_open(trial: CaseContext, facts: Facts, path: str, pointer: str) -> None:
    """What is beside is as it was: a runtime that empties all folders has masked nothing."""
    got = facts.outcome("read", path)
    trial.applied(pointer, got=got, want=SECRET, message=f"{path} is not listed, and cannot be read")


@case(MASKED, sets=["/linux/maskedPaths"], needs=["root"])
def masked_for_others(trial: CaseContext) -> None:
    """What is masked cannot be read by a user who is not root either, in whatever order the paths stand."""
    paths = [f"{TREE}/folder/deep", f"{TREE}/folder", f"{TREE}/file", "/proc/irq"]
    hidden = [
        ["list", f"{TREE}/folder"],
        ["read", f"{TREE}/folder/file"],
        ["read", f"{TREE}/folder/deep/file"],
        ["read", f"{TREE}/file"],
        ["list", "/proc/irq"],
    ]
    facts = seen(trial, "maskedPaths", paths, *hidden, ["read", f"{TREE}/open"], user=4321)
    judge_hidden(trial, facts, *hidden)
    judge_open(trial, facts, f"{TREE}/open", "/linux/maskedPaths")


@case(MASKED, sets=["/linux/maskedPaths"], needs=["root"])
def masked_link(trial: CaseContext) -> None:
    """A masked path that is a link leads to nothing that can be read."""
    hidden = [["read", f"{TREE}/link"], ["list", f"{TREE}/link-to-folder"]]
    paths = [f"{TREE}/link", f"{TREE}/link-to-folder"]
    config = trial.config(*steps(*hidden, ["read", f"{TREE}/file"], ["wait"]))
    config["linux"]["maskedPaths"] = paths
    container = trial.container(config)
    populate(container)
    facts = container.must_create().must_start().facts()
    judge_hidden(trial, facts, *hidden)
    judge_open(trial, facts, f"{TREE}/file", "/linux/maskedPaths")


@case(MASKED, sets=["/linux/maskedPaths"], needs=["root"])
def masked_in_a_mount(trial: CaseContext) -> None:
    """A path in a mount of the config is masked, not what the mount covers."""
    source = trial.folder / "source"
    source.mkdir()
    (source / "file").write_text(SECRET, encoding="ascii")
    config = trial.config(*steps(["read", "/mnt/file"], ["list", "/mnt"], ["wait"]))
    config["mounts"].append({"destination": "/mnt", "source": str(source), "options": ["bind"]})
    config["linux"]["maskedPaths"] = ["/mnt/file"]
    facts = trial.run(config)
    judge_hidden(trial, facts, ["read", "/mnt/file"])
    trial.applied("/linux/maskedPaths", got=facts.outcome("list", "/mnt"), want=["file"])


@case(READONLY, sets=["/linux/readonlyPaths"], needs=["root"])
def readonly_link(trial: CaseContext) -> None:
    """Through a read-only path that is a link nothing can be written."""
    refused = [["overwrite", f"{TREE}/link", "x"], ["write", f"{TREE}/link-to-folder/new", "x"]]
    config = trial.config(*steps(*refused, ["wait"]))
    config["linux"]["readonlyPaths"] = [f"{TREE}/link", f"{TREE}/link-to-folder"]
    container = trial.container(config)
    populate(container)
    facts = container.must_create().must_start().facts()
    for step in refused:
        message = f"{step[1]} can be written through a read-only path"
        trial.expect(READONLY, message, got=facts.outcome(*step), want="EROFS", pointer="/linux/readonlyPaths")
        trial.applied("/linux/readonlyPaths", got=facts.outcome(*step), want="EROFS", message=message)


@case(READONLY, sets=["/linux/readonlyPaths"], needs=["root"])
def readonly_file_before_folder(trial: CaseContext) -> None:
    """A read-only file stays so when a folder that holds it is listed after it."""
    step = ["overwrite", f"{TREE}/folder/file", "x"]
    paths = [f"{TREE}/folder/file", f"{TREE}/folder"]
    facts = seen(trial, "readonlyPaths", paths, step)
    message = "a read-only file can be written when its folder is listed after it"
    trial.expect(READONLY, message, got=facts.outcome(*step), want="EROFS", pointer="/linux/readonlyPaths")
    trial.applied("/linux/readonlyPaths", got=facts.outcome(*step), want="EROFS", message=message)


@case(MASKED, READONLY, sets=["/linux/maskedPaths", "/linux/readonlyPaths"], needs=["root"])
def missing_beside_others(trial: CaseContext) -> None:
    """Paths that are not there keep a runtime from nothing that is listed after them."""
    config = trial.config(*steps(["read", f"{TREE}/file"], ["overwrite", f"{TREE}/open", "x"], ["wait"]))
    config["linux"]["maskedPaths"] = ["/nosuch/path", "/proc/nosuch", f"{TREE}/file"]
    config["linux"]["readonlyPaths"] = ["/nosuch/path", "/proc/nosuch", f"{TREE}/open"]
    container = trial.container(config)
    populate(container)
    facts = container.must_create().must_start().facts()
    judge_hidden(trial, facts, ["read", f"{TREE}/file"])
    got = facts.outcome("overwrite", f"{TREE}/open")
    trial.expect(READONLY, "behind a missing path, a read-only one can be written", got=got, want="EROFS")
    trial.applied("/linux/readonlyPaths", got=got, want="EROFS")


@case(MASKED, sets=["/linux/maskedPaths"], needs=["root", "isolation", "cap:MKNOD"])
def masked_where_the_null_device_is_a_link(trial: CaseContext) -> None:
    """Where /dev/null of the root filesystem is a link to another device, that device is not what a masked file shows.

    Runtimes bind the null device of the container over files. To refuse such a root filesystem is no fault.
    """
    hidden = ["read", f"{TREE}/file", "4"]
    config = trial.config(*steps(hidden, ["read", f"{TREE}/open"], ["wait"]))
    config["mounts"] = [mount for mount in config["mounts"] if mount["destination"] == "/proc"]
    config["linux"]["maskedPaths"] = [hidden[1]]
    trial.control(config)
    container = trial.container(config)
    populate(container)
    rootfs = container.bundle / "rootfs"
    (rootfs / "dev").mkdir(exist_ok=True)
    os.mknod(rootfs / "opt/zero", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    (rootfs / "dev/null").unlink(missing_ok=True)
    (rootfs / "dev/null").symlink_to("/opt/zero")
    done = container.create()
    if done.refused:
        trial.skip_refused(done.last_error_line, odd=True)
    facts = container.must_start().facts()
    judge_hidden(trial, facts, hidden)
    judge_open(trial, facts, f"{TREE}/open", "/linux/maskedPaths")


@case(
    MASKED,
    READONLY,
    sets=["/linux/maskedPaths", "/linux/readonlyPaths"],
    needs=["root", "isolation", "namespace:user"],
)
def in_a_user_namespace_on_a_mount_with_attributes(trial: CaseContext) -> None:
    """In a user namespace paths are masked and read-only on a mount, too, whose attributes nobody there can drop."""
    source = mounting.host_mount(trial, trial.folder / "source", "nosuid", "nodev", "noexec")
    source.chmod(0o777)
    for name in ("masked", "readonly", "beside"):
        (source / name).write_text(SECRET, encoding="ascii")
        (source / name).chmod(0o666)
    hidden, written = ["read", "/mnt/masked"], ["overwrite", "/mnt/readonly", "x"]
    config = trial.config(*steps(hidden, written, ["read", "/mnt/beside"], ["wait"]))
    mounting.in_user_namespace(config)
    config["mounts"].append({"destination": "/mnt", "type": "none", "source": str(source), "options": ["bind"]})
    config["linux"] |= {"maskedPaths": [hidden[1]], "readonlyPaths": [written[1]]}
    container = trial.container(config)
    (container.bundle / "rootfs" / "mnt").mkdir(exist_ok=True)
    facts = container.must_create().must_start().facts()
    judge_hidden(trial, facts, hidden)
    judge_open(trial, facts, "/mnt/beside", "/linux/maskedPaths")
    message = "in a user namespace a read-only path can be written"
    trial.expect(READONLY, message, got=facts.outcome(*written), want="EROFS", pointer="/linux/readonlyPaths")
    trial.applied("/linux/readonlyPaths", got=facts.outcome(*written), want="EROFS", message=message)
