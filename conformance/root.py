"""The root filesystem: where it is, and whether it can be written."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocivalidate.runtime import CaseContext, Container, Facts, case, mounting, steps

READONLY = "/root/readonly"
# What changes a file system, each in its own way. The folder is ours, should a runtime leave its program on the host.
PLACE = "ocivalidate-place"
CHANGES = (
    ["mkdir", "/ocivalidate-new"],
    ["write", f"/{PLACE}/new"],
    ["write", f"/{PLACE}/there"],
    ["unlink", f"/{PLACE}/there"],
    ["chmod", f"/{PLACE}", "700"],
)


def tried(trial: CaseContext, **root: bool) -> Facts:
    """What becomes of changes to a root filesystem with these members, and of one to a mount on it."""
    return with_changes(trial, **root).must_create().must_start().facts()


def with_changes(trial: CaseContext, *, user: bool = False, **root: bool) -> Container:
    """A container, not created yet, whose program changes its root filesystem; ``user``: in a user namespace."""
    config = trial.config(*steps(*CHANGES, ["write", "/var/ocivalidate-file"], ["wait"]))
    config["root"] |= root
    config["mounts"].append({"destination": "/var", "type": "tmpfs", "source": "tmpfs"})
    container = trial.container(mounting.in_user_namespace(config) if user else config)
    rootfs = container.bundle / "rootfs"
    (rootfs / PLACE).mkdir()
    (rootfs / PLACE / "there").touch()
    for path in (rootfs, rootfs / PLACE, rootfs / PLACE / "there") if user else ():
        os.chown(path, *mounting.USERS_ROOT)
    return container


@case("config.root.readonly.enforced", sets=[READONLY], needs=["isolation"])
def readonly_root_cannot_be_changed(trial: CaseContext) -> None:
    """With root.readonly nothing on the root filesystem can be changed, and what is mounted on it can."""
    facts = tried(trial, readonly=True)
    got = {" ".join(change): facts.outcome(*change) for change in CHANGES}
    want = dict.fromkeys(got, "EROFS")
    message = "the root filesystem is not read-only"
    trial.expect("config.root.readonly.enforced", message, got=got, want=want, pointer=READONLY)
    trial.applied(
        READONLY, got=facts.outcome("write", "/var/ocivalidate-file"), want=True, message="a mount is read-only, too"
    )


@case("config.root.readonly.enforced", sets=[READONLY], needs=["root", "isolation", "namespace:user"])
def readonly_root_in_a_user_namespace(trial: CaseContext) -> None:
    """The same in a user namespace, on a mount with attributes that a user namespace must not take away."""
    container = with_changes(trial, user=True, readonly=True)
    rootfs = container.bundle / "rootfs"
    mounting.host_mount(trial, rootfs, "bind", kind="none", source=str(rootfs))
    mounting.host_mount(trial, rootfs, "remount", "bind", "nodev", "nosuid", "noatime")
    facts = container.must_create().must_start().facts()
    got = {" ".join(change): facts.outcome(*change) for change in CHANGES}
    want = dict.fromkeys(got, "EROFS")
    message = "in a user namespace the root filesystem is not read-only"
    trial.expect("config.root.readonly.enforced", message, got=got, want=want, pointer=READONLY)
    got = facts.outcome("write", "/var/ocivalidate-file")
    trial.applied(READONLY, got=got, want=True, message="a mount is read-only, too")


@case(sets=[READONLY])
def writable_root_can_be_changed(trial: CaseContext) -> None:
    """With root.readonly false, and without it, the root filesystem can be changed."""
    for root in ({"readonly": False}, {}):
        facts = tried(trial, **root)
        got = {" ".join(change): facts.outcome(*change) for change in CHANGES}
        trial.applied(READONLY, got=got, want=dict.fromkeys(got, True), message="the root filesystem is read-only")


@dataclass(frozen=True, slots=True)
class Form:
    """A way to name the root filesystem: where it is put, from the bundle, and how ``root.path`` names it."""

    name: str
    place: str
    path: Callable[[Path], str]
    link: str = ""


FORMS = (
    Form("relative", "deep/er", lambda _bundle: "deep/er"),
    Form("with dots", "deep/er", lambda _bundle: "./deep/../deep//er/."),
    Form("absolute", "../elsewhere", lambda bundle: str(bundle.parent / "elsewhere")),
)


def moved(trial: CaseContext, form: Form) -> Any:
    """What a container reads in its root filesystem, which is moved to a place and named by a path.

    Where ``rootfs`` is by custom, and in the folder in which the runtime is run, are others.
    """
    config = trial.config(*steps(["read", "/marker"], ["wait"]))
    bundle = trial.bundle(config, f"bundle-{form.name.replace(' ', '-')}")
    config["root"]["path"] = form.path(bundle)
    trial.rewrite(bundle, config)
    place = bundle / form.place
    place.parent.mkdir(exist_ok=True)
    (bundle / "rootfs").rename(place)
    (place / "marker").write_text(form.name, encoding="utf-8")
    here = trial.folder / "here"
    for decoy in (bundle / "rootfs", here / "deep" / "er", here / "rootfs"):
        decoy.mkdir(parents=True, exist_ok=True)
        (decoy / "marker").write_text("a decoy", encoding="utf-8")
    container = trial.container(bundle=bundle)
    facts = container.must_create(cwd=str(here)).must_start().facts()
    container.clean_up()
    return facts.value("read", "/marker")


@case(sets=["/root/path"])
def root_is_where_its_path_says(trial: CaseContext) -> None:
    """The root filesystem is the folder that root.path names: from the bundle, with dots in it, or absolute."""
    for form in FORMS:
        message = f"root.path that is {form.name} does not name the root filesystem"
        trial.applied("/root/path", got=moved(trial, form), want=form.name, message=message)


@case(sets=["/root/path"])
def root_may_be_behind_a_link(trial: CaseContext) -> None:
    """Where root.path is a link to a folder, that folder is the root filesystem; a runtime may refuse such links."""
    config = trial.config(*steps(["read", "/marker"], ["wait"]))
    bundle = trial.bundle(config)
    (bundle / "rootfs").rename(bundle / "real")
    os.symlink("real", bundle / "rootfs")
    (bundle / "real" / "marker").write_text("real", encoding="utf-8")
    container = trial.container(bundle=bundle)
    done = container.create()
    if done.refused:
        # Nothing says that a runtime must take one.
        trial.skip_refused(done.last_error_line, odd=True)
    trial.applied("/root/path", got=container.must_start().facts().value("read", "/marker"), want="real")
