"""The ``config.json`` that cases start from: small, valid in every release, without anything that cases judge."""

from __future__ import annotations

import contextlib
import copy
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ocivalidate.jsontext.pointers import parse_pointer
from ocivalidate.rules.schema import everything
from ocivalidate.runtime.inside.rootfs import PROBE_ARGS

# What the probe needs for its steps; cases on capabilities set their own.
CAPABILITIES = tuple(
    f"CAP_{name}"
    for name in (
        "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW "
        "SETFCAP SETGID SETPCAP SETUID SYS_CHROOT"
    ).split()
)
NAMESPACES = ("pid", "ipc", "uts", "mount")
MOUNTS: tuple[dict[str, Any], ...] = (
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {
        "destination": "/dev",
        "type": "tmpfs",
        "source": "tmpfs",
        "options": ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    {
        "destination": "/dev/pts",
        "type": "devpts",
        "source": "devpts",
        "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"],
    },
    {
        "destination": "/dev/shm",  # noqa: S108  # a path in the container
        "type": "tmpfs",
        "source": "shm",
        "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
    },
    {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
)
BOUND_SYS: dict[str, Any] = {
    "destination": "/sys",
    "type": "none",
    "source": "/sys",
    "options": ["rbind", "nosuid", "nodev", "ro"],
}
"""What stands in the place of sysfs in a user namespace that does not own the network namespace."""


def base(oci_version: str, *steps: str) -> dict[str, Any]:
    """A new config whose program is the probe with ``steps``; the caller may change it."""
    sets = ("bounding", "effective", "inheritable", "permitted")
    return {
        "ociVersion": oci_version,
        "process": {
            "user": {"uid": 0, "gid": 0},
            "args": [*PROBE_ARGS, *steps],
            "env": ["PATH=/usr/bin:/bin"],
            "cwd": "/",
            "capabilities": {name: list(CAPABILITIES) for name in sets},
        },
        "root": {"path": "rootfs"},
        "mounts": [dict(mount) for mount in MOUNTS],
        "linux": {"namespaces": [{"type": kind} for kind in NAMESPACES]},
    }


def rootless(config: dict[str, Any], uid: int, gid: int) -> dict[str, Any]:
    """The config for a runtime that user ``uid`` runs: with a user namespace, without a control group of its own."""
    linux = config["linux"]
    linux["namespaces"].append({"type": "user"})
    linux["uidMappings"] = [{"containerID": 0, "hostID": uid, "size": 1}]
    linux["gidMappings"] = [{"containerID": 0, "hostID": gid, "size": 1}]
    linux.pop("cgroupsPath", None)
    # Only the owner of the network namespace may mount sysfs.
    config["mounts"] = [mount for mount in config["mounts"] if mount.get("type") != "sysfs"] + [BOUND_SYS]
    return config


def bare(config: dict[str, Any], uid: int, gid: int) -> dict[str, Any]:
    """The config for a runtime that does not isolate: a process of the calling user, and nothing else."""
    config["mounts"] = []
    config["linux"] = {"namespaces": []}
    config["process"]["user"] = {"uid": uid, "gid": gid}
    del config["process"]["capabilities"]
    return config


def changed(config: Mapping[str, Any], pointer: str, value: Any) -> dict[str, Any]:
    """A copy of a config with another value at ``pointer``.

    Missing objects on the way are created; ``-`` as an index means the end of an array.
    """
    copied: dict[str, Any] = copy.deepcopy(dict(config))
    tokens = parse_pointer(pointer)
    holder: Any = copied
    for token, following in itertools.pairwise(tokens):
        holder = _entered(holder, token, [] if following == "-" else {})
    _put(holder, tokens[-1], value)
    return copied


def _entered(holder: Any, token: str, missing: Any) -> Any:
    """The member or entry of ``holder`` that a token names, created if missing."""
    if isinstance(holder, dict):
        return holder.setdefault(token, missing)
    if token == "-":
        holder.append(missing)
    return holder[-1 if token == "-" else int(token)]


def _put(holder: Any, token: str, value: Any) -> None:
    if isinstance(holder, dict):
        holder[token] = value
    elif token == "-":
        holder.append(value)
    else:
        holder[int(token)] = value


def of_bundle(bundle: Path, container_id: str) -> dict[str, Any]:
    """The config of a bundle, without the control group that is named after the container; empty where it is none."""
    config: Any = None
    with contextlib.suppress(OSError, ValueError):
        config = json.loads((bundle / "config.json").read_text(encoding="utf-8"))
    if not isinstance(config, dict):
        return {}
    linux = config.get("linux")
    if isinstance(linux, dict) and str(linux.get("cgroupsPath", "")).endswith(f"/{container_id}"):
        del linux["cgroupsPath"]
    return config


def objects_of(config: Any) -> Iterator[dict[str, Any]]:
    """The objects of a config whose members the schema names, so that any other member is unknown.

    Objects with free member names (annotations, kernel parameters) are left out.
    """
    yield from _objects(config, everything("runtime-config"))


def _objects(value: Any, node: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for entry in value:
            yield from _objects(entry, node.get("items", {}))
    if isinstance(value, dict):
        members, others = node.get("properties", {}), node.get("additionalProperties")
        if members:
            yield value
        for name, member in [*value.items()]:
            below = members.get(name, others)
            yield from _objects(member, below if isinstance(below, dict) else {})


def steps(*parts: Sequence[str]) -> list[str]:
    """The arguments of a probe, from its steps."""
    line: list[str] = []
    for part in parts:
        line += [*([","] if line else []), *part]
    return line
