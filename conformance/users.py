"""User namespaces: how ids in the container correspond to ids on the host."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ocivalidate.runtime import CaseContext, Container, case, steps

UIDS = [(0, 100000, 1000), (1000, 300000, 500), (70000, 42, 1)]
GIDS = [(0, 200000, 700), (3000, 400000, 10)]
# In the second range of each, the third in it.
UID, GID = 1002, 3002
UID_OUTSIDE, GID_OUTSIDE = 300002, 400002
MEMBERS = ("containerID", "hostID", "size")
POINTERS = [f"/linux/{kind}Mappings/*/{name}" for kind in ("uid", "gid") for name in MEMBERS]
APPLIES = "runtime.create.applies-config"
NEEDS = ("root", "namespace:user")


def mapped(config: dict[str, Any]) -> dict[str, Any]:
    """A config with a user namespace and these mappings."""
    linux = config["linux"]
    # Who does not own the network namespace may not mount sysfs.
    linux["namespaces"] += [{"type": "user"}, {"type": "network"}]
    linux["uidMappings"] = [dict(zip(MEMBERS, entry, strict=True)) for entry in UIDS]
    linux["gidMappings"] = [dict(zip(MEMBERS, entry, strict=True)) for entry in GIDS]
    return config


def owners(folder: Path) -> dict[str, tuple[int, int]]:
    """Who owns what in a folder."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in (".", *folders, *files):
            path = os.path.normpath(os.path.join(place, name))
            status = os.lstat(path)
            found[os.path.relpath(path, folder)] = (status.st_uid, status.st_gid)
    return found


def _table(pid: int, name: str) -> list[tuple[int, ...]]:
    """A mapping as the kernel has it, seen from our own user namespace."""
    text = Path(f"/proc/{pid}/{name}_map").read_text(encoding="ascii")
    return sorted(tuple(int(word) for word in line.split()) for line in text.splitlines())


def _ids(pid: int) -> dict[str, list[int]]:
    """The ids of a process, seen from our own user namespace."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines()
    pairs = (line.split(":", 1) for line in lines)
    return {name: [int(word) for word in words.split()] for name, words in pairs if name in ("Uid", "Gid", "Groups")}


@case("config-linux.idMappings.no-chown", sets=POINTERS, needs=NEEDS)
def ids_are_mapped_as_the_config_says(trial: CaseContext) -> None:
    """Several ranges are mapped exactly; ids and the owners of files correspond; the root filesystem is not chowned."""
    config = mapped(trial.config(*steps(["ids"], ["write", "/tmp/own"], ["stat", "/"], ["wait"])))
    config["process"]["user"] = {"uid": UID, "gid": GID, "additionalGids": [5]}
    container = trial.container(config)
    rootfs = container.bundle / "rootfs"
    shared = trial.folder / "shared"
    shared.mkdir()
    (shared / "file").touch()
    # Root of the container owns nothing of its root filesystem, and cannot make folders there.
    (rootfs / "mnt").mkdir()
    config["mounts"].append({"destination": "/mnt", "type": "bind", "source": str(shared), "options": ["bind"]})
    config["linux"].setdefault("cgroupsPath", container.group)
    trial.rewrite(container.bundle, config)
    before = owners(rootfs) | {f"shared/{name}": ids for name, ids in owners(shared).items()}
    container.must_create().must_start()
    facts = container.facts()
    seen = _made_outside(trial, rootfs / "tmp" / "own")
    if not trial.stage.own_kernel:
        _judge_process(trial, container, facts.value("ids"))
    elif not seen:
        trial.skip("not reached: the process that state names does not run the program of the container", APPLIES)
    after = owners(rootfs) | {f"shared/{name}": ids for name, ids in owners(shared).items()}
    changed = {name: after.get(name) for name, ids in before.items() if after.get(name) != ids}
    trial.expect("config-linux.idMappings.no-chown", "the owners of files were changed", got=changed, want={})


def _judge_process(trial: CaseContext, container: Container, ids: Mapping[str, Any]) -> None:
    """Judge the mappings of the container process, and its ids as they are seen from outside and from inside."""
    for kind, want in (("uid", UIDS), ("gid", GIDS)):
        got = _table(container.pid, kind)
        for place, name in enumerate(MEMBERS):
            columns = [[line[place] for line in table] for table in (got, sorted(want))]
            trial.applied(f"/linux/{kind}Mappings/*/{name}", got=columns[0], want=columns[1])
    inside = {"uids": [UID] * 3, "gids": [GID] * 3, "groups": [5]}
    got_ids = {name: list(ids[name]) for name in inside} | _ids(container.pid)
    want_ids = inside | {"Uid": [UID_OUTSIDE] * 4, "Gid": [GID_OUTSIDE] * 4, "Groups": [200005]}
    trial.applied("/linux/uidMappings/*/hostID", got=got_ids, want=want_ids, message="ids do not correspond")


def _made_outside(trial: CaseContext, file: Path) -> bool:
    """Judge whom a file of the program belongs to, if it is here: a runtime may keep what is written elsewhere."""
    try:
        made = file.lstat()
    except FileNotFoundError:
        return False
    message = "a file of the program does not belong to the ids that its own are mapped to"
    want = [UID_OUTSIDE, GID_OUTSIDE]
    trial.applied("/linux/gidMappings/*/hostID", got=[made.st_uid, made.st_gid], want=want, message=message)
    return True
