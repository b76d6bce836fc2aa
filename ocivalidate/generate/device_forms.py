"""The forms of ``--device``, and the devices they mean on this host."""

from __future__ import annotations

import os
import re
import stat
from typing import NamedTuple

from ocivalidate.errors import OptionError
from ocivalidate.generate import units
from ocivalidate.generate.table import Arguments

_EXPLICIT = re.compile(r"([bcu]):([0-9]{1,7}):([0-9]{1,7}):([^:]+)(?::([rwm]+))?")
_FIFO = re.compile(r"p:([^:]+)")
ACCESS = re.compile("[rwm]+")
DEVICE_FORM = "PATH[:PATH[:rwm]] or TYPE:MAJOR:MINOR:PATH[:rwm], then :mode=0660:uid=0:gid=5"
_OWNER_NAMES = ("mode", "uid", "gid")
_MOST = 1024
"""Devices in a folder; /dev of a large host has some hundred."""
# What belongs to the container below /dev; engines skip it too.
_OWN = frozenset({"pts", "shm", "fd", "mqueue", "console", ".lxc", ".lxd-mounts", "lxc", "lxcfs", ".udev"})


class Owner(NamedTuple):
    """Mode and owner of a device; ``None`` is what a runtime gives: 0666, root."""

    mode: int | None = None
    uid: int | None = None
    gid: int | None = None

    @property
    def members(self) -> dict[str, int]:
        """As a config has them."""
        written = {"fileMode": self.mode, "uid": self.uid, "gid": self.gid}
        return {name: value for name, value in written.items() if value is not None}

    def over(self, other: Owner) -> Owner:
        """What this one says, and ``other`` where it says nothing."""
        return Owner(*(mine if mine is not None else theirs for mine, theirs in zip(self, other, strict=True)))


UNCHANGED = Owner()


class Device(NamedTuple):
    """A device as it will be in the container."""

    path: str
    kind: str
    major: int
    minor: int
    owner: Owner = UNCHANGED


_EVERYBODY = Owner(0o666, 0, 0)
# Devices whose numbers never change (the kernel's admin-guide/devices.txt): the same config on every host, with the
# mode that they are meant to have.
_WELL_KNOWN: dict[str, tuple[str, int, int, Owner]] = {
    "/dev/null": ("c", 1, 3, _EVERYBODY),
    "/dev/zero": ("c", 1, 5, _EVERYBODY),
    "/dev/full": ("c", 1, 7, _EVERYBODY),
    "/dev/random": ("c", 1, 8, _EVERYBODY),
    "/dev/urandom": ("c", 1, 9, _EVERYBODY),
    "/dev/kmsg": ("c", 1, 11, Owner(0o644, 0, 0)),
    "/dev/tty": ("c", 5, 0, _EVERYBODY),
    "/dev/fuse": ("c", 10, 229, _EVERYBODY),
    "/dev/net/tun": ("c", 10, 200, _EVERYBODY),
    "/dev/kvm": ("c", 10, 232, _EVERYBODY),
    "/dev/vhost-net": ("c", 10, 238, Owner(0o660, 0, 0)),
    "/dev/loop-control": ("c", 10, 237, Owner(0o660, 0, 0)),
}


def read_device(text: str) -> Arguments:
    """The arguments of :meth:`DeviceOptions.device`: path, access, path on the host, type, numbers, owner."""
    if "://" in text:
        # As Windows has it: class://GUID.
        return (text,)
    words, owner = _owned(text)
    explicit = _EXPLICIT.fullmatch(words)
    if explicit:
        kind, major, minor, path, access = explicit.groups()
        return path, access or "rwm", "", kind, (int(major), int(minor)), owner
    fifo = _FIFO.fullmatch(words)
    if fifo:
        return fifo[1], "rwm", "", "p", None, owner
    host, *rest = words.split(":")
    if "=" in host and not host.startswith(("/", ".")):
        raise OptionError(
            f"{text!r} is a CDI device name, which an engine looks up; its specification, a file below /etc/cdi or "
            "/run/cdi, says what to write with --device, -v, -e and --hook"
        )
    if len(rest) > 2:
        raise OptionError(f"{text!r} is not of the form {DEVICE_FORM}")
    if len(rest) == 1 and ACCESS.fullmatch(rest[0]):
        return host, rest[0], host, "", None, owner
    return (rest[0] if rest else "") or host, rest[1] if len(rest) > 1 else "rwm", host, "", None, owner


def _owned(text: str) -> tuple[str, Owner]:
    """``:mode=0640``, ``:uid=5`` and ``:gid=6`` at the end, and what stands before them."""
    owner: dict[str, int] = {}
    while True:
        before, colon, last = text.rpartition(":")
        name, equals, value = last.partition("=")
        if not (colon and equals and name in _OWNER_NAMES):
            return text, Owner(**owner)
        owner[name] = units.octal(value) if name == "mode" else units.count(value)
        text = before


def devices_at(host_path: str, path: str) -> list[Device]:
    """The device at a path, or all devices in a folder and below it, as they will be at ``path``.

    Those that are the same everywhere are in a table, all others are those of this host. Raises :class:`OptionError`.
    """
    if host_path in _WELL_KNOWN:
        return [Device(path, *_WELL_KNOWN[host_path])]
    try:
        found = os.stat(host_path)
        if stat.S_ISDIR(found.st_mode):
            return _in_folder(host_path, path)
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else str(problem)
        raise OptionError(f"cannot look at {host_path!r}: {reason}; give its numbers: c:MAJOR:MINOR:PATH") from None
    device = _device(found, path)
    if device is None:
        raise OptionError(f"{host_path} is not a device")
    return [device]


def _device(found: os.stat_result, path: str) -> Device | None:
    kind = "b" if stat.S_ISBLK(found.st_mode) else "c" if stat.S_ISCHR(found.st_mode) else ""
    owner = Owner(stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid)
    return Device(path, kind, os.major(found.st_rdev), os.minor(found.st_rdev), owner) if kind else None


def _in_folder(folder: str, path: str) -> list[Device]:
    """Sorted by path, links left alone. Raises :class:`OptionError` where there is none, and OSError."""
    found: list[Device] = []
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _OWN and not os.path.islink(f"{root}/{name}"))
        for name in sorted(files):
            inside = os.path.normpath(f"{path}/{os.path.relpath(f'{root}/{name}', folder)}")
            device = _device(os.lstat(f"{root}/{name}"), inside) if name not in _OWN else None
            found += [device] if device else []
        if len(found) > _MOST:
            raise OptionError(f"{folder} has more than {_MOST} devices; name the ones that you want")
    if not found:
        raise OptionError(f"{folder} is not a device and contains none")
    return found
