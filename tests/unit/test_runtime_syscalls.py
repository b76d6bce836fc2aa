"""Mounting, where something is in the way for a moment."""

from __future__ import annotations

import ctypes
import errno
from types import SimpleNamespace

import pytest

from ocivalidate.runtime.kernel import syscalls


def answers(monkeypatch: pytest.MonkeyPatch, *numbers: int) -> list[int]:
    """Have mount(2) fail with these errors in turn, and then no more; what is left of them."""
    left = list(numbers)

    def mount(*_arguments: object) -> int:
        number = left.pop(0) if left else 0
        ctypes.set_errno(number)
        return -1 if number else 0

    monkeypatch.setattr(syscalls, "_libc", lambda: SimpleNamespace(mount=mount))
    monkeypatch.setattr(syscalls, "have_own_mounts", lambda: True)
    monkeypatch.setattr(syscalls, "_BUSY_PAUSE", 0.0)
    return left


def test_a_remount_waits_for_who_writes_there(monkeypatch: pytest.MonkeyPatch) -> None:
    left = answers(monkeypatch, errno.EBUSY, errno.EBUSY)
    syscalls.mount("none", "/m", flags=syscalls.MS_REMOUNT)
    assert left == []


@pytest.mark.parametrize(
    ("flags", "number", "calls"), [(syscalls.MS_REMOUNT, errno.EBUSY, 100), (0, errno.EBUSY, 1), (0, errno.EPERM, 1)]
)
def test_what_stays_in_the_way_is_an_error(
    flags: int, number: int, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = answers(monkeypatch, *[number] * 200)
    with pytest.raises(OSError, match="/m") as raised:
        syscalls.mount("none", "/m", flags=flags)
    assert (raised.value.errno, 200 - len(left)) == (number, calls)


def test_nothing_is_mounted_in_a_namespace_that_others_have_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syscalls, "_libc", lambda: pytest.fail("asked the kernel"))
    assert not syscalls.have_own_mounts()
    with pytest.raises(PermissionError, match="not in a mount namespace of its own: '/m'"):
        syscalls.mount("none", "/m", "tmpfs")
    with pytest.raises(PermissionError, match="not in a mount namespace of its own: '/m'"):
        syscalls.unmount("/m")
