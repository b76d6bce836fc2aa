"""To whom the control group of a container belongs: one of version 2 may be given to the user of the process.

Where the specification says that a runtime gives a group away, it means one that chooses to do so at all: of one that
does not, only what it must not do is judged.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ocivalidate.runtime import CaseContext, Container, NamespaceHolder, caller, case, grouping, mounting, steps

NEEDS_NAMESPACE = "config-linux.cgroup-ownership.needs-cgroupns"
IFF_WRITABLE = "config-linux.cgroup-ownership.iff-rw-mount"
NO_MOUNT = "config-linux.cgroup-ownership.no-mount-no-chown"
ONLY_LISTED = "config-linux.cgroup-ownership.only-delegate-files"
MISSING = "config-linux.cgroup-ownership.missing-file-no-fail"
EXISTING = "config-linux.cgroup-ownership.existing-files"
FALLBACK = "config-linux.cgroup-ownership.fallback-list"
NO_OTHERS = "config-linux.cgroup-ownership.no-others"
CLAUSES = (IFF_WRITABLE, ONLY_LISTED, MISSING, EXISTING, FALLBACK, NO_OTHERS)
NOT_V1 = "config-linux.cgroup-ownership.not-v1"
USER = 12345
LIST = "/sys/kernel/cgroup/delegate"
# What counts where there is no such list (config-linux.md, Cgroup ownership).
USUAL = ("cgroup.procs", "cgroup.subtree_control", "cgroup.threads")
KEPT = "the runtime leaves the owner of groups as it is, which it may"
V2 = ("root", "cgroup:v2", "namespace:cgroup")


@dataclass(frozen=True, slots=True)
class Owned:
    """A config whose container may get its group.

    ``namespace``: of its cgroup namespace: ``"new"``, a path, or ``""`` for that of the runtime. ``mount``: what is
    different in the mount of its group, ``None`` for no such mount. ``mapped``: in a new user namespace.
    """

    namespace: str = "new"
    mount: dict[str, Any] | None = field(default_factory=dict)
    user: int = USER
    mapped: bool = False
    probe: Sequence[str] = ("wait",)


def container_of(trial: CaseContext, asked: Owned) -> Container:
    """The container, not created yet, in a group below one that the runtime makes too."""
    config = grouping.with_path(trial, grouping.own_path(trial, "above", "owned"), *asked.probe)
    grouping.remove_later(trial, grouping.own_path(trial))
    config["process"]["user"] = {"uid": asked.user, "gid": asked.user}
    if asked.mapped:
        mounting.in_user_namespace(config)
    if asked.namespace:
        entry = {"type": "cgroup"}
        config["linux"]["namespaces"].append(entry if asked.namespace == "new" else {**entry, "path": asked.namespace})
    if asked.mount is not None:
        usual = {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["rw"]}
        config["mounts"].append({**usual, **asked.mount})
    container = trial.container(config)
    # The root of a user namespace cannot make it in a root filesystem that is ours.
    (container.bundle / "rootfs/sys/fs/cgroup").mkdir(parents=True, exist_ok=True)
    return container


def owners(trial: CaseContext, container: Container) -> dict[str, int]:
    """File → owner, of what in the groups of a container is not ours. ``.`` is a group, ``..`` the one above."""
    found: dict[str, int] = {}
    for folder in {container.group_folder(name) for name in (*trial.stage.layout.controllers, "")} - {""}:
        for name in (".", "..", *os.listdir(folder)):
            owner = Path(folder, name).lstat().st_uid
            if owner != os.geteuid():
                found[name] = owner
    return found


def owned(trial: CaseContext, asked: Owned, wrapper: tuple[str, ...] = ()) -> dict[str, int]:
    """The same, of a new container that is removed again; ``wrapper``: who calls the runtime."""
    container = container_of(trial, asked).must_create(wrapper=wrapper)
    found = owners(trial, container)
    container.clean_up()
    return found


@case(NOT_V1, needs=["root", "cgroup:v1", "namespace:cgroup"])
def in_version_1(trial: CaseContext) -> None:
    """Groups of version 1 are not given to the user of the container, even where those of version 2 would be."""
    trial.expect(NOT_V1, "groups of version 1 change their owner", got=owned(trial, Owned()), want={})


@case(NEEDS_NAMESPACE, needs=V2)
def without_a_new_namespace(trial: CaseContext) -> None:
    """Without a cgroup namespace of its own, or with one that is joined, the group stays ours."""
    message = "without a cgroup namespace the group changes its owner"
    trial.expect(NEEDS_NAMESPACE, message, got=owned(trial, Owned(namespace="")), want={})
    holder = NamespaceHolder(["cgroup"])
    trial.undo(holder.close)
    got = owned(trial, Owned(namespace=holder.path("cgroup")))
    trial.expect(NEEDS_NAMESPACE, "in a cgroup namespace that is joined the group changes its owner", got=got, want={})


@case(NO_MOUNT, IFF_WRITABLE, needs=V2)
def without_a_writable_mount(trial: CaseContext) -> None:
    """Without a mount of the group at its place, or with one that is read-only, the group stays ours."""
    _judge_unwritable(trial, mapped=False)
    got = owned(trial, Owned(mount={"destination": "/mnt/groups"}))
    trial.expect(NO_MOUNT, "with a cgroup mount elsewhere the group changes its owner", got=got, want={})


@case(NO_MOUNT, IFF_WRITABLE, needs=V2)
def without_a_writable_mount_in_a_user_namespace(trial: CaseContext) -> None:
    """That the container has users of its own changes nothing of that."""
    _judge_unwritable(trial, mapped=True)


def _judge_unwritable(trial: CaseContext, *, mapped: bool) -> None:
    user = "the user of a user namespace" if mapped else "another user"
    got = owned(trial, Owned(mount=None, mapped=mapped))
    trial.expect(NO_MOUNT, f"without a cgroup mount the group becomes that of {user}", got=got, want={})
    got = owned(trial, Owned(mount={"options": ["nosuid", "ro"]}, mapped=mapped))
    message = f"with a read-only cgroup mount the group becomes that of {user}"
    trial.expect(IFF_WRITABLE, message, got=got, want={})


@case(IFF_WRITABLE, ONLY_LISTED, NO_OTHERS, MISSING, EXISTING, needs=V2)
def with_a_writable_mount(trial: CaseContext) -> None:
    """The group and those of its files that the kernel lists, no more, are given to the user."""
    listed = Path(LIST).read_text(encoding="ascii").split()
    given = []
    for options in (["rw"], ["nosuid", "noexec"], []):
        container = container_of(trial, Owned(mount={"options": options})).must_create()
        given.append(_judge(trial, container, listed, USER))
        container.clean_up()
    _skip_kept(trial, given)


@case(EXISTING, ONLY_LISTED, NO_OTHERS, needs=V2)
def user_of_a_user_namespace(trial: CaseContext) -> None:
    """In a user namespace the group is given to the user of the host that stands for the one in the config."""
    listed = Path(LIST).read_text(encoding="ascii").split()
    first = mounting.USERS_ROOT[0]
    given = []
    for user in (0, 7):
        container = container_of(trial, Owned(user=user, mapped=True)).must_create()
        given.append(_judge(trial, container, listed, first + user))
        container.clean_up()
    _skip_kept(trial, given)


def _declared(trial: CaseContext) -> list[str]:
    return [clause for clause in CLAUSES if f"runtime/{clause}" in trial.case.clauses]


def _skip_kept(trial: CaseContext, given: Sequence[bool]) -> None:
    """Skip what says how a group is given away, where none was."""
    if not any(given):
        trial.skip(KEPT, *(clause for clause in _declared(trial) if clause != MISSING))


def _judge(trial: CaseContext, container: Container, listed: Sequence[str], owner: int) -> bool:
    """Judge the owners in the group of a created container, and return whether it was given away at all.

    ``listed`` are the files that count.
    """
    got = owners(trial, container)
    other = sorted(set(got) - {".", *listed})
    folder = container.group_folder("")
    there = [".", *(name for name in listed if os.path.exists(f"{folder}/{name}"))]
    for clause in _declared(trial):
        if clause == MISSING:
            # Some of those that are listed are not in this group, and did not make it fail.
            trial.expect(MISSING, "the container was not created", got=True)
        elif got and clause in (ONLY_LISTED, NO_OTHERS):
            trial.expect(clause, "the owner of what is not listed changes", got=other, want=[])
        elif got:
            found = {name: got.get(name, os.geteuid()) for name in there}
            message = "not all that is to change its owner belongs to the user"
            trial.expect(clause, message, got=found, want=dict.fromkeys(there, owner))
    return bool(got)


@case(ONLY_LISTED, EXISTING, MISSING, NO_OTHERS, needs=V2)
def list_of_the_kernel(trial: CaseContext) -> None:
    """What the kernel lists counts, and not what a runtime knows: a file more, one less, and one that is nowhere."""
    names = ["cgroup.procs", "cgroup.max.depth", "cgroup.not.there", "cgroup.subtree_control"]
    other = trial.folder / "delegate"
    other.write_text("".join(f"{name}\n" for name in names), encoding="ascii")
    container = container_of(trial, Owned())
    container.must_create(wrapper=caller(covers=[(str(other), LIST)]))
    _skip_kept(trial, [_judge(trial, container, names, USER)])


@case(FALLBACK, needs=V2)
def without_a_list_of_the_kernel(trial: CaseContext) -> None:
    """Where the kernel has no list, as before Linux 4.15, three files are given to the user."""
    container = container_of(trial, Owned())
    container.must_create(wrapper=caller(covers=[("", str(Path(LIST).parent))]))
    _skip_kept(trial, [_judge(trial, container, USUAL, USER)])


@case(EXISTING, NO_OTHERS, needs=[*V2, "controller:pids"])
def what_the_owner_can_do(trial: CaseContext) -> None:
    """Who got the group makes groups below it and moves there, but does not change its limits."""
    inside = "/sys/fs/cgroup/inner"
    make, move = ["mkdir", inside], ["overwrite", f"{inside}/cgroup.procs", "0"]
    limit = ["overwrite", "/sys/fs/cgroup/pids.max", "40"]
    container = container_of(trial, Owned(probe=steps(make, limit, move, ["wait"]))).must_create()
    if not owners(trial, container):
        trial.skip(KEPT)
    facts = container.must_start().facts()
    got = [facts.outcome(*make), facts.outcome(*move)]
    trial.expect(EXISTING, "the owner of a group cannot make groups below it", got=got, want=[True, True])
    message = "the owner of a group can change its limits"
    trial.expect(NO_OTHERS, message, got=facts.outcome(*limit), want="EACCES")
