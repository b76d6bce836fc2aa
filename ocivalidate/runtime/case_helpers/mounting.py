"""Mounts of cases: on our side, and many in one container, so that each costs next to nothing.

A mount that the runtime refuses must not hide what it does with the others: :func:`create_with` finds out which those
are, and goes on without them.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ocivalidate.runtime.case_context import CaseContext
from ocivalidate.runtime.driving.container import Container
from ocivalidate.runtime.inside import probe
from ocivalidate.runtime.kernel import syscalls

Mount = Mapping[str, Any]

_FLAGS = {
    "bind": syscalls.MS_BIND,
    "noatime": syscalls.MS_NOATIME,
    "nodev": syscalls.MS_NODEV,
    "nodiratime": syscalls.MS_NODIRATIME,
    "noexec": syscalls.MS_NOEXEC,
    "nosuid": syscalls.MS_NOSUID,
    "nosymfollow": syscalls.MS_NOSYMFOLLOW,
    "remount": syscalls.MS_REMOUNT,
    "ro": syscalls.MS_RDONLY,
    "strictatime": syscalls.MS_STRICTATIME,
}
_PROPAGATION = {
    "private": syscalls.MS_PRIVATE,
    "shared": syscalls.MS_SHARED,
    "slave": syscalls.MS_SLAVE,
    "unbindable": syscalls.MS_UNBINDABLE,
}
# mov eax, geteuid; syscall; mov edi, eax; mov eax, exit; syscall, and the same elsewhere.
_CODE = {
    "x86_64": (62, "b86b0000000f0589c7b83c0000000f05"),
    "aarch64": (183, "e81580d2010000d4a80b80d2010000d4"),
    "riscv64": (243, "9308f00a730000009308d00573000000"),
}
USERS_ROOT = (100000, 200000)
"""The user and the group that are root in the user namespaces of :func:`in_user_namespace`."""
MACHINES = "machine:" + "|".join(_CODE)
"""What a case needs that looks at the effects of exec and suid."""


def euid_program(machine: str) -> bytes:
    """The bytes of an executable that exits with the lowest byte of its effective user id.

    Empty for a machine that it is not written for: see ``MACHINES``.
    """
    if machine not in _CODE:
        return b""
    number, code = _CODE[machine]
    body = bytes.fromhex(code)
    header, segment, start = 64, 56, 0x400000
    size = header + segment + len(body)
    identity = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    entry = start + header + segment
    return (
        identity
        + struct.pack("<HHIQQQIHHHHHH", 2, number, 1, entry, header, 0, 0, header, segment, 1, 0, 0, 0)
        + struct.pack("<IIQQQQQQ", 1, 5, 0, start, start, size, size, 0x1000)
        + body
    )


def host_mount(
    trial: CaseContext, target: Path, *options: str, kind: str = "tmpfs", source: str = "ocivalidate", data: str = ""
) -> Path:
    """Mount something in our own mount namespace until the case is over, and return where.

    ``options`` are words of mount(8): flags, ``remount``, and propagation, which is applied afterwards. Raises
    :class:`OSError`.
    """
    target.mkdir(mode=0o755, exist_ok=True)
    flags = sum(_FLAGS.get(option, 0) for option in options)
    syscalls.mount(source, str(target), kind, flags, data)
    if "remount" not in options:
        trial.undo(lambda: _unmount(target))
    for option in options:
        if option in _PROPAGATION:
            syscalls.mount("none", str(target), flags=_PROPAGATION[option])
    return target


def _unmount(target: Path) -> None:
    with contextlib.suppress(OSError):
        syscalls.unmount(str(target))


def lay_out(trial: CaseContext, folder: Path) -> None:
    """Lay out in a folder of ours what the probe's step ``effects`` looks at. Raises :class:`OSError`."""
    done = probe.perform("lay-out", [str(folder), euid_program(trial.host.machine).hex()])
    if "error" in done:
        raise OSError(f"cannot lay out {folder}: {done['error']}")


def effects_of(trial: CaseContext, folder: str) -> list[list[str]]:
    """The two steps of the probe that lay out a folder in the container, and look at what can be done there."""
    return [["lay-out", folder, euid_program(trial.host.machine).hex()], ["effects", folder]]


@dataclass(slots=True)
class Mounted:
    """A container with many mounts. ``refused``: what the runtime said to those that it does not take, by name."""

    container: Container
    refused: dict[str, str] = field(default_factory=dict)


def create_with(
    trial: CaseContext,
    config: Mapping[str, Any],
    mounts: Mapping[str, Sequence[Mount]],
    prepare: Callable[[Container], None] | None = None,
) -> Mounted:
    """Create a container whose config has ``mounts`` beside its own: under each name those that belong together.

    Their destinations are folders of the root filesystem before. ``prepare`` does what else is to be done before
    ``create``. Raises :class:`ControlFailed` where the runtime does not even create it without them.
    """
    container = _container(trial, config, mounts.values(), prepare)
    done = container.create()
    if done.ok:
        return Mounted(container)
    container.clean_up()
    # What is refused without any of them is not their matter.
    trial.control(config)
    refused = _refused(trial, config, mounts, prepare, done.last_error_line)
    taken = [entries for name, entries in mounts.items() if name not in refused]
    return Mounted(_container(trial, config, taken, prepare).must_create(), refused)


def _refused(
    trial: CaseContext,
    config: Mapping[str, Any],
    mounts: Mapping[str, Sequence[Mount]],
    prepare: Callable[[Container], None] | None,
    words: str,
) -> dict[str, str]:
    """Which of ``mounts``, which the runtime refused together with these words, it refuses alone: by halving."""
    if len(mounts) == 1:
        return dict.fromkeys(mounts, words)
    refused: dict[str, str] = {}
    names = [*mounts]
    for half in (names[: len(names) // 2], names[len(names) // 2 :]):
        some = {name: mounts[name] for name in half}
        container = _container(trial, config, some.values(), prepare)
        done = container.create()
        container.clean_up()
        if not done.ok:
            refused |= _refused(trial, config, some, prepare, done.last_error_line)
    return refused


def _container(
    trial: CaseContext,
    config: Mapping[str, Any],
    groups: Iterable[Sequence[Mount]],
    prepare: Callable[[Container], None] | None,
) -> Container:
    mounts = [mount for entries in groups for mount in entries]
    container = trial.container({**config, "mounts": [*config["mounts"], *mounts]})
    for mount in mounts:
        (container.bundle / "rootfs" / mount["destination"].lstrip("/")).mkdir(parents=True, exist_ok=True)
    if prepare is not None:
        prepare(container)
    return container


def in_user_namespace(config: dict[str, Any]) -> dict[str, Any]:
    """The config with a new user namespace whose root is ``USERS_ROOT`` outside, and without its mount of /sys.

    Only who owns the network namespace may mount that one.
    """
    config["mounts"] = [mount for mount in config["mounts"] if mount["destination"] != "/sys"]
    config["linux"]["namespaces"].append({"type": "user"})
    for kind, first in zip(("uidMappings", "gidMappings"), USERS_ROOT, strict=True):
        config["linux"][kind] = [{"containerID": 0, "hostID": first, "size": 65536}]
    return config


def at(facts_mounts: Sequence[Mapping[str, Any]], point: str) -> Mapping[str, Any]:
    """The entry for what is on top at ``point``, of what the probe's step ``mountinfo`` gave; empty for nothing."""
    return next((entry for entry in reversed(facts_mounts) if entry["point"] == point), {})


def propagation(entry: Mapping[str, Any]) -> str:
    """How a mount, by its entry of mountinfo, takes part in propagation: in the words of mount(8)."""
    words = {field.partition(":")[0] for field in entry.get("propagation", ())}
    if "shared" in words:
        return "shared"
    if "master" in words:
        return "slave"
    return "unbindable" if "unbindable" in words else "private"


def host_mount_points() -> set[str]:
    """The paths of all mounts in our own mount namespace."""
    return {str(entry["point"]) for entry in probe.mountinfo()}
