"""Profiles: how much of the host a container starts with. Each changes the defaults of its platform."""

from __future__ import annotations

import os
from collections.abc import Callable
from copy import deepcopy

from ocivalidate.errors import OptionError
from ocivalidate.generate import defaults
from ocivalidate.generate.defaults import Tree

_LINUX = ("linux", "vm")
# The sets that count for a process of root: what it has, may have, and can ever have.
CAPABILITY_SETS = ("effective", "bounding", "permitted")
NOBODY = 65534


def minimal(config: Tree, platform: str) -> None:
    """No more than the specification requires and a shell needs."""
    config["process"] = {
        name: config["process"][name] for name in ("user", "args", "env", "cwd") if name in config["process"]
    }
    if platform in _LINUX:
        config["mounts"] = [defaults.PROC]
        config["linux"] = {"namespaces": [{"type": kind} for kind in ("pid", "mount")]}


def unchanged(_config: Tree, _platform: str) -> None:
    """The defaults as they are."""


def hardened(config: Tree, platform: str) -> None:
    """For a program that needs nothing.

    No capability, not root, a root filesystem that cannot be written, few processes.
    """
    if platform == "windows":
        return
    if platform not in ("solaris", "freebsd", "zos"):
        config["process"]["capabilities"] = {name: [] for name in (*CAPABILITY_SETS, "inheritable", "ambient")}
        config["process"]["rlimits"].append({"type": "RLIMIT_CORE", "soft": 0, "hard": 0})
        config["mounts"].append(defaults.mount("/tmp", "tmpfs", "tmpfs", "nosuid,noexec,nodev,mode=1777,size=64m"))  # noqa: S108  # a path in the container
        config["linux"]["resources"]["pids"] = {"limit": 256}
        config["linux"]["maskedPaths"] += ["/proc/kallsyms", "/proc/kmsg"]
    config["process"]["user"] = {"uid": NOBODY, "gid": NOBODY, "umask": 0o077}
    config["root"]["readonly"] = True


def privileged(config: Tree, platform: str) -> None:
    """As root on the host, but with namespaces: every capability and device, nothing hidden, /sys writable."""
    from ocivalidate.bundle.values import CAPABILITIES

    if platform not in _LINUX:
        return
    process, linux = config.setdefault("process", {}), config.setdefault("linux", {})
    process["capabilities"] = {name: sorted(CAPABILITIES) for name in CAPABILITY_SETS}
    for name in ("noNewPrivileges", "apparmorProfile", "selinuxLabel"):
        process.pop(name, None)
    for name in ("maskedPaths", "readonlyPaths", "seccomp", "mountLabel"):
        linux.pop(name, None)
    linux.setdefault("resources", {})["devices"] = [dict(defaults.ALL_DEVICES)]
    for entry in config.get("mounts", []):
        # A template may hold anything.
        options = entry.get("options") if isinstance(entry, dict) else None
        if isinstance(options, list) and entry.get("type") in ("sysfs", "cgroup"):
            entry["options"] = ["rw" if word == "ro" else word for word in options]


PROFILES: dict[str, Callable[[Tree, str], None]] = {
    "minimal": minimal,
    "default": unchanged,
    "hardened": hardened,
    "privileged": privileged,
}
"""What ``--profile`` takes, and what it does to the defaults of a platform."""


def rootless(config: Tree, platform: str) -> None:
    """What an ordinary user may do without help: a user namespace with one id, the network of the host, no limits."""
    if platform != "linux":
        raise OptionError(f"rootless is for linux, but this config is for {platform}")
    linux = config["linux"]
    kept = [entry for entry in linux["namespaces"] if entry["type"] != "network"]
    linux["namespaces"] = [*kept, {"type": "user"}]
    linux["uidMappings"] = [{"containerID": 0, "hostID": _own_id("getuid"), "size": 1}]
    linux["gidMappings"] = [{"containerID": 0, "hostID": _own_id("getgid"), "size": 1}]
    linux.pop("resources", None)
    # The only user that exists inside is the one that is mapped.
    config["process"]["user"] = config["process"]["user"] | {"uid": 0, "gid": 0}
    replaced = {"/sys": defaults.HOST_SYS, "/dev/pts": defaults.ROOTLESS_DEVPTS}
    kept_mounts = [entry for entry in config.get("mounts", []) if entry["destination"] != "/sys/fs/cgroup"]
    config["mounts"] = [replaced.get(entry["destination"], entry) for entry in kept_mounts]


def _own_id(name: str) -> int:
    ask = getattr(os, name, None)
    return int(ask()) if ask else 0


def starting_tree(platform: str, profile: str, *, without_root: bool) -> Tree:
    """The defaults of a platform in a profile. Raises :class:`OptionError` for names that nobody knows."""
    for what, known, asked in (("platform", defaults.PLATFORMS, platform), ("profile", PROFILES, profile)):
        if asked not in known:
            raise OptionError(f"unknown {what} {asked!r}; known are {', '.join(known)}")
    config = deepcopy(defaults.PLATFORMS[platform]())
    PROFILES[profile](config, platform)
    if without_root:
        rootless(config, platform)
    # Profiles put parts of the tables into it, which are everybody's.
    return deepcopy(config)
