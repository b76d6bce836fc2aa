"""The same image, unpacked by us and by umoci: the trees are the same, and so bundles run."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocivalidate.cli import main
from ocivalidate.rules.findings import ExitCode, exit_code
from ocivalidate.unpack import unpack_image
from ocivalidate.unpack.judging import check_conversion
from tests.integration.enclosure import run, why_not_enclosed, why_not_root
from tests.trees import differences

pytestmark = pytest.mark.integration

NEEDED = ("umoci",)
NOBODY = 65534
# To oci-gen, for the only user that a user without privileges can be.
AFTER = ("--", "--user", "0:0")
# crun 1.8 does not run where both versions of control groups are mounted. Covered, not unmounted: below the mount is
# the host's own tmpfs, in which crun would leave folders.
COVER = "test ! -d /sys/fs/cgroup/unified || mount -n -t tmpfs tmpfs /sys/fs/cgroup/unified"
ROOT = str(Path(__file__).parents[2])
OCIVALIDATE = ["env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "ocivalidate"]
CONFIG = (
    "--config.user=alice --config.env=FOO=bar --config.env=PATH=/usr/bin:/bin --config.entrypoint=/bin/busybox"
    " --config.cmd=id --config.volume=/data --config.exposedports=80/tcp --config.label=org.example.a=b"
    " --config.stopsignal=SIGTERM --config.workingdir=/home/alice"
).split()


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image of two layers that umoci packed, of a tree with everything in it."""
    for program in NEEDED:
        if shutil.which(program) is None:
            pytest.skip(f"not installed: {program}")
    if why_not_root():
        pytest.skip(str(why_not_root()))
    work = tmp_path_factory.mktemp("umoci")
    run(["umoci", "init", "--layout", "image"], work)
    run(["umoci", "new", "--image", "image:x"], work)
    run(["umoci", "unpack", "--image", "image:x", "b"], work)
    lower(work / "b/rootfs")
    run(["umoci", "repack", "--image", "image:x", "b"], work)
    upper(work / "b/rootfs")
    run(["umoci", "repack", "--image", "image:x", "b"], work)
    run(["umoci", "config", "--image", "image:x", *CONFIG], work)
    return work / "image"


def lower(root: Path) -> None:
    for folder in ("etc", "bin", "home/alice", "dev", "var/gone", "srv/closed"):
        (root / folder).mkdir(parents=True)
    busybox = shutil.which("busybox")
    shutil.copy(busybox, root / "bin/busybox") if busybox else (root / "bin/busybox").touch()
    (root / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\nalice:x:1000:100::/home/alice:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\nusers:x:100:\nstaff:x:50:alice\n")
    os.link(root / "etc/passwd", root / "etc/passwd.hard")
    os.symlink("../nowhere", root / "etc/dangling")
    os.chown(root / "home/alice", 1000, 100)
    os.chown(root / "etc/dangling", 7, 8, follow_symlinks=False)
    os.mkfifo(root / "srv/fifo")
    os.mknod(root / "dev/null", 0o20666, os.makedev(1, 3))
    os.setxattr(root / "etc/group", "user.test", b"v\0w")
    capability = bytes.fromhex("0100000200040000000000000000000000000000")
    os.setxattr(root / "bin/busybox", "security.capability", capability)
    (root / "srv/suid").write_text("x")
    (root / "srv/suid").chmod(0o6755)
    (root / "var/gone/f").write_text("x")
    (root / "var/type").mkdir()
    os.utime(root / "etc/group", ns=(1, 1_234_567_890_123_456_789))
    (root / "srv/closed").chmod(0)


def upper(root: Path) -> None:
    shutil.rmtree(root / "var/gone")
    (root / "var/type").rmdir()
    (root / "var/type").write_text("a file now")
    (root / "etc/passwd.hard").unlink()
    (root / "srv/closed/new").write_text("x")


@pytest.mark.parametrize("mode", ["root", "rootless", "mapped"])
def test_the_tree_is_that_of_umoci(layout: Path, tmp_path: Path, mode: str) -> None:
    options = {
        "root": [],
        "rootless": ["--rootless"],
        "mapped": ["--uid-map=0:100000:65536", "--gid-map=0:100000:65536"],
    }
    run(["umoci", "unpack", "--image", f"{layout}:x", *options[mode], "theirs"], tmp_path)
    run([*OCIVALIDATE, "unpack", str(layout), "ours", *options[mode]], tmp_path)
    assert differences(tmp_path / "ours/rootfs", tmp_path / "theirs/rootfs") == []


def test_what_umoci_makes_of_the_configuration_passes(layout: Path, tmp_path: Path) -> None:
    run(["umoci", "unpack", "--image", f"{layout}:x", "theirs"], tmp_path)
    for bundle in ("ours", "theirs"):
        if bundle == "ours":
            unpack_image(str(layout), str(tmp_path / bundle))
        report = check_conversion(str(tmp_path / bundle), str(layout))
        assert report.findings == ()
        assert exit_code([report]) is ExitCode.CONFORMS


@pytest.mark.parametrize("runtime", ["runc", "crun"])
def test_the_bundle_runs(layout: Path, tmp_path: Path, runtime: str) -> None:
    if shutil.which(runtime) is None or shutil.which("busybox") is None:
        pytest.skip(f"not installed: {runtime} or busybox")
    if why_not_enclosed():
        pytest.skip(str(why_not_enclosed()))
    run([*OCIVALIDATE, "unpack", str(layout), "b"], tmp_path)
    script = f'{COVER}; exec {runtime} --root "$PWD/state" run -b b unpack-{os.getpid()}'
    said = run(["unshare", "-m", "sh", "-c", script], tmp_path)
    assert said.startswith("uid=1000(alice) gid=100(users) groups=")
    assert "50(staff)" in said


@pytest.mark.parametrize("runtime", ["runc", "crun"])
def test_the_bundle_of_another_user_runs(layout: Path, tmp_path: Path, open_folder: Path, runtime: str) -> None:
    """As the user nobody, who may make one user namespace and no more."""
    if shutil.which(runtime) is None or shutil.which("busybox") is None:
        pytest.skip(f"not installed: {runtime} or busybox")
    if why_not_enclosed():
        pytest.skip(str(why_not_enclosed()))
    # Code and schemas may stand where the other user cannot look: what is loaded late is loaded now.
    assert main(["unpack", "-q", "--rootless", str(layout), str(tmp_path / "warm"), *AFTER]) == 0
    work = open_folder / "work"
    shutil.copytree(layout, work / "image")
    for path in (work, *work.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    assert as_nobody(work) == 0
    become = f"setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups env HOME=$PWD XDG_RUNTIME_DIR=$PWD"
    start = f'{become} {runtime} --root "$PWD/state" run -b b unpack-{os.getpid()}'
    said = run(["unshare", "-m", "sh", "-c", f"{COVER}; {start}"], work)
    assert said.startswith("uid=0(root) gid=0(root)")
    owners = {path.lstat().st_uid for path in (work / "b").rglob("*")}
    assert owners == {NOBODY}


def as_nobody(work: Path) -> int:
    """Unpack as another user; the exit code."""
    child = os.fork()
    if child == 0:
        code = 3
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            code = main(["unpack", "-q", str(work / "image"), str(work / "b"), *AFTER])
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can reach: those of pytest are closed to them."""
    folder = Path(tempfile.mkdtemp(prefix="ocivalidate-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
