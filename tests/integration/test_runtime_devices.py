"""What a runtime does to the devices that it is given is told, and never done to those of the host."""

from __future__ import annotations

import ctypes
import os
import shutil
import stat
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.mutants import Mutant
from tests.integration.enclosure import why_not_root

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(why_not_root() is not None, reason=str(why_not_root())),
]
STRANGER = 12345
NULL = "/dev/null"


def in_own_mounts(work: Callable[[], None]) -> None:
    """Do something in a child with mounts of its own; what it asserts is told by its exit code."""
    from ocivalidate.runtime.kernel import isolation

    in_a_child(isolation.private_mounts, work)


def in_a_child(*steps: Callable[[], object]) -> None:
    child = os.fork()
    if child == 0:
        try:
            for step in steps:
                step()
        except BaseException:  # noqa: BLE001  # whatever it is, it is told
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0


def identity(path: str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_dev, found.st_ino


def test_the_nodes_are_others_and_do_the_same() -> None:
    from ocivalidate.runtime.kernel import nodes

    before = identity(NULL), os.stat(NULL).st_ctime_ns

    def work() -> None:
        devices = nodes.cover()
        assert identity(NULL) != before[0]
        assert os.stat(NULL).st_rdev == os.makedev(1, 3)
        for name in ("null", "zero", "full", "random", "urandom", "tty"):
            assert stat.S_ISCHR(os.stat(f"/dev/{name}").st_mode)
        with Path("/dev/zero").open("rb") as zero:
            assert zero.read(3) == b"\0\0\0"
        assert Path(NULL).write_bytes(b"away") == 4
        assert os.isatty(os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY))
        assert os.path.ismount("/dev/pts")
        assert devices.look() == []
        os.chown(NULL, STRANGER, 2)
        os.chmod("/dev/zero", 0o600)
        told = [
            "/dev/null changed from 0:0 with mode 0666 to 12345:2 with mode 0666",
            "/dev/zero changed from 0:0 with mode 0666 to 0:0 with mode 0600",
        ]
        assert devices.look() == told
        found = os.stat(NULL)
        assert (found.st_uid, found.st_gid) == (0, 0)
        # It has been put back, and is not forgotten.
        assert devices.look() == told
        assert devices.close() == []

    in_own_mounts(work)
    assert identity(NULL) == before[0]
    assert os.stat(NULL).st_uid != STRANGER


def mounts() -> str:
    return Path("/proc/self/mountinfo").read_text("utf-8")


def test_no_mount_is_made_or_removed_where_the_host_can_see_it() -> None:
    from ocivalidate.runtime.kernel import isolation, nodes, syscalls

    def enter_what_others_have_made() -> None:
        # A namespace, so that the host is safe from this test, which syscalls knows nothing of.
        libc = ctypes.CDLL(None)
        assert libc.unshare(syscalls.CLONE_NEWNS) == 0
        assert libc.mount(b"none", b"/", None, ctypes.c_ulong(syscalls.MS_REC | syscalls.MS_PRIVATE), None) == 0

    def nothing_is_mounted() -> None:
        before = mounts()
        assert nodes.cover().given.before.keys() >= {"null", "zero"}
        with pytest.raises(PermissionError, match="not in a mount namespace of its own"):
            syscalls.mount("none", "/mnt", "tmpfs")
        with pytest.raises(PermissionError, match="not in a mount namespace of its own"):
            syscalls.unmount("/proc")
        assert mounts() == before

    def they_are_made_in_our_own() -> None:
        isolation.private_mounts()
        in_a_child(lambda: syscalls.mount("none", "/mnt", "tmpfs"))

    in_a_child(enter_what_others_have_made, nothing_is_mounted)
    in_a_child(enter_what_others_have_made, they_are_made_in_our_own, enter_what_others_have_made, nothing_is_mounted)


def test_where_no_nodes_can_be_made_those_of_the_host_are_put_back(tmp_path: Path) -> None:
    from ocivalidate.runtime.kernel import nodes

    os.mknod(tmp_path / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    (tmp_path / "null").chmod(0o666)

    def refuse(*_: object) -> None:
        raise PermissionError

    def work() -> None:
        from ocivalidate.runtime.kernel import syscalls

        # In the place of the host's.
        syscalls.mount(str(tmp_path), "/dev", flags=syscalls.MS_BIND)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "mknod", refuse)
            devices = nodes.cover()
        assert not os.path.ismount("/dev/null")
        os.chown(NULL, STRANGER, STRANGER)
        assert devices.look() == ["/dev/null changed from 0:0 with mode 0666 to 12345:12345 with mode 0666"]
        assert os.stat(NULL).st_uid == 0

    in_own_mounts(work)
    assert (tmp_path / "null").stat().st_uid == 0


@pytest.mark.skipif(shutil.which("runc") is None, reason="runc is not installed")
def test_a_runtime_that_gives_its_standard_input_away_is_told(tmp_path: Path) -> None:
    runtime = Mutant("gives it away", "gives-away", (), {"uid": STRANGER}).write(tmp_path, shutil.which("runc") or "")
    command = [sys.executable, "-m", "ocivalidate", "runtime", "--no-expectations", "--fail-on", "warning"]
    done = subprocess.run(
        [*command, "--runtime", str(runtime), "--select", "devices.of-the-host-stay-as-they-are"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done
    assert "not ok 1 - devices.of-the-host-stay-as-they-are: safety/runtime.host-devices" in done.stdout
    assert "/dev/null changed from " in done.stdout
    assert " to 12345:12345 with mode 0666" in done.stdout
    assert os.stat(NULL).st_uid != STRANGER
