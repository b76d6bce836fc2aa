"""Options about devices: which there are, who may use them, how fast."""

from __future__ import annotations

import re
from typing import Self

from ocivalidate.errors import OptionError
from ocivalidate.generate import units
from ocivalidate.generate.device_forms import (
    ACCESS,
    DEVICE_FORM,
    UNCHANGED,
    Device,
    Owner,
    devices_at,
    read_device,
)
from ocivalidate.generate.draft import Draft
from ocivalidate.generate.resources import read_device_pair
from ocivalidate.generate.table import Arguments, Phase, option
from ocivalidate.generate.units import Number
from ocivalidate.system.arguments import StrPath, path_text

_NUMBERS = re.compile(r"([0-9]{1,7}):([0-9]{1,7})")
_RULE = re.compile(r"([abc]) ([0-9]{1,7}|\*):([0-9]{1,7}|\*) ([rwm]{1,3})")


def _read_rule(text: str) -> Arguments:
    words = text.strip()
    allow = not words.startswith("deny ")
    return words.removeprefix("deny ").removeprefix("allow "), allow


class DeviceOptions(Draft):
    """``linux.devices``, the rules for devices, throttles; ``windows.devices``."""

    @option(
        "--device",
        group="devices",
        metavar="DEVICE",
        reads=read_device,
        help=f"add a device and allow its use: {DEVICE_FORM}; on Windows class/GUID",
    )
    def device(
        self,
        path: StrPath,
        access: str = "rwm",
        host_path: StrPath = "",
        kind: str = "",
        numbers: tuple[int, int] | None = None,
        owner: Owner = UNCHANGED,
    ) -> Self:
        """A device at ``path`` in the container, and the rule that lets it be used.

        Its ``kind`` (``c``, ``b``, ``u``, or ``p`` for a FIFO) and ``numbers`` (major and minor) are those given, else
        those of ``host_path`` (default: ``path``): from a table for devices that are the same everywhere, else from
        this host, with mode and owner; a folder stands for all devices in it. ``owner`` says otherwise. On Windows
        ``path`` is ``class/GUID``.
        """
        path, host_path = path_text(path), path_text(host_path, "host_path")
        if self._on("windows") and not self._on("linux"):
            return self._windows_device(path)
        if not ACCESS.fullmatch(access):
            raise OptionError(f"{access!r} is not an access of the letters r, w and m")
        if kind == "p":
            return self._put_entry("linux.devices", {"type": "p", "path": path, **owner.members}, key="path")
        given = [Device(path, kind or "c", *numbers)] if numbers else None
        found = given or devices_at(host_path or path, path)
        for device in found:
            self._device(device._replace(owner=owner.over(device.owner)), access)
        return self

    def _device(self, device: Device, access: str) -> None:
        place = {"type": device.kind, "path": device.path, "major": device.major, "minor": device.minor}
        self._put_entry("linux.devices", {**place, **device.owner.members}, key="path")
        rule = {"type": "b" if device.kind == "b" else "c", "major": device.major, "minor": device.minor}
        self._put("linux.resources.devices[+]", {"allow": True, **rule, "access": access})

    def _windows_device(self, text: str) -> Self:
        kind, found, identity = text.partition("://" if "://" in text else "/")
        if not found or not identity:
            raise OptionError(f"{text!r} is not of the form class/GUID")
        return self._put_entry("windows.devices", {"id": identity, "idType": kind}, key="id")

    @option(
        "--device-cgroup-rule",
        group="devices",
        metavar="RULE",
        reads=_read_rule,
        help='a device rule: "c 1:* rwm", "deny a *:* rwm"',
    )
    def device_cgroup_rule(self, rule: str, allow: bool = True) -> Self:  # noqa: FBT001, FBT002  # allowing is what rules are for
        """A rule for devices, ``TYPE MAJOR:MINOR ACCESS`` with ``*`` for any number, behind the rules before it."""
        match = _RULE.fullmatch(rule.strip())
        if match is None:
            raise OptionError(f"{rule!r} is not of the form TYPE MAJOR:MINOR ACCESS, such as: c 1:* rwm")
        entry: dict[str, object] = {"allow": allow, "type": match[1]}
        entry |= {name: int(number) for name, number in (("major", match[2]), ("minor", match[3])) if number != "*"}
        return self._put("linux.resources.devices[+]", entry | {"access": match[4]})

    @option(
        "--blkio-weight-device",
        group="devices",
        metavar="DEVICE:WEIGHT",
        reads=read_device_pair,
        help="disk time on one device, relative to other containers: /dev/sda:500, 8:0:500",
    )
    def blkio_weight_device(self, device: str, weight: int | str) -> Self:
        """Disk time on a device (a path on this host, or ``MAJOR:MINOR``) relative to others, 10 to 1000."""
        major, minor = _numbers(device)
        number = units.count(weight)
        if self._cgroup != "v2":
            self._throttle("weightDevice", major, minor, {"weight": number})
        return self if self._cgroup == "v1" else self._io_line("io.weight", major, minor, str(number))

    @option(
        "--device-read-bps",
        group="devices",
        metavar="DEVICE:RATE",
        reads=read_device_pair,
        help="limit on bytes read per second: /dev/sda:1m, 8:0:1m",
    )
    def device_read_bps(self, device: str, rate: Number) -> Self:
        """Bytes that may be read from a device (a path on this host, or ``MAJOR:MINOR``) in a second."""
        return self._rate(device, "throttleReadBpsDevice", "rbps", units.size(rate))

    @option(
        "--device-write-bps",
        group="devices",
        metavar="DEVICE:RATE",
        reads=read_device_pair,
        help="limit on bytes written per second",
    )
    def device_write_bps(self, device: str, rate: Number) -> Self:
        """Bytes that may be written to a device in a second."""
        return self._rate(device, "throttleWriteBpsDevice", "wbps", units.size(rate))

    @option(
        "--device-read-iops",
        group="devices",
        metavar="DEVICE:N",
        reads=read_device_pair,
        help="limit on reads per second",
    )
    def device_read_iops(self, device: str, rate: int | str) -> Self:
        """Reads from a device in a second."""
        return self._rate(device, "throttleReadIOPSDevice", "riops", units.count(rate))

    @option(
        "--device-write-iops",
        group="devices",
        metavar="DEVICE:N",
        reads=read_device_pair,
        help="limit on writes per second",
        phase=Phase.NORMAL,
    )
    def device_write_iops(self, device: str, rate: int | str) -> Self:
        """Writes to a device in a second."""
        return self._rate(device, "throttleWriteIOPSDevice", "wiops", units.count(rate))

    def _rate(self, device: str, field: str, word: str, rate: int) -> Self:
        major, minor = _numbers(device)
        if self._cgroup != "v2":
            self._throttle(field, major, minor, {"rate": rate})
        return self if self._cgroup == "v1" else self._io_line("io.max", major, minor, f"{word}={rate}")

    def _throttle(self, field: str, major: int, minor: int, value: dict[str, int]) -> None:
        path = f"linux.resources.blockIO.{field}"
        kept = [entry for entry in self._objects(path) if (entry.get("major"), entry.get("minor")) != (major, minor)]
        self._put(path, [*kept, {"major": major, "minor": minor, **value}])

    def _io_line(self, file: str, major: int, minor: int, words: str) -> Self:
        """The kernel takes one device in a write, so a key of ``unified`` can hold one."""
        path = f"linux.resources.unified.{file}"
        device = f"{major}:{minor}"
        before = str(self._get(path, "")).split()
        if before and before[0] != device:
            raise OptionError(
                f"{file} of cgroup v2 takes one device here, and {before[0]} is set already; --cgroup v1 takes several"
            )
        key = words.partition("=")[0]
        kept = [word for word in before[1:] if "=" in words and not word.startswith(f"{key}=")]
        return self._put(path, " ".join([device, *kept, words]))


def _numbers(device: str) -> tuple[int, int]:
    match = _NUMBERS.fullmatch(device)
    if match:
        return int(match[1]), int(match[2])
    found = devices_at(device, device)
    if [entry.kind for entry in found] != ["b"]:
        raise OptionError(f"{device} is not a block device")
    return found[0].major, found[0].minor
