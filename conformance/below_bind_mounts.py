"""What is mounted below something that the container has bound from a shared mount of ours is in the container alone.

A bind mount is a peer of what is bound, until it is made otherwise: who makes it so too late, or not all the way down,
or where its users are others, has the host get what is mounted below.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ocivalidate.runtime import CaseContext, case, mounting, steps, syscalls

CLAUSE = "config-linux.namespaces.no-path-creates"
NEEDS = ("root", "isolation", "propagation")
# How each is bound, by name. Of slave and private, which say nothing of the mount below, nothing is asked.
PLAIN: Mapping[str, Sequence[str]] = {"plain": (), "private": ("rprivate",), "slave": ("rslave",)}
MAPPED: Mapping[str, Sequence[str]] = {
    "idmap": ("idmap",),
    "ridmap": ("ridmap",),
    "ridmap-private": ("ridmap", "rprivate"),
}


def _shared(trial: CaseContext) -> Path:
    """A shared mount of ours with another one and a folder below."""
    shared = mounting.host_mount(trial, trial.folder / "shared", "shared")
    mounting.host_mount(trial, shared / "below", "shared")
    (shared / "folder").mkdir()
    return shared


def _mounts(shared: Path, name: str, options: Sequence[str]) -> list[dict[str, Any]]:
    """All of ours, a file system on the mount below it, and the folder once more, read-only."""
    top = f"/m/{name}"
    mapped = [option for option in options if option.endswith("idmap")]
    folder = {"type": "none", "source": str(shared / "folder"), "options": ["bind", "ro", *mapped]}
    return [
        {"destination": top, "type": "none", "source": str(shared), "options": ["rbind", *options]},
        {"destination": f"{top}/below", "type": "tmpfs", "source": "tmpfs"},
        {"destination": f"{top}/folder", **folder},
    ]


def _judge(trial: CaseContext, config: dict[str, Any], kinds: Mapping[str, Sequence[str]]) -> None:
    shared = _shared(trial)
    before = mounting.host_mount_points()
    groups = {name: _mounts(shared, name, options) for name, options in kinds.items()}
    done = mounting.create_with(trial, config, groups)
    came = sorted(point for point in mounting.host_mount_points() - before if Path(point).is_relative_to(shared))
    for point in came:
        trial.undo(functools.partial(_unmount, point))
    taken = [name for name in groups if name not in done.refused]
    message = "what is mounted below a bind mount of the container is mounted on the host"
    trial.expect(CLAUSE, message, got=[str(Path(point).relative_to(shared)) for point in came], want=[])
    if not taken:
        trial.skip(f"the runtime refuses such mounts: {next(iter(done.refused.values()))}", "runtime.create.creates")
        return
    points = {mount["point"] for mount in done.container.must_start().facts().value("mountinfo")}
    missing = [one["destination"] for name in taken for one in groups[name] if one["destination"] not in points]
    trial.expect("runtime.create.creates", "mounts are not in the container", got=missing, want=[])


def _unmount(point: str) -> None:
    with contextlib.suppress(OSError):
        syscalls.unmount(point)


def _config(trial: CaseContext) -> dict[str, Any]:
    return trial.config(*steps(["mountinfo"], ["wait"]))


@case(CLAUSE, "runtime.create.creates", needs=NEEDS)
def stay_in_the_container(trial: CaseContext) -> None:
    """Mounts below those that are bound from a shared mount of ours do not appear on the host."""
    _judge(trial, _config(trial), PLAIN)


@case(CLAUSE, "runtime.create.creates", needs=(*NEEDS, "namespace:user"))
def stay_in_a_user_namespace(trial: CaseContext) -> None:
    """Nor do those of a container with a user namespace."""
    _judge(trial, mounting.in_user_namespace(_config(trial)), PLAIN)


@case(CLAUSE, "runtime.create.creates", needs=(*NEEDS, "namespace:user", "kernel:6.3"))
def stay_on_mapped_mounts(trial: CaseContext) -> None:
    """Nor do those on mounts that are mapped."""
    _judge(trial, mounting.in_user_namespace(_config(trial)), MAPPED)
